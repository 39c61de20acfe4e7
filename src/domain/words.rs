//! Names for connections that a person can tell apart and say aloud:
//! `Cursor#quiet-heron`. They tell connections apart on a page, and are neither unique
//! nor secret.

/// Most characters of a connection's name.
const MAX_CHARACTERS: usize = 128;

/// Stands for the name of a client that gave none.
const NAMELESS_CLIENT: &str = "Client";

/// The name of a new connection: the client's name, `#`, an adjective, `-` and a noun,
/// at most 128 characters; a longer client name is cut to fit, after a whole character.
/// Of the random bytes, the first chooses the adjective and the second the noun; the
/// other two do not matter.
pub fn connection_name(client_name: &str, random: [u8; 4]) -> String {
    let [adjective, noun, ..] = random.map(usize::from);
    let pair = format!("#{}-{}", ADJECTIVES[adjective], NOUNS[noun]);
    let client_name = match client_name.trim() {
        "" => NAMELESS_CLIENT,
        name => name,
    };
    let mut name: String = client_name
        .chars()
        .take(MAX_CHARACTERS - pair.len())
        .collect();
    name.truncate(name.trim_end().len());
    name + &pair
}

/// Splits a list at its spaces while compiling, so that a list of another length than
/// 256, which some byte would not fit, does not compile.
const fn words(mut list: &'static str) -> [&'static str; 256] {
    let mut words = [""; 256];
    let mut count = 0;
    while !list.is_empty() {
        let mut end = 0;
        while end < list.len() && list.as_bytes()[end] != b' ' {
            end += 1;
        }
        let (word, rest) = list.split_at(end);
        words[count] = word;
        count += 1;
        list = if rest.is_empty() {
            rest
        } else {
            rest.split_at(1).1
        };
    }
    assert!(count == 256, "a list must have 256 words");
    words
}

/// Calm and friendly words.
const ADJECTIVES: [&str; 256] = words(
    "able active agile airy alert amber ample apt aqua artful autumn azure balanced balmy beaming \
     blooming blue bold bouncy brave breezy bright brisk bronze bubbly bumpy calm candid carefree \
     careful caring charming cheerful cheery civil classic clean clear clever coastal cobalt \
     colorful comfy compact composed cool copper coral cordial cosmic cozy crafty cream creative \
     crimson crisp crystal curious curly dainty dapper daring deft downy dreamy drifting dusky \
     eager early earnest earthy easy elegant even exact faithful fancy festive fine firm fleet \
     floating floral flowing fluent fluffy focused fond frank fresh friendly frosty gallant \
     gentle genuine glad gleaming glossy glowing golden graceful gracious grand grassy grateful \
     green handy happy hearty helpful honest hopeful humble ideal indigo ivory jolly joyful keen \
     kind kindly leafy level light lilac lively lofty loyal lucid lucky lunar lush magenta marine \
     maroon mellow merry mighty mild mindful minty misty modern modest mossy musical muted \
     natural neat nimble noble novel olive open orderly pastel patient peaceful pearly playful \
     pleasant poised polished polite prime proper purple quaint quick quiet radiant rapid ready \
     relaxed rising roaming robust rolling rosy round rugged rural rustic sandy scarlet secure \
     sensible serene sharp shiny silent silken silver simple sincere singing sleek smooth snowy \
     snug soaring social soft solar solid sound sparkling speedy spirited spotted stable starry \
     still stout striped strong sturdy subtle sunlit sunny sure swift swirling tactful tall \
     thankful thoughtful thrifty tidy timely tiny tranquil trim true trusty unique upbeat upright \
     useful valiant vast velvet verdant vibrant vivid wandering warm wavy welcome willing windy \
     winged winter wise witty zesty",
);

/// Birds, plants, stones, weather and landscapes.
const NOUNS: [&str; 256] = words(
    "acorn agate alder aloe apple apricot arbor ash aspen aster aurora bamboo barley basalt basin \
     bay beach beacon beech birch blossom bluebell bluff boulder bramble branch breeze bridge \
     brook bunting canary canyon cardinal cavern cedar chalk cherry chestnut cirrus clay cliff \
     cloud clover coast comet condor conifer cove crag crane creek crest crocus curlew cypress \
     daffodil daisy dale dawn delta dew dove drift drizzle dune dusk eagle elm ember falcon \
     feather fern field fig finch fir fjord flamingo flax flint flower forest fountain foxglove \
     frost garden garnet geyser glacier glade gleam glen goose gorge granite grass grotto grove \
     gull harbor hare harvest hawk hazelnut heath heather hedge heron hill holly honey horizon \
     ibis iris island ivy jade jasmine jasper jay juniper kestrel kite knoll lake lapwing larch \
     lark laurel lavender leaf ledge lemon lichen lily linden lotus lupin magnolia magpie mango \
     maple marble marigold martin meadow melon mesa mint mist moon moor moss mountain myrtle \
     nectar nutmeg oak oasis ocean onyx opal orchard orchid oriole osprey otter owl palm pansy \
     pasture path peach peak pear pearl pebble pelican peony petal petunia pine pipit plateau \
     plover plum plume pond poplar poppy prairie primrose puffin quail quartz quince rainbow reed \
     reef ridge river robin rock rose rowan ruby saffron sage sand sapling sapphire shale shell \
     shore shrub sky slate snow snowdrop sparrow spring spruce starling stone stork stream summit \
     sunrise sunset swallow swan teal tern thistle thrush thyme tide timber topaz trail tulip \
     tundra valley vine violet wagtail walnut warbler wave waxwing willow woodland wren yarrow \
     yew zinnia",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_connection_is_named_after_its_client_with_a_word_pair() {
        assert_eq!(connection_name("Cursor", [0, 0, 0, 0]), "Cursor#able-acorn");
        assert_eq!(
            connection_name(" Claude Code ", [255, 255, 9, 9]),
            "Claude Code#zesty-zinnia"
        );
        assert_eq!(connection_name("  ", [0, 0, 0, 0]), "Client#able-acorn");
    }

    #[test]
    fn a_name_never_exceeds_128_characters_and_always_ends_with_its_pair() {
        for client_name in [
            "x".repeat(500),
            "é".repeat(500),
            "🦀".repeat(500),
            "a ".repeat(250),
        ] {
            for byte in 0..=255 {
                let name = connection_name(&client_name, [byte, byte, 0, 0]);
                assert!(name.chars().count() <= MAX_CHARACTERS);
                let (client, pair) = name.rsplit_once('#').expect("a pair");
                assert!(client_name.starts_with(client) && client.chars().count() > 100);
                assert_eq!(client, client.trim_end());
                assert_eq!(pair.split('-').count(), 2);
            }
        }
    }

    #[test]
    fn all_words_differ_and_are_easy_to_type() {
        let all: BTreeSet<_> = ADJECTIVES.into_iter().chain(NOUNS).collect();
        assert_eq!(all.len(), 512);
        for word in all {
            assert!((3..=10).contains(&word.len()), "{word}");
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
        }
    }
}

//! Which registrations look alike: hosts that register again for each device, or
//! each time they start, fill the list with clients that a person cannot tell apart.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest, Sha256};

use super::{client::chooses_look, redirect::RedirectUri};

/// The same for clients that give the same name and the same addresses to be sent
/// back to. It proves nothing: any app can give itself another's name and addresses.
///
/// The name counts without upper case and repeated spaces, and however its accents and emoji are
/// written (Unicode's NFC). Of an address, neither the query nor the order among the others
/// counts. A loopback port does not either, because hosts take any that is free, nor which of the
/// loopback hosts it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct LookAlike(String);

impl LookAlike {
    /// What a client with this name and these addresses looks like.
    pub fn of(name: &str, redirect_uris: &[RedirectUri]) -> Self {
        let mut places: Vec<_> = redirect_uris.iter().map(RedirectUri::place).collect();
        places.sort_unstable();
        places.dedup();
        let seen: String = name.chars().filter(|c| !chooses_look(*c)).collect();
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&seen);
        let words: Vec<_> = composed.split_whitespace().collect();
        let mut hash = Sha256::new();
        hash.update(words.join(" ").to_lowercase());
        for place in places {
            hash.update("\n");
            hash.update(place);
        }
        Self(URL_SAFE_NO_PAD.encode(hash.finalize()))
    }

    /// The key, as it is kept: 43 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, uris: &[&str]) -> LookAlike {
        let uris: Vec<_> = uris
            .iter()
            .map(|uri| RedirectUri::from_stored((*uri).to_owned()))
            .collect();
        LookAlike::of(name, &uris)
    }

    const NAME: &str = "Claude Code";
    const URIS: &[&str] = &["http://localhost:49152/callback", "https://claude.ai/cb"];

    #[test]
    fn registrations_that_differ_in_nothing_a_person_sees_look_alike() {
        for (name, uris) in [
            ("claude  CODE ", URIS),
            ("Claude\u{fe0f} Code", URIS),
            (
                NAME,
                &[
                    "http://localhost:49152/%63allb%61ck",
                    "https://claude.ai./%63b",
                ],
            ),
            (
                NAME,
                &["https://claude.ai/cb", "http://localhost:1/callback"],
            ),
            (NAME, &["http://127.0.0.1/callback", "https://claude.ai/cb"]),
            (
                NAME,
                &["HTTP://[::1]:2/callback?x", "https://Claude.AI:443/cb"],
            ),
            (
                NAME,
                &[
                    "http://localhost:1/callback",
                    "http://127.0.0.1:2/callback",
                    "https://claude.ai/cb",
                ],
            ),
        ] {
            assert_eq!(of(name, uris), of(NAME, URIS), "{name} {uris:?}");
        }
        assert_eq!(of("Zo\u{308}e", URIS), of("ZÖE", URIS));
        let root = |uri| of(NAME, &[uri]);
        assert_eq!(
            root("http://127.0.0.1:33418"),
            root("http://127.0.0.1:33418/")
        );
    }

    #[test]
    fn another_name_or_another_place_is_another_look() {
        for (name, uris) in [
            ("Claude", URIS),
            (NAME, &["http://localhost:49152/callback"][..]),
            (
                NAME,
                &["http://localhost:49152/Callback", "https://claude.ai/cb"],
            ),
            (
                NAME,
                &[
                    "http://localhost:49152/callback",
                    "https://claude.ai:444/cb",
                ],
            ),
            (
                NAME,
                &["https://localhost:49152/callback", "https://claude.ai/cb"],
            ),
            (
                NAME,
                &["http://localhost:49152/callback", "cursor://claude.ai/cb"],
            ),
        ] {
            assert_ne!(of(name, uris), of(NAME, URIS), "{name} {uris:?}");
        }
        assert_ne!(of(NAME, &["cursor://a/cb"]), of(NAME, &["vscode://a/cb"]));
    }

    #[test]
    fn a_key_has_the_same_few_characters_for_every_client() {
        let long = format!("https://a.example/{}", "x".repeat(2000));
        assert_eq!(of("x", &[&long]).as_str().len(), 43);
        assert_eq!(of("", &[]).as_str().len(), 43);
    }
}

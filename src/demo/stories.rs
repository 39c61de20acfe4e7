//! What the demo's connections have been through: some told one by one, the
//! others dealt out by arithmetic that gives the same every time. Times are
//! seconds ago, so a greater one is earlier.

use std::cmp::Reverse;

use super::organization::{
    ANTON, BEATRIZ, CHATGPT, CLAUDE, CLIENTS, CODEX, CURSOR, DMITRI, ENGINEERING, INSPECTOR,
    ISSUES, KAVYA, LOOK_ALIKE, MEMBER, PAYMENTS, PEOPLE, SEARCH, VS_CODE, WAREHOUSE, WIKI,
};

const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// A person is asked to let a client act for them at a project.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Which of the people.
    pub person: usize,
    /// Which of the clients.
    pub client: usize,
    /// Which of the projects.
    pub project: usize,
    /// When they were asked.
    pub at: u64,
    /// What came of it.
    pub course: Course,
    /// How it was ended, if it was.
    pub end: Option<End>,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The person said no.
    Denied,
    /// The client never came for its tokens.
    Unused,
    /// Last used then.
    Used(u64),
}

/// The end of a connection by someone's act.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// When.
    pub at: u64,
    /// By whom.
    pub by: By,
    /// Why, when a reason was given.
    pub reason: Option<&'static str>,
}

/// Who ended it.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// The owner persona.
    Owner,
    /// The administrator of the project.
    Administrator,
    /// The person whose connection it is.
    Themself,
    /// The client handed its token back.
    Client,
    /// Untether, which found a token used twice.
    Untether,
    /// Someone with a shell on the server.
    CommandLine,
}

impl Story {
    const fn told(
        (person, client, project): (usize, usize, usize),
        at: u64,
        course: Course,
        end: Option<End>,
    ) -> Self {
        Self {
            person,
            client,
            project,
            at,
            course,
            end,
        }
    }

    /// Whether `newer` would replace this connection, because it has expired by then.
    fn makes_way_for(&self, newer: &Self) -> bool {
        let left = match self.course {
            Course::Denied => return false,
            Course::Unused => self.at,
            Course::Used(last) => last,
        };
        let parties = |story: &Self| (story.person, story.client, story.project);
        parties(self) == parties(newer)
            && self.end.is_none()
            && self.at > newer.at
            && left > newer.at + 29 * DAY
    }
}

/// The latest connection, the member's, one of which replaced another, and a
/// few refusals.
const TOLD: [Story; 10] = [
    Story::told(
        (ANTON, ENGINEERING, SEARCH),
        47 * MINUTE,
        Course::Used(3 * MINUTE),
        None,
    ),
    Story::told(
        (MEMBER, ENGINEERING, SEARCH),
        212 * DAY + 5 * HOUR,
        Course::Used(12 * MINUTE),
        None,
    ),
    Story::told(
        (MEMBER, VS_CODE, ISSUES),
        34 * DAY + 3 * HOUR,
        Course::Used(27 * HOUR),
        None,
    ),
    Story::told(
        (MEMBER, CLAUDE, WIKI),
        190 * DAY,
        Course::Used(96 * DAY),
        None,
    ),
    Story::told(
        (MEMBER, CLAUDE, WIKI),
        41 * DAY,
        Course::Used(6 * DAY),
        None,
    ),
    Story::told(
        (MEMBER, CURSOR, WAREHOUSE),
        130 * DAY,
        Course::Used(52 * DAY),
        None,
    ),
    Story::told(
        (MEMBER, CODEX, SEARCH),
        64 * DAY + 2 * HOUR,
        Course::Used(21 * DAY),
        Some(End {
            at: 19 * DAY,
            by: By::Themself,
            reason: Some("Moved to a new laptop"),
        }),
    ),
    Story::told((MEMBER, LOOK_ALIKE, ISSUES), 3 * DAY, Course::Denied, None),
    Story::told((KAVYA, INSPECTOR, PAYMENTS), 9 * DAY, Course::Denied, None),
    Story::told(
        (BEATRIZ, CHATGPT, WAREHOUSE),
        58 * DAY,
        Course::Denied,
        None,
    ),
];

/// What happens to connections, in turn.
#[derive(Clone, Copy)]
enum Kind {
    Minutes,
    Hours,
    Days,
    Expires,
    Unused,
    Ends,
}

const KINDS: [Kind; 25] = {
    use Kind::{Days, Ends, Expires, Hours, Minutes, Unused};
    [
        Days, Hours, Expires, Days, Minutes, Ends, Days, Hours, Days, Expires, Hours, Days,
        Expires, Days, Ends, Hours, Days, Minutes, Expires, Days, Unused, Hours, Ends, Days,
        Expires,
    ]
};

/// Who ends connections and why, in turn.
const ENDS: [(By, Option<&str>); 15] = [
    (By::Owner, Some("Laptop stolen")),
    (By::Themself, None),
    (By::Untether, Some(REUSED)),
    (By::Administrator, Some("Moved to another team")),
    (By::Client, None),
    (By::Owner, None),
    (By::Themself, Some("No longer needed")),
    (By::CommandLine, Some("Quarterly access review")),
    (By::Client, None),
    (By::Themself, Some("I do not recognise this one")),
    (By::Owner, Some("Set up on a shared computer")),
    (By::Administrator, None),
    (By::Client, None),
    (By::Untether, Some(REUSED)),
    (By::Owner, Some("Token seen in a log file")),
];

/// What Untether says when it ends a connection.
const REUSED: &str = "The client used an old refresh token again.";

/// The owner ends all connections of a client or of a person at once.
struct Sweep {
    at: u64,
    client: Option<usize>,
    person: Option<usize>,
    reason: &'static str,
}

const SWEEPS: [Sweep; 2] = [
    Sweep {
        at: 24 * DAY + 5 * HOUR,
        client: Some(CHATGPT),
        person: None,
        reason: "Not an approved client",
    },
    Sweep {
        at: 11 * DAY + 2 * HOUR,
        client: None,
        person: Some(DMITRI),
        reason: "Left the company",
    },
];

/// A client that the owner blocks, for everyone or for one of the people.
pub struct Blocked {
    pub at: u64,
    pub client: usize,
    pub person: Option<usize>,
    pub reason: &'static str,
}

/// What has ended stays away.
pub const BLOCKS: [Blocked; 2] = [
    Blocked {
        at: SWEEPS[0].at - 2 * MINUTE,
        client: CHATGPT,
        person: None,
        reason: SWEEPS[0].reason,
    },
    Blocked {
        at: SWEEPS[1].at - 2 * MINUTE,
        client: CURSOR,
        person: Some(DMITRI),
        reason: SWEEPS[1].reason,
    },
];

/// Every story, the earliest first.
pub fn stories() -> Vec<Story> {
    let mut stories = TOLD.to_vec();
    let mut deck = deck();
    let each = CLIENTS.iter().enumerate();
    let clients = each.flat_map(|(client, sample)| vec![client; sample.connections]);
    for (number, client) in (0..).zip(clients) {
        let story = deal(&mut deck, number, client, &stories);
        stories.extend(story);
    }
    stories.sort_by_key(|story| Reverse(story.at));
    stories
}

/// One card for each connection, with the person whose it will be, shuffled.
fn deck() -> Vec<usize> {
    let people = PEOPLE.iter().enumerate();
    let cards = people.flat_map(|(person, sample)| vec![person; sample.connections]);
    let mut cards: Vec<_> = (0..).zip(cards).collect();
    cards.sort_by_key(|(number, _)| spread(*number, u64::MAX));
    cards.into_iter().map(|(_, person)| person).collect()
}

/// The story of the first person in the deck who can have it without replacing
/// a connection of theirs.
fn deal(deck: &mut Vec<usize>, number: u64, client: usize, known: &[Story]) -> Option<Story> {
    let (place, story) = deck.iter().enumerate().find_map(|(place, person)| {
        let story = story(number, client, *person);
        let clash = known
            .iter()
            .any(|other| other.makes_way_for(&story) || story.makes_way_for(other));
        (!clash).then_some((place, story))
    })?;
    deck.remove(place);
    Some(story)
}

fn story(number: u64, client: usize, person: usize) -> Story {
    let sample = &CLIENTS[client];
    let sweep = SWEEPS
        .iter()
        .find(|sweep| sweep.client == Some(client) || sweep.person == Some(person));
    // Those that were ended together lived before that.
    let until = sweep.map_or(0, |sweep| sweep.at);
    let span = sample.registered * DAY - until;
    let (course, end) = course(number, span);
    let at = match course {
        Course::Used(last) => {
            // More often lately than long ago.
            let part = spread(number + 3000, 1000);
            last + MINUTE + (span - last - MINUTE) * part * part / 1_000_000
        }
        // The sweep removes those that have waited for a day.
        Course::Unused => between(number + 3000, HOUR, span.min(20 * HOUR)),
        Course::Denied => between(number + 3000, HOUR, span.min(60 * DAY)),
    };
    Story {
        person,
        client,
        project: sample.projects[number as usize % sample.projects.len()],
        at: until + at,
        course: match course {
            Course::Used(last) => Course::Used(until + last),
            other => other,
        },
        end: sweep.map_or(end, |sweep| {
            Some(End {
                at: sweep.at,
                by: By::Owner,
                reason: Some(sweep.reason),
            })
        }),
    }
}

/// When a connection within the `span` that ends now was last used, and how it ended.
fn course(number: u64, span: u64) -> (Course, Option<End>) {
    let seed = number + 1000;
    let used = |last: u64| Course::Used(last.min(span / 10 * 9));
    match KINDS[number as usize % KINDS.len()] {
        Kind::Minutes => (used(between(seed, 2 * MINUTE, 58 * MINUTE)), None),
        Kind::Hours => (used(between(seed, HOUR, 22 * HOUR)), None),
        Kind::Days => (used(between(seed, DAY, 29 * DAY)), None),
        Kind::Expires => (used(between(seed, 31 * DAY, span.min(425 * DAY))), None),
        Kind::Unused => (Course::Unused, None),
        Kind::Ends => {
            // Three in 25 end.
            let (by, reason) = ENDS[(number * 3 / 25) as usize % ENDS.len()];
            let at = between(seed, 2 * HOUR, (span / 2).min(88 * DAY));
            let lull = match by {
                // Clients hand tokens back, and thieves use them, while they are in use.
                By::Client | By::Untether => between(number + 2000, MINUTE, 90 * MINUTE),
                _ => between(number + 2000, 5 * MINUTE, 12 * DAY),
            };
            (used(at + lull), Some(End { at, by, reason }))
        }
    }
}

fn between(seed: u64, low: u64, high: u64) -> u64 {
    low + spread(seed, high.saturating_sub(low).max(1))
}

/// A number below `range` that looks like chance and is the same every time.
fn spread(seed: u64, range: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 32)) % range
}

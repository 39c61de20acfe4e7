//! How a client came to be known, in words: the same on every page.

use crate::domain::client::Origin;

/// Every origin with its words. Who made a client, and whether on a page or on the command
/// line, stands with when.
pub const ORIGINS: [(Origin, &str); 4] = [
    (Origin::Console, "Created by an administrator"),
    (Origin::Api, "Created by API"),
    (Origin::Registered, "Registered itself"),
    (Origin::Document, "Metadata document"),
];

/// An origin in words; of a document, with its `host`.
pub fn words(origin: Origin, host: Option<&str>) -> String {
    let known = ORIGINS.iter().find(|(known, _)| *known == origin);
    let words = known.map_or(origin.as_str(), |(_, words)| words);
    match host.filter(|_| origin == Origin::Document) {
        Some(host) => format!("{words} at {host}"),
        None => words.to_owned(),
    }
}

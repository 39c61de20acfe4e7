//! Telling whether two sets of connections, or two texts, are the same without keeping
//! them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// How many there are, and which: the same for the same set in whatever order it
/// is read. As text, `<count>-<hexadecimal>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    count: u64,
    /// The ids' hashes, added up: adding has no order.
    sum: u128,
}

impl Fingerprint {
    /// Takes one more in.
    pub fn add(&mut self, id: &str) {
        let hash = Sha256::digest(id.as_bytes());
        let (half, _) = hash.split_at(16);
        let number = half
            .iter()
            .fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
        self.count += 1;
        self.sum = self.sum.wrapping_add(number);
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:032x}", self.count, self.sum)
    }
}

/// A short name for these lines, of which none contains a line's end: another for others.
pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for line in lines {
        digest.update(line);
        digest.update("\n");
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ids: &[&str]) -> String {
        let mut fingerprint = Fingerprint::default();
        ids.iter().for_each(|id| fingerprint.add(id));
        fingerprint.to_string()
    }

    #[test]
    fn a_fingerprint_is_that_of_the_set_and_not_of_its_order() {
        assert_eq!(of(&["a", "b", "c"]), of(&["c", "a", "b"]));
    }

    #[test]
    fn one_more_one_fewer_or_another_instead_is_another_set() {
        let set = of(&["1", "2", "3", "4"]);
        for other in [
            &["1", "2", "3"][..],
            &["1", "2", "3", "4", "5"],
            &["1", "2", "3", "5"],
            &["1", "1", "4", "4"],
            &["0", "2", "3", "5"],
        ] {
            assert_ne!(set, of(other), "{other:?}");
        }
    }
}

//! The parameters of a query or a form, as pairs: a struct could express
//! neither repeated ones nor the difference between absent and twice.

/// Decoded `application/x-www-form-urlencoded` pairs, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// A parameter that may stand once stood twice (RFC 6749 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is given more than once")]
pub struct Repeated(pub String);

impl Params {
    /// Decodes a query string or a form body. Bytes that are not UTF-8, and NUL,
    /// which PostgreSQL cannot store, become replacement characters, which no
    /// valid value has.
    pub fn parse(encoded: &[u8]) -> Self {
        url::form_urlencoded::parse(encoded).into_owned().collect()
    }

    /// The value of `name`; an empty one counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    /// When it stands more than once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Repeated(name.to_owned()));
        }
        Ok(first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty()))
    }

    /// Whether `name` is there, with a value or without one.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Names and values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first name with a value that is not among `known`.
    pub fn unknown(&self, known: &[&str]) -> Option<&str> {
        let mut pairs = self.pairs();
        let unknown = pairs.find(|(name, value)| !value.is_empty() && !known.contains(name));
        unknown.map(|(name, _)| name)
    }

    /// Every value of `name` that is not empty.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
            .collect()
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let plain = |(name, value): (String, String)| (name, value.replace('\0', "\u{fffd}"));
        Self(pairs.into_iter().map(plain).collect())
    }
}

/// A query string or form body made of `pairs`.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// How much of what somebody sent is said again, in characters.
const SAID_AGAIN: usize = 80;

/// What somebody sent, for a sentence about it: not more of it than fits into one.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(SAID_AGAIN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_may_stand_once_and_an_empty_one_is_absent() {
        let params = Params::parse(b"a=1&b=&c=x+y%2B&c=2");
        assert_eq!(params.one("a"), Ok(Some("1")));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("d"), Ok(None));
        assert_eq!(params.one("c"), Err(Repeated("c".into())));
        assert_eq!(params.all("c"), ["x y+", "2"]);
        assert_eq!(params.unknown(&["a"]), Some("c"));
        assert_eq!(params.unknown(&["c", "a"]), None);
    }

    #[test]
    fn bytes_that_no_database_takes_become_replacement_characters() {
        assert_eq!(Params::parse(b"a=x%00y").one("a"), Ok(Some("x\u{fffd}y")));
        assert_eq!(Params::parse(b"a=%ff").one("a"), Ok(Some("\u{fffd}")));
    }
}

//! Scopes: what a token permits, as words separated by spaces (RFC 6749 §3.3).
//!
//! The order of scopes has no meaning, so a set is kept and written in alphabetical
//! order: equal sets are equal texts.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The scope has no characters.
    #[error("a scope must not be empty")]
    Empty,
    /// A character outside the grammar of RFC 6749 §3.3.
    #[error(
        "a scope must not contain {}; allowed are printable ASCII characters \
         other than the space, the double quote and the backslash",
        named(*.0)
    )]
    Character(char),
}

/// A character as an error text may have it (RFC 6749 §5.2).
fn named(c: char) -> String {
    match c {
        ' '..='~' if !matches!(c, '"' | '\\') => format!("'{c}'"),
        _ => format!("U+{:04X}", u32::from(c)),
    }
}

/// One scope, such as `tools:read`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct ScopeToken(String);

impl ScopeToken {
    /// Checks one scope: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3).
    ///
    /// # Errors
    /// When the text is empty or has a character outside that range.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() {
            return Err(ScopeError::Empty);
        }
        let allowed = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        match text.chars().find(|c| !allowed(c)) {
            Some(strange) => Err(ScopeError::Character(strange)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ScopeToken {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScopeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of scopes in alphabetical order, without doubles. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<ScopeToken>);

impl ScopeSet {
    /// Reads a `scope` parameter or a stored set: scopes separated by spaces (RFC 6749
    /// §3.3). More spaces than needed, and doubles, do no harm; no scope at all is the
    /// empty set. [`Display`](fmt::Display) writes it back.
    ///
    /// # Errors
    /// When one of the scopes has a character that is not allowed (`invalid_scope`).
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(ScopeToken::parse)
            .collect()
    }

    /// Whether there is no scope in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &ScopeToken> {
        self.0.iter()
    }

    /// Whether the scope, a [`ScopeToken`] or its text, is in the set.
    pub fn contains<S>(&self, scope: &S) -> bool
    where
        ScopeToken: Borrow<S>,
        S: Ord + ?Sized,
    {
        self.0.contains(scope)
    }

    /// Whether every scope of this set is in the other: a refresh may not ask for more
    /// than was granted (RFC 6749 §6). The empty set is a subset of any.
    pub fn is_subset(&self, of: &Self) -> bool {
        self.0.is_subset(&of.0)
    }

    /// The scopes in either.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).cloned().collect()
    }

    /// The scopes that are in both sets: asked for and offered.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }
}

impl FromIterator<ScopeToken> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeToken>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&scope.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text).expect(text)
    }

    #[test]
    fn a_scope_has_only_the_characters_of_rfc_6749() {
        for text in ["read", "tools:read", "https://a.example/x.y", "!", "#[]~"] {
            assert_eq!(
                ScopeToken::parse(text).as_ref().map(ScopeToken::as_str),
                Ok(text)
            );
        }
        assert_eq!(ScopeToken::parse(""), Err(ScopeError::Empty));
        for strange in [' ', '"', '\\', '\n', '\u{7f}', 'é'] {
            let refused = ScopeToken::parse(&format!("a{strange}b"));
            assert_eq!(refused, Err(ScopeError::Character(strange)));
        }
    }

    #[test]
    fn extra_spaces_doubles_and_order_do_not_matter() {
        assert_eq!(set("  write  read write "), set("read write"));
        assert_eq!(set(" write  read write").to_string(), "read write");
        assert_eq!(set("b a").len(), 2);
        assert!(set("").is_empty() && set("   ").is_empty());
        assert_eq!(set("").to_string(), "");
    }

    #[test]
    fn one_bad_scope_spoils_the_set() {
        for (text, strange) in [("read a\"b", '"'), ("read\twrite", '\t'), ("é", 'é')] {
            assert_eq!(ScopeSet::parse(text), Err(ScopeError::Character(strange)));
        }
    }

    #[test]
    fn a_refresh_cannot_widen_the_granted_set() {
        let granted = set("read write");
        assert!(set("read").is_subset(&granted));
        assert!(granted.is_subset(&granted));
        assert!(set("").is_subset(&granted));
        assert!(!set("read admin").is_subset(&granted));
        assert!(!set("Read").is_subset(&granted));
    }

    #[test]
    fn what_is_granted_is_asked_for_and_offered() {
        let granted = set("offline_access write read").intersection(&set("read write admin"));
        assert_eq!(granted, set("read write"));
        assert!(granted.contains("read"));
        assert!(!granted.contains("admin"));
    }
}

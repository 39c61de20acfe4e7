//! Signed identity: which header carries it, whose signature counts, and what it must
//! say. Four settings that only work together.

use std::{fmt, path::PathBuf};

use actix_web::http::header::HeaderName;
use url::Url;

use super::{RawSettings, Reader, values, variable};
use crate::domain::resource::WebAddress;

/// A header with a signed statement of who is there, a JWT (RFC 7519), and what makes
/// it believable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionSettings {
    /// Header with the JWT.
    pub header: HeaderName,
    /// Where the keys are with which it may be signed.
    pub keys: KeyLocation,
    /// What its `iss` must be, to the letter.
    pub issuer: String,
    /// What its `aud` must be or contain, to the letter.
    pub audience: String,
    /// Character between two groups, when its `groups` is a text and no array.
    pub groups_separator: char,
    /// Whether its `sub` identifies the person, rather than the e-mail.
    pub identify_by_subject: bool,
}

/// Where a JSON Web Key Set (RFC 7517 §5) is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation {
    /// At an `https` address, or an `http` one of this machine.
    Web(Url),
    /// In a file.
    File(PathBuf),
}

impl KeyLocation {
    /// Takes a URL or `file:` and a path.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err("it names no file: write file: and a path".to_owned());
            }
            return Ok(Self::File(path.into()));
        }
        let error = |problem: String| {
            format!(
                "not the address of a key set such as \
                 https://sso.example.com/.well-known/jwks.json, and no file: path either, \
                 because {problem}"
            )
        };
        WebAddress::parse(text).map_err(|problem| error(problem.to_string()))?;
        let url = Url::parse(text).map_err(|problem| error(problem.to_string()))?;
        Ok(Self::Web(url))
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => f.write_str(url.as_str()),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl RawSettings {
    /// The four settings, when any is given; then all must be.
    pub(super) fn assertion(&self, r: &mut Reader) -> Option<AssertionSettings> {
        let given = [
            ("assertion_header", &self.assertion_header),
            ("assertion_jwks_url", &self.assertion_jwks_url),
            ("assertion_issuer", &self.assertion_issuer),
            ("assertion_audience", &self.assertion_audience),
        ];
        let present = given.iter().find(|(_, value)| value.is_some())?;
        for (missing, _) in given.iter().filter(|(_, value)| value.is_none()) {
            r.problems.push(format!(
                "{} is not set: it is needed because {} is; signed identity takes a header, \
                 a key set, an issuer and an audience",
                variable(missing),
                variable(present.0),
            ));
        }
        let header = r.read("assertion_header", &self.assertion_header, values::header);
        let keys = r.read(
            "assertion_jwks_url",
            &self.assertion_jwks_url,
            KeyLocation::parse,
        );
        let issuer = r.read("assertion_issuer", &self.assertion_issuer, values::claim);
        let audience = r.read(
            "assertion_audience",
            &self.assertion_audience,
            values::claim,
        );
        // What may be wrong with it is said where the headers are read.
        let separator = self.groups_separator.as_deref();
        let separator = separator.and_then(|text| values::separator(text).ok());
        Some(AssertionSettings {
            header: header?,
            keys: keys?,
            issuer: issuer?,
            audience: audience?,
            groups_separator: separator.unwrap_or(','),
            identify_by_subject: self.subject_header.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_the_web_over_tls_from_this_machine_or_from_a_file() {
        for text in [
            "https://sso.example.com/.well-known/jwks.json",
            "https://sso.example.com:8443/keys?tenant=1",
            "http://127.0.0.1:4180/keys",
            "http://localhost/keys",
            "http://[::1]:1/keys",
        ] {
            let location = KeyLocation::parse(text).map(|keys| keys.to_string());
            assert_eq!(location.as_deref(), Ok(text));
        }
        for (text, path) in [
            ("file:/etc/untether/keys.json", "/etc/untether/keys.json"),
            ("file:///etc/untether/keys.json", "/etc/untether/keys.json"),
            ("file:keys.json", "keys.json"),
        ] {
            assert_eq!(KeyLocation::parse(text), Ok(KeyLocation::File(path.into())));
        }
        for text in [
            "http://sso.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "https://me@sso.example.com/keys",
            "https://sso.example.com/keys#1",
            "ftp://sso.example.com/keys",
            "/etc/untether/keys.json",
            "file:",
            "file://",
        ] {
            assert!(KeyLocation::parse(text).is_err(), "{text}");
        }
    }
}

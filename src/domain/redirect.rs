//! Where an authorization response may be sent: redirect URIs, and the one rule
//! by which a requested URI is compared with a registered one.
//!
//! The rule is exact string comparison (RFC 6749 §3.1.2.3, OAuth 2.1 §2.3.1), with
//! one exception: a native app on the person's own machine listens on a port that it
//! learns only when it starts, so the port of an `http` loopback URI is ignored
//! (RFC 8252 §7.3, OAuth 2.1 §8.4.2). Addresses are split by hand and kept as
//! received: a parser that normalises would compare something else than what was
//! registered.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::{
    resource::{AddressError, WebAddress, check_characters, is_web, split_scheme},
    scheme::PrivateSchemes,
};

/// The most redirect URIs a client may have.
pub const REDIRECT_LIMIT: usize = 20;

/// Why a redirect URI is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// It is not an acceptable address at all.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A private-use scheme that is not in the list (RFC 8252 §7.1).
    #[error(
        "its scheme {0}: is not allowed here; use https, or http with localhost, \
         127.0.0.1 or [::1]"
    )]
    Scheme(String),
    /// Its query has a parameter of the answer, which clients would read in its place.
    #[error("its query has {0}, which the answer adds itself")]
    Answer(String),
}

/// What an answer adds to the query of a redirect URI (RFC 6749 §4.1.2, RFC 9207).
const ANSWER: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// The redirect URIs that a client listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parted {
    /// Those that it may use; at least one.
    pub accepted: Vec<RedirectUri>,
    /// Those that were left out, and why.
    pub dropped: Vec<(String, RedirectUriError)>,
}

/// A redirect URI that a client registered or asked for, kept exactly as received.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Checks a redirect URI: `https` anywhere, `http` on loopback only (RFC 8252
    /// §7.3), and the given private-use schemes (RFC 8252 §7.1); without `*`, because it
    /// is compared character by character, and without parameters that the answer has.
    ///
    /// # Errors
    /// Says which rule the text breaks; see [`RedirectUriError`].
    pub fn parse(text: &str, private: &PrivateSchemes) -> Result<Self, RedirectUriError> {
        check_characters(text)?;
        if text.contains('*') {
            return Err(AddressError::Wildcard.into());
        }
        let (scheme, rest) = split_scheme(text)?;
        if is_web(scheme) {
            WebAddress::parse(text)?;
        } else if private.contain(scheme) {
            if rest.trim_start_matches('/').is_empty() {
                return Err(AddressError::NotAbsolute.into());
            }
            if private_authority(rest).contains('@') {
                return Err(AddressError::UserInfo.into());
            }
        } else {
            return Err(RedirectUriError::Scheme(scheme.to_owned()));
        }
        let query = text.split_once('?').map_or("", |(_, query)| query);
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        if let Some(name) = names.find(|name| ANSWER.contains(&&**name)) {
            return Err(RedirectUriError::Answer(name.into_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Parts the redirect URIs that a client lists into those that are accepted and
    /// those that are not. Some hosts list one address of theirs that nobody accepts
    /// beside one that works, so the others are left out (RFC 7591 §3.2.1).
    ///
    /// # Errors
    /// A sentence, when there are none, more than [`REDIRECT_LIMIT`], or only
    /// unacceptable ones.
    pub fn parse_list(listed: &[String], private: &PrivateSchemes) -> Result<Parted, String> {
        if listed.is_empty() {
            return Err("redirect_uris is missing".into());
        }
        if listed.len() > REDIRECT_LIMIT {
            return Err(format!("more than {REDIRECT_LIMIT} redirect_uris"));
        }
        let mut parted = Parted::default();
        for uri in listed {
            match Self::parse(uri, private) {
                Ok(uri) => parted.accepted.push(uri),
                Err(error) => parted.dropped.push((uri.clone(), error)),
            }
        }
        match parted.dropped.first() {
            Some((uri, error)) if parted.accepted.is_empty() => Err(format!("{uri}: {error}")),
            _ => Ok(parted),
        }
    }

    /// Takes back a redirect URI that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The URI exactly as received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a requested URI may be used where this one is registered: the same
    /// string, or, for `http` on loopback, the same but for the port, where an empty
    /// path equals `/`. `localhost` and `127.0.0.1` are different hosts.
    pub fn matches(&self, requested: &str) -> bool {
        if self.0 == requested {
            return true;
        }
        match (without_port(&self.0), without_port(requested)) {
            (Some(registered), Some(requested)) => registered == requested,
            _ => false,
        }
    }

    /// Where the response goes, for a person to read: `localhost:49152`,
    /// `app.example.com`. A private-use scheme is shown with it, as in
    /// `cursor://anysphere.cursor-mcp`, because what follows is no internet host.
    pub fn host_and_port(&self) -> &str {
        if let Ok(address) = WebAddress::parse(&self.0) {
            return address.authority;
        }
        match split_scheme(&self.0) {
            Ok((scheme, rest)) if rest.starts_with("//") => {
                let shown = scheme.len() + "://".len() + private_authority(rest).len();
                self.0.get(..shown).unwrap_or(&self.0)
            }
            Ok((scheme, _)) => self.0.get(..=scheme.len()).unwrap_or(&self.0),
            Err(_) => &self.0,
        }
    }

    /// Whether the response stays on the person's own machine, at a loopback host.
    /// `false` for private-use schemes.
    pub fn is_loopback(&self) -> bool {
        WebAddress::parse(&self.0).is_ok_and(|address| address.is_loopback())
    }

    /// Whether the response goes to a server. `false` for loopback hosts and private-use
    /// schemes, which stay on the person's own machine.
    pub fn is_remote(&self) -> bool {
        WebAddress::parse(&self.0).is_ok_and(|address| !address.is_loopback())
    }

    /// Where the response goes, for a comparison that is not exact: without the query,
    /// without the port on loopback, with one name for all loopback hosts, and without what
    /// servers read alike: a dot after the host, and encoded characters of the path.
    pub(super) fn place(&self) -> String {
        let Ok(address) = WebAddress::parse(&self.0) else {
            let (uri, _) = self.0.split_once('?').unwrap_or((&self.0, ""));
            let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
            return format!("{}:{rest}", scheme.to_ascii_lowercase());
        };
        let path = match address.path {
            "" => "/",
            path => path,
        };
        let path = percent_decode_str(path).decode_utf8_lossy();
        let scheme = address.scheme.to_ascii_lowercase();
        if address.is_loopback() {
            return format!("{scheme}://localhost{path}");
        }
        let port = address.unusual_port().map(|port| format!(":{port}"));
        let host = address.host.trim_end_matches('.').to_ascii_lowercase();
        format!("{scheme}://{host}{}{path}", port.unwrap_or_default())
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The loopback exception: everything but the port, as spelled, and an empty path
/// written as `/`. `None` for anything but `http` on loopback.
fn without_port(text: &str) -> Option<(&str, &str, &str, Option<&str>)> {
    let address = WebAddress::parse(text).ok()?;
    let path = if address.path.is_empty() {
        "/"
    } else {
        address.path
    };
    (!address.is_https()).then_some((address.scheme, address.host, path, address.query))
}

/// What stands between `//` and the next `/` or `?`; empty without `//`.
fn private_authority(rest: &str) -> &str {
    rest.strip_prefix("//")
        .and_then(|rest| rest.split(['/', '?']).next())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;

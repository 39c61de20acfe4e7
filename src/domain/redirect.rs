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

use super::resource::{AddressError, WebAddress, check_characters, is_web, split_scheme};

/// The most redirect URIs a client may have.
pub const REDIRECT_LIMIT: usize = 20;

/// The private-use schemes (RFC 8252 §7.1) of well-known hosts that cannot
/// listen on a loopback port. Others are refused: any app can claim them.
pub const PRIVATE_SCHEMES: [&str; 6] = [
    "cursor",
    "claude",
    "vscode",
    "vscode-insiders",
    "windsurf",
    "zed",
];

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
}

/// A redirect URI that a client registered or asked for, kept exactly as received.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Checks a redirect URI: `https` anywhere, `http` on loopback only (RFC 8252
    /// §7.3), and the given private-use schemes (RFC 8252 §7.1), named without colon.
    ///
    /// # Errors
    /// Says which rule the text breaks; see [`RedirectUriError`].
    pub fn parse(text: &str, private_schemes: &[&str]) -> Result<Self, RedirectUriError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text)?;
        if is_web(scheme) {
            WebAddress::parse(text)?;
        } else if private_schemes
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(scheme))
        {
            if rest.trim_start_matches('/').is_empty() {
                return Err(AddressError::NotAbsolute.into());
            }
            if private_authority(rest).contains('@') {
                return Err(AddressError::UserInfo.into());
            }
        } else {
            return Err(RedirectUriError::Scheme(scheme.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The acceptable ones of the redirect URIs that a client lists. Some hosts list one
    /// address of theirs that nobody accepts beside one that works, so the others are
    /// left out (RFC 7591 §3.2.1).
    ///
    /// # Errors
    /// A sentence, when there are none, more than [`REDIRECT_LIMIT`], or only
    /// unacceptable ones.
    pub fn parse_list(listed: &[String]) -> Result<Vec<Self>, String> {
        if listed.is_empty() {
            return Err("redirect_uris is missing".into());
        }
        if listed.len() > REDIRECT_LIMIT {
            return Err(format!("more than {REDIRECT_LIMIT} redirect_uris"));
        }
        let mut accepted = Vec::new();
        let mut first_error = None;
        for uri in listed {
            match Self::parse(uri, &PRIVATE_SCHEMES) {
                Ok(uri) => accepted.push(uri),
                Err(error) => {
                    first_error.get_or_insert_with(|| format!("{uri}: {error}"));
                }
            }
        }
        match first_error {
            Some(error) if accepted.is_empty() => Err(error),
            _ => Ok(accepted),
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

    /// Where the response goes, for a comparison that is not exact: without the query,
    /// without the port on loopback, and with one name for all loopback hosts.
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
        let scheme = address.scheme.to_ascii_lowercase();
        if address.is_loopback() {
            return format!("{scheme}://localhost{path}");
        }
        let port = address.unusual_port().map(|port| format!(":{port}"));
        let host = address.host.to_ascii_lowercase();
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
mod tests {
    use super::super::resource::MAX_ADDRESS_CHARACTERS;
    use super::*;

    const PRIVATE: &[&str] = &["cursor", "claude", "vscode"];

    #[test]
    fn acceptable_redirect_uris_are_kept_exactly_as_received() {
        for text in [
            "https://claude.ai/api/mcp/auth_callback",
            "https://App.Example.com:443",
            "HTTPS://app.example.com/cb?a=%2F&b[]=1",
            "https://my_host.corp/a/../b",
            "http://localhost/callback",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1:33418",
            "http://[::1]:9/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "vscode:/callback",
        ] {
            let parsed = RedirectUri::parse(text, PRIVATE);
            assert_eq!(parsed.as_ref().map(RedirectUri::as_str), Ok(text));
        }
    }

    #[test]
    fn an_unacceptable_redirect_uri_is_refused_with_its_reason() {
        use AddressError::*;
        let long = format!("https://a.example/{}", "x".repeat(MAX_ADDRESS_CHARACTERS));
        for (text, reason) in [
            ("", Empty),
            (long.as_str(), TooLong),
            ("/callback", NotAbsolute),
            ("//app.example.com/cb", NotAbsolute),
            ("https:app.example.com/cb", NotAbsolute),
            ("https:///cb", Host),
            ("cursor://", NotAbsolute),
            ("1http://localhost/cb", NotAbsolute),
            ("https://app.example.com/cb#", Fragment),
            ("https://app.example.com/cb#x", Fragment),
            ("https://app.example.com/c b", Character(' ')),
            ("https://app.example.com/\r\nX: y", Character('\r')),
            ("https://app.example.com/\u{202e}", Character('\u{202e}')),
            ("https://app.example.com\\@evil.example/", Character('\\')),
            ("https://me@app.example.com/cb", UserInfo),
            ("http://localhost:1@evil.example/cb", UserInfo),
            ("http://localhost@evil.example/cb", UserInfo),
            ("cursor://me@host/cb", UserInfo),
            ("http://evil.example/cb", NotHttps),
            ("http://localhost.evil.example/cb", NotHttps),
            ("http://127.0.0.1.evil.example/cb", NotHttps),
            ("http://127.0.0.2/cb", NotHttps),
            ("http://2130706433/cb", Host),
            ("http://0x7f.1/cb", Host),
            ("http://[0:0:0:0:0:0:0:1]/cb", Host),
            ("http://[::1]evil.example/cb", Host),
            ("https://ex%61mple.com/cb", Host),
            ("https://app.example.com:/cb", Port),
            ("https://app.example.com:0/cb", Port),
            ("https://app.example.com:+80/cb", Port),
            ("https://app.example.com:65536/cb", Port),
        ] {
            let refused = RedirectUri::parse(text, PRIVATE);
            assert_eq!(refused, Err(RedirectUriError::Address(reason)), "{text}");
        }
    }

    #[test]
    fn a_private_scheme_is_accepted_only_when_listed() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "zed://cb",
        ] {
            let refused = RedirectUri::parse(text, PRIVATE);
            assert!(
                matches!(refused, Err(RedirectUriError::Scheme(_))),
                "{text}"
            );
        }
        assert!(RedirectUri::parse("cursor://host/cb", &[]).is_err());
    }

    /// registered, requested, whether they match
    const PAIRS: &[(&str, &str, bool)] = &[
        ("https://a.example/cb", "https://a.example/cb", true),
        ("https://a.example/cb", "https://a.example/cb/", false),
        ("https://a.example/cb", "https://a.example/cb?x=1", false),
        ("https://a.example/cb", "https://a.example/CB", false),
        ("https://a.example/cb", "https://A.example/cb", false),
        ("https://a.example/cb", "https://a.example:443/cb", false),
        ("https://a.example/cb", "https://a.example/x/../cb", false),
        ("https://a.example/cb", "https://a.example/%63b", false),
        ("https://a.example", "https://a.example/", false),
        ("https://localhost:1/cb", "https://localhost:2/cb", false),
        ("cursor://host/cb", "cursor://host/cb", true),
        ("cursor://host/cb", "cursor://host/cb/", false),
        ("cursor://host:1/cb", "cursor://host:2/cb", false),
        (
            "http://localhost/callback",
            "http://localhost:49152/callback",
            true,
        ),
        (
            "http://localhost:8787/callback",
            "http://localhost/callback",
            true,
        ),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
        ("http://[::1]/cb", "http://[::1]:2/cb", true),
        ("http://127.0.0.1:33418", "http://127.0.0.1:50000/", true),
        ("http://127.0.0.1/?a=1", "http://127.0.0.1:50000?a=1", true),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb2", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb/", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb?", false),
        (
            "http://127.0.0.1/cb?a=1",
            "http://127.0.0.1:49152/cb?a=2",
            false,
        ),
        (
            "http://127.0.0.1/cb",
            "http://127.0.0.1:49152/x/../cb",
            false,
        ),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/%63b", false),
        ("http://127.0.0.1/cb", "http://localhost:49152/cb", false),
        ("http://localhost/cb", "http://[::1]:49152/cb", false),
        ("http://localhost/cb", "http://LOCALHOST:1/cb", false),
        ("http://localhost/cb", "https://localhost:1/cb", false),
        ("http://localhost/cb", "http://localhost:1/cb#x", false),
        (
            "http://localhost/cb",
            "http://localhost:1@evil.example/cb",
            false,
        ),
        ("http://localhost/cb", "http://localhost:0/cb", false),
        (
            "http://localhost/cb",
            "http://localhost.evil.example:1/cb",
            false,
        ),
        ("http://localhost/cb", "", false),
    ];

    #[test]
    fn a_requested_redirect_uri_must_equal_a_registered_one_but_for_a_loopback_port() {
        for (registered, requested, expected) in PAIRS {
            let uri = RedirectUri::parse(registered, PRIVATE).expect(registered);
            assert_eq!(
                uri.matches(requested),
                *expected,
                "{registered} against {requested}"
            );
        }
    }

    #[test]
    fn a_person_is_shown_where_the_response_goes() {
        for (text, shown, loopback) in [
            ("http://localhost:49152/callback", "localhost:49152", true),
            ("http://[::1]:9?x", "[::1]:9", true),
            (
                "https://claude.ai/api/mcp/auth_callback",
                "claude.ai",
                false,
            ),
            (
                "cursor://anysphere.cursor-mcp/oauth/callback",
                "cursor://anysphere.cursor-mcp",
                false,
            ),
            ("cursor://localhost/cb", "cursor://localhost", false),
            ("vscode:/callback", "vscode:", false),
        ] {
            let uri = RedirectUri::from_stored(text.to_owned());
            assert_eq!((uri.host_and_port(), uri.is_loopback()), (shown, loopback));
        }
    }
}

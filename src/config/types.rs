//! The types of settings that are more than a number or a word. Errors are sentences
//! that follow the name of the setting and a colon.

use std::{fmt, net::SocketAddr, path::PathBuf};

use subtle::ConstantTimeEq as _;
use url::Url;

use crate::domain::{document::Host, resource::WebAddress};

/// Fewest bytes of a secret.
const SECRET_BYTES: usize = 32;

/// What is wrong with a PostgreSQL URL.
const MALFORMED: &str = "it is not a URL such as postgres://user:password@host/name, where \
                         special characters in the password are percent-encoded";

/// The origin under which people and clients reach Untether: scheme and host in lower
/// case, the port when it is not the scheme's own, nothing behind it. Every URL that is
/// published or compared begins with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Checks a public URL: `https`, or `http` on loopback, without path, query or
    /// fragment (one slash at the end is dropped).
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = WebAddress::parse(text).map_err(|error| {
            format!("not a public URL such as https://untether.example.com, because {error}")
        })?;
        if !matches!(address.path, "" | "/") || address.query.is_some() {
            return Err(format!(
                "{text:?} must be only scheme, host and port, without path or query"
            ));
        }
        Ok(Self(address.origin()))
    }

    /// The URL of a server that listens on a loopback address: `http` and the address.
    /// With port 0, make it from the address that was really bound.
    pub fn of_listener(listen: SocketAddr) -> Self {
        let origin = format!("http://{listen}");
        Self(
            origin
                .strip_suffix(":80")
                .map(str::to_owned)
                .unwrap_or(origin),
        )
    }

    /// The URL without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, as browsers write it into the `Origin` header (RFC 6454 §6.2).
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// The issuer identifier (RFC 8414 §2), which has a path and no slash at its end.
    pub fn issuer(&self) -> String {
        self.join("/oauth")
    }

    /// The URL of a path, which begins with `/`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        WebAddress::parse(&self.0).is_ok_and(|address| address.is_loopback())
    }

    /// Whether cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the data is. `Debug` and `Display` show neither password nor parameters.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file on this machine.
    Sqlite {
        /// Its path, relative to the working directory unless it begins with `/`.
        path: PathBuf,
    },
    /// A PostgreSQL server, or one that speaks its protocol.
    Postgres {
        /// The connection URL, with its password.
        url: String,
    },
}

impl DatabaseUrl {
    /// Reads `sqlite://PATH` (the path is taken literally) or `postgres://…`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("sqlite:");
        if let Some(path) = path.map(|path| path.strip_prefix("//").unwrap_or(path)) {
            return match path {
                "" => Err("it must name a file, such as sqlite://untether.db".to_owned()),
                _ if path.contains(":memory:") => {
                    Err("it must name a file: a database in memory would be lost".to_owned())
                }
                _ if path.contains('?') => {
                    Err("it must have no parameters (?) after the file".to_owned())
                }
                _ => Ok(Self::Sqlite { path: path.into() }),
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("it must begin with sqlite:// or postgres://".to_owned());
        }
        let url = Url::parse(text).map_err(|error| format!("{MALFORMED}: {error}"))?;
        // An @ out of place is a password that was not percent-encoded. To go on would
        // show a part of it as host or database.
        if url.path().contains('@')
            || url.query().is_some_and(|query| query.contains('@'))
            || url.fragment().is_some()
        {
            return Err(MALFORMED.to_owned());
        }
        Ok(Self::Postgres {
            url: text.to_owned(),
        })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Self::Postgres { url } => {
                f.write_str("postgres://")?;
                let Ok(url) = Url::parse(url) else {
                    return f.write_str("…");
                };
                f.write_str(url.host_str().unwrap_or_default())?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The key of all hashes and cookies, at least 32 bytes. `Debug` does not show it.
#[derive(Clone)]
pub struct SecretKey(Vec<u8>);

impl SecretKey {
    /// Takes a key.
    ///
    /// # Errors
    /// When it is shorter than 32 bytes. The sentence does not contain it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() < SECRET_BYTES {
            return Err(format!(
                "it is too short: at least {SECRET_BYTES} random characters are needed, such as \
                 the output of: openssl rand -hex 32"
            ));
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    /// The key itself, for the hash functions.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// What the proxy must send in `X-Untether-Proxy-Secret`. `Debug` does not show it.
#[derive(Clone)]
pub struct ProxySecret(Vec<u8>);

impl ProxySecret {
    /// Takes a secret.
    ///
    /// # Errors
    /// When it is shorter than 32 bytes or cannot stand in a header (RFC 9110 §5.5). The
    /// sentence does not contain it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "it must be ASCII characters without spaces, because it is sent in a header"
                    .to_owned(),
            );
        }
        SecretKey::parse(text).map(|secret| Self(secret.0))
    }

    /// Whether the proxy sent the secret. Takes the same time wherever the two differ.
    pub fn matches(&self, sent: &[u8]) -> bool {
        self.0.ct_eq(sent).into()
    }
}

impl fmt::Debug for ProxySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxySecret(…)")
    }
}

/// Whether clients may register themselves (RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Any client may.
    Open,
    /// The endpoint is neither published nor served.
    Off,
}

/// Which clients may be known by a document at an https address (Client ID Metadata
/// Documents).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientDocuments {
    /// Any.
    Any,
    /// Those from these hosts.
    List(Vec<Host>),
    /// None.
    Off,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people at a terminal.
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_in_one_spelling() {
        for (text, expected) in [
            (
                "https://untether.example.com",
                "https://untether.example.com",
            ),
            (
                "HTTPS://Untether.Example.com:443/",
                "https://untether.example.com",
            ),
            (
                "https://untether.example.com:8443",
                "https://untether.example.com:8443",
            ),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(
                PublicUrl::parse(text).as_ref().map(PublicUrl::as_str),
                Ok(expected)
            );
        }
        for text in [
            "untether.example.com",
            "http://untether.example.com",
            "https://untether.example.com/app",
            "https://untether.example.com?",
            "https://untether.example.com/#",
            "https://me@untether.example.com",
            "https://untether.example.com//",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_issuer_has_a_path_and_no_slash_at_its_end() {
        let url = PublicUrl::parse("https://untether.example.com/").expect("valid");
        assert_eq!(url.issuer(), "https://untether.example.com/oauth");
        assert_eq!(
            url.join("/connections"),
            "https://untether.example.com/connections"
        );
        assert!(url.is_https());
    }

    #[test]
    fn a_loopback_listener_has_a_url_of_its_own() {
        for (listen, expected) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("127.0.0.1:80", "http://127.0.0.1"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            let url = PublicUrl::of_listener(listen.parse().expect(listen));
            assert_eq!(url.as_str(), expected);
            assert_eq!(PublicUrl::parse(url.as_str()), Ok(url));
        }
    }

    #[test]
    fn a_database_is_a_file_or_a_postgresql_server() {
        for (text, path) in [
            ("sqlite://untether.db", "untether.db"),
            ("sqlite:data/untether.db", "data/untether.db"),
            ("sqlite:///var/lib/untether.db", "/var/lib/untether.db"),
        ] {
            assert_eq!(
                DatabaseUrl::parse(text),
                Ok(DatabaseUrl::Sqlite { path: path.into() })
            );
        }
        for text in ["postgres://u:p@h/n", "postgresql:///n?host=/run/postgresql"] {
            let expected = DatabaseUrl::Postgres {
                url: text.to_owned(),
            };
            assert_eq!(DatabaseUrl::parse(text), Ok(expected));
        }
        for text in [
            "",
            "untether.db",
            "mysql://h/n",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://a.db?mode=ro",
            "postgres://u:hunter2@h:port/n",
            "postgres://u:1/hunter2@h/n",
            "postgres://u:1?hunter2@h/n",
            "postgres://u:1#hunter2@h/n",
        ] {
            let error = DatabaseUrl::parse(text).expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn secrets_cannot_be_printed() {
        let secret = "hunter2".repeat(5);
        let url =
            DatabaseUrl::parse("postgres://u:hunter2@db:5433/n?password=hunter2").expect("valid");
        assert_eq!(
            format!("{url:?} {url}"),
            "postgres://db:5433/n postgres://db:5433/n"
        );
        assert_eq!(
            format!("{:?}", SecretKey::parse(&secret)),
            "Ok(SecretKey(…))"
        );
        assert_eq!(
            format!("{:?}", ProxySecret::parse(&secret)),
            "Ok(ProxySecret(…))"
        );
    }

    #[test]
    fn a_secret_has_at_least_32_bytes() {
        assert!(SecretKey::parse(&"x".repeat(32)).is_ok());
        for short in ["hunter2", &"x".repeat(31)] {
            let error = SecretKey::parse(short).expect_err("too short");
            assert!(!error.contains(short), "{error}");
        }
        assert!(ProxySecret::parse(&"x".repeat(31)).is_err());
        assert!(ProxySecret::parse(&"x ".repeat(32)).is_err());
    }

    #[test]
    fn the_proxy_must_send_exactly_the_secret() {
        let secret = ProxySecret::parse(&"x".repeat(40)).expect("valid");
        assert!(secret.matches("x".repeat(40).as_bytes()));
        for sent in ["", "x", &"x".repeat(41), &"X".repeat(40)] {
            assert!(!secret.matches(sent.as_bytes()));
        }
    }
}

//! The MCP server that a token is for: the *resource* of RFC 8707.
//!
//! A resource is kept and answered exactly as it was registered, because resource
//! servers compare the audience as a string. Clients, however, spell it in several
//! ways (with a slash at the end, with upper-case letters in the host), so a request
//! is matched by its [`ResourceKey`], one canonical spelling.

use std::fmt;

use url::Url;

/// Where RFC 9728 §3 puts the metadata of a protected resource.
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Most characters that a redirect URI or a resource may have.
pub const MAX_ADDRESS_CHARACTERS: usize = 2048;

/// Why a text is not an address that Untether accepts. Each message is a sentence
/// about "it", the address, and never repeats more than one character of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text is longer than [`MAX_ADDRESS_CHARACTERS`].
    #[error("it is longer than {MAX_ADDRESS_CHARACTERS} characters")]
    TooLong,
    /// A character that RFC 3986 §2 does not allow, such as a space or a backslash.
    #[error("it contains {0:?}, which must be percent-encoded in an address")]
    Character(char),
    /// No scheme, or nothing behind it (RFC 3986 §4.3).
    #[error("it is not a complete address: write it with https:// and a host")]
    NotAbsolute,
    /// A `#` part (RFC 6749 §3.1.2, RFC 8707 §2).
    #[error("it has a fragment (the part after #), which is not allowed")]
    Fragment,
    /// A user name or password before the host (RFC 3986 §3.2.1).
    #[error("it contains a user name or password, which is not allowed")]
    UserInfo,
    /// The host is empty, misspelled, or a disguised IP address.
    #[error("its host is not a valid host name or IP address")]
    Host,
    /// A `*`, where it could only be meant to stand for others (RFC 9700 §4.1.3).
    #[error("it contains *, which stands for nothing here; give each address whole")]
    Wildcard,
    /// The port is not between 1 and 65535.
    #[error("its port is not a number between 1 and 65535")]
    Port,
    /// The scheme is neither `https` nor `http`.
    #[error("it does not begin with https://")]
    NotWeb,
    /// `http` to another machine (OAuth 2.1 §1.5).
    #[error(
        "it uses http, which is only allowed for this machine itself \
         (localhost, 127.0.0.1 or [::1]); use https"
    )]
    NotHttps,
}

/// An `https` address, or an `http` one on loopback, split into slices of the
/// received text (RFC 3986 §3). Nothing is decoded, lower-cased or completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebAddress<'a> {
    /// `https` or `http`, as spelled.
    pub scheme: &'a str,
    /// Host and port, as spelled: `localhost:49152`.
    pub authority: &'a str,
    /// Host as spelled; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// Port, when one is written.
    pub port: Option<u16>,
    /// Path as spelled: empty, or beginning with `/`.
    pub path: &'a str,
    /// What follows the first `?`; `None` when there is no `?`.
    pub query: Option<&'a str>,
}

impl<'a> WebAddress<'a> {
    /// Splits and checks an address.
    ///
    /// # Errors
    /// Says which rule the text breaks; see [`AddressError`].
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text)?;
        if !is_web(scheme) {
            return Err(AddressError::NotWeb);
        }
        let rest = rest.strip_prefix("//").ok_or(AddressError::NotAbsolute)?;
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(AddressError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        if host.contains('*') {
            return Err(AddressError::Wildcard);
        }
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        // A second opinion: a browser must see the same host as we do. This refuses
        // 0x7f.1 and other disguises of an IP address.
        let seen = Url::parse(text).map_err(|_| AddressError::Host)?;
        if !seen
            .host_str()
            .is_some_and(|seen| seen.eq_ignore_ascii_case(host))
        {
            return Err(AddressError::Host);
        }
        let address = Self {
            scheme,
            authority,
            host,
            port,
            path,
            query,
        };
        if !address.is_https() && !address.is_loopback() {
            return Err(AddressError::NotHttps);
        }
        Ok(address)
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("https")
    }

    /// Whether the host is `localhost`, `127.0.0.1` or `[::1]` (RFC 8252 §7.3).
    pub fn is_loopback(&self) -> bool {
        ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|loopback| self.host.eq_ignore_ascii_case(loopback))
    }

    /// Scheme, host and port as browsers write them (RFC 6454 §6.2): in lower case, without
    /// the scheme's own port.
    pub fn origin(&self) -> String {
        let mut origin = format!("{}://{}", self.scheme, self.host).to_ascii_lowercase();
        if let Some(port) = self.unusual_port() {
            origin.push_str(&format!(":{port}"));
        }
        origin
    }

    /// Port, when it is written and is not the scheme's own (443 or 80).
    pub fn unusual_port(&self) -> Option<u16> {
        let usual = if self.is_https() { 443 } else { 80 };
        self.port.filter(|port| *port != usual)
    }
}

/// The URL of a protected MCP server, exactly as registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource(String);

impl Resource {
    /// Checks a resource: an absolute `https` URL, or `http` on loopback, without
    /// fragment (RFC 8707 §2) and without user name, of at most 2048 characters.
    ///
    /// # Errors
    /// Says which rule the text breaks; see [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        WebAddress::parse(text)?;
        Ok(Self(text.to_owned()))
    }

    /// Takes back a resource that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The resource exactly as registered: the audience of its tokens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling by which requests are matched with this resource.
    pub fn key(&self) -> ResourceKey {
        // A stored text that no longer parses is its own key, and so matches no request.
        ResourceKey::of(&self.0).unwrap_or_else(|| ResourceKey(self.0.clone()))
    }

    /// Host, and the port where one is written, for a person to read.
    pub fn host(&self) -> &str {
        WebAddress::parse(&self.0).map_or(&self.0, |address| address.authority)
    }

    /// Where the resource server publishes its metadata: the well-known path inserted
    /// between host and path, the query kept (RFC 9728 §3.1).
    pub fn metadata_url(&self) -> String {
        let Ok(WebAddress {
            scheme,
            authority,
            path,
            query,
            ..
        }) = WebAddress::parse(&self.0)
        else {
            return self.0.clone();
        };
        let path = if path == "/" { "" } else { path };
        let mut url = format!("{scheme}://{authority}{WELL_KNOWN}{path}");
        push_query(&mut url, query);
        url
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One canonical spelling of a resource, for matching and for a unique index: scheme
/// and host in lower case, no default port, one slash fewer at the end of the path,
/// the query kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceKey(String);

impl ResourceKey {
    /// The key of a `resource` parameter (RFC 8707 §2); `None` when it is not an
    /// address that a resource can have, which is `invalid_target`.
    pub fn of(requested: &str) -> Option<Self> {
        let address = WebAddress::parse(requested).ok()?;
        let mut key = address.origin();
        key.push_str(address.path.strip_suffix('/').unwrap_or(address.path));
        push_query(&mut key, address.query);
        Some(Self(key))
    }

    /// Takes back a key that was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn push_query(url: &mut String, query: Option<&str>) {
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
}

/// Whether a scheme is `https` or `http`, in any case.
pub(super) fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Length, characters and fragment: what every address is checked for first.
pub(super) fn check_characters(text: &str) -> Result<(), AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.len() > MAX_ADDRESS_CHARACTERS {
        return Err(AddressError::TooLong);
    }
    // RFC 3986 §2. The backslash matters most: browsers read it as a slash.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    if let Some(strange) = text.chars().find(|c| !allowed(*c)) {
        return Err(AddressError::Character(strange));
    }
    if text.contains('#') {
        return Err(AddressError::Fragment);
    }
    Ok(())
}

/// Scheme and what follows its colon (RFC 3986 §3.1).
pub(super) fn split_scheme(text: &str) -> Result<(&str, &str), AddressError> {
    let (scheme, rest) = text.split_once(':').ok_or(AddressError::NotAbsolute)?;
    let well_formed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if well_formed {
        Ok((scheme, rest))
    } else {
        Err(AddressError::NotAbsolute)
    }
}

/// Host and port of an authority. IPv6 addresses keep their brackets.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), AddressError> {
    let host_ends = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_ends);
    if host.is_empty() || host.contains('%') {
        return Err(AddressError::Host);
    }
    if rest.is_empty() {
        return Ok((host, None));
    }
    let digits = rest.strip_prefix(':').ok_or(AddressError::Host)?;
    // `u16::from_str` alone would take "+80".
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddressError::Port);
    }
    match digits.parse() {
        Ok(port) if port > 0 => Ok((host, Some(port))),
        _ => Err(AddressError::Port),
    }
}

#[cfg(test)]
mod tests;

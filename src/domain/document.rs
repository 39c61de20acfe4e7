//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): a
//! client whose `client_id` is the address of a document that describes it.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;

use super::{
    client::{self, Client},
    fingerprint,
    redirect::RedirectUri,
    resource::{AddressError, WebAddress},
    scheme::PrivateSchemes,
};

/// The host of an address, in lower case, without a port; an IPv6 address keeps its
/// brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// Reads a host alone, such as `claude.ai`.
    ///
    /// # Errors
    /// A sentence, when it is anything else, such as a whole address.
    pub fn parse(text: &str) -> Result<Self, String> {
        match WebAddress::parse(&format!("https://{text}")) {
            // A wildcard would be taken for a name, and never match.
            Ok(address) if address.host == text && !text.contains('*') => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(format!("{text:?} is not a host such as claude.ai")),
        }
    }

    /// The host.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The IP address that it is, when it is no name.
    pub fn address(&self) -> Option<IpAddr> {
        let unwrapped = self.0.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
        unwrapped.unwrap_or(&self.0).parse().ok()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a `client_id` cannot be the address of a document (§3 of the draft).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentUrlError {
    /// It is not an acceptable address at all.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It uses `http`.
    #[error("it does not begin with https://")]
    NotHttps,
    /// Nothing, or only a slash, follows the host.
    #[error("it has no path after the host")]
    NoPath,
    /// A part of the path is `.` or `..`, plain or percent-encoded.
    #[error("its path contains . or .. as a part of its own")]
    DotSegment,
}

/// The address of a document, exactly as the client spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentUrl(String);

impl DocumentUrl {
    /// Whether a `client_id` is meant as an address, right or wrong. Ids that are made
    /// here never are.
    pub fn is_meant(client_id: &str) -> bool {
        let starts_with = |scheme: &str| {
            let start = client_id.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        starts_with("https://") || starts_with("http://")
    }

    /// Checks an address: `https`, a path without dot segments, neither fragment nor
    /// user name. A query is discouraged by the draft and accepted.
    ///
    /// # Errors
    /// Says which rule the text breaks; see [`DocumentUrlError`].
    pub fn parse(text: &str) -> Result<Self, DocumentUrlError> {
        let address = WebAddress::parse(text)?;
        if !text.starts_with("https://") {
            return Err(DocumentUrlError::NotHttps);
        }
        if matches!(address.path, "" | "/") {
            return Err(DocumentUrlError::NoPath);
        }
        if address.path.split('/').any(is_dot_segment) {
            return Err(DocumentUrlError::DotSegment);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address exactly as received: the `client_id`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the document is.
    pub fn host(&self) -> Host {
        let host = WebAddress::parse(&self.0).map_or(self.0.as_str(), |address| address.host);
        Host(host.to_ascii_lowercase())
    }
}

fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(decoded.as_str(), "." | "..")
}

/// Why a document does not describe a client that can be served (§4.1 of the draft).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not JSON, or a member that matters has the wrong type.
    #[error("it is not client metadata in JSON (see line {line}, column {column})")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 at the end of a line.
        column: usize,
    },
    /// Its `client_id` is missing or another one.
    #[error("its client_id is not the address that the app sent")]
    OtherClient,
    /// It contains a secret, which everybody could read.
    #[error("it contains a client_secret, which would be no secret")]
    Secret,
    /// The client wants to prove who it is in a way that is not offered.
    #[error("it asks for a token_endpoint_auth_method other than none")]
    AuthMethod,
    /// Its `client_name` is missing or unacceptable.
    #[error("its client_name is missing or unacceptable: {0}")]
    Name(String),
    /// None of its redirect URIs is acceptable.
    #[error("its redirect_uris are missing or unacceptable: {0}")]
    RedirectUris(String),
}

/// What a document says of its client, and that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDocument {
    /// Where it is: the `client_id`.
    pub url: DocumentUrl,
    /// The name, which the app chose itself.
    pub name: String,
    /// Where the client may ask to be sent back to; 1 to 20.
    pub redirect_uris: Vec<RedirectUri>,
}

/// The members that matter; all others are ignored (RFC 7591 §2).
#[derive(Deserialize)]
struct Members {
    client_id: Option<String>,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    client_secret: Option<Value>,
    client_secret_expires_at: Option<Value>,
}

impl Members {
    /// Whether the client can do without proving who it is. A document is written for
    /// every authorization server, so some list several methods. RFC 7591's default,
    /// a secret, is one that documents cannot have, so a missing method means `none`.
    fn is_public(&self) -> bool {
        let supported = &self.token_endpoint_auth_methods_supported;
        let method = self.token_endpoint_auth_method.as_deref();
        method.unwrap_or("none") == "none"
            || supported.iter().flatten().any(|method| method == "none")
    }

    /// Whether the client has, or wants, a secret that others can read.
    fn has_secret(&self) -> bool {
        let method = self.token_endpoint_auth_method.as_deref();
        self.client_secret.is_some()
            || self.client_secret_expires_at.is_some()
            || method.is_some_and(|method| method.starts_with("client_secret"))
    }
}

/// Reads members from a JSON object: a derived `Deserialize` alone would also read them from an
/// array.
///
/// # Errors
/// When it is no JSON object, or has a member of another type.
pub fn json_object<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(text)?;
    serde_json::from_slice(text)
}

impl ClientDocument {
    /// Reads the document that was found at an address. Redirect URIs may have the
    /// `private` schemes.
    ///
    /// # Errors
    /// Says what is wrong; see [`DocumentError`].
    pub fn parse(
        url: &DocumentUrl,
        body: &[u8],
        private: &PrivateSchemes,
    ) -> Result<Self, DocumentError> {
        let members: Members = json_object(body).map_err(|error| DocumentError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        if members.client_id.as_deref() != Some(url.as_str()) {
            return Err(DocumentError::OtherClient);
        }
        if members.has_secret() {
            return Err(DocumentError::Secret);
        }
        if !members.is_public() {
            return Err(DocumentError::AuthMethod);
        }
        let name = client::parse_name(members.client_name.as_deref().unwrap_or_default());
        Ok(Self {
            url: url.clone(),
            name: name.map_err(DocumentError::Name)?,
            redirect_uris: RedirectUri::parse_list(&members.redirect_uris, private)
                .map_err(DocumentError::RedirectUris)?
                .accepted,
        })
    }

    /// A short name for what the document says, to tell whether it still says the same.
    pub fn fingerprint(&self) -> String {
        let uris = self.redirect_uris.iter().map(RedirectUri::as_str);
        fingerprint::of_lines(std::iter::once(self.name.as_str()).chain(uris))
    }

    /// Whether a client is recorded as this document describes it.
    pub fn describes(&self, client: &Client) -> bool {
        self.changes(client).is_empty()
    }

    /// What differs from how a client is recorded, for the audit trail; empty when
    /// nothing does. The order of redirect URIs means nothing.
    pub fn changes(&self, client: &Client) -> String {
        client.changes_to(&self.name, client.logo.as_ref(), &self.redirect_uris)
    }
}

#[cfg(test)]
mod tests;

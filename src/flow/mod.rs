//! The verbs. Each works inside one transaction, with its audit event; the
//! pages, the protocol, the commands and the demo all call the same ones.
//!
//! A verb returns `Err` when the database failed: then the caller lets the
//! transaction go. A [`Refusal`] is an answer like any other: the caller
//! commits and then passes it on, because finding a stolen token changes what
//! is stored although the request is refused.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        audit::{Action, Actor, Event, Subject},
        connection::Lifetimes,
        secret::Secrets,
    },
    store,
};

pub mod archive;
pub mod asked;
pub mod authorize;
pub mod block;
pub mod client;
pub mod connection;
pub mod consent;
pub mod credential;
pub mod introspect;
pub mod lookup;
pub mod project;
pub mod register;
pub mod revoke;
pub mod revoke_matching;
pub mod seen;
pub mod step_up;
pub mod sweep;
mod target;
pub mod token;

/// The rules that the settings lay down.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long connections live.
    pub lifetimes: Lifetimes,
    /// How long an access token lives.
    pub access_token: Duration,
    /// For how long after its rotation a refresh token still answers, so that
    /// processes that share it do not cut each other off.
    pub refresh_grace: Duration,
    /// After how long a client that registered itself and that nobody uses is removed;
    /// never when `None`.
    pub unused_client: Option<Duration>,
}

/// What every verb needs to know about the moment it acts in.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The time, read once for the whole request.
    pub now: Timestamp,
    /// The rules.
    pub rules: &'a Rules,
    /// Makes and hashes secrets.
    pub secrets: &'a Secrets,
    /// Who acts.
    pub actor: Actor,
    /// The address the request came from, where known.
    pub address: Option<String>,
}

impl Context<'_> {
    /// An entry for the audit trail, by this actor, now.
    fn event(&self, action: Action, subject: Subject, reason: Option<&str>) -> Event {
        Event {
            id: self.secrets.new_id(self.now),
            at: self.now,
            action,
            actor: self.actor.clone(),
            address: self.address.clone(),
            reason: reason.map(str::to_owned),
            detail: None,
            subject,
        }
    }
}

/// The OAuth error codes that verbs answer with (RFC 6749 §4.1.2.1 and §5.2,
/// RFC 7591 §3.2.2, RFC 8707 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The client is unknown or did not prove who it is.
    InvalidClient,
    /// The code or refresh token does not, or no longer, work.
    InvalidGrant,
    /// A scope that may not be had.
    InvalidScope,
    /// A resource that is not known here.
    InvalidTarget,
    /// The person, or the organization, said no.
    AccessDenied,
    /// Another response type than `code`.
    UnsupportedResponseType,
    /// Another grant type than the two that are offered.
    UnsupportedGrantType,
    /// No acceptable redirect URI.
    InvalidRedirectUri,
    /// Unacceptable registration data.
    InvalidClientMetadata,
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
        }
    }
}

/// A request that was understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What a program acts on.
    pub code: ErrorCode,
    /// What a person reads, in the host that shows it.
    pub description: String,
}

impl Refusal {
    /// A refusal with this code and description.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let description: String = description.into();
        Self {
            code,
            description: description.chars().map(plain).collect(),
        }
    }
}

/// The character, or what stands for it where a description may not have it
/// (RFC 6749 §5.2).
fn plain(c: char) -> char {
    match c {
        '"' | '\\' => '\'',
        ' '..='~' => c,
        _ => '?',
    }
}

/// What verbs that may refuse return: the outer error is the database's.
pub type Outcome<T> = store::Result<Result<T, Refusal>>;

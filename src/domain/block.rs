//! Clients that may not connect.
//!
//! A block ends the connections that it covers and lets none be made until it is
//! lifted. What it ended stays ended then: people connect again, with consent.

use crate::clock::Timestamp;

use super::{
    ids::{BlockId, ClientId, PersonId, ProjectId},
    look_alike::LookAlike,
};

/// What a client is known by, whatever `client_id` it comes with: for one that registered
/// itself what it looks like, because it gets another id each time it registers; else its
/// `client_id`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct ClientIdentity(String);

impl From<LookAlike> for ClientIdentity {
    fn from(look: LookAlike) -> Self {
        Self(look.as_str().to_owned())
    }
}

impl ClientIdentity {
    /// The identity of a client that goes by its `client_id`.
    pub(super) fn of(client_id: &str) -> Self {
        Self(client_id.to_owned())
    }
}

/// Whom a block keeps from connecting, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// One person; everyone when `None`.
    pub person: Option<PersonId>,
    /// One project; every project when `None`.
    pub project: Option<ProjectId>,
}

/// A client that may not connect.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its id.
    pub id: BlockId,
    /// What is blocked.
    pub identity: ClientIdentity,
    /// The client that it was made of.
    pub client: ClientId,
    /// For whom and where.
    pub scope: Scope,
    /// Since when.
    pub at: Timestamp,
    /// Who decided it.
    pub by: String,
    /// Why, when a reason was given.
    pub reason: Option<String>,
}

//! What is remembered of a client that was removed.

use crate::clock::Timestamp;

/// Why a client was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "lowercase")]
pub enum Cause {
    /// It had registered itself, and nobody used it any more.
    Unused,
    /// It had been revoked long ago.
    Revoked,
}

impl Cause {
    /// Why, for the audit trail.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Unused => "It registered itself, and nobody used it any more.",
            Self::Revoked => "It was revoked long ago.",
        }
    }
}

/// Stands where a client was.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Tombstone {
    /// The OAuth `client_id`.
    pub identifier: String,
    /// The name that it had.
    pub name: String,
    /// Why it was removed.
    pub cause: Cause,
    /// Since when it cannot be used.
    pub ended_at: Timestamp,
    /// When it was removed.
    pub removed_at: Timestamp,
}

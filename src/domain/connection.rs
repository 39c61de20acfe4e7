//! A connection and its status: the one function that says what is shown and
//! what is enforced.

use std::time::Duration;

use crate::clock::Timestamp;

use super::{
    ids::{ClientId, ConnectionId, PersonId, ProjectId},
    scope::ScopeSet,
};

/// What one consent creates: the unit of access and of revocation.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Who consented.
    pub person: PersonId,
    /// What acts for them.
    pub client: ClientId,
    /// Where.
    pub project: ProjectId,
    /// Its name: `<client-name>#<word-pair>` until someone renames it.
    pub name: String,
    /// What was granted.
    pub scopes: ScopeSet,
    /// When the client redeemed its code; `None` until it does.
    pub connected_at: Option<Timestamp>,
    /// What its status depends on.
    pub life: Life,
}

/// How long connections live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A connection unused for this long expires.
    pub idle: Duration,
    /// A connection older than this expires, used or not.
    pub max_age: Option<Duration>,
}

impl Lifetimes {
    /// The moments that separate live connections from expired ones, `now`.
    /// Queries that filter by status bind these two, so that they cannot
    /// disagree with [`Life::status`].
    pub fn cutoffs(&self, now: Timestamp) -> Cutoffs {
        Cutoffs {
            used_before: now.minus(self.idle),
            authorized_before: self
                .max_age
                .map_or(Timestamp::from_millis(i64::MIN), |age| now.minus(age)),
        }
    }
}

/// A connection last used at or before the one, or authorized at or before the
/// other, has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// The idle window began then.
    pub used_before: Timestamp,
    /// The maximum age reaches back to then.
    pub authorized_before: Timestamp,
}

impl Cutoffs {
    /// Whether there is a maximum age at all.
    pub const fn has_age(&self) -> bool {
        self.authorized_before.millis() != i64::MIN
    }
}

/// How a connection came to its end by someone's act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Who, in words: an e-mail, "the client itself", "command line".
    pub by: String,
    /// Why, when a reason was given.
    pub reason: Option<String>,
}

/// What the status of a connection depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// When the person consented.
    pub authorized_at: Timestamp,
    /// The latest authorization, refresh or introspection.
    pub last_used_at: Timestamp,
    /// Set once it, or its client, has been revoked.
    pub revoked: Option<Revocation>,
}

/// The state of a connection at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Works, and goes on working until then if it is not used again.
    Active {
        /// When it will expire.
        until: Timestamp,
    },
    /// Unused for too long, or too old.
    Expired {
        /// When it stopped working.
        since: Timestamp,
    },
    /// Ended by someone.
    Revoked(Revocation),
}

impl Life {
    /// The status `now`. Revoked goes before expired.
    pub fn status(&self, lifetimes: &Lifetimes, now: Timestamp) -> Status {
        if let Some(revocation) = &self.revoked {
            return Status::Revoked(revocation.clone());
        }
        let idle_end = self.last_used_at.plus(lifetimes.idle);
        let end = lifetimes
            .max_age
            .map_or(idle_end, |age| idle_end.min(self.authorized_at.plus(age)));
        if now >= end {
            Status::Expired { since: end }
        } else {
            Status::Active { until: end }
        }
    }

    /// Whether the connection works `now`.
    pub fn is_active(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        matches!(self.status(lifetimes, now), Status::Active { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn life() -> Life {
        Life {
            authorized_at: Timestamp::from_millis(0),
            last_used_at: Timestamp::from_millis(0).plus(DAY),
            revoked: None,
        }
    }

    fn day(n: u32) -> Timestamp {
        Timestamp::from_millis(0).plus(DAY * n)
    }

    #[test]
    fn a_connection_expires_when_the_idle_window_has_passed_to_the_millisecond() {
        let rules = Lifetimes {
            idle: DAY * 30,
            max_age: None,
        };
        let end = day(31);
        let before = end.minus(Duration::from_millis(1));
        assert_eq!(life().status(&rules, before), Status::Active { until: end });
        assert_eq!(life().status(&rules, end), Status::Expired { since: end });
        assert!(life().last_used_at <= rules.cutoffs(end).used_before);
        assert!(life().last_used_at > rules.cutoffs(before).used_before);
    }

    #[test]
    fn a_maximum_age_ends_a_connection_that_is_still_in_use() {
        let rules = Lifetimes {
            idle: DAY * 30,
            max_age: Some(DAY * 10),
        };
        assert_eq!(
            life().status(&rules, day(10)),
            Status::Expired { since: day(10) }
        );
        assert!(life().is_active(&rules, day(9)));
    }

    #[test]
    fn revoked_wins_over_expired() {
        let rules = Lifetimes {
            idle: DAY,
            max_age: None,
        };
        let revocation = Revocation {
            at: day(90),
            by: "ana@acme.example".into(),
            reason: None,
        };
        let life = Life {
            revoked: Some(revocation.clone()),
            ..life()
        };
        assert_eq!(life.status(&rules, day(99)), Status::Revoked(revocation));
    }
}

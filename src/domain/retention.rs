//! How long things are kept once they are of no more use. The sweep removes
//! them then.
//!
//! An authorization code has no time of its own: it goes with its connection,
//! because a code that comes back must be recognized for as long as there is
//! something to end (RFC 9700 §2.1.1, OAuth 2.1 §4.1.3).

use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How long a revoked connection stays in lists, counted from its revocation.
pub const REVOKED_CONNECTION: Duration = DAY.saturating_mul(90);

/// How long a revoked client stays, counted from its revocation. One that still
/// has connections stays longer.
pub const REVOKED_CLIENT: Duration = DAY.saturating_mul(365);

/// How long a connection stays whose client never redeemed the code. The code
/// works for a minute, so nothing can come of it any more.
pub const NEVER_CONNECTED: Duration = DAY;

/// How long an act on everything that matched can be looked at once it has finished:
/// as long as the connections that it ended. The audit trail tells of it for longer.
pub const FINISHED_ACT: Duration = REVOKED_CONNECTION;

/// How long an introspection credential stays in the list of its project after its end:
/// whoever wonders why a server is refused finds it there.
pub const ENDED_CREDENTIAL: Duration = DAY.saturating_mul(90);

/// How long a refresh token is known for at most once it was replaced. Until then whoever
/// sends it again ends the connection, because one of two copies was stolen; later it is
/// as unknown as any other, and does not work either. So a client that is always on keeps
/// the tokens of a week, and not those of its whole life.
pub const REPLACED_TOKEN: Duration = DAY.saturating_mul(7);

/// How long a token stays after its end. One that has ended answers like one
/// that is unknown, so nothing depends on it; the day keeps the sweep away from
/// connections whose next refresh removes them anyway.
pub const ENDED_TOKEN: Duration = DAY;

/// How long it is remembered what became of a client that was removed.
pub const TOMBSTONE: Duration = DAY.saturating_mul(730);

/// How long the audit trail reaches back.
pub const AUDIT_TRAIL: Duration = DAY.saturating_mul(730);

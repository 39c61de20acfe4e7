//! Keeping counts true as time passes, and removing what is of no more use.
//!
//! Work goes in transactions of at most [`BATCH`] rows, so that nobody waits
//! long for the one writer that SQLite has. What is due is found outside of
//! them. Any number of servers and commands may sweep at once: a row that
//! another one has dealt with is left alone.

use std::collections::HashSet;

use serde::Serialize;

use crate::{
    clock::Timestamp,
    domain::{
        audit::{Action, Subject},
        retention,
        role::Reach,
    },
    store::{
        self, Db, Tx, audit, client, connection_list,
        connection_sweep::{self, Drift, Due, Outdated},
        token,
    },
};

use super::{
    Context, revoke,
    revoke_matching::{BATCH, PAUSE},
};

/// What a sweep did, or would do, in numbers of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Connections that are now counted as expired.
    pub counted_as_expired: usize,
    /// Connections that are now counted as active again.
    pub counted_as_active: usize,
    /// Connections removed long after they were revoked.
    pub revoked_connections_removed: usize,
    /// Connections removed because their client never came for its tokens.
    pub unused_connections_removed: usize,
    /// Clients removed long after they were revoked.
    pub clients_removed: usize,
    /// Tokens removed after their end.
    pub tokens_removed: usize,
    /// Events removed at the end of the audit trail.
    pub events_removed: usize,
}

impl Swept {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn tally(&mut self, step: Step) -> &mut usize {
        match step {
            Step::Count(Drift::Idle(_) | Drift::Aged(_)) => &mut self.counted_as_expired,
            Step::Count(Drift::Back(_)) => &mut self.counted_as_active,
            Step::Connections(Outdated::Revoked(_)) => &mut self.revoked_connections_removed,
            Step::Connections(Outdated::NeverConnected(_)) => &mut self.unused_connections_removed,
            Step::Clients(_) => &mut self.clients_removed,
            Step::Tokens(_) => &mut self.tokens_removed,
            Step::Events(_) => &mut self.events_removed,
        }
    }
}

/// A kind of row that a sweep deals with, and since when it is due.
#[derive(Clone, Copy, Debug)]
enum Step {
    Count(Drift),
    Connections(Outdated),
    Clients(Timestamp),
    Tokens(Timestamp),
    Events(Timestamp),
}

/// Everything that a sweep does, in order: connections go before the clients
/// that they keep.
fn steps(context: &Context<'_>) -> [Step; 8] {
    let cutoffs = context.rules.lifetimes.cutoffs(context.now);
    let ago = |time| context.now.minus(time);
    [
        Step::Count(Drift::Idle(cutoffs.used_before)),
        Step::Count(Drift::Aged(cutoffs.authorized_before)),
        Step::Count(Drift::Back(cutoffs)),
        Step::Connections(Outdated::NeverConnected(ago(retention::NEVER_CONNECTED))),
        Step::Connections(Outdated::Revoked(ago(retention::REVOKED_CONNECTION))),
        Step::Clients(ago(retention::REVOKED_CLIENT)),
        Step::Tokens(ago(retention::ENDED_TOKEN)),
        Step::Events(ago(retention::AUDIT_TRAIL)),
    ]
}

/// Does all that is due. What was done before an error stays done.
///
/// # Errors
/// When the database fails.
pub async fn run(db: &Db, context: &Context<'_>) -> store::Result<Swept> {
    let mut swept = Swept::default();
    for step in steps(context) {
        loop {
            let batch = batch(db, context, step).await?;
            *swept.tally(step) += batch.changed;
            if batch.found < BATCH {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(swept)
}

/// What is due, changing nothing. Clients that only the removal of their last
/// connection would make due are not among it.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &Db, context: &Context<'_>) -> store::Result<Swept> {
    let mut tx = db.snapshot().await?;
    let mut swept = Swept::default();
    for step in steps(context) {
        let count = match step {
            Step::Count(drift) => connection_sweep::count(&mut tx, Due::Drifted(drift)).await?,
            Step::Connections(outdated) => {
                connection_sweep::count(&mut tx, Due::Outdated(outdated)).await?
            }
            Step::Clients(until) => client::count_outdated(&mut tx, until).await?,
            Step::Tokens(until) => token::count_ended(&mut tx, until).await?,
            Step::Events(until) => audit::count_until(&mut tx, until).await?,
        };
        *swept.tally(step) += count as usize;
    }
    Ok(swept)
}

/// What came of one batch.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    found: usize,
    changed: usize,
}

async fn batch(db: &Db, context: &Context<'_>, step: Step) -> store::Result<Batch> {
    match step {
        Step::Count(drift) => count(db, drift).await,
        Step::Connections(outdated) => connections(db, context, outdated).await,
        Step::Clients(until) => clients(db, context, until).await,
        Step::Tokens(until) => tokens(db, until).await,
        Step::Events(until) => events(db, until).await,
    }
}

/// A transaction that may change several connections.
async fn begin(db: &Db) -> store::Result<Tx> {
    let mut tx = db.write().await?;
    store::lock_several(&mut tx).await?;
    Ok(tx)
}

/// No audit event: the status is a matter of time, and nobody changed it.
async fn count(db: &Db, drift: Drift) -> store::Result<Batch> {
    let ids = connection_sweep::find(&mut db.read().await?, Due::Drifted(drift), BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let changed = connection_sweep::mark(&mut tx, drift, &ids).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
        changed,
    })
}

/// One audit event for each: it costs a row in the statement that adds 500 at
/// once, and the trail of a connection then says how it ended.
async fn connections(db: &Db, context: &Context<'_>, outdated: Outdated) -> store::Result<Batch> {
    let reason = match outdated {
        Outdated::Revoked(_) => "It was revoked long ago.",
        Outdated::NeverConnected(_) => "The client never came for its tokens.",
    };
    let due = Due::Outdated(outdated);
    let ids = connection_sweep::find(&mut db.read().await?, due, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let listed = connection_list::by_ids(&mut tx, &Reach::All, &ids).await?;
    let removed = connection_sweep::remove(&mut tx, outdated, &ids).await?;
    let removed: HashSet<_> = removed.into_iter().collect();
    let events: Vec<_> = listed
        .iter()
        .filter(|row| removed.contains(&row.id))
        .map(|row| {
            let subject = revoke::subject(row);
            context.event(Action::ConnectionRemoved, subject, Some(reason))
        })
        .collect();
    audit::append(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
        changed: events.len(),
    })
}

async fn clients(db: &Db, context: &Context<'_>, until: Timestamp) -> store::Result<Batch> {
    let ids = client::find_outdated(&mut db.read().await?, until, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let removed = client::remove_outdated(&mut tx, until, &ids).await?;
    let event = |client| {
        let subject = Subject {
            client: Some(client),
            ..Subject::default()
        };
        context.event(
            Action::ClientRemoved,
            subject,
            Some("It was revoked long ago."),
        )
    };
    let events: Vec<_> = removed.into_iter().map(event).collect();
    audit::append(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
        changed: events.len(),
    })
}

/// Of a connection that goes on, only what has ended: then a refresh token that
/// comes back is unknown whether it is still there or not.
async fn tokens(db: &Db, until: Timestamp) -> store::Result<Batch> {
    let hashes = token::find_ended(&mut db.read().await?, until, BATCH).await?;
    if hashes.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let changed = token::remove_all(&mut tx, &hashes).await?;
    tx.commit().await?;
    Ok(Batch {
        found: hashes.len(),
        changed,
    })
}

async fn events(db: &Db, until: Timestamp) -> store::Result<Batch> {
    let ids = audit::find_until(&mut db.read().await?, until, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let changed = audit::remove(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
        changed,
    })
}

//! Keeping counts true as time passes, and removing what is of no more use.
//!
//! Work goes in transactions of at most [`BATCH`] rows, so that nobody waits
//! long for the one writer that SQLite has. What is to be removed is found outside
//! of them. Any number of servers and commands may sweep at once: a row that
//! another one has dealt with is left alone.

use std::collections::HashSet;

use serde::Serialize;

use crate::{
    clock::Timestamp,
    domain::{
        audit::{Action, Subject},
        look_alike::LookAlike,
        retention,
        role::Reach,
        tombstone::{Cause, Tombstone},
    },
    store::{
        self, Db, Tx, audit, bulk_act, client_look,
        client_sweep::{self, Outdated as OutdatedClient, Unused},
        connection_drift::{self, Drift},
        connection_list,
        connection_sweep::{self, Outdated},
        credential, token, tombstone,
    },
};

use super::{Context, revoke, revoke_matching::BATCH};

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
    /// Expired connections removed because nobody uses their client any more.
    pub expired_connections_removed: usize,
    /// Clients removed that had registered themselves and that nobody used any more.
    pub unused_clients_removed: usize,
    /// Clients removed long after they were revoked.
    pub clients_removed: usize,
    /// Tokens removed after their end.
    pub tokens_removed: usize,
    /// Introspection credentials removed long after their end.
    pub credentials_removed: usize,
    /// Acts on everything that matched, removed long after they finished.
    pub acts_removed: usize,
    /// Events removed at the end of the audit trail.
    pub events_removed: usize,
    /// Clients removed so long ago that it is forgotten what became of them.
    pub clients_forgotten: usize,
    /// Clients of an earlier version for which it is now recorded what they look like.
    pub looks_recorded: usize,
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
            Step::Connections(Outdated::OfUnused(_)) => &mut self.expired_connections_removed,
            Step::Clients(OutdatedClient::Unused(_)) => &mut self.unused_clients_removed,
            Step::Clients(OutdatedClient::Revoked(_)) => &mut self.clients_removed,
            Step::Tokens(_) => &mut self.tokens_removed,
            Step::Credentials(_) => &mut self.credentials_removed,
            Step::Acts(_) => &mut self.acts_removed,
            Step::Events(_) => &mut self.events_removed,
            Step::Tombstones(_) => &mut self.clients_forgotten,
            Step::Looks => &mut self.looks_recorded,
        }
    }
}

/// A kind of row that a sweep deals with, and since when it is due.
#[derive(Clone, Copy, Debug)]
enum Step {
    Count(Drift),
    Connections(Outdated),
    Clients(OutdatedClient),
    Tokens(Timestamp),
    Credentials(Timestamp),
    Acts(Timestamp),
    Events(Timestamp),
    Tombstones(Timestamp),
    Looks,
}

/// Everything that a sweep does, in order: connections go before the clients
/// that they keep.
fn steps(context: &Context<'_>) -> Vec<Step> {
    let cutoffs = context.rules.lifetimes.cutoffs(context.now);
    let ago = |time| context.now.minus(time);
    let mut steps = vec![
        Step::Count(Drift::Idle(cutoffs.used_before)),
        Step::Count(Drift::Aged(cutoffs.authorized_before)),
        Step::Count(Drift::Back(cutoffs)),
        Step::Connections(Outdated::NeverConnected(ago(retention::NEVER_CONNECTED))),
        Step::Connections(Outdated::Revoked(ago(retention::REVOKED_CONNECTION))),
        Step::Clients(OutdatedClient::Revoked(ago(retention::REVOKED_CLIENT))),
        Step::Tokens(ago(retention::ENDED_TOKEN)),
        Step::Credentials(ago(retention::ENDED_CREDENTIAL)),
        Step::Acts(ago(retention::FINISHED_ACT)),
        Step::Events(ago(retention::AUDIT_TRAIL)),
        Step::Tombstones(ago(retention::TOMBSTONE)),
        Step::Looks,
    ];
    if let Some(time) = context.rules.unused_client {
        // A connection that expired is shown as such for that long, and can be renewed.
        let unused = Unused {
            bare: ago(time),
            expired: cutoffs.used_before.minus(time),
            now: context.now,
        };
        steps.push(Step::Connections(Outdated::OfUnused(unused)));
        steps.push(Step::Clients(OutdatedClient::Unused(unused)));
    }
    steps
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
            // What was found and could not be dealt with waits for the next sweep.
            if batch.found < BATCH || batch.changed == 0 {
                break;
            }
            db.make_way().await;
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
            Step::Count(drift) => connection_drift::count(&mut tx, drift).await?,
            Step::Connections(outdated) => connection_sweep::count(&mut tx, outdated).await?,
            Step::Clients(outdated) => client_sweep::count(&mut tx, outdated).await?,
            Step::Tokens(until) => token::count_ended(&mut tx, until).await?,
            Step::Credentials(until) => credential::count_ended(&mut tx, until).await?,
            Step::Acts(until) => bulk_act::count_finished(&mut tx, until).await?,
            Step::Events(until) => audit::count_until(&mut tx, until).await?,
            Step::Tombstones(until) => tombstone::count_until(&mut tx, until).await?,
            Step::Looks => client_look::count_without(&mut tx).await?,
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
        Step::Clients(outdated) => clients(db, context, outdated).await,
        Step::Tokens(until) => tokens(db, until).await,
        Step::Credentials(until) => credentials(db, until).await,
        Step::Acts(until) => acts(db, until).await,
        Step::Events(until) => events(db, until).await,
        Step::Tombstones(until) => tombstones(db, until).await,
        Step::Looks => looks(db).await,
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
    let mut tx = begin(db).await?;
    let settled = connection_drift::settle(&mut tx, drift, BATCH).await?;
    tx.commit().await?;
    Ok(Batch {
        found: settled.found,
        changed: settled.changed,
    })
}

/// One audit event for each: it costs a row in the statement that adds 500 at
/// once, and the trail of a connection then says how it ended.
async fn connections(db: &Db, context: &Context<'_>, outdated: Outdated) -> store::Result<Batch> {
    let reason = match outdated {
        Outdated::Revoked(_) => "It was revoked long ago.",
        Outdated::NeverConnected(_) => "The client never came for its tokens.",
        Outdated::OfUnused(_) => "It had expired, and nobody used its client any more.",
    };
    let ids = connection_sweep::find(&mut db.read().await?, outdated, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    if let Outdated::OfUnused(_) = outdated {
        client_sweep::hold_of(&mut tx, &ids).await?;
    }
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

async fn clients(db: &Db, context: &Context<'_>, outdated: OutdatedClient) -> store::Result<Batch> {
    let ids = client_sweep::find(&mut db.read().await?, outdated, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let cause = match outdated {
        OutdatedClient::Revoked(_) => Cause::Revoked,
        OutdatedClient::Unused(_) => Cause::Unused,
    };
    let mut tx = begin(db).await?;
    client_sweep::hold(&mut tx, &ids).await?;
    let removed = client_sweep::remove(&mut tx, outdated, &ids).await?;
    let (mut events, mut tombstones) = (Vec::new(), Vec::new());
    for client in removed {
        let subject = Subject {
            client: Some((client.id, client.name.clone())),
            ..Subject::default()
        };
        events.push(context.event(Action::ClientRemoved, subject, Some(cause.sentence())));
        tombstones.push(Tombstone {
            identifier: client.identifier,
            name: client.name,
            cause,
            ended_at: client.revoked_at.unwrap_or(context.now),
            removed_at: context.now,
        });
    }
    audit::append(&mut tx, &events).await?;
    tombstone::add(&mut tx, &tombstones).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
        changed: events.len(),
    })
}

async fn tombstones(db: &Db, until: Timestamp) -> store::Result<Batch> {
    let identifiers = tombstone::find_until(&mut db.read().await?, until, BATCH).await?;
    if identifiers.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let changed = tombstone::remove(&mut tx, until, &identifiers).await?;
    tx.commit().await?;
    Ok(Batch {
        found: identifiers.len(),
        changed,
    })
}

/// No audit event: nothing about the clients changes.
async fn looks(db: &Db) -> store::Result<Batch> {
    let clients = client_look::without(&mut db.read().await?, BATCH).await?;
    if clients.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    for (id, name, redirect_uris) in &clients {
        let look = LookAlike::of(name, redirect_uris);
        client_look::set(&mut tx, id, &look).await?;
    }
    tx.commit().await?;
    Ok(Batch {
        found: clients.len(),
        changed: clients.len(),
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

/// No audit event: their end has its own, and nobody's access changes.
async fn credentials(db: &Db, until: Timestamp) -> store::Result<Batch> {
    let ids = credential::find_ended(&mut db.read().await?, until, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let changed = credential::remove_ended(&mut tx, until, &ids).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
        changed,
    })
}

/// No audit event: what the act did has its own, and nobody's access changes.
async fn acts(db: &Db, until: Timestamp) -> store::Result<Batch> {
    let ids = bulk_act::find_finished(&mut db.read().await?, until, BATCH).await?;
    if ids.is_empty() {
        return Ok(Batch::default());
    }
    let mut tx = begin(db).await?;
    let changed = bulk_act::remove(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(Batch {
        found: ids.len(),
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

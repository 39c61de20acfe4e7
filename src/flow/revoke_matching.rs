//! Ending everything that matches a filter: more than one transaction should hold.
//!
//! What was confirmed is stored first ([`begin`]), with the act's own audit event.
//! Then it is ended in batches ([`advance`]), each a transaction with its audit
//! events, so that other requests get their turn in between, a crash loses at most a
//! batch that nobody was told of, and any server can go on ([`resume`]).

use std::time::Duration;

use crate::{
    clock::Clock,
    domain::{
        audit::{Action, Actor, Subject},
        fingerprint::Fingerprint,
        ids::ActId,
        secret::Secrets,
    },
    store::{
        self, Db, Tx,
        bulk_act::{self, BulkAct},
        connection_filter::Filter,
    },
};

use super::{Context, Event, Rules, revoke};

/// How many connections one transaction ends.
pub const BATCH: usize = 1000;

/// An act that has not got on for so long has nobody who works on it.
pub const STALLED_AFTER: Duration = Duration::from_secs(10);

/// The connections that meet a filter, cut into batches of ids.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// How many there are, and which.
    pub fingerprint: Fingerprint,
    batches: Vec<String>,
}

/// What someone confirmed.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// The act's id: it is begun once, however often it is confirmed.
    pub act: ActId,
    /// Whose act it is.
    pub subject: String,
    /// What had to match, in words.
    pub filter: String,
    /// Why, when a reason was given.
    pub reason: Option<String>,
}

/// How many connections meet the filter, and which.
///
/// # Errors
/// When the database fails.
pub async fn fingerprint(tx: &mut Tx, filter: &Filter) -> store::Result<Fingerprint> {
    let mut fingerprint = Fingerprint::default();
    bulk_act::each_id(tx, filter, |id| fingerprint.add(id)).await?;
    Ok(fingerprint)
}

/// The same with the connections themselves.
///
/// # Errors
/// When the database fails.
pub async fn matching(tx: &mut Tx, filter: &Filter) -> store::Result<Matching> {
    let mut found = Matching::default();
    bulk_act::each_id(tx, filter, |id| found.add(id)).await?;
    Ok(found)
}

impl Matching {
    fn add(&mut self, id: &str) {
        if self.fingerprint.count().is_multiple_of(BATCH as u64) {
            self.batches.push(id.to_owned());
        } else if let Some(batch) = self.batches.last_mut() {
            batch.push(' ');
            batch.push_str(id);
        }
        self.fingerprint.add(id);
    }
}

/// Stores what is to be ended, and that it was decided. Returns whether this was the
/// first time.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    tx: &mut Tx,
    context: &Context<'_>,
    confirmed: Confirmed,
    matching: &Matching,
) -> store::Result<bool> {
    let Some(act) = store_act(tx, context, confirmed, None, matching).await? else {
        return Ok(false);
    };
    let subject = Subject::default();
    let decided = Event {
        detail: Some(format!("{} connections: {}", act.total, act.filter)),
        ..context.event(Action::MatchingRevoked, subject, act.reason.as_deref())
    };
    store::audit::append(tx, &[decided]).await?;
    Ok(true)
}

/// Stores what is to be ended, with the name of the client whose end it is, if it is one.
/// Returns the act; `None` when there is one of this id already.
pub(super) async fn store_act(
    tx: &mut Tx,
    context: &Context<'_>,
    confirmed: Confirmed,
    client_name: Option<&str>,
    matching: &Matching,
) -> store::Result<Option<BulkAct>> {
    let act = BulkAct {
        id: confirmed.act,
        actor: context.actor.to_string(),
        subject: confirmed.subject,
        address: context.address.clone(),
        filter: confirmed.filter,
        reason: confirmed.reason,
        client_name: client_name.map(str::to_owned),
        total: matching.fingerprint.count() as i64,
        ended: 0,
        skipped: 0,
        started_at: context.now,
        // Nothing is left to do of nothing.
        finished_at: (matching.fingerprint.count() == 0).then_some(context.now),
    };
    if !bulk_act::insert(tx, &act).await? {
        return Ok(None);
    }
    bulk_act::insert_batches(tx, &act.id, &matching.batches).await?;
    Ok(Some(act))
}

/// Ends the next batch of an act. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn advance(tx: &mut Tx, context: &Context<'_>, act: &BulkAct) -> store::Result<bool> {
    // Also keeps two servers from taking the same batch.
    store::lock_several(tx).await?;
    let Some(ids) = bulk_act::take_batch(tx, &act.id).await? else {
        return Ok(false);
    };
    let ended = revoke::end(tx, context, &ids, act.reason.as_deref()).await?;
    let skipped = ids.len() - ended.len();
    bulk_act::advance(tx, &act.id, ended.len() as i64, skipped as i64, context.now).await?;
    Ok(true)
}

/// What it takes to go on with an act outside of a request.
#[derive(Clone, Copy, Debug)]
pub struct Worker<'a> {
    /// The database.
    pub db: &'a Db,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The rules.
    pub rules: &'a Rules,
    /// Makes ids.
    pub secrets: &'a Secrets,
}

impl Worker<'_> {
    /// Goes on with an act until it is finished.
    ///
    /// # Errors
    /// When the database fails; what was ended until then stays ended.
    pub async fn run(&self, id: &ActId) -> store::Result<()> {
        let mut tx = self.db.read().await?;
        let act = bulk_act::find(&mut tx, id).await?;
        drop(tx);
        let Some(act) = act else { return Ok(()) };
        while self.batch(&act).await? {
            self.db.make_way().await;
        }
        tracing::info!(act.id = %id, act.total = act.total, "revoked everything that matched");
        Ok(())
    }

    async fn batch(&self, act: &BulkAct) -> store::Result<bool> {
        let mut tx = self.db.write().await?;
        let context = Context {
            now: self.clock.now(),
            rules: self.rules,
            secrets: self.secrets,
            actor: Actor::Person(act.actor.clone()),
            address: act.address.clone(),
        };
        let more = advance(&mut tx, &context, act).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// Finishes the acts that nobody works on any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume(&self) -> store::Result<()> {
        let mut tx = self.db.read().await?;
        let now = self.clock.now();
        let (before, after) = (now.minus(STALLED_AFTER), now.plus(STALLED_AFTER));
        let stalled = bulk_act::stalled(&mut tx, before, after).await?;
        drop(tx);
        for id in stalled {
            tracing::warn!(act.id = %id, "going on with an act that was interrupted");
            self.run(&id).await?;
        }
        Ok(())
    }
}

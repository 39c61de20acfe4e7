//! Ending connections. Every way to do it comes through here.

use std::collections::HashSet;

use crate::{
    domain::{
        audit::{Action, Subject},
        client::{self, Client},
        connection::Revocation,
        ids::ConnectionId,
        role::Reach,
    },
    store::{
        self, Tx,
        connection_end::{self, Uncounted},
        connection_list::{self, Listed},
        token::TokenKind,
    },
};

use super::Context;

/// The most connections one act ends.
pub const LIMIT: usize = 100;

/// The longest reason, in characters.
pub const REASON_LIMIT: usize = 500;

/// A reason as it is kept: without spaces around it, and without what would disturb the lines, of
/// a page or of a terminal, that it is shown on. `None` when nothing is left.
pub fn tidy_reason(typed: &str) -> Option<String> {
    // What joins several emoji into one may stay.
    let kept = |c: &char| matches!(c, '\n' | '\u{200d}') || !client::disturbs(*c);
    let reason: String = typed.replace('\t', " ").chars().filter(kept).collect();
    Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty())
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The connections that this act ended.
    pub now: Vec<Listed>,
    /// Those that had been ended before.
    pub before: Vec<Listed>,
}

/// Ends the connections, all or none: `None` when one of them is not within
/// `reach`, which looks the same as not being there.
///
/// # Errors
/// When the database fails.
pub async fn connections(
    tx: &mut Tx,
    context: &Context<'_>,
    reach: &Reach,
    ids: &[ConnectionId],
    reason: Option<&str>,
) -> store::Result<Option<Revoked>> {
    let mut uncounted = Uncounted::default();
    let revoked = uncounted_connections(tx, context, reach, (ids, reason), &mut uncounted).await?;
    connection_end::count(tx, &uncounted).await?;
    Ok(revoked)
}

/// The same as one step of an act: what it ends is still to be counted.
pub(super) async fn uncounted_connections(
    tx: &mut Tx,
    context: &Context<'_>,
    reach: &Reach,
    (ids, reason): (&[ConnectionId], Option<&str>),
    uncounted: &mut Uncounted,
) -> store::Result<Option<Revoked>> {
    store::lock_several(tx).await?;
    let listed = connection_list::by_ids(tx, reach, ids).await?;
    if ids.is_empty() || ids.iter().any(|id| listed.iter().all(|row| row.id != *id)) {
        return Ok(None);
    }
    let ended = end_uncounted(tx, context, ids, reason, uncounted).await?;
    let ended: HashSet<_> = ended.into_iter().collect();
    let (now, before) = listed.into_iter().partition(|row| ended.contains(&row.id));
    Ok(Some(Revoked { now, before }))
}

/// Ends one connection whose row the transaction holds.
///
/// # Errors
/// When the database fails.
pub async fn one(
    tx: &mut Tx,
    context: &Context<'_>,
    id: &ConnectionId,
    reason: Option<&str>,
) -> store::Result<()> {
    end(tx, context, std::slice::from_ref(id), reason)
        .await
        .map(drop)
}

/// Ends connections, and returns those that had not ended before. A transaction does this
/// once: an act of several steps takes [`end_uncounted`] for each.
pub(super) async fn end(
    tx: &mut Tx,
    context: &Context<'_>,
    ids: &[ConnectionId],
    reason: Option<&str>,
) -> store::Result<Vec<ConnectionId>> {
    let mut uncounted = Uncounted::default();
    let ended = end_uncounted(tx, context, ids, reason, &mut uncounted).await?;
    connection_end::count(tx, &uncounted).await?;
    Ok(ended)
}

/// The same as one step of an act: what it ends is still to be counted. Whoever ends one
/// connection holds it before the counts, and so must an act that ends several.
pub(super) async fn end_uncounted(
    tx: &mut Tx,
    context: &Context<'_>,
    ids: &[ConnectionId],
    reason: Option<&str>,
    uncounted: &mut Uncounted,
) -> store::Result<Vec<ConnectionId>> {
    let revocation = Revocation {
        at: context.now,
        by: context.actor.to_string(),
        reason: reason.map(str::to_owned),
    };
    let ended = connection_end::revoke(tx, ids, &revocation, uncounted).await?;
    let event = context.event(Action::ConnectionRevoked, Subject::default(), reason);
    let new_id = || context.secrets.new_id(context.now);
    let events: Vec<_> = ended.iter().map(|id| (new_id(), id.clone())).collect();
    store::audit::append_of_each(tx, &event, &events).await?;
    Ok(ended)
}

pub(super) fn subject(row: &Listed) -> Subject {
    Subject {
        connection: Some((row.id.clone(), row.name.clone())),
        client: Some((row.client.clone(), row.client_name.clone())),
        project: Some((row.project.clone(), row.project_name.clone())),
        person: Some((row.person.clone(), row.person_email.clone())),
    }
}

/// Ends what a client hands back (RFC 7009 §2.1): a refresh token takes its
/// connection with it, an access token only itself. A token that is unknown or
/// another client's is left alone.
///
/// # Errors
/// When the database fails.
pub async fn token(
    tx: &mut Tx,
    context: &Context<'_>,
    client: &Client,
    token: &str,
) -> store::Result<()> {
    let hash = context.secrets.hash(token);
    let Some(token) = store::token::find(tx, &hash).await? else {
        return Ok(());
    };
    let connection = store::connection::hold(tx, &token.connection_id).await?;
    if connection.is_none_or(|held| held.client != client.id) {
        return Ok(());
    }
    match token.kind {
        TokenKind::Access => store::token::remove(tx, &hash).await,
        TokenKind::Refresh => one(tx, context, &token.connection_id, None).await,
    }
}

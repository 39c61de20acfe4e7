//! A client that was told `insufficient_scope` asks again, for what it has and more
//! (MCP authorization, Step-Up Authorization Flow). The connection that it has then
//! gets more scopes, instead of a second one beside it.
//!
//! Nothing in the request tells this from the same app asking on another device, so
//! the person decides, and this says which connection may be meant: the one used last,
//! if the request names more scopes than it has, and all of those. What is proposed
//! first goes by two signs. A client that registered itself has an id of its own on
//! each device, so its last connection is the one on this device; and a step-up
//! follows a refused call, which was a use, at once. Without either, another
//! connection is proposed: made in error it does no harm.

use std::time::Duration;

use crate::{
    domain::{
        audit::{Action, Event},
        client::{Client, Origin},
        connection::Connection,
        project::Project,
        role::{Identity, Reach},
        scope::ScopeSet,
    },
    store::{self, Tx, connection_list},
};

use super::{Context, authorize::Proposal, revoke};

/// How long after a connection was used a step-up may still follow from that use.
const RECENT: Duration = Duration::from_secs(600);

/// The connection that this person may mean to widen by a request for the scopes
/// `asked`; `None` when there is none.
///
/// # Errors
/// When the database fails.
pub(super) async fn find(
    tx: &mut Tx,
    context: &Context<'_>,
    (identity, client, project): (&Identity, &Client, &Project),
    asked: &ScopeSet,
) -> store::Result<Option<Connection>> {
    let offered = project.scope_names();
    let asked = asked.intersection(&offered);
    if asked.is_empty() {
        return Ok(None);
    }
    let Some(person) = store::person::find(tx, &identity.subject).await? else {
        return Ok(None);
    };
    let cutoffs = context.rules.lifetimes.cutoffs(context.now);
    let parties = (&person.id, &client.id, &project.id);
    let latest = store::connection::latest_active(tx, parties, cutoffs).await?;
    Ok(latest.filter(|connection| {
        let has = connection.scopes.intersection(&offered);
        has.is_subset(&asked) && has != asked
    }))
}

/// Whether the connection is more likely meant than another device.
pub fn is_likely(proposal: &Proposal, connection: &Connection, context: &Context<'_>) -> bool {
    let last_use = context.now.since(connection.life.last_used_at);
    proposal.client.origin == Origin::Registered || last_use <= RECENT
}

/// Gives a connection, whose row is held, the scopes that the person allowed then, and
/// lets the tokens that it has run out: processes that share them have as long to take
/// over the new ones as after any other exchange. Until then an access token carries what
/// it did. One that is renewed instead goes on, with what it had and was allowed again.
///
/// # Errors
/// When the database fails.
pub(super) async fn widen(
    tx: &mut Tx,
    context: &Context<'_>,
    connection: Connection,
    scopes: ScopeSet,
) -> store::Result<Connection> {
    let (id, now) = (&connection.id, context.now);
    store::connection::set_scopes(tx, id, &scopes, now).await?;
    store::token::end_by(tx, id, now.plus(context.rules.refresh_grace)).await?;
    let listed = connection_list::by_ids(tx, &Reach::All, std::slice::from_ref(id)).await?;
    let events = listed.iter().map(|row| Event {
        detail: Some(format!("Scopes: {scopes}; before: {}.", connection.scopes)),
        ..context.event(Action::ConnectionWidened, revoke::subject(row), None)
    });
    store::audit::append(tx, &events.collect::<Vec<_>>()).await?;
    Ok(Connection {
        scopes,
        ..connection
    })
}

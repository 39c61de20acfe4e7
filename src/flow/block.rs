//! Keeping a client from connecting, for everyone or for one person, and letting it
//! connect again.
//!
//! A block ends the connections that it covers, all in its own transaction: what is refused
//! from then on is not shown as active. Tokens are checked against blocks besides. A
//! consent that was under way either made its connection before, which then ends with the
//! others, or finds the block, because both hold the client's row. So does a registration
//! under way, because both take turns with everything that changes several connections.
//!
//! However many steps a block takes, what it ends is counted once, after the last: a
//! client that ends one of those connections itself holds the connection, and waits for
//! the counts.

use std::collections::HashSet;

use crate::{
    domain::{
        audit::{Action, Subject},
        block::{Block, ClientIdentity, Scope},
        client::Client,
        ids::{BlockId, ClientId, ConnectionId},
        role::Reach,
    },
    store::{
        self, Tx,
        client_block::{self, Listed},
        client_look,
        connection_end::{self, Uncounted},
        connection_list,
    },
};

use super::{
    Context, ErrorCode, Event, Refusal,
    revoke::{self, Revoked},
    revoke_matching::BATCH,
};

/// What came of it.
#[derive(Clone, Debug)]
pub enum Blocked {
    /// The client is blocked now.
    Now {
        /// How many connections that ends.
        ended: usize,
    },
    /// It had been blocked for the same people and projects before.
    Before,
}

/// What came of revoking connections and blocking their clients.
#[derive(Clone, Debug)]
pub struct RevokedAndBlocked {
    /// What came of the connections that were chosen.
    pub revoked: Revoked,
    /// How many blocks that made; the others had been made before.
    pub blocks: usize,
    /// How many connections the blocks ended besides.
    pub ended: usize,
}

/// Blocks a client, and ends the connections that the block covers.
///
/// # Errors
/// When the database fails.
pub async fn client(
    tx: &mut Tx,
    context: &Context<'_>,
    client: &Client,
    scope: Scope,
    reason: Option<&str>,
) -> store::Result<Blocked> {
    let mut uncounted = Uncounted::default();
    let blocked = uncounted_client(tx, context, client, (scope, reason), &mut uncounted).await?;
    connection_end::count(tx, &uncounted).await?;
    Ok(blocked)
}

/// The same as one step of an act: what it ends is still to be counted.
async fn uncounted_client(
    tx: &mut Tx,
    context: &Context<'_>,
    client: &Client,
    (scope, reason): (Scope, Option<&str>),
    uncounted: &mut Uncounted,
) -> store::Result<Blocked> {
    store::lock_several(tx).await?;
    if let Some(look) = client.look_alike() {
        // It has none on record if an earlier version registered it.
        client_look::set(tx, &client.id, &look).await?;
    }
    let block = Block {
        id: context.secrets.new_id(context.now),
        identity: client.identity(),
        client: client.id.clone(),
        scope,
        at: context.now,
        by: context.actor.to_string(),
        reason: reason.map(str::to_owned),
    };
    client_block::hold_clients(tx, &block.identity).await?;
    if !client_block::insert(tx, &block).await? {
        return Ok(Blocked::Before);
    }
    let covered = client_block::connections(tx, &block.identity, &block.scope).await?;
    if let Some(listed) = client_block::by_id(tx, &block.id).await? {
        let event = Event {
            detail: Some(format!("Connections that this ends: {}.", covered.len())),
            ..context.event(Action::ClientBlocked, about(&listed), reason)
        };
        store::audit::append(tx, &[event]).await?;
    }
    let why = sentence(reason);
    for ids in covered.chunks(BATCH) {
        revoke::end_uncounted(tx, context, ids, Some(&why), uncounted).await?;
    }
    let ended = covered.len();
    Ok(Blocked::Now { ended })
}

/// Revokes connections, as [`revoke::connections`] does, and blocks the client of each for
/// its person: everywhere for whoever changes everything, else at the connection's project.
///
/// # Errors
/// When the database fails.
pub async fn with_connections(
    tx: &mut Tx,
    context: &Context<'_>,
    reach: &Reach,
    ids: &[ConnectionId],
    reason: Option<&str>,
) -> store::Result<Option<RevokedAndBlocked>> {
    store::lock_several(tx).await?;
    let rows = connection_list::by_ids(tx, reach, ids).await?;
    if !rows.iter().all(|row| reach.covers_project(&row.project)) {
        return Ok(None);
    }
    let mut blocks: Vec<(Client, Scope)> = Vec::new();
    for (client, scope) in scopes(&rows, reach) {
        if let Some(client) = store::client::by_id(tx, &client).await? {
            // Before the rows of connections, as consent holds them.
            client_block::hold_clients(tx, &client.identity()).await?;
            blocks.push((client, scope));
        }
    }
    let mut uncounted = Uncounted::default();
    let chosen = (ids, reason);
    let revoked = revoke::uncounted_connections(tx, context, reach, chosen, &mut uncounted).await?;
    let Some(revoked) = revoked else {
        return Ok(None);
    };
    let mut done = RevokedAndBlocked {
        revoked,
        blocks: 0,
        ended: 0,
    };
    for (blocked, scope) in blocks {
        let step = uncounted_client(tx, context, &blocked, (scope, reason), &mut uncounted).await?;
        if let Blocked::Now { ended } = step {
            done.blocks += 1;
            done.ended += ended;
        }
    }
    connection_end::count(tx, &uncounted).await?;
    Ok(Some(done))
}

/// The connections that end, besides these, when they are revoked and their clients blocked.
///
/// # Errors
/// When the database fails.
pub async fn besides(
    tx: &mut Tx,
    reach: &Reach,
    rows: &[connection_list::Listed],
) -> store::Result<Vec<ConnectionId>> {
    let mut ends = HashSet::new();
    for (client, scope) in scopes(rows, reach) {
        if let Some(client) = store::client::by_id(tx, &client).await? {
            ends.extend(client_block::connections(tx, &client.identity(), &scope).await?);
        }
    }
    let chosen: HashSet<_> = rows.iter().map(|row| row.id.clone()).collect();
    Ok(ends.difference(&chosen).cloned().collect())
}

/// Each client of the connections, and for whom and where whoever reaches so far blocks it.
fn scopes(rows: &[connection_list::Listed], reach: &Reach) -> Vec<(ClientId, Scope)> {
    let mut scopes = Vec::new();
    for row in rows {
        let scope = Scope {
            person: Some(row.person.clone()),
            project: (*reach != Reach::All).then(|| row.project.clone()),
        };
        let of_row = (row.client.clone(), scope);
        if !scopes.contains(&of_row) {
            scopes.push(of_row);
        }
    }
    scopes
}

/// Lifts a block. What it ended stays ended. Returns the block, or `None` when it had been
/// lifted before.
///
/// # Errors
/// When the database fails.
pub async fn lift(
    tx: &mut Tx,
    context: &Context<'_>,
    id: &BlockId,
    reason: Option<&str>,
) -> store::Result<Option<Listed>> {
    store::lock_several(tx).await?;
    let Some(listed) = client_block::by_id(tx, id).await? else {
        return Ok(None);
    };
    client_block::hold_clients(tx, &listed.block.identity).await?;
    if !client_block::remove(tx, id).await? {
        return Ok(None);
    }
    let event = context.event(Action::ClientUnblocked, about(&listed), reason);
    store::audit::append(tx, &[event]).await?;
    Ok(Some(listed))
}

/// Why a connection ended, on its row.
fn sentence(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("Client blocked: {reason}"),
        None => "Client blocked".to_owned(),
    }
}

fn about(listed: &Listed) -> Subject {
    let block = &listed.block;
    Subject {
        client: Some((block.client.clone(), listed.client_name.clone())),
        person: block.scope.person.clone().zip(listed.person_email.clone()),
        project: block.scope.project.clone().zip(listed.project_name.clone()),
        ..Subject::default()
    }
}

/// The answer to a client that is blocked, if it is. Hosts show it to the person.
///
/// # Errors
/// When the database fails.
pub(super) async fn refusal(
    tx: &mut Tx,
    (identity, name): (&ClientIdentity, &str),
    scope: &Scope,
) -> store::Result<Option<Refusal>> {
    let block = client_block::covering(tx, identity, scope).await?;
    Ok(block.map(|block| told(name, &block.scope)))
}

/// What a blocked client is told.
fn told(name: &str, scope: &Scope) -> Refusal {
    let place = match scope.project {
        Some(_) => "at this MCP server",
        None => "here",
    };
    let text = match scope.person {
        Some(_) => format!("you may not connect {name} {place}: an administrator has blocked it"),
        None => format!("{name} is blocked {place} by an administrator"),
    };
    let code = ErrorCode::AccessDenied;
    Refusal::new(code, format!("{text}. Ask those who administer Untether"))
}

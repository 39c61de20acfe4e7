//! What the sweep finds and changes among clients. As with connections, each
//! statement that removes something repeats what made it find the rows.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::ids::{ClientId, ConnectionId},
};

use super::{
    Result, Tx,
    connection_filter::{Engine, push_in},
    sql,
};

/// Clients of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// Revoked then or earlier.
    Revoked(Timestamp),
    /// Registered by themselves, and unused.
    Unused(Unused),
}

/// Since when a client that registered itself must have been unused. The latest use is
/// that of any connection it ever had, as the totals remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Without any connection: registered and last used then or earlier.
    pub bare: Timestamp,
    /// With expired connections: last used then or earlier.
    pub expired: Timestamp,
    /// None of its tokens may work at this time.
    pub now: Timestamp,
}

/// A client that was removed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Removed {
    /// Our id.
    pub id: ClientId,
    /// The OAuth `client_id`.
    pub identifier: String,
    /// Its name.
    pub name: String,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

fn push_outdated<D: Engine>(query: &mut QueryBuilder<D>, outdated: Outdated)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    // client_block_by_client: a block is kept with the client that it was made of, unless
    // that cannot come back under another client_id.
    query.push(
        "NOT EXISTS (
            SELECT 1
            FROM client_block
            WHERE client_block.client_id = client.id AND client.project_id IS NULL
        ) AND ",
    );
    match outdated {
        Outdated::Revoked(until) => {
            // client_revoked, connection_by_client
            query.push("client.revoked_at IS NOT NULL AND client.revoked_at <= ");
            query.push_bind(until.millis());
            query.push(
                " AND NOT EXISTS (
                    SELECT 1 FROM connection WHERE connection.client_id = client.id
                )",
            );
        }
        Outdated::Unused(unused) => {
            push_unused(query, unused);
            query.push(
                " AND NOT EXISTS (
                    SELECT 1
                    FROM connection_total
                    WHERE connection_total.kind = 'client' AND connection_total.id = client.id
                      AND connection_total.expired > 0
                )",
            );
        }
    }
}

/// Pushes the condition for a client that nobody uses, whether it still has expired
/// connections or none. It goes by the totals, which are kept in step with the
/// connections, so that it costs as little for a client that has very many.
pub(super) fn push_unused<D: Engine>(query: &mut QueryBuilder<D>, unused: Unused)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    // client_registered
    query.push(
        "client.origin = 'registered' AND client.revoked_at IS NULL AND client.created_at <= ",
    );
    query.push_bind(unused.bare.millis());
    query.push(
        " AND NOT EXISTS (
            SELECT 1
            FROM connection_total
            WHERE connection_total.kind = 'client' AND connection_total.id = client.id
              AND (connection_total.active > 0 OR connection_total.revoked > 0
                   OR connection_total.last_used_at > ",
    );
    query.push_bind(unused.bare.millis());
    query.push(" OR connection_total.expired > 0 AND connection_total.last_used_at > ");
    query.push_bind(unused.expired.millis());
    query.push("))");
}

/// Up to `limit` clients that are outdated and have no connection left.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, outdated: Outdated, limit: usize) -> Result<Vec<ClientId>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT client.id FROM client WHERE ");
        push_outdated(&mut query, outdated);
        query.push(" LIMIT ").push_bind(limit as i64);
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// How many such clients there are.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, outdated: Outdated) -> Result<i64> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM client WHERE ");
        push_outdated(&mut query, outdated);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// Waits for, and then holds, the rows of clients, so that nobody can connect with them
/// before the transaction ends. What is looked up after that is up to date.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, ids: &[ClientId]) -> Result<()> {
    sql!(tx, |c| {
        let mut query = QueryBuilder::new("UPDATE client SET revoked_at = revoked_at WHERE ");
        push_in(&mut query, "id", ids);
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The same for the clients of connections.
///
/// # Errors
/// When the database fails.
pub async fn hold_of(tx: &mut Tx, connections: &[ConnectionId]) -> Result<()> {
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "UPDATE client
            SET revoked_at = revoked_at
            WHERE id IN (SELECT client_id FROM connection WHERE ",
        );
        push_in(&mut query, "id", connections);
        query.push(")");
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Removes those of the clients, whose rows are held, that are outdated and have no
/// connection left, with their redirect URIs and counts, and returns them.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, outdated: Outdated, ids: &[ClientId]) -> Result<Vec<Removed>> {
    let removed: Vec<Removed> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM client WHERE ");
        push_outdated(&mut query, outdated);
        query.push(
            " AND NOT EXISTS (
                SELECT 1 FROM connection WHERE connection.client_id = client.id
            ) AND ",
        );
        push_in(&mut query, "client.id", ids);
        query.push(" RETURNING id, identifier, name, revoked_at");
        query.build_query_as().fetch_all(c).await
    })?;
    if removed.is_empty() {
        return Ok(removed);
    }
    let ids: Vec<_> = removed.iter().map(|client| client.id.clone()).collect();
    sql!(tx, |c| {
        let mut query =
            QueryBuilder::new("DELETE FROM connection_total WHERE kind = 'client' AND ");
        push_in(&mut query, "id", &ids);
        query.build().execute(c).await.map(drop)
    })?;
    Ok(removed)
}

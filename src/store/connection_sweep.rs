//! What the sweep finds and removes among connections. The statement that
//! removes something repeats what made it find the rows, so that a connection
//! that was used or ended in between, or swept elsewhere, is left alone.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{clock::Timestamp, domain::ids::ConnectionId};

use super::{
    Result, Tx,
    client_sweep::{Unused, push_unused},
    connection_count::{self, Change},
    connection_end::{ENDED, Ended, gone},
    connection_filter::{Engine, push_in},
    connection_revocation, sql,
};

/// Connections of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// Revoked then or earlier.
    Revoked(Timestamp),
    /// Authorized then or earlier, and never connected.
    NeverConnected(Timestamp),
    /// Expired, and through a client that nobody uses.
    OfUnused(Unused),
}

/// Where they are found.
const fn table(outdated: Outdated) -> &'static str {
    match outdated {
        Outdated::Revoked(_) => "connection_revocation",
        Outdated::NeverConnected(_) | Outdated::OfUnused(_) => "connection",
    }
}

/// Pushes the condition for being outdated. Each has an index of its own.
fn push_outdated<D: Engine>(query: &mut QueryBuilder<D>, outdated: Outdated)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    match outdated {
        Outdated::Revoked(until) => {
            // connection_revocation_by_end
            query.push("revoked_at <= ");
            query.push_bind(until.millis());
        }
        Outdated::NeverConnected(until) => {
            // connection_waiting
            query.push("revoked_at IS NULL AND connected_at IS NULL AND authorized_at <= ");
            query.push_bind(until.millis());
        }
        Outdated::OfUnused(unused) => {
            // connection_by_client, token_by_connection
            query.push("client_id IN (SELECT client.id FROM client WHERE ");
            push_unused(query, unused);
            query.push(") AND revoked_at IS NULL AND lapsed AND last_used_at <= ");
            query.push_bind(unused.expired.millis());
            query.push(
                " AND NOT EXISTS (
                    SELECT 1 FROM token WHERE token.connection_id = connection.id AND expires_at > ",
            );
            query.push_bind(unused.now.millis()).push(")");
        }
    }
}

/// The order of the index that finds what is outdated: PostgreSQL takes the few for many, and
/// would read the table until it has `limit` of them.
const fn order(outdated: Outdated) -> &'static str {
    match outdated {
        Outdated::NeverConnected(_) => " ORDER BY authorized_at",
        Outdated::Revoked(_) => " ORDER BY revoked_at",
        Outdated::OfUnused(_) => "",
    }
}

/// Up to `limit` connections that are outdated.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, outdated: Outdated, limit: usize) -> Result<Vec<ConnectionId>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id FROM ");
        query.push(table(outdated)).push(" WHERE ");
        push_outdated(&mut query, outdated);
        query
            .push(order(outdated))
            .push(" LIMIT ")
            .push_bind(limit as i64);
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// How many connections are outdated.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, outdated: Outdated) -> Result<i64> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM ");
        query.push(table(outdated)).push(" WHERE ");
        push_outdated(&mut query, outdated);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// Removes those of the connections that are outdated, with their codes and
/// tokens, and returns them.
///
/// # Errors
/// When the database fails.
pub async fn remove(
    tx: &mut Tx,
    outdated: Outdated,
    ids: &[ConnectionId],
) -> Result<Vec<ConnectionId>> {
    let removed: Vec<Ended> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM connection WHERE ");
        push_outdated(&mut query, outdated);
        query.push(" AND ");
        push_in(&mut query, "id", ids);
        query.push(ENDED);
        query.build_query_as().fetch_all(c).await
    })?;
    if let Outdated::Revoked(_) = outdated {
        connection_revocation::remove(tx, &removed).await?;
    }
    let counted = removed.iter().map(|row| &row.counted);
    connection_count::add(tx, counted, |row| match outdated {
        Outdated::Revoked(_) => Change {
            revoked: -1,
            ..Change::default()
        },
        Outdated::NeverConnected(_) | Outdated::OfUnused(_) => gone(row),
    })
    .await?;
    Ok(removed.into_iter().map(|row| row.id).collect())
}

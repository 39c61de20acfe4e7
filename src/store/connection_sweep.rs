//! What the sweep finds and changes among connections. Each statement that
//! changes something repeats what made it find the rows, so that a connection
//! that was used or ended in between, or swept elsewhere, is left alone.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{connection::Cutoffs, ids::ConnectionId},
};

use super::{
    Result, Tx,
    client_sweep::{Unused, push_unused},
    connection_count::{self, Change, Counted},
    connection_end::{Ended, gone},
    connection_filter::{Engine, push_in},
    sql,
};

/// Connections that the sweep has something to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// `lapsed` does not say what their times say.
    Drifted(Drift),
    /// They are of no more use.
    Outdated(Outdated),
}

/// Connections that are counted as what they no longer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Not used since then, and counted as active.
    Idle(Timestamp),
    /// Authorized then or earlier, and counted as active.
    Aged(Timestamp),
    /// Within both limits, and counted as expired: the idle window or the
    /// maximum age was raised, or a use was recorded late.
    Back(Cutoffs),
}

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

/// Pushes the condition for being due. Each has an index of its own.
fn push_due<D: Engine>(query: &mut QueryBuilder<D>, due: Due)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    match due {
        Due::Drifted(Drift::Idle(since)) => {
            // connection_live_by_use
            query.push("revoked_at IS NULL AND NOT lapsed AND last_used_at <= ");
            query.push_bind(since.millis());
        }
        Due::Drifted(Drift::Aged(since)) => {
            // connection_live_by_age
            query.push("revoked_at IS NULL AND NOT lapsed AND authorized_at <= ");
            query.push_bind(since.millis());
        }
        Due::Drifted(Drift::Back(cutoffs)) => {
            // connection_lapsed_by_use
            query.push("revoked_at IS NULL AND lapsed AND last_used_at > ");
            query.push_bind(cutoffs.used_before.millis());
            query.push(" AND authorized_at > ");
            query.push_bind(cutoffs.authorized_before.millis());
        }
        Due::Outdated(Outdated::Revoked(until)) => {
            // connection_revoked_by_end
            query.push("revoked_at IS NOT NULL AND revoked_at <= ");
            query.push_bind(until.millis());
        }
        Due::Outdated(Outdated::NeverConnected(until)) => {
            // connection_waiting
            query.push("revoked_at IS NULL AND connected_at IS NULL AND authorized_at <= ");
            query.push_bind(until.millis());
        }
        Due::Outdated(Outdated::OfUnused(unused)) => {
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

/// The order of the index that finds what is due: PostgreSQL takes the few for many, and
/// would read the table until it has `limit` of them.
const fn order(due: Due) -> &'static str {
    match due {
        Due::Drifted(Drift::Idle(_) | Drift::Back(_)) => " ORDER BY last_used_at",
        Due::Drifted(Drift::Aged(_)) | Due::Outdated(Outdated::NeverConnected(_)) => {
            " ORDER BY authorized_at"
        }
        Due::Outdated(Outdated::Revoked(_)) => " ORDER BY revoked_at",
        Due::Outdated(Outdated::OfUnused(_)) => "",
    }
}

/// Up to `limit` connections that are due.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, due: Due, limit: usize) -> Result<Vec<ConnectionId>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id FROM connection WHERE ");
        push_due(&mut query, due);
        query
            .push(order(due))
            .push(" LIMIT ")
            .push_bind(limit as i64);
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// How many connections are due.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, due: Due) -> Result<i64> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM connection WHERE ");
        push_due(&mut query, due);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// Counts those of the connections that have drifted as what they are, and
/// returns how many.
///
/// # Errors
/// When the database fails.
pub async fn mark(tx: &mut Tx, drift: Drift, ids: &[ConnectionId]) -> Result<usize> {
    let marked: Vec<Counted> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("UPDATE connection SET lapsed = NOT lapsed WHERE ");
        push_due(&mut query, Due::Drifted(drift));
        query.push(" AND ");
        push_in(&mut query, "id", ids);
        query.push(" RETURNING client_id, project_id, person_id, lapsed, last_used_at");
        query.build_query_as().fetch_all(c).await
    })?;
    connection_count::add(tx, &marked, |row| {
        let expired = if row.lapsed { 1 } else { -1 };
        Change {
            active: -expired,
            expired,
            revoked: 0,
        }
    })
    .await?;
    Ok(marked.len())
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
        push_due(&mut query, Due::Outdated(outdated));
        query.push(" AND ");
        push_in(&mut query, "id", ids);
        query.push(" RETURNING id, client_id, project_id, person_id, lapsed, last_used_at");
        query.build_query_as().fetch_all(c).await
    })?;
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

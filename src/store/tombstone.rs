//! What is remembered of clients that were removed.

use sqlx::QueryBuilder;

use crate::{clock::Timestamp, domain::tombstone::Tombstone};

use super::{Result, Tx, connection_filter::push_in, sql};

/// Adds tombstones; a newer one takes the place of an older one of the same `client_id`.
///
/// # Errors
/// When the database fails.
pub async fn add(tx: &mut Tx, tombstones: &[Tombstone]) -> Result<()> {
    if tombstones.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "INSERT INTO client_tombstone (identifier, name, cause, ended_at, removed_at) ",
        );
        query.push_values(tombstones, |mut row, tombstone| {
            row.push_bind(&tombstone.identifier)
                .push_bind(&tombstone.name)
                .push_bind(tombstone.cause)
                .push_bind(tombstone.ended_at)
                .push_bind(tombstone.removed_at);
        });
        query.push(
            " ON CONFLICT (identifier) DO UPDATE
            SET name = excluded.name,
                cause = excluded.cause,
                ended_at = excluded.ended_at,
                removed_at = excluded.removed_at",
        );
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// What is remembered of the client that had this OAuth `client_id`.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, identifier: &str) -> Result<Option<Tombstone>> {
    const FIND: &str = "
        SELECT identifier, name, cause, ended_at, removed_at
        FROM client_tombstone
        WHERE identifier = $1";
    Ok(sql!(tx, |c| sqlx::query_as(FIND)
        .bind(identifier)
        .fetch_optional(c)
        .await)?)
}

/// Up to `limit` tombstones, by `client_id`, of clients removed then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn find_until(tx: &mut Tx, until: Timestamp, limit: usize) -> Result<Vec<String>> {
    // client_tombstone_by_age
    const FIND: &str = "
        SELECT identifier
        FROM client_tombstone
        WHERE removed_at <= $1
        LIMIT $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(FIND)
        .bind(until)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

/// How many such tombstones there are.
///
/// # Errors
/// When the database fails.
pub async fn count_until(tx: &mut Tx, until: Timestamp) -> Result<i64> {
    // client_tombstone_by_age
    const COUNT: &str = "SELECT COUNT(*) FROM client_tombstone WHERE removed_at <= $1";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT)
        .bind(until)
        .fetch_one(c)
        .await)?)
}

/// Removes those of the tombstones that are that old, and returns how many.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, until: Timestamp, identifiers: &[String]) -> Result<usize> {
    let removed: Vec<String> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM client_tombstone WHERE removed_at <= ");
        query.push_bind(until.millis());
        query.push(" AND ");
        push_in(&mut query, "identifier", identifiers);
        query.push(" RETURNING identifier");
        query.build_query_scalar().fetch_all(c).await
    })?;
    Ok(removed.len())
}

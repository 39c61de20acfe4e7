//! How connections end, and how their records go.

use crate::{
    clock::Timestamp,
    domain::{
        connection::{Cutoffs, Revocation},
        ids::{ClientId, ConnectionId, PersonId, ProjectId},
    },
};

use super::{
    Result, Tx,
    connection_count::{self, Change, Counted},
    connection_revocation, sql,
};

/// Connections that have ended and still count as if they had not.
#[must_use]
#[derive(Debug, Default)]
pub struct Uncounted(Vec<Counted>);

/// Ends those of the connections that were not ended before, and returns them. They are
/// still to be counted.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Tx,
    ids: &[ConnectionId],
    revocation: &Revocation,
    uncounted: &mut Uncounted,
) -> Result<Vec<ConnectionId>> {
    let ended: Vec<Ended> = sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new("UPDATE connection SET revoked_at = ");
        query.push_bind(revocation.at);
        query.push(", revoked_by = ").push_bind(&revocation.by);
        query
            .push(", revoked_reason = ")
            .push_bind(&revocation.reason);
        query.push(" WHERE revoked_at IS NULL AND id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id);
        }
        query.push(")").push(ENDED);
        query.build_query_as().fetch_all(c).await
    })?;
    let take = |row: Ended| {
        uncounted.0.push(row.counted);
        row.id
    };
    let ended: Vec<_> = ended.into_iter().map(take).collect();
    connection_revocation::add(tx, &ended).await?;
    Ok(ended)
}

/// Counts connections as revoked: once in a transaction, when it has ended all that it
/// ends.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, uncounted: &Uncounted) -> Result<()> {
    connection_count::recount(tx, &uncounted.0, |row| Change {
        revoked: 1,
        ..gone(row)
    })
    .await
}

/// Deletes the record of a connection if it has been revoked. Returns whether it did.
///
/// # Errors
/// When the database fails.
pub async fn delete_revoked(tx: &mut Tx, id: &ConnectionId) -> Result<bool> {
    let deleted: Vec<Ended> = sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new(
            "DELETE FROM connection WHERE revoked_at IS NOT NULL AND id = ",
        );
        query.push_bind(id).push(ENDED);
        query.build_query_as().fetch_all(c).await
    })?;
    connection_revocation::remove(tx, &deleted).await?;
    connection_count::add(tx, deleted.iter().map(|row| &row.counted), |_| Change {
        revoked: -1,
        ..Change::default()
    })
    .await?;
    Ok(!deleted.is_empty())
}

/// At the end of a statement, what it says of each connection that it ended or removed.
pub(super) const ENDED: &str =
    " RETURNING id, authorized_at, client_id, project_id, person_id, lapsed, last_used_at";

/// A connection that a statement ended or removed.
#[derive(sqlx::FromRow)]
pub(super) struct Ended {
    pub id: ConnectionId,
    pub authorized_at: Timestamp,
    #[sqlx(flatten)]
    pub counted: Counted,
}

/// One connection fewer that is not revoked.
pub(super) fn gone(row: &Counted) -> Change {
    Change {
        active: if row.lapsed { 0 } else { -1 },
        expired: if row.lapsed { -1 } else { 0 },
        revoked: 0,
    }
}

/// Removes the most recently used expired connection of a person to a project
/// through a client, and returns its id and name.
///
/// # Errors
/// When the database fails.
pub async fn remove_expired(
    tx: &mut Tx,
    person: &PersonId,
    client: &ClientId,
    project: &ProjectId,
    cutoffs: Cutoffs,
) -> Result<Option<(ConnectionId, String)>> {
    // connection_by_person finds the few rows of one person. PostgreSQL, when it has waited for
    // somebody who changed the row, looks at what stands outside of the subquery again.
    const REMOVE: &str = "
        DELETE FROM connection
        WHERE revoked_at IS NULL AND (last_used_at <= $4 OR authorized_at <= $5) AND id = (
            SELECT id
            FROM connection
            WHERE person_id = $1 AND client_id = $2 AND project_id = $3
              AND revoked_at IS NULL
              AND (last_used_at <= $4 OR authorized_at <= $5)
            ORDER BY last_used_at DESC, id DESC
            LIMIT 1
        )
        RETURNING id, name, client_id, project_id, person_id, lapsed, last_used_at";
    let removed: Option<Removed> = sql!(tx, |c| sqlx::query_as(REMOVE)
        .bind(person)
        .bind(client)
        .bind(project)
        .bind(cutoffs.used_before)
        .bind(cutoffs.authorized_before)
        .fetch_optional(c)
        .await)?;
    connection_count::add(tx, removed.iter().map(|row| &row.counted), gone).await?;
    Ok(removed.map(|row| (row.id, row.name)))
}

#[derive(sqlx::FromRow)]
struct Removed {
    id: ConnectionId,
    name: String,
    #[sqlx(flatten)]
    counted: Counted,
}

//! The connections that were revoked, once more in a table of their own: it has the indexes
//! that would otherwise be written, with all others, by each change of `connection`.

use sqlx::QueryBuilder;

use crate::domain::ids::ConnectionId;

use super::{
    Result, Tx,
    connection_end::Ended,
    connection_filter::{Filter, Statuses, push_in},
    connection_key::Column,
    connection_search::Found,
    sql,
};

/// Stands for `connection` where only revoked ones are wanted, and begins with them, in the
/// order of age: the planner of either engine sees through the subquery.
pub(super) const AS_CONNECTION: &str = "
    (SELECT ended.id, ended.authorized_at, ended.last_used_at, ended.revoked_at,
            ended.project_id, connection.person_id, connection.client_id, connection.name,
            connection.connected_at, connection.revoked_by, connection.revoked_reason,
            connection.folded, connection.stem, connection.label, connection.person_folded,
            connection.client_folded, connection.project_folded
     FROM connection_revocation AS ended
     CROSS JOIN connection
     WHERE connection.id = ended.id) AS connection";

/// Whether a list in the order of a column begins with those that were revoked: nothing else
/// leads to few, and they are in order, or few themselves.
pub(super) fn lead(filter: &Filter, column: Column) -> bool {
    let Some(plan) = &filter.plan else {
        return false;
    };
    filter.statuses == Statuses::REVOKED
        && plan.is_wide(filter)
        && match filter.found() {
            Found::Everywhere | Found::Many(_) => true,
            Found::OfClients => plan.big_kinds,
            Found::OfPeople(_) => plan.big_people,
            // Those are gathered by their rows in `connection` itself.
            Found::Few(_) => false,
        }
        && (column.sql() == Column::Authorized.sql() || !plan.big_revoked)
}

/// Adds connections that have been revoked. In the transaction that revokes them.
///
/// # Errors
/// When the database fails.
pub(super) async fn add(tx: &mut Tx, ids: &[ConnectionId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "INSERT INTO connection_revocation
                (id, project_id, authorized_at, last_used_at, revoked_at)
            SELECT id, project_id, authorized_at, last_used_at, revoked_at
            FROM connection
            WHERE ",
        );
        push_in(&mut query, "id", ids);
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes how late those of the connections that have been revoked were used: what was used just
/// before is written down some seconds later.
///
/// # Errors
/// When the database fails.
pub(super) async fn note_uses(tx: &mut Tx, ids: &[ConnectionId]) -> Result<()> {
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "UPDATE connection_revocation
            SET last_used_at = connection.last_used_at
            FROM connection
            WHERE connection.revoked_at IS NOT NULL
              AND connection_revocation.authorized_at = connection.authorized_at
              AND connection_revocation.id = connection.id
              AND ",
        );
        push_in(&mut query, "connection.id", ids);
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Removes connections. In the transaction that removes the connections themselves.
///
/// # Errors
/// When the database fails.
pub(super) async fn remove(tx: &mut Tx, removed: &[Ended]) -> Result<()> {
    if removed.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query =
            QueryBuilder::new("DELETE FROM connection_revocation WHERE (authorized_at, id) IN (");
        query.push_values(removed, |mut row, connection| {
            row.push_bind(connection.authorized_at)
                .push_bind(&connection.id);
        });
        query.push(")").build().execute(c).await.map(drop)
    })?;
    Ok(())
}

//! How many connections each client has at each project, kept in step by every
//! function that adds, ends or removes connections.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use crate::domain::ids::{ClientId, ProjectId};

use super::{Result, Tx, sql};

/// How many counts one statement changes, so that its parameters stay few.
const CHANGED_AT_ONCE: usize = 1000;

/// By how much the counts of one client at one project change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Neither lapsed nor revoked.
    pub active: i64,
    /// Lapsed and not revoked.
    pub expired: i64,
    /// Revoked.
    pub revoked: i64,
}

/// What a statement says of a connection that it changed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Counted {
    pub client_id: ClientId,
    pub project_id: ProjectId,
    pub lapsed: bool,
}

/// Adds `change` of each row to the counts of its client and project. In the
/// same transaction as what it counts, always after it: so the rows of counts
/// are held last, and in one order, and no two transactions wait for each other.
///
/// # Errors
/// When the database fails.
pub(super) async fn add<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = &'a Counted>,
    change: impl Fn(&Counted) -> Change,
) -> Result<()> {
    let mut changes = BTreeMap::<_, Change>::new();
    for row in rows {
        let by = change(row);
        let sum = changes
            .entry((row.client_id.as_str(), row.project_id.as_str()))
            .or_default();
        sum.active += by.active;
        sum.expired += by.expired;
        sum.revoked += by.revoked;
    }
    let changes: Vec<_> = changes.into_iter().collect();
    for some in changes.chunks(CHANGED_AT_ONCE) {
        add_some(tx, some).await?;
    }
    Ok(())
}

async fn add_some(tx: &mut Tx, changes: &[((&str, &str), Change)]) -> Result<()> {
    const ADD: &str = "
        ON CONFLICT (client_id, project_id) DO UPDATE
        SET active = connection_count.active + excluded.active,
            expired = connection_count.expired + excluded.expired,
            revoked = connection_count.revoked + excluded.revoked";
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "INSERT INTO connection_count (client_id, project_id, active, expired, revoked) ",
        );
        query.push_values(changes, |mut row, ((client, project), change)| {
            row.push_bind(*client)
                .push_bind(*project)
                .push_bind(change.active)
                .push_bind(change.expired)
                .push_bind(change.revoked);
        });
        query.push(ADD);
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

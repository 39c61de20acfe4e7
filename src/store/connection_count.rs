//! How many connections there are: of each client at each project, of each
//! client, person and project, and in all. Kept in step by every function that
//! adds, ends or removes connections.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::ids::{ClientId, ConnectionId, PersonId, ProjectId},
};

use super::{Result, Tx, connection_filter::push_in, sql};

/// How many counts one statement changes, so that its parameters stay few.
const CHANGED_AT_ONCE: usize = 1000;

/// By how much counts change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Neither lapsed nor revoked.
    pub active: i64,
    /// Lapsed and not revoked.
    pub expired: i64,
    /// Revoked.
    pub revoked: i64,
}

impl Change {
    fn plus(self, other: Self) -> Self {
        Self {
            active: self.active + other.active,
            expired: self.expired + other.expired,
            revoked: self.revoked + other.revoked,
        }
    }
}

/// What a statement says of a connection that it changed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Counted {
    pub client_id: ClientId,
    pub project_id: ProjectId,
    pub person_id: PersonId,
    pub lapsed: bool,
    pub last_used_at: Timestamp,
}

impl Counted {
    /// The totals that the connection is part of.
    fn totals(&self) -> [(&'static str, &str); 4] {
        [
            ("all", ""),
            ("client", self.client_id.as_str()),
            ("person", self.person_id.as_str()),
            ("project", self.project_id.as_str()),
        ]
    }
}

/// Adds `change` of each row to the counts it is part of. In the same
/// transaction as what it counts, always after it: so the rows of counts are
/// held last, and in one order, and no two transactions wait for each other.
///
/// # Errors
/// When the database fails.
pub(super) async fn add<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = &'a Counted>,
    change: impl Fn(&Counted) -> Change,
) -> Result<()> {
    let mut counts = BTreeMap::<_, Change>::new();
    let mut totals = BTreeMap::<_, (Change, Timestamp)>::new();
    for row in rows {
        let by = change(row);
        let count = counts
            .entry((row.client_id.as_str(), row.project_id.as_str()))
            .or_default();
        *count = count.plus(by);
        for key in row.totals() {
            let total = totals
                .entry(key)
                .or_insert((Change::default(), row.last_used_at));
            *total = (total.0.plus(by), total.1.max(row.last_used_at));
        }
    }
    let counts: Vec<_> = counts.into_iter().collect();
    for some in counts.chunks(CHANGED_AT_ONCE) {
        add_counts(tx, some).await?;
    }
    let totals: Vec<_> = totals.into_iter().collect();
    for some in totals.chunks(CHANGED_AT_ONCE) {
        add_totals(tx, some).await?;
    }
    Ok(())
}

/// Adds to the counts of some clients at some projects.
async fn add_counts(tx: &mut Tx, changes: &[((&str, &str), Change)]) -> Result<()> {
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
        query.push(
            " ON CONFLICT (client_id, project_id) DO UPDATE
            SET active = connection_count.active + excluded.active,
                expired = connection_count.expired + excluded.expired,
                revoked = connection_count.revoked + excluded.revoked",
        );
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

type TotalChange<'a> = ((&'static str, &'a str), (Change, Timestamp));

/// Adds to some totals, and notes later uses.
async fn add_totals(tx: &mut Tx, changes: &[TotalChange<'_>]) -> Result<()> {
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at) ",
        );
        query.push_values(changes, |mut row, ((kind, id), (change, used))| {
            row.push_bind(*kind)
                .push_bind(*id)
                .push_bind(change.active)
                .push_bind(change.expired)
                .push_bind(change.revoked)
                .push_bind(*used);
        });
        query.push(
            " ON CONFLICT (kind, id) DO UPDATE
            SET active = connection_total.active + excluded.active,
                expired = connection_total.expired + excluded.expired,
                revoked = connection_total.revoked + excluded.revoked,
                last_used_at = CASE
                    WHEN connection_total.last_used_at < excluded.last_used_at
                    THEN excluded.last_used_at
                    ELSE connection_total.last_used_at
                END",
        );
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes in the totals how late the connections have been used by now.
///
/// # Errors
/// When the database fails.
pub(super) async fn note_uses(tx: &mut Tx, connections: &[ConnectionId]) -> Result<()> {
    let used: Vec<Counted> = sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT client_id, project_id, person_id, lapsed, last_used_at
            FROM connection
            WHERE ",
        );
        push_in(&mut query, "id", connections);
        query.build_query_as().fetch_all(c).await
    })?;
    add(tx, &used, |_| Change::default()).await
}

//! How many connections there are: of each client at each project, of each
//! client, person and project, and in all. Kept in step by every function that
//! adds, ends or removes connections.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::ids::{ClientId, ConnectionId, PersonId, ProjectId},
};

use super::{Result, Tx, connection_drift, connection_filter::push_in, sql};

/// How many counts one statement changes: small statements of few lengths stay prepared.
const CHANGED_AT_ONCE: usize = 100;

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
    /// Of one that is counted as active again.
    pub const REVIVED: Self = Self {
        active: 1,
        expired: -1,
        revoked: 0,
    };
    /// Of one that is counted as expired from now on.
    pub const LAPSED: Self = Self {
        active: -1,
        expired: 1,
        revoked: 0,
    };

    const fn sum(self) -> i64 {
        self.active + self.expired + self.revoked
    }

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
    fn totals(&self) -> [(&str, &str); 4] {
        [
            ("all", ""),
            ("client", self.client_id.as_str()),
            ("person", self.person_id.as_str()),
            ("project", self.project_id.as_str()),
        ]
    }
}

/// Adds `change` of each row to the counts it is part of, and notes its use. In the same
/// transaction as what it counts, always after it, and after every other row of a
/// connection that the transaction waits for: an act that ends connections in
/// several steps adds what came of all of them once, at its end. So the rows of
/// counts are held last, and in one order, and no two transactions wait for each
/// other.
///
/// # Errors
/// When the database fails.
pub(super) async fn add<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = &'a Counted>,
    change: impl Fn(&Counted) -> Change,
) -> Result<()> {
    let rows = rows.into_iter().map(|row| (row, change(row))).collect();
    add_all(tx, rows, NOTE_USE).await
}

/// The same without the uses, where many are counted at once: [`note_uses`] has noted them, and
/// indexes in the order of use need not be written again.
///
/// # Errors
/// When the database fails.
pub(super) async fn recount<'a>(
    tx: &mut Tx,
    rows: impl IntoIterator<Item = &'a Counted>,
    change: impl Fn(&Counted) -> Change,
) -> Result<()> {
    let rows = rows.into_iter().map(|row| (row, change(row))).collect();
    add_all(tx, rows, "").await
}

/// Sets the latest use of a row of counts, where the one added is later.
const NOTE_USE: &str = ",
    last_used_at = CASE
        WHEN kept.last_used_at < excluded.last_used_at THEN excluded.last_used_at
        ELSE kept.last_used_at
    END";

async fn add_all(tx: &mut Tx, rows: Vec<(&Counted, Change)>, besides: &str) -> Result<()> {
    let mut counts = BTreeMap::new();
    let mut totals = BTreeMap::new();
    for (row, change) in rows {
        let step = Step {
            change,
            used: row.last_used_at,
        };
        let pair = (row.client_id.as_str(), row.project_id.as_str());
        counts
            .entry(pair)
            .and_modify(|sum: &mut Step| *sum = sum.plus(step))
            .or_insert(step);
        for key in row.totals() {
            totals
                .entry(key)
                .and_modify(|sum: &mut Step| *sum = sum.plus(step))
                .or_insert(step);
        }
    }
    let counts: Vec<_> = counts.into_iter().collect();
    for some in counts.chunks(CHANGED_AT_ONCE) {
        let table = ("connection_count", ["client_id", "project_id"]);
        add_to(tx, table, some, besides).await?;
        remove_empty(tx, some).await?;
    }
    let totals: Vec<_> = totals.into_iter().collect();
    for some in totals.chunks(CHANGED_AT_ONCE) {
        add_to(tx, ("connection_total", ["kind", "id"]), some, besides).await?;
    }
    Ok(())
}

/// By how much counts change, and the latest use behind that.
#[derive(Clone, Copy)]
struct Step {
    change: Change,
    used: Timestamp,
}

impl Step {
    fn plus(self, other: Self) -> Self {
        Self {
            change: self.change.plus(other.change),
            used: self.used.max(other.used),
        }
    }
}

/// Adds to the rows of a table of counts with these keys, and sets what is `besides`.
async fn add_to(
    tx: &mut Tx,
    (table, [one, two]): (&str, [&str; 2]),
    changes: &[((&str, &str), Step)],
    besides: &str,
) -> Result<()> {
    sql!(tx, |c| {
        let mut query = QueryBuilder::new("INSERT INTO ");
        query.push(format_args!(
            "{table} AS kept ({one}, {two}, active, expired, revoked, last_used_at) "
        ));
        query.push_values(changes, |mut row, ((one, two), step)| {
            row.push_bind(*one)
                .push_bind(*two)
                .push_bind(step.change.active)
                .push_bind(step.change.expired)
                .push_bind(step.change.revoked)
                .push_bind(step.used);
        });
        query.push(format_args!(
            " ON CONFLICT ({one}, {two}) DO UPDATE
            SET active = kept.active + excluded.active,
                expired = kept.expired + excluded.expired,
                revoked = kept.revoked + excluded.revoked{besides}"
        ));
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Removes those of the pairs of a client and a project that have no connection any more.
async fn remove_empty(tx: &mut Tx, changes: &[((&str, &str), Step)]) -> Result<()> {
    let smaller: Vec<_> = changes
        .iter()
        .filter(|(_, step)| step.change.sum() < 0)
        .map(|(pair, _)| pair)
        .collect();
    if smaller.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "DELETE FROM connection_count
            WHERE active + expired + revoked = 0 AND (client_id, project_id) IN (",
        );
        query.push_values(&smaller, |mut row, (client, project)| {
            row.push_bind(*client).push_bind(*project);
        });
        query.push(")");
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes in the counts how late the connections have been used by now: those that were counted
/// as expired are active.
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
    let revived = match used.iter().any(|row| row.lapsed) {
        true => connection_drift::revive(tx, connections).await?,
        false => Vec::new(),
    };
    let used = used.iter().map(|row| (row, Change::default()));
    let revived = revived.iter().map(|row| (row, Change::REVIVED));
    add_all(tx, used.chain(revived).collect(), NOTE_USE).await
}

//! Connections that are counted as what they no longer are, because time has passed, and how
//! the sweep brings the counts up to date.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{connection::Cutoffs, ids::ConnectionId},
};

use super::{
    Result, Tx,
    connection_bounds::{self, Bounds},
    connection_count::{self, Change, Counted},
    connection_filter::{Engine, push_in},
    sql,
};

/// How connections drift: `lapsed`, which the counts go by, does not say what their times say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Not used since then, and counted as active.
    Idle(Timestamp),
    /// Authorized then or earlier, and counted as active.
    Aged(Timestamp),
    /// Within both limits, and counted as expired: the idle window or the
    /// maximum age was raised.
    Back(Cutoffs),
}

/// What came of looking for connections that have drifted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// How many were found.
    pub found: usize,
    /// How many of them are counted as what they are now.
    pub changed: usize,
}

#[derive(sqlx::FromRow)]
struct Drifted {
    id: ConnectionId,
    last_used_at: Timestamp,
    authorized_at: Timestamp,
}

impl Drift {
    /// The order in which they are found.
    const fn order(self) -> &'static str {
        match self {
            Self::Idle(_) => " ORDER BY last_used_at",
            Self::Aged(_) => " ORDER BY authorized_at",
            Self::Back(_) => " ORDER BY last_used_at DESC",
        }
    }

    /// What is ruled out once those before `row` are settled.
    const fn before(self, row: &Drifted) -> Self {
        match self {
            Self::Idle(_) => Self::Idle(earlier(row.last_used_at)),
            Self::Aged(_) => Self::Aged(earlier(row.authorized_at)),
            Self::Back(cutoffs) => Self::Back(Cutoffs {
                used_before: row.last_used_at,
                ..cutoffs
            }),
        }
    }
}

const fn earlier(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.millis().saturating_sub(1))
}

/// Pushes the condition for having drifted, within the bounds where that is possible:
/// connection_by_use or connection_by_age leads there.
pub(super) fn push_drifted<D: Engine>(query: &mut QueryBuilder<D>, drift: Drift, bounds: Bounds)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("connection.revoked_at IS NULL AND ");
    let (column, after, until) = match drift {
        Drift::Idle(since) => ("last_used_at", bounds.active_used_after, since),
        Drift::Aged(since) => ("authorized_at", bounds.active_authorized_after, since),
        Drift::Back(cutoffs) => return push_back(query, cutoffs, bounds),
    };
    query.push("NOT connection.lapsed");
    for (is, moment) in [(">", after), ("<=", until)] {
        query.push(format_args!(" AND connection.{column} {is} "));
        query.push_bind(moment.millis());
    }
}

fn push_back<D: Engine>(query: &mut QueryBuilder<D>, cutoffs: Cutoffs, bounds: Bounds)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("connection.lapsed AND connection.last_used_at > ");
    query.push_bind(cutoffs.used_before.millis());
    query.push(" AND connection.authorized_at > ");
    query.push_bind(cutoffs.authorized_before.millis());
    query.push(" AND (connection.last_used_at <= ");
    query.push_bind(bounds.expired_used_until.millis());
    // A second alternative would keep the engines from walking between the limits of the first.
    if bounds.expired_authorized_until > cutoffs.authorized_before {
        query.push(" OR connection.authorized_at <= ");
        query.push_bind(bounds.expired_authorized_until.millis());
    }
    query.push(")");
}

/// How many connections have drifted so.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, drift: Drift) -> Result<i64> {
    let bounds = connection_bounds::read(tx).await?;
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM connection WHERE ");
        push_drifted(&mut query, drift, bounds);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// Counts up to `limit` connections that have drifted so as what they are. In a transaction
/// that [several may be changed in](super::lock_several): nobody else marks any meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn settle(tx: &mut Tx, drift: Drift, limit: usize) -> Result<Settled> {
    let bounds = connection_bounds::read(tx).await?;
    if !bounds.allow(drift) {
        return Ok(Settled::default());
    }
    let found: Vec<Drifted> = sql!(tx, |c| {
        let mut query =
            QueryBuilder::new("SELECT id, last_used_at, authorized_at FROM connection WHERE ");
        push_drifted(&mut query, drift, bounds);
        query.push(drift.order()).push(" LIMIT ");
        query.push_bind(limit as i64);
        query.build_query_as().fetch_all(c).await
    })?;
    let changed = mark(tx, drift, bounds, &found).await?;
    let ruled_out = match found.last() {
        Some(last) if found.len() == limit => drift.before(last),
        _ => drift,
    };
    connection_bounds::rule_out(tx, ruled_out).await?;
    Ok(Settled {
        found: found.len(),
        changed,
    })
}

/// Counts those of the connections that have still drifted as what they are, and returns how
/// many.
async fn mark(tx: &mut Tx, drift: Drift, bounds: Bounds, found: &[Drifted]) -> Result<usize> {
    if found.is_empty() {
        return Ok(0);
    }
    let ids: Vec<_> = found.iter().map(|row| &row.id).collect();
    let marked: Vec<Counted> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("UPDATE connection SET lapsed = NOT lapsed WHERE ");
        push_drifted(&mut query, drift, bounds);
        query.push(" AND ");
        push_in(&mut query, "id", &ids);
        query.push(" RETURNING client_id, project_id, person_id, lapsed, last_used_at");
        query.build_query_as().fetch_all(c).await
    })?;
    connection_bounds::admit(tx, drift).await?;
    connection_count::add(tx, &marked, |row| match row.lapsed {
        true => Change::LAPSED,
        false => Change::REVIVED,
    })
    .await?;
    Ok(marked.len())
}

/// Marks those of the connections that have been used late, or when the limits had been raised,
/// as active again, and returns them: the sweep would not find them. They are still to be
/// counted.
///
/// # Errors
/// When the database fails.
pub(super) async fn revive(tx: &mut Tx, ids: &[ConnectionId]) -> Result<Vec<Counted>> {
    #[derive(sqlx::FromRow)]
    struct Revived {
        authorized_at: Timestamp,
        #[sqlx(flatten)]
        counted: Counted,
    }
    let revived: Vec<Revived> = sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "UPDATE connection SET lapsed = FALSE WHERE revoked_at IS NULL AND lapsed AND ",
        );
        push_in(&mut query, "id", ids);
        query.push(
            " RETURNING authorized_at, client_id, project_id, person_id, lapsed, last_used_at",
        );
        query.build_query_as().fetch_all(c).await
    })?;
    for row in &revived {
        connection_bounds::admit_active(tx, row.counted.last_used_at, row.authorized_at).await?;
    }
    Ok(revived.into_iter().map(|row| row.counted).collect())
}

/// The same for one connection, which is also counted; if it is marked as expired.
///
/// # Errors
/// When the database fails.
pub(super) async fn revive_lapsed(
    tx: &mut Tx,
    id: &ConnectionId,
    lapsed: Option<bool>,
) -> Result<()> {
    if lapsed != Some(true) {
        return Ok(());
    }
    let revived = revive(tx, std::slice::from_ref(id)).await?;
    connection_count::add(tx, &revived, |_| Change::REVIVED).await
}

//! What a filter matches, counted: from the counts that are kept in step where
//! they can tell, from the rows where they cannot.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::{connection::Cutoffs, ids::ProjectId, role::Reach};

use super::{
    Result, Tx,
    connection_drift::{Drift, push_drifted},
    connection_filter::{
        Engine, Filter, Hidden, Statuses, asks_of_clients, asks_of_people, push_any, push_ended,
        push_filter, push_in, push_kinds, push_people,
    },
    connection_plan,
    connection_search::Found,
    connection_times, sql,
};

/// How many connections there are of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Connections that work.
    pub active: i64,
    /// Connections unused for too long, or too old.
    pub expired: i64,
    /// Connections that someone ended.
    pub revoked: i64,
}

impl Counts {
    /// How many have one of these statuses.
    pub const fn of(&self, statuses: Statuses) -> i64 {
        let mut sum = 0;
        if statuses.active {
            sum += self.active;
        }
        if statuses.expired {
            sum += self.expired;
        }
        if statuses.revoked {
            sum += self.revoked;
        }
        sum
    }

    fn plus(self, other: Self) -> Self {
        Self {
            active: self.active + other.active,
            expired: self.expired + other.expired,
            revoked: self.revoked + other.revoked,
        }
    }
}

/// How many connections there are, as far as that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(i64),
    /// More than so many.
    MoreThan(i64),
}

/// How many connections a filter finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Of each status; `None` when a search term is found in too many to count.
    pub counts: Option<Counts>,
    /// Of the statuses asked for.
    pub total: Total,
}

/// Counts what the filter lists, up to some limit when it searches.
///
/// # Errors
/// When the database fails.
pub async fn glance(tx: &mut Tx, filter: &Filter) -> Result<Glance> {
    let filter = &connection_plan::settled(tx, filter).await?;
    let plan = filter.plan.as_ref().filter(|plan| plan.is_wide(filter));
    let holders = match (filter.found(), plan) {
        (Found::Many(holders), Some(_)) => Some(holders),
        (Found::OfPeople(None), Some(plan)) if plan.big_people && !counts_know(filter) => None,
        _ => {
            let counts = counts(tx, filter).await?;
            return Ok(Glance::at(counts, filter));
        }
    };
    let counted = plan.map_or(0, |plan| plan.counted);
    let more = counted + 1;
    for (column, ids) in holders.iter().flat_map(|holders| holders.columns()) {
        if counted_to(tx, filter, Some((column, ids)), more).await? == more {
            return Ok(Glance::more_than(counted));
        }
    }
    match counted_to(tx, filter, None, more).await? {
        total if total == more => Ok(Glance::more_than(counted)),
        total => Ok(Glance {
            counts: None,
            total: Total::Exactly(total),
        }),
    }
}

impl Glance {
    fn at(counts: Counts, filter: &Filter) -> Self {
        Self {
            counts: Some(counts),
            total: Total::Exactly(counts.of(filter.statuses)),
        }
    }

    const fn more_than(count: i64) -> Self {
        Self {
            counts: None,
            total: Total::MoreThan(count),
        }
    }
}

/// Counts the rows of a filter, of some clients, people or labels where these are named,
/// up to `limit`.
async fn counted_to(
    tx: &mut Tx,
    filter: &Filter,
    of: Option<(&'static str, &[String])>,
    limit: i64,
) -> Result<i64> {
    if of.is_some_and(|(_, ids)| ids.is_empty()) {
        return Ok(0);
    }
    Ok(sql!(tx, |c| {
        let mut query =
            QueryBuilder::new("SELECT COUNT(*) FROM (SELECT connection.id FROM connection WHERE ");
        push_filter(&mut query, filter, Hidden::EVERYTHING);
        if let Some((column, ids)) = of {
            // connection_by_client, connection_by_person, connection_by_label
            query.push(" AND ");
            push_in(&mut query, column, ids);
        } else {
            // connection_by_age
            query.push(" ORDER BY connection.authorized_at DESC, connection.id DESC");
        }
        query.push(" LIMIT ").push_bind(limit);
        query.push(") AS counted");
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// Counts what the filter would list if it asked for every status.
///
/// # Errors
/// When the database fails.
pub async fn counts(tx: &mut Tx, filter: &Filter) -> Result<Counts> {
    let filter = connection_plan::settled(tx, filter)
        .await?
        .of_every_status();
    let Reach::Some { person, projects } = &filter.reach else {
        return within(tx, &filter).await;
    };
    let wanted = |id: &&ProjectId| filter.projects.is_empty() || filter.projects.contains(id);
    let mut theirs = Filter {
        reach: Reach::All,
        projects: projects.iter().filter(wanted).cloned().collect(),
        ..filter.clone()
    };
    if let Some(plan) = &mut theirs.plan {
        plan.big_projects = plan.big_reach && (filter.projects.is_empty() || plan.big_projects);
    }
    if !counts_know(&theirs) && !connection_times::tell(&theirs) {
        return rows(tx, &filter).await;
    }
    let mut counts = Counts::default();
    if !theirs.projects.is_empty() {
        counts = within(tx, &theirs).await?;
    }
    if person.is_some() {
        let own = Filter {
            reach: Reach::Some {
                person: person.clone(),
                projects: Vec::new(),
            },
            ..filter.clone()
        };
        counts = counts.plus(outside(tx, &own, projects).await?);
    }
    Ok(counts)
}

/// Counts where who asks sees everything.
async fn within(tx: &mut Tx, filter: &Filter) -> Result<Counts> {
    if connection_times::tell(filter) {
        connection_times::count(tx, filter).await
    } else if counts_know(filter) {
        counted(tx, filter).await
    } else {
        rows(tx, filter).await
    }
}

/// Whether the counts that are kept in step can tell how many connections the filter
/// finds: they know clients at projects, and people by themselves.
pub(super) fn counts_know(filter: &Filter) -> bool {
    let alone = filter.reach == Reach::All
        && filter.projects.is_empty()
        && filter.clients.is_empty()
        && !asks_of_clients(filter);
    !connection_times::are_asked_of(filter)
        && !matches!(filter.found(), Found::Few(_) | Found::Many(_))
        && (alone || !asks_of_people(filter))
}

/// Counts one person's connections to other projects than these.
async fn outside(tx: &mut Tx, own: &Filter, projects: &[ProjectId]) -> Result<Counts> {
    if projects.is_empty() {
        return rows(tx, own).await;
    }
    let everywhere = rows(tx, own).await?;
    let there = Filter {
        projects: projects
            .iter()
            .filter(|id| own.projects.is_empty() || own.projects.contains(id))
            .cloned()
            .collect(),
        ..own.clone()
    };
    if there.projects.is_empty() {
        return Ok(everywhere);
    }
    let there = rows(tx, &there).await?;
    Ok(Counts {
        active: everywhere.active - there.active,
        expired: everywhere.expired - there.expired,
        revoked: everywhere.revoked - there.revoked,
    })
}

/// Counts the rows of a filter.
async fn rows(tx: &mut Tx, filter: &Filter) -> Result<Counts> {
    let mut filter = filter.clone();
    let mut hidden = Hidden::NOTHING;
    if let Some(plan) = &mut filter.plan
        && matches!(plan.text, Found::OfPeople(Some(_)))
    {
        // Nobody has many connections: people lead to few.
        plan.big_people = false;
        hidden = Hidden::EVERYTHING;
    }
    Ok(sql!(tx, |c| {
        let mut query =
            QueryBuilder::new("SELECT COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT ");
        push_ended(&mut query, filter.cutoffs);
        query.push(") AS active, COUNT(*) FILTER (WHERE revoked_at IS NULL AND ");
        push_ended(&mut query, filter.cutoffs);
        query.push(") AS expired, COUNT(revoked_at) AS revoked FROM connection WHERE ");
        push_filter(&mut query, &filter, hidden);
        query.build_query_as().fetch_one(c).await
    })?)
}

/// Counts by what is kept in step, for a filter that asks for nothing but
/// clients, what these are, and projects.
async fn counted(tx: &mut Tx, filter: &Filter) -> Result<Counts> {
    let by_what_they_are = asks_of_clients(filter);
    let by_client = by_what_they_are || !filter.clients.is_empty();
    let kept: Counts = sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT CAST(COALESCE(SUM(active), 0) AS BIGINT) AS active,
                    CAST(COALESCE(SUM(expired), 0) AS BIGINT) AS expired,
                    CAST(COALESCE(SUM(revoked), 0) AS BIGINT) AS revoked
            FROM ",
        );
        let (table, client, project) = match (by_client, filter.projects.is_empty()) {
            _ if asks_of_people(filter) => ("connection_total WHERE kind = 'person'", "", ""),
            (false, true) => ("connection_total WHERE kind = 'all'", "", ""),
            (false, false) => ("connection_total WHERE kind = 'project'", "", "id"),
            (true, true) => ("connection_total WHERE kind = 'client'", "id", ""),
            (true, false) => ("connection_count WHERE 1 = 1", "client_id", "project_id"),
        };
        query.push(table);
        push_any(&mut query, project, &filter.projects);
        push_any(&mut query, client, &filter.clients);
        if asks_of_people(filter) {
            push_people(&mut query, filter, "id");
        }
        if by_what_they_are {
            query.push(" AND ").push(client);
            query.push(" IN (SELECT client.id FROM client WHERE 1 = 1");
            push_kinds(&mut query, filter, "client");
            query.push(")");
        }
        query.build_query_as().fetch_one(c).await
    })?;
    corrected(tx, filter, kept).await
}

/// Puts right what time has changed since the counts were kept, or the marks made.
async fn corrected(tx: &mut Tx, filter: &Filter, kept: Counts) -> Result<Counts> {
    let (expired, revived) = crossed(tx, filter).await?;
    Ok(Counts {
        active: kept.active - expired + revived,
        expired: kept.expired + expired - revived,
        ..kept
    })
}

/// A connection whose time has run out, or has not any more, though it is
/// counted as if nothing had changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    /// Counted as active, and unused for too long by now.
    Idle,
    /// Counted as active, and used, and too old by now.
    Aged,
    /// Counted as expired, and active because the rules have changed.
    Revived,
}

impl Crossing {
    /// Those that some connections may have gone through.
    pub fn possible(filter: &Filter) -> impl Iterator<Item = Self> {
        let bounds = filter.bounds();
        [Self::Idle, Self::Aged, Self::Revived]
            .into_iter()
            .filter(move |which| bounds.allow(which.drift(filter.cutoffs)))
    }

    const fn drift(self, cutoffs: Cutoffs) -> Drift {
        match self {
            Self::Idle => Drift::Idle(cutoffs.used_before),
            Self::Aged => Drift::Aged(cutoffs.authorized_before),
            Self::Revived => Drift::Back(cutoffs),
        }
    }
}

/// How many that are counted as active have expired by now, and the other way
/// round: few, because the sweep comes by.
async fn crossed(tx: &mut Tx, filter: &Filter) -> Result<(i64, i64)> {
    let (mut expired, mut revived) = (0, 0);
    for which in Crossing::possible(filter) {
        let rows = crossing(tx, filter, which).await?;
        match which {
            Crossing::Idle | Crossing::Aged => expired += rows,
            Crossing::Revived => revived += rows,
        }
    }
    Ok((expired, revived))
}

async fn crossing(tx: &mut Tx, filter: &Filter, which: Crossing) -> Result<i64> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM connection WHERE ");
        push_filter(&mut query, filter, Hidden::EVERYTHING);
        push_crossing(&mut query, filter, which);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// Pushes that a connection has crossed, between the moments where some may have:
/// connection_by_use and connection_by_age lead there.
pub(super) fn push_crossing<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    which: Crossing,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push(" AND ");
    push_drifted(query, which.drift(filter.cutoffs), filter.bounds());
    if which == Crossing::Aged {
        // The others are counted as idle.
        query.push(" AND ").push(D::HIDE);
        query.push("connection.last_used_at > ");
        query.push_bind(filter.cutoffs.used_before.millis());
    }
}

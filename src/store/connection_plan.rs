//! How to find the connections that a filter asks for: with a glance at how many
//! there are, because the engines guess wrong. What is found is the same.

use sqlx::QueryBuilder;

use crate::{clock::Timestamp, domain::role::Reach};

use super::{
    Result, Tx,
    connection_bounds::{self, Bounds},
    connection_filter::{
        Filter, Statuses, asks_of_clients, asks_of_kinds, push_dates, push_in, push_kinds,
    },
    connection_group_counts::push_sum,
    connection_search::{self, Found},
    connection_times, sql,
};

/// Which numbers are small and which are big: what is found does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Up to so many rows are gathered by a search term; more are met soon enough
    /// on a walk through the list.
    pub few: i64,
    /// Up to so many rows are gathered by a search term when all have to be read.
    pub gathered: i64,
    /// More rows than so of some clients, or projects, are met soon enough on a walk.
    pub big: i64,
    /// So many clients or people are named one by one; more have many connections.
    pub listed: i64,
    /// What a search term is found in is counted so far.
    pub counted: i64,
    /// So many rows of the list are looked at first where groups are met in its order.
    pub walked: u32,
}

impl Limits {
    /// Where both ways take about as long, among a million connections.
    pub const MEASURED: Self = Self {
        few: 5_000,
        gathered: 100_000,
        big: 5_000,
        listed: 500,
        counted: 1_000,
        walked: 200,
    };
}

/// Which conditions the engine must not begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    pub clients: bool,
    pub projects: bool,
    pub reach: bool,
    pub dates: bool,
    pub uses: bool,
}

impl Hidden {
    pub const NOTHING: Self = Self {
        clients: false,
        projects: false,
        reach: false,
        dates: false,
        uses: false,
    };
    pub const EVERYTHING: Self = Self {
        clients: true,
        projects: true,
        reach: true,
        dates: true,
        uses: true,
    };
}

/// How the engine is led to the connections: what is found is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Where the search term stands.
    pub(super) text: Found,
    /// The clients have so many that a walk meets enough of them.
    pub(super) big_clients: bool,
    /// Clients of the kinds asked for have so many.
    pub(super) big_kinds: bool,
    /// The people whose names the term is found in have so many.
    pub(super) big_people: bool,
    /// The projects have so many.
    pub(super) big_projects: bool,
    /// So many were authorized between the dates.
    pub(super) big_dates: bool,
    /// So many have not been used since then.
    pub(super) big_uses: bool,
    /// So many have not been used since then that all are read instead, where each counts.
    pub(super) most_uses: bool,
    /// So many were revoked, where those alone are wanted.
    pub(super) big_revoked: bool,
    /// There is so much within reach.
    pub(super) big_reach: bool,
    /// Where what counts have may differ from what it is by now.
    pub(super) bounds: Bounds,
    /// What a search term is found in many of is counted so far.
    pub(super) counted: i64,
    /// Up to so many rows are gathered by a search term when all have to be read.
    pub(super) gathered: i64,
    /// So many rows of the list are looked at first where groups are met in its order.
    pub(super) walked: u32,
}

/// The filter with a plan, and without dates that exclude nothing.
///
/// # Errors
/// When the database fails.
pub async fn settled(tx: &mut Tx, filter: &Filter) -> Result<Filter> {
    settled_within(tx, filter, Limits::MEASURED).await
}

/// The same with other limits, so that tests see each way taken among few rows.
///
/// # Errors
/// When the database fails.
pub async fn settled_within(tx: &mut Tx, filter: &Filter, limits: Limits) -> Result<Filter> {
    if filter.plan.is_some() {
        return Ok(filter.clone());
    }
    let mut filter = filter.clone();
    keep_to_projects(&mut filter);
    drop_idle_dates(tx, &mut filter).await?;
    let administered = match &filter.reach {
        Reach::All => &[][..],
        Reach::Some { projects, .. } => projects,
    };
    let mut plan = Plan {
        big_clients: wanted(tx, &filter, "client", &filter.clients).await? > limits.big,
        big_projects: wanted(tx, &filter, "project", &filter.projects).await? > limits.big,
        big_reach: wanted(tx, &filter, "project", administered).await? > limits.big,
        big_dates: has_big_dates(tx, &filter, limits).await?,
        big_uses: are_unused(tx, &filter, limits.big).await?,
        big_revoked: filter.statuses == Statuses::REVOKED
            && wanted(tx, &filter, "all", &[""]).await? > limits.big,
        bounds: connection_bounds::read(tx).await?,
        gathered: limits.gathered,
        counted: limits.counted,
        walked: limits.walked,
        ..Plan::default()
    };
    if let Some(text) = &filter.text {
        let (found, rows) = connection_search::find(tx, text, limits).await?;
        plan.big_people = found == Found::OfPeople(None) && rows > limits.big;
        plan.text = found;
    }
    filter.plan = Some(plan);
    let big_kinds = asks_of_clients(&filter) && has_big_kinds(tx, &filter, limits).await?;
    if let Some(plan) = &mut filter.plan {
        plan.big_kinds = big_kinds;
    }
    Ok(filter)
}

impl Plan {
    /// Whether no condition of the filter but the search term leads to few connections.
    pub(super) fn is_wide(&self, filter: &Filter) -> bool {
        filter.people.is_empty()
            && (filter.clients.is_empty() || self.big_clients)
            && (filter.projects.is_empty() || self.big_projects)
            && (!asks_of_kinds(filter) || self.big_kinds)
            && (filter.reach == Reach::All || self.big_reach)
    }
}

/// Leaves of what someone sees the projects that the filter asks for: two conditions that
/// contradict each other would be put to every connection.
fn keep_to_projects(filter: &mut Filter) {
    if let (Reach::Some { projects, .. }, false) = (&mut filter.reach, filter.projects.is_empty()) {
        projects.retain(|seen| filter.projects.contains(seen));
    }
}

/// Takes away limits that every connection is within.
async fn drop_idle_dates(tx: &mut Tx, filter: &mut Filter) -> Result<()> {
    // connection_by_age, connection_by_use
    const OLDEST: &str = "SELECT MIN(authorized_at) FROM connection";
    const NEWEST: &str = "SELECT MAX(authorized_at) FROM connection";
    const LATEST: &str = "SELECT MAX(last_used_at) FROM connection";
    if let Some(from) = filter.authorized_from {
        let oldest = moment(tx, OLDEST).await?;
        filter.authorized_from = Some(from).filter(|from| oldest.is_some_and(|at| at < *from));
    }
    if let Some(until) = filter.authorized_until {
        let newest = moment(tx, NEWEST).await?;
        filter.authorized_until = Some(until).filter(|until| newest.is_some_and(|at| at >= *until));
    }
    if let Some(since) = filter.unused_since {
        let latest = moment(tx, LATEST).await?;
        filter.unused_since = Some(since).filter(|since| latest.is_some_and(|at| at > *since));
    }
    Ok(())
}

async fn moment(tx: &mut Tx, query: &'static str) -> Result<Option<Timestamp>> {
    Ok(sql!(tx, |c| sqlx::query_scalar(query).fetch_one(c).await)?)
}

/// Whether many were authorized between the dates.
async fn has_big_dates(tx: &mut Tx, filter: &Filter, limits: Limits) -> Result<bool> {
    if !connection_times::has_dates(filter) {
        return Ok(false);
    }
    let rows: i64 = sql!(tx, |c| {
        // connection_by_age
        let mut query =
            QueryBuilder::new("SELECT COUNT(*) FROM (SELECT id FROM connection WHERE 1 = 1");
        push_dates(&mut query, filter, "");
        query.push(" LIMIT ").push_bind(limits.big + 1);
        query.push(") AS counted");
        query.build_query_scalar().fetch_one(c).await
    })?;
    Ok(rows > limits.big)
}

/// The filter, for rows that are all counted: whether it is quicker to read every one than
/// those that have not been used since then.
///
/// # Errors
/// When the database fails.
pub(super) async fn read_whole(tx: &mut Tx, filter: &Filter) -> Result<Filter> {
    let mut filter = filter.clone();
    let gathered = filter.plan.as_ref().map_or(0, |plan| plan.gathered);
    let most_uses = are_unused(tx, &filter, gathered).await?;
    if let Some(plan) = &mut filter.plan {
        plan.most_uses = most_uses;
    }
    Ok(filter)
}

/// Whether more than so many have not been used since then.
async fn are_unused(tx: &mut Tx, filter: &Filter, many: i64) -> Result<bool> {
    let Some(since) = filter.unused_since else {
        return Ok(false);
    };
    // connection_by_use
    const UNUSED: &str = "SELECT COUNT(*) FROM (
            SELECT id FROM connection WHERE last_used_at <= $1 LIMIT $2
        ) AS counted";
    let rows: i64 = sql!(tx, |c| sqlx::query_scalar(UNUSED)
        .bind(since)
        .bind(many + 1)
        .fetch_one(c)
        .await)?;
    Ok(rows > many)
}

/// Whether clients of the kinds asked for have many connections.
async fn has_big_kinds(tx: &mut Tx, filter: &Filter, limits: Limits) -> Result<bool> {
    let (clients, rows): (i64, i64) = sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT COUNT(*), CAST(COALESCE(SUM(wanted), 0) AS BIGINT) FROM (SELECT ",
        );
        push_sum(&mut query, filter.statuses);
        query.push(
            " AS wanted FROM client
            CROSS JOIN connection_total
            WHERE connection_total.kind = 'client' AND connection_total.id = client.id AND 0 < ",
        );
        push_sum(&mut query, filter.statuses);
        push_kinds(&mut query, filter, "client");
        query.push(" LIMIT ").push_bind(limits.listed);
        query.push(") AS counted");
        query.build_query_as().fetch_one(c).await
    })?;
    Ok(clients == limits.listed || rows > limits.big)
}

/// How many connections of the statuses asked for some clients or projects have.
async fn wanted<T: ToString>(tx: &mut Tx, filter: &Filter, kind: &str, ids: &[T]) -> Result<i64> {
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT CAST(COALESCE(SUM(");
        push_sum(&mut query, filter.statuses);
        query.push("), 0) AS BIGINT) FROM connection_total WHERE kind = ");
        query.push_bind(kind.to_owned()).push(" AND ");
        push_in(&mut query, "id", ids);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

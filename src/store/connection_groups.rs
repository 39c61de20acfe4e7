//! The same connections as in the list, grouped by client, person or project.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{client::Origin, role::Reach},
};

use super::{
    Result, Tx,
    connection_filter::{
        Engine, Filter, Hidden, pattern, push_any, push_ended, push_filter, push_in, push_kinds,
        push_statuses,
    },
    connection_plan,
    connection_sum::{Counts, Crossing, push_crossing},
    sql,
};

/// What connections are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The client that acts.
    Client,
    /// The person it acts for.
    Person,
    /// The project it acts at.
    Project,
}

/// What groups are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    /// The group's name.
    Name,
    /// How many of its connections are wanted.
    Connections,
    /// When the latest of them was used; those never used come last when
    /// descending.
    LastUsed,
}

/// The order of groups: total and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// What to sort by.
    pub column: GroupColumn,
    /// The greatest, or latest, first.
    pub descending: bool,
}

impl GroupColumn {
    /// Whether it is usually sorted with the greatest first.
    pub const fn usually_descends(self) -> bool {
        matches!(self, Self::Connections | Self::LastUsed)
    }
}

impl GroupOrder {
    /// The most recently used first.
    pub const RECENT: Self = Self {
        column: GroupColumn::LastUsed,
        descending: true,
    };
}

/// Where a group stands in an order. As text, `<value>_<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    value: GroupValue,
    id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum GroupValue {
    Text(String),
    Number(i64),
}

impl GroupKey {
    /// The key that a link carries, among groups sorted by `column`; `None`
    /// when it is none.
    pub fn parse(text: &str, column: GroupColumn) -> Option<Self> {
        let (value, id) = text.rsplit_once('_')?;
        let id = uuid::Uuid::try_parse(id).ok()?.hyphenated().to_string();
        let value = match column {
            GroupColumn::Name => GroupValue::Text(value.to_owned()),
            GroupColumn::Connections | GroupColumn::LastUsed => {
                GroupValue::Number(value.parse().ok()?)
            }
        };
        Some(Self { value, id })
    }
}

impl std::fmt::Display for GroupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            GroupValue::Text(text) => write!(f, "{text}_{}", self.id),
            GroupValue::Number(number) => write!(f, "{number}_{}", self.id),
        }
    }
}

/// A place between two groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupPlace {
    /// The beginning.
    Start,
    /// Right after this group.
    After(GroupKey),
    /// Right before this group.
    Before(GroupKey),
}

/// A group, with the connections in it that the filter wants.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Group {
    /// The client's, person's or project's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What tells it from others of the same name: the OAuth `client_id`, the
    /// e-mail, the slug.
    pub detail: String,
    /// How the client came to be known; `None` unless grouped by client.
    pub origin: Option<Origin>,
    /// Whether it is a client that has been revoked.
    pub client_revoked: bool,
    /// How many connections meet the filter, whatever their status.
    #[sqlx(flatten)]
    pub counts: Counts,
    /// How many of them have a wanted status.
    pub wanted: i64,
    /// The latest use of a wanted one.
    pub last_used_at: Option<Timestamp>,
    /// How many projects the wanted ones lead to.
    pub projects: i64,
    /// The id of one of those projects.
    pub project_id: Option<String>,
    folded: String,
}

impl Group {
    /// Where the group stands in an order.
    pub fn key(&self, order: GroupOrder) -> GroupKey {
        let value = match order.column {
            GroupColumn::Name => GroupValue::Text(self.folded.clone()),
            GroupColumn::Connections => GroupValue::Number(self.wanted),
            GroupColumn::LastUsed => {
                GroupValue::Number(self.last_used_at.map_or(NEVER, Timestamp::millis))
            }
        };
        GroupKey {
            value,
            id: self.id.clone(),
        }
    }
}

/// Sorts before every moment.
const NEVER: i64 = -1;

/// Which groups are wanted.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// What the connections are grouped by.
    pub by: GroupBy,
    /// In what order.
    pub order: GroupOrder,
    /// Whether unrevoked clients without a wanted connection are groups too,
    /// where the conditions on clients (and no others) are met. Only when
    /// grouped by client.
    pub with_empty: bool,
}

/// Up to `limit` groups next to `place`, in the order's order.
///
/// # Errors
/// When the database fails.
pub async fn page(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    place: &GroupPlace,
    limit: u32,
) -> Result<Vec<Group>> {
    let backwards = matches!(place, GroupPlace::Before(_));
    let filter = &connection_plan::settled(tx, filter).await?;
    let mut groups: Vec<Group> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT * FROM (");
        push_groups(&mut query, filter, grouping);
        query.push(") AS found WHERE 1 = 1");
        let column = grouping.order.column.sql();
        let (after, direction) = match grouping.order.descending == backwards {
            true => (">", "ASC"),
            false => ("<", "DESC"),
        };
        if let GroupPlace::After(key) | GroupPlace::Before(key) = place {
            query.push(format_args!(" AND ({column}, id) {after} ("));
            match &key.value {
                GroupValue::Text(text) => query.push_bind(text.clone()),
                GroupValue::Number(number) => query.push_bind(*number),
            };
            query.push(", ").push_bind(key.id.clone()).push(")");
        }
        query.push(format_args!(
            " ORDER BY {column} {direction}, id {direction} LIMIT "
        ));
        query.push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?;
    if backwards {
        groups.reverse();
    }
    if totals_tell(filter, grouping.by) && !groups.is_empty() {
        complete(tx, filter, grouping.by, &mut groups).await?;
    }
    Ok(groups)
}

/// Whether the totals that are kept in step say all there is to say of the
/// groups: then no row needs counting. An expired connection that is counted as
/// active is wanted all the same.
fn totals_tell(filter: &Filter, by: GroupBy) -> bool {
    let of_clients =
        filter.clients.is_empty() && filter.origins.is_empty() && filter.types.is_empty();
    filter.reach == Reach::All
        && filter.statuses.active
        && filter.statuses.expired
        && filter.text.is_none()
        && filter.projects.is_empty()
        && concerns_clients_only(filter)
        && (by == GroupBy::Client || of_clients)
}

/// Puts right what time has changed since the totals were counted, and adds
/// where the clients' connections lead.
async fn complete(tx: &mut Tx, filter: &Filter, by: GroupBy, groups: &mut [Group]) -> Result<()> {
    for which in Crossing::ALL {
        let ids: Vec<_> = groups.iter().map(|group| group.id.clone()).collect();
        for (id, count) in crossed(tx, filter, by, &ids, which).await? {
            let sign = if which == Crossing::Revived { 1 } else { -1 };
            for group in groups.iter_mut().filter(|group| group.id == id) {
                group.counts.active += sign * count;
                group.counts.expired -= sign * count;
            }
        }
    }
    if by == GroupBy::Client {
        for (id, count, project) in projects_of(tx, filter, groups).await? {
            for group in groups.iter_mut().filter(|group| group.id == id) {
                group.projects = count;
                group.project_id = Some(project.clone());
            }
        }
    }
    Ok(())
}

async fn crossed(
    tx: &mut Tx,
    filter: &Filter,
    by: GroupBy,
    ids: &[String],
    which: Crossing,
) -> Result<Vec<(String, i64)>> {
    if which == Crossing::Aged && !filter.cutoffs.has_age() {
        return Ok(Vec::new());
    }
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT ");
        query
            .push(by.column())
            .push(", COUNT(*) FROM connection WHERE 1 = 1");
        push_crossing(&mut query, filter.cutoffs, which);
        query.push(" GROUP BY ").push(by.column()).push(" HAVING ");
        push_in(&mut query, by.column(), ids);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// How many projects the wanted connections of each client lead to, and one of them.
async fn projects_of(
    tx: &mut Tx,
    filter: &Filter,
    groups: &[Group],
) -> Result<Vec<(String, i64, String)>> {
    let ids: Vec<_> = groups.iter().map(|group| &group.id).collect();
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT client_id, COUNT(*), MIN(project_id) FROM connection_count WHERE ",
        );
        push_in(&mut query, "client_id", &ids);
        query.push(" AND active + expired");
        query.push(if filter.statuses.revoked {
            " + revoked"
        } else {
            ""
        });
        query.push(" > 0 GROUP BY client_id");
        query.build_query_as().fetch_all(c).await
    })?)
}

impl GroupColumn {
    const fn sql(self) -> &'static str {
        match self {
            Self::Name => "folded",
            Self::Connections => "wanted",
            Self::LastUsed => "COALESCE(last_used_at, -1)",
        }
    }
}

/// How many groups there are.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, filter: &Filter, grouping: &Grouping) -> Result<i64> {
    let filter = &connection_plan::settled(tx, filter).await?;
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM (");
        push_groups(&mut query, filter, grouping);
        query.push(") AS found");
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// How many connections of a wanted status each of the groups has, whatever the
/// search term: what "2 of 42 match" is out of.
///
/// # Errors
/// When the database fails.
pub async fn totals(
    tx: &mut Tx,
    filter: &Filter,
    by: GroupBy,
    ids: &[String],
) -> Result<Vec<(String, i64)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let filter = Filter {
        text: None,
        ..filter.clone()
    };
    Ok(sql!(tx, |c| {
        let column = by.column();
        let mut query = QueryBuilder::new("SELECT ");
        query.push(column).push(", COUNT(*) FROM connection WHERE ");
        push_filter(&mut query, &filter, Hidden::NOTHING);
        query.push(" AND ");
        push_in(&mut query, column, ids);
        query.push(" GROUP BY ").push(column);
        query.build_query_as().fetch_all(c).await
    })?)
}

impl GroupBy {
    /// The column of `connection` that names the group.
    const fn column(self) -> &'static str {
        match self {
            Self::Client => "connection.client_id",
            Self::Person => "connection.person_id",
            Self::Project => "connection.project_id",
        }
    }

    /// The groups' own columns, and their table.
    const fn own(self) -> &'static str {
        match self {
            Self::Client => {
                "own.identifier AS detail, own.origin, own.revoked_at IS NOT NULL AS client_revoked"
            }
            Self::Person => "own.email AS detail, NULL AS origin, FALSE AS client_revoked",
            Self::Project => "own.slug AS detail, NULL AS origin, FALSE AS client_revoked",
        }
    }

    /// The word for its totals.
    const fn kind(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "person",
            Self::Project => "project",
        }
    }

    const fn table(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "people",
            Self::Project => "project",
        }
    }
}

fn push_groups<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, grouping: &Grouping)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let by = grouping.by;
    query
        .push("SELECT own.id, own.name, own.folded, ")
        .push(by.own());
    query.push(
        ", COALESCE(active, 0) AS active, COALESCE(expired, 0) AS expired,
           COALESCE(revoked, 0) AS revoked, COALESCE(wanted, 0) AS wanted, last_used_at,
           COALESCE(projects, 0) AS projects, one_project AS project_id
        FROM ",
    );
    query.push(by.table()).push(" AS own LEFT JOIN (");
    if totals_tell(filter, by) {
        push_totals(query, filter, by);
    } else {
        push_rows(query, filter, by);
    }
    query.push(") AS inner_count ON inner_count.id = own.id WHERE (wanted > 0");
    if grouping.with_empty && grouping.by == GroupBy::Client && concerns_clients_only(filter) {
        push_empty(query, filter);
    }
    query.push(")");
}

/// What each group has, by the totals.
fn push_totals<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, by: GroupBy)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("SELECT id, active, expired, revoked, active + expired");
    query.push(if filter.statuses.revoked {
        " + revoked"
    } else {
        ""
    });
    query.push(
        " AS wanted, last_used_at, CAST(0 AS BIGINT) AS projects, CAST(NULL AS TEXT) AS one_project
        FROM connection_total
        WHERE kind = ",
    );
    query.push_bind(by.kind().to_owned());
    if !filter.clients.is_empty() {
        push_any(query, "id", &filter.clients);
    }
    if !filter.origins.is_empty() || !filter.types.is_empty() {
        query.push(" AND id IN (SELECT client.id FROM client WHERE 1 = 1");
        push_kinds(query, filter, "client");
        query.push(")");
    }
}

/// What each group has, by the rows.
fn push_rows<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, by: GroupBy)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("SELECT ");
    query
        .push(by.column())
        .push(" AS id, COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT ");
    push_ended(query, filter.cutoffs);
    query.push(") AS active, COUNT(*) FILTER (WHERE revoked_at IS NULL AND ");
    push_ended(query, filter.cutoffs);
    query.push(") AS expired, COUNT(revoked_at) AS revoked, COUNT(*) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS wanted, MAX(last_used_at) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS last_used_at, COUNT(DISTINCT project_id) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS projects, MIN(project_id) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS one_project FROM connection WHERE ");
    push_filter(query, &filter.of_every_status(), Hidden::NOTHING);
    query.push(" GROUP BY ").push(by.column());
}

/// Whether the connection's status is among those wanted.
fn push_wanted<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("1 = 1");
    push_statuses(query, filter.statuses, filter.cutoffs);
}

/// Whether a client without connections can meet the filter.
fn concerns_clients_only(filter: &Filter) -> bool {
    filter.people.is_empty()
        && filter.authorized_from.is_none()
        && filter.authorized_until.is_none()
        && filter.unused_since.is_none()
}

fn push_empty<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(" OR own.revoked_at IS NULL");
    if let Reach::Some { projects, .. } = &filter.reach {
        if projects.is_empty() {
            query.push(" AND 1 = 0");
        }
        push_any(query, "own.project_id", projects);
    }
    push_any(query, "own.project_id", &filter.projects);
    push_any(query, "own.id", &filter.clients);
    push_kinds(query, filter, "own");
    if let Some(text) = &filter.text {
        query.push(" AND own.folded LIKE ");
        query.push_bind(pattern(text));
        query.push(r" ESCAPE '\'");
    }
}

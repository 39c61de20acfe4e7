//! The same connections as in the list, grouped by client, person or project.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{client::Origin, role::Reach},
};

use super::{
    Result, Tx,
    connection_filter::{Engine, Filter, pattern, push_any, push_ended, push_filter, push_in},
    connection_list::Counts,
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
    Ok(groups)
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
        push_filter(&mut query, &filter);
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
    query.push(by.table()).push(" AS own LEFT JOIN (SELECT ");
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
    push_filter(query, &filter.of_every_status());
    query.push(" GROUP BY ").push(by.column());
    query.push(") AS inner_count ON inner_count.id = own.id WHERE (wanted > 0");
    if grouping.with_empty && grouping.by == GroupBy::Client && concerns_clients_only(filter) {
        push_empty(query, filter);
    }
    query.push(")");
}

/// Whether the connection's status is among those wanted.
fn push_wanted<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("1 = 1");
    super::connection_filter::push_statuses(query, filter.statuses, filter.cutoffs);
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
    let origins: Vec<_> = filter
        .origins
        .iter()
        .map(|origin| origin.as_str())
        .collect();
    push_any(query, "own.origin", &origins);
    let types: Vec<_> = filter.types.iter().map(|kind| kind.as_str()).collect();
    push_any(query, "own.client_type", &types);
    if let Some(text) = &filter.text {
        query.push(" AND own.folded LIKE ");
        query.push_bind(pattern(text));
        query.push(r" ESCAPE '\'");
    }
}

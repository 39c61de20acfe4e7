//! The same connections as in the list, grouped by client, person or project.

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::{
        client::Origin,
        ids::{ClientId, PersonId, ProjectId},
        logo::Logo,
    },
};

use super::{
    Result, Tx,
    connection_filter::Filter,
    connection_group_counts::{
        Counted, Moved, counts_give, push_counted, push_crossed, push_sum, totals_tell,
    },
    connection_group_key::{GroupValue, NEVER, Near, Part, push_near},
    connection_group_number::push_count,
    connection_group_rows::{push_groups, push_totals, shows_empty},
    connection_group_walk::{self, Walk},
    connection_plan::{self, Limits},
    connection_sum::{Counts, Crossing, Total},
    connection_times, sql,
};

pub use super::connection_group_key::{GroupColumn, GroupKey, GroupOrder, GroupPlace};

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
    /// The client's logo, if it has one.
    pub logo: Option<Logo>,
    /// Whether it is a client that has been revoked.
    pub client_revoked: bool,
    /// How many connections meet the filter, whatever their status.
    #[sqlx(flatten)]
    pub counts: Counts,
    /// How many of them have a wanted status.
    pub wanted: i64,
    /// The latest use of one that meets the filter, whatever its status.
    pub last_used_at: Option<Timestamp>,
    /// How many projects the wanted ones lead to; none are counted unless grouped by client.
    pub projects: i64,
    /// The id of one of them.
    pub project_id: Option<String>,
    folded: String,
    /// The first name of those projects, folded; empty unless it gives the order.
    pub(super) first_project: String,
}

impl Group {
    /// Where the group stands in an order.
    pub fn key(&self, order: GroupOrder) -> GroupKey {
        let value = match order.column {
            GroupColumn::Name => GroupValue::Text(self.folded.clone()),
            GroupColumn::Project => GroupValue::Text(self.first_project.clone()),
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

/// Which groups are wanted.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// What the connections are grouped by.
    pub by: GroupBy,
    /// In what order.
    pub order: GroupOrder,
    /// Whether clients without a wanted connection are groups too, where the conditions
    /// on clients (and no others) are met. Only when grouped by client.
    pub with_empty: WithEmpty,
}

/// Which clients without a wanted connection are groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithEmpty {
    /// None.
    No,
    /// Those that can connect.
    Unrevoked,
    /// Also those that were revoked.
    All,
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
    if let Some(walk) = Walk::along_list(filter, grouping, place) {
        let near = Near {
            order: grouping.order,
            place,
            limit,
            backwards,
        };
        let groups = connection_group_walk::page(tx, filter, grouping, (walk, Part::Wanted), near);
        return groups.await.map(Option::unwrap_or_default);
    }
    let filter = &match connection_times::give(filter, grouping.by, grouping.order.column) {
        true => filter.clone(),
        false => connection_plan::read_whole(tx, filter).await?,
    };
    let mut groups = Vec::new();
    for (part, place) in walk(filter, grouping, place) {
        let rest = limit - groups.len() as u32;
        if rest > 0 {
            groups.extend(found(tx, filter, grouping, part, &place, rest, backwards).await?);
        }
    }
    if backwards {
        groups.reverse();
    }
    if counts_give(filter, grouping.by, grouping.order.column) {
        complete(tx, filter, grouping.by, &mut groups).await?;
    }
    Ok(groups)
}

/// Adds to groups that were read from the counts what these do not say.
///
/// # Errors
/// When the database fails.
pub(super) async fn complete(
    tx: &mut Tx,
    filter: &Filter,
    by: GroupBy,
    groups: &mut [Group],
) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    if Moved::where_it_matters(filter) == Moved::Ignored {
        correct(tx, filter, by, groups).await?;
    }
    if by == GroupBy::Client {
        add_projects(tx, filter, groups).await?;
    }
    Ok(())
}

/// The parts of the groups in the order in which they are met from `place` on, and where each
/// begins. Those without a wanted connection stand together, before or after all others,
/// unless the order is that of names: then an index leads to the others.
fn walk(filter: &Filter, grouping: &Grouping, place: &GroupPlace) -> Vec<(Part, GroupPlace)> {
    if !shows_empty(filter, grouping) {
        return vec![(Part::Wanted, place.clone())];
    }
    if grouping.order.column == GroupColumn::Name {
        return vec![(Part::Whole, place.clone())];
    }
    let (key, backwards) = match place {
        GroupPlace::Start => (None, false),
        GroupPlace::After(key) => (Some(key), false),
        GroupPlace::Before(key) => (Some(key), true),
    };
    let parts = match grouping.order.descending == backwards {
        true => [Part::Empty, Part::Wanted],
        false => [Part::Wanted, Part::Empty],
    };
    let [first, second] = parts;
    match key {
        Some(key) if key.is_of_empty() != (first == Part::Empty) => vec![(second, place.clone())],
        _ => vec![(first, place.clone()), (second, GroupPlace::Start)],
    }
}

/// Up to `limit` groups of a part, in the order in which they are met.
async fn found(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    part: Part,
    place: &GroupPlace,
    limit: u32,
    backwards: bool,
) -> Result<Vec<Group>> {
    let near = Near {
        order: grouping.order,
        place,
        limit,
        backwards,
    };
    if part != Part::Empty
        && let Some(walk) = Walk::along_ranks(filter, grouping, near)
        && let Some(groups) =
            connection_group_walk::page(tx, filter, grouping, (walk, part), near).await?
    {
        return Ok(groups);
    }
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT * FROM (");
        push_groups(&mut query, filter, grouping, part, Some(near));
        query.push(") AS found WHERE 1 = 1");
        push_near(&mut query, part, near);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// Puts right what time has moved since the groups were counted.
async fn correct(tx: &mut Tx, filter: &Filter, by: GroupBy, groups: &mut [Group]) -> Result<()> {
    for which in Crossing::possible(filter) {
        let crossed: Vec<(String, i64)> = sql!(tx, |c| {
            let mut query = QueryBuilder::new("");
            push_crossed(&mut query, filter, Counted::Groups(by), which);
            query.build_query_as().fetch_all(c).await
        })?;
        for (id, rows) in crossed {
            let expired = if which == Crossing::Revived {
                -rows
            } else {
                rows
            };
            for group in groups.iter_mut().filter(|group| group.id == id) {
                group.counts.active -= expired;
                group.counts.expired += expired;
            }
        }
    }
    Ok(())
}

/// Adds where the clients' connections lead.
async fn add_projects(tx: &mut Tx, filter: &Filter, groups: &mut [Group]) -> Result<()> {
    let ids: Vec<_> = groups.iter().map(|group| group.id.clone()).collect();
    // These are clients that the filter asks for.
    let filter = filter.of_any_client();
    let found: Vec<(String, i64, String)> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT client_id, COUNT(*), MIN(project_id) FROM (");
        push_counted(&mut query, &filter, Counted::Pairs(&ids), Moved::Corrected);
        query.push(") AS counted WHERE 0 < ");
        push_sum(&mut query, filter.statuses);
        query.push(" GROUP BY client_id");
        query.build_query_as().fetch_all(c).await
    })?;
    for (id, count, project) in found {
        for group in groups.iter_mut().filter(|group| group.id == id) {
            group.projects = count;
            group.project_id = Some(project.clone());
        }
    }
    Ok(())
}

/// How many groups there are.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, filter: &Filter, grouping: &Grouping) -> Result<i64> {
    let filter = &connection_plan::settled(tx, filter).await?;
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("");
        push_count(&mut query, filter, grouping);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// How many groups there are, unless `total` connections are too many to look through for
/// that; of all connections that someone sees who sees everything, it is counted always.
///
/// # Errors
/// When the database fails.
pub async fn count_of(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    total: Total,
) -> Result<Option<i64>> {
    let filter = &connection_plan::settled(tx, filter).await?;
    match total {
        Total::Exactly(rows)
            if rows <= Limits::MEASURED.few || totals_tell(filter, grouping.by) =>
        {
            count(tx, filter, grouping).await.map(Some)
        }
        Total::Exactly(_) | Total::MoreThan(_) => Ok(None),
    }
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
    let mut filter = Filter {
        text: None,
        plan: None,
        ..filter.clone()
    };
    // Otherwise every other group would be counted too.
    match by {
        GroupBy::Client => filter.clients = parsed(ids, ClientId::parse),
        GroupBy::Person => filter.people = parsed(ids, PersonId::parse),
        GroupBy::Project => filter.projects = parsed(ids, ProjectId::parse),
    }
    let filter = &connection_plan::settled(tx, &filter).await?;
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("");
        push_totals(&mut query, filter, by, ids);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The ids of one kind that groups have.
pub(super) fn parsed<T>(ids: &[String], parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
    ids.iter().filter_map(|id| parse(id)).collect()
}

impl GroupBy {
    /// The column of `connection` that names the group.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Client => "connection.client_id",
            Self::Person => "connection.person_id",
            Self::Project => "connection.project_id",
        }
    }

    /// The groups' own columns, and their table.
    pub(super) const fn own(self) -> &'static str {
        match self {
            Self::Client => {
                "own.identifier AS detail, own.origin, own.logo, \
                 own.revoked_at IS NOT NULL AS client_revoked"
            }
            Self::Person => {
                "own.email AS detail, NULL AS origin, NULL AS logo, FALSE AS client_revoked"
            }
            Self::Project => {
                "own.slug AS detail, NULL AS origin, NULL AS logo, FALSE AS client_revoked"
            }
        }
    }

    /// The word for it, in the totals and in addresses.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "person",
            Self::Project => "project",
        }
    }

    /// The groups' own table.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "people",
            Self::Project => "project",
        }
    }
}

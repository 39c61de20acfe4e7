//! Groups found on a walk towards them, in their order or in one that is never behind it: those
//! of the few that are met soon are counted, and nobody else's.

use std::{cmp::Ordering, collections::HashSet};

use sqlx::{Encode, QueryBuilder, Type};
use uuid::Uuid;

use crate::domain::ids::{ClientId, ConnectionId, PersonId, ProjectId};

use super::{
    Result, Tx,
    connection_filter::{Engine, Filter, push_any, push_people},
    connection_group_counts::{
        Counted, Moved, counts_give, counts_tell, is_one_row, push_clients, push_sum, totals_have,
    },
    connection_group_key::{
        GroupColumn, GroupKey, GroupOrder, GroupPlace, GroupValue, Near, Part, push_beyond,
    },
    connection_group_rows::push_groups,
    connection_groups::{Group, GroupBy, Grouping, parsed},
    connection_key::{Column, Key, KeyValue, Order, Place},
    connection_list,
    connection_search::Found,
    connection_times, sql,
};

/// After so many times the first steps, what is looked for is far between.
const PATIENCE: u32 = 8;

/// What is walked along, from where on.
pub(super) enum Walk {
    /// The list, in an order in which it meets the groups in theirs: nobody has many connections.
    List { order: Order, from: Place },
    /// The names of clients, or the totals of clients or people: within a filter no group has
    /// more than in all, or was used later.
    Totals { from: Option<GroupKey> },
}

/// What a walk met: groups, and the place beyond which are all that it has not met; `None` where
/// there are no more.
struct Met {
    ids: Vec<String>,
    frontier: Option<GroupKey>,
}

impl Walk {
    /// Along the list, if there is a way.
    pub fn along_list(filter: &Filter, grouping: &Grouping, place: &GroupPlace) -> Option<Self> {
        if grouping.by != GroupBy::Person
            || matches!(place, GroupPlace::Before(_))
            || matches!(filter.found(), Found::Few(_))
            || counts_give(filter, grouping.by, grouping.order.column)
        {
            return None;
        }
        let descending = grouping.order.descending;
        let column = match grouping.order.column {
            GroupColumn::Name => Column::Person,
            // The first connection that is met of someone is the one used last.
            GroupColumn::LastUsed if descending => Column::LastUsed,
            GroupColumn::LastUsed | GroupColumn::Project | GroupColumn::Connections => return None,
        };
        let order = Order { column, descending };
        let from = begin(order, place);
        Some(Self::List { order, from })
    }

    /// Along names or totals, where the filter asks for so much that they soon lead to it.
    pub fn along_totals(filter: &Filter, grouping: &Grouping, near: Near<'_>) -> Option<Self> {
        let by = grouping.by;
        let column = grouping.order.column;
        let is_wide = filter
            .plan
            .as_ref()
            .is_some_and(|plan| plan.is_wide(filter));
        let is_known = match by {
            GroupBy::Client => {
                counts_tell(filter, by)
                    && !totals_have(filter, by)
                    && !is_one_row(filter, Counted::Groups(by))
            }
            // Those by name and use are met along the list.
            GroupBy::Person => {
                column == GroupColumn::Connections
                    && !counts_tell(filter, by)
                    && !connection_times::are_asked_of(filter)
                    && *filter.found() == Found::Everywhere
            }
            GroupBy::Project => false,
        };
        let is_bound = match column {
            GroupColumn::Name => true,
            GroupColumn::LastUsed => grouping.order.descending,
            GroupColumn::Connections => {
                grouping.order.descending && Moved::where_it_matters(filter) == Moved::Ignored
            }
            GroupColumn::Project => false,
        };
        let from = match near.place {
            GroupPlace::After(key) if column == GroupColumn::Name => Some(key.clone()),
            _ => None,
        };
        (is_wide && is_known && is_bound && !near.backwards).then_some(Self::Totals { from })
    }

    /// Goes on by so many rows.
    async fn step(
        &mut self,
        tx: &mut Tx,
        filter: &Filter,
        grouping: &Grouping,
        rows: u32,
    ) -> Result<Met> {
        match self {
            Self::List { order, from } => {
                let every = filter.of_every_status();
                let walked = connection_list::page(tx, &every, *order, from, rows).await?;
                let last = walked.last().filter(|_| walked.len() == rows as usize);
                let last = last.map(connection_list::Listed::key);
                // Of those who are equal to the last row in what is sorted by, more may follow.
                let frontier = last.as_ref().map(|key| edge(*order, &key.value));
                if let Some(key) = last {
                    *from = Place::After(key);
                }
                let ids = walked.iter().map(|row| row.person.to_string()).collect();
                Ok(Met { ids, frontier })
            }
            Self::Totals { from } => {
                let ranked = ranked(tx, filter, grouping, from.as_ref(), rows).await?;
                let last = ranked.last().filter(|_| ranked.len() == rows as usize);
                let frontier = last.cloned();
                *from = frontier.clone();
                let ids = ranked.into_iter().map(|key| key.id).collect();
                Ok(Met { ids, frontier })
            }
        }
    }
}

/// Up to `limit` groups after the place; `None` when too few are met.
///
/// # Errors
/// When the database fails.
pub(super) async fn page(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    (mut walk, part): (Walk, Part),
    near: Near<'_>,
) -> Result<Option<Vec<Group>>> {
    let order = grouping.order;
    let (mut met, mut groups) = (HashSet::new(), Vec::new());
    let mut rows = filter.plan.as_ref().map_or(0, |plan| plan.walked).max(1);
    let most = match walk {
        Walk::List { .. } => u32::MAX,
        Walk::Totals { .. } => rows.saturating_mul(PATIENCE),
    };
    // Few are met in vain by use, or by the names of clients.
    if order.column == GroupColumn::LastUsed || grouping.by == GroupBy::Client {
        rows = rows.min(near.limit.saturating_mul(2));
    }
    let mut walked = 0_u32;
    loop {
        let Met { ids, frontier } = walk.step(tx, filter, grouping, rows).await?;
        let new: Vec<_> = ids
            .into_iter()
            .filter(|id| met.insert(id.clone()))
            .collect();
        groups.extend(counted(tx, filter, grouping, part, new).await?);
        let is_met = |group: &Group| {
            let key = group.key(order);
            let follows = match near.place {
                GroupPlace::After(other) => compare(order, &key, other).is_gt(),
                GroupPlace::Start | GroupPlace::Before(_) => true,
            };
            let is_before = |edge: &GroupKey| compare(order, &key, edge).is_lt();
            follows && frontier.as_ref().is_none_or(is_before)
        };
        let count = groups.iter().filter(|group| is_met(group)).count();
        if frontier.is_none() || count >= near.limit as usize {
            groups.retain(is_met);
            break;
        }
        walked = walked.saturating_add(rows);
        if walked >= most {
            return Ok(None);
        }
        rows = rows.saturating_mul(2);
    }
    groups.sort_by_cached_key(|group| group.key(order));
    if order.descending {
        groups.reverse();
    }
    groups.truncate(near.limit as usize);
    Ok(Some(groups))
}

/// Whether one group is met before or after another.
fn compare(order: GroupOrder, one: &GroupKey, other: &GroupKey) -> Ordering {
    match order.descending {
        true => other.cmp(one),
        false => one.cmp(other),
    }
}

/// Where the walk along the list begins: at the first row that is equal to the place.
fn begin(order: Order, place: &GroupPlace) -> Place {
    let key = match place {
        GroupPlace::Start | GroupPlace::Before(_) => return Place::Start,
        GroupPlace::After(key) => key,
    };
    Place::After(Key {
        value: match &key.value {
            GroupValue::Text(text) => KeyValue::Text(text.clone()),
            GroupValue::Number(number) => KeyValue::Millis(*number),
        },
        id: outermost(order),
    })
}

/// What stands before everybody who is equal to a row in what is sorted by.
fn edge(order: Order, value: &KeyValue) -> GroupKey {
    GroupKey {
        value: match value {
            KeyValue::Text(text) => GroupValue::Text(text.clone()),
            KeyValue::Millis(millis) | KeyValue::Standing(_, millis) => GroupValue::Number(*millis),
        },
        id: outermost(order).to_string(),
    }
}

/// The id before all others in this order.
fn outermost(order: Order) -> ConnectionId {
    ConnectionId::from(match order.descending {
        true => Uuid::max(),
        false => Uuid::nil(),
    })
}

/// The next of the clients or people, by their names or totals.
async fn ranked(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    from: Option<&GroupKey>,
    limit: u32,
) -> Result<Vec<GroupKey>> {
    let by_name = grouping.order.column == GroupColumn::Name;
    let ranked: Vec<(String, String, i64)> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id, text, number FROM (");
        push_ranked(&mut query, filter, grouping);
        let value = if by_name { "text" } else { "number" };
        query.push(") AS ranked WHERE 1 = 1");
        push_beyond(&mut query, value, grouping.order, from);
        query.push(" LIMIT ").push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?;
    let key = |(id, text, number)| GroupKey {
        value: match by_name {
            true => GroupValue::Text(text),
            false => GroupValue::Number(number),
        },
        id,
    };
    Ok(ranked.into_iter().map(key).collect())
}

/// Pushes a SELECT of all of them that the filter asks for: their ids, and what they are
/// ranked by.
fn push_ranked<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, grouping: &Grouping)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    match grouping.order.column {
        // client_by_name
        GroupColumn::Name => {
            query.push("SELECT id, folded AS text, CAST(0 AS BIGINT) AS number FROM client ");
            query.push("WHERE 1 = 1");
        }
        column => {
            query.push("SELECT id, '' AS text, ");
            match column {
                // connection_total_by_use
                GroupColumn::LastUsed => {
                    query.push("last_used_at");
                }
                _ => push_sum(query, filter.statuses),
            }
            query.push(" AS number FROM connection_total WHERE kind = ");
            query.push_bind(grouping.by.kind().to_owned());
            query.push(" AND 0 < ");
            push_sum(query, filter.statuses);
        }
    }
    match grouping.by {
        GroupBy::Client => push_clients(query, filter, "id"),
        GroupBy::Person => push_people(query, filter, "id"),
        GroupBy::Project => push_any(query, "id", &filter.projects),
    }
}

/// The groups of these clients or people.
async fn counted(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    part: Part,
    ids: Vec<String>,
) -> Result<Vec<Group>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut filter = filter.clone();
    match grouping.by {
        GroupBy::Client => filter.clients = parsed(&ids, ClientId::parse),
        GroupBy::Person => filter.people = parsed(&ids, PersonId::parse),
        GroupBy::Project => filter.projects = parsed(&ids, ProjectId::parse),
    }
    // They are put in order afterwards.
    let grouping = Grouping {
        order: GroupOrder::RECENT,
        ..grouping.clone()
    };
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("");
        push_groups(&mut query, &filter, &grouping, part, None);
        query.build_query_as().fetch_all(c).await
    })?)
}

//! Groups of people, found on a walk along the list in the same order: nobody has many
//! connections, so those of the few who are met soon are counted, and nobody else's.

use std::{cmp::Ordering, collections::HashSet};

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::domain::ids::{ConnectionId, PersonId};

use super::{
    Result, Tx,
    connection_filter::Filter,
    connection_group_counts::counts_give,
    connection_group_key::Part,
    connection_group_key::{GroupColumn, GroupKey, GroupPlace, GroupValue},
    connection_group_rows::push_groups,
    connection_groups::{Group, GroupBy, Grouping},
    connection_key::{Column, Key, KeyValue, Order, Place},
    connection_list,
    connection_search::Found,
    sql,
};

/// How the list is to be sorted so that it meets the groups in their order, if there is a way.
pub(super) fn list_order(
    filter: &Filter,
    grouping: &Grouping,
    place: &GroupPlace,
) -> Option<Order> {
    let backwards = matches!(place, GroupPlace::Before(_));
    if grouping.by != GroupBy::Person
        || backwards
        || matches!(filter.found(), Found::Few(_))
        || counts_give(filter, grouping.by, grouping.order.column)
    {
        return None;
    }
    let descending = grouping.order.descending;
    match grouping.order.column {
        GroupColumn::Name => Some(Column::Person),
        // The first connection that is met of someone is the one used last.
        GroupColumn::LastUsed if descending => Some(Column::LastUsed),
        GroupColumn::LastUsed | GroupColumn::Project | GroupColumn::Connections => None,
    }
    .map(|column| Order { column, descending })
}

/// Up to `limit` groups after `place`, on a walk along the list in this order.
///
/// # Errors
/// When the database fails.
pub(super) async fn page(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    (order, place): (Order, &GroupPlace),
    limit: u32,
) -> Result<Vec<Group>> {
    let every = filter.of_every_status();
    let mut from = begin(order, place);
    let (mut met, mut groups) = (HashSet::new(), Vec::new());
    let mut rows = filter.plan.as_ref().map_or(0, |plan| plan.walked).max(1);
    // Sorted by name, all that someone has stands together; by use, everybody's is mixed.
    if grouping.order.column == GroupColumn::LastUsed {
        rows = rows.min(limit.saturating_mul(2));
    }
    loop {
        let walked = connection_list::page(tx, &every, order, &from, rows).await?;
        let people = walked.iter().map(|row| row.person.clone());
        let new: Vec<_> = people.filter(|id| met.insert(id.clone())).collect();
        groups.extend(counted(tx, filter, grouping, new).await?);
        let last = walked.last().filter(|_| walked.len() == rows as usize);
        // Of those who are equal to the last row in what is sorted by, more may follow.
        let frontier = last.map(|row| edge(order, &row.key().value));
        let is_met = |group: &Group| {
            let key = group.key(grouping.order);
            let follows = match place {
                GroupPlace::After(other) => compare(order, &key, other).is_gt(),
                GroupPlace::Start | GroupPlace::Before(_) => true,
            };
            let is_before = |edge: &GroupKey| compare(order, &key, edge).is_lt();
            follows && frontier.as_ref().is_none_or(is_before)
        };
        let count = groups.iter().filter(|group| is_met(group)).count();
        let Some(last) = last.filter(|_| count < limit as usize) else {
            groups.retain(is_met);
            break;
        };
        from = Place::After(last.key());
        rows = rows.saturating_mul(2);
    }
    groups.sort_by_cached_key(|group| group.key(grouping.order));
    if order.descending {
        groups.reverse();
    }
    groups.truncate(limit as usize);
    Ok(groups)
}

/// Whether one group is met before or after another.
fn compare(order: Order, one: &GroupKey, other: &GroupKey) -> Ordering {
    match order.descending {
        true => other.cmp(one),
        false => one.cmp(other),
    }
}

/// Where the walk begins: at the first row that is equal to the place.
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

/// The groups of these people in which something is wanted.
async fn counted(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    people: Vec<PersonId>,
) -> Result<Vec<Group>> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let filter = Filter {
        people,
        ..filter.clone()
    };
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("");
        push_groups(&mut query, &filter, grouping, Part::Wanted, None);
        query.build_query_as().fetch_all(c).await
    })?)
}

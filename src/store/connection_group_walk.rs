//! Groups found on a walk towards them, in their order or in one that is never behind it: those
//! of the few that are met soon are counted, and nobody else's.

use std::{cmp::Ordering, collections::HashSet};

use uuid::Uuid;

use crate::domain::ids::ConnectionId;

use super::{
    Result, Tx,
    connection_filter::Filter,
    connection_group_counts::{Counted, Moved, counts_give, counts_tell, is_one_row, totals_have},
    connection_group_key::{GroupColumn, GroupKey, GroupOrder, GroupPlace, GroupValue, Near, Part},
    connection_group_ranks::{counted, elsewhere, ranked},
    connection_groups::{Group, GroupBy, Grouping, complete},
    connection_key::{Column, Key, KeyValue, Order, Place},
    connection_list,
    connection_search::Found,
    connection_times,
};

/// After so many times the first steps, what is looked for is far between.
const PATIENCE: u32 = 8;

/// What is walked along, from where on.
pub(super) enum Walk {
    /// The list, in an order in which it meets the groups in theirs: nobody has many connections.
    List { order: Order, from: Place },
    /// The names of clients, those of the projects that they are used at, or the totals of
    /// clients or people: within a filter no group has more than in all, or was used later.
    Ranks { from: Option<GroupKey> },
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
    pub fn along_ranks(filter: &Filter, grouping: &Grouping, near: Near<'_>) -> Option<Self> {
        let by = grouping.by;
        let column = grouping.order.column;
        let is_wide = filter
            .plan
            .as_ref()
            .is_some_and(|plan| plan.is_wide(filter));
        let is_known = match by {
            GroupBy::Client => {
                let has_index = totals_have(filter, by) || is_one_row(filter, Counted::Groups(by));
                counts_tell(filter, by) && (column == GroupColumn::Project || !has_index)
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
        let is_exact = Moved::where_it_matters(filter) == Moved::Ignored;
        let is_bound = match column {
            GroupColumn::Name => true,
            GroupColumn::Project => is_exact,
            GroupColumn::LastUsed => grouping.order.descending,
            GroupColumn::Connections => grouping.order.descending && is_exact,
        };
        // What a group is called is the same in all.
        let from = match (near.place, column) {
            (GroupPlace::After(key), GroupColumn::Name | GroupColumn::Project) => Some(key.clone()),
            _ => None,
        };
        (is_wide && is_known && is_bound && !near.backwards).then_some(Self::Ranks { from })
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
            Self::Ranks { from } => {
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
        Walk::Ranks { .. } => rows.saturating_mul(PATIENCE),
    };
    // Few are met in vain by use, or by the names of clients.
    if order.column == GroupColumn::LastUsed || grouping.by == GroupBy::Client {
        rows = rows.min(near.limit.saturating_mul(2));
    }
    let mut walked = 0_u32;
    let mut few = match (&walk, order.column) {
        (Walk::Ranks { .. }, GroupColumn::Project) => elsewhere(tx, filter).await?,
        _ => Vec::new(),
    };
    loop {
        let Met { mut ids, frontier } = walk.step(tx, filter, grouping, rows).await?;
        ids.append(&mut few);
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
    if matches!(walk, Walk::Ranks { .. })
        && counts_tell(filter, grouping.by)
        && !counts_give(filter, grouping.by, order.column)
    {
        complete(tx, filter, grouping.by, &mut groups).await?;
    }
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

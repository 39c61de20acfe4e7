//! The connections of one group, below it.

use crate::{
    console::{
        query::{Layout, ListQuery, View, address},
        view::list::{Columns, GroupTable, OpenGroup, Swap},
    },
    domain::ids::{ClientId, PersonId, ProjectId},
    flow::revoke,
    store::{
        Tx,
        connection_filter::{Filter, Statuses},
        connection_groups::{Group, GroupBy},
        connection_list::{self, Key, Order, Place},
    },
    web::problem::Problem,
};

use super::{Desk, groups, rows};

/// How many rows of a group are shown at once.
const ROWS: u32 = 25;

/// What is shown of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// No connections.
    Closed,
    /// The newest.
    First,
    /// All that can be revoked, ticked.
    Ticked,
    /// Those that follow.
    After(Key),
}

/// An open group, with those of its connections that the list's `filter` finds.
pub(super) async fn group(
    tx: &mut Tx,
    desk: &Desk<'_>,
    by: GroupBy,
    group: &Group,
    filter: &Filter,
    shown: &Shown,
) -> Result<OpenGroup, Problem> {
    let filter = groups::narrowed(filter, by, &group.id).ok_or_else(Problem::not_found)?;
    let count = group.counts.of(revocable(desk.query.statuses));
    let fits = usize::try_from(count).is_ok_and(|count| count <= revoke::LIMIT);
    let too_many = *shown == Shown::Ticked && !fits;
    let all = alone(desk.query, by, &group.id).filter_pairs();
    Ok(OpenGroup {
        clear_href: desk.here.clone(),
        too_many: too_many.then(|| (count, address("/connections/revoke-matching", &all))),
        table: {
            let shown = if too_many { &Shown::First } else { shown };
            table(tx, desk, by, &group.id, &filter, shown).await?
        },
    })
}

/// Rows of the group with this id, which is what `filter` is about.
pub(super) async fn table(
    tx: &mut Tx,
    desk: &Desk<'_>,
    by: GroupBy,
    id: &str,
    filter: &Filter,
    shown: &Shown,
) -> Result<GroupTable, Problem> {
    let columns = Columns {
        tick: desk.may_revoke(),
        client: by != GroupBy::Client,
        project: by != GroupBy::Project,
        person: by != GroupBy::Person,
    };
    let ticked = *shown == Shown::Ticked && desk.may_revoke();
    let (filter, limit) = if ticked {
        let filter = Filter {
            statuses: revocable(filter.statuses),
            ..filter.clone()
        };
        (filter, revoke::LIMIT as u32)
    } else {
        (filter.clone(), ROWS)
    };
    let place = match shown {
        Shown::After(key) => Place::After(key.clone()),
        Shown::Closed | Shown::First | Shown::Ticked => Place::Start,
    };
    let mut listed = connection_list::page(tx, &filter, Order::NEWEST, &place, limit + 1).await?;
    let is_more = listed.len() > limit as usize;
    listed.truncate(limit as usize);
    let last = listed.last().filter(|_| is_more).map(|row| row.key());
    let rows = listed.into_iter().map(|listed| {
        let mut row = rows::row(listed, desk);
        row.ticked = ticked && row.revoke_href.is_some();
        row
    });
    Ok(GroupTable {
        columns,
        rows: rows.collect(),
        more: last.map(|key| more(desk.query, by, id, &key)),
        width: 5 + [
            columns.tick,
            columns.client,
            columns.project,
            columns.person,
        ]
        .into_iter()
        .filter(|shown| *shown)
        .count(),
    })
}

/// The rows after `key`: in the group where scripts run, otherwise in the list view.
fn more(query: &ListQuery, by: GroupBy, id: &str, key: &Key) -> Swap {
    let list = alone(query, by, id).in_layout(Layout::List);
    let list = list.with_view(View::List {
        order: Order::NEWEST,
        place: Place::After(key.clone()),
    });
    let key = key.to_string();
    Swap {
        href: list.href(),
        part: groups::with("/connections/rows", query, [("group", id), ("rows", &key)]),
    }
}

/// What the query asks for, of one group only.
fn alone(query: &ListQuery, by: GroupBy, id: &str) -> ListQuery {
    let mut query = query.clone();
    match by {
        GroupBy::Client => query.clients = ClientId::parse(id).into_iter().collect(),
        GroupBy::Person => query.people = PersonId::parse(id).into_iter().collect(),
        GroupBy::Project => query.projects = ProjectId::parse(id).into_iter().collect(),
    }
    query
}

/// Those of the statuses that can be revoked.
const fn revocable(statuses: Statuses) -> Statuses {
    Statuses {
        revoked: false,
        ..statuses
    }
}

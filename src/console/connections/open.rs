//! The connections of one group, below it.

use crate::{
    console::{
        number,
        query::{Layout, ListQuery, OPEN_ROWS, OPEN_ROWS_LIMIT, View, address},
        revoke_matching,
        view::list::{Columns, GroupTable, MoreRows, OpenGroup},
    },
    domain::ids::{ClientId, PersonId, ProjectId},
    flow::revoke,
    store::{
        Tx, client_block,
        connection_filter::Filter,
        connection_groups::{Group, GroupBy},
        connection_list::{self, Key, Place},
    },
    web::problem::Problem,
};

use super::{Desk, groups, paging, rows};

/// How many rows are shown of a group of which everything is ticked.
pub(super) const TICKED_ROWS: u32 = revoke::LIMIT as u32;

/// What is shown of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// No connections.
    Closed,
    /// So many, from the first on.
    First(u32),
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
    let count = group.counts.of(desk.query.statuses.unrevoked());
    let fits = usize::try_from(count).is_ok_and(|count| count <= revoke::LIMIT);
    let too_many = *shown == Shown::Ticked && !fits;
    let mut all = alone(desk.query, by, &group.id).filter_pairs();
    all.push(("back", desk.here.clone()));
    Ok(OpenGroup {
        clear_href: desk.here.clone(),
        too_many: too_many.then(|| {
            let way = address(revoke_matching::PATH, &all);
            (number::grouped(count), way)
        }),
        table: {
            let first = &Shown::First(TICKED_ROWS);
            let shown = if too_many { first } else { shown };
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
        tick: desk.may_tick(),
        client: by != GroupBy::Client,
        project: by != GroupBy::Project,
        person: by != GroupBy::Person,
    };
    let order = desk.query.rows_order();
    let ticked = *shown == Shown::Ticked && desk.may_tick();
    let filter = match ticked {
        true => Filter {
            statuses: filter.statuses.unrevoked(),
            ..filter.clone()
        },
        false => filter.clone(),
    };
    let (place, limit) = match shown {
        Shown::After(key) => (Place::After(key.clone()), OPEN_ROWS),
        Shown::First(rows) => (Place::Start, *rows),
        Shown::Closed | Shown::Ticked => (Place::Start, TICKED_ROWS),
    };
    let mut listed = connection_list::page(tx, &filter, order, &place, limit + 1).await?;
    let is_more = listed.len() > limit as usize;
    listed.truncate(limit as usize);
    let last = listed.last().filter(|_| is_more).map(|row| row.key());
    let blocked = client_block::covered_among(tx, &listed).await?;
    let rows = listed.into_iter().map(|listed| {
        let mut row = rows::row(listed, desk, &blocked);
        row.ticked = ticked && row.revocable;
        row
    });
    Ok(GroupTable {
        columns,
        rows: rows.collect(),
        more: last.map(|key| more(desk.query, by, id, shown, &key)),
        heads: paging::row_heads(desk.query, columns),
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

/// 25 rows more than these, the last of which has this key; where the group has become a
/// long list, the rows after them in the list view.
fn more(query: &ListQuery, by: GroupBy, id: &str, shown: &Shown, key: &Key) -> MoreRows {
    let rows = match shown {
        // The address counts those that are asked for.
        Shown::After(_) => query.rows_of(id).unwrap_or(OPEN_ROWS),
        Shown::First(rows) => *rows,
        Shown::Closed | Shown::Ticked => TICKED_ROWS,
    };
    let more = query.with_group(id, Some(rows + OPEN_ROWS));
    if rows + OPEN_ROWS <= OPEN_ROWS_LIMIT {
        // Without scripts the page comes anew: it is shown from where it was left.
        return MoreRows {
            label: "Show 25 more",
            href: format!("{}#{}", more.href(), key.id()),
            after: Some(key.to_string()),
        };
    }
    let list = alone(query, by, id).in_layout(Layout::List);
    let list = list.with_view(View::List {
        order: query.rows_order(),
        place: Place::After(key.clone()),
    });
    MoreRows {
        label: "Show the others in the list view",
        href: list.href(),
        after: None,
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

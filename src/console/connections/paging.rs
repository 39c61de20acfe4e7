//! Headers that sort, and the way from page to page.

use crate::{
    console::{
        query::{ListQuery, PER_CHOICES, View},
        view::list::{Choice, Columns, ConnectionRow, GroupRow, Head},
    },
    store::{
        connection_groups::{GroupBy, GroupColumn, GroupOrder},
        connection_list::{Column, Order},
    },
};

/// What a page shows, and its neighbours.
pub(super) struct Page {
    pub columns: Columns,
    pub rows: Vec<ConnectionRow>,
    pub groups: Vec<GroupRow>,
    pub previous: Option<ListQuery>,
    pub next: Option<ListQuery>,
}

impl Page {
    /// A page without rows.
    pub(super) fn empty(columns: Columns) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            groups: Vec::new(),
            previous: None,
            next: None,
        }
    }
}

/// On which sides of a page there is more.
pub(in crate::console) struct Sides {
    pub previous: bool,
    pub next: bool,
}

/// Takes away the row too many, which says that there is more on the side walked towards.
pub(in crate::console) fn at<T>(
    rows: &mut Vec<T>,
    per: u32,
    backwards: bool,
    at_start: bool,
) -> Sides {
    let more = rows.len() > per as usize;
    if more {
        rows.remove(if backwards { 0 } else { per as usize });
    }
    Sides {
        previous: if backwards { more } else { !at_start },
        next: backwards || more,
    }
}

/// How many rows a page has.
pub(super) fn per(query: &ListQuery) -> Vec<Choice> {
    let choice = |per| Choice {
        label: format!("{per} per page"),
        href: ListQuery {
            per,
            ..query.first_page().with_open_of(Some(query))
        }
        .href(),
        current: per == query.per,
    };
    PER_CHOICES.into_iter().map(choice).collect()
}

/// The headers of the table, except those of ticks and actions. `href` is where a query is
/// shown.
pub(in crate::console) fn heads(
    query: &ListQuery,
    href: impl Fn(&ListQuery) -> String,
) -> Vec<Head> {
    match &query.view {
        View::List { order, .. } => {
            list_heads(*order, |_| true, |order| href(&query.sorted(order)))
        }
        View::Groups { by, order, .. } => {
            group_heads(*by, *order, |order| href(&query.groups_sorted(order)))
        }
    }
}

/// The same of the table in an open group.
pub(super) fn row_heads(query: &ListQuery, columns: Columns) -> Vec<Head> {
    let shown = |column| match column {
        Column::Client => columns.client,
        Column::Project => columns.project,
        Column::Person => columns.person,
        Column::Name | Column::Authorized | Column::Status | Column::LastUsed => true,
    };
    list_heads(query.rows_order(), shown, |order| {
        query.rows_sorted(order).href()
    })
}

/// The headers of columns of connections, and where they are `sorted` by them or the other
/// way round.
fn list_heads(
    order: Order,
    shown: impl Fn(Column) -> bool,
    sorted: impl Fn(Order) -> String,
) -> Vec<Head> {
    let heads = LIST_HEADS.iter().filter(|(_, column, _)| shown(*column));
    heads
        .map(|(label, column, fold)| {
            let current = order.column == *column;
            let turned = Order {
                column: *column,
                descending: if current {
                    !order.descending
                } else {
                    column.usually_descends()
                },
            };
            let descending = current.then_some(order.descending);
            head(label, *fold, sorted(turned), descending)
        })
        .collect()
}

const LIST_HEADS: [(&str, Column, bool); 7] = [
    ("Connection name", Column::Name, false),
    ("MCP client", Column::Client, false),
    ("Project", Column::Project, true),
    ("Authorization date", Column::Authorized, false),
    ("Connected by", Column::Person, false),
    ("Status", Column::Status, false),
    ("Last used", Column::LastUsed, true),
];

fn group_heads(by: GroupBy, order: GroupOrder, sorted: impl Fn(GroupOrder) -> String) -> Vec<Head> {
    let sortable = |label, fold, column: GroupColumn| {
        let current = order.column == column;
        let href = sorted(GroupOrder {
            column,
            descending: if current {
                !order.descending
            } else {
                column.usually_descends()
            },
        });
        head(label, fold, href, current.then_some(order.descending))
    };
    let name = match by {
        GroupBy::Client => "MCP client",
        GroupBy::Person => "Person",
        GroupBy::Project => "Project",
    };
    let mut heads = vec![sortable(name, false, GroupColumn::Name)];
    if by == GroupBy::Client {
        heads.push(sortable("Project", true, GroupColumn::Project));
    }
    heads.push(sortable("Connections", false, GroupColumn::Connections));
    heads.push(sortable("Last used", false, GroupColumn::LastUsed));
    heads
}

fn head(label: &'static str, fold: bool, href: String, descending: Option<bool>) -> Head {
    Head {
        label,
        href: Some(href),
        sort: descending.map(|down| if down { "descending" } else { "ascending" }),
        fold,
    }
}

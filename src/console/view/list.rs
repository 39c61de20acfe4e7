//! What the list of connections shows, as rows and as groups of rows.

use askama::Template;

use super::{Frame, LogoView, StatusView, When};

/// The page; `as_list()` is the part with flash, filters, table and paging.
#[derive(Clone, Debug, Template)]
#[template(path = "connections.html", blocks = ["list"])]
pub struct ConnectionsPage {
    pub frame: Frame,
    pub heading: &'static str,
    pub intro: String,
    pub list: ConnectionList,
}

/// One page of connections, or of groups of them.
#[derive(Clone, Debug)]
pub struct ConnectionList {
    /// Says what the table holds.
    pub caption: &'static str,
    pub views: Vec<Choice>,
    pub search: Search,
    pub chips: Vec<StatusChip>,
    pub more: MoreFilters,
    /// The filters in force, each with the list without it.
    pub applied: Vec<Choice>,
    /// The list without any filter, when there is one.
    pub clear_href: Option<String>,
    /// "254 connections · 14 clients"; announced when it changes.
    pub summary: String,
    /// Why there are no rows and what to do about it.
    pub empty: Option<Empty>,
    pub heads: Vec<Head>,
    pub columns: Columns,
    /// In the list view.
    pub rows: Vec<ConnectionRow>,
    /// In the grouped views.
    pub groups: Vec<GroupRow>,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub per: Vec<Choice>,
    /// This list, without what a link has ticked.
    pub here: String,
    /// Whether something that the filter finds can be revoked, by this person.
    pub can_revoke: bool,
    /// Where everything that the filter finds is revoked.
    pub revoke_matching_href: String,
    /// The parameter of that for the groups of this list; empty where there are none.
    pub by: &'static str,
    /// The parameters of the same list in a file.
    pub export_query: String,
}

/// A link among others of its kind.
#[derive(Clone, Debug)]
pub struct Choice {
    pub label: String,
    pub href: String,
    pub current: bool,
}

/// The search box, with the parameters that stay when something else is searched for.
#[derive(Clone, Debug)]
pub struct Search {
    pub text: String,
    pub hidden: Vec<(&'static str, String)>,
}

/// A status to show or hide, with the number of connections that have it.
#[derive(Clone, Debug)]
pub struct StatusChip {
    pub label: &'static str,
    /// Empty when a search term is found in too many to count.
    pub count: String,
    /// What is worth knowing about this status.
    pub note: &'static str,
    /// The same list with this status shown or hidden; `None` for the only one that is shown.
    pub href: Option<String>,
    pub on: bool,
}

/// The form with the other filters.
#[derive(Clone, Debug)]
pub struct MoreFilters {
    pub hidden: Vec<(&'static str, String)>,
    pub projects: Vec<Tick>,
    /// Whether there are more projects than are offered: then another one is typed.
    pub asks_for_projects: bool,
    /// The people asked for already, by id.
    pub people: Vec<Tick>,
    pub types: Vec<Tick>,
    pub origins: Vec<Tick>,
    pub blocked: Tick,
    pub from: String,
    pub to: String,
    pub idle_days: String,
    /// Whether the connections of others can be among those listed.
    pub asks_for_people: bool,
}

/// A value of a filter that can be ticked.
#[derive(Clone, Debug)]
pub struct Tick {
    pub value: String,
    pub label: String,
    pub on: bool,
}

/// Why a list is empty and what to do about it.
#[derive(Clone, Debug)]
pub struct Empty {
    pub heading: String,
    pub text: String,
    /// One step each.
    pub steps: Vec<String>,
    /// Label and URL.
    pub action: Option<(String, String)>,
}

/// A column's header.
#[derive(Clone, Debug)]
pub struct Head {
    pub label: &'static str,
    /// The list sorted by it, or the other way round.
    pub href: Option<String>,
    /// `ascending` or `descending`, where the list is sorted by it.
    pub sort: Option<&'static str>,
    /// Whether it folds away on narrow screens.
    pub fold: bool,
}

/// Which columns the rows of connections have, besides those they always have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    pub tick: bool,
    pub client: bool,
    pub project: bool,
    pub person: bool,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    pub id: String,
    pub name: String,
    pub client_id: String,
    pub client: String,
    /// Where the client comes from, when that needs saying: "created by API".
    pub client_note: Option<&'static str>,
    pub project: String,
    pub authorized: When,
    pub person_name: String,
    /// See [`super::below_name`].
    pub person_note: Option<String>,
    pub status: StatusView,
    /// `None` reads "Never".
    pub last_used: Option<When>,
    /// Whether a block keeps it from being made again.
    pub blocked: bool,
    /// Not revoked yet, and this person's to revoke.
    pub revocable: bool,
    pub ticked: bool,
}

/// A client, person or project with its connections.
#[derive(Clone, Debug)]
pub struct GroupRow {
    pub id: String,
    /// Of a client.
    pub logo: Option<LogoView>,
    pub name: String,
    /// "client", "person" or "project".
    pub noun: &'static str,
    /// Its own page; `None` for projects.
    pub href: Option<String>,
    /// What else tells it from others.
    pub notes: Vec<String>,
    /// The column of projects; `None` where there is no such column.
    pub projects: Option<String>,
    /// How many of its connections have a wanted status.
    pub count: String,
    /// Whether there is none.
    pub is_empty: bool,
    /// The same by status: class and "39 active".
    pub parts: Vec<(&'static str, String)>,
    /// "2 of 42 match", when only connections match the search.
    pub matching: Option<String>,
    /// `None` reads "Never", unless [`Self::has_others`].
    pub last_used: Option<When>,
    /// Whether that may have been one of those of other statuses, because some of them work.
    pub used_by_others: bool,
    /// Whether it has connections of other statuses alone: when they were used is not told.
    pub has_others: bool,
    /// The list with it open, or closed.
    pub toggle_href: String,
    /// Label and page of what blocks or unblocks the client, for those who may.
    pub block: Option<(&'static str, String)>,
    /// How many of its connections can be ticked.
    pub selectable: i64,
    /// The list with all that can be revoked shown and ticked; `None` when there is nothing.
    pub select_href: Option<String>,
    pub columns: Columns,
    /// The number of columns of the table of groups.
    pub width: usize,
    /// Its connections, when they are shown.
    pub open: Option<OpenGroup>,
}

/// The connections of a group.
#[derive(Clone, Debug)]
pub struct OpenGroup {
    /// The page without anything ticked.
    pub clear_href: String,
    /// More than can be selected: how many there are, and where all are revoked.
    pub too_many: Option<(String, String)>,
    pub table: GroupTable,
}

/// Rows of a group, from some point on.
#[derive(Clone, Debug)]
pub struct GroupTable {
    pub columns: Columns,
    pub rows: Vec<ConnectionRow>,
    /// The headers of the columns, except those of ticks and actions.
    pub heads: Vec<Head>,
    /// The rows that follow; `None` when there are none.
    pub more: Option<MoreRows>,
    /// The number of columns.
    pub width: usize,
}

/// The way to the rows that follow.
#[derive(Clone, Debug)]
pub struct MoreRows {
    pub label: &'static str,
    pub href: String,
    /// Where they begin, for scripts that add them to the others; `None` when they are
    /// on another page.
    pub after: Option<String>,
}

/// A group alone, as it replaces itself.
#[derive(Clone, Debug, Template)]
#[template(path = "group.html")]
pub struct GroupPart {
    pub group: GroupRow,
}

/// More rows of a group, as they are put after the others.
#[derive(Clone, Debug, Template)]
#[template(path = "group_rows.html")]
pub struct GroupRowsPart {
    pub table: GroupTable,
}

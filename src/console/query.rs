//! The state of a list of connections, as its address has it: what is shown,
//! how, in what order, and which page of it. Every link of the list, its
//! exports and the acts on everything that matches carry the same parameters.

use std::time::Duration;

use time::Date;

use crate::{
    clock::Timestamp,
    domain::{
        client::{ClientType, Origin},
        connection::Cutoffs,
        ids::{ClientId, PersonId, ProjectId},
        role::{OrganizationRole, Principal, Reach},
    },
    store::{
        connection_filter::{Filter, Statuses},
        connection_groups::{GroupBy, GroupOrder, GroupPlace},
        connection_list::{Order, Place},
    },
    web::params::encode,
};

mod open;
mod parse;

pub use open::{OPEN_ROWS, OPEN_ROWS_LIMIT, Opened};
pub(super) use parse::{check_repeated, day, midnight, search_term, unknown_condition};

use parse::{COLUMNS, GROUP_COLUMNS, LAYOUTS, direction, word_for};

const DAY: Duration = Duration::from_secs(86_400);

/// The choices of how many rows a page has.
pub const PER_CHOICES: [u32; 3] = [25, 50, 100];

/// The longest search term, in characters.
pub const TEXT_LIMIT: usize = 200;

/// The most days that "idle for more than" may ask for.
pub const IDLE_LIMIT: u16 = 3650;

/// What a list shows unless it is asked for something else.
pub const STATUSES_DEFAULT: Statuses = Statuses::UNREVOKED;

/// The words for statuses, in the order in which they are shown.
pub const STATUS_WORDS: [&str; 3] = ["active", "expired", "revoked"];

/// The word for clients that are blocked.
pub const BLOCKED: &str = "yes";

/// How the connections are laid out, and which page of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// One row each.
    List {
        /// The order of the rows.
        order: Order,
        /// Where the page begins or ends.
        place: Place,
    },
    /// Under the client, person or project they share.
    Groups {
        /// Which of these.
        by: GroupBy,
        /// The order of the groups.
        order: GroupOrder,
        /// Where the page begins or ends.
        place: GroupPlace,
        /// The groups whose rows are shown.
        open: Vec<Opened>,
        /// The order of their rows.
        rows: Order,
    },
}

/// Which of the views, without what belongs to one page of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One row each.
    List,
    /// Under what they share.
    Groups(GroupBy),
}

/// What a list shows, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// How.
    pub view: View,
    /// The view that needs no word in the address.
    pub default: Layout,
    /// Only where this text stands.
    pub text: Option<String>,
    /// Only these statuses.
    pub statuses: Statuses,
    /// Only these projects; all when empty, like the lists that follow.
    pub projects: Vec<ProjectId>,
    /// Only these people.
    pub people: Vec<PersonId>,
    /// Only these clients.
    pub clients: Vec<ClientId>,
    /// Only clients that came to be known so.
    pub origins: Vec<Origin>,
    /// Only clients of these types.
    pub types: Vec<ClientType>,
    /// Only clients that are blocked for everyone.
    pub blocked: bool,
    /// Only those unused for more than so many days.
    pub idle_days: Option<u16>,
    /// Only those authorized on this day (UTC) or later.
    pub from: Option<Date>,
    /// Only those authorized on this day (UTC) or earlier.
    pub to: Option<Date>,
    /// How many rows a page has.
    pub per: u32,
}

impl ListQuery {
    /// The list as it is shown to someone who asks for nothing in particular:
    /// grouped for those who look after the whole organization.
    pub fn of(principal: &Principal) -> Self {
        let default = match principal.role {
            OrganizationRole::Owner | OrganizationRole::Auditor => Layout::Groups(GroupBy::Client),
            OrganizationRole::Member => Layout::List,
        };
        Self {
            view: default.view(),
            default,
            text: None,
            statuses: STATUSES_DEFAULT,
            projects: Vec::new(),
            people: Vec::new(),
            clients: Vec::new(),
            origins: Vec::new(),
            types: Vec::new(),
            blocked: false,
            idle_days: None,
            from: None,
            to: None,
            per: default.per(),
        }
    }

    /// Which connections are meant, at the moment `now`.
    pub fn filter(&self, reach: Reach, cutoffs: Cutoffs, now: Timestamp) -> Filter {
        Filter {
            statuses: self.statuses,
            text: self.text.clone(),
            projects: self.projects.clone(),
            people: self.people.clone(),
            clients: self.clients.clone(),
            origins: self.origins.clone(),
            types: self.types.clone(),
            blocked: self.blocked,
            authorized_from: self.from.map(midnight),
            authorized_until: self.to.map(|day| midnight(day).plus(DAY)),
            unused_since: self.idle_days.map(|days| now.minus(DAY * u32::from(days))),
            ..Filter::all(reach, cutoffs)
        }
    }

    /// Which of the views it is.
    pub fn layout(&self) -> Layout {
        match &self.view {
            View::List { .. } => Layout::List,
            View::Groups { by, .. } => Layout::Groups(*by),
        }
    }

    /// The same connections in another view.
    pub fn in_layout(&self, layout: Layout) -> Self {
        Self {
            view: layout.view(),
            per: layout.per(),
            ..self.clone()
        }
    }

    /// The first page, with no group open: where a change of what is shown leads.
    pub fn first_page(&self) -> Self {
        let view = match &self.view {
            View::List { order, .. } => View::List {
                order: *order,
                place: Place::Start,
            },
            View::Groups {
                by, order, rows, ..
            } => View::Groups {
                by: *by,
                order: *order,
                place: GroupPlace::Start,
                open: Vec::new(),
                rows: *rows,
            },
        };
        Self {
            view,
            ..self.clone()
        }
    }

    /// The same connections as this view shows them.
    pub fn with_view(&self, view: View) -> Self {
        Self {
            view,
            ..self.clone()
        }
    }

    /// The first page of the list in this order.
    pub fn sorted(&self, order: Order) -> Self {
        self.with_view(View::List {
            order,
            place: Place::Start,
        })
    }

    /// The first page of the groups in this order, as they are open; the list stays as it is.
    pub fn groups_sorted(&self, order: GroupOrder) -> Self {
        match &self.view {
            View::List { .. } => self.clone(),
            View::Groups { by, open, rows, .. } => self.with_view(View::Groups {
                by: *by,
                order,
                place: GroupPlace::Start,
                open: open.clone(),
                rows: *rows,
            }),
        }
    }

    /// The same view and order with no condition but the usual statuses.
    pub fn without_filters(&self) -> Self {
        Self {
            text: None,
            statuses: STATUSES_DEFAULT,
            projects: Vec::new(),
            people: Vec::new(),
            clients: Vec::new(),
            origins: Vec::new(),
            types: Vec::new(),
            blocked: false,
            idle_days: None,
            from: None,
            to: None,
            ..self.first_page()
        }
    }

    /// Whether it asks for less than everything of the usual statuses.
    pub fn is_filtered(&self) -> bool {
        self.first_page() != self.without_filters()
    }

    /// The parameters of the conditions: everything but view, order and page.
    pub fn filter_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut push = |name, value: &dyn ToString| pairs.push((name, value.to_string()));
        if let Some(text) = &self.text {
            push("q", text);
        }
        if self.statuses != STATUSES_DEFAULT {
            let Statuses {
                active,
                expired,
                revoked,
            } = self.statuses;
            let on = STATUS_WORDS.into_iter().zip([active, expired, revoked]);
            on.filter(|(_, on)| *on)
                .for_each(|(word, _)| push("status", &word));
        }
        self.projects.iter().for_each(|id| push("project", id));
        self.people.iter().for_each(|id| push("person", id));
        self.clients.iter().for_each(|id| push("client", id));
        let origins = self.origins.iter();
        origins.for_each(|origin| push("origin", &origin.as_str()));
        self.types
            .iter()
            .for_each(|kind| push("type", &kind.as_str()));
        if self.blocked {
            push("blocked", &BLOCKED);
        }
        if let Some(days) = self.idle_days {
            push("idle_days", &days);
        }
        for (name, day) in [("from", self.from), ("to", self.to)] {
            if let Some(day) = day {
                push(name, &day);
            }
        }
        pairs
    }

    /// Every parameter; those that say nothing new are left out.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let layout = self.layout();
        if layout != self.default {
            pairs.push(("view", word_for(&LAYOUTS, layout).to_owned()));
        }
        pairs.extend(self.filter_pairs());
        match &self.view {
            View::List { order, place } => {
                if *order != Order::NEWEST {
                    pairs.push(("sort", word_for(&COLUMNS, order.column).to_owned()));
                    pairs.extend(direction(order.descending, order.column.usually_descends()));
                }
                pairs.extend(match place {
                    Place::After(key) => Some(("after", key.to_string())),
                    Place::Before(key) => Some(("before", key.to_string())),
                    Place::Start | Place::End => None,
                });
            }
            View::Groups {
                order,
                place,
                open,
                rows,
                ..
            } => {
                if *order != GroupOrder::RECENT {
                    pairs.push(("sort", word_for(&GROUP_COLUMNS, order.column).to_owned()));
                    pairs.extend(direction(order.descending, order.column.usually_descends()));
                }
                pairs.extend(match place {
                    GroupPlace::After(key) => Some(("after", key.to_string())),
                    GroupPlace::Before(key) => Some(("before", key.to_string())),
                    GroupPlace::Start => None,
                });
                pairs.extend(open.iter().map(|opened| ("open", opened.to_string())));
                pairs.extend(rows_pairs(*rows));
            }
        }
        if self.per != layout.per() {
            pairs.push(("per", self.per.to_string()));
        }
        pairs
    }

    /// The address of the list.
    pub fn href(&self) -> String {
        address("/connections", &self.pairs())
    }
}

/// The parameters of the order of rows in groups.
fn rows_pairs(order: Order) -> Vec<(&'static str, String)> {
    if order == Order::NEWEST {
        return Vec::new();
    }
    let usual = order.column.usually_descends();
    let turned = direction(order.descending, usual).map(|(_, word)| ("rows_dir", word));
    let column = word_for(&COLUMNS, order.column).to_owned();
    std::iter::once(("rows", column)).chain(turned).collect()
}

/// A path with parameters.
pub fn address(path: &str, pairs: &[(&'static str, String)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    format!("{path}?{}", encode(pairs))
}

impl Layout {
    /// Its first page, in its usual order.
    fn view(self) -> View {
        match self {
            Self::List => View::List {
                order: Order::NEWEST,
                place: Place::Start,
            },
            Self::Groups(by) => View::Groups {
                by,
                order: GroupOrder::RECENT,
                place: GroupPlace::Start,
                open: Vec::new(),
                rows: Order::NEWEST,
            },
        }
    }

    /// How many rows a page has unless it is asked for another number.
    pub const fn per(self) -> u32 {
        match self {
            Self::List => 50,
            Self::Groups(_) => 25,
        }
    }
}

#[cfg(test)]
mod tests;

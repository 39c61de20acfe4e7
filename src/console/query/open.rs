//! Which groups stand open, and how far.

use crate::{domain::ids::ClientId, store::connection_list::Order};

use super::{ListQuery, View};

/// How many groups may stand open at once.
pub const OPEN_LIMIT: usize = 25;

/// How many rows of a group are shown at first, and how many more each time.
pub const OPEN_ROWS: u32 = 25;

/// The most rows of a group that an address asks for.
pub const OPEN_ROWS_LIMIT: u32 = 500;

/// A group whose rows are shown. As text, `<id>`, or `<id>.<rows>` with more than 25.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opened {
    /// The client's, person's or project's id.
    pub id: String,
    /// How many rows.
    pub rows: u32,
}

impl Opened {
    /// What the text says; `None` when it says nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, rows) = match text.split_once('.') {
            None => (text, OPEN_ROWS),
            Some((id, rows)) => (id, rows.parse().ok()?),
        };
        let allowed = rows % OPEN_ROWS == 0 && (OPEN_ROWS..=OPEN_ROWS_LIMIT).contains(&rows);
        // The ids of people and projects are spelt alike.
        let id = ClientId::parse(id).filter(|_| allowed)?.to_string();
        Some(Self { id, rows })
    }
}

impl std::fmt::Display for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rows {
            OPEN_ROWS => f.write_str(&self.id),
            rows => write!(f, "{}.{rows}", self.id),
        }
    }
}

impl ListQuery {
    /// How many rows of this group are shown; `None` when it is closed.
    pub fn rows_of(&self, id: &str) -> Option<u32> {
        let View::Groups { open, .. } = &self.view else {
            return None;
        };
        let found = open.iter().find(|opened| opened.id == id);
        found.map(|opened| opened.rows)
    }

    /// The same page with so many rows of a group shown, or none; of too many open
    /// groups the first is closed.
    pub fn with_group(&self, id: &str, rows: Option<u32>) -> Self {
        let mut query = self.clone();
        if let View::Groups { open, .. } = &mut query.view {
            open.retain(|other| other.id != id);
            if let Some(rows) = rows {
                open.drain(..open.len().saturating_sub(OPEN_LIMIT - 1));
                open.push(Opened {
                    id: id.to_owned(),
                    rows,
                });
                open.sort();
            }
        }
        query
    }

    /// The same page with those groups open that are open in `other`.
    pub fn with_open_of(mut self, other: Option<&Self>) -> Self {
        let others = other.map(|query| &query.view);
        if let (View::Groups { open, .. }, Some(View::Groups { open: others, .. })) =
            (&mut self.view, others)
        {
            open.clone_from(others);
        }
        self
    }

    /// The same groups with their rows in this order, from the first on.
    pub fn rows_sorted(&self, order: Order) -> Self {
        let mut query = self.clone();
        if let View::Groups { rows, open, .. } = &mut query.view {
            *rows = order;
            for opened in open {
                opened.rows = OPEN_ROWS;
            }
        }
        query
    }

    /// The order of the rows in groups.
    pub fn rows_order(&self) -> Order {
        match self.view {
            View::Groups { rows, .. } => rows,
            View::List { .. } => Order::NEWEST,
        }
    }
}

//! The filters in force, each with a way to be rid of it.

use crate::{
    console::{origin, query::ListQuery, view::list::Choice},
    domain::ids::ProjectId,
    store::{
        Tx,
        connection_filter::Filter,
        connection_groups::{
            self, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping, WithEmpty,
        },
    },
    web::problem::Problem,
};

use super::{Desk, filters};

/// The filters in force.
pub(super) struct Applied {
    pub chips: Vec<Choice>,
    /// Ids and names of the people asked for.
    pub people: Vec<(String, String)>,
}

/// A chip for each value of each filter but the statuses, which have chips of their own.
pub(super) async fn chips(
    tx: &mut Tx,
    desk: &Desk<'_>,
    projects: &[(ProjectId, String)],
) -> Result<Applied, Problem> {
    let query = desk.query;
    let people = names(tx, desk, GroupBy::Person, &query.people, |filter, ids| {
        filter.people = ids;
    })
    .await?;
    let clients = names(tx, desk, GroupBy::Client, &query.clients, |filter, ids| {
        filter.clients = ids;
    })
    .await?;
    let mut chips = Chips {
        query,
        chips: Vec::new(),
    };
    chips.add_named(projects, &people, &clients);
    chips.add_kinds_and_times();
    Ok(Applied {
        chips: chips.chips,
        people,
    })
}

struct Chips<'a> {
    query: &'a ListQuery,
    chips: Vec<Choice>,
}

impl Chips<'_> {
    /// What is searched for, and what is asked for by name.
    fn add_named(
        &mut self,
        projects: &[(ProjectId, String)],
        people: &[(String, String)],
        clients: &[(String, String)],
    ) {
        let query = self.query;
        if let Some(text) = &query.text {
            self.push(format!("Search: {text}"), |query| query.text = None);
        }
        for id in &query.projects {
            let known = projects.iter().find(|(known, _)| known == id);
            let name = known.map_or("unknown", |(_, name)| name);
            self.push(format!("Project: {name}"), |query| {
                query.projects.retain(|other| other != id);
            });
        }
        for (id, (_, name)) in query.people.iter().zip(people) {
            self.push(format!("Person: {name}"), |query| {
                query.people.retain(|other| other != id);
            });
        }
        for (id, (_, name)) in query.clients.iter().zip(clients) {
            self.push(format!("MCP client: {name}"), |query| {
                query.clients.retain(|other| other != id);
            });
        }
    }

    /// What clients are like, and when connections were made and used.
    fn add_kinds_and_times(&mut self) {
        let query = self.query;
        for kind in &query.types {
            let words = filters::type_words(*kind);
            self.push(format!("Client type: {words}"), |query| {
                query.types.retain(|other| other != kind);
            });
        }
        for origin in &query.origins {
            let words = origin::words(*origin, None);
            self.push(format!("Origin: {words}"), |query| {
                query.origins.retain(|other| other != origin);
            });
        }
        if query.blocked {
            self.push("Clients: blocked".to_owned(), |query| query.blocked = false);
        }
        if let Some(day) = query.from {
            self.push(format!("Authorized from {day}"), |query| query.from = None);
        }
        if let Some(day) = query.to {
            self.push(format!("Authorized until {day}"), |query| query.to = None);
        }
        if let Some(days) = query.idle_days {
            let unit = if days == 1 { "day" } else { "days" };
            self.push(format!("Idle for more than {days} {unit}"), |query| {
                query.idle_days = None;
            });
        }
    }

    fn push(&mut self, label: String, remove: impl FnOnce(&mut ListQuery)) {
        let mut query = self.query.first_page();
        remove(&mut query);
        self.chips.push(Choice {
            label,
            href: query.href(),
            current: false,
        });
    }
}

/// Ids and names of what has one of these ids and a connection that this
/// person sees; "unknown" for all else.
async fn names<T: Clone + ToString>(
    tx: &mut Tx,
    desk: &Desk<'_>,
    by: GroupBy,
    ids: &[T],
    ask: impl FnOnce(&mut Filter, Vec<T>),
) -> Result<Vec<(String, String)>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut filter = desk.everything();
    ask(&mut filter, ids.to_vec());
    let grouping = Grouping {
        by,
        order: GroupOrder {
            column: GroupColumn::Name,
            descending: false,
        },
        with_empty: WithEmpty::Unrevoked,
    };
    let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let found = connection_groups::page(tx, &filter, &grouping, &GroupPlace::Start, limit).await?;
    let name = |id: &T| {
        let id = id.to_string();
        let known = found.iter().find(|group| group.id == id);
        let name = known.map_or("unknown", |group| &group.name);
        (id, name.to_owned())
    };
    Ok(ids.iter().map(name).collect())
}

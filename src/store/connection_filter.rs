//! Which connections are meant: the one definition behind every list, group,
//! count, confirmation and export.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{
        client::{ClientType, Origin},
        connection::Cutoffs,
        ids::{ClientId, PersonId, ProjectId},
        role::Reach,
    },
};

use super::connection_search::{Found, push_has, push_person_name, push_text};
use super::{
    client_block,
    connection_bounds::Bounds,
    trigram::{Named, push_is_named, push_keys},
};

pub(super) use super::connection_plan::Hidden;
pub use super::connection_plan::Plan;
pub use super::connection_statuses::Statuses;
pub(super) use super::engine::{Engine, push_any, push_in};

/// Which connections are wanted: those that meet every condition. Of a list of
/// alternatives any will do; an empty list is no condition.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Those that the person asking may see (or change).
    pub reach: Reach,
    /// Those with one of these statuses.
    pub statuses: Statuses,
    /// What separates the statuses at the moment of asking.
    pub cutoffs: Cutoffs,
    /// Those where this stands in the connection's name, the client's name or
    /// OAuth `client_id`, or the person's name or e-mail, in whatever case.
    pub text: Option<String>,
    /// Those of these projects.
    pub projects: Vec<ProjectId>,
    /// Those of these people.
    pub people: Vec<PersonId>,
    /// Those of these clients.
    pub clients: Vec<ClientId>,
    /// Those of clients that came to be known so.
    pub origins: Vec<Origin>,
    /// Those of clients of these types.
    pub types: Vec<ClientType>,
    /// Those of clients that are blocked for everyone.
    pub blocked: bool,
    /// Those authorized then or later.
    pub authorized_from: Option<Timestamp>,
    /// Those authorized before then.
    pub authorized_until: Option<Timestamp>,
    /// Those not used since then.
    pub unused_since: Option<Timestamp>,
    /// How to find them; `None` until [`settled`](super::connection_plan::settled).
    pub plan: Option<Plan>,
}

impl Filter {
    /// Every connection within `reach`.
    pub fn all(reach: Reach, cutoffs: Cutoffs) -> Self {
        Self {
            reach,
            statuses: Statuses::ALL,
            cutoffs,
            text: None,
            projects: Vec::new(),
            people: Vec::new(),
            clients: Vec::new(),
            origins: Vec::new(),
            types: Vec::new(),
            blocked: false,
            authorized_from: None,
            authorized_until: None,
            unused_since: None,
            plan: None,
        }
    }

    /// Where the search term stands: everywhere when there is none.
    pub(super) fn found(&self) -> &Found {
        static UNKNOWN: Found = Found::UNKNOWN;
        match (&self.text, &self.plan) {
            (None, _) => &Found::Everywhere,
            (Some(_), Some(plan)) => &plan.text,
            (Some(_), None) => &UNKNOWN,
        }
    }

    /// Where what counts have may differ from what it is by now.
    pub(super) fn bounds(&self) -> Bounds {
        self.plan
            .as_ref()
            .map_or(Bounds::UNKNOWN, |plan| plan.bounds)
    }

    /// The same without a condition on the client: for clients that meet it.
    pub(super) fn of_any_client(&self) -> Self {
        Self {
            text: None,
            clients: Vec::new(),
            origins: Vec::new(),
            types: Vec::new(),
            blocked: false,
            ..self.clone()
        }
    }

    /// The same without a condition on the status.
    pub fn of_every_status(&self) -> Self {
        Self {
            statuses: Statuses::ALL,
            ..self.clone()
        }
    }
}

/// Text in lower case, as it is sorted and searched by: the parts on lines of
/// their own, so that no search term spans two of them.
pub fn folded(parts: &[&str]) -> String {
    parts.join("\n").to_lowercase()
}

/// Pushes the conditions of a filter on the columns of `connection`.
pub(super) fn push_filter<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, hidden: Hidden)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let hide = |is| if is { D::HIDE } else { "" };
    push_reach(query, &filter.reach, hide(hidden.reach));
    push_statuses(query, filter.statuses, filter.cutoffs);
    let project = format!("{}connection.project_id", hide(hidden.projects));
    push_any(query, &project, &filter.projects);
    match &filter.plan {
        Some(plan) if plan.big_people => {
            push_any(query, "connection.person_id", &filter.people);
            push_person_name(query, filter);
        }
        _ => push_people(query, filter, "connection.person_id"),
    }
    let client = format!("{}connection.client_id", hide(hidden.clients));
    push_any(query, &client, &filter.clients);
    push_client(query, filter, hide(hidden.clients));
    push_dates(query, filter, hide(hidden.dates));
    push_unused(query, filter, hide(hidden.uses));
    push_text(query, filter);
}

/// Pushes since when a connection has not been used; `hide` stands before the column.
pub(super) fn push_unused<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, hide: &str)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    if let Some(since) = filter.unused_since {
        query.push(" AND ").push(hide);
        query.push("connection.last_used_at <= ");
        query.push_bind(since.millis());
    }
}

/// Pushes when a connection was authorized; `hide` stands before the column.
pub(super) fn push_dates<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, hide: &str)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    let from = filter.authorized_from.map(|from| (">=", from));
    let until = filter.authorized_until.map(|until| ("<", until));
    for (is, moment) in [from, until].into_iter().flatten() {
        query
            .push(" AND ")
            .push(hide)
            .push("connection.authorized_at ");
        query.push(is).push(" ").push_bind(moment.millis());
    }
}

/// Whether the filter asks what clients are.
pub(super) fn asks_of_clients(filter: &Filter) -> bool {
    asks_of_kinds(filter) || *filter.found() == Found::OfClients
}

/// Whether it asks so besides the search term.
pub(super) fn asks_of_kinds(filter: &Filter) -> bool {
    !filter.origins.is_empty() || !filter.types.is_empty() || filter.blocked
}

/// Whether a connection is among the clients that the filter asks for by what they are.
fn push_client<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, hide: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if !asks_of_clients(filter) {
        return;
    }
    if filter.plan.as_ref().is_none_or(|plan| !plan.big_kinds) {
        query.push(" AND ").push(hide);
        query.push("connection.client_id IN (SELECT client.id FROM client WHERE 1 = 1");
        push_kinds(query, filter, "client");
        query.push(")");
        return;
    }
    if asks_of_kinds(filter) {
        query
            .push(" AND EXISTS (SELECT 1 FROM client AS kind WHERE kind.id = connection.client_id");
        push_registered(query, filter, "kind");
        query.push(")");
    }
    if let (Found::OfClients, Some(text)) = (filter.found(), &filter.text) {
        // Each connection has its client's names.
        query.push(" AND ");
        push_has(query, "connection.client_folded", text);
    }
}

/// Whether the filter asks for some people.
pub(super) fn asks_of_people(filter: &Filter) -> bool {
    !filter.people.is_empty() || matches!(filter.found(), Found::OfPeople(_))
}

/// What the filter asks of people, whose ids are in `column`.
pub(super) fn push_people<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, column: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    push_any(query, column, &filter.people);
    match (filter.found(), &filter.text) {
        (Found::OfPeople(Some(people)), _) => push_any(query, column, people),
        (Found::OfPeople(None), Some(text)) => {
            query.push(" AND ").push(column);
            query.push(" IN (");
            push_keys(query, Named::Person, text);
            query.push(")");
        }
        _ => {}
    }
}

/// What the filter asks of clients by what they are, on the columns of `table`.
pub(super) fn push_kinds<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, table: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    push_registered(query, filter, table);
    if let (Found::OfClients, Some(text)) = (filter.found(), &filter.text) {
        query.push(" AND ");
        push_is_named(query, table, Named::Client, text);
    }
}

/// The same without the search term.
fn push_registered<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, table: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let origins: Vec<_> = filter
        .origins
        .iter()
        .map(|origin| origin.as_str())
        .collect();
    push_any(query, &format!("{table}.origin"), &origins);
    let types: Vec<_> = filter.types.iter().map(|kind| kind.as_str()).collect();
    push_any(query, &format!("{table}.client_type"), &types);
    if filter.blocked {
        client_block::push_everywhere(query, table);
    }
}

pub(super) fn push_statuses<D: Engine>(
    query: &mut QueryBuilder<D>,
    statuses: Statuses,
    cutoffs: Cutoffs,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    let Statuses {
        active,
        expired,
        revoked,
    } = statuses;
    match (active, expired, revoked) {
        (true, true, true) => {}
        (true, true, false) => {
            query.push(" AND connection.revoked_at IS NULL");
        }
        (false, true, false) => {
            query.push(" AND connection.revoked_at IS NULL AND ");
            push_ended(query, cutoffs);
        }
        (false, false, true) => {
            query.push(" AND connection.revoked_at IS NOT NULL");
        }
        (true, false, false) => {
            query.push(" AND connection.revoked_at IS NULL AND NOT ");
            push_ended(query, cutoffs);
        }
        (true, false, true) => {
            query.push(" AND (connection.revoked_at IS NOT NULL OR NOT ");
            push_ended(query, cutoffs);
            query.push(")");
        }
        (false, true, true) => {
            query.push(" AND (connection.revoked_at IS NOT NULL OR ");
            push_ended(query, cutoffs);
            query.push(")");
        }
        (false, false, false) => {
            query.push(" AND 1 = 0");
        }
    }
}

/// Whether the time of a connection has run out, as
/// [`Life::status`](crate::domain::connection::Life::status) has it.
pub(super) fn push_ended<D: Engine>(query: &mut QueryBuilder<D>, cutoffs: Cutoffs)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("(connection.last_used_at <= ");
    query.push_bind(cutoffs.used_before.millis());
    if !cutoffs.has_age() {
        query.push(")");
        return;
    }
    query.push(" OR connection.authorized_at <= ");
    query.push_bind(cutoffs.authorized_before.millis());
    query.push(")");
}

/// Pushes who sees what; `hide` stands before each column.
pub(super) fn push_reach<D: Engine>(query: &mut QueryBuilder<D>, reach: &Reach, hide: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let Reach::Some { person, projects } = reach else {
        query.push("1 = 1");
        return;
    };
    let (owner, place) = (
        format!("{hide}connection.person_id"),
        format!("{hide}connection.project_id"),
    );
    // No constant among the alternatives: SQLite uses indexes for an OR only when
    // each of its sides has one, and would walk every connection for a member's few.
    match (person, projects.is_empty()) {
        (None, true) => {
            query.push("1 = 0");
        }
        (Some(person), true) => {
            query.push(owner).push(" = ");
            query.push_bind(person.to_string());
        }
        (None, false) => push_in(query, &place, projects),
        (Some(person), false) => {
            query.push("(").push(owner).push(" = ");
            query.push_bind(person.to_string());
            query.push(" OR ");
            push_in(query, &place, projects);
            query.push(")");
        }
    }
}

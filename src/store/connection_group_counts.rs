//! What groups of connections have, by the counts that are kept in step.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::{
    ids::{PersonId, ProjectId},
    role::Reach,
};

use super::{
    connection_filter::{
        Engine, Filter, Statuses, asks_of_clients, asks_of_people, push_any, push_in, push_kinds,
        push_people, push_reach,
    },
    connection_groups::{GroupBy, GroupColumn},
    connection_sum::{Crossing, counts_know, push_crossing},
};

/// What time has moved from active to expired since it was counted, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Is left where it was counted: for sums of both.
    Ignored,
    /// Is put right.
    Corrected,
}

impl Moved {
    /// A sum of active and expired ones, or of neither, is the same in any case.
    pub fn where_it_matters(filter: &Filter) -> Self {
        if filter.statuses.active == filter.statuses.expired {
            Self::Ignored
        } else {
            Self::Corrected
        }
    }
}

/// Whether the counts that are kept in step say all there is to say of the
/// groups: then no row needs counting.
pub(super) fn counts_tell(filter: &Filter, by: GroupBy) -> bool {
    counts_know(filter)
        && match by {
            GroupBy::Client | GroupBy::Project => {
                !asks_of_people(filter) && has_projects(&filter.reach)
            }
            GroupBy::Person => {
                filter.reach == Reach::All && !of_some_clients(filter) && filter.projects.is_empty()
            }
        }
}

/// Whether they also give the groups their order: of projects they know which a client's
/// connections lead to, and nothing that time has moved.
pub(super) fn counts_give(filter: &Filter, by: GroupBy, column: GroupColumn) -> bool {
    counts_tell(filter, by)
        && (column != GroupColumn::Project
            || by == GroupBy::Client
                && filter.reach == Reach::All
                && Moved::where_it_matters(filter) == Moved::Ignored)
}

/// Whether someone sees all connections of some project.
fn has_projects(reach: &Reach) -> bool {
    match reach {
        Reach::All => true,
        Reach::Some { projects, .. } => !projects.is_empty(),
    }
}

/// Whether the totals say all there is to say of the groups, and all groups have one.
pub(super) fn totals_tell(filter: &Filter, by: GroupBy) -> bool {
    counts_tell(filter, by)
        && filter.reach == Reach::All
        && filter.projects.is_empty()
        && !of_some_clients(filter)
        && !asks_of_people(filter)
}

fn of_some_clients(filter: &Filter) -> bool {
    !filter.clients.is_empty() || asks_of_clients(filter)
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Counted<'a> {
    /// Each group.
    Groups(GroupBy),
    /// Each of these clients at each project.
    Pairs(&'a [String]),
}

impl Counted<'_> {
    /// The columns that tell what is counted from the rest, in the counts and in the rows.
    fn keys(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Groups(GroupBy::Client) => &[("id", "client_id")],
            Self::Groups(GroupBy::Person) => &[("id", "person_id")],
            Self::Groups(GroupBy::Project) => &[("id", "project_id")],
            Self::Pairs(_) => &[("client_id", "client_id"), ("project_id", "project_id")],
        }
    }
}

/// Pushes a SELECT of the counts that are kept in step.
pub(super) fn push_counted<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    counted: Counted<'_>,
    moved: Moved,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let crossings = || {
        let possible = Crossing::possible(filter).enumerate();
        possible.filter(|_| moved == Moved::Corrected)
    };
    query.push("SELECT ");
    for (key, _) in counted.keys() {
        query.push(format_args!("kept.{key}, "));
    }
    for (column, expires, revives) in [("active", "-", "+"), ("expired", "+", "-")] {
        query.push("kept.").push(column);
        for (n, which) in crossings() {
            let sign = if which == Crossing::Revived {
                revives
            } else {
                expires
            };
            query.push(format_args!(" {sign} COALESCE(crossed{n}.rows, 0)"));
        }
        query.push(format_args!(" AS {column}, "));
    }
    query.push("kept.revoked, kept.last_used_at FROM (");
    push_kept(query, filter, counted);
    query.push(") AS kept");
    for (n, which) in crossings() {
        query.push(" LEFT JOIN (");
        push_crossed(query, filter, counted, which);
        query.push(format_args!(") AS crossed{n} ON 1 = 1"));
        for (key, column) in counted.keys() {
            query.push(format_args!(" AND crossed{n}.{column} = kept.{key}"));
        }
    }
}

/// Pushes a SELECT of how many rows of each have crossed, where some have.
pub(super) fn push_crossed<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    counted: Counted<'_>,
    which: Crossing,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("SELECT ");
    for (_, column) in counted.keys() {
        query.push(column).push(", ");
    }
    query.push("COUNT(*) AS rows FROM connection WHERE ");
    // Few have crossed: an index on anything else would lead past many more.
    let hide = D::HIDE;
    push_reach(query, &filter.reach, hide);
    push_clients(query, filter, &format!("{hide}connection.client_id"));
    push_any(
        query,
        &format!("{hide}connection.project_id"),
        &filter.projects,
    );
    push_crossing(query, filter, which);
    query.push(" GROUP BY ");
    let mut columns = query.separated(", ");
    for (_, column) in counted.keys() {
        columns.push(format_args!("{hide}{column}"));
    }
}

/// What several counts are together.
const SUMS: &str = "CAST(SUM(active) AS BIGINT) AS active,
    CAST(SUM(expired) AS BIGINT) AS expired,
    CAST(SUM(revoked) AS BIGINT) AS revoked,
    MAX(last_used_at) AS last_used_at";

/// The counts as they are kept: the totals, or those of each client at each
/// project where the filter asks for the one and groups go by the other.
fn push_kept<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, counted: Counted<'_>)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    const TOTALS: &str = "SELECT id, active, expired, revoked, last_used_at
        FROM connection_total
        WHERE kind = ";
    match counted {
        Counted::Groups(by) if totals_have(filter, by) => {
            query.push(TOTALS).push_bind(by.kind().to_owned());
            match by {
                GroupBy::Client => push_clients(query, filter, "id"),
                GroupBy::Project => push_any(query, "id", &filter.projects),
                GroupBy::Person => push_people(query, filter, "id"),
            }
            return;
        }
        Counted::Groups(GroupBy::Project) if !of_some_clients(filter) => {
            if let Reach::Some { person, projects } = &filter.reach {
                query
                    .push(TOTALS)
                    .push_bind(GroupBy::Project.kind().to_owned());
                query.push(" AND ");
                push_in(query, "id", projects);
                push_any(query, "id", &filter.projects);
                if let Some(person) = person {
                    query.push(" UNION ALL SELECT project_id, ");
                    query.push(SUMS).push(" FROM (");
                    push_elsewhere(query, person, projects);
                    query.push(") AS elsewhere WHERE 1 = 1");
                    push_any(query, "project_id", &filter.projects);
                    query.push(" GROUP BY project_id");
                }
                return;
            }
        }
        Counted::Groups(_) | Counted::Pairs(_) => {}
    }
    let one_row = is_one_row(filter, counted);
    query.push("SELECT ");
    for (key, column) in counted.keys() {
        query.push(format_args!("{column} AS {key}, "));
    }
    query.push(match one_row {
        true => "active, expired, revoked, last_used_at",
        false => SUMS,
    });
    query.push(" FROM ");
    push_reached(query, &filter.reach);
    query.push(" AS reached WHERE 1 = 1");
    if let Counted::Pairs(clients) = counted {
        push_any(query, "client_id", clients);
    }
    push_any(query, "project_id", &filter.projects);
    push_clients(query, filter, "client_id");
    if one_row {
        return;
    }
    query.push(" GROUP BY ");
    let mut columns = query.separated(", ");
    for (_, column) in counted.keys() {
        columns.push(*column);
    }
}

/// Whether the counts of a client at a project are all that there is of each: then an index may
/// have them in order.
pub(super) fn is_one_row(filter: &Filter, counted: Counted<'_>) -> bool {
    filter.reach == Reach::All
        && match counted {
            Counted::Groups(GroupBy::Client) => filter.projects.len() == 1,
            Counted::Groups(GroupBy::Project) => filter.clients.len() == 1,
            Counted::Groups(GroupBy::Person) => false,
            Counted::Pairs(_) => true,
        }
}

/// Whether there is a total for each of the groups, or none for any of its connections.
pub(super) fn totals_have(filter: &Filter, by: GroupBy) -> bool {
    filter.reach == Reach::All
        && match by {
            GroupBy::Client => filter.projects.is_empty(),
            GroupBy::Project => !of_some_clients(filter),
            GroupBy::Person => true,
        }
}

/// The counts of each client at each project, as far as someone reaches: of whole projects,
/// and of the few connections of one person elsewhere.
fn push_reached<D: Engine>(query: &mut QueryBuilder<D>, reach: &Reach)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let Reach::Some { person, projects } = reach else {
        query.push("connection_count");
        return;
    };
    query.push(
        "(SELECT client_id, project_id, active, expired, revoked, last_used_at
        FROM connection_count
        WHERE ",
    );
    push_in(query, "project_id", projects);
    if let Some(person) = person {
        query.push(" UNION ALL ");
        push_elsewhere(query, person, projects);
    }
    query.push(")");
}

/// Each of the few connections that a person has outside of these projects, as if counted.
pub(super) fn push_elsewhere<D: Engine>(
    query: &mut QueryBuilder<D>,
    person: &PersonId,
    projects: &[ProjectId],
) where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(
        "SELECT client_id, project_id,
                CASE WHEN revoked_at IS NULL AND NOT lapsed THEN 1 ELSE 0 END AS active,
                CASE WHEN revoked_at IS NULL AND lapsed THEN 1 ELSE 0 END AS expired,
                CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END AS revoked,
                last_used_at
        FROM connection
        WHERE person_id = ",
    );
    query.push_bind(person.to_string());
    query.push(" AND NOT ");
    push_in(query, "project_id", projects);
}

/// What the filter asks of clients, whose ids are in `column`.
pub(super) fn push_clients<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, column: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    push_any(query, column, &filter.clients);
    if asks_of_clients(filter) {
        query.push(" AND ").push(column);
        query.push(" IN (SELECT client.id FROM client WHERE 1 = 1");
        push_kinds(query, filter, "client");
        query.push(")");
    }
}

/// How many have one of these statuses, by the columns of counts.
pub(super) fn push_sum<D: Engine>(query: &mut QueryBuilder<D>, statuses: Statuses) {
    let Statuses {
        active,
        expired,
        revoked,
    } = statuses;
    let columns = [
        (active, "active"),
        (expired, "expired"),
        (revoked, "revoked"),
    ];
    let wanted = columns.into_iter().filter(|(wanted, _)| *wanted);
    let wanted: Vec<_> = wanted.map(|(_, column)| column).collect();
    match wanted.as_slice() {
        [] => query.push("CAST(0 AS BIGINT)"),
        wanted => query.push(format_args!("({})", wanted.join(" + "))),
    };
}

//! The statement behind groups: what each has, by the totals, by an index of times, or by the rows.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::role::Reach;

use super::{
    connection_filter::{
        Engine, Filter, Hidden, push_any, push_ended, push_filter, push_in, push_kinds,
        push_statuses,
    },
    connection_group_counts::{
        Counted, Moved, counts_give, counts_tell, push_counted, push_sum, totals_tell,
    },
    connection_group_key::{GroupColumn, Near, Part, push_near},
    connection_groups::{GroupBy, Grouping, WithEmpty},
    connection_search::Found,
    connection_times,
    trigram::{Named, push_is_named},
};

/// Pushes the groups that the filter and the grouping want: all of them, or at least those
/// near some place.
pub(super) fn push_groups<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    grouping: &Grouping,
    part: Part,
    near: Option<Near<'_>>,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    match part {
        Part::Wanted => push_wanted_groups(query, filter, grouping, near),
        Part::Whole | Part::Empty => push_groups_of_clients(query, filter, grouping, part),
    }
}

/// Pushes clients that meet the filter's conditions on clients, with or without a wanted
/// connection.
fn push_groups_of_clients<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    grouping: &Grouping,
    part: Part,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let by = grouping.by;
    query.push("SELECT own.id, own.name, own.folded, ");
    query.push(by.own()).push(
        ", COALESCE(active, 0) AS active, COALESCE(expired, 0) AS expired,
           COALESCE(revoked, 0) AS revoked, COALESCE(wanted, 0) AS wanted,
           CASE WHEN wanted > 0 THEN last_used_at END AS last_used_at,
           COALESCE(projects, 0) AS projects, one_project AS project_id,
           COALESCE(first_project, '') AS first_project
        FROM ",
    );
    query.push(by.table()).push(" AS own LEFT JOIN (");
    // Counts of clients that meet the filter are looked up one by one, or those of the few that
    // it names.
    let inner = match counts_tell(filter, by) {
        true => &Filter {
            clients: filter.clients.clone(),
            ..filter.of_any_client()
        },
        false => filter,
    };
    push_inner(query, inner, by, grouping.order.column);
    query.push(") AS inner_count ON inner_count.id = own.id WHERE 1 = 1");
    push_own(query, filter);
    query.push(match part {
        Part::Empty => " AND (COALESCE(wanted, 0) = 0 AND ",
        Part::Whole | Part::Wanted => " AND (wanted > 0 OR ",
    });
    push_empty(query, filter, grouping.with_empty);
    query.push(")");
}

/// Pushes the groups with a wanted connection.
fn push_wanted_groups<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    grouping: &Grouping,
    near: Option<Near<'_>>,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let by = grouping.by;
    let by_name = grouping.order.column == GroupColumn::Name && counts_tell(filter, by);
    // connection_total_by_use has the order.
    let is_in_order = grouping.order.column == GroupColumn::LastUsed && totals_tell(filter, by);
    // PostgreSQL begins in the middle of an index when all of the place is in one table.
    query.push(match by_name {
        true => "SELECT own.id",
        false => "SELECT inner_count.id",
    });
    query.push(", own.name, own.folded, ").push(by.own());
    query.push(
        ", active, expired, revoked, wanted, last_used_at, projects, one_project AS project_id,
               first_project
        FROM ",
    );
    // SQLite begins with the left side of a CROSS JOIN: with what is in order already, or
    // with the rows, which may be few.
    if by_name {
        query.push(by.table()).push(" AS own CROSS JOIN (");
        push_inner(query, filter, by, grouping.order.column);
        query.push(") AS inner_count");
    } else {
        query.push("(");
        match near {
            // Every group has a row of its own: the few are taken before that is looked for.
            Some(near) if near.order.column != GroupColumn::Name && !is_in_order => {
                query.push("SELECT * FROM (");
                push_inner(query, filter, by, grouping.order.column);
                query.push(") AS sized WHERE wanted > 0");
                push_near(query, Part::Wanted, near);
            }
            _ => push_inner(query, filter, by, grouping.order.column),
        }
        query
            .push(") AS inner_count CROSS JOIN ")
            .push(by.table())
            .push(" AS own");
    }
    query.push(" WHERE inner_count.id = own.id AND ");
    if is_in_order {
        query.push(D::HIDE);
    }
    query.push("wanted > 0");
}

/// Pushes how many wanted connections each of the groups has.
pub(super) fn push_totals<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    by: GroupBy,
    ids: &[String],
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if counts_tell(filter, by) {
        query.push("SELECT id, wanted FROM (");
        push_inner(query, filter, by, GroupColumn::Name);
        query.push(") AS found WHERE wanted > 0 AND ");
        push_in(query, "id", ids);
        return;
    }
    let column = by.column();
    query.push("SELECT ").push(column);
    query.push(", COUNT(*) FROM connection WHERE ");
    push_filter(query, filter, Hidden::NOTHING);
    query.push(" AND ");
    push_in(query, column, ids);
    query.push(" GROUP BY ").push(column);
}

/// Whether clients of which nothing is wanted are groups too.
pub(super) fn shows_empty(filter: &Filter, grouping: &Grouping) -> bool {
    grouping.with_empty != WithEmpty::No
        && grouping.by == GroupBy::Client
        && concerns_clients_only(filter)
}

/// Whether every client that meets the filter's conditions on clients is a group, unless it
/// has been revoked.
pub(super) fn asks_of_no_more_than_clients(filter: &Filter) -> bool {
    counts_tell(filter, GroupBy::Client)
        && filter.reach == Reach::All
        && filter.projects.is_empty()
        && (filter.text.is_none() || *filter.found() == Found::OfClients)
}

/// Stands for projects that are not looked at.
const NO_PROJECTS: &str = "CAST(0 AS BIGINT) AS projects, CAST(NULL AS TEXT) AS one_project, ";

/// What each group has, by the counts, by an index of times, or by the rows.
pub(super) fn push_inner<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    by: GroupBy,
    column: GroupColumn,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let by_times = connection_times::give(filter, by, column);
    if !by_times && !counts_give(filter, by, column) {
        push_rows(query, filter, by, column);
        return;
    }
    query.push("SELECT counted.*, ");
    push_sum(query, filter.statuses);
    query.push(" AS wanted, ").push(NO_PROJECTS);
    if column == GroupColumn::Project {
        query.push(
            "(SELECT MIN(project.folded)
            FROM connection_count
            CROSS JOIN project
            WHERE connection_count.client_id = counted.id
              AND project.id = connection_count.project_id AND 0 < ",
        );
        push_sum(query, filter.statuses);
        push_any(query, "connection_count.project_id", &filter.projects);
        query.push(")");
    } else {
        query.push("''");
    }
    query.push(" AS first_project FROM (");
    if by_times {
        connection_times::push_projects(query, filter);
    } else {
        let moved = Moved::where_it_matters(filter);
        push_counted(query, filter, Counted::Groups(by), moved);
    }
    query.push(") AS counted");
}

/// What each group has, by the rows. Where projects are not shown, they are not looked at.
fn push_rows<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    by: GroupBy,
    column: GroupColumn,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("SELECT ");
    query
        .push(by.column())
        .push(" AS id, COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT ");
    push_ended(query, filter.cutoffs);
    query.push(") AS active, COUNT(*) FILTER (WHERE revoked_at IS NULL AND ");
    push_ended(query, filter.cutoffs);
    query.push(") AS expired, COUNT(revoked_at) AS revoked, COUNT(*) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS wanted, MAX(last_used_at) AS last_used_at, ");
    if by == GroupBy::Client {
        query.push("COUNT(DISTINCT project_id) FILTER (WHERE ");
        push_wanted(query, filter);
        query.push(") AS projects, MIN(project_id) FILTER (WHERE ");
        push_wanted(query, filter);
        query.push(") AS one_project, ");
    } else {
        query.push(NO_PROJECTS);
    }
    if column == GroupColumn::Project {
        query.push("COALESCE(MIN(project_folded) FILTER (WHERE ");
        push_wanted(query, filter);
        query.push("), '')");
    } else {
        query.push("''");
    }
    query.push(" AS first_project FROM connection WHERE ");
    // Nobody has many connections: people lead to few.
    let hidden = match filter.people.is_empty() {
        true => Hidden {
            uses: filter.plan.as_ref().is_some_and(|plan| plan.most_uses),
            ..Hidden::NOTHING
        },
        false => Hidden::EVERYTHING,
    };
    push_filter(query, &gathering(filter), hidden);
    // SQLite would walk along the group's index, and look each row up.
    query.push(" GROUP BY ").push(D::HIDE).push(by.column());
}

/// The filter for rows that are all read, of every status: they are gathered where that is
/// quicker than a walk, though it would not be for a page of them.
fn gathering(filter: &Filter) -> Filter {
    let mut filter = filter.of_every_status();
    if let Some(plan) = &mut filter.plan {
        plan.big_people = false;
        if let Found::Many(holders) = &plan.text
            && holders.are_gathered(plan.gathered)
        {
            plan.text = Found::Few(holders.clone());
        }
    }
    filter
}

/// Whether the connection's status is among those wanted.
fn push_wanted<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("1 = 1");
    push_statuses(query, filter.statuses, filter.cutoffs);
}

/// Whether a client without connections can meet the filter.
fn concerns_clients_only(filter: &Filter) -> bool {
    filter.people.is_empty() && !connection_times::are_asked_of(filter)
}

/// What more the filter asks of a client of which nothing is wanted.
pub(super) fn push_empty<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, which: WithEmpty)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(match which {
        WithEmpty::All => "1 = 1",
        WithEmpty::No | WithEmpty::Unrevoked => "own.revoked_at IS NULL",
    });
    if let Reach::Some { projects, .. } = &filter.reach {
        if projects.is_empty() {
            query.push(" AND 1 = 0");
        }
        push_any(query, "own.project_id", projects);
    }
    push_any(query, "own.project_id", &filter.projects);
    if let (Some(text), false) = (&filter.text, *filter.found() == Found::OfClients) {
        query.push(" AND ");
        push_is_named(query, "own", Named::Client, text);
    }
}

/// What the filter asks of any client of a group.
pub(super) fn push_own<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    push_any(query, "own.id", &filter.clients);
    push_kinds(query, filter, "own");
}

//! The statement behind groups: what each has, by the totals or by the rows.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::role::Reach;

use super::{
    connection_filter::{
        Engine, Filter, Hidden, Statuses, asks_of_clients, asks_of_people, push_any, push_ended,
        push_filter, push_in, push_kinds, push_people, push_statuses,
    },
    connection_groups::{GroupBy, GroupColumn, Grouping},
    connection_search::{Found, pattern},
    connection_sum::{Crossing, counts_know, push_crossing},
};

/// Which of the groups, where clients of which nothing is wanted are groups too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// Those with a wanted connection.
    Wanted,
    /// The others.
    Empty,
}

/// Pushes the groups that the filter and the grouping want.
pub(super) fn push_groups<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    grouping: &Grouping,
    part: Part,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let by = grouping.by;
    if part != Part::Wanted {
        query.push("SELECT own.id, own.name, own.folded, ");
        query.push(by.own()).push(
            ", COALESCE(active, 0) AS active, COALESCE(expired, 0) AS expired,
               COALESCE(revoked, 0) AS revoked, COALESCE(wanted, 0) AS wanted,
               CASE WHEN wanted > 0 THEN last_used_at END AS last_used_at,
               COALESCE(projects, 0) AS projects, one_project AS project_id
            FROM ",
        );
        query.push(by.table()).push(" AS own LEFT JOIN (");
        push_inner(query, filter, by);
        query.push(") AS inner_count ON inner_count.id = own.id WHERE ");
        query.push(match part {
            Part::Empty => "COALESCE(wanted, 0) = 0 AND (1 = 0",
            Part::Whole | Part::Wanted => "(wanted > 0",
        });
        push_empty(query, filter);
        query.push(")");
        return;
    }
    query.push("SELECT inner_count.id, own.name, own.folded, ");
    query.push(by.own());
    query.push(", active, expired, revoked, wanted, last_used_at, projects, one_project AS project_id FROM ");
    // SQLite begins with the left side of a CROSS JOIN: with what is in order already, or
    // with the rows, which may be few.
    if grouping.order.column == GroupColumn::Name && counts_tell(filter, by) {
        query.push(by.table()).push(" AS own CROSS JOIN (");
        push_inner(query, filter, by);
        query.push(") AS inner_count");
    } else {
        query.push("(");
        push_inner(query, filter, by);
        query
            .push(") AS inner_count CROSS JOIN ")
            .push(by.table())
            .push(" AS own");
    }
    query.push(" WHERE inner_count.id = own.id AND ");
    // connection_total_by_use has the order, and begins with the latest.
    if grouping.order.column == GroupColumn::LastUsed && totals_tell(filter, by) {
        query.push(D::HIDE);
    }
    query.push("wanted > 0");
}

/// Pushes how many groups there are.
pub(super) fn push_count<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    grouping: &Grouping,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if !shows_empty(filter, grouping) {
        query.push("SELECT COUNT(*) FROM (");
        push_inner(query, filter, grouping.by);
        query.push(") AS found WHERE wanted > 0");
    } else if asks_of_no_more_than_clients(filter) {
        // All, but for the revoked ones of which nothing is wanted.
        query.push("SELECT (SELECT COUNT(*) FROM client AS own WHERE 1 = 1");
        push_own(query, filter);
        query.push(") - (SELECT COUNT(*) FROM client AS own LEFT JOIN (");
        push_inner(query, filter, grouping.by);
        query.push(") AS inner_count ON inner_count.id = own.id WHERE own.revoked_at IS NOT NULL");
        push_own(query, filter);
        query.push(" AND COALESCE(wanted, 0) = 0)");
    } else {
        query.push("SELECT (SELECT COUNT(*) FROM (");
        push_inner(query, filter, grouping.by);
        query.push(") AS found WHERE wanted > 0) + (SELECT COUNT(*) FROM (");
        push_groups(query, filter, grouping, Part::Empty);
        query.push(") AS found)");
    }
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
        push_inner(query, filter, by);
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
    grouping.with_empty && grouping.by == GroupBy::Client && concerns_clients_only(filter)
}

/// Whether every client that meets the filter's conditions on clients is a group, unless it
/// has been revoked.
fn asks_of_no_more_than_clients(filter: &Filter) -> bool {
    counts_tell(filter, GroupBy::Client)
        && filter.projects.is_empty()
        && (filter.text.is_none() || *filter.found() == Found::OfClients)
}

/// What each group has, by the counts or by the rows.
fn push_inner<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, by: GroupBy)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if !counts_tell(filter, by) {
        push_rows(query, filter, by);
        return;
    }
    query.push("SELECT counted.*, ");
    push_sum(query, filter.statuses);
    query.push(
        " AS wanted, CAST(0 AS BIGINT) AS projects, CAST(NULL AS TEXT) AS one_project FROM (",
    );
    let moved = Moved::where_it_matters(filter);
    push_counted(query, filter, Counted::Groups(by), moved);
    query.push(") AS counted");
}

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
    let of_clients = of_some_clients(filter);
    filter.reach == Reach::All
        && counts_know(filter)
        && match by {
            GroupBy::Client | GroupBy::Project => !asks_of_people(filter),
            GroupBy::Person => !of_clients && filter.projects.is_empty(),
        }
}

/// Whether the totals say all there is to say of the groups, and all groups have one.
pub(super) fn totals_tell(filter: &Filter, by: GroupBy) -> bool {
    counts_tell(filter, by)
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
        let all = Crossing::ALL.into_iter().enumerate();
        all.filter(|(_, which)| {
            moved == Moved::Corrected && (*which != Crossing::Aged || filter.cutoffs.has_age())
        })
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
        query.push(" LEFT JOIN (SELECT ");
        for (_, column) in counted.keys() {
            query.push(column).push(", ");
        }
        query.push("COUNT(*) AS rows FROM connection WHERE 1 = 1");
        // Few have crossed: an index on anything else would lead past many more.
        let hide = D::HIDE;
        push_clients(query, filter, &format!("{hide}connection.client_id"));
        push_any(
            query,
            &format!("{hide}connection.project_id"),
            &filter.projects,
        );
        push_crossing(query, filter.cutoffs, which);
        query.push(" GROUP BY ");
        let mut columns = query.separated(", ");
        for (_, column) in counted.keys() {
            columns.push(format_args!("{hide}{column}"));
        }
        query.push(format_args!(") AS crossed{n} ON 1 = 1"));
        for (key, column) in counted.keys() {
            query.push(format_args!(" AND crossed{n}.{column} = kept.{key}"));
        }
    }
}

/// The counts as they are kept: the totals, or those of each client at each
/// project where the filter asks for the one and groups go by the other.
fn push_kept<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, counted: Counted<'_>)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    const SUMS: &str = " AS id, CAST(SUM(active) AS BIGINT) AS active,
            CAST(SUM(expired) AS BIGINT) AS expired, CAST(SUM(revoked) AS BIGINT) AS revoked,
            MAX(last_used_at) AS last_used_at
        FROM connection_count
        WHERE 1 = 1";
    const TOTALS: &str = "SELECT id, active, expired, revoked, last_used_at
        FROM connection_total
        WHERE kind = ";
    match counted {
        Counted::Pairs(clients) => {
            query.push(
                "SELECT client_id, project_id, active, expired, revoked, last_used_at
                FROM connection_count
                WHERE ",
            );
            push_in(query, "client_id", clients);
            push_any(query, "project_id", &filter.projects);
        }
        Counted::Groups(GroupBy::Client) if !filter.projects.is_empty() => {
            query.push("SELECT client_id").push(SUMS);
            push_any(query, "project_id", &filter.projects);
            push_clients(query, filter, "client_id");
            query.push(" GROUP BY client_id");
        }
        Counted::Groups(GroupBy::Project) if of_some_clients(filter) => {
            query.push("SELECT project_id").push(SUMS);
            push_any(query, "project_id", &filter.projects);
            push_clients(query, filter, "client_id");
            query.push(" GROUP BY project_id");
        }
        Counted::Groups(by) => {
            query.push(TOTALS).push_bind(by.kind().to_owned());
            match by {
                GroupBy::Client => push_clients(query, filter, "id"),
                GroupBy::Project => push_any(query, "id", &filter.projects),
                GroupBy::Person => push_people(query, filter, "id"),
            }
        }
    }
}

/// What the filter asks of clients, whose ids are in `column`.
fn push_clients<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, column: &str)
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

/// What each group has, by the rows.
fn push_rows<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, by: GroupBy)
where
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
    query.push(
        ") AS wanted, MAX(last_used_at) AS last_used_at, COUNT(DISTINCT project_id) FILTER (WHERE ",
    );
    push_wanted(query, filter);
    query.push(") AS projects, MIN(project_id) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS one_project FROM connection WHERE ");
    push_filter(query, &gathering(filter), Hidden::NOTHING);
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
    filter.people.is_empty()
        && filter.authorized_from.is_none()
        && filter.authorized_until.is_none()
        && filter.unused_since.is_none()
}

fn push_empty<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(" OR own.revoked_at IS NULL");
    if let Reach::Some { projects, .. } = &filter.reach {
        if projects.is_empty() {
            query.push(" AND 1 = 0");
        }
        push_any(query, "own.project_id", projects);
    }
    push_any(query, "own.project_id", &filter.projects);
    push_own(query, filter);
}

/// What the filter asks of the clients themselves.
fn push_own<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    push_any(query, "own.id", &filter.clients);
    push_kinds(query, filter, "own");
    if let (Some(text), false) = (&filter.text, *filter.found() == Found::OfClients) {
        query.push(" AND own.folded LIKE ");
        query.push_bind(pattern(text));
        query.push(r" ESCAPE '\'");
    }
}

//! The statement behind groups: what each has, by the totals or by the rows.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::role::Reach;

use super::{
    connection_filter::{
        Engine, Filter, Hidden, push_any, push_ended, push_filter, push_kinds, push_statuses,
    },
    connection_groups::{GroupBy, Grouping, totals_tell},
    connection_search::pattern,
};

/// Pushes the groups that the filter and the grouping want.
pub(super) fn push_groups<D: Engine>(
    query: &mut QueryBuilder<D>,
    filter: &Filter,
    grouping: &Grouping,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let by = grouping.by;
    query
        .push("SELECT own.id, own.name, own.folded, ")
        .push(by.own());
    query.push(
        ", COALESCE(active, 0) AS active, COALESCE(expired, 0) AS expired,
           COALESCE(revoked, 0) AS revoked, COALESCE(wanted, 0) AS wanted, last_used_at,
           COALESCE(projects, 0) AS projects, one_project AS project_id
        FROM ",
    );
    query.push(by.table()).push(" AS own LEFT JOIN (");
    if totals_tell(filter, by) {
        push_totals(query, filter, by);
    } else {
        push_rows(query, filter, by);
    }
    query.push(") AS inner_count ON inner_count.id = own.id WHERE (wanted > 0");
    if grouping.with_empty && grouping.by == GroupBy::Client && concerns_clients_only(filter) {
        push_empty(query, filter);
    }
    query.push(")");
}

/// What each group has, by the totals.
fn push_totals<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, by: GroupBy)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("SELECT id, active, expired, revoked, active + expired");
    query.push(if filter.statuses.revoked {
        " + revoked"
    } else {
        ""
    });
    query.push(
        " AS wanted, last_used_at, CAST(0 AS BIGINT) AS projects, CAST(NULL AS TEXT) AS one_project
        FROM connection_total
        WHERE kind = ",
    );
    query.push_bind(by.kind().to_owned());
    if !filter.clients.is_empty() {
        push_any(query, "id", &filter.clients);
    }
    if !filter.origins.is_empty() || !filter.types.is_empty() {
        query.push(" AND id IN (SELECT client.id FROM client WHERE 1 = 1");
        push_kinds(query, filter, "client");
        query.push(")");
    }
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
    query.push(") AS wanted, MAX(last_used_at) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS last_used_at, COUNT(DISTINCT project_id) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS projects, MIN(project_id) FILTER (WHERE ");
    push_wanted(query, filter);
    query.push(") AS one_project FROM connection WHERE ");
    push_filter(query, &filter.of_every_status(), Hidden::NOTHING);
    query.push(" GROUP BY ").push(by.column());
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
pub(super) fn concerns_clients_only(filter: &Filter) -> bool {
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
    push_any(query, "own.id", &filter.clients);
    push_kinds(query, filter, "own");
    if let Some(text) = &filter.text {
        query.push(" AND own.folded LIKE ");
        query.push_bind(pattern(text));
        query.push(r" ESCAPE '\'");
    }
}

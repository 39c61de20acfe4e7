//! What a filter matches that asks for nothing but times, and projects, counted in indexes alone.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::role::Reach;

use super::{
    Result, Tx,
    connection_filter::{
        Engine, Filter, asks_of_clients, push_any, push_dates, push_ended, push_in, push_unused,
    },
    connection_groups::{GroupBy, GroupColumn},
    connection_sum::Counts,
    sql,
};

/// Whether the filter asks for nothing but when connections, of any project or of some that have
/// many, were authorized and last used: indexes tell how many of them have ended.
pub(super) fn tell(filter: &Filter) -> bool {
    let are_many = filter.plan.as_ref().is_some_and(|plan| plan.big_projects);
    filter.reach == Reach::All
        && asks_of_no_more_than_projects(filter)
        && (by_age(filter) || !filter.cutoffs.has_age() || all_are_idle(filter))
        // To look at all that were revoked takes longer than to read a few rows.
        && (filter.projects.is_empty() || are_many)
}

/// Whether connection_by_project has what there is to say of each group: they are projects, in
/// another order than that of the projects in them, and the filter asks for nothing but times.
pub(super) fn give(filter: &Filter, by: GroupBy, column: GroupColumn) -> bool {
    by == GroupBy::Project
        && column != GroupColumn::Project
        && asks_of_no_more_than_projects(filter)
        && filter.projects.is_empty()
        && match &filter.reach {
            Reach::All => true,
            Reach::Some { .. } => filter.plan.as_ref().is_some_and(|plan| plan.big_reach),
        }
}

/// Whether it asks for times, and for nothing else but projects.
fn asks_of_no_more_than_projects(filter: &Filter) -> bool {
    are_asked_of(filter)
        && filter.text.is_none()
        && filter.clients.is_empty()
        && filter.people.is_empty()
        && !asks_of_clients(filter)
}

/// Whether the filter asks when connections were authorized, or last used.
pub(super) fn are_asked_of(filter: &Filter) -> bool {
    has_dates(filter) || filter.unused_since.is_some()
}

/// Whether it asks when they were authorized.
pub(super) fn has_dates(filter: &Filter) -> bool {
    filter.authorized_from.is_some() || filter.authorized_until.is_some()
}

/// Whether connection_by_age or connection_by_project is read, which have both moments, and not
/// connection_by_use.
fn by_age(filter: &Filter) -> bool {
    has_dates(filter) || !filter.projects.is_empty()
}

/// Whether nothing that the filter asks for has been used within the idle window.
fn all_are_idle(filter: &Filter) -> bool {
    let window = filter.cutoffs.used_before;
    filter.unused_since.is_some_and(|since| since <= window)
}

/// Counts all that there are, and those that were revoked.
///
/// # Errors
/// When the database fails.
pub(super) async fn count(tx: &mut Tx, filter: &Filter) -> Result<Counts> {
    let (all, all_ended) = ended(tx, filter, false).await?;
    let (revoked, revoked_ended) = ended(tx, filter, true).await?;
    let expired = all_ended - revoked_ended;
    Ok(Counts {
        active: all - revoked - expired,
        expired,
        revoked,
    })
}

/// How many connections meet the filter's times, or only those of them that were revoked, and
/// of how many the time has run out.
async fn ended(tx: &mut Tx, filter: &Filter, revoked: bool) -> Result<(i64, i64)> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*), COUNT(*) FILTER (WHERE ");
        match all_are_idle(filter) {
            true => query.push("1 = 1"),
            false => {
                push_ended(&mut query, filter.cutoffs);
                &mut query
            }
        };
        query.push(match revoked {
            true => ") FROM connection_revocation AS connection WHERE ",
            false => ") FROM connection WHERE ",
        });
        let by_age = revoked || by_age(filter);
        push_times(&mut query, filter, by_age);
        push_any(&mut query, "connection.project_id", &filter.projects);
        // Nothing is used before it is authorized.
        if let (true, Some(since)) = (by_age, filter.unused_since) {
            query.push(" AND connection.authorized_at <= ");
            query.push_bind(since.millis());
        }
        query.build_query_as().fetch_one(c).await
    })?)
}

/// Pushes a SELECT of what each project has: its `id`, and the columns of counts.
pub(super) fn push_projects<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(
        "SELECT every.id, every.number - every.ended - COALESCE(gone.number - gone.ended, 0) AS active,
                every.ended - COALESCE(gone.ended, 0) AS expired,
                COALESCE(gone.number, 0) AS revoked, every.last_used_at
         FROM (",
    );
    push_each_project(query, filter, "connection");
    query.push(") AS every LEFT JOIN (");
    push_each_project(query, filter, "connection_revocation AS connection");
    query.push(") AS gone ON gone.id = every.id");
    if let Reach::Some {
        person: Some(person),
        projects,
    } = &filter.reach
    {
        // The few of one person elsewhere.
        query.push(
            " UNION ALL
            SELECT project_id, COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT ",
        );
        push_ended(query, filter.cutoffs);
        query.push("), COUNT(*) FILTER (WHERE revoked_at IS NULL AND ");
        push_ended(query, filter.cutoffs);
        query.push("), COUNT(revoked_at), MAX(last_used_at) FROM connection WHERE person_id = ");
        query.push_bind(person.to_string()).push(" AND NOT ");
        push_in(query, "project_id", projects);
        push_dates(query, filter, D::HIDE);
        push_unused(query, filter, D::HIDE);
        query.push(" GROUP BY project_id");
    }
}

fn push_each_project<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, table: &str)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("SELECT project_id AS id, COUNT(*) AS number, COUNT(*) FILTER (WHERE ");
    push_ended(query, filter.cutoffs);
    query.push(") AS ended, MAX(last_used_at) AS last_used_at FROM ");
    query.push(table).push(" WHERE ");
    match &filter.reach {
        Reach::All => {
            query.push("1 = 1");
        }
        Reach::Some { projects, .. } => push_in(query, "project_id", projects),
    }
    // Read in the order of projects, not of times.
    push_dates(query, filter, D::HIDE);
    push_unused(query, filter, D::HIDE);
    query.push(" GROUP BY project_id");
}

/// Pushes the filter's times; `by_age` keeps the planner from beginning with the uses.
fn push_times<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, by_age: bool)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("1 = 1");
    push_dates(query, filter, "");
    push_unused(query, filter, if by_age { D::HIDE } else { "" });
}

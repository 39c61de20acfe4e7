//! How many groups there are.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::role::Reach;

use super::{
    connection_filter::{Engine, Filter, push_any, push_in},
    connection_group_counts::{Moved, counts_tell, push_elsewhere, push_sum},
    connection_group_key::{GroupColumn, Part},
    connection_group_rows::{
        asks_of_no_more_than_clients, push_empty, push_groups, push_inner, push_own, shows_empty,
    },
    connection_groups::{GroupBy, Grouping, WithEmpty},
};

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
        push_inner(query, filter, grouping.by, GroupColumn::Name);
        query.push(") AS found WHERE wanted > 0");
    } else if asks_of_no_more_than_clients(filter) {
        query.push("SELECT (SELECT COUNT(*) FROM client AS own WHERE 1 = 1");
        push_own(query, filter);
        query.push(")");
        if grouping.with_empty == WithEmpty::All {
            return;
        }
        // But for the revoked ones of which nothing is wanted.
        query.push(" - (SELECT COUNT(*) FROM client AS own LEFT JOIN (");
        push_inner(
            query,
            &filter.of_any_client(),
            grouping.by,
            GroupColumn::Name,
        );
        query.push(") AS inner_count ON inner_count.id = own.id WHERE own.revoked_at IS NOT NULL");
        push_own(query, filter);
        query.push(" AND COALESCE(wanted, 0) = 0)");
    } else if is_of_much(filter) {
        query.push("SELECT COUNT(*) FROM client AS own WHERE (");
        push_has_some(query, filter);
        query.push(" OR (");
        push_empty(query, filter, grouping.with_empty);
        query.push("))");
        push_own(query, filter);
    } else {
        query.push("SELECT (SELECT COUNT(*) FROM (");
        push_inner(query, filter, grouping.by, GroupColumn::Name);
        query.push(") AS found WHERE wanted > 0) + (SELECT COUNT(*) FROM (");
        push_groups(query, filter, grouping, Part::Empty, None);
        query.push(") AS found)");
    }
}

/// Whether so much is within reach that each client is quickly seen to have something of it, or
/// not, by the counts.
fn is_of_much(filter: &Filter) -> bool {
    counts_tell(filter, GroupBy::Client)
        && Moved::where_it_matters(filter) == Moved::Ignored
        && filter.plan.as_ref().is_some_and(|plan| plan.big_reach)
}

/// Pushes that a client has a wanted connection within reach.
fn push_has_some<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let Reach::Some { person, projects } = &filter.reach else {
        query.push("1 = 1");
        return;
    };
    query.push("EXISTS (SELECT 1 FROM connection_count WHERE client_id = own.id AND 0 < ");
    push_sum(query, filter.statuses);
    query.push(" AND ").push(D::HIDE);
    push_in(query, "project_id", projects);
    push_any(query, "project_id", &filter.projects);
    query.push(")");
    if let Some(person) = person {
        query.push(" OR own.id IN (SELECT client_id FROM (");
        push_elsewhere(query, person, projects);
        query.push(") AS elsewhere WHERE 0 < ");
        push_sum(query, filter.statuses);
        push_any(query, "project_id", &filter.projects);
        query.push(")");
    }
}

//! What a filter matches that asks for nothing but times, counted in indexes alone.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::role::Reach;

use super::{
    Result, Tx,
    connection_filter::{Engine, Filter, asks_of_clients, push_dates, push_ended, push_unused},
    connection_sum::Counts,
    sql,
};

/// Whether the filter asks for nothing but when connections were authorized and last used, so
/// that indexes tell how many of them have ended.
pub(super) fn tell(filter: &Filter) -> bool {
    let dates = filter.authorized_from.is_some() || filter.authorized_until.is_some();
    (dates || filter.unused_since.is_some())
        && (dates || !filter.cutoffs.has_age() || all_are_idle(filter))
        && filter.reach == Reach::All
        && filter.text.is_none()
        && filter.projects.is_empty()
        && filter.clients.is_empty()
        && filter.people.is_empty()
        && !asks_of_clients(filter)
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
        // connection_by_age where there are dates, else connection_by_use.
        query.push(match revoked {
            true => ") FROM connection_revocation AS connection WHERE ",
            false => ") FROM connection WHERE ",
        });
        let dates = filter.authorized_from.is_some() || filter.authorized_until.is_some();
        push_times(&mut query, filter, revoked || dates);
        // Nothing is used before it is authorized.
        if let (true, Some(since)) = (revoked, filter.unused_since) {
            query.push(" AND connection.authorized_at <= ");
            query.push_bind(since.millis());
        }
        query.build_query_as().fetch_one(c).await
    })?)
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

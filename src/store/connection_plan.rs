//! How to find the connections that a filter asks for: with a glance at how many
//! there are, because the engines guess wrong. What is found is the same.

use sqlx::QueryBuilder;

use crate::domain::role::Reach;

use super::{
    Result, Tx,
    connection_filter::{Filter, Plan, push_in},
    connection_search::push_found,
    sql,
};

/// Up to so many rows are gathered by a search term; more are met soon enough
/// on a walk through the list.
const FEW: i64 = 2_500;

/// More rows than so of some clients, or projects, are met soon enough on a walk.
const BIG: i64 = 5_000;

/// The filter with a plan.
///
/// # Errors
/// When the database fails.
pub async fn settled(tx: &mut Tx, filter: &Filter) -> Result<Filter> {
    if filter.plan.is_some() {
        return Ok(filter.clone());
    }
    let administered = match &filter.reach {
        Reach::All => &[][..],
        Reach::Some { projects, .. } => projects,
    };
    let plan = Plan {
        few_by_text: match &filter.text {
            None => false,
            Some(text) => found(tx, text).await? <= FEW,
        },
        big_clients: total(tx, "client", &filter.clients).await? > BIG,
        big_projects: total(tx, "project", &filter.projects).await? > BIG,
        big_reach: total(tx, "project", administered).await? > BIG,
    };
    Ok(Filter {
        plan: Some(plan),
        ..filter.clone()
    })
}

/// How many connections the term is found in, counted up to one more than [`FEW`].
async fn found(tx: &mut Tx, text: &str) -> Result<i64> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM (SELECT id FROM (");
        push_found(&mut query, text);
        query.push(") AS matches LIMIT ").push_bind(FEW + 1);
        query.push(") AS counted");
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// How many connections some clients or projects have.
async fn total<T: ToString>(tx: &mut Tx, kind: &str, ids: &[T]) -> Result<i64> {
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT CAST(COALESCE(SUM(active + expired + revoked), 0) AS BIGINT)
            FROM connection_total
            WHERE kind = ",
        );
        query.push_bind(kind.to_owned()).push(" AND ");
        push_in(&mut query, "id", ids);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

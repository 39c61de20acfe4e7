//! The connections of some clients, or of those whose names have a search term, by their own
//! names or by those clients'. Such rows stand together, anywhere in that order, and a walk would
//! pass everybody else's: so each client's first row is looked up, and then the rows of those
//! that begin first. Of a few clients the rows are looked up at once.

use sqlx::QueryBuilder;

use crate::domain::ids::ConnectionId;

use super::{
    Result, Tx,
    connection_filter::{Engine, Filter, push_any, push_kinds, push_statuses},
    connection_group_counts::{Moved, push_sum},
    connection_group_rows::asks_of_no_more_than_clients,
    connection_key::{Column, Key, KeyValue, Order, Place},
    connection_list::{push_beside, push_next},
    connection_search::Found,
    sql,
};

/// As many parts as a statement may well have.
const MOST: u32 = 200;

/// Of so many clients all have a part.
const FEW: usize = 8;

/// Where a client's rows begin: the client, and its first row's name, as it is sorted, and id.
type Head = (String, String, ConnectionId);

/// Whether the filter asks for many rows of some clients, or of clients by what they are called,
/// and for nothing that few of a client's rows may have, in the order of names.
pub(super) fn lead(filter: &Filter, order: Order, limit: u32) -> bool {
    matches!(order.column, Column::Name | Column::Client)
        && limit <= MOST
        && filter
            .plan
            .as_ref()
            .is_some_and(|plan| match filter.clients.is_empty() {
                true => plan.big_kinds && *filter.found() == Found::OfClients,
                false => plan.big_clients && filter.clients.len() <= FEW,
            })
        && Moved::where_it_matters(filter) == Moved::Ignored
        && asks_of_no_more_than_clients(filter)
}

/// The ids of the first `limit` rows from `place` on.
///
/// # Errors
/// When the database fails.
pub(super) async fn ids(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    limit: u32,
) -> Result<Vec<ConnectionId>> {
    let (clients, last) = parts(tx, filter, order, place, limit).await?;
    if clients.is_empty() {
        return Ok(Vec::new());
    }
    let (column, direction) = (order.column.sql(), order.direction(place));
    let not_beyond = if direction == "ASC" { "<=" } else { ">=" };
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id FROM (");
        for (n, (client, name)) in clients.iter().enumerate() {
            query.push(if n == 0 { "" } else { " UNION ALL " });
            query.push(format_args!(
                "SELECT * FROM (SELECT {column} AS name, connection.id FROM connection WHERE "
            ));
            push_of(
                &mut query,
                order,
                |query| query.push_bind(client.clone()),
                |query| query.push_bind(name.clone()),
            );
            push_statuses(&mut query, filter.statuses, filter.cutoffs);
            if let Some(last) = &last {
                push_beside(&mut query, order, not_beyond, last);
            }
            push_next(&mut query, order, place, limit);
            query.push(format_args!(") AS rows{n}"));
        }
        query.push(format_args!(
            ") AS near ORDER BY name {direction}, id {direction} LIMIT "
        ));
        query.push_bind(i64::from(limit));
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// The clients whose rows are to be looked up, with their folded names, and the row beyond which
/// none of them is wanted.
async fn parts(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    limit: u32,
) -> Result<(Vec<(String, String)>, Option<Key>)> {
    if !filter.clients.is_empty() {
        return Ok((few(tx, filter).await?, None));
    }
    let heads = heads(tx, filter, order, place, limit).await?;
    // The heads themselves are so many rows: none is farther than the last of them.
    let last = heads.last().filter(|_| heads.len() == limit as usize);
    let last = last.map(|(_, name, id)| Key {
        value: KeyValue::Text(name.clone()),
        id: id.clone(),
    });
    let clients = heads.into_iter().map(|(client, name, _)| (client, name));
    Ok((clients.collect(), last))
}

/// The few clients that the filter asks for, with their folded names.
async fn few(tx: &mut Tx, filter: &Filter) -> Result<Vec<(String, String)>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id, folded FROM client WHERE 1 = 1");
        push_any(&mut query, "id", &filter.clients);
        push_kinds(&mut query, filter, "client");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The clients whose rows begin first, in the order in which they do.
async fn heads(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    limit: u32,
) -> Result<Vec<Head>> {
    Ok(sql!(tx, |c| {
        let name = order.column.sql().replace("connection.", "head.");
        let mut query = QueryBuilder::new("SELECT head.client_id, ");
        query
            .push(&name)
            .push(", head.id FROM (SELECT (SELECT connection.id FROM connection WHERE ");
        push_of(
            &mut query,
            order,
            |query| query.push("client.id"),
            |query| query.push("client.folded"),
        );
        push_statuses(&mut query, filter.statuses, filter.cutoffs);
        push_next(&mut query, order, place, 1);
        query.push(
            ") AS id
            FROM client
            CROSS JOIN connection_total
            WHERE connection_total.kind = 'client' AND connection_total.id = client.id AND 0 < ",
        );
        push_sum(&mut query, filter.statuses);
        push_kinds(&mut query, filter, "client");
        query.push(") AS first CROSS JOIN connection AS head WHERE head.id = first.id ORDER BY ");
        let direction = order.direction(place);
        query.push(format_args!(
            "{name} {direction}, head.id {direction} LIMIT "
        ));
        query.push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?)
}

/// Pushes that a row is of the client with this id and folded name: the beginning of an index
/// that has its rows in order, connection_by_client_and_name or connection_by_client_name.
fn push_of<D: Engine>(
    query: &mut QueryBuilder<D>,
    order: Order,
    id: impl Fn(&mut QueryBuilder<D>) -> &mut QueryBuilder<D>,
    name: impl Fn(&mut QueryBuilder<D>) -> &mut QueryBuilder<D>,
) {
    if order.column == Column::Client {
        query.push("connection.client_folded = ");
        name(query).push(" AND ").push(D::HIDE);
    }
    query.push("connection.client_id = ");
    id(query);
}

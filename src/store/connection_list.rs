//! The one query behind every list of connections, every count and every
//! confirmation.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{
        client::Origin,
        connection::Life,
        ids::{ClientId, ConnectionId, PersonId, ProjectId},
        role::Reach,
    },
};

use super::{
    Result, Tx,
    connection::LifeRow,
    connection_filter::{Engine, Filter, Hidden, Statuses, push_filter, push_in, push_reach},
    connection_heads,
    connection_key::KeyValue,
    connection_parts::{by_project, by_status, is_of_big_projects},
    connection_plan,
    connection_revocation::{self, AS_CONNECTION},
    sql,
};

pub use super::connection_key::{Column, Key, Order, Place};
pub use super::connection_sum::{Counts, Glance, Total, counts, glance};

/// A connection with the names people know its parts by.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Who consented.
    pub person: PersonId,
    /// Their name.
    pub person_name: String,
    /// Their e-mail.
    pub person_email: String,
    /// What acts for them.
    pub client: ClientId,
    /// Its name.
    pub client_name: String,
    /// How it came to be known.
    pub client_origin: Origin,
    /// Where it acts.
    pub project: ProjectId,
    /// The project's name.
    pub project_name: String,
    /// When the client redeemed its code.
    pub connected_at: Option<Timestamp>,
    /// What its status depends on.
    pub life: Life,
    pub(super) place: KeyValue,
}

impl Listed {
    /// Where the row stands in the list that it was read from.
    pub fn key(&self) -> Key {
        Key {
            value: self.place.clone(),
            id: self.id.clone(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ConnectionId,
    name: String,
    person_id: PersonId,
    person_name: String,
    person_email: String,
    client_id: ClientId,
    client_name: String,
    client_origin: Origin,
    project_id: ProjectId,
    project_name: String,
    connected_at: Option<Timestamp>,
    #[sqlx(flatten)]
    life: LifeRow,
    sorted_by: String,
}

impl Row {
    /// A row of a list that is sorted by `column`.
    fn listed(self, column: Column) -> Result<Listed> {
        let row = self;
        let life = row.life.life(&row.id)?;
        Ok(Listed {
            place: match column {
                Column::Authorized | Column::Status => {
                    KeyValue::Millis(life.authorized_at.millis())
                }
                Column::LastUsed => KeyValue::Millis(life.last_used_at.millis()),
                Column::Name | Column::Client | Column::Project | Column::Person => {
                    KeyValue::Text(row.sorted_by)
                }
            },
            life,
            id: row.id,
            name: row.name,
            person: row.person_id,
            person_name: row.person_name,
            person_email: row.person_email,
            client: row.client_id,
            client_name: row.client_name,
            client_origin: row.client_origin,
            project: row.project_id,
            project_name: row.project_name,
            connected_at: row.connected_at,
        })
    }
}

const COLUMNS: &str = "
    SELECT connection.id, connection.name,
           connection.person_id, people.name AS person_name, people.email AS person_email,
           connection.client_id, client.name AS client_name, client.origin AS client_origin,
           connection.project_id, project.name AS project_name,
           connection.connected_at, connection.authorized_at, connection.last_used_at,
           connection.revoked_at, connection.revoked_by, connection.revoked_reason,
           ";

// LEFT JOIN, although no row lacks a partner: given an inner join, SQLite's
// planner may start from the small tables.
const NAMES: &str = "
    LEFT JOIN people ON people.id = connection.person_id
    LEFT JOIN client ON client.id = connection.client_id
    LEFT JOIN project ON project.id = connection.project_id";

/// Up to `limit` connections next to `place`, in the order's order.
///
/// # Errors
/// When the database fails.
pub async fn page(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    limit: u32,
) -> Result<Vec<Listed>> {
    let backwards = place.looks_back();
    let filter = &connection_plan::settled(tx, filter).await?;
    let mut rows = match order.column {
        Column::Status => by_status(tx, filter, order, place, limit).await?,
        Column::Project if is_of_big_projects(filter) => {
            by_project(tx, filter, order, place, limit).await?
        }
        _ => walk(tx, filter, order, place, None, limit).await?,
    };
    if backwards {
        rows.reverse();
    }
    Ok(rows)
}

/// Up to `limit` rows from `place` on, the nearest first; none `beyond` this value, if there is
/// one, of what they are sorted by.
///
/// # Errors
/// When the database fails.
pub(super) async fn walk(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    beyond: Option<&str>,
    limit: u32,
) -> Result<Vec<Listed>> {
    let led = match connection_heads::lead(filter, order, limit) {
        true => Some(connection_heads::ids(tx, filter, order, place, limit).await?),
        false => None,
    };
    if led.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let rows = sql!(tx, |c| {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push(order.column.text_sql());
        // The few are taken before anybody's name is looked up.
        query.push(" AS sorted_by FROM (SELECT connection.* FROM ");
        query.push(match &led {
            None if connection_revocation::lead(filter, order.column) => AS_CONNECTION,
            _ => "connection",
        });
        query.push(" WHERE ");
        match &led {
            Some(ids) => push_in(&mut query, "connection.id", ids),
            None => push_filter(&mut query, filter, order.column.hides(filter)),
        }
        push_oldest(&mut query, filter, order, place);
        if let Some(last) = beyond {
            let sign = match order.direction(place) {
                "ASC" => "<=",
                _ => ">=",
            };
            query.push(format_args!(" AND {} {sign} ", order.column.sql()));
            query.push_bind(last.to_owned());
        }
        push_next(&mut query, order, place, limit);
        query.push(") AS connection").push(NAMES);
        push_order(&mut query, order, place);
        query.build_query_as::<Row>().fetch_all(c).await
    })?;
    rows.into_iter()
        .map(|row| row.listed(order.column))
        .collect()
}

impl Column {
    /// The column that the rows are sorted by; each has an index that gives the order.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Name => "connection.folded",
            Self::Client => "connection.client_folded",
            Self::Project => "connection.project_folded",
            Self::Person => "connection.person_folded",
            Self::Authorized | Self::Status => "connection.authorized_at",
            Self::LastUsed => "connection.last_used_at",
        }
    }

    /// Which conditions to look at only while walking in this order. A client's
    /// rows stand together when sorted by its name or theirs: walking to them would take long.
    fn hides(self, filter: &Filter) -> Hidden {
        let Some(plan) = &filter.plan else {
            return Hidden::NOTHING;
        };
        let has_index = |several: bool| !several && self.sql() == Column::Authorized.sql();
        let by_client = matches!(self, Self::Name | Self::Client);
        Hidden {
            clients: plan.big_clients && !by_client && !has_index(filter.clients.len() > 1),
            projects: plan.big_projects && !has_index(filter.projects.len() > 1),
            reach: plan.big_reach,
            dates: plan.big_dates && self.sql() != Column::Authorized.sql(),
            uses: plan.big_uses && self != Self::LastUsed,
        }
    }

    /// The same where it is text; moments are read in any case.
    const fn text_sql(self) -> &'static str {
        match self {
            Self::Authorized | Self::Status | Self::LastUsed => "''",
            column => column.sql(),
        }
    }
}

/// Nothing is used before it is authorized: so of those that have expired, or have not been
/// used for long, the newest is no newer than that, and the walk begins there.
fn push_oldest<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, order: Order, place: &Place)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    let from_newest = order == Order::NEWEST && *place == Place::Start;
    let (used, authorized) = (filter.cutoffs.used_before, filter.cutoffs.authorized_before);
    let ended = Some(used.max(authorized)).filter(|_| filter.statuses == Statuses::EXPIRED);
    let newest = ended.into_iter().chain(filter.unused_since).min();
    if let (true, Some(newest)) = (from_newest, newest) {
        query.push(" AND connection.authorized_at <= ");
        query.push_bind(newest.millis());
    }
}

/// Pushes which rows come next: up to `limit` from the place on, in the order.
pub(super) fn push_next<D: Engine>(
    query: &mut QueryBuilder<D>,
    order: Order,
    place: &Place,
    limit: u32,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if let Place::After(key) | Place::Before(key) = place {
        let ascends = order.direction(place) == "ASC";
        let sign = if ascends { ">" } else { "<" };
        push_beside(query, order, sign, key);
    }
    push_order(query, order, place);
    query.push(" LIMIT ").push_bind(i64::from(limit));
}

/// Pushes the order, as it is walked from a place.
fn push_order<D: Engine>(query: &mut QueryBuilder<D>, order: Order, place: &Place) {
    let (column, direction) = (order.column.sql(), order.direction(place));
    query.push(format_args!(
        " ORDER BY {column} {direction}, connection.id {direction}"
    ));
}

/// Pushes that a row stands on one side of a place in the order.
pub(super) fn push_beside<D: Engine>(
    query: &mut QueryBuilder<D>,
    order: Order,
    sign: &str,
    key: &Key,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let column = order.column.sql();
    query.push(format_args!(" AND ({column}, connection.id) {sign} ("));
    match &key.value {
        KeyValue::Text(text) => query.push_bind(text.clone()),
        KeyValue::Millis(millis) | KeyValue::Standing(_, millis) => query.push_bind(*millis),
    };
    query.push(", ");
    query.push_bind(key.id.to_string());
    query.push(")");
}

/// Those of the connections that are within reach, in list order.
///
/// # Errors
/// When the database fails.
pub async fn by_ids(tx: &mut Tx, reach: &Reach, ids: &[ConnectionId]) -> Result<Vec<Listed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql!(tx, |c| {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push(Order::NEWEST.column.text_sql());
        query.push(" AS sorted_by FROM connection").push(NAMES);
        query.push(" WHERE ");
        push_reach(&mut query, reach, "");
        query.push(" AND ");
        push_in(&mut query, "connection.id", ids);
        query.push(" ORDER BY connection.authorized_at DESC, connection.id DESC");
        query.build_query_as::<Row>().fetch_all(c).await
    })?;
    rows.into_iter()
        .map(|row| row.listed(Order::NEWEST.column))
        .collect()
}

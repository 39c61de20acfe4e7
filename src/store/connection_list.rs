//! The one query behind every list of connections, every count and every
//! confirmation.

use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{
        client::Origin,
        connection::{Cutoffs, Life},
        ids::{ClientId, ConnectionId, PersonId, ProjectId},
        role::Reach,
    },
};

use super::{Result, Tx, connection::LifeRow, sql};

/// Which statuses are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// Connections that work.
    pub active: bool,
    /// Connections unused for too long, or too old.
    pub expired: bool,
    /// Connections that someone ended.
    pub revoked: bool,
}

impl Statuses {
    /// Every status.
    pub const ALL: Self = Self {
        active: true,
        expired: true,
        revoked: true,
    };
}

/// Which connections are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Those that the person asking may see (or change).
    pub reach: Reach,
    /// Those with one of these statuses.
    pub statuses: Statuses,
    /// What separates the statuses at the moment of asking.
    pub cutoffs: Cutoffs,
}

/// A place between two rows of the list, newest authorization first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The beginning.
    Start,
    /// Right after this row.
    After(Timestamp, ConnectionId),
    /// Right before this row.
    Before(Timestamp, ConnectionId),
}

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
}

impl TryFrom<Row> for Listed {
    type Error = super::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            life: row.life.life(&row.id)?,
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

// LEFT JOIN, although no row lacks a partner: given an inner join, SQLite's
// planner may start from the small tables and sort every connection.
const LIST: &str = "
    SELECT connection.id, connection.name,
           connection.person_id, people.name AS person_name, people.email AS person_email,
           connection.client_id, client.name AS client_name, client.origin AS client_origin,
           connection.project_id, project.name AS project_name,
           connection.connected_at, connection.authorized_at, connection.last_used_at,
           connection.revoked_at, connection.revoked_by, connection.revoked_reason
    FROM connection
    LEFT JOIN people ON people.id = connection.person_id
    LEFT JOIN client ON client.id = connection.client_id
    LEFT JOIN project ON project.id = connection.project_id
    WHERE ";

/// Up to `limit` connections next to `place`, in list order: newest
/// authorization first.
///
/// # Errors
/// When the database fails.
pub async fn page(tx: &mut Tx, filter: &Filter, place: &Place, limit: u32) -> Result<Vec<Listed>> {
    // Walks connection_by_age, or for a member connection_by_person and
    // connection_by_project.
    let rows = sql!(tx, |c| {
        let mut query = QueryBuilder::new(LIST);
        push_filter(&mut query, filter);
        push_place(&mut query, place);
        query.push(" LIMIT ").push_bind(i64::from(limit));
        query.build_query_as::<Row>().fetch_all(c).await
    })?;
    let mut page: Vec<_> = rows
        .into_iter()
        .map(Listed::try_from)
        .collect::<Result<_>>()?;
    if matches!(place, Place::Before(..)) {
        page.reverse();
    }
    Ok(page)
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
        let mut query = QueryBuilder::new(LIST);
        push_reach(&mut query, reach);
        query.push(" AND connection.id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id);
        }
        query.push(") ORDER BY connection.authorized_at DESC, connection.id DESC");
        query.build_query_as::<Row>().fetch_all(c).await
    })?;
    rows.into_iter().map(Listed::try_from).collect()
}

/// How many connections there are of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Connections that work.
    pub active: i64,
    /// Connections unused for too long, or too old.
    pub expired: i64,
    /// Connections that someone ended.
    pub revoked: i64,
}

/// Counts what the filter would list if it asked for every status.
///
/// # Errors
/// When the database fails.
pub async fn counts(tx: &mut Tx, filter: &Filter) -> Result<Counts> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FILTER (WHERE NOT ");
        push_ended(&mut query, filter.cutoffs);
        query.push(" AND revoked_at IS NULL) AS active, COUNT(*) FILTER (WHERE ");
        push_ended(&mut query, filter.cutoffs);
        query.push(
            " AND revoked_at IS NULL) AS expired,
            COUNT(revoked_at) AS revoked
            FROM connection WHERE ",
        );
        push_reach(&mut query, &filter.reach);
        query.build_query_as().fetch_one(c).await
    })?)
}

/// What the query builder needs to know of an engine to bind ids and times.
trait Engine: Database {}
impl Engine for sqlx::Sqlite {}
impl Engine for sqlx::Postgres {}

fn push_filter<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    push_reach(query, &filter.reach);
    let Statuses {
        active,
        expired,
        revoked,
    } = filter.statuses;
    if filter.statuses == Statuses::ALL {
        return;
    }
    query.push(" AND (1 = 0");
    if active {
        query.push(" OR connection.revoked_at IS NULL AND NOT ");
        push_ended(query, filter.cutoffs);
    }
    if expired {
        query.push(" OR connection.revoked_at IS NULL AND ");
        push_ended(query, filter.cutoffs);
    }
    if revoked {
        query.push(" OR connection.revoked_at IS NOT NULL");
    }
    query.push(")");
}

/// Whether the time of a connection has run out, as [`Life::status`] has it.
fn push_ended<D: Engine>(query: &mut QueryBuilder<D>, cutoffs: Cutoffs)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
{
    query.push("(connection.last_used_at <= ");
    query.push_bind(cutoffs.used_before.millis());
    query.push(" OR connection.authorized_at <= ");
    query.push_bind(cutoffs.authorized_before.millis());
    query.push(")");
}

fn push_reach<D: Engine>(query: &mut QueryBuilder<D>, reach: &Reach)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let Reach::Some { person, projects } = reach else {
        query.push("1 = 1");
        return;
    };
    // No constant among the alternatives: SQLite uses indexes for an OR only when
    // each of its sides has one, and would walk every connection for a member's few.
    match (person, projects.is_empty()) {
        (None, true) => {
            query.push("1 = 0");
        }
        (Some(person), true) => {
            query.push("connection.person_id = ");
            query.push_bind(person.to_string());
        }
        (None, false) => push_projects(query, projects),
        (Some(person), false) => {
            query.push("(connection.person_id = ");
            query.push_bind(person.to_string());
            query.push(" OR ");
            push_projects(query, projects);
            query.push(")");
        }
    }
}

fn push_projects<D: Engine>(query: &mut QueryBuilder<D>, projects: &[ProjectId])
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push("connection.project_id IN (");
    let mut list = query.separated(", ");
    for project in projects {
        list.push_bind(project.to_string());
    }
    query.push(")");
}

fn push_place<D: Engine>(query: &mut QueryBuilder<D>, place: &Place)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let (sign, direction, row) = match place {
        Place::Start => ("", "DESC", None),
        Place::After(at, id) => ("<", "DESC", Some((at, id))),
        Place::Before(at, id) => (">", "ASC", Some((at, id))),
    };
    if let Some((at, id)) = row {
        query.push(format_args!(
            " AND (connection.authorized_at, connection.id) {sign} ("
        ));
        query.push_bind(at.millis());
        query.push(", ");
        query.push_bind(id.to_string());
        query.push(")");
    }
    query.push(format_args!(
        " ORDER BY connection.authorized_at {direction}, connection.id {direction}"
    ));
}

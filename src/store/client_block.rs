//! Clients that may not connect.

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::{
        block::{Block, ClientIdentity, Scope},
        ids::{BlockId, ClientId, ConnectionId, PersonId, ProjectId},
    },
};

use super::{
    Result, Tx,
    connection_filter::{Engine, push_in},
    connection_list, sql,
};

/// Whether a block covers the row of `connection`, with its row of `client` beside it.
macro_rules! is_blocked {
    () => {
        "EXISTS (
            SELECT 1 FROM client_block
            WHERE client_block.identity = COALESCE(client.look_alike, client.identifier)
              AND (client_block.person_id IS NULL OR client_block.person_id = connection.person_id)
              AND (client_block.project_id IS NULL OR client_block.project_id = connection.project_id))"
    };
}
pub(super) use is_blocked;

#[derive(sqlx::FromRow)]
struct Row {
    id: BlockId,
    identity: ClientIdentity,
    client_id: ClientId,
    person_id: Option<PersonId>,
    project_id: Option<ProjectId>,
    blocked_at: Timestamp,
    blocked_by: String,
    reason: Option<String>,
}

impl From<Row> for Block {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            identity: row.identity,
            client: row.client_id,
            scope: Scope {
                person: row.person_id,
                project: row.project_id,
            },
            at: row.blocked_at,
            by: row.blocked_by,
            reason: row.reason,
        }
    }
}

/// A block with the names people know its parts by.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The block.
    pub block: Block,
    /// The name of the client that it was made of.
    pub client_name: String,
    /// The e-mail of the person it is for.
    pub person_email: Option<String>,
    /// The name of the project that it is at.
    pub project_name: Option<String>,
    /// The project that the client belongs to, if it does to one.
    pub client_project: Option<ProjectId>,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    block: Row,
    client_name: String,
    client_project: Option<ProjectId>,
    person_email: Option<String>,
    project_name: Option<String>,
}

impl From<ListedRow> for Listed {
    fn from(row: ListedRow) -> Self {
        Self {
            block: row.block.into(),
            client_name: row.client_name,
            person_email: row.person_email,
            project_name: row.project_name,
            client_project: row.client_project,
        }
    }
}

macro_rules! listed {
    ($rest:literal) => {
        concat!(
            "SELECT client_block.id, client_block.identity, client_block.client_id,
                    client_block.person_id, client_block.project_id, client_block.blocked_at,
                    client_block.blocked_by, client_block.reason,
                    client.name AS client_name, client.project_id AS client_project,
                    people.email AS person_email, project.name AS project_name
            FROM client_block
            JOIN client ON client.id = client_block.client_id
            LEFT JOIN people ON people.id = client_block.person_id
            LEFT JOIN project ON project.id = client_block.project_id ",
            $rest
        )
    };
}

/// Adds a block, unless there is one of the same client, person and project. Returns
/// whether it was added.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, block: &Block) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO client_block (id, identity, client_id, person_id, project_id,
                                  blocked_at, blocked_by, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING
        RETURNING id";
    let added: Option<BlockId> = sql!(tx, |c| sqlx::query_scalar(INSERT)
        .bind(&block.id)
        .bind(&block.identity)
        .bind(&block.client)
        .bind(&block.scope.person)
        .bind(&block.scope.project)
        .bind(block.at)
        .bind(&block.by)
        .bind(&block.reason)
        .fetch_optional(c)
        .await)?;
    Ok(added.is_some())
}

/// Removes a block. Returns whether this call did it.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, id: &BlockId) -> Result<bool> {
    const REMOVE: &str = "DELETE FROM client_block WHERE id = $1 RETURNING id";
    let removed: Option<BlockId> = sql!(tx, |c| sqlx::query_scalar(REMOVE)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    Ok(removed.is_some())
}

/// The block with this id.
///
/// # Errors
/// When the database fails.
pub async fn by_id(tx: &mut Tx, id: &BlockId) -> Result<Option<Listed>> {
    const BY_ID: &str = listed!("WHERE client_block.id = $1");
    let row: Option<ListedRow> = sql!(tx, |c| sqlx::query_as(BY_ID)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(Listed::from))
}

/// The blocks of a client, those for everyone first.
///
/// # Errors
/// When the database fails.
pub async fn of_client(tx: &mut Tx, identity: &ClientIdentity) -> Result<Vec<Listed>> {
    // client_block_once
    const OF_CLIENT: &str = listed!(
        "WHERE client_block.identity = $1
        ORDER BY client_block.person_id IS NOT NULL, client_block.blocked_at, client_block.id"
    );
    let rows: Vec<ListedRow> = sql!(tx, |c| sqlx::query_as(OF_CLIENT)
        .bind(identity)
        .fetch_all(c)
        .await)?;
    Ok(rows.into_iter().map(Listed::from).collect())
}

/// What a person alone may not connect, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn of_person(tx: &mut Tx, person: &PersonId) -> Result<Vec<Listed>> {
    // client_block_by_person
    const OF_PERSON: &str = listed!(
        "WHERE client_block.person_id = $1
        ORDER BY client_block.blocked_at DESC, client_block.id DESC"
    );
    let rows: Vec<ListedRow> = sql!(tx, |c| sqlx::query_as(OF_PERSON)
        .bind(person)
        .fetch_all(c)
        .await)?;
    Ok(rows.into_iter().map(Listed::from).collect())
}

/// The block that keeps this person from connecting the client there, if there is one; the
/// widest first. Somebody who is not known yet is `None`, and so is a project that is not
/// settled yet.
///
/// # Errors
/// When the database fails.
pub async fn covering(
    tx: &mut Tx,
    identity: &ClientIdentity,
    scope: &Scope,
) -> Result<Option<Block>> {
    // client_block_once
    const COVERING: &str = "
        SELECT id, identity, client_id, person_id, project_id, blocked_at, blocked_by, reason
        FROM client_block
        WHERE identity = $1
          AND (person_id IS NULL OR person_id = $2)
          AND (project_id IS NULL OR project_id = $3)
        ORDER BY person_id IS NOT NULL, project_id IS NOT NULL
        LIMIT 1";
    let row: Option<Row> = sql!(tx, |c| sqlx::query_as(COVERING)
        .bind(identity)
        .bind(&scope.person)
        .bind(&scope.project)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(Block::from))
}

/// Those of the clients that are blocked for everyone, everywhere.
///
/// # Errors
/// When the database fails.
pub async fn among(tx: &mut Tx, ids: &[ClientId]) -> Result<Vec<ClientId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT client.id
            FROM client
            JOIN client_block
              ON client_block.identity = COALESCE(client.look_alike, client.identifier)
            WHERE client_block.person_id IS NULL AND client_block.project_id IS NULL AND ",
        );
        push_in(&mut query, "client.id", ids);
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// What is blocked for everyone, everywhere.
///
/// # Errors
/// When the database fails.
pub async fn everywhere(tx: &mut Tx) -> Result<Vec<ClientIdentity>> {
    // client_block_for_everyone
    const EVERYWHERE: &str = "
        SELECT identity
        FROM client_block
        WHERE person_id IS NULL AND project_id IS NULL";
    Ok(sql!(tx, |c| sqlx::query_scalar(EVERYWHERE)
        .fetch_all(c)
        .await)?)
}

/// Pushes that the client in the row of `table` is blocked for everyone, everywhere.
pub(super) fn push_everywhere<D: Engine>(query: &mut QueryBuilder<D>, table: &str) {
    // client_by_identity, client_block_for_everyone. A bare column has an affinity, which
    // keeps SQLite from the index of an expression, which has none.
    query.push(format_args!(
        " AND COALESCE({table}.look_alike, {table}.identifier) IN (
            SELECT identity || '' FROM client_block
            WHERE person_id IS NULL AND project_id IS NULL)"
    ));
}

/// Those of the connections that a block covers: they have all ended.
///
/// # Errors
/// When the database fails.
pub async fn covered_among(
    tx: &mut Tx,
    rows: &[connection_list::Listed],
) -> Result<Vec<ConnectionId>> {
    let ended = rows.iter().filter(|row| row.life.revoked.is_some());
    let ended: Vec<_> = ended.map(|row| &row.id).collect();
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new(concat!(
            "SELECT connection.id
            FROM connection
            JOIN client ON client.id = connection.client_id
            WHERE ",
            is_blocked!(),
            " AND "
        ));
        push_in(&mut query, "connection.id", &ended);
        query.build_query_scalar().fetch_all(c).await
    })?)
}

/// Waits for, and then holds, the rows of every client with this identity, so that a
/// consent either came before, and its connection is seen, or finds the block.
///
/// # Errors
/// When the database fails.
pub async fn hold_clients(tx: &mut Tx, identity: &ClientIdentity) -> Result<()> {
    // client_by_identity
    const HOLD: &str = "
        UPDATE client
        SET revoked_at = revoked_at
        WHERE COALESCE(look_alike, identifier) = $1";
    sql!(tx, |c| sqlx::query(HOLD)
        .bind(identity)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// The connections that a block would cover, or covers, and that have not been revoked.
///
/// # Errors
/// When the database fails.
pub async fn connections(
    tx: &mut Tx,
    identity: &ClientIdentity,
    scope: &Scope,
) -> Result<Vec<ConnectionId>> {
    // client_by_identity, connection_by_client
    const COVERED: &str = "
        SELECT connection.id
        FROM client
        JOIN connection ON connection.client_id = client.id
        WHERE COALESCE(client.look_alike, client.identifier) = $1
          AND connection.revoked_at IS NULL
          AND ($2 IS NULL OR connection.person_id = $2)
          AND ($3 IS NULL OR connection.project_id = $3)
        ORDER BY connection.id";
    Ok(sql!(tx, |c| sqlx::query_scalar(COVERED)
        .bind(identity)
        .bind(&scope.person)
        .bind(&scope.project)
        .fetch_all(c)
        .await)?)
}

/// What a block would take hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Covered {
    /// How many registrations have the identity.
    pub registrations: i64,
    /// How many connections have not been revoked.
    pub connections: i64,
    /// Of how many people they are.
    pub people: i64,
}

/// How much a block would take hold of.
///
/// # Errors
/// When the database fails.
pub async fn covered(tx: &mut Tx, identity: &ClientIdentity, scope: &Scope) -> Result<Covered> {
    // client_by_identity, connection_by_client
    const COVERED: &str = "
        SELECT COUNT(DISTINCT client.id) AS registrations,
               COUNT(connection.id) AS connections,
               COUNT(DISTINCT connection.person_id) AS people
        FROM client
        LEFT JOIN connection
          ON connection.client_id = client.id
          AND connection.revoked_at IS NULL
          AND ($2 IS NULL OR connection.person_id = $2)
          AND ($3 IS NULL OR connection.project_id = $3)
        WHERE COALESCE(client.look_alike, client.identifier) = $1";
    Ok(sql!(tx, |c| sqlx::query_as(COVERED)
        .bind(identity)
        .bind(&scope.person)
        .bind(&scope.project)
        .fetch_one(c)
        .await)?)
}

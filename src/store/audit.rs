//! The audit trail.

use crate::{
    clock::Timestamp,
    domain::{
        audit::{Action, Event},
        ids::{ClientId, ConnectionId, EventId, ProjectId},
    },
};

use super::{Result, Tx, connection_filter::push_in, sql};

/// Adds events to the trail, in the transaction of the change they tell of.
///
/// # Errors
/// When the database fails.
pub async fn append(tx: &mut Tx, events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new(
            "INSERT INTO audit_event (id, at, action, actor, address, reason, detail,
                connection_id, connection_name, client_id, client_name,
                project_id, project_name, person_id, person_email) ",
        );
        query.push_values(events, |mut row, event| {
            let subject = &event.subject;
            row.push_bind(&event.id)
                .push_bind(event.at)
                .push_bind(event.action.as_str())
                .push_bind(event.actor.to_string())
                .push_bind(&event.address)
                .push_bind(&event.reason)
                .push_bind(&event.detail)
                .push_bind(subject.connection.as_ref().map(|(id, _)| id))
                .push_bind(subject.connection.as_ref().map(|(_, name)| name))
                .push_bind(subject.client.as_ref().map(|(id, _)| id))
                .push_bind(subject.client.as_ref().map(|(_, name)| name))
                .push_bind(subject.project.as_ref().map(|(id, _)| id))
                .push_bind(subject.project.as_ref().map(|(_, name)| name))
                .push_bind(subject.person.as_ref().map(|(id, _)| id))
                .push_bind(subject.person.as_ref().map(|(_, email)| email));
        });
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Adds an event like `event` for each of the connections, about what they and their parts
/// are called now. In the transaction of the change it tells of.
///
/// # Errors
/// When the database fails.
pub async fn append_of_each(
    tx: &mut Tx,
    event: &Event,
    connections: &[(EventId, ConnectionId)],
) -> Result<()> {
    if connections.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new("WITH told (event_id, connection_id) AS (");
        query.push_values(connections, |mut row, (event, connection)| {
            row.push_bind(event).push_bind(connection);
        });
        query.push(
            ") INSERT INTO audit_event (id, connection_id, connection_name, client_id, client_name,
                project_id, project_name, person_id, person_email,
                at, action, actor, address, reason, detail)
            SELECT told.event_id, connection.id, connection.name, client.id, client.name,
                   project.id, project.name, people.id, people.email, ",
        );
        let mut same = query.separated(", ");
        same.push_bind(event.at)
            .push_bind(event.action.as_str())
            .push_bind(event.actor.to_string())
            .push_bind(&event.address)
            .push_bind(&event.reason)
            .push_bind(&event.detail);
        // SQLite begins with the left side of a CROSS JOIN.
        query.push(
            " FROM told
            CROSS JOIN connection
            LEFT JOIN client ON client.id = connection.client_id
            LEFT JOIN project ON project.id = connection.project_id
            LEFT JOIN people ON people.id = connection.person_id
            WHERE connection.id = told.connection_id",
        );
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// A stored event, as text: what it speaks of may be long gone.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// The word for what happened.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// The address the request came from.
    pub address: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What more there is to say.
    pub detail: Option<String>,
    /// The connection.
    pub connection_id: Option<String>,
    /// Its name.
    pub connection_name: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Its name.
    pub client_name: Option<String>,
    /// The project.
    pub project_id: Option<String>,
    /// Its name.
    pub project_name: Option<String>,
    /// The person.
    pub person_id: Option<String>,
    /// Their e-mail.
    pub person_email: Option<String>,
}

/// The statement that reads the entries which meet a condition.
macro_rules! entries_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, at, action, actor, address, reason, detail,
                    connection_id, connection_name, client_id, client_name,
                    project_id, project_name, person_id, person_email
            FROM audit_event
            WHERE ",
            $condition
        )
    };
}
pub(super) use entries_where;

/// The latest `limit` changes of a project, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn changes(tx: &mut Tx, project: &ProjectId, limit: i64) -> Result<Vec<Entry>> {
    // Index: audit_event_by_project.
    const CHANGES: &str = entries_where!(
        "project_id = $1 AND connection_id IS NULL AND client_id IS NULL AND action = $2
        ORDER BY at DESC, id DESC
        LIMIT $3"
    );
    Ok(sql!(tx, |c| sqlx::query_as(CHANGES)
        .bind(project)
        .bind(Action::ProjectChanged.as_str())
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// Up to `limit` events from then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn find_until(tx: &mut Tx, until: Timestamp, limit: usize) -> Result<Vec<EventId>> {
    // audit_event_by_age
    const UNTIL: &str = "SELECT id FROM audit_event WHERE at <= $1 LIMIT $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(UNTIL)
        .bind(until)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

/// How many events are from then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn count_until(tx: &mut Tx, until: Timestamp) -> Result<i64> {
    // audit_event_by_age
    const COUNT: &str = "SELECT COUNT(*) FROM audit_event WHERE at <= $1";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT)
        .bind(until)
        .fetch_one(c)
        .await)?)
}

/// Removes the events, and returns how many there were.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, ids: &[EventId]) -> Result<usize> {
    let removed = sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new("DELETE FROM audit_event WHERE ");
        push_in(&mut query, "id", ids);
        let done = query.build().execute(c).await;
        done.map(|done| done.rows_affected())
    })?;
    Ok(removed as usize)
}

/// Who made a client, or that it registered itself, in the words of the trail;
/// `None` when the trail does not, or no longer, tell.
///
/// # Errors
/// When the database fails.
pub async fn creator(tx: &mut Tx, client: &ClientId) -> Result<Option<String>> {
    // Index: audit_event_by_client.
    const CREATOR: &str = "
        SELECT actor
        FROM audit_event
        WHERE client_id = $1 AND connection_id IS NULL AND action IN ($2, $3)
        ORDER BY at, id
        LIMIT 1";
    Ok(sql!(tx, |c| sqlx::query_scalar(CREATOR)
        .bind(client)
        .bind(Action::ClientCreated.as_str())
        .bind(Action::ClientRegistered.as_str())
        .fetch_optional(c)
        .await)?)
}

/// Up to `limit` of the changes that people made to a client itself, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn client_changes(tx: &mut Tx, client: &ClientId, limit: u32) -> Result<Vec<Entry>> {
    // Index: audit_event_by_client.
    const CHANGES: &str = entries_where!(
        "client_id = $1 AND connection_id IS NULL AND action IN ($2, $3, $4)
        ORDER BY at DESC, id DESC
        LIMIT $5"
    );
    Ok(sql!(tx, |c| sqlx::query_as(CHANGES)
        .bind(client)
        .bind(Action::ClientChanged.as_str())
        .bind(Action::ClientSecretRotated.as_str())
        .bind(Action::ClientRevoked.as_str())
        .bind(i64::from(limit))
        .fetch_all(c)
        .await)?)
}

/// The name of the client whose record `actor`, in the words of the trail, deleted; `None`
/// when it was someone else or nobody.
///
/// # Errors
/// When the database fails.
pub async fn client_deleted_by(tx: &mut Tx, actor: &str, id: &ClientId) -> Result<Option<String>> {
    // Index: audit_event_by_client.
    const DELETED: &str = "
        SELECT client_name
        FROM audit_event
        WHERE client_id = $1 AND connection_id IS NULL AND action = $2 AND actor = $3";
    Ok(sql!(tx, |c| sqlx::query_scalar(DELETED)
        .bind(id)
        .bind(Action::ClientDeleted.as_str())
        .bind(actor)
        .fetch_optional(c)
        .await)?)
}

/// The name of the connection whose record `actor`, in the words of the trail, deleted;
/// `None` when it was someone else or nobody.
///
/// # Errors
/// When the database fails.
pub async fn deleted_by(tx: &mut Tx, actor: &str, id: &ConnectionId) -> Result<Option<String>> {
    // Index: audit_event_by_connection.
    const DELETED: &str = "
        SELECT connection_name
        FROM audit_event
        WHERE connection_id = $1 AND action = $2 AND actor = $3";
    Ok(sql!(tx, |c| sqlx::query_scalar(DELETED)
        .bind(id)
        .bind(Action::ConnectionDeleted.as_str())
        .bind(actor)
        .fetch_optional(c)
        .await)?)
}

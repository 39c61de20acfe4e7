//! What people change about clients. Each statement says which state of the client it is
//! for, so that of two people who change it at once one is told.

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::{
        client::{Client, ClientType},
        ids::{ClientId, ConnectionId, ProjectId},
        logo::Logo,
        secret::SecretHash,
    },
};

use super::{Result, Tx, execute, sql};

/// A client in the list of its project.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Managed {
    /// Which.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// Public or confidential.
    pub client_type: ClientType,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// What people recognize it by.
    pub logo: Option<Logo>,
    /// Its place in the list.
    pub folded: String,
}

/// A page of the list of a project's clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPlace {
    /// The first.
    Start,
    /// What follows a client, by its `folded` and its id.
    After(String, ClientId),
    /// What goes before one.
    Before(String, ClientId),
}

/// Up to `limit` clients that belong to a project, by name, next to `place`.
///
/// # Errors
/// When the database fails.
pub async fn of_project(
    tx: &mut Tx,
    project: &ProjectId,
    place: &ListPlace,
    limit: usize,
) -> Result<Vec<Managed>> {
    let backwards = matches!(place, ListPlace::Before(..));
    let mut rows: Vec<Managed> = sql!(tx, |c| {
        // client_by_project
        let mut query = QueryBuilder::new(
            "SELECT id, name, client_type, created_at, revoked_at, logo, folded
            FROM client
            WHERE project_id = ",
        );
        query.push_bind(project);
        match place {
            ListPlace::Start => {}
            ListPlace::After(folded, id) => {
                query.push(" AND (folded, id) > (").push_bind(folded);
                query.push(", ").push_bind(id).push(")");
            }
            ListPlace::Before(folded, id) => {
                query.push(" AND (folded, id) < (").push_bind(folded);
                query.push(", ").push_bind(id).push(")");
            }
        }
        query.push(if backwards {
            " ORDER BY folded DESC, id DESC LIMIT "
        } else {
            " ORDER BY folded, id LIMIT "
        });
        query.push_bind(limit as i64);
        query.build_query_as().fetch_all(c).await
    })?;
    if backwards {
        rows.reverse();
    }
    Ok(rows)
}

/// Takes and holds the right to change a client, if it still is as `client` says and has
/// not been revoked. Returns whether it did.
///
/// # Errors
/// When the database fails.
pub async fn claim(tx: &mut Tx, client: &Client) -> Result<bool> {
    const CLAIM: &str = "
        UPDATE client
        SET version = version + 1
        WHERE id = $1 AND version = $2 AND revoked_at IS NULL
        RETURNING id";
    let claimed: Option<ClientId> = sql!(tx, |c| sqlx::query_scalar(CLAIM)
        .bind(&client.id)
        .bind(client.version)
        .fetch_optional(c)
        .await)?;
    Ok(claimed.is_some())
}

/// Gives a confidential client another secret.
///
/// # Errors
/// When the database fails.
pub async fn set_secret(tx: &mut Tx, id: &ClientId, secret: &SecretHash) -> Result<()> {
    const SET: &str = "UPDATE client SET secret_hash = $2 WHERE id = $1";
    execute!(tx, SET, id, secret)?;
    Ok(())
}

/// Ends a client, unless it has ended. From then on nothing of it works. Returns whether it
/// did.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, id: &ClientId, now: Timestamp) -> Result<bool> {
    const REVOKE: &str = "
        UPDATE client
        SET revoked_at = $2, version = version + 1
        WHERE id = $1 AND revoked_at IS NULL
        RETURNING id";
    let revoked: Option<ClientId> = sql!(tx, |c| sqlx::query_scalar(REVOKE)
        .bind(id)
        .bind(now)
        .fetch_optional(c)
        .await)?;
    Ok(revoked.is_some())
}

/// Up to `limit` connections of a client.
///
/// # Errors
/// When the database fails.
pub async fn connections(tx: &mut Tx, id: &ClientId, limit: usize) -> Result<Vec<ConnectionId>> {
    // connection_by_client
    const FIND: &str = "SELECT id FROM connection WHERE client_id = $1 LIMIT $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(FIND)
        .bind(id)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

//! What clients that registered themselves look like to a person, and which of them
//! look alike.

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::{ids::ClientId, look_alike::LookAlike, redirect::RedirectUri},
};

use super::{Result, Tx, connection_filter::push_in, sql};

/// A registration that looks like another, with its number of connections.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Alike {
    /// Which.
    pub id: ClientId,
    /// When it registered itself.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Its connections, of every status.
    pub connections: i64,
    /// When any of them was used last.
    pub last_used_at: Option<Timestamp>,
}

/// Up to `limit` other registrations that look like a client, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn others(
    tx: &mut Tx,
    id: &ClientId,
    look: &LookAlike,
    limit: usize,
) -> Result<Vec<Alike>> {
    // client_by_look
    const OTHERS: &str = "
        SELECT client.id, client.created_at, client.revoked_at,
               COALESCE(total.active + total.expired + total.revoked, 0) AS connections,
               total.last_used_at
        FROM client
        LEFT JOIN connection_total AS total ON total.kind = 'client' AND total.id = client.id
        WHERE client.look_alike = $1 AND client.id <> $2
        ORDER BY client.created_at DESC, client.id DESC
        LIMIT $3";
    Ok(sql!(tx, |c| sqlx::query_as(OTHERS)
        .bind(look)
        .bind(id)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

/// How many registrations look like each of these clients, itself included; nothing for
/// clients that did not register themselves, or that nothing looks like.
///
/// # Errors
/// When the database fails.
pub async fn counts(tx: &mut Tx, ids: &[ClientId]) -> Result<Vec<(ClientId, i64)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // client_by_look: each look is counted once, however many of the clients have it.
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new(
            "SELECT client.id, alike.number
            FROM client
            JOIN (
                SELECT look_alike, COUNT(*) AS number
                FROM client
                WHERE look_alike IN (SELECT look_alike FROM client WHERE ",
        );
        push_in(&mut query, "id", ids);
        query.push(
            " AND look_alike IS NOT NULL)
                GROUP BY look_alike
                HAVING COUNT(*) > 1
            ) AS alike ON alike.look_alike = client.look_alike
            WHERE ",
        );
        push_in(&mut query, "client.id", ids);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// How many other registrations look like a client.
///
/// # Errors
/// When the database fails.
pub async fn count_others(tx: &mut Tx, id: &ClientId, look: &LookAlike) -> Result<i64> {
    // client_by_look
    const COUNT: &str = "SELECT COUNT(*) FROM client WHERE look_alike = $1 AND id <> $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT)
        .bind(look)
        .bind(id)
        .fetch_one(c)
        .await)?)
}

/// How many clients registered themselves without a record of what they look like.
///
/// # Errors
/// When the database fails.
pub async fn count_without(tx: &mut Tx) -> Result<i64> {
    // client_without_look
    const COUNT: &str = "
        SELECT COUNT(*)
        FROM client
        WHERE origin = 'registered' AND look_alike IS NULL";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT).fetch_one(c).await)?)
}

/// Up to `limit` clients that registered themselves and of which it is not recorded what
/// they look like, with their names and redirect URIs.
///
/// # Errors
/// When the database fails.
pub async fn without(
    tx: &mut Tx,
    limit: usize,
) -> Result<Vec<(ClientId, String, Vec<RedirectUri>)>> {
    // client_without_look
    const FIND: &str = "
        SELECT client.id, client.name, redirect_uri.uri
        FROM (
            SELECT id, name
            FROM client
            WHERE origin = 'registered' AND look_alike IS NULL
            ORDER BY id
            LIMIT $1
        ) AS client
        LEFT JOIN redirect_uri ON redirect_uri.client_id = client.id
        ORDER BY client.id";
    let rows: Vec<(ClientId, String, Option<String>)> = sql!(tx, |c| sqlx::query_as(FIND)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?;
    let mut clients: Vec<(ClientId, String, Vec<RedirectUri>)> = Vec::new();
    for (id, name, uri) in rows {
        let uri = uri.map(RedirectUri::from_stored);
        match clients.last_mut() {
            Some((last, _, uris)) if *last == id => uris.extend(uri),
            _ => clients.push((id, name, uri.into_iter().collect())),
        }
    }
    Ok(clients)
}

/// Records what a client looks like.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &mut Tx, id: &ClientId, look: &LookAlike) -> Result<()> {
    const SET: &str = "UPDATE client SET look_alike = $2 WHERE id = $1";
    sql!(tx, |c| sqlx::query(SET)
        .bind(id)
        .bind(look)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

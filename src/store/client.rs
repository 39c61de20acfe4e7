//! OAuth client registrations.

use crate::{
    clock::Timestamp,
    domain::{
        client::{Client, ClientType, Origin},
        ids::{ClientId, ProjectId},
        logo::Logo,
        redirect::RedirectUri,
        secret::SecretHash,
    },
};

use super::{Result, Tx, connection_filter::folded, execute, sql};

#[derive(sqlx::FromRow)]
struct Row {
    id: ClientId,
    identifier: String,
    origin: Origin,
    project_id: Option<ProjectId>,
    name: String,
    client_type: ClientType,
    secret_hash: Option<SecretHash>,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
    version: i64,
    logo: Option<Logo>,
    /// With a line's end between, which no URI has.
    redirect_uris: Option<String>,
}

impl From<Row> for Client {
    fn from(row: Row) -> Self {
        let uris = row.redirect_uris.unwrap_or_default();
        let uris = uris.lines().map(str::to_owned);
        Self {
            id: row.id,
            identifier: row.identifier,
            origin: row.origin,
            project: row.project_id,
            name: row.name,
            client_type: row.client_type,
            secret_hash: row.secret_hash,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            version: row.version,
            logo: row.logo,
            redirect_uris: uris.map(RedirectUri::from_stored).collect(),
        }
    }
}

/// A query for whole clients.
macro_rules! clients {
    ($rest:literal) => {
        concat!(
            "SELECT id, identifier, origin, project_id, name, client_type, secret_hash,
                    created_at, revoked_at, version, logo,
                    (SELECT string_agg(uri, '\n' ORDER BY position)
                     FROM redirect_uri
                     WHERE redirect_uri.client_id = client.id) AS redirect_uris
            FROM client ",
            $rest
        )
    };
}

/// The client with this OAuth `client_id`, revoked ones included.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, identifier: &str) -> Result<Option<Client>> {
    const FIND: &str = clients!("WHERE identifier = $1");
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(FIND)
        .bind(identifier)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(Client::from))
}

/// The client with this id, revoked ones included.
///
/// # Errors
/// When the database fails.
pub async fn by_id(tx: &mut Tx, id: &ClientId) -> Result<Option<Client>> {
    const BY_ID: &str = clients!("WHERE id = $1");
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(BY_ID)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    Ok(row.map(Client::from))
}

/// Waits for, and then holds, a client's row, so that it cannot be revoked
/// before the transaction ends. Returns whether it is unrevoked.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, id: &ClientId) -> Result<bool> {
    const HOLD: &str = "
        UPDATE client
        SET revoked_at = revoked_at
        WHERE id = $1 AND revoked_at IS NULL
        RETURNING id";
    let held: Option<ClientId> = sql!(tx, |c| sqlx::query_scalar(HOLD)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    Ok(held.is_some())
}

/// The same for the client with this OAuth `client_id`. Returns its id, or `None` when
/// it is unknown or revoked.
///
/// # Errors
/// When the database fails.
pub async fn hold_by_identifier(tx: &mut Tx, identifier: &str) -> Result<Option<ClientId>> {
    const HOLD: &str = "
        UPDATE client
        SET revoked_at = revoked_at
        WHERE identifier = $1 AND revoked_at IS NULL
        RETURNING id";
    Ok(sql!(tx, |c| sqlx::query_scalar(HOLD)
        .bind(identifier)
        .fetch_optional(c)
        .await)?)
}

/// Every client, newest first.
///
/// # Errors
/// When the database fails.
pub async fn all(tx: &mut Tx) -> Result<Vec<Client>> {
    const ALL: &str = clients!("ORDER BY created_at DESC, id DESC");
    let rows = sql!(tx, |c| sqlx::query_as::<_, Row>(ALL).fetch_all(c).await)?;
    Ok(rows.into_iter().map(Client::from).collect())
}

/// Adds a client, without its redirect URIs, unless its OAuth `client_id` is known
/// already. Returns whether it was added.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, client: &Client) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO client (id, identifier, origin, project_id, name, client_type,
                            secret_hash, created_at, folded, look_alike, logo)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (identifier) DO NOTHING
        RETURNING id";
    let added: Option<ClientId> = sql!(tx, |c| sqlx::query_scalar(INSERT)
        .bind(&client.id)
        .bind(&client.identifier)
        .bind(client.origin)
        .bind(&client.project)
        .bind(&client.name)
        .bind(client.client_type)
        .bind(&client.secret_hash)
        .bind(client.created_at)
        .bind(folded(&[&client.name, &client.identifier]))
        .bind(client.look_alike())
        .bind(&client.logo)
        .fetch_optional(c)
        .await)?;
    Ok(added.is_some())
}

/// Gives a client another name, and its connections their place in lists sorted by it.
/// It changes several connections, so the caller holds [`super::lock_several`].
///
/// # Errors
/// When the database fails.
pub async fn rename(tx: &mut Tx, client: &Client, name: &str) -> Result<()> {
    const RENAME: &str = "UPDATE client SET name = $2, folded = $3 WHERE id = $1";
    const SORT: &str = "UPDATE connection SET client_folded = $2 WHERE client_id = $1";
    let folded = folded(&[name, &client.identifier]);
    execute!(tx, RENAME, &client.id, name, &folded)?;
    execute!(tx, SORT, &client.id, &folded)?;
    Ok(())
}

/// Removes a client's redirect URIs.
///
/// # Errors
/// When the database fails.
pub async fn remove_redirect_uris(tx: &mut Tx, id: &ClientId) -> Result<()> {
    const REMOVE: &str = "DELETE FROM redirect_uri WHERE client_id = $1";
    execute!(tx, REMOVE, id)?;
    Ok(())
}

/// Adds a redirect URI at a position.
///
/// # Errors
/// When the database fails.
pub async fn insert_redirect_uri(
    tx: &mut Tx,
    client: &ClientId,
    position: usize,
    uri: &RedirectUri,
) -> Result<()> {
    const INSERT: &str = "INSERT INTO redirect_uri (client_id, position, uri) VALUES ($1, $2, $3)";
    execute!(tx, INSERT, client, position as i64, uri.as_str())?;
    Ok(())
}

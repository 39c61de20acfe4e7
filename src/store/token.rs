//! Access and refresh tokens.

use crate::{
    clock::Timestamp,
    domain::{
        connection::Life,
        ids::{ConnectionId, CredentialId, PersonId, ProjectId},
        project::Slug,
        retention::REPLACED_TOKEN,
        scope::ScopeSet,
        secret::SecretHash,
    },
};

use super::{
    Result, Tx,
    client_block::is_blocked,
    connection::{LifeRow, stored_scopes},
    sql,
};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "lowercase")]
pub enum TokenKind {
    /// Shown to MCP servers.
    Access,
    /// Exchanged for new tokens.
    Refresh,
}

/// A token, by its hash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Token {
    /// The hash of the token.
    pub hash: SecretHash,
    /// What it is for.
    pub kind: TokenKind,
    /// The connection it belongs to.
    pub connection_id: ConnectionId,
    /// The scopes it carries, as a space-separated list.
    pub scopes: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it stops working at the latest.
    pub expires_at: Timestamp,
    /// When a refresh token was exchanged.
    pub rotated_at: Option<Timestamp>,
}

impl Token {
    /// The scopes it carries.
    ///
    /// # Errors
    /// When the row is broken.
    pub fn granted(&self) -> Result<ScopeSet> {
        stored_scopes(&self.scopes, "token", &self.connection_id)
    }
}

/// Adds an access token and a refresh token.
///
/// # Errors
/// When the database fails.
pub async fn insert_pair(tx: &mut Tx, pair: [&Token; 2]) -> Result<()> {
    sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new(
            "INSERT INTO token (hash, kind, connection_id, scopes, issued_at, expires_at) ",
        );
        query.push_values(pair, |mut row, token| {
            row.push_bind(&token.hash)
                .push_bind(token.kind)
                .push_bind(&token.connection_id)
                .push_bind(&token.scopes)
                .push_bind(token.issued_at)
                .push_bind(token.expires_at);
        });
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The token with this hash.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, hash: &SecretHash) -> Result<Option<Token>> {
    const FIND: &str = "
        SELECT hash, kind, connection_id, scopes, issued_at, expires_at, rotated_at
        FROM token
        WHERE hash = $1";
    Ok(sql!(tx, |c| sqlx::query_as(FIND)
        .bind(hash)
        .fetch_optional(c)
        .await)?)
}

/// Marks a refresh token as exchanged, and lets it end after [`REPLACED_TOKEN`] at the
/// latest. Returns whether this call did it: of many, one does.
///
/// # Errors
/// When the database fails.
pub async fn rotate(tx: &mut Tx, hash: &SecretHash, now: Timestamp) -> Result<bool> {
    const ROTATE: &str = "
        UPDATE token
        SET rotated_at = $2,
            expires_at = CASE WHEN expires_at > $3 THEN $3 ELSE expires_at END
        WHERE hash = $1 AND rotated_at IS NULL
        RETURNING hash";
    let rotated: Option<SecretHash> = sql!(tx, |c| sqlx::query_scalar(ROTATE)
        .bind(hash)
        .bind(now)
        .bind(now.plus(REPLACED_TOKEN))
        .fetch_optional(c)
        .await)?;
    Ok(rotated.is_some())
}

/// Lets the tokens of a connection work until then at the latest. Those that were exchanged work
/// no longer as it is, and are kept to tell copies by.
///
/// # Errors
/// When the database fails.
pub async fn end_by(tx: &mut Tx, connection: &ConnectionId, until: Timestamp) -> Result<()> {
    const END: &str = "
        UPDATE token
        SET expires_at = $2
        WHERE connection_id = $1 AND expires_at > $2 AND rotated_at IS NULL";
    sql!(tx, |c| sqlx::query(END)
        .bind(connection)
        .bind(until)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes the tokens of a connection that can no longer work.
///
/// # Errors
/// When the database fails.
pub async fn remove_expired(tx: &mut Tx, connection: &ConnectionId, now: Timestamp) -> Result<()> {
    const REMOVE: &str = "DELETE FROM token WHERE connection_id = $1 AND expires_at <= $2";
    sql!(tx, |c| sqlx::query(REMOVE)
        .bind(connection)
        .bind(now)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Up to `limit` tokens that ended then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn find_ended(tx: &mut Tx, until: Timestamp, limit: usize) -> Result<Vec<SecretHash>> {
    // token_by_end
    const ENDED: &str = "SELECT hash FROM token WHERE expires_at <= $1 LIMIT $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(ENDED)
        .bind(until)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

/// How many tokens ended then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn count_ended(tx: &mut Tx, until: Timestamp) -> Result<i64> {
    // token_by_end
    const COUNT: &str = "SELECT COUNT(*) FROM token WHERE expires_at <= $1";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT)
        .bind(until)
        .fetch_one(c)
        .await)?)
}

/// Removes the tokens, and returns how many there were.
///
/// # Errors
/// When the database fails.
pub async fn remove_all(tx: &mut Tx, hashes: &[SecretHash]) -> Result<usize> {
    let removed = sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new("DELETE FROM token WHERE hash IN (");
        let mut list = query.separated(", ");
        for hash in hashes {
            list.push_bind(hash);
        }
        let query = query.push(")").build();
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(removed as usize)
}

/// Removes one token.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, hash: &SecretHash) -> Result<()> {
    const REMOVE: &str = "DELETE FROM token WHERE hash = $1";
    sql!(tx, |c| sqlx::query(REMOVE)
        .bind(hash)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// An access token with all that decides whether it works and what it says.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The connection.
    pub connection: ConnectionId,
    /// The project it leads to, and that project's audience.
    pub project: (ProjectId, String),
    /// Whether that project was archived.
    pub archived: bool,
    /// The short name of that project.
    pub slug: Slug,
    /// The OAuth `client_id` of the client.
    pub client_identifier: String,
    /// Whether that client was revoked.
    pub client_revoked: bool,
    /// Whose connection it is.
    pub person: PersonId,
    /// Their e-mail.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether they were cut off.
    pub person_deactivated: bool,
    /// Whether the client may not connect, for everyone or for them.
    pub blocked: bool,
    /// The scopes the token carries.
    pub scopes: ScopeSet,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When it stops working at the latest.
    pub expires_at: Timestamp,
    /// What the connection's status depends on.
    pub life: Life,
}

#[derive(sqlx::FromRow)]
struct BearerRow {
    connection_id: ConnectionId,
    project_id: ProjectId,
    resource: String,
    archived_at: Option<Timestamp>,
    slug: Slug,
    client_identifier: String,
    client_revoked_at: Option<Timestamp>,
    person_id: PersonId,
    email: String,
    person_name: String,
    deactivated_at: Option<Timestamp>,
    blocked: bool,
    scopes: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[sqlx(flatten)]
    life: LifeRow,
}

impl BearerRow {
    fn bearer(self) -> Result<Bearer> {
        Ok(Bearer {
            life: self.life.life(&self.connection_id)?,
            scopes: stored_scopes(&self.scopes, "token", &self.connection_id)?,
            connection: self.connection_id,
            project: (self.project_id, self.resource),
            archived: self.archived_at.is_some(),
            slug: self.slug,
            client_identifier: self.client_identifier,
            client_revoked: self.client_revoked_at.is_some(),
            person: self.person_id,
            email: self.email,
            name: self.person_name,
            person_deactivated: self.deactivated_at.is_some(),
            blocked: self.blocked,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct PresentedRow {
    place: i64,
    #[sqlx(flatten)]
    bearer: BearerRow,
    secret_hash: Option<SecretHash>,
}

/// What is asked about an access token.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its hash.
    pub token: SecretHash,
    /// The introspection credential of whoever asks.
    pub credential: Option<CredentialId>,
    /// When.
    pub at: Timestamp,
}

/// What a token gives, and the hash of the secret of the credential that asks, if that is a
/// working introspection credential of the token's project.
pub type Found = (Bearer, Option<SecretHash>);

/// The access tokens that are asked about, in the order of the questions; `None` where there
/// is none. Working or not is for the caller to say. All that a tool call asks for, and for
/// many of them at once, in one query.
///
/// # Errors
/// When the database fails.
pub async fn bearers(tx: &mut Tx, questions: &[Question]) -> Result<Vec<Option<Found>>> {
    // Every step is a look-up by primary key, or by client_block_once.
    const BEARERS: &str = concat!(
        ")
        SELECT asked.place,
               token.connection_id, token.scopes, token.issued_at, token.expires_at,
               connection.project_id, project.resource, project.slug, project.archived_at,
               client.identifier AS client_identifier, client.revoked_at AS client_revoked_at,
               connection.person_id, people.email, people.name AS person_name,
               people.deactivated_at,
               ",
        is_blocked!(),
        " AS blocked,
               connection.authorized_at, connection.last_used_at,
               connection.revoked_at, connection.revoked_by, connection.revoked_reason,
               project_credential.secret_hash
        FROM asked
        JOIN token ON token.hash = asked.token AND token.kind = 'access'
        JOIN connection ON connection.id = token.connection_id
        JOIN project ON project.id = connection.project_id
        JOIN client ON client.id = connection.client_id
        JOIN people ON people.id = connection.person_id
        LEFT JOIN project_credential
          ON project_credential.id = asked.credential
          AND project_credential.project_id = connection.project_id
          AND (project_credential.revoked_at IS NULL OR project_credential.revoked_at > asked.at)"
    );
    let rows: Vec<PresentedRow> = sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new("WITH asked (place, token, credential, at) AS (");
        query.push_values(
            questions.iter().enumerate(),
            |mut row, (place, question)| {
                row.push_bind(place as i64)
                    .push_bind(&question.token)
                    .push_bind(&question.credential)
                    .push_bind(question.at);
            },
        );
        query.push(BEARERS);
        query.build_query_as().fetch_all(c).await
    })?;
    let mut found: Vec<Option<Found>> = questions.iter().map(|_| None).collect();
    for row in rows {
        if let Some(place) = found.get_mut(row.place as usize) {
            *place = Some((row.bearer.bearer()?, row.secret_hash));
        }
    }
    Ok(found)
}

/// The secret's hash of an introspection credential that works now.
///
/// # Errors
/// When the database fails.
pub async fn credential(
    tx: &mut Tx,
    id: &CredentialId,
    now: Timestamp,
) -> Result<Option<SecretHash>> {
    const CREDENTIAL: &str = "
        SELECT secret_hash
        FROM project_credential
        WHERE id = $1 AND (revoked_at IS NULL OR revoked_at > $2)";
    Ok(sql!(tx, |c| sqlx::query_scalar(CREDENTIAL)
        .bind(id)
        .bind(now)
        .fetch_optional(c)
        .await)?)
}

//! What the MCP servers of projects authenticate with at the introspection endpoint.

use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::{
        ids::{CredentialId, ProjectId},
        secret::SecretHash,
    },
};

use super::{Result, Tx, connection_filter::push_in, execute, sql};

/// A credential, without its secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Credential {
    /// Its id: the OAuth client id that the server shows.
    pub id: CredentialId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last shown with its secret, to within a minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it no longer works, or from when on it will not.
    pub revoked_at: Option<Timestamp>,
}

impl Credential {
    /// Whether it works.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none_or(|at| at > now)
    }
}

/// Adds a credential. Returns whether there was none of this id.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    id: &CredentialId,
    project: &ProjectId,
    secret: &SecretHash,
    now: Timestamp,
) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO project_credential (id, project_id, secret_hash, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    let inserted = execute!(tx, INSERT, id, project, secret, now)?;
    Ok(inserted == 1)
}

/// The credentials of a project, also those that no longer work, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_project(tx: &mut Tx, project: &ProjectId) -> Result<Vec<Credential>> {
    // Index: project_credential_by_project.
    const OF_PROJECT: &str = "
        SELECT id, created_at, last_used_at, revoked_at
        FROM project_credential
        WHERE project_id = $1
        ORDER BY created_at DESC, id DESC";
    Ok(sql!(tx, |c| sqlx::query_as(OF_PROJECT)
        .bind(project)
        .fetch_all(c)
        .await)?)
}

/// The hash of the secret of one of a project's credentials.
///
/// # Errors
/// When the database fails.
pub async fn secret(
    tx: &mut Tx,
    project: &ProjectId,
    id: &CredentialId,
) -> Result<Option<SecretHash>> {
    const SECRET: &str =
        "SELECT secret_hash FROM project_credential WHERE id = $1 AND project_id = $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(SECRET)
        .bind(id)
        .bind(project)
        .fetch_optional(c)
        .await)?)
}

/// Lets one of a project's credentials work until `at` only. Returns whether that is
/// sooner than it was.
///
/// # Errors
/// When the database fails.
pub async fn end(
    tx: &mut Tx,
    project: &ProjectId,
    id: &CredentialId,
    at: Timestamp,
) -> Result<bool> {
    const END: &str = "
        UPDATE project_credential
        SET revoked_at = $3
        WHERE id = $1 AND project_id = $2 AND (revoked_at IS NULL OR revoked_at > $3)";
    let ended = execute!(tx, END, id, project, at)?;
    Ok(ended == 1)
}

/// Up to `limit` credentials that ended then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn find_ended(tx: &mut Tx, until: Timestamp, limit: usize) -> Result<Vec<CredentialId>> {
    // Reads the whole table: a project has few at a time.
    const ENDED: &str = "SELECT id FROM project_credential WHERE revoked_at <= $1 LIMIT $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(ENDED)
        .bind(until)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

/// How many such credentials there are.
///
/// # Errors
/// When the database fails.
pub async fn count_ended(tx: &mut Tx, until: Timestamp) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM project_credential WHERE revoked_at <= $1";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT)
        .bind(until)
        .fetch_one(c)
        .await)?)
}

/// Removes those of the credentials that ended then or earlier, and returns how many
/// there were.
///
/// # Errors
/// When the database fails.
pub async fn remove_ended(tx: &mut Tx, until: Timestamp, ids: &[CredentialId]) -> Result<usize> {
    let removed = sql!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM project_credential WHERE revoked_at <= ");
        query.push_bind(until.millis()).push(" AND ");
        push_in(&mut query, "id", ids);
        let done = query.build().execute(c).await;
        done.map(|done| done.rows_affected())
    })?;
    Ok(removed as usize)
}

/// Notes that a credential was used then.
///
/// # Errors
/// When the database fails.
pub async fn record_use(tx: &mut Tx, id: &CredentialId, at: Timestamp) -> Result<()> {
    const RECORD: &str = "
        UPDATE project_credential
        SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    execute!(tx, RECORD, id, at)?;
    Ok(())
}

//! Authorization codes (RFC 6749 §4.1).

use crate::{
    clock::Timestamp,
    domain::{ids::ConnectionId, scope::ScopeSet, secret::SecretHash},
};

use super::{Result, Tx, connection::stored_scopes, sql};

/// An authorization code, by its hash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Code {
    /// The hash of the code.
    pub hash: SecretHash,
    /// The connection that the consent created.
    pub connection_id: ConnectionId,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// The PKCE challenge (RFC 7636, S256).
    pub code_challenge: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was redeemed; a code is redeemed once.
    pub redeemed_at: Option<Timestamp>,
    /// What redeeming it makes of the scopes of a connection that was there before,
    /// as a space-separated list.
    pub scopes: Option<String>,
}

impl Code {
    /// The scopes that redeeming it gives the connection; `None` when the connection
    /// was made with it.
    ///
    /// # Errors
    /// When the row is broken.
    pub fn widens_to(&self) -> Result<Option<ScopeSet>> {
        let scopes = self.scopes.as_deref();
        let parse = |text| stored_scopes(text, "authorization_code", &self.connection_id);
        scopes.map(parse).transpose()
    }
}

/// Adds a code. The same hash twice is a duplicate error.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, code: &Code) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO authorization_code (hash, connection_id, redirect_uri, code_challenge,
                                        issued_at, scopes)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sql!(tx, |c| sqlx::query(INSERT)
        .bind(&code.hash)
        .bind(&code.connection_id)
        .bind(&code.redirect_uri)
        .bind(&code.code_challenge)
        .bind(code.issued_at)
        .bind(&code.scopes)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// The code with this hash, redeemed or not.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, hash: &SecretHash) -> Result<Option<Code>> {
    const FIND: &str = "
        SELECT hash, connection_id, redirect_uri, code_challenge, issued_at, redeemed_at, scopes
        FROM authorization_code
        WHERE hash = $1";
    Ok(sql!(tx, |c| sqlx::query_as(FIND)
        .bind(hash)
        .fetch_optional(c)
        .await)?)
}

/// Redeems a code. Returns whether this call did it: of many, one does.
///
/// # Errors
/// When the database fails.
pub async fn redeem(tx: &mut Tx, hash: &SecretHash, now: Timestamp) -> Result<bool> {
    const REDEEM: &str = "
        UPDATE authorization_code
        SET redeemed_at = $2
        WHERE hash = $1 AND redeemed_at IS NULL
        RETURNING hash";
    let redeemed: Option<SecretHash> = sql!(tx, |c| sqlx::query_scalar(REDEEM)
        .bind(hash)
        .bind(now)
        .fetch_optional(c)
        .await)?;
    Ok(redeemed.is_some())
}

//! What an installation keeps about itself.

use super::{Result, Tx, execute, sql};

/// What tells the secret key that everything was made with from another.
const KEY_MARK: &str = "secret key";

/// The mark of the secret key that the database was used with; `None` when it has not been.
///
/// # Errors
/// When the database fails.
pub async fn key_mark(tx: &mut Tx) -> Result<Option<String>> {
    const MARK: &str = "SELECT value FROM setting WHERE key = $1";
    Ok(sql!(tx, |c| sqlx::query_scalar(MARK)
        .bind(KEY_MARK)
        .fetch_optional(c)
        .await)?)
}

/// Keeps the mark of a secret key, in place of another if it `replaces` that.
///
/// # Errors
/// When the database fails.
pub async fn keep_key_mark(tx: &mut Tx, mark: &str, replaces: bool) -> Result<()> {
    const ADD: &str = "
        INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    const SET: &str = "
        INSERT INTO setting (key, value) VALUES ($1, $2)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    let keep = if replaces { SET } else { ADD };
    execute!(tx, keep, KEY_MARK, mark)?;
    Ok(())
}

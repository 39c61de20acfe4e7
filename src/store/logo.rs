//! The logos of clients, and the pictures that some of them are.

use crate::domain::{ids::ClientId, logo::Logo, picture::Picture};

use super::{Result, Tx, execute, sql};

/// Gives a client this logo, or none.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &mut Tx, id: &ClientId, logo: Option<&Logo>) -> Result<()> {
    const SET: &str = "UPDATE client SET logo = $2 WHERE id = $1";
    execute!(tx, SET, id, logo)?;
    Ok(())
}

/// Removes the picture that a client had, if it had one.
///
/// # Errors
/// When the database fails.
pub async fn remove_picture(tx: &mut Tx, id: &ClientId) -> Result<()> {
    const REMOVE: &str = "DELETE FROM client_picture WHERE client_id = $1";
    execute!(tx, REMOVE, id)?;
    Ok(())
}

/// Adds the picture of a client that has none.
///
/// # Errors
/// When the database fails.
pub async fn insert_picture(tx: &mut Tx, id: &ClientId, picture: &Picture) -> Result<()> {
    const INSERT: &str = "INSERT INTO client_picture (client_id, png) VALUES ($1, $2)";
    execute!(tx, INSERT, id, picture.png())?;
    Ok(())
}

/// The PNG that is the logo of some client; `None` when no client has it.
///
/// # Errors
/// When the database fails.
pub async fn picture(tx: &mut Tx, logo: &Logo) -> Result<Option<Vec<u8>>> {
    // client_by_logo
    const FIND: &str = "
        SELECT client_picture.png
        FROM client
        JOIN client_picture ON client_picture.client_id = client.id
        WHERE client.logo = $1
        LIMIT 1";
    Ok(sql!(tx, |c| sqlx::query_scalar(FIND)
        .bind(logo)
        .fetch_optional(c)
        .await)?)
}

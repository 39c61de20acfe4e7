//! Copying what SQLite's write-ahead log holds into the database file, beside the writer.

use sqlx::SqliteConnection;

use super::{Db, Result, connect};

/// From how many pages of 4 KiB on the writer copies them itself, at a commit: what is
/// written while [`Checkpoints`] cannot keep up, or nobody runs them.
pub(super) const BY_WRITER: &str = "16384";

/// How big the log's file may stay, in bytes, once all of it has been copied: the same.
pub(super) const KEPT_LOG: &str = "67108864";

/// How many pages are much to copy at a time.
const MUCH: i64 = 250;

/// A connection of its own that copies. It waits for nobody, and no commit waits for it.
#[derive(Debug)]
pub struct Checkpoints {
    connection: SqliteConnection,
    /// How many pages of the log had been copied by the last time.
    copied: i64,
}

impl Checkpoints {
    /// Opens the connection; `None` where there is no such log.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(db: &Db) -> Result<Option<Self>> {
        let Db::Sqlite { write, .. } = db else {
            return Ok(None);
        };
        Ok(Some(Self {
            connection: connect::sqlite_beside(write).await?,
            copied: 0,
        }))
    }

    /// Copies all that no reader is in the way of. Returns whether that was much, and there
    /// may soon be as much again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&mut self) -> Result<bool> {
        let (_busy, _pages, copied): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
                .fetch_one(&mut self.connection)
                .await?;
        let before = std::mem::replace(&mut self.copied, copied);
        // A log that was begun anew counts from zero.
        Ok((copied - before).abs() >= MUCH)
    }
}

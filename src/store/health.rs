//! Whether the database can be worked with.

use std::time::Duration;

use tokio::time::timeout;

use super::{Db, Result, connect, sql};

/// How long is waited for a writer to see whether changes are taken.
const BUSY_WRITERS: Duration = Duration::from_secs(1);

impl Db {
    /// Whether the database answers and takes changes. One whose writers are all busy does, as
    /// far as can be known within a second.
    ///
    /// # Errors
    /// When it does not, or SQLite's file is no longer under its name.
    pub async fn ping(&self) -> Result<()> {
        // What tokens are asked about, which a lock may keep from everybody.
        const READ: &str = "
            SELECT COUNT(*)
            FROM setting
            LEFT JOIN token ON token.hash = setting.key
            LEFT JOIN connection ON connection.id = setting.key
            WHERE 1 = 0";
        const CHANGE: &str = "UPDATE setting SET value = value WHERE 1 = 0";
        if let Self::Sqlite { write, file, .. } = self {
            connect::same_file(write, *file)?;
        }
        let mut reader = self.read().await?;
        sql!(&mut reader, |c| sqlx::query(READ)
            .execute(c)
            .await
            .map(drop))?;
        drop(reader);
        let change = async {
            let mut writer = self.write().await?;
            sql!(&mut writer, |c| sqlx::query(CHANGE)
                .execute(c)
                .await
                .map(drop))?;
            Ok(())
        };
        match (timeout(BUSY_WRITERS, change).await, self) {
            (Ok(changed), _) => changed,
            // None is busy: there is none, and none can be had.
            (Err(_), Self::Postgres { write, .. }) if write.size() == 0 => {
                Err(sqlx::Error::PoolTimedOut.into())
            }
            (Err(_), _) => Ok(()),
        }
    }

    /// What SQLite finds damaged in its file first, which is read as a whole; PostgreSQL looks
    /// after itself.
    ///
    /// # Errors
    /// When the file is damaged too much to be looked at, or cannot be reached.
    pub async fn damage(&self) -> Result<Option<String>> {
        let Self::Sqlite { read, .. } = self else {
            return Ok(None);
        };
        let look = sqlx::query_scalar("PRAGMA quick_check(1)");
        let found: String = look.fetch_one(read).await?;
        Ok((found != "ok").then_some(found))
    }
}

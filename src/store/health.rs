//! Whether the database can be worked with.

use std::time::Duration;

use tokio::time::timeout;

use crate::clock::Timestamp;

use super::{Db, Result, file, sql};

/// How long is waited for a writer to see whether changes are taken.
const BUSY_WRITERS: Duration = Duration::from_secs(1);

/// How far clocks may be apart. A code lives for a minute, and a refresh has a window of grace.
const NEAR: Duration = Duration::from_secs(10);

impl Db {
    /// Whether the database answers and takes changes. One whose writers are all busy does, as
    /// far as can be known within a second.
    ///
    /// # Errors
    /// When it does not, or SQLite's file is no longer under its name.
    pub async fn ping(&self) -> Result<()> {
        // What tokens are asked about, which a lock may keep from everybody.
        const READ: &str = "
            SELECT (SELECT hash FROM token LIMIT 1), (SELECT id FROM connection LIMIT 1)
            FROM setting";
        // One row, so that something is written: a disk may be full.
        const CHANGE: &str = "UPDATE setting SET value = value WHERE key = 'several connections'";
        if let Self::Sqlite { write, .. } = self {
            file::same_log(write)?;
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
            writer.commit().await
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

    /// The latest moment at which something happened that is on record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest(&self) -> Result<Option<Timestamp>> {
        // connection_by_use, audit_event_by_age
        const LATEST: &str = "
            SELECT MAX(at) FROM (
                SELECT MAX(last_used_at) AS at FROM connection
                UNION ALL
                SELECT MAX(at) FROM audit_event
            ) AS known";
        let mut reader = self.read().await?;
        Ok(sql!(&mut reader, |c| sqlx::query_scalar(LATEST)
            .fetch_one(c)
            .await)?)
    }

    /// How far the clock, which says `now`, is from PostgreSQL's, where that is enough to matter:
    /// servers that share the database must agree on the time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clock_gap(&self, now: Timestamp) -> Result<Option<Duration>> {
        const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        let Self::Postgres { read, .. } = self else {
            return Ok(None);
        };
        let theirs: i64 = sqlx::query_scalar(NOW).fetch_one(read).await?;
        let gap = now.apart(Timestamp::from_millis(theirs));
        Ok(Some(gap).filter(|gap| *gap > NEAR))
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

//! Brings the schema up to date, beside programs that use it.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::time::sleep;

use super::{Db, Error, MIGRATIONS, Result, Schema, connect, engine, trigram};

/// How soon is tried again what others were in the way of.
const AGAIN: Duration = Duration::from_secs(1);

impl Db {
    /// Brings the schema up to date.
    ///
    /// # Errors
    /// When it was used by a later version, or the database fails.
    pub(super) async fn migrate(&self) -> Result<()> {
        match self {
            Self::Sqlite { write, .. } => {
                // Statements of the writer outside of a transaction wait for nobody.
                let mut beside = connect::sqlite_beside(write).await?;
                engine::refuse_foreign(&mut beside).await?;
                if self.schema().await? != Schema::Current {
                    // One process at a time, and all of it or nothing.
                    let mut turn = beside.begin_with("BEGIN IMMEDIATE").await?;
                    MIGRATIONS.run(&mut *turn).await?;
                    turn.commit().await?;
                }
                engine::prepare_sqlite(&mut beside).await?;
                trigram::prepare_sqlite(&mut beside).await
            }
            Self::Postgres { write, .. } => loop {
                let is_current = self.schema().await? == Schema::Current;
                match on_postgres(write, is_current).await {
                    Err(error) if error.is_lock_in_the_way() => {
                        tracing::warn!(%error, "waiting to bring the schema up to date");
                        sleep(AGAIN).await;
                    }
                    done => return done,
                }
            },
        }
    }
}

/// One attempt, on a connection of its own: what fails goes with it. It waits for no lock for
/// long, because everybody who comes after would wait behind it.
async fn on_postgres(write: &PgPool, is_current: bool) -> Result<()> {
    let mut beside = connect::postgres_beside(write).await?;
    let done = alone(&mut beside, is_current).await;
    let closed = beside.close().await;
    done?;
    Ok(closed?)
}

/// What one process does at a time: not all that it makes could be made by two. A schema that
/// `is_current` is only looked at, so that the role need not be allowed to change it.
async fn alone(beside: &mut PgConnection, is_current: bool) -> Result<()> {
    const ONE: &str = "SELECT pg_advisory_lock(hashtext('untether schema'))";
    sqlx::query(ONE).execute(&mut *beside).await?;
    if !is_current {
        MIGRATIONS.run(&mut *beside).await?;
    }
    engine::prepare_postgres(beside).await?;
    trigram::prepare_postgres(beside).await
}

impl Error {
    /// Whether a lock of somebody else's did not come free (`lock_not_available`).
    fn is_lock_in_the_way(&self) -> bool {
        let error = match self {
            Self::Database(error) => error,
            Self::Migration(
                sqlx::migrate::MigrateError::Execute(error)
                | sqlx::migrate::MigrateError::ExecuteMigration(error, _),
            ) => error,
            _ => return false,
        };
        let code = error.as_database_error().and_then(|error| error.code());
        code.as_deref() == Some("55P03")
    }
}

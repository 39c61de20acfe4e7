//! Where the engines truly differ: what `migrations/` cannot say to both.

use sqlx::PgPool;

use super::{Result, Tx, sql};

/// The versions of the migrations that the database has been through; none in a new one.
///
/// # Errors
/// When the database fails.
pub(super) async fn applied_migrations(tx: &mut Tx) -> Result<Vec<i64>> {
    const TABLE_ON_SQLITE: &str =
        "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    const TABLE_ON_POSTGRES: &str = "
        SELECT COUNT(*)
        FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'";
    const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
    let table = match tx {
        Tx::Sqlite(_) => TABLE_ON_SQLITE,
        Tx::Postgres(_) => TABLE_ON_POSTGRES,
    };
    let tables: i64 = sql!(tx, |c| sqlx::query_scalar(table).fetch_one(c).await)?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    Ok(sql!(tx, |c| sqlx::query_scalar(APPLIED)
        .fetch_all(c)
        .await)?)
}

/// Makes PostgreSQL compare folded names byte by byte, as SQLite does and as
/// keyset paging needs, whatever the collation of the database. Does nothing
/// when that has been done.
///
/// # Errors
/// When the database fails.
pub(super) async fn prepare_postgres(pool: &PgPool) -> Result<()> {
    const DONE: &str = "
        SELECT COUNT(*)
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'connection'
          AND column_name = 'folded' AND collation_name = 'C'";
    const SORT_BY_BYTES: &str = r#"
        ALTER TABLE people ALTER COLUMN folded TYPE TEXT COLLATE "C";
        ALTER TABLE client ALTER COLUMN folded TYPE TEXT COLLATE "C";
        ALTER TABLE project ALTER COLUMN folded TYPE TEXT COLLATE "C";
        ALTER TABLE connection
            ALTER COLUMN folded TYPE TEXT COLLATE "C",
            ALTER COLUMN client_folded TYPE TEXT COLLATE "C",
            ALTER COLUMN project_folded TYPE TEXT COLLATE "C",
            ALTER COLUMN person_folded TYPE TEXT COLLATE "C""#;
    let done: i64 = sqlx::query_scalar(DONE).fetch_one(pool).await?;
    if done == 0 {
        sqlx::raw_sql(SORT_BY_BYTES).execute(pool).await?;
    }
    Ok(())
}

//! Where the engines truly differ: what `migrations/` cannot say to both.

use sqlx::PgPool;

use super::Result;

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

//! What building a query needs of either engine, and where the two truly differ: what
//! `migrations/` cannot say to both.

use sqlx::{
    AssertSqlSafe, Database, Encode, PgConnection, Postgres, QueryBuilder, Sqlite,
    SqliteConnection, Type,
};

use super::{Error, Result, Tx, sql};

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

/// Refuses a file that has tables, and was never migrated by us.
///
/// # Errors
/// When it has, or the database fails.
pub(super) async fn refuse_foreign(connection: &mut SqliteConnection) -> Result<()> {
    // The table of migrations comes before all others.
    const FOREIGN: &str = "
        SELECT COUNT(*)
        FROM sqlite_master
        WHERE NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')";
    let foreign: i64 = sqlx::query_scalar(FOREIGN).fetch_one(connection).await?;
    match foreign {
        0 => Ok(()),
        _ => Err(Error::Foreign),
    }
}

/// Where in another text a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At its beginning.
    Beginning,
    /// Somewhere.
    Anywhere,
}

/// What the query builder needs to know of an engine to bind ids and times.
pub(super) trait Engine: Database {
    /// Before a column, keeps the planner from beginning with its index.
    /// PostgreSQL knows by itself how many rows that would be.
    const HIDE: &'static str;
    /// After a table, keeps the planner from reading all of it instead of the index
    /// connection_by_other_stem.
    const BY_OTHER_STEM: &'static str;
    /// The column that names a row of a table to the same statement, with the shortest way there.
    const ROW: &'static str;
    /// Before and after a subquery, makes the planner begin with the few rows that it finds,
    /// however many it takes them for.
    const ONE_OF: [&'static str; 2];
    /// After a text, has its bytes compared and only the letters from A to Z changed by LOWER.
    const BY_BYTES: &'static str;
    /// Whether a name is found in the tables that `trigram` makes.
    const HAS_TRIGRAM_TABLES: bool;
    /// The condition of that index: that the stem of a connection's name is no part of
    /// its client's name.
    const OTHER_STEM: &'static str;

    /// Pushes that a text stands in a column whose text is compared byte by byte.
    fn push_stands(query: &mut QueryBuilder<Self>, column: &str, text: &str, at: At);
}

impl Engine for Sqlite {
    const HIDE: &'static str = "+";
    const ROW: &'static str = "rowid";
    const ONE_OF: [&'static str; 2] = [" IN (", ")"];
    const BY_BYTES: &'static str = "";
    const HAS_TRIGRAM_TABLES: bool = true;
    const BY_OTHER_STEM: &'static str = " INDEXED BY connection_by_other_stem";
    // It knows the condition again only with the column first.
    const OTHER_STEM: &'static str = "client_folded = replace(client_folded, stem, '')";

    fn push_stands(query: &mut QueryBuilder<Self>, column: &str, text: &str, at: At) {
        match at {
            // No text goes on with that byte: an index leads to just those that begin so.
            At::Beginning => {
                query.push(format_args!("({column} >= "));
                query.push_bind(text.to_owned());
                query.push(format_args!(" AND {column} < "));
                query.push_bind(text.to_owned());
                query.push(" || CAST(x'FF' AS TEXT))");
            }
            // LIKE takes it twice as long.
            At::Anywhere => {
                query.push(format_args!("instr({column}, "));
                query.push_bind(text.to_owned()).push(") > 0");
            }
        }
    }
}

impl Engine for Postgres {
    const HIDE: &'static str = "";
    const ROW: &'static str = "id";
    const ONE_OF: [&'static str; 2] = [" = ANY (ARRAY(", "))"];
    const BY_BYTES: &'static str = r#" COLLATE "C""#;
    const HAS_TRIGRAM_TABLES: bool = false;
    const BY_OTHER_STEM: &'static str = "";
    // The one column is compared byte by byte, the other need not be.
    const OTHER_STEM: &'static str =
        r#"client_folded = replace(client_folded, stem COLLATE "C", '')"#;

    // Of LIKE it knows how many rows there may be; strpos it takes to be true of a third.
    fn push_stands(query: &mut QueryBuilder<Self>, column: &str, text: &str, at: At) {
        let mut pattern = String::from(match at {
            At::Beginning => "",
            At::Anywhere => "%",
        });
        for letter in text.chars() {
            if ['\\', '%', '_'].contains(&letter) {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        query.push(column).push(" LIKE ").push_bind(pattern);
    }
}

/// ` AND column IN (…)`, or nothing when nothing is listed.
pub(super) fn push_any<D: Engine, T: ToString>(
    query: &mut QueryBuilder<D>,
    column: &str,
    values: &[T],
) where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if !values.is_empty() {
        query.push(" AND ");
        push_in(query, column, values);
    }
}

/// `column IN (…)`.
pub(super) fn push_in<D: Engine, T: ToString>(
    query: &mut QueryBuilder<D>,
    column: &str,
    values: &[T],
) where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(column).push(" IN (");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.to_string());
    }
    query.push(")");
}

/// Makes the index of the connections with such a stem, unless it is there.
///
/// # Errors
/// When the database fails.
pub(super) async fn prepare_sqlite(connection: &mut SqliteConnection) -> Result<()> {
    let index = index_other_stems::<Sqlite>();
    sqlx::query(index).execute(connection).await?;
    Ok(())
}

fn index_other_stems<D: Engine>() -> AssertSqlSafe<String> {
    let condition = D::OTHER_STEM;
    AssertSqlSafe(format!(
        "CREATE INDEX IF NOT EXISTS connection_by_other_stem ON connection (stem, id)
        WHERE {condition}"
    ))
}

/// Makes PostgreSQL compare folded names byte by byte, as SQLite does and as
/// keyset paging needs, whatever the collation of the database, and then makes the
/// index of connections with such a stem. Leaves room beside connections for what a revoke
/// makes of them. Does nothing when that has been done.
///
/// # Errors
/// When the database fails.
pub(super) async fn prepare_postgres(beside: &mut PgConnection) -> Result<()> {
    const DONE: &str = "
        SELECT COUNT(*)
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = 'connection'
          AND column_name = 'folded' AND collation_name = 'C'";
    const ROOMY: &str = "
        SELECT COUNT(*)
        FROM pg_class
        WHERE oid = 'connection'::regclass AND reloptions IS NOT NULL";
    // Neighbours in the table, as one page of a list has them, are revoked together; their
    // counts are anywhere.
    const LEAVE_ROOM: &str = "
        ALTER TABLE connection SET (fillfactor = 60);
        ALTER TABLE connection_count SET (fillfactor = 70);
        ALTER TABLE connection_total SET (fillfactor = 70)";
    const INDEXED: &str = "
        SELECT COUNT(*)
        FROM pg_indexes
        WHERE schemaname = current_schema() AND indexname = 'connection_by_other_stem'";
    const SORT_BY_BYTES: &str = r#"
        ALTER TABLE people ALTER COLUMN folded TYPE TEXT COLLATE "C";
        ALTER TABLE client ALTER COLUMN folded TYPE TEXT COLLATE "C";
        ALTER TABLE project ALTER COLUMN folded TYPE TEXT COLLATE "C";
        ALTER TABLE connection
            ALTER COLUMN folded TYPE TEXT COLLATE "C",
            ALTER COLUMN client_folded TYPE TEXT COLLATE "C",
            ALTER COLUMN project_folded TYPE TEXT COLLATE "C",
            ALTER COLUMN person_folded TYPE TEXT COLLATE "C""#;
    let done: i64 = sqlx::query_scalar(DONE).fetch_one(&mut *beside).await?;
    if done == 0 {
        sqlx::raw_sql(SORT_BY_BYTES).execute(&mut *beside).await?;
    }
    // What an administrator has set stays as it is.
    let roomy: i64 = sqlx::query_scalar(ROOMY).fetch_one(&mut *beside).await?;
    if roomy == 0 {
        sqlx::raw_sql(LEAVE_ROOM).execute(&mut *beside).await?;
    }
    // Asked first: making it waits for every writer, even when it is there.
    let indexed: i64 = sqlx::query_scalar(INDEXED).fetch_one(&mut *beside).await?;
    if indexed == 0 {
        let index = index_other_stems::<Postgres>();
        sqlx::query(index).execute(&mut *beside).await?;
    }
    Ok(())
}

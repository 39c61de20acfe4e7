//! Many rows, quickly, and the chance that makes them differ.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, raw_sql};
use untether::store::{self, Db};

/// Rows of one INSERT.
const CHUNK: usize = 1_000;

/// What the program keeps in step by itself, for rows that were made past it.
const DERIVED: &str = "
    INSERT INTO connection_label (text) SELECT DISTINCT label FROM connection;
    INSERT INTO connection_revocation (id, project_id, authorized_at, last_used_at, revoked_at)
    SELECT id, project_id, authorized_at, last_used_at, revoked_at
    FROM connection
    WHERE revoked_at IS NOT NULL
    ORDER BY authorized_at, id;
    DELETE FROM connection_count;
    INSERT INTO connection_count (client_id, project_id, active, expired, revoked, last_used_at)
    SELECT client_id, project_id, COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed),
           COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed), COUNT(revoked_at),
           MAX(last_used_at)
    FROM connection
    GROUP BY client_id, project_id;
    DELETE FROM connection_total;
    UPDATE connection_bounds
    SET active_used_after = COALESCE(
            (SELECT MIN(last_used_at) - 1 FROM connection WHERE revoked_at IS NULL AND NOT lapsed),
            active_used_after),
        expired_used_until = COALESCE(
            (SELECT MAX(last_used_at) FROM connection WHERE revoked_at IS NULL AND lapsed),
            expired_used_until);";

/// What a server that has been running for a while has done by itself.
pub async fn settle(db: &Db) -> store::Result<()> {
    execute(db, DERIVED.to_owned()).await?;
    for (kind, id) in [
        ("all", "''"),
        ("client", "client_id"),
        ("person", "person_id"),
        ("project", "project_id"),
    ] {
        let totals = format!(
            "INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at)
             SELECT '{kind}', {id}, COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed),
                    COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed), COUNT(revoked_at),
                    MAX(last_used_at)
             FROM connection
             GROUP BY 2"
        );
        execute(db, totals).await?;
    }
    match db {
        Db::Sqlite { .. } => execute(db, "PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await,
        Db::Postgres { .. } => execute(db, "VACUUM ANALYZE".to_owned()).await,
    }
}

/// The indexes of `connection`, taken away while its rows are made: each is built faster
/// at once than row by row.
pub struct Indexes(Vec<(String, String)>);

impl Indexes {
    pub async fn take_away(db: &Db) -> store::Result<Self> {
        const SQLITE: &str = "
            SELECT name, sql
            FROM sqlite_master
            WHERE type = 'index' AND tbl_name = 'connection' AND sql IS NOT NULL";
        const POSTGRES: &str = "
            SELECT indexname, indexdef
            FROM pg_indexes
            WHERE schemaname = current_schema() AND tablename = 'connection'
              AND indexname <> 'connection_pkey'";
        let found: Vec<(String, String)> = match db {
            Db::Sqlite { write, .. } => sqlx::query_as(SQLITE).fetch_all(write).await?,
            Db::Postgres { write, .. } => sqlx::query_as(POSTGRES).fetch_all(write).await?,
        };
        for (name, _) in &found {
            execute(db, format!("DROP INDEX {name}")).await?;
        }
        Ok(Self(found))
    }

    pub async fn put_back(self, db: &Db) -> store::Result<()> {
        for (_, make) in self.0 {
            execute(db, make).await?;
        }
        Ok(())
    }
}

/// Rows on their way into a table, many in one statement.
pub struct Rows {
    table: &'static str,
    sql: String,
    count: usize,
}

impl Rows {
    pub fn new(table: &'static str) -> Self {
        Self {
            table,
            sql: String::new(),
            count: 0,
        }
    }

    pub async fn push(&mut self, db: &Db, row: std::fmt::Arguments<'_>) -> store::Result<()> {
        let before = if self.count == 0 { "" } else { ", " };
        write!(self.sql, "{before}{row}").expect("a String takes everything");
        self.count += 1;
        if self.count == CHUNK {
            self.flush(db).await
        } else {
            Ok(())
        }
    }

    pub async fn flush(&mut self, db: &Db) -> store::Result<()> {
        if self.count > 0 {
            let rows = std::mem::take(&mut self.sql);
            execute(db, format!("INSERT INTO {} VALUES {rows}", self.table)).await?;
            self.count = 0;
        }
        Ok(())
    }
}

/// Runs a statement whose text is all our own.
async fn execute(db: &Db, sql: String) -> store::Result<()> {
    let sql = raw_sql(AssertSqlSafe(sql));
    match db {
        Db::Sqlite { write, .. } => sql.execute(write).await.map(drop)?,
        Db::Postgres { write, .. } => sql.execute(write).await.map(drop)?,
    }
    Ok(())
}

/// Chance that is the same in every run (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Each of `count` as often as another.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// The first of `count` comes twice as often as the second, three times as the third.
    pub fn zipf(&mut self, count: usize) -> usize {
        ((count as f64 + 1.0).powf(self.unit()) as usize).clamp(1, count) - 1
    }
}

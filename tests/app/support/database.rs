//! A database for one test: a file on SQLite, a copy of a template on PostgreSQL.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{Connection, Executor, PgConnection, PgPool, Row, SqliteConnection, SqlitePool};
use tokio::sync::OnceCell;
use untether::{config::DatabaseUrl, store::Db};
use url::Url;

static DATABASES: AtomicU32 = AtomicU32::new(0);
/// Databases on PostgreSQL that nobody needs any more.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A database with nothing in it, which each test has a copy of: migrating takes longer than most
/// tests. The bytes of a file on SQLite, a template's name on PostgreSQL.
static EMPTY_FILE: OnceCell<Vec<u8>> = OnceCell::const_new();
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

async fn migrated_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    let url = DatabaseUrl::Sqlite { path: path.clone() };
    Db::open(&url).await.unwrap().close().await;
    // Whichever connection is closed last may leave the schema in the file beside.
    let mut last = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    let all = "PRAGMA wal_checkpoint(TRUNCATE)";
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as(all).fetch_one(&mut last).await.unwrap();
    assert_eq!(busy, 0, "another connection is still open");
    std::fs::read(path).unwrap()
}

async fn migrated_template(server: &str) -> String {
    let name = format!("untether_test_{}", std::process::id());
    let create = [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ];
    on_server(server, create).await;
    let url = named(server, &name);
    let db = Db::open(&DatabaseUrl::Postgres { url }).await.unwrap();
    db.close().await;
    name
}

/// Makes a copy of the template, in the place of those that are not needed any more.
async fn copied(server: &str) -> String {
    let template = TEMPLATE.get_or_init(|| migrated_template(server)).await;
    let name = format!("{template}_{}", DATABASES.fetch_add(1, Ordering::SeqCst));
    let left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
    let drop = |name| format!("DROP DATABASE {name} WITH (FORCE)");
    let mut statements: Vec<_> = left.into_iter().map(drop).collect();
    statements.push(format!(
        "CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
    ));
    on_server(server, statements).await;
    name
}

/// Runs statements that want no transaction around them.
async fn on_server(server: &str, statements: impl IntoIterator<Item = String>) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    for statement in statements {
        let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(statement));
        connection.execute(statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// The address of another database on the same server.
fn named(server: &str, database: &str) -> String {
    let mut url = Url::parse(server).unwrap();
    url.set_path(database);
    url.into()
}

/// Where the test's data is, and a way to look at it past the program.
pub struct TestDatabase {
    pub url: DatabaseUrl,
    // Removes the file when the test ends.
    _folder: tempfile::TempDir,
    pool: OnceCell<PgPool>,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let DatabaseUrl::Postgres { url } = &self.url {
            let name = Url::parse(url).unwrap().path()[1..].to_owned();
            LEFT.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(name);
        }
    }
}

impl TestDatabase {
    pub async fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match std::env::var("UNTETHER_TEST_POSTGRES_URL") {
            Err(_) => {
                let path = folder.path().join("test.db");
                let empty = EMPTY_FILE.get_or_init(migrated_file).await;
                std::fs::write(&path, empty).unwrap();
                // As the program makes it.
                std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
                DatabaseUrl::Sqlite { path }
            }
            Ok(server) => {
                let url = named(&server, &copied(&server).await);
                DatabaseUrl::Postgres { url }
            }
        };
        Self {
            url,
            _folder: folder,
            pool: OnceCell::new(),
        }
    }

    /// One on PostgreSQL with nothing in it, made with these words; `None` on SQLite.
    pub async fn empty(with: &str) -> Option<Self> {
        let server = std::env::var("UNTETHER_TEST_POSTGRES_URL").ok()?;
        let number = DATABASES.fetch_add(1, Ordering::SeqCst);
        let name = format!("untether_empty_{}_{number}", std::process::id());
        on_server(&server, [format!("CREATE DATABASE {name} {with}")]).await;
        Some(Self {
            url: DatabaseUrl::Postgres {
                url: named(&server, &name),
            },
            _folder: tempfile::tempdir().unwrap(),
            pool: OnceCell::new(),
        })
    }

    /// Runs statements past the program.
    pub async fn execute(&self, statements: &str) {
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        match &self.url {
            DatabaseUrl::Sqlite { path } => {
                let pool = SqlitePool::connect(&format!("sqlite://{}", path.display()))
                    .await
                    .unwrap();
                pool.execute(sqlx::raw_sql(statements)).await.unwrap();
                pool.close().await;
            }
            DatabaseUrl::Postgres { url } => {
                let pool = self.pool(url).await;
                pool.execute(sqlx::raw_sql(statements)).await.unwrap();
            }
        }
    }

    /// Adds copies of a connection, each a minute older than the one before.
    pub async fn multiply(&self, connection: &str, copies: usize) {
        self.execute(&format!(
            "INSERT INTO connection (id, person_id, client_id, project_id, name, scopes,
                 authorized_at, connected_at, last_used_at, revoked_at, revoked_by,
                 folded, stem, label, person_folded, client_folded, project_folded, lapsed)
             WITH RECURSIVE copy (n) AS (
                 SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {copies}
             )
             SELECT '01890000-0000-7000-8000-' || CAST(100000000000 + n AS TEXT),
                    person_id, client_id, project_id, name || n, scopes,
                    authorized_at - n * 60000, connected_at - n * 60000,
                    last_used_at - n * 60000, revoked_at, revoked_by,
                    folded || n, stem, label || n, person_folded, client_folded, project_folded, lapsed
             FROM copy, connection
             WHERE id = '{connection}'"
        ))
        .await;
        self.recount().await;
    }

    /// Adds people and clients that have connected nothing.
    pub async fn add_bystanders(&self, count: usize) {
        self.execute(&format!(
            "INSERT INTO people (id, subject, email, name, folded, first_seen_at, last_seen_at)
             WITH RECURSIVE copy (n) AS (
                 SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {count}
             )
             SELECT '01890000-0000-7000-9000-' || CAST(100000000000 + n AS TEXT),
                    'bystander' || n, 'bystander' || n, 'Bystander', 'bystander' || n, 0, 0
             FROM copy;
             INSERT INTO client (id, identifier, origin, name, folded, client_type, created_at)
             SELECT id, id, 'registered', name, folded, 'public', 0
             FROM people
             WHERE subject LIKE 'bystander%'"
        ))
        .await;
    }

    /// Brings what is counted in step with rows that were changed past the program.
    pub async fn recount(&self) {
        let counts = "COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed),
                      COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed), COUNT(revoked_at)";
        let mut statements = format!(
            "DELETE FROM connection_count; DELETE FROM connection_total;
             DELETE FROM connection_revocation;
             INSERT INTO connection_revocation
                 (id, project_id, authorized_at, last_used_at, revoked_at)
             SELECT id, project_id, authorized_at, last_used_at, revoked_at
             FROM connection WHERE revoked_at IS NOT NULL;
             INSERT INTO connection_count (client_id, project_id, active, expired, revoked, last_used_at)
             SELECT client_id, project_id, {counts}, MAX(last_used_at)
             FROM connection GROUP BY client_id, project_id;
             UPDATE connection_bounds
             SET active_used_after = (SELECT COALESCE(MIN(last_used_at) - 1, 0) FROM connection
                     WHERE revoked_at IS NULL AND NOT lapsed),
                 active_authorized_after = (SELECT COALESCE(MIN(authorized_at) - 1, 0) FROM connection
                     WHERE revoked_at IS NULL AND NOT lapsed),
                 expired_used_until = (SELECT COALESCE(MAX(last_used_at), 0) FROM connection
                     WHERE revoked_at IS NULL AND lapsed);"
        );
        for (kind, id) in [
            ("all", "''"),
            ("client", "client_id"),
            ("person", "person_id"),
            ("project", "project_id"),
        ] {
            statements += &format!(
                "INSERT INTO connection_total (kind, id, active, expired, revoked, last_used_at)
                 SELECT '{kind}', {id}, {counts}, MAX(last_used_at) FROM connection GROUP BY 2;"
            );
        }
        self.execute(&statements).await;
    }

    /// Fails unless the counts that are kept are those of the connections.
    pub async fn check_counts(&self) {
        let kept = self.texts(
            "SELECT client_id || ' ' || project_id || ' ' || active || ' ' || expired || ' ' || revoked
             FROM connection_count
             ORDER BY 1",
        );
        let counted = self.texts(
            "SELECT client_id || ' ' || project_id
                 || ' ' || COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed)
                 || ' ' || COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed)
                 || ' ' || COUNT(revoked_at)
             FROM connection
             GROUP BY client_id, project_id
             ORDER BY 1",
        );
        assert_eq!(kept.await, counted.await);
        let parts = ["client", "person", "project"].map(|kind| {
            format!(
                "SELECT '{kind} ' || {kind}_id || ' ' || COUNT(*) FILTER (WHERE revoked_at IS NULL AND NOT lapsed)
                     || ' ' || COUNT(*) FILTER (WHERE revoked_at IS NULL AND lapsed)
                     || ' ' || COUNT(revoked_at)
                 FROM connection
                 GROUP BY {kind}_id"
            )
        });
        let totals = self.texts(
            "SELECT kind || ' ' || id || ' ' || active || ' ' || expired || ' ' || revoked
             FROM connection_total
             WHERE kind <> 'all' AND (active <> 0 OR expired <> 0 OR revoked <> 0)
             ORDER BY 1",
        );
        let counted = format!("{} ORDER BY 1", parts.join(" UNION ALL "));
        assert_eq!(totals.await, self.texts(&counted).await);
        let all = self.texts("SELECT active || ' ' || expired || ' ' || revoked FROM connection_total WHERE kind = 'all'");
        let revoked = ["connection", "connection_revocation"].map(|table| {
            format!(
                "SELECT id || ' ' || project_id || ' ' || authorized_at
                     || ' ' || last_used_at || ' ' || revoked_at
                 FROM {table} WHERE revoked_at IS NOT NULL ORDER BY 1"
            )
        });
        let [revoked, known] = revoked.each_ref().map(|query| self.texts(query));
        assert_eq!(known.await, revoked.await);
        let sums = self.texts("SELECT COALESCE(SUM(active), 0) || ' ' || COALESCE(SUM(expired), 0) || ' ' || COALESCE(SUM(revoked), 0) FROM connection_count");
        assert_eq!(all.await, sums.await);
    }

    /// The first column of every row of a query, as text. On the heap: a test's stack has no
    /// room for several.
    pub fn texts(&self, query: &str) -> Pin<Box<impl Future<Output = Vec<String>>>> {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        Box::pin(async move {
            match &self.url {
                DatabaseUrl::Sqlite { path } => {
                    let pool = SqlitePool::connect(&format!("sqlite://{}", path.display()))
                        .await
                        .unwrap();
                    let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
                    pool.close().await;
                    rows.iter().map(|row| row.get(0)).collect()
                }
                DatabaseUrl::Postgres { url } => {
                    let rows = sqlx::query(query).fetch_all(self.pool(url).await).await;
                    rows.unwrap().iter().map(|row| row.get(0)).collect()
                }
            }
        })
    }

    /// The connections of a test on PostgreSQL, where each is a process that has all to learn.
    async fn pool(&self, url: &str) -> &PgPool {
        self.pool
            .get_or_init(async || PgPool::connect(url).await.unwrap())
            .await
    }

    /// Everything in it, as text.
    pub async fn dump(&self) -> String {
        let columns = match &self.url {
            DatabaseUrl::Sqlite { .. } => {
                "SELECT m.name || ' ' || i.name
                 FROM sqlite_schema m, pragma_table_info(m.name) i
                 WHERE m.type = 'table' AND m.name <> '_sqlx_migrations'
                     AND substr(m.name, 1, 7) <> 'sqlite_'
                 ORDER BY m.name, i.cid"
            }
            DatabaseUrl::Postgres { .. } => {
                "SELECT table_name || ' ' || column_name
                 FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'
                 ORDER BY table_name, ordinal_position"
            }
        };
        let mut tables = BTreeMap::<_, Vec<_>>::new();
        for column in self.texts(columns).await {
            let (table, column) = column.split_once(' ').unwrap();
            let text = format!("COALESCE(CAST({column} AS TEXT), 'NULL')");
            let value = match &self.url {
                // Bytes are no text there.
                DatabaseUrl::Sqlite { .. } => {
                    format!("CASE TYPEOF({column}) WHEN 'blob' THEN HEX({column}) ELSE {text} END")
                }
                DatabaseUrl::Postgres { .. } => text,
            };
            tables.entry(table.to_owned()).or_default().push(value);
        }
        let rows = tables.iter().map(|(table, values)| {
            let row = values.join(" || ' | ' || ");
            format!("SELECT '{table}: ' || {row} FROM {table}")
        });
        let rows: Vec<_> = rows.collect();
        let rows = format!("{} ORDER BY 1", rows.join(" UNION ALL "));
        self.texts(&rows).await.join("\n")
    }
}

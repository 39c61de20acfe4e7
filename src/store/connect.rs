//! How connections to either engine are set up.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    pin::pin,
    str::FromStr,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Sqlite,
    SqliteConnection, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{sleep, timeout};

use super::{Db, Error, Result, checkpoint, engine, file::FileId};

/// The pages that the one writer of SQLite keeps, in KiB below zero: what a big act changes
/// in one transaction.
const WRITER_CACHE: &str = "-32000";

/// The pages that each reader keeps. They let go of all at every commit, and the system has
/// the file in memory: more made nothing faster, and all of them together big.
const READER_CACHE: &str = "-8000";

/// How many rows SQLite's thread may find before one is taken: it would stop and be woken
/// again twenty times in a thousand.
const ROWS_AHEAD: usize = 1000;

/// A setting of a session of PostgreSQL, and its value.
type Setting = (&'static str, &'static str);

/// What holds for all that we ask of PostgreSQL, whatever the role has: it takes longer to
/// compile a statement, or to start workers for it, than any of ours should run; and the few
/// long ones, such as an export to someone on a slow link, or an act on very many
/// connections, are not cut off.
const EVERYWHERE: [Setting; 4] = [
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// What holds for PostgreSQL's readers. They ask for anything, from one person's few
/// connections to everybody's: a plan made for all values would be a bad one for most.
///
/// They wait for nobody but whoever changes the schema, or rewrites a table.
const READS: [Setting; 3] = [
    ("default_transaction_read_only", "on"),
    ("plan_cache_mode", "force_custom_plan"),
    ("lock_timeout", "3s"),
];

/// What holds for those that write: they look rows up by their keys, and a planner that takes
/// this for slow reads all clients to find a hundred.
///
/// Another server that stopped in the middle of a transaction, or was cut off, keeps its locks
/// until PostgreSQL ends it; nobody waits longer for them than for a connection.
const WRITES: [Setting; 3] = [
    ("random_page_cost", "1.1"),
    ("idle_in_transaction_session_timeout", "15s"),
    ("lock_timeout", "30s"),
];

/// What holds for whoever changes the schema: nobody stands behind it for long.
const CHANGES: [Setting; 1] = [("lock_timeout", "3s")];

/// What holds for a reader of the same few statements over and over: their plans are kept.
const KEEPS_PLANS: [Setting; 1] = [("plan_cache_mode", "auto")];

/// How long a request waits for a connection before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one waits that writes: a block of a client with very many connections, which ends
/// all of them at once, keeps others waiting.
const PATIENCE_OF_WRITERS: Duration = Duration::from_secs(30);

/// How long a connection to PostgreSQL may take to say that it is still there: across a network
/// that swallows everything, the system itself would wait for a quarter of an hour.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// How soon PostgreSQL is asked again when it is not up yet.
const NOT_UP_YET: Duration = Duration::from_millis(200);

/// How soon a writer asks again for SQLite's only lock when another process has it. SQLite
/// itself would ask again after a tenth of a second, and miss each moment in which a long
/// act lets others have it.
const AGAIN: Duration = Duration::from_millis(2);

/// For how long SQLite is left alone after a batch of a long act.
const BETWEEN_BATCHES: Duration = Duration::from_millis(5);

/// Opens the pools of an SQLite database, which is made if it is not there.
///
/// # Errors
/// When the file cannot be opened.
pub(super) async fn sqlite(path: &Path) -> Result<Db> {
    let of_file = |error| Error::File {
        path: path.to_owned(),
        error,
    };
    make(path).map_err(of_file)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // A revoke that was answered must survive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("cache_size", WRITER_CACHE)
        // What a big statement would need to take back what it did is not written anywhere.
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", checkpoint::BY_WRITER)
        .pragma("journal_size_limit", checkpoint::KEPT_LOG)
        .statement_cache_capacity(256);
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE_OF_WRITERS)
        // It asks again by itself: see `sqlite_turn`.
        .after_connect(|writer, _| {
            Box::pin(async move {
                sqlx::query("PRAGMA busy_timeout = 0")
                    .execute(writer)
                    .await?;
                Ok(())
            })
        })
        .connect_with(options.clone())
        .await?;
    let read = SqlitePoolOptions::new()
        .max_connections(6)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .connect_with(options.read_only(true).pragma("cache_size", READER_CACHE))
        .await?;
    let file = FileId::of(path).map_err(of_file)?;
    Ok(Db::Sqlite { read, write, file })
}

/// Whether nothing has been put into the file, or there is none.
pub(super) fn is_new(path: &Path) -> bool {
    path.metadata().map_or(true, |file| file.len() == 0)
}

/// Refuses a file of another program, which is not changed.
///
/// # Errors
/// When it is one, or cannot be read.
pub(super) async fn refuse_foreign(path: &Path) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut reader = options.connect().await?;
    engine::refuse_foreign(&mut reader).await?;
    Ok(reader.close().await?)
}

/// Makes the file if it is not there, for nobody else to read. SQLite gives its companions
/// the same mode.
fn make(path: &Path) -> io::Result<()> {
    match make_new(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes a file that is not there yet, for nobody else to read.
///
/// # Errors
/// When it is, or cannot be made.
pub(super) fn make_new(path: &Path) -> io::Result<()> {
    let mut only_new = OpenOptions::new();
    only_new.write(true).create_new(true).mode(0o600);
    only_new.open(path).map(drop)
}

/// Opens the pools of a PostgreSQL database.
///
/// # Errors
/// When it cannot be reached.
pub(super) async fn postgres(url: &str) -> Result<Db> {
    let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(256);
    let pool = PgPoolOptions::new()
        .max_connections(12)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_alive(connection)));
    // The pools would only say that they waited in vain.
    let mut first = up(&options).await?;
    welcome(&mut first, &[]).await?;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding")
        .fetch_one(&mut first)
        .await?;
    first.close().await?;
    if encoding != "UTF8" {
        return Err(Error::Encoding(encoding));
    }
    let write = pool
        .clone()
        .acquire_timeout(PATIENCE_OF_WRITERS)
        .after_connect(|connection, _| Box::pin(welcome(connection, &WRITES)))
        .connect_with(options.clone())
        .await?;
    let read = pool
        .acquire_timeout(PATIENCE)
        .after_connect(|connection, _| Box::pin(welcome(connection, &READS)))
        .connect_with(options)
        .await?;
    Ok(Db::Postgres { read, write })
}

/// Sees a new connection in, with what holds for it. One to a standby is refused: the name of
/// the database may lead there for a moment while another server takes over, and what is
/// revoked then would go on working there. A server that does not know the notice does without.
///
/// The settings are not part of the greeting: a pooler between us would refuse it, or drop them.
async fn welcome(connection: &mut PgConnection, settings: &[Setting]) -> sqlx::Result<()> {
    // A statement whose asker has gone would wait for its lock, and keep a place that others need.
    const NOTICE: &str = "SET client_connection_check_interval = '1s'";
    let standby = sqlx::query_scalar("SELECT pg_is_in_recovery()");
    if standby.fetch_one(&mut *connection).await? {
        let why = "this PostgreSQL server is a standby, which takes no changes";
        return Err(sqlx::Error::Io(io::Error::new(
            ErrorKind::NotConnected,
            why,
        )));
    }
    set(&mut *connection, &EVERYWHERE).await?;
    set(&mut *connection, settings).await?;
    match connection.execute(NOTICE).await {
        Err(sqlx::Error::Database(_)) => Ok(()),
        done => done.map(drop),
    }
}

/// Makes the settings hold for a connection.
async fn set(connection: &mut PgConnection, settings: &[Setting]) -> sqlx::Result<()> {
    const SET: &str = "
        SELECT set_config(name, value, FALSE)
        FROM UNNEST($1::TEXT[], $2::TEXT[]) AS setting (name, value)";
    let (names, values): (Vec<_>, Vec<_>) = settings.iter().copied().unzip();
    let set = sqlx::query(SET).bind(names).bind(values);
    set.execute(connection).await.map(drop)
}

/// Whether a connection can be used. What the pool itself would ask has no limit.
async fn is_alive(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let sign = timeout(SIGN_OF_LIFE, connection.ping()).await;
    Ok(matches!(sign, Ok(Ok(()))))
}

/// A connection, when PostgreSQL is up and has room: it may start at the same time, or others
/// may just have ended.
async fn up(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut waited = Duration::ZERO;
    loop {
        match options.connect().await {
            Err(error) if waited < PATIENCE && is_for_now(&error) => {
                if waited.is_zero() {
                    let (host, port) = (options.get_host(), options.get_port());
                    tracing::warn!(host, port, %error, "waiting for PostgreSQL");
                }
                sleep(NOT_UP_YET).await;
                waited += NOT_UP_YET;
            }
            connected => return connected,
        }
    }
}

/// Whether nobody listens yet, or PostgreSQL says that it starts (`cannot_connect_now`) or is
/// full (`too_many_connections`).
fn is_for_now(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        error => error
            .as_database_error()
            .is_some_and(|error| matches!(error.code().as_deref(), Some("57P03" | "53300"))),
    }
}

/// Opens a connection of its own to change the schema with. What fails with it goes with it,
/// also the lock on the migrations.
///
/// # Errors
/// When it cannot be reached.
pub(super) async fn postgres_beside(write: &PgPool) -> Result<PgConnection> {
    let mut beside = write.connect_options().connect().await?;
    welcome(&mut beside, &CHANGES).await?;
    Ok(beside)
}

/// Opens one more connection like those of the pool, which waits for other processes as
/// SQLite does.
///
/// # Errors
/// When the file cannot be opened.
pub(super) async fn sqlite_beside(pool: &SqlitePool) -> Result<SqliteConnection> {
    Ok(pool.connect_options().connect().await?)
}

/// Begins a transaction of SQLite's one writer. It takes the lock at once: one that reads
/// before it writes would fail when another process writes in between.
///
/// Where SQLite itself took a transaction back, as when the disk was full, the connection still
/// takes itself to be in it, and would never begin another: one that does not takes its place.
///
/// # Errors
/// When other processes leave no turn in time.
pub(super) async fn sqlite_turn(write: &SqlitePool) -> Result<Transaction<'static, Sqlite>> {
    let mut patience = pin!(sleep(PATIENCE_OF_WRITERS));
    loop {
        match write.begin_with("BEGIN IMMEDIATE").await {
            Err(error) if is_taken(&error) => tokio::select! {
                () = &mut patience => return Err(error.into()),
                () = sleep(AGAIN) => {}
            },
            Err(sqlx::Error::InvalidSavePointStatement) => {
                let writer = write.acquire().await?;
                if writer.is_in_transaction() {
                    drop(writer.detach());
                }
            }
            begun => return Ok(begun?),
        }
    }
}

/// Leaves the database to others after a batch of a long act: processes only ask for SQLite's
/// lock from time to time. PostgreSQL has whoever waits stand in line.
pub(super) async fn make_way(db: &Db) {
    if let Db::Sqlite { .. } = db {
        sleep(BETWEEN_BATCHES).await;
    }
}

/// Whether another process has the lock: SQLITE_BUSY, which is the low byte of its kinds.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    const BUSY: u32 = 5;
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == BUSY)
}

/// Opens one more of PostgreSQL's readers, which keeps its plans.
///
/// # Errors
/// When it cannot be reached.
pub(super) async fn postgres_reader(read: &PgPool) -> Result<PgConnection> {
    let mut reader = read.connect_options().connect().await?;
    welcome(&mut reader, &READS).await?;
    set(&mut reader, &KEEPS_PLANS).await?;
    Ok(reader)
}

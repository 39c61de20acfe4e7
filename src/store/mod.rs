//! SQL, and nothing but SQL: one body of it for SQLite and PostgreSQL.
//!
//! A store function is one statement, with those that nobody may forget beside it: a
//! project is read with its scopes, and a connection that is added is counted. It takes a
//! [`Tx`], which the caller got from [`Db::write`] (kept only by an explicit commit),
//! [`Db::snapshot`] (several reads that agree with each other) or [`Db::read`] (one read).

use std::time::Duration;

use sqlx::{
    Database, PgPool, Postgres, Sqlite, SqlitePool, Transaction, migrate::Migrator,
    pool::PoolConnection,
};

use crate::config::DatabaseUrl;

pub use error::{Error, Result};
use file::FileId;

pub mod audit;
pub mod audit_list;
mod backup;
pub mod bulk_act;
pub mod checkpoint;
pub mod client;
pub mod client_block;
pub mod client_look;
pub mod client_manage;
pub mod client_sweep;
pub mod code;
mod connect;
pub mod connection;
mod connection_bounds;
mod connection_count;
pub mod connection_drift;
pub mod connection_end;
pub mod connection_filter;
mod connection_group_counts;
mod connection_group_key;
mod connection_group_number;
mod connection_group_ranks;
mod connection_group_rows;
mod connection_group_walk;
pub mod connection_groups;
mod connection_heads;
mod connection_key;
pub mod connection_list;
mod connection_parts;
pub mod connection_plan;
mod connection_revocation;
pub mod connection_search;
mod connection_statuses;
mod connection_sum;
pub mod connection_sweep;
mod connection_times;
pub mod credential;
mod engine;
mod error;
mod file;
mod health;
pub mod logo;
mod migrate;
pub mod person;
pub mod project;
pub mod project_change;
pub mod project_list;
pub mod setting;
pub mod token;
pub mod tombstone;
mod trigram;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Runs a query on whichever engine holds the transaction.
macro_rules! sql {
    ($tx:expr, |$connection:ident| $query:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(held) => {
                let $connection = held.connection();
                $query
            }
            $crate::store::Tx::Postgres(held) => {
                let $connection = held.connection();
                $query
            }
        }
    };
}
pub(crate) use sql;

/// Runs a statement that answers with nothing, with these values in their order. Returns
/// how many rows it changed.
macro_rules! execute {
    ($tx:expr, $statement:expr $(, $value:expr)+) => {
        $crate::store::sql!($tx, |c| sqlx::query($statement)
            $(.bind($value))+
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
    };
}
pub(crate) use execute;

/// The database: a pool of readers that cannot write, and writers.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite in WAL mode; one writer, because SQLite has one.
    Sqlite {
        /// Read-only connections.
        read: SqlitePool,
        /// The one writer.
        write: SqlitePool,
        /// Which file it is.
        file: FileId,
    },
    /// PostgreSQL.
    Postgres {
        /// Connections whose transactions are read-only.
        read: PgPool,
        /// Connections that may write.
        write: PgPool,
    },
}

/// How the schema of a database compares with the one that this program works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is the same.
    Current,
    /// It is empty; [`Db::open`] makes it.
    Empty,
    /// It was made by an earlier version; [`Db::open`] brings it up to date.
    Older,
    /// It was made by a later version.
    Newer,
}

/// How often an SQLite database is looked at that others are making, or have locked, and how
/// long is waited in between.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

impl Db {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached, opened or migrated.
    pub async fn open(url: &DatabaseUrl) -> Result<Self> {
        // Other processes may be making the same new database at this moment, and none waits
        // for another to do so: a later look finds their work done.
        let is_new = match url {
            DatabaseUrl::Sqlite { path } => connect::is_new(path),
            DatabaseUrl::Postgres { .. } => false,
        };
        let most = |error: &Error| match url {
            DatabaseUrl::Sqlite { .. } if is_new || error.is_out_of_reach() => LOOKS,
            _ => 1,
        };
        let mut looks = 1;
        loop {
            match Self::open_once(url).await {
                Err(error) if looks < most(&error) => tokio::time::sleep(BETWEEN_LOOKS).await,
                opened => return opened,
            }
            looks += 1;
        }
    }

    async fn open_once(url: &DatabaseUrl) -> Result<Self> {
        let db = Self::connect(url).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Opens the database as it is, if it is there, and says what state its schema is in.
    ///
    /// # Errors
    /// When it cannot be reached or read.
    pub async fn inspect(url: &DatabaseUrl) -> Result<Option<(Self, Schema)>> {
        if let DatabaseUrl::Sqlite { path } = url {
            if !path.exists() {
                return Ok(None);
            }
            connect::refuse_foreign(path).await?;
        }
        let db = Self::connect(url).await?;
        let schema = db.schema().await?;
        Ok(Some((db, schema)))
    }

    /// What has been made of its schema.
    async fn schema(&self) -> Result<Schema> {
        let applied = engine::applied_migrations(&mut self.read().await?).await?;
        let known: Vec<_> = MIGRATIONS.iter().map(|known| known.version).collect();
        Ok(if applied.is_empty() {
            Schema::Empty
        } else if applied.iter().any(|version| !known.contains(version)) {
            Schema::Newer
        } else if known.iter().any(|version| !applied.contains(version)) {
            Schema::Older
        } else {
            Schema::Current
        })
    }

    async fn connect(url: &DatabaseUrl) -> Result<Self> {
        match url {
            DatabaseUrl::Sqlite { path } => connect::sqlite(path).await,
            DatabaseUrl::Postgres { url } => connect::postgres(url).await,
        }
    }

    /// A transaction that may write. Dropped without a commit, it leaves nothing.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { write, file, .. } => {
                file::same_file(write, *file)?;
                Tx::Sqlite(Held::Transaction(connect::sqlite_turn(write).await?))
            }
            Self::Postgres { write, .. } => Tx::Postgres(Held::Transaction(write.begin().await?)),
        })
    }

    /// A connection for a single read.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { read, .. } => Tx::Sqlite(Held::Plain(read.acquire().await?)),
            Self::Postgres { read, .. } => Tx::Postgres(Held::Plain(read.acquire().await?)),
        })
    }

    /// A transaction in which all reads see the same state.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn snapshot(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { read, .. } => Tx::Sqlite(Held::Transaction(read.begin().await?)),
            Self::Postgres { read, .. } => Tx::Postgres(Held::Transaction(
                read.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            )),
        })
    }

    /// Opens a connection for reads that is the caller's alone, for one question over and over.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open_reader(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { read, .. } => {
                Tx::Sqlite(Held::Own(Box::new(connect::sqlite_beside(read).await?)))
            }
            Self::Postgres { read, .. } => {
                Tx::Postgres(Held::Own(Box::new(connect::postgres_reader(read).await?)))
            }
        })
    }

    /// Leaves the database to others for a moment, after one of the transactions of a long act.
    pub async fn make_way(&self) {
        connect::make_way(self).await;
    }

    /// Closes every connection; on SQLite this also folds the log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres { read, write } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

/// A connection of one engine, inside a transaction or not.
#[derive(Debug)]
pub enum Held<D: Database> {
    /// Each statement stands alone.
    Plain(PoolConnection<D>),
    /// The same, on a connection that goes back to no pool.
    Own(Box<D::Connection>),
    /// Statements stand or fall together.
    Transaction(Transaction<'static, D>),
}

impl<D: Database> Held<D> {
    pub(crate) fn connection(&mut self) -> &mut D::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Own(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

/// A hold on the database that store functions work through.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Held<Sqlite>),
    /// On PostgreSQL.
    Postgres(Held<Postgres>),
}

impl Tx {
    /// Makes the transaction's changes last.
    ///
    /// # Errors
    /// When the engine could not make them durable; then nothing has changed.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(Held::Transaction(tx)) => tx.commit().await?,
            Self::Postgres(Held::Transaction(tx)) => tx.commit().await?,
            Self::Sqlite(Held::Plain(_) | Held::Own(_))
            | Self::Postgres(Held::Plain(_) | Held::Own(_)) => {}
        }
        Ok(())
    }
}

/// Locks, until the transaction ends, the right to change several connections
/// in one act, so that two such acts never wait for each other's rows.
///
/// # Errors
/// When the database fails.
pub async fn lock_several(tx: &mut Tx) -> Result<()> {
    const LOCK: &str = "UPDATE setting SET value = value WHERE key = 'several connections'";
    sql!(tx, |c| sqlx::query(LOCK).execute(c).await.map(drop))?;
    Ok(())
}

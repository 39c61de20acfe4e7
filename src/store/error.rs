//! What can be wrong with the database.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use super::connect;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine refused or could not be reached.
    #[error("the database failed: {}", said(.0))]
    Database(#[from] sqlx::Error),
    /// There is a row of this id already.
    #[error("there is a row of this id already")]
    Duplicate,
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated: {}", of_migration(.0))]
    Migration(MigrateError),
    /// It has been, by a step that this version does not know.
    #[error(
        "the database was used by a later version of Untether (its schema has step {0}): run that \
         version, or a newer one"
    )]
    Newer(i64),
    /// A SQLite file could not be made or looked at.
    #[error("{}: {error}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A SQLite file without our tables has others.
    #[error("the file holds tables of another program")]
    Foreign,
    /// Another SQLite file, or none, is where this one was opened.
    #[error(
        "{path} or its log was deleted or replaced while it was used: stop Untether, remove what \
         there is of {path}-wal and {path}-shm, put the right file there, and start again",
        path = .0.display()
    )]
    Moved(PathBuf),
    /// A PostgreSQL database could not keep every name.
    #[error(
        "the encoding of the database is {0}, which has no room for every name: make it anew with \
         ENCODING 'UTF8'"
    )]
    Encoding(String),
    /// A stored value makes no sense.
    #[error("row {id} of table {table} has a broken {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        id: String,
    },
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(version),
            other => Self::Migration(other),
        }
    }
}

/// What codes of PostgreSQL (SQLSTATE) begin with that a moment later may not be so.
const AWAY: [&str; 9] = [
    "08", "53", "57P", "57014", "25006", "25P03", "40001", "40P01", "55P03",
];

impl Error {
    /// Whether the database is away, or too busy: the same may work in a moment.
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Database(error) if connect::is_taken(error) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                // It is shut down, starts, has become a standby, has no room or connection left,
                // ended what took too long, or had two in each other's way.
                // SQLite's codes are shorter.
                code.len() == 5 && AWAY.iter().any(|away| code.starts_with(away))
            }
            Self::Database(error) => matches!(
                error,
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
            ),
            Self::Moved(_) => true,
            _ => false,
        }
    }

    /// Whether SQLite finds its file damaged, or no database at all: SQLITE_CORRUPT or
    /// SQLITE_NOTADB.
    pub fn is_damage(&self) -> bool {
        let of_engine = match self {
            Self::Database(error) => error.as_database_error(),
            _ => None,
        };
        let code = of_engine.and_then(|error| error.code());
        code.is_some_and(|code| ["11", "26"].contains(&&*code))
    }

    /// Whether a unique constraint was violated.
    pub fn is_duplicate(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.is_unique_violation(),
            Self::Duplicate => true,
            _ => false,
        }
    }
}

/// What the engine says, without where in its source it says so.
fn said(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        None => error.to_string(),
        Some(error) => match error.code() {
            None => error.message().to_owned(),
            Some(code) => format!("{} ({code})", error.message()),
        },
    }
}

/// What kept the schema from being brought up to date.
fn of_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => said(error),
        MigrateError::ExecuteMigration(error, step) => format!("step {step}: {}", said(error)),
        error => error.to_string(),
    }
}

/// What store functions return.
pub type Result<T> = std::result::Result<T, Error>;

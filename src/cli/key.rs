//! The installation's secret key.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    clock::{Clock, SystemClock},
    config::{DatabaseUrl, SecretKey, Settings},
    domain::{
        audit::{Action, Actor, Event, Subject},
        secret::{Randomness, Secrets, SystemRandomness},
    },
    store::{self, Db},
};

use super::Failure;

/// The key from the settings, or the one kept beside the SQLite database, which
/// is made on first use and readable by nobody else.
///
/// # Errors
/// When it cannot be read or written, or makes no sense.
pub fn of(settings: &Settings) -> Result<Vec<u8>, Failure> {
    match (&settings.secret_key, &settings.database) {
        (Some(key), _) => Ok(key.expose().to_vec()),
        (None, DatabaseUrl::Sqlite { path }) => beside(path),
        (None, DatabaseUrl::Postgres { .. }) => Err(Failure::new(
            "UNTETHER_SECRET_KEY is needed with PostgreSQL",
        )),
    }
}

/// Where the key is kept, when it is not in the settings.
pub fn file(settings: &Settings) -> Option<PathBuf> {
    match (&settings.secret_key, &settings.database) {
        (None, DatabaseUrl::Sqlite { path }) => Some(file_beside(path)),
        _ => None,
    }
}

fn file_beside(database: &Path) -> PathBuf {
    let mut file = database.as_os_str().to_owned();
    file.push(".key");
    file.into()
}

fn beside(database: &Path) -> Result<Vec<u8>, Failure> {
    let file = file_beside(database);
    if !file.try_exists()? {
        if is_used(database)? {
            return Err(lost(&file, database));
        }
        make(&file).map_err(|error| unmade(&file, &error))?;
    } else if !is_used(database)? {
        tracing::warn!(
            key = %file.display(),
            database = %database.display(),
            "a new database is made, although there is a key of an older one: if it should be \
             there, stop, and restore it from the backup"
        );
    }
    let text = fs::read_to_string(&file).map_err(|error| {
        Failure::new(format!(
            "the secret key {} cannot be read: {error}",
            file.display()
        ))
    })?;
    let key = SecretKey::parse(text.trim())
        .map_err(|error| Failure::new(format!("the secret key {}: {error}", file.display())))?;
    Ok(key.expose().to_vec())
}

/// Whether there is a database that something was put into.
fn is_used(database: &Path) -> Result<bool, Failure> {
    const HEADER: &[u8] = b"SQLite format 3\0";
    let mut start = Vec::new();
    let read = match fs::File::open(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file.and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut start)),
    };
    let database = database.display();
    match (read, &*start) {
        (Err(error), _) => Err(Failure(format!("{database} cannot be read: {error}"))),
        (Ok(_), b"") => Ok(false),
        (Ok(_), HEADER) => Ok(true),
        (Ok(_), _) => Err(Failure(format!("{database} is no SQLite database"))),
    }
}

/// Checks that this is the key that servers have used the database with. Another would end
/// everything in silence: each token would be refused, and hosts throw away what is refused.
///
/// # Errors
/// When it is another, or the database failed.
pub async fn verify(db: &Db, secrets: &Secrets) -> Result<(), Failure> {
    let known = store::setting::key_mark(&mut db.read().await?).await?;
    match known.is_none_or(|known| known == secrets.key_mark()) {
        true => Ok(()),
        false => Err(Failure::new(OTHER)),
    }
}

/// Notes which key a server uses the database with: the first, or another that is accepted,
/// which the audit trail tells.
///
/// # Errors
/// When it is another, or the database failed.
pub async fn note(db: &Db, secrets: &Secrets, accept: bool) -> Result<(), Failure> {
    let mark = secrets.key_mark();
    let mut tx = db.write().await?;
    let known = store::setting::key_mark(&mut tx).await?;
    store::setting::keep_key_mark(&mut tx, &mark, accept).await?;
    if accept && known.is_some_and(|known| known != mark) {
        tracing::warn!("the secret key was replaced: {GIVEN_UP}");
        let now = SystemClock.now();
        let event = Event {
            id: secrets.new_id(now),
            at: now,
            action: Action::SecretKeyReplaced,
            actor: Actor::CommandLine,
            address: None,
            reason: None,
            detail: Some(format!("From then on {GIVEN_UP}.")),
            subject: Subject::default(),
        };
        store::audit::append(&mut tx, &[event]).await?;
    }
    tx.commit().await?;
    verify(db, secrets).await
}

/// What a new key means.
const GIVEN_UP: &str = "no token, client secret or introspection credential that was made before \
                        works, though connections are shown as active until they expire";

/// What is wrong with another key.
const OTHER: &str = "the secret key is not the one that the database has been used with: no \
                         token, client secret or credential that was made with that works. Set \
                         the right one. Only to give all of them up, start once with untether \
                         serve --accept-new-key";

/// A new key would end everything that the old one made, in silence.
fn lost(file: &Path, database: &Path) -> Failure {
    Failure::new(format!(
        "the secret key {} is gone, and {} has been used with it: restore it from the backup, or \
         set UNTETHER_SECRET_KEY. Only to give up every token, client secret and credential that \
         was made until now, put a new key there (openssl rand -base64 32) and start once with \
         untether serve --accept-new-key",
        file.display(),
        database.display()
    ))
}

/// Why there is no new key.
fn unmade(file: &Path, error: &io::Error) -> Failure {
    let folder = folder_of(file).display();
    Failure(match error.kind() {
        io::ErrorKind::NotFound => format!(
            "there is no folder {folder} for the database and its secret key: make it, for the \
             user that runs untether"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "the user that runs untether may not write to {folder}, where the database and its \
             secret key go"
        ),
        _ => format!("the secret key {} cannot be made: {error}", file.display()),
    })
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn make(file: &Path) -> io::Result<()> {
    let mut bytes = [0; 32];
    SystemRandomness.fill(&mut bytes);
    // Complete before it has its name, and never in place of another: two
    // programs that start at once agree on the first one's key.
    let mut new = tempfile::NamedTempFile::new_in(folder_of(file))?;
    writeln!(new, "{}", URL_SAFE_NO_PAD.encode(bytes))?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

//! `untether backup`.

use std::path::PathBuf;

use serde_json::json;

use crate::{config::Settings, store::Db};

use super::{Failure, key, missing, say, unusable};

#[derive(Debug, clap::Args)]
pub struct Backup {
    /// Where the copy goes; nothing may be there yet
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command. The database is copied as it is, also one of an earlier version.
///
/// # Errors
/// When something is at that path already, it cannot be written, or the database is not SQLite.
pub async fn run(backup: &Backup, settings: &Settings) -> Result<(), Failure> {
    let path = &backup.path;
    let url = &settings.database;
    let found = Db::inspect(url).await;
    let found = found.map_err(|error| unusable(url, &error))?;
    let (db, _) = found.ok_or_else(|| missing(url))?;
    if !db.copy_to(path).await? {
        return Err(Failure::new(
            "PostgreSQL makes its own backups: use pg_dump, and keep UNTETHER_SECRET_KEY with them",
        ));
    }
    let key = key::file(settings);
    if backup.json {
        return say!("{}", json!({ "backup": path, "secret_key": key }));
    }
    let key = match key {
        Some(key) => format!("the secret key, {}", key.display()),
        None => "UNTETHER_SECRET_KEY".to_owned(),
    };
    say!(
        "Copied {url} to {}.\nKeep {key}, as well: without it the copy is of no use.",
        path.display()
    )
}

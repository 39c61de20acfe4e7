//! `untether backup`.

use std::path::PathBuf;

use serde_json::json;

use super::{Failure, Workshop, key, say};

#[derive(Debug, clap::Args)]
pub struct Backup {
    /// Where the copy goes; nothing may be there yet
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When something is at that path already, it cannot be written, or the database is not SQLite.
pub async fn run(backup: &Backup, workshop: &Workshop) -> Result<(), Failure> {
    let path = &backup.path;
    let url = &workshop.settings.database;
    if !workshop.db.copy_to(path).await? {
        return Err(Failure::new(
            "PostgreSQL makes its own backups: use pg_dump, and keep UNTETHER_SECRET_KEY with them",
        ));
    }
    let key = key::file(&workshop.settings);
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

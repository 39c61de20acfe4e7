//! A copy of an SQLite database, made while it is used.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::Path,
};

use super::{Db, Error, Result, connect};

impl Db {
    /// Copies an SQLite database, as it is at one moment, into a new file that nobody else may
    /// read. Returns whether it is one: PostgreSQL copies its databases itself. It has its name
    /// when it is whole: what was interrupted lies beside it, and is called `.part`.
    ///
    /// # Errors
    /// When the file is there already or cannot be written; then there is none.
    pub async fn copy_to(&self, path: &Path) -> Result<bool> {
        let Self::Sqlite { write, .. } = self else {
            return Ok(false);
        };
        let of_file = |error| Error::File {
            path: path.to_owned(),
            error,
        };
        let name = path.to_str().ok_or(ErrorKind::InvalidFilename);
        let name = name.map_err(|kind| of_file(kind.into()))?;
        if path.try_exists().map_err(of_file)? {
            return Err(of_file(ErrorKind::AlreadyExists.into()));
        }
        let part = format!("{name}.{}.part", std::process::id());
        let mut beside = connect::sqlite_beside(write).await?;
        connect::make_new(Path::new(&part)).map_err(of_file)?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(&part)
            .execute(&mut beside)
            .await
            .map_err(Error::from);
        let named = copied.and_then(|_| give_name(Path::new(&part), path).map_err(of_file));
        // The failure says more than this one could.
        let _ = fs::remove_file(&part);
        named.map(|()| true)
    }
}

/// Gives a whole file its name, unless another has it by now.
fn give_name(part: &Path, path: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    match fs::hard_link(part, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) => fs::rename(part, path),
    }
}

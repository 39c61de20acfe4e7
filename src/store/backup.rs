//! A copy of an SQLite database, made while it is used.

use std::{io::ErrorKind, path::Path};

use super::{Db, Error, Result, connect};

impl Db {
    /// Copies an SQLite database, as it is at one moment, into a new file that nobody else may
    /// read. Returns whether it is one: PostgreSQL copies its databases itself.
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
        let mut beside = connect::sqlite_beside(write).await?;
        connect::make_new(path).map_err(of_file)?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(name)
            .execute(&mut beside)
            .await;
        if let Err(error) = copied {
            // Half of a copy would be taken for one. The failure says more than this one could.
            let _ = std::fs::remove_file(path);
            return Err(error.into());
        }
        Ok(true)
    }
}

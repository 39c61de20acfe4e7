//! Whether SQLite's files are still under their names.

use std::{io, os::unix::fs::MetadataExt as _, path::Path};

use sqlx::SqlitePool;

use super::{Error, Result};

/// What tells a file from another that has taken its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId(u64, u64);

impl FileId {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = path.metadata()?;
        Ok(Self(file.dev(), file.ino()))
    }
}

/// Whether the file is still under its name. All that is written to one that is not is gone
/// when the program ends.
///
/// # Errors
/// When it is not.
pub(super) fn same_file(write: &SqlitePool, opened: FileId) -> Result<()> {
    let options = write.connect_options();
    let path = options.get_filename();
    match FileId::of(path) {
        Ok(file) if file == opened => Ok(()),
        _ => Err(Error::Moved(path.to_owned())),
    }
}

/// Whether SQLite's log is still under its name, as far as the system tells: this process has
/// removed files open otherwise. What others write to a new one is not seen here.
///
/// # Errors
/// When it is not.
pub(super) fn same_log(write: &SqlitePool) -> Result<()> {
    let options = write.connect_options();
    let path = options.get_filename();
    let Ok(files) = std::fs::read_dir("/proc/self/fd") else {
        return Ok(());
    };
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let removed = ["-wal", "-shm"].map(|end| format!("{}{end} (deleted)", path.display()));
    let is_removed = |file: io::Result<std::fs::DirEntry>| {
        let target = file.ok().and_then(|file| file.path().read_link().ok());
        target.is_some_and(|to| removed.iter().any(|name| to.as_os_str() == name.as_str()))
    };
    match files.into_iter().any(is_removed) {
        true => Err(Error::Moved(path)),
        false => Ok(()),
    }
}

//! `untether serve` as a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than the program may take to say the next thing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `untether serve` with an SQLite database of its own; killed when dropped.
pub struct Serving {
    process: Child,
    lines: Receiver<String>,
    /// The file of its database.
    pub database: PathBuf,
    _folder: TempDir,
}

impl Serving {
    /// Started with these settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("u.db");
        let url = format!("sqlite://{}", database.display());
        let mut process = Command::new(env!("CARGO_BIN_EXE_untether"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("UNTETHER_DATABASE_URL", url)
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stderr.take().unwrap()).lines();
        let (say, lines) = mpsc::channel();
        std::thread::spawn(move || {
            said.map_while(Result::ok)
                .try_for_each(|line| say.send(line))
        });
        Self {
            process,
            lines,
            database,
            _folder: folder,
        }
    }

    /// The next line of its log.
    pub fn says(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line in time");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a line of the log: {line}"))
    }

    /// Asked to stop, it does so in good order. All that it still says.
    pub fn stops(mut self) -> Vec<String> {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(asked.success());
        // The log ends with the process.
        let rest = std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect();
        assert!(self.process.wait().unwrap().success());
        rest
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

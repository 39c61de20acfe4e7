//! When the MCP servers of projects, or the proxies in front of them, last asked.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    domain::ids::{CredentialId, ProjectId},
    store::{self, Db},
};

/// How exactly it is recorded: not more than once a minute.
const GRAIN: Duration = Duration::from_secs(60);

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A server, with this credential.
    Credential(CredentialId),
    /// A proxy, about a token that works at this project.
    Proxy(ProjectId),
}

/// Each asker's latest question, and whether it is in the database yet. There are as many
/// as credentials and projects: nobody else can add to it.
#[derive(Debug, Default)]
pub struct Asked(Mutex<HashMap<Asker, (Timestamp, bool)>>);

impl Asked {
    /// Notes that `asker` asked.
    pub fn note(&self, asker: Asker, now: Timestamp) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.get(&asker);
        if known.is_none_or(|(at, _)| now.since(*at) >= GRAIN) {
            asked.insert(asker, (now, false));
        }
    }

    fn unrecorded(&self) -> Vec<(Asker, Timestamp)> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = asked.iter().filter(|(_, (_, recorded))| !recorded);
        new.map(|(asker, (at, _))| (asker.clone(), *at)).collect()
    }

    /// Writes down what was noted. What could not be written is noted still.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, db: &Db) -> store::Result<()> {
        let mut new = self.unrecorded();
        if new.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that two servers never wait for each other's rows: projects
        // before their credentials, as whoever makes or ends one holds them.
        new.sort_by_key(|(asker, _)| match asker {
            Asker::Proxy(id) => (0, id.to_string()),
            Asker::Credential(id) => (1, id.to_string()),
        });
        let mut tx = db.write().await?;
        for (asker, at) in &new {
            match asker {
                Asker::Credential(id) => store::credential::record_use(&mut tx, id, *at).await?,
                Asker::Proxy(id) => store::project_change::record_asked(&mut tx, id, *at).await?,
            }
        }
        tx.commit().await?;
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (asker, at) in new {
            asked
                .entry(asker)
                .and_modify(|known| known.1 |= known.0 == at);
        }
        Ok(())
    }
}

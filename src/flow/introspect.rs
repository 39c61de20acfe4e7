//! Whether an access token works (RFC 7662): asked on every tool call.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    domain::ids::{ConnectionId, CredentialId, ProjectId},
    store::{self, Db, Tx, token::Bearer},
};

use super::{Context, ErrorCode, Outcome, Refusal};

/// The project that an introspection credential belongs to.
///
/// # Errors
/// When the database fails.
pub async fn authenticate(
    tx: &mut Tx,
    context: &Context<'_>,
    id: &str,
    secrets: &[&str],
) -> Outcome<ProjectId> {
    let unknown = || Refusal::new(ErrorCode::InvalidClient, "unknown introspection credential");
    let Some(id) = CredentialId::parse(id) else {
        return Ok(Err(unknown()));
    };
    let credential = store::token::credential(tx, &id).await?;
    Ok(credential
        .filter(|(_, hash)| {
            secrets
                .iter()
                .any(|secret| hash.matches(&context.secrets.hash(secret)))
        })
        .map(|(project, _)| project)
        .ok_or_else(unknown))
}

/// The token, if it works at this project now; nothing tells why it does not.
///
/// # Errors
/// When the database fails.
pub async fn access_token(
    tx: &mut Tx,
    context: &Context<'_>,
    token: &str,
    project: &ProjectId,
) -> store::Result<Option<Bearer>> {
    let bearer = store::token::bearer(tx, &context.secrets.hash(token)).await?;
    Ok(bearer.filter(|bearer| {
        bearer.project.0 == *project
            && bearer.expires_at > context.now
            && !bearer.client_revoked
            && !bearer.person_deactivated
            && bearer.life.is_active(&context.rules.lifetimes, context.now)
    }))
}

/// How exactly uses are recorded: not more than one a minute.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// How many uses one statement records.
const USE_BATCH: usize = 500;

/// Uses that are not in the database yet. Losing some in a crash makes a
/// connection look unused for a little longer, and nothing else.
#[derive(Debug, Default)]
pub struct Uses(Mutex<HashMap<ConnectionId, Timestamp>>);

impl Uses {
    /// Notes that a connection was used.
    pub fn note(&self, bearer: &Bearer, now: Timestamp) {
        if now.since(bearer.life.last_used_at) < USE_GRAIN {
            return;
        }
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.entry(bearer.connection.clone()).or_insert(now);
    }

    /// Writes down what was noted. What could not be written is noted again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, db: &Db) -> store::Result<()> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let noted: Vec<_> = noted.into_iter().collect();
        for batch in noted.chunks(USE_BATCH) {
            if let Err(error) = Self::record_batch(db, batch).await {
                let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                uses.extend(noted);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn record_batch(db: &Db, batch: &[(ConnectionId, Timestamp)]) -> store::Result<()> {
        let mut tx = db.write().await?;
        store::lock_several(&mut tx).await?;
        store::connection::record_uses(&mut tx, batch).await?;
        tx.commit().await
    }
}

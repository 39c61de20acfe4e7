//! Whether an access token works (RFC 7662): asked on every tool call.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    domain::{
        ids::{ConnectionId, CredentialId, ProjectId},
        project::Slug,
        secret::SecretHash,
    },
    store::{
        self, Db,
        token::{Bearer, Question},
    },
};

use super::{Context, ErrorCode, Outcome, Refusal, lookup::Lookups};

/// The token, if it works now at the project whose introspection credential
/// asks; nothing tells why it does not. A wrong credential is refused.
///
/// # Errors
/// When the database fails.
pub async fn for_credential(
    lookups: &Lookups,
    context: &Context<'_>,
    (ids, secrets): (&[String], &[String]),
    token: &str,
) -> Outcome<Option<Bearer>> {
    let unknown = || Refusal::new(ErrorCode::InvalidClient, "unknown introspection credential");
    let Some(id) = credential_in(ids) else {
        return Ok(Err(unknown()));
    };
    let proves = |hash: &SecretHash| {
        let mut presented = secrets.iter().map(|secret| context.secrets.hash(secret));
        presented.any(|presented| hash.matches(&presented))
    };
    let question = Question {
        credential: Some(id.clone()),
        ..question(context, token)
    };
    if let Some((bearer, Some(hash))) = lookups.bearer(question).await? {
        return Ok(match proves(&hash) {
            true => Ok(Some(bearer).filter(|bearer| works(bearer, context))),
            false => Err(unknown()),
        });
    }
    // No such token at this project; or is it the credential that is wrong?
    let hash = lookups.credential(&id, context.now).await?;
    Ok(match hash.is_some_and(|hash| proves(&hash)) {
        true => Ok(None),
        false => Err(unknown()),
    })
}

/// The project at which the token works, for one that does not work where it was shown.
///
/// # Errors
/// When the database fails.
pub async fn elsewhere(
    lookups: &Lookups,
    context: &Context<'_>,
    token: &str,
) -> store::Result<Option<Slug>> {
    let found = lookups.bearer(question(context, token)).await?;
    let bearer = found.map(|(bearer, _)| bearer);
    let bearer = bearer.filter(|bearer| works(bearer, context));
    Ok(bearer.map(|bearer| bearer.slug))
}

/// The credential that these readings of an id name: at most one has the shape of an id.
pub fn credential_in(ids: &[String]) -> Option<CredentialId> {
    ids.iter().find_map(|id| CredentialId::parse(id))
}

/// The token, if it works at this project now.
///
/// # Errors
/// When the database fails.
pub async fn for_project(
    lookups: &Lookups,
    context: &Context<'_>,
    project: &ProjectId,
    token: &str,
) -> store::Result<Option<Bearer>> {
    let found = lookups.bearer(question(context, token)).await?;
    let bearer = found.map(|(bearer, _)| bearer);
    Ok(bearer.filter(|bearer| bearer.project.0 == *project && works(bearer, context)))
}

/// The same for the project under this slug.
///
/// # Errors
/// When the database fails.
pub async fn for_slug(
    lookups: &Lookups,
    context: &Context<'_>,
    project: &Slug,
    token: &str,
) -> store::Result<Option<Bearer>> {
    let found = lookups.bearer(question(context, token)).await?;
    let bearer = found.map(|(bearer, _)| bearer);
    Ok(bearer.filter(|bearer| bearer.slug == *project && works(bearer, context)))
}

fn question(context: &Context<'_>, token: &str) -> Question {
    Question {
        token: context.secrets.hash(token),
        credential: None,
        at: context.now,
    }
}

fn works(bearer: &Bearer, context: &Context<'_>) -> bool {
    bearer.expires_at > context.now
        && !bearer.archived
        && !bearer.client_revoked
        && !bearer.person_deactivated
        && !bearer.blocked
        && bearer.life.is_active(&context.rules.lifetimes, context.now)
}

/// How exactly uses are recorded: not more than one a minute.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// How many uses one transaction records: few, because questions wait for a processor
/// meanwhile.
const USE_BATCH: usize = 100;

/// How long others have the processor and the database between two such transactions.
const USE_PAUSE: Duration = Duration::from_millis(25);

/// Whether recording makes room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With pauses: while requests are answered.
    Gentle,
    /// Without: when nothing else is to come.
    Straight,
}

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
        let connection = bearer.connection.clone();
        self.uses().entry(connection).or_insert(now);
    }

    /// Notes that a connection got new tokens. Its row says so already; what
    /// is counted of its client, person and project is told here.
    pub fn note_issued(&self, connection: ConnectionId, now: Timestamp) {
        self.uses().insert(connection, now);
    }

    /// Writes down what was noted. What could not be written is noted again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, db: &Db, pace: Pace) -> store::Result<()> {
        let mut due = self.uses().len();
        while due > 0 {
            let batch = self.take(USE_BATCH);
            if batch.is_empty() {
                break;
            }
            due = due.saturating_sub(USE_BATCH);
            if let Err(error) = Self::record_batch(db, &batch).await {
                let mut uses = self.uses();
                for (connection, at) in batch {
                    let latest = uses.entry(connection).or_insert(at);
                    *latest = at.max(*latest);
                }
                return Err(error);
            }
            if due > 0 && pace == Pace::Gentle {
                tokio::time::sleep(USE_PAUSE).await;
            }
        }
        Ok(())
    }

    fn take(&self, most: usize) -> Vec<(ConnectionId, Timestamp)> {
        let mut uses = self.uses();
        uses.extract_if(|_, _| true).take(most).collect()
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<ConnectionId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn record_batch(db: &Db, batch: &[(ConnectionId, Timestamp)]) -> store::Result<()> {
        let mut tx = db.write().await?;
        store::lock_several(&mut tx).await?;
        store::connection::record_uses(&mut tx, batch).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests;

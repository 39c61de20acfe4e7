//! Who is there: the word of a proxy that signs what it says, believed wherever it comes
//! from.
//!
//! The proxy sends a JWT in one header. The keys that may sign it are read at the start,
//! again every hour, and when a token names a key that is not known, at most once a
//! minute. Time is an argument here: no wall clock decides whether a token has expired.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::{clock::Timestamp, config::AssertionSettings, domain::role::Identity};

mod fetch;
pub mod keys;
pub mod token;

use keys::KeySet;
use token::{Signed, Verified};

/// How old the keys may become before they are read again.
const KEY_AGE: Duration = Duration::from_secs(60 * 60);

/// How long after a reading of the keys the next may follow.
const PAUSE: Duration = Duration::from_secs(60);

/// How long a key set may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many tokens are remembered as verified. Each takes about a kilobyte.
const REMEMBERED: usize = 4096;

/// Why a token is not believed. No message contains anything of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not three parts of base64url with JSON inside.
    #[error("the assertion is no signed token")]
    Malformed,
    /// An extension of which the token says that it must be understood.
    #[error("the assertion has a critical extension")]
    Critical,
    /// No signature, a shared secret, or an algorithm that is unknown here.
    #[error("the assertion is signed in a way that is not accepted")]
    Algorithm,
    /// The token names no key, and several could be meant.
    #[error("the assertion does not say which of several keys signed it")]
    NoKeyId,
    /// The token names a key that is not in the set, or there are no keys yet.
    #[error("the assertion is signed with a key that is not in the key set")]
    UnknownKey,
    /// The key is for another algorithm.
    #[error("the key that the assertion names is for another algorithm")]
    KeyForAnother,
    /// The key did not sign this.
    #[error("the signature of the assertion is wrong")]
    Signature,
    /// A claim that is needed is not there, or empty.
    #[error("the assertion has no claim {0}")]
    Missing(&'static str),
    /// A claim is of the wrong type, or its text is not what it must be.
    #[error("the claim {0} of the assertion is malformed")]
    Claim(&'static str),
    /// Someone else says so.
    #[error("the assertion is of another issuer than UNTETHER_ASSERTION_ISSUER")]
    Issuer,
    /// It is said to someone else.
    #[error("the assertion is for another audience than UNTETHER_ASSERTION_AUDIENCE")]
    Audience,
    /// The issuer does not vouch for the e-mail.
    #[error("the assertion says that its e-mail is not verified")]
    UnverifiedEmail,
    /// Too late.
    #[error("the assertion has expired")]
    Expired,
    /// Too early.
    #[error("the assertion is not valid yet")]
    NotYet,
}

/// Verifies tokens, with the keys that are known at the time.
#[derive(Debug)]
pub struct Assertions {
    settings: AssertionSettings,
    /// Whose certificates count, besides those that the system knows.
    authorities: Vec<CertificateDer<'static>>,
    patience: Duration,
    trusted: RwLock<Arc<Trusted>>,
    /// When the keys were last asked for. Held while they are, so that one request asks
    /// and the others wait for its answer.
    asked: tokio::sync::Mutex<Option<Timestamp>>,
}

/// The keys, and the tokens that were verified with them. They are replaced together:
/// when a key goes, no token that it signed is remembered.
#[derive(Debug, Default)]
struct Trusted {
    keys: KeySet,
    /// When the keys were read, `None` when never.
    read: Option<Timestamp>,
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

impl Assertions {
    /// Verifies nothing until the keys are there, which are read from a server that these
    /// authorities, or the system's, vouch for.
    pub fn new(settings: AssertionSettings, authorities: Vec<CertificateDer<'static>>) -> Self {
        Self {
            settings,
            authorities,
            patience: PATIENCE,
            trusted: RwLock::default(),
            asked: tokio::sync::Mutex::default(),
        }
    }

    /// The same with another limit to the time that a key set may take.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What is verified, and against what.
    pub fn settings(&self) -> &AssertionSettings {
        &self.settings
    }

    /// Who is there, by this token. Reads the keys first when it names one that is not
    /// known.
    ///
    /// # Errors
    /// Says what is wrong with the token.
    pub async fn identify(&self, token: &str, now: Timestamp) -> Result<Identity, Refused> {
        let trusted = self.trusted();
        match trusted.identify(token, &self.settings, now) {
            Err(Refused::UnknownKey) => {
                let unchanged = |current: &Arc<Trusted>| Arc::ptr_eq(current, &trusted);
                self.read_keys(now, unchanged).await;
                self.trusted().identify(token, &self.settings, now)
            }
            answer => answer,
        }
    }

    /// Reads the keys when there are none yet, or they are older than [`KEY_AGE`]. When
    /// that fails the keys that are there stay.
    pub async fn refresh(&self, now: Timestamp) {
        let outdated = |current: &Arc<Trusted>| {
            let read = current.read;
            read.is_none_or(|read| now.apart(read) >= KEY_AGE)
        };
        self.read_keys(now, outdated).await;
    }

    /// Reads the keys if, when it is this call's turn, they are still `unsatisfying` and
    /// nobody asked for them within the [`PAUSE`].
    async fn read_keys(&self, now: Timestamp, unsatisfying: impl Fn(&Arc<Trusted>) -> bool) {
        let mut asked = self.asked.lock().await;
        let current = self.trusted();
        if !unsatisfying(&current) || asked.is_some_and(|asked| now.apart(asked) < PAUSE) {
            return;
        }
        *asked = Some(now);
        let text = fetch::key_set(&self.settings.keys, &self.authorities, self.patience).await;
        match text.and_then(|text| KeySet::parse(&text)) {
            Ok(keys) => {
                tracing::info!(keys = keys.count(), "read the keys of signed identities");
                if keys.count() == 0 {
                    tracing::error!("the key set has no usable key, so nobody can sign in");
                }
                let trusted = Trusted {
                    keys,
                    read: Some(now),
                    verified: Mutex::default(),
                };
                let mut place = self.trusted.write().unwrap_or_else(PoisonError::into_inner);
                *place = Arc::new(trusted);
            }
            Err(error) if current.read.is_some() => tracing::warn!(
                %error,
                "could not read UNTETHER_ASSERTION_JWKS_URL; going on with the keys read before"
            ),
            Err(error) => tracing::error!(
                %error,
                "could not read UNTETHER_ASSERTION_JWKS_URL, so nobody can sign in; trying \
                 again every minute"
            ),
        }
    }

    fn trusted(&self) -> Arc<Trusted> {
        let trusted = self.trusted.read().unwrap_or_else(PoisonError::into_inner);
        trusted.clone()
    }
}

impl Trusted {
    fn identify(
        &self,
        token: &str,
        settings: &AssertionSettings,
        now: Timestamp,
    ) -> Result<Identity, Refused> {
        let digest = Sha256::digest(token).into();
        if let Some(verified) = self.remembered(&digest) {
            return verified.identity(now).cloned();
        }
        let verified = Signed::parse(token)?.verify(&self.keys, settings)?;
        let identity = verified.identity(now)?.clone();
        self.remember(digest, verified, now);
        Ok(identity)
    }

    fn remembered(&self, digest: &[u8; 32]) -> Option<Verified> {
        let verified = self.verified.lock();
        let verified = verified.unwrap_or_else(PoisonError::into_inner);
        verified.get(digest).cloned()
    }

    fn remember(&self, digest: [u8; 32], token: Verified, now: Timestamp) {
        let verified = self.verified.lock();
        let mut verified = verified.unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= REMEMBERED {
            verified.retain(|_, token| !token.is_over(now));
        }
        // All of them still valid: forgetting costs a verification each, no more.
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, token);
    }
}

#[cfg(test)]
mod tests;

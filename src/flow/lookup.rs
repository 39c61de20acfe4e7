//! Questions about access tokens, put to the database together: all that come while it is
//! busy are one query. Nothing is kept: every answer was read after its question came, so a
//! revoke that was answered before is in it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::{
    clock::Timestamp,
    domain::{ids::CredentialId, secret::SecretHash},
    store::{
        self, Db,
        token::{Found, Question},
    },
};

/// How many queries are under way at the same time.
const ASKERS: usize = 2;

/// How many questions one query answers.
const TOGETHER: usize = 32;

/// The questions that nobody has put yet, and those who put them.
#[derive(Debug)]
pub struct Lookups {
    db: Db,
    waiting: Mutex<Waiting>,
}

/// Where an answer is waited for.
type Answer = oneshot::Sender<Option<Found>>;

#[derive(Debug, Default)]
struct Waiting {
    questions: VecDeque<(Question, Answer)>,
    askers: usize,
}

impl Lookups {
    /// Asks this database.
    pub fn new(db: Db) -> Self {
        let waiting = Mutex::default();
        Self { db, waiting }
    }

    /// The access token with this hash, as [`store::token::bearers`] says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bearer(self: &Arc<Self>, question: Question) -> store::Result<Option<Found>> {
        let (answer, coming) = oneshot::channel();
        if let Some(turn) = self.add(question.clone(), answer) {
            // A task of its own, because whoever asks may go away in the middle.
            tokio::spawn(turn.ask());
        }
        if let Ok(found) = coming.await {
            return Ok(found);
        }
        // What was asked for all of them failed; asked for this one alone, it says why.
        let mut tx = self.db.read().await?;
        let found = store::token::bearers(&mut tx, &[question]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// The hash of the secret of a credential that works then, as
    /// [`store::token::credential`] says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credential(
        &self,
        id: &CredentialId,
        now: Timestamp,
    ) -> store::Result<Option<SecretHash>> {
        store::token::credential(&mut self.db.read().await?, id, now).await
    }

    /// A turn of asking, if this question needs one more.
    fn add(self: &Arc<Self>, question: Question, answer: Answer) -> Option<Turn> {
        let mut waiting = self.waiting();
        waiting.questions.push_back((question, answer));
        if waiting.askers == ASKERS {
            return None;
        }
        waiting.askers += 1;
        Some(Turn {
            lookups: self.clone(),
            ended: false,
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of one of the [`ASKERS`]. It ends when nothing waits. If it breaks off, those who
/// wait learn of it: somebody has to ask for them.
struct Turn {
    lookups: Arc<Lookups>,
    ended: bool,
}

impl Turn {
    async fn ask(mut self) -> store::Result<()> {
        let mut tx = self.lookups.db.read().await?;
        while let Some((questions, answers)) = self.next() {
            let found = store::token::bearers(&mut tx, &questions).await?;
            for (answer, found) in answers.into_iter().zip(found) {
                // Nobody may wait for it any more.
                let _ = answer.send(found);
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<(Vec<Question>, Vec<Answer>)> {
        let mut waiting = self.lookups.waiting();
        if waiting.questions.is_empty() {
            // At the same moment, so that no question comes in between.
            waiting.askers -= 1;
            self.ended = true;
            return None;
        }
        let some = waiting.questions.len().min(TOGETHER);
        Some(waiting.questions.drain(..some).unzip())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.ended {
            let mut waiting = self.lookups.waiting();
            waiting.askers -= 1;
            waiting.questions.clear();
        }
    }
}

#[cfg(test)]
mod tests;

//! Questions about access tokens, put to the database together: all that come while a query
//! is under way are the next one. Nothing is kept: every answer was read after its question
//! came, so a revoke that was answered before is in it.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    clock::Timestamp,
    domain::{ids::CredentialId, secret::SecretHash},
    store::{
        self, Db, Tx,
        token::{Found, Question},
    },
};

/// How many questions one query answers.
const TOGETHER: usize = 32;

/// How long one may take: a connection of which nothing is heard would keep all that come after
/// waiting for as long as the system does, a quarter of an hour.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where those who ask on one thread put their questions. Each thread that answers requests
/// has one, and with it a connection to the database that no other thread is woken for and
/// no page keeps waiting.
#[derive(Debug)]
pub struct Lookups {
    db: Db,
    questions: mpsc::UnboundedSender<Asked>,
}

/// A question, and where the answer is waited for.
type Asked = (Question, oneshot::Sender<Option<Found>>);

impl Lookups {
    /// Asks this database, in a task of the runtime that this is called in.
    pub fn new(db: Db) -> Self {
        let (questions, coming) = mpsc::unbounded_channel();
        tokio::spawn(answer_all(db.clone(), coming));
        Self { db, questions }
    }

    /// The access token with this hash, as [`store::token::bearers`] says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bearer(&self, question: Question) -> store::Result<Option<Found>> {
        let asking = async {
            let (answer, coming) = oneshot::channel();
            // If nobody takes it any more, nobody answers either.
            let _ = self.questions.send((question.clone(), answer));
            if let Ok(found) = coming.await {
                return Ok(found);
            }
            // What was asked for several failed; asked for this one alone, it says why.
            let mut tx = self.db.read().await?;
            let found = store::token::bearers(&mut tx, &[question]).await?;
            Ok(found.into_iter().next().flatten())
        };
        // Servers and proxies that ask wait little longer.
        let answered = timeout(PATIENCE, asking).await;
        answered.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
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
}

/// Answers until nobody can ask any more, on a connection that the first question opens.
/// When the database fails, those who wait learn of it by their answer's end, and the next
/// ones get another connection.
async fn answer_all(db: Db, mut coming: mpsc::UnboundedReceiver<Asked>) {
    let mut reader = None;
    let mut asked = Vec::with_capacity(TOGETHER);
    while coming.recv_many(&mut asked, TOGETHER).await > 0 {
        asked.retain(|(_, answer)| !answer.is_closed());
        if asked.is_empty() {
            continue;
        }
        let (questions, answers): (Vec<_>, Vec<_>) = asked.drain(..).unzip();
        let looked = timeout(PATIENCE, look_up(&db, reader.take(), &questions)).await;
        let Ok(Ok((kept, found))) = looked else {
            continue;
        };
        reader = Some(kept);
        for (answer, found) in answers.into_iter().zip(found) {
            // Nobody may wait for it any more.
            let _ = answer.send(found);
        }
    }
}

async fn look_up(
    db: &Db,
    reader: Option<Tx>,
    questions: &[Question],
) -> store::Result<(Tx, Vec<Option<Found>>)> {
    let mut reader = match reader {
        Some(kept) => kept,
        None => db.open_reader().await?,
    };
    let found = store::token::bearers(&mut reader, questions).await?;
    Ok((reader, found))
}

#[cfg(test)]
mod tests;

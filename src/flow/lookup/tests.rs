//! Tests that nobody waits in vain.

use std::{task, time::Duration};

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::{
    config::DatabaseUrl,
    domain::secret::{Secrets, SystemRandomness},
};

use super::*;

async fn lookups() -> (Arc<Lookups>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lookup.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    (Arc::new(Lookups::new(db)), folder)
}

fn question() -> Question {
    let secrets = Secrets::new(&[7; 32], Arc::new(SystemRandomness));
    Question {
        token: secrets.hash("unknown"),
        credential: None,
        at: Timestamp::from_millis(0),
    }
}

/// What came of asking this often at once, within the time that a test may take.
async fn ask(lookups: &Arc<Lookups>, times: usize) -> Vec<store::Result<Option<Found>>> {
    let questions = (0..times).map(|_| lookups.bearer(question()));
    let all = tokio::time::timeout(Duration::from_secs(30), join_all(questions));
    all.await.expect("somebody waits in vain")
}

#[tokio::test]
async fn more_questions_than_one_query_takes_are_all_answered() {
    let (lookups, _folder) = lookups().await;
    for _ in 0..20 {
        let answers = ask(&lookups, 5 * TOGETHER + 1).await;
        assert!(answers.iter().all(|answer| matches!(answer, Ok(None))));
    }
    assert_eq!(lookups.waiting().askers, 0);
}

#[tokio::test]
async fn who_goes_away_leaves_the_others_their_answers() {
    let (lookups, _folder) = lookups().await;
    for _ in 0..20 {
        let gone = (0..TOGETHER).map(|_| {
            let lookups = lookups.clone();
            tokio::spawn(async move { lookups.bearer(question()).await.map(drop) })
        });
        let gone: Vec<_> = gone.collect();
        tokio::task::yield_now().await;
        gone.iter().for_each(tokio::task::JoinHandle::abort);
        let answers = ask(&lookups, TOGETHER).await;
        assert!(answers.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_database_that_fails_is_an_error_for_each_and_not_a_silence() {
    let (lookups, _folder) = lookups().await;
    lookups.db.close().await;
    for _ in 0..3 {
        let answers = ask(&lookups, 2 * TOGETHER).await;
        assert!(answers.iter().all(Result::is_err));
    }
}

#[test]
fn a_turn_that_is_broken_off_leaves_nobody_waiting() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    let (keeps, stops) = (runtime().unwrap(), runtime().unwrap());
    let (lookups, _folder) = keeps.block_on(lookups());
    let mut asked: Vec<_> = (0..2 * TOGETHER)
        .map(|_| Box::pin(lookups.bearer(question())))
        .collect();
    // The turns begin where the first questions are asked: on a runtime that stops.
    let entered = stops.enter();
    for first in &mut asked {
        let mut context = task::Context::from_waker(task::Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
    }
    drop(entered);
    drop(stops);
    let answers = keeps.block_on(join_all(asked));
    assert!(answers.iter().all(Result::is_ok));
}

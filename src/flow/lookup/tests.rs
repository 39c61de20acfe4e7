//! Tests that nobody waits in vain.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::{
    config::DatabaseUrl,
    domain::secret::{Secrets, SystemRandomness},
};

use super::*;

async fn database() -> (Db, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lookup.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    (db, folder)
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
async fn ask(lookups: &Lookups, times: usize) -> Vec<store::Result<Option<Found>>> {
    let questions = (0..times).map(|_| lookups.bearer(question()));
    let all = tokio::time::timeout(Duration::from_secs(30), join_all(questions));
    all.await.expect("somebody waits in vain")
}

#[tokio::test]
async fn more_questions_than_one_query_takes_are_all_answered() {
    let (db, _folder) = database().await;
    let lookups = Lookups::new(db);
    for _ in 0..20 {
        let answers = ask(&lookups, 5 * TOGETHER + 1).await;
        assert!(answers.iter().all(|answer| matches!(answer, Ok(None))));
    }
}

#[tokio::test]
async fn who_goes_away_leaves_the_others_their_answers() {
    let (db, _folder) = database().await;
    let lookups = Arc::new(Lookups::new(db));
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
async fn a_database_that_fails_is_an_error_for_each_until_it_works_again() {
    let (db, _folder) = database().await;
    let lookups = Lookups::new(db.clone());
    for (statement, works) in [
        ("ALTER TABLE token RENAME TO away", false),
        ("ALTER TABLE away RENAME TO token", true),
    ] {
        let mut tx = db.write().await.unwrap();
        store::sql!(&mut tx, |c| sqlx::query(statement)
            .execute(c)
            .await
            .map(drop))
        .unwrap();
        tx.commit().await.unwrap();
        for _ in 0..3 {
            let answers = ask(&lookups, 2 * TOGETHER).await;
            assert!(answers.iter().all(|answer| answer.is_ok() == works));
        }
    }
}

#[test]
fn when_nobody_answers_for_all_each_asks_alone() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (keeps, stops) = (runtime(), runtime());
    let (db, _folder) = keeps.block_on(database());
    let lookups = stops.block_on(async { Lookups::new(db) });
    drop(stops);
    let answers = keeps.block_on(ask(&lookups, 2 * TOGETHER));
    assert!(answers.iter().all(Result::is_ok));
}

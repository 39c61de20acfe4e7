//! What SQLite's log holds is copied into the file by a connection of its own. These tests
//! are about SQLite whichever engine the others run on.

use std::{path::Path, time::Duration};

use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use tokio::time::timeout;
use untether::{
    config::DatabaseUrl,
    store::{self, Db, checkpoint::Checkpoints},
};

use crate::support::{Serving, TestApp};

/// Longer than a copy may take that waits for nobody.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a query finds in the database file without its log; nothing when that is no database.
async fn in_the_file(database: &Path, query: &'static str) -> Option<i64> {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("alone.db");
    std::fs::copy(database, &alone).unwrap();
    let options = SqliteConnectOptions::new().filename(alone);
    let pool = SqlitePool::connect_with(options).await.ok()?;
    let found = sqlx::query_scalar(query).fetch_one(&pool).await.ok();
    pool.close().await;
    found
}

#[actix_web::test]
async fn a_copy_waits_for_no_writer_and_holds_none_up() {
    const PINGS: &str = "SELECT COUNT(*) FROM setting WHERE value LIKE 'lock%'";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("u.db");
    let url = DatabaseUrl::Sqlite { path: path.clone() };
    let db = Db::open(&url).await.unwrap();
    let mut checkpoints = Checkpoints::open(&db).await.unwrap().unwrap();
    assert_eq!(in_the_file(&path, PINGS).await, None, "all is in the log");
    let mut tx = db.write().await.unwrap();
    store::lock_several(&mut tx).await.unwrap();
    let copied = timeout(PATIENCE, checkpoints.run()).await;
    copied.expect("no wait for the writer").unwrap();
    assert_eq!(in_the_file(&path, PINGS).await, Some(1));
    tx.commit().await.unwrap();
    assert!(!checkpoints.run().await.unwrap(), "a page is not much");
}

#[actix_web::test]
async fn a_server_copies_without_being_asked() {
    const TABLES: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'connection'";
    let server = Serving::with(&[("UNTETHER_TRUSTED_PROXIES", "127.0.0.1")]);
    while server.says()["message"] != "listening" {}
    let copied = timeout(PATIENCE, async {
        while in_the_file(&server.database, TABLES).await != Some(1) {
            tokio::task::yield_now().await;
        }
    });
    copied.await.expect("the schema is in the file");
    server.stops();
}

#[actix_web::test]
async fn only_sqlite_has_such_a_log() {
    let app = TestApp::spawn().await;
    let on_sqlite = matches!(app.database.url, DatabaseUrl::Sqlite { .. });
    let opened = Checkpoints::open(&app.app.db).await.unwrap();
    assert_eq!(opened.is_some(), on_sqlite);
}

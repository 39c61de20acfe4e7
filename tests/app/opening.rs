//! How the database is opened: by several at once, with what is wrong with it said, and again
//! when its connections were lost.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use untether::{config::DatabaseUrl, store::Db};

use crate::support::{TestApp, database::TestDatabase};

#[actix_web::test]
async fn processes_that_begin_together_all_open_the_new_database() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = folder.path().join(format!("{round}.db"));
        let url = DatabaseUrl::Sqlite { path };
        for opened in join_all((0..6).map(|_| Db::open(&url))).await {
            opened.unwrap().close().await;
        }
    }
}

#[actix_web::test]
async fn a_schema_of_a_later_version_is_said_and_holds_up_nobody() {
    let database = TestDatabase::create().await;
    let later = "
        INSERT INTO _sqlx_migrations
            (version, description, installed_on, success, checksum, execution_time)
        SELECT 99999999, 'later', installed_on, success, checksum, execution_time
        FROM _sqlx_migrations
        WHERE version = 1";
    database.execute(later).await;
    // The second finds nothing of the first in its way.
    for _ in 0..2 {
        let opened = timeout(Duration::from_secs(20), Db::open(&database.url)).await;
        let error = opened.expect("it hangs").unwrap_err().to_string();
        assert!(error.contains("99999999"), "{error}");
    }
    let same = "DELETE FROM _sqlx_migrations WHERE version = 99999999";
    database.execute(same).await;
    Db::open(&database.url).await.unwrap().close().await;
}

#[actix_web::test]
async fn what_refuses_connections_is_said() {
    let url = DatabaseUrl::Postgres {
        url: "postgres://bob:hunter2@127.0.0.1:1/x".to_owned(),
    };
    let opened = timeout(Duration::from_secs(20), Db::open(&url));
    let error = opened.await.expect("it hangs").unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[actix_web::test]
async fn connections_that_were_ended_are_replaced_before_anybody_is_refused() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, ana) = (app.host("Cursor").await, app.person("ana"));
    let tokens = host.connects(&ana, &server).await;
    let owner = app.owner();
    join_all((0..12).map(|_| owner.opens("/connections"))).await;
    if let DatabaseUrl::Postgres { .. } = app.database.url {
        let end_all = "
            SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        app.database.execute(end_all).await;
    }
    for _ in 0..15 {
        assert_eq!(owner.opens("/connections").await.status, 200);
    }
    assert!(server.admits(&tokens.access).await);
    host.connects(&ana, &server).await;
}

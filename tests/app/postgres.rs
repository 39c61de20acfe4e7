//! What PostgreSQL alone can do to a server: be a standby, be locked, be made twice at once.
//! On SQLite there is nothing to see.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::Executor as _;
use untether::{
    clock::{Clock as _, SystemClock},
    config::DatabaseUrl,
    store::{Db, Error},
};
use url::Url;

use crate::{
    check_command,
    support::{TestApp, database::TestDatabase},
};

/// A schema in which PostgreSQL says of itself that it is a standby when the table says so.
const PRETENDED: &str = "
    CREATE SCHEMA pretended;
    CREATE TABLE pretended.standby (here BOOLEAN NOT NULL);
    INSERT INTO pretended.standby VALUES (TRUE);
    CREATE FUNCTION pretended.pg_is_in_recovery() RETURNS BOOLEAN
        LANGUAGE SQL AS 'SELECT here FROM pretended.standby'";

/// The same database, where functions of that schema come before PostgreSQL's own.
fn pretending(database: &TestDatabase) -> Option<DatabaseUrl> {
    match &database.url {
        DatabaseUrl::Sqlite { .. } => None,
        DatabaseUrl::Postgres { url } => {
            let path = "options=-csearch_path=public,pretended,pg_catalog";
            let and = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{and}{path}");
            Some(DatabaseUrl::Postgres { url })
        }
    }
}

#[actix_web::test]
async fn nothing_is_asked_of_a_standby() {
    let database = TestDatabase::create().await;
    let Some(url) = pretending(&database) else {
        return;
    };
    database.execute(PRETENDED).await;
    let error = Db::open(&url).await.unwrap_err();
    assert!(error.to_string().contains("is a standby"), "{error}");
    assert!(error.is_out_of_reach());
    // It takes over; later its name leads to a standby again.
    database
        .execute("UPDATE pretended.standby SET here = FALSE")
        .await;
    let db = Db::open(&url).await.unwrap();
    db.ping().await.unwrap();
    db.open_reader().await.unwrap();
    database
        .execute("UPDATE pretended.standby SET here = TRUE")
        .await;
    let error = db.open_reader().await.unwrap_err();
    assert!(error.is_out_of_reach(), "{error}");
    let end_all = "
        SELECT pg_terminate_backend(pid)
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.execute(end_all).await;
    assert!(db.ping().await.unwrap_err().is_out_of_reach());
}

#[actix_web::test]
async fn a_locked_table_is_an_answer_in_time() {
    let app = TestApp::spawn().await;
    let DatabaseUrl::Postgres { url } = &app.database.url else {
        return;
    };
    let server = app.project("search", &[]).await;
    let tokens = app
        .host("Cursor")
        .await
        .connects(&app.person("ana"), &server)
        .await;
    assert!(server.admits(&tokens.access).await);
    let locking = sqlx::PgPool::connect(url).await.unwrap();
    let mut lock = locking.begin().await.unwrap();
    lock.execute("LOCK TABLE connection IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let begun = Instant::now();
    let questions = (0..20).map(|_| server.asks_about(&tokens.access));
    for answer in join_all(questions).await {
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "2");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
    let page = app.owner().opens("/connections").await;
    assert_eq!(page.status, 503, "{}", page.text);
    assert_eq!(app.get("/readyz").await.status(), 503);
    lock.rollback().await.unwrap();
    assert!(server.admits(&tokens.access).await);
    assert_eq!(app.get("/readyz").await.status(), 200);
}

#[actix_web::test]
async fn servers_that_start_at_once_on_an_empty_database_all_start() {
    for _ in 0..3 {
        let Some(empty) = TestDatabase::empty("").await else {
            return;
        };
        for opened in join_all((0..4).map(|_| Db::open(&empty.url))).await {
            opened.unwrap().close().await;
        }
    }
}

#[actix_web::test]
async fn a_database_that_cannot_keep_every_name_is_refused() {
    let latin = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    let Some(empty) = TestDatabase::empty(latin).await else {
        return;
    };
    let error = Db::open(&empty.url).await.unwrap_err();
    assert!(
        matches!(&error, Error::Encoding(found) if found == "LATIN1"),
        "{error}"
    );
}

/// The same database for a role that may only work with what is there, made with these settings.
async fn limited(database: &TestDatabase, settings: &[&str]) -> Option<DatabaseUrl> {
    let DatabaseUrl::Postgres { url } = &database.url else {
        return None;
    };
    let mut url = Url::parse(url).unwrap();
    let role = url.path()[1..].to_owned();
    let mut make = format!(
        "CREATE ROLE {role} LOGIN;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
    );
    for setting in settings {
        make.push_str(&format!("ALTER ROLE {role} SET {setting};"));
    }
    database.execute(&make).await;
    url.set_username(&role).unwrap();
    let url = url.to_string();
    Some(DatabaseUrl::Postgres { url })
}

#[actix_web::test]
async fn a_role_that_may_change_no_schema_serves_one_that_is_up_to_date() {
    let database = TestDatabase::create().await;
    let Some(url) = limited(&database, &[]).await else {
        return;
    };
    let db = Db::open(&url).await.unwrap();
    db.ping().await.unwrap();
    db.close().await;
    // One that is not is left alone, and the reason has no line of PostgreSQL's source in it.
    database
        .execute("DELETE FROM _sqlx_migrations WHERE version = 29")
        .await;
    let error = Db::open(&url).await.unwrap_err().to_string();
    assert!(
        error.contains("could not be migrated: permission denied"),
        "{error}"
    );
    assert!(!error.contains("at line"), "{error}");
}

#[actix_web::test]
async fn what_a_role_is_set_to_cuts_nothing_off() {
    let database = TestDatabase::create().await;
    let settings = [
        "statement_timeout = '150ms'",
        "idle_in_transaction_session_timeout = '150ms'",
        "lock_timeout = '10ms'",
    ];
    let Some(url) = limited(&database, &settings).await else {
        return;
    };
    let db = Db::open(&url).await.unwrap();
    let Db::Postgres { read, write } = &db else {
        unreachable!("it is PostgreSQL");
    };
    for (pool, expected) in [(read, ["0", "0", "3s"]), (write, ["0", "15s", "30s"])] {
        let names = [
            "statement_timeout",
            "idle_in_transaction_session_timeout",
            "lock_timeout",
        ];
        for (name, expected) in names.into_iter().zip(expected) {
            let shown = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
            let shown: String = shown.fetch_one(pool).await.unwrap();
            assert_eq!(shown, expected, "{name}");
        }
    }
    db.close().await;
}

#[actix_web::test]
async fn a_clock_that_is_not_postgresqls_is_noticed() {
    let app = TestApp::spawn().await;
    let now = SystemClock.now();
    let gap = async |now| app.app.db.clock_gap(now).await.unwrap();
    assert_eq!(gap(now).await, None);
    let (ahead, behind) = (Duration::from_secs(125), Duration::from_secs(30));
    let gaps = [gap(now.plus(ahead)).await, gap(now.minus(behind)).await];
    match app.database.url {
        DatabaseUrl::Sqlite { .. } => assert_eq!(gaps, [None, None]),
        DatabaseUrl::Postgres { .. } => {
            let near = |gap: Option<Duration>, real: Duration| {
                gap.is_some_and(|gap| gap.abs_diff(real) < Duration::from_secs(9))
            };
            assert!(near(gaps[0], ahead) && near(gaps[1], behind), "{gaps:?}");
        }
    }
}

#[actix_web::test]
async fn check_sees_that_a_database_takes_no_changes() {
    let app = TestApp::spawn().await;
    let read_only = ["default_transaction_read_only = on"];
    let Some(DatabaseUrl::Postgres { url }) = limited(&app.database, &read_only).await else {
        return;
    };
    let settings = [("UNTETHER_DATABASE_URL", &*url)];
    let output = check_command::check(&app, &[], &settings).await;
    assert!(!output.status.success());
    let lines = check_command::lines(&output);
    let is_told = |line: &String| line.contains("can be read, and takes no changes: ");
    assert!(lines.iter().any(is_told), "{lines:#?}");
}

//! How the database is opened: by several at once, with what is wrong with it said, and again
//! when its connections were lost.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use futures_util::future::join_all;
use sqlx::{Connection, SqliteConnection};
use tokio::time::timeout;
use untether::{config::DatabaseUrl, store::Db};

use crate::{
    commands::{ADD, json, said, untether},
    shell::shell,
    support::{TestApp, database::TestDatabase},
};

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

/// Not only those that see that there is nothing yet.
#[actix_web::test]
async fn a_process_that_begins_while_another_makes_the_database_opens_it_too() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let path = folder.path().join(format!("{round}.db"));
        let url = DatabaseUrl::Sqlite { path: path.clone() };
        let first = async { Db::open(&url).await.unwrap().close().await };
        let others = async {
            while std::fs::metadata(&path).map_or(0, |file| file.len()) == 0 {
                tokio::task::yield_now().await;
            }
            for opened in join_all((0..6).map(|_| Db::open(&url))).await {
                opened.unwrap().close().await;
            }
        };
        tokio::join!(first, others);
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
        assert!(error.contains("a later version"), "{error}");
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

#[actix_web::test]
async fn a_new_file_is_for_nobody_else_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("u.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(files.len() > 1, "its log is beside it");
    for file in files {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
    }
    db.close().await;
}

#[actix_web::test]
async fn a_file_of_another_program_is_refused_and_nothing_is_put_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    std::fs::write(&path, []).unwrap();
    let mut other = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let make = "CREATE TABLE recipe (name TEXT)";
    sqlx::query(make).execute(&mut other).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let url = DatabaseUrl::Sqlite { path: path.clone() };
    let error = Db::inspect(&url).await.unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let error = Db::open(&url).await.unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    let tables = "SELECT name FROM sqlite_master";
    let tables: Vec<String> = sqlx::query_scalar(tables)
        .fetch_all(&mut other)
        .await
        .unwrap();
    assert_eq!(tables, ["recipe"]);
}

async fn is_ready(app: &TestApp) -> bool {
    app.get("/readyz").await.status() == 200
}

#[actix_web::test]
async fn a_server_whose_database_takes_no_changes_is_not_ready() {
    let app = TestApp::spawn_with_parts(
        |_| {},
        |app| {
            app.db = match app.db.clone() {
                Db::Sqlite { read, file, .. } => Db::Sqlite {
                    write: read.clone(),
                    read,
                    file,
                },
                Db::Postgres { read, .. } => Db::Postgres {
                    write: read.clone(),
                    read,
                },
            };
        },
    )
    .await;
    assert_eq!(app.owner().opens("/connections").await.status, 200);
    assert!(!is_ready(&app).await);
}

#[actix_web::test]
async fn a_server_whose_writers_are_all_busy_is_ready() {
    let app = TestApp::spawn().await;
    let writers = match app.database.url {
        DatabaseUrl::Sqlite { .. } => 1,
        DatabaseUrl::Postgres { .. } => 12,
    };
    let busy = join_all((0..writers).map(|_| app.app.db.write())).await;
    assert!(busy.iter().all(Result::is_ok));
    assert!(is_ready(&app).await);
}

#[actix_web::test]
async fn a_server_whose_file_was_replaced_is_not_ready() {
    let app = TestApp::spawn().await;
    let DatabaseUrl::Sqlite { path } = &app.database.url else {
        return;
    };
    assert!(is_ready(&app).await);
    let aside = path.with_extension("aside");
    std::fs::rename(path, &aside).unwrap();
    assert!(!is_ready(&app).await);
    std::fs::copy(&aside, path).unwrap();
    assert!(!is_ready(&app).await);
    // What is written to the one that was opened would be gone at the next start.
    let registers = async || {
        let client = serde_json::json!({ "redirect_uris": ["http://127.0.0.1/callback"] });
        let request = app.http.post(format!("{}/oauth/register", app.url));
        request.json(&client).send().await.unwrap().status()
    };
    assert_eq!(registers().await, 503);
    std::fs::rename(&aside, path).unwrap();
    assert!(is_ready(&app).await);
    assert_eq!(registers().await, 201);
    std::fs::remove_file(path.with_extension("db-wal")).unwrap();
    assert!(!is_ready(&app).await);
}

#[actix_web::test]
async fn only_a_server_brings_a_database_of_an_earlier_version_up_to_date() {
    let app = TestApp::spawn().await;
    let newest = "DELETE FROM _sqlx_migrations
        WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    app.database.execute(newest).await;
    let applied = "SELECT CAST(COUNT(*) AS TEXT) FROM _sqlx_migrations";
    let before = app.database.texts(applied).await;
    for arguments in [
        &["project", "list"][..],
        &["export", "connections"],
        &["sweep", "--dry-run"],
        &["revoke", "--person", "ana@acme.example", "--dry-run"],
        &[
            "project",
            "add",
            "--slug",
            "x",
            "--name",
            "X",
            "--resource",
            "https://x.example/mcp",
        ],
    ] {
        let output = shell(&app, arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = said(&output);
        assert!(said.contains("by an earlier version"), "{said}");
        assert!(said.contains("untether backup"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let output = shell(&app, &["backup", copy.to_str().unwrap()]);
    if let DatabaseUrl::Sqlite { .. } = app.database.url {
        assert!(output.status.success(), "{}", said(&output));
        let copy = format!("sqlite://{}", copy.display());
        let mut copy = SqliteConnection::connect(&copy).await.unwrap();
        let of_copy: Vec<String> = sqlx::query_scalar(applied)
            .fetch_all(&mut copy)
            .await
            .unwrap();
        assert_eq!(of_copy, before);
        // Nothing else lies beside it.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    assert_eq!(app.database.texts(applied).await, before);
}

#[test]
fn what_the_first_command_made_is_of_the_key_that_all_others_need() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let with = |arguments: &[&str], key: &str| {
        let settings = [
            ("UNTETHER_DATABASE_URL", &*database),
            ("UNTETHER_SECRET_KEY", key),
        ];
        untether(arguments, &settings)
    };
    let [key, other] = [
        "a key of the installation, thirty-two",
        "another key, of as many bytes as it",
    ];
    json(&with(&ADD, key));
    for arguments in [&["project", "list"], &ADD[..]] {
        let output = with(arguments, other);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = said(&output);
        assert!(said.contains("is not the one that the database"), "{said}");
    }
    json(&with(&["project", "list", "--json"], key));
}

#[test]
fn what_is_no_database_is_said_and_gets_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "what I wanted to say").unwrap();
    for (path, why) in [
        (folder.path(), "cannot be read: Is a directory"),
        (&text, "is no SQLite database"),
    ] {
        let database = format!("sqlite://{}", path.display());
        let output = untether(&ADD, &[("UNTETHER_DATABASE_URL", &database)]);
        assert_eq!(output.status.code(), Some(1));
        let said = said(&output);
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn where_there_is_no_database_there_is_nothing_to_ask() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    for arguments in [
        &["project", "list"][..],
        &["client", "list"],
        &["revoke", "--person", "ana@example.com"],
        &["export", "connections"],
        &["sweep"],
    ] {
        let output = untether(arguments, &settings);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = said(&output);
        assert!(said.contains("there is no database at"), "{said}");
        assert!(said.contains("UNTETHER_DATABASE_URL"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[actix_web::test]
async fn the_latest_that_happened_is_a_use_or_an_event() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    assert_eq!(app.app.db.latest().await.unwrap(), Some(app.now()));
    app.advance(Duration::from_secs(1_000));
    host.renews(&tokens).await;
    assert_eq!(app.app.db.latest().await.unwrap(), Some(app.now()));
    app.advance(Duration::from_secs(1_000));
    app.project("wiki", &[]).await;
    assert_eq!(app.app.db.latest().await.unwrap(), Some(app.now()));
}

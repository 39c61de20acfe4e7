//! Commands that act on a live database, while a server runs on it.

use std::process::Output;

use serde_json::Value;
use untether::config::DatabaseUrl;

use crate::{
    commands::{json, said, untether},
    support::TestApp,
};

/// Runs a command on the test's database. The command's clock is the machine's.
pub fn shell(app: &TestApp, arguments: &[&str]) -> Output {
    let url = match &app.database.url {
        DatabaseUrl::Sqlite { path } => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres { url } => url.clone(),
    };
    let settings = [
        ("UNTETHER_DATABASE_URL", url.as_str()),
        ("UNTETHER_SECRET_KEY", "the secret key of the tests only"),
        ("UNTETHER_IDLE_DAYS", "3650"),
    ];
    untether(arguments, &settings)
}

/// Ana and Bo, each with Cursor and Codex, at Search and Wiki: six connections.
async fn furnish(app: &TestApp) -> (String, Vec<String>) {
    let (search, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let (cursor, codex) = (app.host("Cursor").await, app.host("Codex").await);
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    let mut ids = Vec::new();
    for (host, person, server) in [
        (&cursor, &ana, &search),
        (&codex, &ana, &search),
        (&cursor, &ana, &wiki),
        (&cursor, &bo, &search),
        (&codex, &bo, &wiki),
        (&codex, &bo, &search),
    ] {
        host.connects(person, server).await;
        ids.push(person.newest_connection().await);
        app.advance(std::time::Duration::from_secs(1));
    }
    (codex.client_id.clone(), ids)
}

/// The ids that a command printed, sorted.
pub fn ids_of(printed: &Value) -> Vec<String> {
    let rows = printed["connections"].as_array().unwrap();
    let mut ids: Vec<_> = rows
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(printed["count"], ids.len());
    ids.sort();
    ids
}

fn some(ids: &[String], wanted: &[usize]) -> Vec<String> {
    let mut some: Vec<_> = wanted.iter().map(|number| ids[*number].clone()).collect();
    some.sort();
    some
}

pub async fn unrevoked(app: &TestApp) -> Vec<String> {
    let query = "SELECT id FROM connection WHERE revoked_at IS NULL ORDER BY id";
    app.database.texts(query).await
}

#[actix_web::test]
async fn revoke_ends_what_it_names_and_nothing_else_and_a_dry_run_nothing() {
    let app = TestApp::spawn().await;
    let (codex, ids) = furnish(&app).await;
    let mut left: Vec<_> = (0..6).collect();
    for (which, value, wanted) in [
        ("--connection", ids[0].as_str(), vec![0]),
        ("--person", "Ana@acme.example", vec![1, 2]),
        ("--project", "wiki", vec![4]),
        ("--client", codex.as_str(), vec![5]),
        ("--project", "search", vec![3]),
    ] {
        let before = app.database.dump().await;
        let arguments = ["revoke", which, value, "--reason", "Review", "--json"];
        let dry = [&arguments[..], &["--dry-run"]].concat();
        let planned = json(&shell(&app, &dry));
        assert_eq!(planned["dry_run"], true);
        assert_eq!(ids_of(&planned), some(&ids, &wanted), "{which}");
        assert_eq!(
            app.database.dump().await,
            before,
            "a dry run changes nothing"
        );
        let done = json(&shell(&app, &arguments));
        assert_eq!(
            (&done["complete"], &done["dry_run"]),
            (&true.into(), &false.into())
        );
        assert_eq!(ids_of(&done), some(&ids, &wanted), "{which}");
        left.retain(|number| !wanted.contains(number));
        assert_eq!(unrevoked(&app).await, some(&ids, &left), "{which}");
        let again = json(&shell(&app, &arguments));
        assert_eq!(again["count"], 0, "{which}");
    }
    app.database.check_counts().await;
    let told = "SELECT connection_id FROM audit_event
                WHERE action = 'connection.revoked' AND actor = 'command line' AND reason = 'Review'
                ORDER BY connection_id";
    let mut all = ids.clone();
    all.sort();
    assert_eq!(app.database.texts(told).await, all);
}

#[actix_web::test]
async fn revoke_takes_effect_on_the_running_server() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    assert!(server.admits(&tokens.access).await);
    let output = shell(&app, &["revoke", "--person", "ana@acme.example"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        text.contains("ana@acme.example  Cursor at Project search"),
        "{text}"
    );
    assert!(text.ends_with("Revoked 1 connection.\n"), "{text}");
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
    host.connects(&app.person("ana"), &server).await;
}

#[actix_web::test]
async fn revoke_spares_what_was_used_lately() {
    let app = TestApp::spawn().await;
    let (_, ids) = furnish(&app).await;
    // The machine's clock is what the command goes by.
    let recent = format!(
        "UPDATE connection SET last_used_at = 32503680000000 WHERE id IN ('{}', '{}')",
        ids[0], ids[3]
    );
    app.database.execute(&recent).await;
    let idle = [
        "revoke",
        "--project",
        "search",
        "--idle-days",
        "1",
        "--json",
    ];
    let done = json(&shell(&app, &idle));
    assert_eq!(ids_of(&done), some(&ids, &[1, 5]));
    let one = [
        "revoke",
        "--connection",
        &ids[0],
        "--idle-days",
        "1",
        "--json",
    ];
    assert_eq!(json(&shell(&app, &one))["count"], 0);
    assert_eq!(unrevoked(&app).await, some(&ids, &[0, 2, 3, 4]));
}

#[actix_web::test]
async fn untethers_own_project_is_not_archived() {
    let app = TestApp::spawn().await;
    let output = shell(&app, &["project", "archive", "--slug", "untether"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "untether is Untether's own MCP server, which cannot be archived";
    assert!(said(&output).contains(expected), "{}", said(&output));
}

#[actix_web::test]
async fn what_is_not_there_is_named_and_nothing_is_revoked() {
    let app = TestApp::spawn().await;
    let (_, ids) = furnish(&app).await;
    let long = "x".repeat(501);
    let missing = "01890000-0000-7000-8000-000000000000";
    for (arguments, status, text) in [
        (
            vec!["--person", "nobody@acme.example"],
            1,
            "nobody with the e-mail nobody@acme",
        ),
        (
            vec!["--client", "nope"],
            1,
            "no client has the client_id nope",
        ),
        (vec!["--project", "nope"], 1, "no project has the slug nope"),
        (
            vec!["--project", "No Slug!"],
            1,
            "no project has the slug No Slug!",
        ),
        (vec!["--connection", missing], 1, "no connection has the id"),
        (
            vec!["--connection", "first"],
            1,
            "no connection has the id first",
        ),
        (
            vec!["--project", "search", "--reason", &long],
            1,
            "longer than 500",
        ),
        (
            vec!["--project", "search", "--idle-days", "0"],
            2,
            "--idle-days",
        ),
        (
            vec!["--project", "search", "--person", "ana@acme.example"],
            2,
            "cannot be used with",
        ),
        (vec![], 2, "--project"),
    ] {
        let output = shell(&app, &[&["revoke"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(
            said(&output).contains(text),
            "{arguments:?}: {}",
            said(&output)
        );
    }
    // The setting of that name would not spare what was used lately.
    let output = shell(
        &app,
        &["--idle-days", "90", "revoke", "--project", "search"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("write it behind"),
        "{}",
        said(&output)
    );
    assert_eq!(unrevoked(&app).await.len(), ids.len());
}

#[actix_web::test]
async fn the_export_command_prints_what_the_page_would_send() {
    let app = TestApp::spawn().await;
    let (codex, ids) = furnish(&app).await;
    app.person("ana").revokes(&[&ids[0]], "").await;
    let print = |arguments: &[&str]| {
        let output = shell(&app, &[&["export", "connections"], arguments].concat());
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = |arguments: &[&str]| {
        let text = print(&[arguments, &["--format", "json"]].concat());
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
        rows.iter().map(id).collect::<Vec<_>>()
    };
    let newest = |wanted: &[usize]| wanted.iter().map(|n| ids[*n].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&[]), newest(&[5, 4, 3, 2, 1]));
    assert_eq!(listed(&["--status", "revoked"]), newest(&[0]));
    assert_eq!(listed(&["--client", &codex]), newest(&[5, 4, 1]));
    assert_eq!(
        listed(&["--person", "bo@acme.example", "--project", "search"]),
        newest(&[5, 3])
    );
    assert_eq!(
        listed(&["--search", "CODEX#", "--from", "2026-06-01"]),
        newest(&[5, 4, 1])
    );
    assert_eq!(listed(&["--to", "2026-05-31"]), newest(&[]));
    let csv = print(&["--project", "search"]);
    assert!(csv.starts_with("id,name,status,client_id,"), "{csv}");
    assert_eq!(csv.matches("\r\n").count(), 4);
    for (arguments, text) in [
        (["--status", "gone"], "status is \"gone\""),
        (["--from", "yesterday"], "from is \"yesterday\""),
        (["--person", "x@y.example"], "nobody with the e-mail"),
        (["--origin", "mars"], "origin is \"mars\""),
    ] {
        let output = shell(&app, &[&["export", "connections"][..], &arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(text), "{}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

#[actix_web::test]
async fn the_audit_trail_is_exported_the_newest_event_first() {
    let app = TestApp::spawn().await;
    let (_, ids) = furnish(&app).await;
    app.person("ana").revokes(&[&ids[0]], "=1+1").await;
    let output = shell(&app, &["export", "audit", "--format", "json"]);
    let events: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(events[0]["action"], "connection.revoked");
    assert_eq!(events[0]["actor"], "ana@acme.example");
    assert_eq!(events[0]["connection_id"], ids[0]);
    assert_eq!(events[0]["reason"], "=1+1");
    let at = |event: &Value| event["at"].as_str().unwrap().to_owned();
    assert!(
        events
            .iter()
            .map(at)
            .collect::<Vec<_>>()
            .is_sorted_by(|a, b| a >= b)
    );
    let all = app.database.texts("SELECT id FROM audit_event").await.len();
    assert_eq!(events.len(), all);
    let csv = shell(&app, &["export", "audit"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert_eq!(csv.matches("\r\n").count(), all + 1);
    assert!(csv.contains(",'=1+1,"), "no formula: {csv}");
}

#[actix_web::test]
async fn the_sweep_command_says_what_it_did() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    app.person("ana").allows(&host, &server).await;
    let before = app.database.dump().await;
    let dry = json(&shell(&app, &["sweep", "--dry-run", "--json"]));
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["swept"]["unused_connections_removed"], 1);
    assert_eq!(app.database.dump().await, before);
    let output = shell(&app, &["sweep"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("1  connections removed that never had a token"),
        "{text}"
    );
    let output = shell(&app, &["sweep"]);
    assert_eq!(output.stdout, b"Nothing was due.\n");
    assert_eq!(
        app.trail().await.last().unwrap(),
        "connection.removed by command line"
    );
}

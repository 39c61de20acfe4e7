//! `untether check`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use untether::{config::DatabaseUrl, store::Db};

use crate::{
    commands::{self, said, untether},
    support::{Site, TestApp},
};

/// Runs `untether check` on the database of a running program, beside its runtime.
pub async fn check(app: &TestApp, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let database = match &app.database.url {
        DatabaseUrl::Sqlite { path } => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres { url } => url.clone(),
    };
    let arguments: Vec<_> = ["check"]
        .iter()
        .chain(arguments)
        .map(ToString::to_string)
        .collect();
    let mut given = vec![
        ("UNTETHER_DATABASE_URL".to_owned(), database),
        ("UNTETHER_PUBLIC_URL".to_owned(), app.url.clone()),
        (
            "UNTETHER_TRUSTED_PROXIES".to_owned(),
            "127.0.0.1".to_owned(),
        ),
        (
            "UNTETHER_OWNERS".to_owned(),
            "olivia@acme.example".to_owned(),
        ),
        ("UNTETHER_SECRET_KEY".to_owned(), "x".repeat(32)),
    ];
    given.extend(
        settings
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string())),
    );
    let run = move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let given = given
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        untether(&arguments, &given.collect::<Vec<_>>())
    };
    actix_web::rt::task::spawn_blocking(run).await.unwrap()
}

pub fn lines(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn beginnings(output: &Output) -> Vec<String> {
    let beginning = |line: &String| line.split(':').next().unwrap().to_owned();
    lines(output).iter().map(beginning).collect()
}

#[actix_web::test]
async fn a_healthy_installation_has_no_problem() {
    let app = TestApp::spawn().await;
    let output = check(&app, &[], &[]).await;
    assert!(
        output.status.success(),
        "{:#?} {}",
        lines(&output),
        said(&output)
    );
    let expected = [
        "ok       settings",
        "warning  settings", // the public URL is loopback
        "ok       database",
        "ok       public URL",
        "ok       public URL",
        "warning  public URL", // no sign-in proxy is in front
        "ok       untether",
        "ok       untether",
        "ok       untether",
        "ok       untether",
        "ok       untether",
    ];
    assert_eq!(beginnings(&output), expected, "{:#?}", lines(&output));
}

#[actix_web::test]
async fn a_problem_is_said_in_one_line_and_fails() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    let site = Site::start().await;
    let moved = format!(
        "UPDATE project SET resource = '{}/mcp' WHERE slug = 'search'",
        site.origin
    );
    app.database.execute(&moved).await;
    let output = check(&app, &["--project", "search"], &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(beginnings(&output), ["problem  search", "problem  search"]);
    assert!(
        said(&output).contains("there are 2 problems"),
        "{}",
        said(&output)
    );

    let output = check(&app, &["--project", "search", "--json"], &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&printed["problems"], &printed["warnings"]),
        (&json!(2), &json!(0))
    );
    let first = &printed["findings"][0];
    assert_eq!(
        (&first["about"], &first["level"]),
        (&json!("search"), &json!("problem"))
    );
    assert!(first["seen"].is_string() && first["advice"].is_string());

    let output = check(&app, &["--project", "untether"], &[]).await;
    assert!(output.status.success(), "{:#?}", lines(&output));
    let output = check(&app, &["--project", "nope"], &[]).await;
    assert!(!output.status.success());
    assert!(said(&output).contains("no project has the slug nope"));
}

#[actix_web::test]
async fn a_database_of_another_version_is_left_as_it_is() {
    let app = TestApp::spawn().await;
    let versions = "SELECT CAST(version AS TEXT) FROM _sqlx_migrations ORDER BY version";
    let later = "INSERT INTO _sqlx_migrations
                     (version, description, success, checksum, execution_time)
                 SELECT 9999, description, success, checksum, execution_time
                 FROM _sqlx_migrations WHERE version = 1";
    let earlier = "DELETE FROM _sqlx_migrations WHERE version > 4";
    for (change, level, words) in [
        (later, "problem  database", "a later version"),
        (
            &format!("{earlier};"),
            "warning  database",
            "an earlier version",
        ),
    ] {
        app.database.execute(change).await;
        let before = app.database.texts(versions).await;
        let output = check(&app, &["--project", "untether"], &[]).await;
        assert_eq!(beginnings(&output), [level]);
        assert!(lines(&output)[0].contains(words), "{:?}", lines(&output));
        assert_eq!(output.status.success(), level.starts_with("warning"));
        assert_eq!(app.database.texts(versions).await, before);
    }
}

pub fn in_folder(folder: &Path, settings: &[(&str, &str)]) -> Output {
    let database = format!("sqlite://{}/u.db", folder.display());
    let mut given = vec![
        ("UNTETHER_DATABASE_URL", database.as_str()),
        // Nobody listens there.
        ("UNTETHER_LISTEN", "127.0.0.1:9"),
    ];
    given.extend(settings);
    untether(&["check"], &given)
}

fn finds(output: &Output, beginning: &str, words: &str) {
    let lines = lines(output);
    let found = lines
        .iter()
        .any(|line| line.starts_with(beginning) && line.contains(words));
    assert!(found, "{beginning} {words}: {lines:#?}");
}

#[test]
fn nothing_is_made_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let output = in_folder(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    finds(&output, "problem  settings", "UNTETHER_TRUSTED_PROXIES");
    finds(&output, "warning  settings", "UNTETHER_OWNERS");
    finds(&output, "warning  database", "There is no database");
    finds(&output, "problem  public URL", "cannot be connected to");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_lost_key_is_noticed_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    // Runs a server until it listens. Whether it did.
    let serves = |more: &[&str]| {
        let mut server = Command::new(env!("CARGO_BIN_EXE_untether"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .env_clear()
            .env("UNTETHER_DATABASE_URL", &database)
            .env("UNTETHER_TRUSTED_PROXIES", "127.0.0.1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let listens = lines.any(|line| line.unwrap().contains("\"listening\""));
        server.kill().unwrap();
        server.wait().unwrap();
        listens
    };
    assert!(serves(&[]));
    let key = folder.path().join("u.db.key");
    std::fs::remove_file(&key).unwrap();
    finds(
        &in_folder(folder.path(), &[]),
        "problem  database",
        "is gone",
    );
    assert!(!key.exists());
    // No command makes another in silence either.
    let refused = untether(
        &["project", "list"],
        &[("UNTETHER_DATABASE_URL", &database)],
    );
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("u.db.key is gone, and"), "{said}");
    assert!(!key.exists());
    // Nor does anything start with another that is put there.
    std::fs::write(&key, "another-key-of-more-than-thirty-two-characters").unwrap();
    let refused = untether(
        &["project", "list"],
        &[("UNTETHER_DATABASE_URL", &database)],
    );
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("is not the one that the database"), "{said}");
    finds(
        &in_folder(folder.path(), &[]),
        "problem  database",
        "The secret key is not the one",
    );
    // Unless that is meant.
    assert!(!serves(&[]));
    assert!(serves(&["--accept-new-key"]));
    let told = untether(
        &["export", "audit"],
        &[("UNTETHER_DATABASE_URL", &database)],
    );
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.matches("secret_key.replaced").count(), 1, "{told}");
    commands::json(&untether(
        &["project", "list", "--json"],
        &[("UNTETHER_DATABASE_URL", &database)],
    ));
}

#[actix_web::test]
async fn a_damaged_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("u.db");
    let url = DatabaseUrl::Sqlite { path: path.clone() };
    let db = Db::open(&url).await.unwrap();
    let Db::Sqlite { write, .. } = &db else {
        panic!("not on SQLite");
    };
    // What is in the file beside would stand for what is damaged here.
    let all = "PRAGMA wal_checkpoint(TRUNCATE)";
    sqlx::query(all).execute(write).await.unwrap();
    let page = "SELECT rootpage FROM sqlite_master WHERE name = 'connection'";
    let page: i64 = sqlx::query_scalar(page).fetch_one(write).await.unwrap();
    db.close().await;
    let found = || lines(&in_folder(folder.path(), &[])).join("\n");
    assert!(!found().contains("is damaged"));
    // A table, and that all is a database.
    for page in [page, 1] {
        let mut file = std::fs::read(&path).unwrap();
        let start = (usize::try_from(page).unwrap() - 1) * 4096;
        file[start..][..4096].fill(0xee);
        std::fs::write(&path, file).unwrap();
        let now = found();
        assert!(now.contains("u.db is damaged"), "{now}");
    }
}

#[test]
fn settings_are_checked_for_what_they_mean() {
    let folder = tempfile::tempdir().unwrap();
    let trusting = |networks| in_folder(folder.path(), &[("UNTETHER_TRUSTED_PROXIES", networks)]);
    let wide = trusting("127.0.0.1,10.0.0.0/8,fd00::/16");
    finds(
        &wide,
        "warning  settings",
        "Every machine in 10.0.0.0/8, fd00::/16 can name itself",
    );
    let narrow = lines(&trusting("127.0.0.1,10.0.0.0/24"));
    assert!(
        !narrow.iter().any(|line| line.contains("name itself")),
        "{narrow:#?}"
    );
    let misspelt = in_folder(folder.path(), &[("UNTETHER_IDEL_DAYS", "7")]);
    finds(&misspelt, "warning  settings", "UNTETHER_IDEL_DAYS is set");
    for (name, meant) in [
        ("UNTETHER_OWNER", "Did you mean UNTETHER_OWNERS?"),
        ("UNTETHER_TRUSTED_PROXY", "UNTETHER_TRUSTED_PROXIES?"),
        ("UNTETHER_DATABASE_URI", "UNTETHER_DATABASE_URL?"),
        ("UNTETHER_COLOR", "Look for the right name"),
    ] {
        let misspelt = in_folder(folder.path(), &[(name, "7")]);
        finds(&misspelt, "warning  settings", meant);
    }
    let invalid = in_folder(folder.path(), &[("UNTETHER_IDLE_DAYS", "0")]);
    assert_eq!(invalid.status.code(), Some(1));
    finds(&invalid, "problem  settings", "UNTETHER_IDLE_DAYS");
}

//! The program itself: its commands and settings, as a person runs it.

use std::process::{Command, Output};

use serde_json::Value;

pub fn untether(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_untether"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub const ADD: [&str; 9] = [
    "project",
    "add",
    "--slug",
    "search",
    "--name",
    "Search",
    "--resource",
    "https://search.acme.example/mcp",
    "--json",
];

#[test]
fn a_secret_that_cannot_be_shown_belongs_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    let unheard = |arguments: &[&str]| {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_untether"))
            .args(arguments)
            .env_clear()
            .envs(settings)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = said(&output);
        assert!(said.contains("the output cannot be written"), "{said}");
    };
    unheard(&ADD);
    json(&untether(&ADD, &settings));
    let client = ["client", "add", "--project", "search", "--name", "Portal"];
    let confidential = ["--confidential", "--redirect-uri", "http://localhost/cb"];
    unheard(&[&client[..], &confidential].concat());
    let clients = json(&untether(&["client", "list", "--json"], &settings));
    assert_eq!(clients["clients"].as_array().unwrap().len(), 0);
    let trail = || {
        json(&untether(
            &["export", "audit", "--format", "json"],
            &settings,
        ))
    };
    let before = trail();
    unheard(&["project", "rotate", "--slug", "search"]);
    assert_eq!(trail(), before);
    unheard(&["project", "list"]);
}

#[test]
fn a_project_and_its_clients_are_added_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    let project = json(&untether(&ADD, &settings));
    assert_eq!(project["project"]["slug"], "search");
    assert_eq!(
        project["project"]["resource"],
        "https://search.acme.example/mcp"
    );
    let secret = project["introspection"]["client_secret"].as_str().unwrap();
    assert_eq!(
        project["introspection"]["endpoint"],
        "http://127.0.0.1:8080/oauth/introspect"
    );
    let key = std::fs::metadata(folder.path().join("u.db.key")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777,
        0o600
    );

    let client = [
        "client",
        "add",
        "--project",
        "search",
        "--name",
        "Portal",
        "--json",
    ];
    let redirect = ["--redirect-uri", "http://localhost/callback"];
    let public = json(&untether(&[&client[..], &redirect].concat(), &settings));
    assert_eq!(public["client"]["type"], "public");
    assert!(public.get("client_secret").is_none());
    let confidential = [&client[..], &redirect, &["--confidential"]].concat();
    let confidential = json(&untether(&confidential, &settings));
    assert!(
        confidential["client_secret"]
            .as_str()
            .unwrap()
            .starts_with("uts_")
    );

    let listed = json(&untether(&["client", "list", "--json"], &settings));
    assert_eq!(listed["clients"].as_array().unwrap().len(), 2);
    let projects = untether(&["project", "list"], &settings);
    let text = String::from_utf8(projects.stdout).unwrap();
    assert!(
        text.contains("search") && !text.contains(secret),
        "shown once: {text}"
    );
}

#[test]
fn a_project_is_edited_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    let scopes = [
        "--scope",
        "read=Read it",
        "--optional-scope",
        "write=Change it",
    ];
    json(&untether(
        &[&ADD[..], &scopes, &["--allow", "group:staff"]].concat(),
        &settings,
    ));
    let edit = |arguments: &[&str]| {
        let edit = ["project", "edit", "--slug", "search", "--json"];
        json(&untether(&[&edit[..], arguments].concat(), &settings))["project"].clone()
    };
    let scope = |name: &str, description: &str, optional: bool| serde_json::json!({ "name": name, "description": description, "optional": optional });
    let edited = edit(&[
        "--scope",
        "write=Write it",
        "--optional-scope",
        "share=Share it",
    ]);
    assert_eq!(
        edited["scopes"],
        serde_json::json!([
            scope("read", "Read it", false),
            scope("write", "Write it", false),
            scope("share", "Share it", true),
        ])
    );
    assert_eq!(edited["members"], serde_json::json!(["group:staff"]));
    let edited = edit(&[
        "--drop-scope",
        "read",
        "--allow",
        "Ana@acme.example",
        "--allow",
        "group:ops",
    ]);
    assert_eq!(edited["scopes"].as_array().unwrap().len(), 2);
    assert_eq!(
        edited["members"],
        serde_json::json!(["ana@acme.example", "group:ops"])
    );
    let edited = edit(&["--allow", "anyone"]);
    assert_eq!(edited["members"], Value::Null);
    let listed = json(&untether(&["project", "list", "--json"], &settings));
    assert_eq!(listed["projects"][0], edited);

    edit(&["--allow", "anyone"]);
    let trail = json(&untether(
        &["export", "audit", "--format", "json"],
        &settings,
    ));
    let details = trail.as_array().unwrap().iter();
    let details = details.filter(|event| event["action"] == "project.changed");
    let details: Vec<_> = details
        .map(|event| event["detail"].as_str().unwrap())
        .collect();
    assert_eq!(
        details,
        [
            "May connect: anyone; before: ana@acme.example, group:ops.",
            "Offers write (Write it); share (Share it, optional). May connect: \
             ana@acme.example, group:ops; before: group:staff.",
            "Offers read (Read it); write (Write it); share (Share it, optional).",
        ],
        "the newest first, and nothing for what changes nothing"
    );
}

#[test]
fn bad_values_are_named_with_what_is_allowed_and_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    json(&untether(&ADD, &settings));
    let with = |position: usize, value: &'static str| {
        let mut arguments = ADD;
        arguments[position] = value;
        arguments.to_vec()
    };
    let edit = |more: &[&'static str]| {
        let edit = ["project", "edit", "--slug", "search"];
        [&edit[..], more].concat()
    };
    let client = |redirect: &'static str, project: &'static str| {
        vec![
            "client",
            "add",
            "--project",
            project,
            "--name",
            "X",
            "--redirect-uri",
            redirect,
        ]
    };
    for (arguments, text) in [
        (ADD.to_vec(), "belongs to another project"),
        (with(3, "Search!"), "not a slug"),
        (with(5, ""), "--name: a name is needed"),
        (with(7, "http://search.acme.example/mcp"), "--resource"),
        (
            [&with(3, "two")[..], &["--scope", "read"]].concat(),
            "write SCOPE=MEANING",
        ),
        (
            [&with(3, "two")[..], &["--administrator", "ana"]].concat(),
            "neither an e-mail nor group:NAME",
        ),
        (edit(&[]), "say what to change"),
        (
            edit(&["--drop-scope", "read"]),
            "search does not offer read",
        ),
        (
            edit(&["--allow", "staff"]),
            "--allow: \"staff\" is neither an e-mail",
        ),
        (
            vec!["project", "edit", "--slug", "wiki", "--allow", "anyone"],
            "no project has the slug wiki",
        ),
        (client("http://evil.example/", "search"), "--redirect-uri"),
        (
            client("http://localhost/", "nope"),
            "no project has the slug nope",
        ),
    ] {
        let output = untether(&arguments, &settings);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            said(&output).contains(text),
            "{arguments:?}: {}",
            said(&output)
        );
    }
    let clients = json(&untether(&["client", "list", "--json"], &settings));
    assert_eq!(clients["clients"].as_array().unwrap().len(), 0);
}

#[test]
fn a_wrong_setting_names_its_source_and_all_are_named_at_once() {
    let output = untether(
        &["--idle-days", "0", "serve"],
        &[
            ("UNTETHER_LISTEN", "abc"),
            ("UNTETHER_TRUSTED_PROXIES", "0.0.0.0/0"),
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    for named in [
        "UNTETHER_LISTEN (environment)",
        "\"abc\"",
        "UNTETHER_TRUSTED_PROXIES",
        "--idle-days",
    ] {
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[test]
fn serve_refuses_to_start_without_a_way_to_know_who_is_there() {
    let output = untether(&["serve"], &[]);
    assert!(!output.status.success());
    for way in ["UNTETHER_TRUSTED_PROXIES", "UNTETHER_ASSERTION_HEADER"] {
        assert!(said(&output).contains(way), "{}", said(&output));
    }
}

#[test]
fn the_demo_refuses_any_other_setting_than_its_own() {
    for (arguments, settings, text) in [
        (
            vec!["demo", "--listen", "0.0.0.0:0"],
            vec![("UNTETHER_PUBLIC_URL", "https://u.example")],
            "PUBLIC_URL",
        ),
        (
            vec!["demo"],
            vec![("UNTETHER_DATABASE_URL", "sqlite://real.db")],
            "UNTETHER_DATABASE_URL",
        ),
        (
            vec!["demo"],
            vec![("UNTETHER_TRUSTED_PROXIES", "10.0.0.1")],
            "UNTETHER_TRUSTED_PROXIES",
        ),
        (
            vec!["demo", "--assertion-issuer", "https://sso.example"],
            vec![
                ("UNTETHER_ASSERTION_HEADER", "X-Jwt"),
                ("UNTETHER_ASSERTION_JWKS_URL", "file:keys.json"),
                ("UNTETHER_ASSERTION_AUDIENCE", "untether"),
            ],
            "UNTETHER_ASSERTION_HEADER, UNTETHER_ASSERTION_JWKS_URL, \
             UNTETHER_ASSERTION_ISSUER, UNTETHER_ASSERTION_AUDIENCE",
        ),
    ] {
        let output = untether(&arguments, &settings);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            said(&output).contains(text),
            "{arguments:?}: {}",
            said(&output)
        );
    }
    let output = untether(&["demo", "--listen", "0.0.0.0:0"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("loopback"), "{}", said(&output));
}

#[actix_web::test]
async fn the_health_command_asks_the_running_server() {
    // Beside the runtime, which has to go on answering meanwhile.
    let health = |address: String| {
        actix_web::rt::task::spawn_blocking(move || {
            untether(&["health", "--listen", &address], &[])
        })
    };
    let app = crate::support::TestApp::spawn().await;
    let address = app.url.strip_prefix("http://").unwrap().to_owned();
    assert_eq!(app.get("/readyz").await.status(), 200);
    let output = health(address).await.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap().to_string();
    drop(free);
    let output = health(nobody.clone()).await.unwrap();
    assert!(
        !output.status.success() && said(&output).contains(&nobody),
        "{}",
        said(&output)
    );
}

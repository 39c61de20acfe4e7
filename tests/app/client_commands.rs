//! What is done to clients by command, beside adding them.

use std::process::Output;

use crate::commands::{ADD, json, said, untether};

#[test]
fn a_client_is_revoked_by_command_once_and_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/untether.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    let run = |arguments: &[&str]| untether(arguments, &settings);
    let resource = "https://search.acme.example/mcp";
    let project = [
        "project",
        "add",
        "--slug",
        "search",
        "--name",
        "Search",
        "--resource",
        resource,
    ];
    assert!(run(&project).status.success());
    let client = [
        "client",
        "add",
        "--project",
        "search",
        "--name",
        "Cursor",
        "--json",
    ];
    let uri = ["--redirect-uri", "http://localhost/callback"];
    let added = json(&run(&[&client[..], &uri[..]].concat()));
    let id = added["client"]["client_id"].as_str().unwrap();
    let revoke = ["client", "revoke", "--client", id, "--reason", "leaked"];
    let printed = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let dry = run(&[&revoke[..], &["--dry-run"]].concat());
    assert_eq!(
        printed(&dry).trim(),
        "Would revoke Cursor and its connections: 0"
    );
    let done = json(&run(&[&revoke[..], &["--json"]].concat()));
    assert_eq!(
        (
            &done["revoked"],
            &done["connections"],
            &done["client"]["client_id"]
        ),
        (&true.into(), &0.into(), &id.into())
    );
    let again = run(&revoke);
    assert!(again.status.success());
    assert_eq!(printed(&again).trim(), "Cursor had been revoked before");
    let list = json(&run(&["client", "list", "--json"]));
    assert_eq!(list["clients"][0]["revoked"], true);
    let list = printed(&run(&["client", "list"]));
    assert!(list.trim_end().ends_with("Cursor  (revoked)"), "{list}");
    let unknown = run(&["client", "revoke", "--client", "nobody"]);
    assert!(!unknown.status.success());
    assert!(said(&unknown).contains("no client has the client_id nobody"));
}

#[test]
fn a_client_is_blocked_and_unblocked_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    let settings = [("UNTETHER_DATABASE_URL", database.as_str())];
    json(&untether(&ADD, &settings));
    let add = "client add --project search --name Portal --json --redirect-uri http://localhost/cb";
    let add: Vec<_> = add.split(' ').collect();
    let client = json(&untether(&add, &settings));
    let id = client["client"]["client_id"].as_str().unwrap();
    for (word, key, changed) in [
        ("block", "blocked", true),
        ("block", "blocked", false),
        ("unblock", "unblocked", true),
        ("unblock", "unblocked", false),
    ] {
        let answer = json(&untether(
            &["client", word, "--client", id, "--json"],
            &settings,
        ));
        assert_eq!(answer[key]["client_id"], id);
        assert_eq!(answer["changed"], changed, "{word}");
        let blocked = word == "block";
        let listed = json(&untether(&["client", "list", "--json"], &settings));
        assert_eq!(listed["clients"][0]["blocked"], blocked);
        let only = untether(&["client", "list", "--blocked"], &settings);
        let text = String::from_utf8(only.stdout).unwrap();
        assert_eq!(text.contains("Portal  (blocked)"), blocked, "{text}");
        let file = untether(&["export", "connections", "--blocked"], &settings);
        assert!(file.status.success(), "{}", said(&file));
    }
    let person = [
        "client",
        "block",
        "--client",
        id,
        "--person",
        "ana@acme.example",
    ];
    let output = untether(&person, &settings);
    assert!(!output.status.success());
    assert!(
        said(&output).contains("has ever connected"),
        "{}",
        said(&output)
    );
    let long = "x".repeat(501);
    let output = untether(
        &["client", "block", "--client", id, "--reason", &long],
        &settings,
    );
    assert!(
        said(&output).contains("nothing was blocked"),
        "{}",
        said(&output)
    );
}

//! What is done to projects by command, beside adding and editing them.

use serde_json::{Value, json};

use crate::commands::{json as printed, said, untether};

struct Shell {
    _folder: tempfile::TempDir,
    database: String,
}

impl Shell {
    /// A database with the project "search"; returns its first credential too.
    fn with_search() -> (Self, String) {
        let folder = tempfile::tempdir().unwrap();
        let shell = Self {
            database: format!("sqlite://{}/u.db", folder.path().display()),
            _folder: folder,
        };
        let resource = "https://search.acme.example/mcp";
        let named = [
            "--slug",
            "search",
            "--name",
            "Search",
            "--resource",
            resource,
        ];
        let added = shell.prints(&[&["project", "add"], &named[..]].concat());
        let credential = text(&added["introspection"]["client_id"]);
        (shell, credential)
    }

    fn runs(&self, arguments: &[&str]) -> std::process::Output {
        untether(arguments, &[("UNTETHER_DATABASE_URL", &self.database)])
    }

    fn prints(&self, arguments: &[&str]) -> Value {
        printed(&self.runs(&[arguments, &["--json"]].concat()))
    }

    /// What it says when it fails.
    fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        said(&output)
    }

    fn trail(&self) -> Vec<String> {
        let trail = printed(&self.runs(&["export", "audit", "--format", "json"]));
        let events = trail.as_array().unwrap().iter();
        events.map(|event| text(&event["action"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

const ROTATE: [&str; 4] = ["project", "rotate", "--slug", "search"];
const REMOVE: [&str; 5] = ["project", "remove", "--slug", "search", "--credential"];

#[test]
fn a_credential_is_rotated_and_removed_by_command() {
    let (shell, first) = Shell::with_search();
    let made = shell.prints(&ROTATE);
    let second = text(&made["introspection"]["client_id"]);
    assert!(text(&made["introspection"]["client_secret"]).starts_with("uti_"));
    assert_eq!(
        made["introspection"]["endpoint"],
        "http://127.0.0.1:8080/oauth/introspect"
    );
    // Both work for a day, unless one is ended.
    let unknown = "01890000-0000-7000-8000-000000000001";
    let refused = shell.refuses(&[&REMOVE[..], &[unknown]].concat());
    assert!(
        refused.contains(&first) && refused.contains(&second),
        "{refused}"
    );
    let removed = shell.prints(&[&REMOVE[..], &[&first]].concat());
    assert_eq!(removed, json!({ "credential": first, "removed": true }));
    let again = shell.prints(&[&REMOVE[..], &[&first]].concat());
    assert_eq!(again["removed"], false);
    let refused = shell.refuses(&[&REMOVE[..], &[unknown]].concat());
    assert!(
        !refused.contains(&first) && refused.contains(&second),
        "{refused}"
    );
    // With no overlap the others end at once.
    let third = text(
        &shell.prints(&[&ROTATE[..], &["--overlap-hours", "0"]].concat())["introspection"]["client_id"],
    );
    let refused = shell.refuses(&[&REMOVE[..], &[unknown]].concat());
    assert!(
        !refused.contains(&second) && refused.contains(&third),
        "{refused}"
    );
    assert_eq!(
        shell.trail(),
        [
            "credential.made",
            "credential.revoked",
            "credential.made",
            "project.added"
        ]
    );
}

#[test]
fn a_rotation_says_only_of_those_that_it_ends_how_long_they_work() {
    let (shell, _) = Shell::with_search();
    for (hours, expected) in [
        ("1", "The one that there was works for 1 hour more."),
        ("24", "The one that there was works for 24 hours more."),
        ("2", "2 that there were work for 2 hours more."),
        ("0", "4 that there were no longer work."),
        ("0", "The one that there was no longer works."),
    ] {
        let output = shell.runs(&[&ROTATE[..], &["--overlap-hours", hours]].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_rotation_that_makes_no_sense_is_refused_in_a_sentence() {
    let (shell, _) = Shell::with_search();
    for (arguments, expected) in [
        (
            &["project", "rotate", "--slug", "unknown"][..],
            "no project has the slug unknown",
        ),
        (&["project", "rotate", "--slug", "Not one"], "--slug: "),
        (
            &[
                "project",
                "rotate",
                "--slug",
                "search",
                "--overlap-hours",
                "soon",
            ],
            "--overlap-hours",
        ),
        (
            &[
                "project",
                "rotate",
                "--slug",
                "search",
                "--overlap-hours",
                "9999",
            ],
            "8760",
        ),
        (
            &["project", "remove", "--slug", "search", "--credential", "x"],
            "not the id of a credential",
        ),
        (
            &["project", "archive", "--slug", "untether"],
            "no project has the slug untether",
        ),
        (
            &["project", "restore", "--slug", "unknown"],
            "no project has the slug unknown",
        ),
    ] {
        let said = shell.refuses(arguments);
        assert!(said.contains(expected), "{said}");
    }
    for _ in 0..9 {
        shell.prints(&ROTATE);
    }
    assert!(shell.refuses(&ROTATE).contains("10 credentials that work"));
}

#[test]
fn a_project_is_archived_and_brought_back_by_command() {
    let (shell, _) = Shell::with_search();
    let archive = [
        "project",
        "archive",
        "--slug",
        "search",
        "--reason",
        "Shut down",
    ];
    let archived = json!({ "project": { "slug": "search", "archived": true } });
    assert_eq!(shell.prints(&archive), archived);
    assert_eq!(shell.prints(&archive), archived);
    let client = ["client", "add", "--project", "search", "--name", "Portal"];
    let client = [
        &client[..],
        &["--redirect-uri", "http://localhost/callback"],
    ]
    .concat();
    assert!(shell.refuses(&client).contains("is archived"));
    let listed = shell.prints(&["project", "list"]);
    assert_eq!(listed["projects"][0]["archived"], true);
    let restore = ["project", "restore", "--slug", "search"];
    for _ in 0..2 {
        assert_eq!(shell.prints(&restore)["project"]["archived"], false);
    }
    shell.prints(&client);
    assert_eq!(
        shell.trail(),
        [
            "client.created",
            "project.restored",
            "project.archived",
            "project.added"
        ]
    );
}

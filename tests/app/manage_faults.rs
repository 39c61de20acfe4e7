//! What is typed wrong about a client, each with its message, and nothing of it lost.

use untether::domain::client::ClientType;

use crate::support::TestApp;

const CLIENTS: &str = "/projects/search/clients";
const NEW: &str = "/projects/search/clients/new";
const GOOD: &str = "http://localhost/callback";

fn many(count: usize) -> String {
    let lines = (0..count).map(|number| format!("https://app.example/{number}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Name, redirect URIs, and what is said.
fn table() -> Vec<(String, String, &'static str)> {
    let long = format!("https://app.example/{}", "x".repeat(2048));
    let rows = [
        ("", GOOD, "A name is needed."),
        ("  \t ", GOOD, "A name is needed."),
        (
            &*"x".repeat(129),
            GOOD,
            "A name has at most 128 characters.",
        ),
        (
            "a\u{202e}b",
            GOOD,
            "A name cannot have control, text-direction or invisible characters.",
        ),
        ("a\nb", GOOD, "A name cannot have control"),
        (
            "a\0b",
            GOOD,
            "A name cannot have a character that is no text.",
        ),
        ("App", "", "At least one redirect URI is needed."),
        ("App", " \r\n \n", "At least one redirect URI is needed."),
        (
            "App",
            "callback",
            "Line 1, callback: it is not a complete address",
        ),
        (
            "App",
            "http://localhost/a\nhttp://app.example/cb",
            "Line 2, http://app.example/cb: it uses http,",
        ),
        ("App", "https://app.example/#top", "it has a fragment"),
        (
            "App",
            "https://user@app.example/",
            "it contains a user name or password",
        ),
        ("App", "https://app.example/a b", "it contains ' '"),
        ("App", "https://app.example/\0", "it contains"),
        ("App", "https://app.example:0/", "its port"),
        ("App", "https:///cb", "its host"),
        (
            "App",
            "https://*.app.example/cb",
            "it contains *, which stands for nothing here",
        ),
        (
            "App",
            "javascript:alert(1)",
            "its scheme javascript: is not allowed here",
        ),
        ("App", "foo://bar", "its scheme foo: is not allowed here"),
        ("App", "https://ex\u{e4}mple.example/", "it contains"),
        ("App", &long, "it is longer than 2048 characters"),
        (
            "App",
            &many(21),
            "These are 21, and a client has at most 20.",
        ),
    ];
    rows.map(|(name, uris, said)| (name.to_owned(), uris.to_owned(), said))
        .to_vec()
}

#[actix_web::test]
async fn each_fault_is_named_and_what_was_typed_stays() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let (client, _) = app
        .makes_client("search", "Known", ClientType::Public, &[GOOD])
        .await;
    let owner = app.owner();
    let here = format!("{CLIENTS}/{}", client.identifier);
    let forms = [(NEW.to_owned(), NEW), (here.clone(), &*here)];
    for (page, action) in &forms {
        let page = owner.opens(page).await;
        let before = app.database.dump().await;
        for (name, uris, said) in table() {
            let filled = [
                ("name", &*name),
                ("redirect_uris", &*uris),
                ("type", "confidential"),
            ];
            let told = owner.fills(&page, action, &filled).await;
            assert_eq!(told.status, 400, "{name:?} {uris:?}");
            let faults = told.all("form [role=alert]").join(" ");
            assert!(faults.contains(said), "{name:?} {uris:?}: {faults}");
            let kept = told.raw("#redirect-uris").remove(0);
            let typed = uris.replace("\r\n", "\n").replace('\0', "\u{fffd}");
            assert_eq!(kept, typed, "{name:?}");
            let kept = told.attributes("#name", "value").remove(0);
            assert_eq!(kept, name.replace('\0', "\u{fffd}"));
            if *action == NEW {
                assert_eq!(
                    told.attributes("[type=radio][checked]", "value"),
                    ["confidential"]
                );
            }
        }
        assert_eq!(app.database.dump().await, before);
    }
}

#[actix_web::test]
async fn the_most_that_is_allowed_is_kept() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let long = |number: usize| {
        let start = format!("https://app.example/{number:02}/");
        format!("{start}{}", "x".repeat(2048 - start.len()))
    };
    let uris: Vec<_> = (0..20).map(long).collect();
    let uris = uris.join("\n");
    let name = "é".repeat(128);
    let page = owner.opens(NEW).await;
    let filled = [("name", &*name), ("redirect_uris", &*uris)];
    assert_eq!(owner.fills(&page, NEW, &filled).await.status, 200);
    let kept = app
        .database
        .texts("SELECT uri FROM redirect_uri ORDER BY position")
        .await;
    assert_eq!(kept.join("\n"), uris);
    // The same address twice is one.
    let page = owner.opens(NEW).await;
    let filled = [
        ("name", "Twice"),
        ("redirect_uris", "http://localhost/a\nhttp://localhost/a"),
    ];
    assert_eq!(owner.fills(&page, NEW, &filled).await.status, 200);
    let kept = app
        .database
        .texts("SELECT uri FROM redirect_uri WHERE uri LIKE 'http:%'")
        .await;
    assert_eq!(kept, ["http://localhost/a"]);
}

#[actix_web::test]
async fn a_form_without_a_version_changes_nothing() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let (client, _) = app
        .makes_client("search", "Known", ClientType::Confidential, &[GOOD])
        .await;
    let owner = app.owner();
    let here = format!("{CLIENTS}/{}", client.identifier);
    let before = app.database.dump().await;
    for action in [here.clone(), format!("{here}/rotate")] {
        for version in ["", "x", "99999999999999999999", "2"] {
            let fields = [
                ("csrf", &*owner.form_token().await),
                ("version", version),
                ("name", "Other"),
                ("redirect_uris", GOOD),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let answer = owner.posts(&action, &fields).await;
            let expected = if version == "2" { 409 } else { 400 };
            assert_eq!(answer.status, expected, "{action} {version:?}");
        }
    }
    assert_eq!(app.database.dump().await, before);
}

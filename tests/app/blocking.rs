//! A block keeps a client from connecting, for everyone or for one person, whatever
//! `client_id` it comes with, until it is lifted.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{
    Host, McpServer, Page, Person, TestApp, Tokens, error_of, form_fields, query_of,
};

const BLOCK: &str = "SELECT id FROM client_block";

/// Blocks a client for everyone, as its page asks.
pub async fn blocks(who: &Person<'_>, host: &Host<'_>) -> Page {
    let path = format!("/clients/{}/block", host.client_id);
    let asked = who.opens(&path).await;
    if asked.status != 200 {
        return asked;
    }
    let mut fields = form_fields(&asked, &path);
    fields.push(("reason".into(), "it leaks".into()));
    who.posts(&path, &fields).await
}

/// Lifts the only block there is.
pub async fn lifts(who: &Person<'_>) -> Page {
    let ids = who.app.database.texts(BLOCK).await;
    let path = format!("/blocks/{}/lift", ids[0]);
    let fields = [("csrf".to_owned(), who.form_token().await)];
    who.posts(&path, &fields).await
}

/// Revokes the newest connection of a person's and ticks the box.
pub async fn revokes_and_blocks(who: &Person<'_>, id: &str) -> Page {
    let asked = who.opens(&format!("/connections/revoke?id={id}")).await;
    assert!(
        asked.text.contains("lock this person from reconnecting"),
        "{}",
        asked.text
    );
    let mut fields = form_fields(&asked, "/connections/revoke");
    fields.push(("block".into(), "1".into()));
    who.posts("/connections/revoke", &fields).await
}

async fn registers(app: &TestApp, name: &str) -> reqwest::Response {
    let url = format!("{}/oauth/register", app.url);
    let metadata = json!({
        "client_name": name,
        "redirect_uris": ["http://localhost:3000/callback"],
        "token_endpoint_auth_method": "none",
    });
    app.http.post(url).json(&metadata).send().await.unwrap()
}

#[actix_web::test]
async fn a_block_is_true_on_the_next_call_and_says_so_to_the_host() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    let (ana, olivia) = (app.person("ana"), app.person("olivia"));
    let tokens = host.connects(&ana, &server).await;
    let unharmed = other.connects(&ana, &server).await;
    let waiting = ana.allows(&host, &server).await;
    let asked = ana.is_asked(&host, &server).await;

    assert_eq!(blocks(&olivia, &host).await.status, 303);
    assert!(!server.admits(&tokens.access).await);
    let refused = host.refreshes(&tokens.refresh).await;
    assert_eq!(refused.status(), 400);
    let said: Value = refused.json().await.unwrap();
    assert_eq!(said["error"], "access_denied");
    let text = said["error_description"].as_str().unwrap();
    assert!(text.starts_with("Cursor is blocked here"), "{text}");
    assert_eq!(
        error_of(host.redeems(&waiting).await, 400).await,
        "access_denied"
    );

    // The page that was open, and a new one.
    let location = ana.answers(&asked, "allow", &[]).await;
    let page = ana.is_asked(&host, &server).await;
    assert_eq!(page.status, 303);
    for location in [&location, page.headers["location"].to_str().unwrap()] {
        let query = query_of(location);
        assert_eq!(query["error"], "access_denied");
        assert!(query["error_description"].starts_with("Cursor is blocked here"));
        assert_eq!(query["state"], "a state & more");
        assert_eq!(query["iss"], format!("{}/oauth", app.url));
    }
    assert!(server.admits(&unharmed.access).await);
    app.database.check_counts().await;
}

#[actix_web::test]
async fn registering_again_does_not_get_round_a_block() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let again = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = again.connects(&ana, &server).await;
    assert_eq!(blocks(&app.person("olivia"), &host).await.status, 303);

    assert!(!server.admits(&tokens.access).await, "a look-alike");
    assert_eq!(ana.is_asked(&again, &server).await.status, 303);
    for name in ["Cursor", " cursor "] {
        assert_eq!(
            error_of(registers(&app, name).await, 403).await,
            "access_denied"
        );
    }
    assert_eq!(registers(&app, "Zed").await.status(), 201);
}

#[actix_web::test]
async fn what_a_block_ended_stays_ended_when_it_is_lifted() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, olivia) = (app.person("ana"), app.person("olivia"));
    let tokens = host.connects(&ana, &server).await;
    blocks(&olivia, &host).await;
    let page = olivia.opens(&format!("/clients/{}", host.client_id)).await;
    assert!(
        page.all(".blocks li")[0].contains("for everyone"),
        "{}",
        page.text
    );
    assert!(page.all(".blocks li")[0].contains("it leaks"));

    assert_eq!(lifts(&olivia).await.status, 303);
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
    let anew = host.connects(&ana, &server).await;
    assert!(server.admits(&anew.access).await);
    let trail = "SELECT action || ' ' || actor || ' ' || COALESCE(reason, '-') FROM audit_event
                 WHERE action LIKE 'client.%blocked' ORDER BY action";
    assert_eq!(
        app.database.texts(trail).await,
        [
            "client.blocked olivia@acme.example it leaks",
            "client.unblocked olivia@acme.example -"
        ]
    );
    let reason = "SELECT revoked_reason FROM connection WHERE revoked_at IS NOT NULL";
    assert_eq!(
        app.database.texts(reason).await,
        ["Client blocked: it leaks"]
    );
}

#[actix_web::test]
async fn a_block_for_one_person_leaves_the_others_and_their_other_clients() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["adam@acme.example"]).await;
    let elsewhere = app.project("wiki", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    let bos = host.connects(&bo, &server).await;
    let zed = other.connects(&ana, &server).await;
    let wiki = host.connects(&ana, &elsewhere).await;
    app.advance(std::time::Duration::from_secs(1));
    let laptop = host.connects(&ana, &server).await;
    let desktop = app.host("Cursor").await.connects(&ana, &server).await;

    let adam = app.person("adam");
    let id = adam.newest_connection().await;
    assert_eq!(revokes_and_blocks(&adam, &id).await.status, 303);

    for (token, works) in [
        (&bos, true),
        (&zed, true),
        (&wiki, true),
        (&laptop, false),
        (&desktop, false),
    ] {
        assert_eq!(
            server.admits(&token.access).await || elsewhere.admits(&token.access).await,
            works
        );
    }
    let refused = ana.is_asked(&app.host("Cursor").await, &server).await;
    let query = query_of(refused.headers["location"].to_str().unwrap());
    assert!(
        query["error_description"].starts_with("you may not connect Cursor at this MCP server")
    );
    assert_eq!(
        ana.is_asked(&host, &elsewhere).await.status,
        200,
        "not his project"
    );
    assert!(ana.opens("/me").await.all(".blocks li")[0].contains("at Project search"));

    assert_eq!(lifts(&adam).await.status, 303);
    host.connects(&ana, &server).await;
}

#[actix_web::test]
async fn what_a_block_ends_besides_the_connection_is_said() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, owner, ana) = (app.host("Cursor").await, app.owner(), app.person("ana"));
    for _ in 0..2 {
        host.connects(&ana, &server).await;
        app.advance(std::time::Duration::from_secs(1));
    }
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let said = async || owner.opens("/connections").await.all("#flash").remove(0);
    assert_eq!(revokes_and_blocks(&owner, &id).await.status, 303);
    let first = said().await;
    assert!(
        first.contains(" and 2 more with the same client. Cursor stays"),
        "{first}"
    );
    let where_to = "Blocked until someone unblocks it, on the person\u{2019}s page. ana@acme.example\u{2019}s page";
    assert!(first.ends_with(where_to), "{first}");

    // The same again changes nothing, and says so.
    revokes_and_blocks(&owner, &id).await;
    let again = said().await;
    assert!(
        again.contains("Blocked before. Nothing else was changed."),
        "{again}"
    );

    // A block of what has been revoked before is a change.
    lifts(&owner).await;
    host.connects(&ana, &server).await;
    let asked = owner.opens(&format!("/connections/revoke?id={id}")).await;
    assert_eq!(asked.all("h1"), ["Nothing is left to revoke"]);
    assert_eq!(asked.all("main button.danger"), ["Block"]);
    let alone = ["Block this person from reconnecting this client"];
    assert_eq!(asked.all(".also label"), alone);
    assert!(asked.all("#reason-use")[0].ends_with("shown with the block."));
    assert!(!asked.text.contains("stays registered"), "{}", asked.text);
    revokes_and_blocks(&owner, &id).await;
    let blocked = said().await;
    assert!(blocked.contains("had been revoked before"), "{blocked}");
    assert!(blocked.contains("Revoked 1 connection with the same client. Blocked until"));
    assert!(!blocked.contains("Nothing else"), "{blocked}");
}

#[actix_web::test]
async fn members_and_auditors_block_nothing_and_administrators_only_what_is_theirs() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["adam@acme.example"]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    for name in ["ana", "adam", "arthur"] {
        assert_eq!(blocks(&app.person(name), &host).await.status, 404, "{name}");
    }
    let asked = ana.opens(&format!("/connections/revoke?id={id}")).await;
    assert!(!asked.text.contains("Also block"));
    let mut fields = form_fields(&asked, "/connections/revoke");
    fields.push(("block".into(), "1".into()));
    assert_ne!(ana.posts("/connections/revoke", &fields).await.status, 303);
    assert!(app.database.texts(BLOCK).await.is_empty());

    blocks(&app.person("olivia"), &host).await;
    for name in ["ana", "adam", "arthur"] {
        assert_eq!(lifts(&app.person(name)).await.status, 404, "{name}");
    }
}

/// Registers the same client once more and lets the person allow it, as far as that goes.
async fn registers_and_connects(person: &Person<'_>, name: &str, server: &McpServer<'_>) {
    let registered = registers(person.app, name).await;
    if registered.status() != 201 {
        return;
    }
    let body: Value = registered.json().await.unwrap();
    let again = Host {
        app: person.app,
        client_id: body["client_id"].as_str().unwrap().to_owned(),
        client_secret: None,
        redirect_uri: "http://localhost:3000/callback".into(),
    };
    let page = person.is_asked(&again, server).await;
    if page.status == 200 {
        person.answers(&page, "allow", &[]).await;
    }
}

/// Registrations, consents, exchanges and refreshes under way on three servers while a client is blocked
/// on one of them.
#[actix_web::test]
async fn nothing_under_way_slips_through_a_block() {
    let first = TestApp::spawn().await;
    let others = [first.replica(|_| {}).await, first.replica(|_| {}).await];
    let apps = [&first, &others[0], &others[1]];
    let server = first.project("search", &[]).await;
    for round in 0..4 {
        let name = format!("Cursor {round}");
        let host = first.host(&name).await;
        let ana = first.person("ana");
        let tokens = host.connects(&ana, &server).await;
        let code = ana.allows(&host, &server).await;
        let mut consents = Vec::new();
        for _ in apps {
            let page = ana.is_asked(&host, &server).await;
            let mut fields = form_fields(&page, "/oauth/authorize");
            fields.push(("decision".into(), "allow".into()));
            consents.push(fields);
        }
        let people = apps.map(|app| Person::new(app, "ana"));
        let olivia = Person::new(apps[round % 3], "olivia");
        let answers = join_all(
            people
                .iter()
                .zip(&consents)
                .map(|(ana, fields)| ana.posts("/oauth/authorize", fields)),
        );
        let (blocked, answers, redeemed, renewed, ()) = tokio::join!(
            blocks(&olivia, &host),
            answers,
            host.redeems(&code),
            host.refreshes(&tokens.refresh),
            registers_and_connects(&people[(round + 1) % 3], &name, &server),
        );
        assert_eq!(blocked.status, 303);
        for response in [redeemed, renewed] {
            if response.status() == 200 {
                let pair = Tokens::of(&response.json().await.unwrap());
                assert!(!server.admits(&pair.access).await);
                assert_eq!(host.is_refused(&pair.refresh).await, "access_denied");
            }
        }
        for answer in answers {
            let location = answer.headers["location"].to_str().unwrap().to_owned();
            if let Some(code) = query_of(&location).get("code") {
                assert_eq!(
                    error_of(host.redeems(code).await, 400).await,
                    "access_denied"
                );
            }
        }
        let left = "SELECT id FROM connection WHERE revoked_at IS NULL";
        assert!(first.database.texts(left).await.is_empty());
        first.database.check_counts().await;
    }
}

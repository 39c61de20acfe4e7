//! A client that asks for more than it has (MCP authorization, Step-Up): the page shows
//! what is new, and the connection that is there gets it.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Host, McpServer, Page, Person, TestApp, Tokens, error_of, path_of, query_of};

const ALL: &str = "/connections?view=list&status=active&status=expired&status=revoked";

/// The page for a request that names these scopes.
async fn asked(person: &Person<'_>, host: &Host<'_>, server: &McpServer<'_>, scope: &str) -> Page {
    let mut pairs = host.request(Some(&server.resource));
    pairs.push(("scope", scope.to_owned()));
    let page = person.opens(&path_of(&pairs)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page
}

/// The id of the connection that the page proposes to widen.
fn proposed(page: &Page) -> String {
    page.attributes("input[name=widens]", "value")[0].clone()
}

/// Allows with everything ticked, for the connection or for another (empty); the code.
async fn allows(person: &Person<'_>, page: &Page, widens: &str) -> String {
    let filled = [("widens", widens), ("ticked", "write")];
    query_of(&person.answers_with(page, &filled).await)["code"].clone()
}

async fn tokens(host: &Host<'_>, code: &str) -> (Tokens, Value) {
    let body: Value = host.redeems(code).await.json().await.unwrap();
    (Tokens::of(&body), body["scope"].clone())
}

/// A connection with the scope `read` alone.
async fn connects_to_read(person: &Person<'_>, host: &Host<'_>, server: &McpServer<'_>) -> Tokens {
    let page = asked(person, host, server, "read").await;
    assert!(page.attributes("input[name=widens]", "value").is_empty());
    let location = person.answers(&page, "allow", &[]).await;
    let (tokens, scope) = tokens(host, &query_of(&location)["code"]).await;
    assert_eq!(scope, "read");
    tokens
}

#[actix_web::test]
async fn a_client_that_asks_for_more_gets_it_on_the_connection_it_has() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let old = connects_to_read(&ana, &host, &server).await;
    let before = ana.opens(ALL).await.connections();

    let page = asked(&ana, &host, &server, "read write").await;
    let legends = page.all("legend");
    let expected = [
        "New: it will be able to",
        "It can already",
        "For which connection?",
    ];
    assert_eq!(legends, expected);
    assert!(page.all("fieldset")[0].contains("Use write"));
    assert!(page.all("fieldset")[1].contains("Use read"));
    assert!(page.all("fieldset")[2].contains(&before[0]));
    let checked = page.attributes("input[name=widens][checked]", "value");
    assert_eq!(checked, [proposed(&page)], "proposed first");
    assert!(page.text.len() < 6 * 1024, "{} bytes", page.text.len());

    let code = allows(&ana, &page, &proposed(&page)).await;
    assert_eq!(server.introspects(&old.access).await["scope"], "read");
    let (new, scope) = tokens(&host, &code).await;
    assert_eq!(scope, "read write");
    assert_eq!(server.introspects(&new.access).await["scope"], "read write");
    assert_eq!(ana.opens(ALL).await.connections(), before, "no second one");
    let trail = app.trail().await;
    assert_eq!(
        trail.last().unwrap(),
        "connection.widened by the client itself"
    );
    let details = "SELECT COALESCE(detail, '') FROM audit_event WHERE connection_id IS NOT NULL
                   ORDER BY action, COALESCE(detail, '')";
    assert_eq!(
        app.database.texts(details).await[1..],
        [
            "More for a connection that was there. Scopes: read write; before: read.",
            "Scopes: read write; before: read.",
        ]
    );
    let id = app.database.texts("SELECT id FROM connection").await;
    assert_eq!(ana.revokes(&[&id[0]], "").await.status, 303);
    assert!(!server.admits(&new.access).await);
    assert!(!server.admits(&old.access).await);
}

#[actix_web::test]
async fn the_old_tokens_run_out_with_the_grace_window_and_never_gain_scopes() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let old = connects_to_read(&ana, &host, &server).await;
    let page = asked(&ana, &host, &server, "read write").await;
    let code = allows(&ana, &page, &proposed(&page)).await;
    let (new, _) = tokens(&host, &code).await;

    let other_process = host.renews(&old).await;
    let scope = server.introspects(&other_process.access).await["scope"].clone();
    assert_eq!(scope, "read", "a refresh adds nothing");
    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &other_process.refresh),
        ("scope", "read write"),
    ];
    assert_eq!(
        error_of(host.asks(&wider).await, 400).await,
        "invalid_scope"
    );

    app.advance(Duration::from_secs(120));
    assert!(!server.admits(&old.access).await);
    assert_eq!(host.is_refused(&old.refresh).await, "invalid_grant");
    assert!(server.admits(&new.access).await, "and nothing else ended");
    let renewed = host.renews(&new).await;
    assert_eq!(
        server.introspects(&renewed.access).await["scope"],
        "read write"
    );
}

#[actix_web::test]
async fn what_was_unticked_at_a_step_up_is_in_no_token_that_an_old_one_is_renewed_to() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let old = host.connects(&ana, &server).await;
    assert_eq!(server.introspects(&old.access).await["scope"], "read write");
    app.database
        .execute(
            "INSERT INTO project_scope (project_id, position, name, description, optional)
             SELECT id, 2, 'delete', 'Use delete', FALSE FROM project WHERE slug = 'search'",
        )
        .await;
    let page = asked(&ana, &host, &server, "read write delete").await;
    let unticked = [("widens", &*proposed(&page))];
    let code = query_of(&ana.answers_with(&page, &unticked).await)["code"].clone();
    let (new, scope) = tokens(&host, &code).await;
    assert_eq!(scope, "delete read");

    let mut child = host.renews(&old).await;
    for _ in 0..3 {
        assert_eq!(server.introspects(&child.access).await["scope"], "read");
        let wider = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &child.refresh),
            ("scope", "read write"),
        ];
        assert_eq!(
            error_of(host.asks(&wider).await, 400).await,
            "invalid_scope"
        );
        app.advance(Duration::from_secs(3600));
        child = host.renews(&child).await;
    }
    let renewed = host.renews(&new).await;
    assert_eq!(
        server.introspects(&renewed.access).await["scope"],
        "delete read"
    );
}

#[actix_web::test]
async fn another_device_is_another_connection() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let first = connects_to_read(&ana, &host, &server).await;
    let page = asked(&ana, &host, &server, "read write").await;
    let code = allows(&ana, &page, "").await;
    let (second, _) = tokens(&host, &code).await;
    assert_eq!(ana.opens(ALL).await.connections().len(), 2);
    app.advance(Duration::from_secs(600));
    assert!(server.admits(&first.access).await && server.admits(&second.access).await);
    assert_eq!(server.introspects(&first.access).await["scope"], "read");
}

#[actix_web::test]
async fn only_a_request_for_more_than_the_latest_connection_has_is_a_step_up() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Cursor").await);
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    connects_to_read(&ana, &host, &server).await;
    let choices = |page: Page| page.attributes("input[name=widens]", "value").len();
    assert_eq!(choices(asked(&ana, &host, &server, "read write").await), 2);
    for scope in ["read", "write", "offline_access", ""] {
        assert_eq!(
            choices(asked(&ana, &host, &server, scope).await),
            0,
            "{scope}"
        );
    }
    assert_eq!(choices(asked(&bo, &host, &server, "read write").await), 0);
    assert_eq!(choices(asked(&ana, &other, &server, "read write").await), 0);
    ana.revokes(&[&ana.newest_connection().await], "").await;
    assert_eq!(choices(asked(&ana, &host, &server, "read write").await), 0);
    ana.allows(&host, &server).await;
    assert_eq!(
        choices(asked(&ana, &host, &server, "read write").await),
        0,
        "what was never connected is nobody's step-up"
    );
}

#[actix_web::test]
async fn a_client_that_many_devices_share_is_taken_for_the_same_only_while_it_is_used() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    connects_to_read(&ana, &host, &server).await;
    app.database
        .execute("UPDATE client SET origin = 'api'")
        .await;
    let checked = async || {
        let page = asked(&ana, &host, &server, "read write").await;
        let checked = page.attributes("input[name=widens][checked]", "value");
        checked == [proposed(&page)]
    };
    app.advance(Duration::from_secs(600));
    assert!(checked().await);
    app.advance(Duration::from_millis(1));
    assert!(!checked().await);
}

#[actix_web::test]
async fn a_revoke_ends_a_step_up_that_is_under_way() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    connects_to_read(&ana, &host, &server).await;
    let page = asked(&ana, &host, &server, "read write").await;
    let code = allows(&ana, &page, &proposed(&page)).await;
    let again = allows(&ana, &page, &proposed(&page)).await;
    assert_eq!(again, code, "a double click is one answer");
    ana.revokes(&[&proposed(&page)], "").await;
    assert_eq!(
        error_of(host.redeems(&code).await, 400).await,
        "invalid_grant"
    );

    let late = asked(&ana, &host, &server, "read write").await;
    let stale = ana
        .answers_with(&late, &[("widens", &proposed(&page))])
        .await;
    let stale = query_of(&stale);
    assert_eq!(stale["error"], "access_denied");
    assert!(stale["error_description"].contains("has changed"));
    let live = app
        .database
        .texts("SELECT id FROM connection WHERE revoked_at IS NULL");
    assert!(live.await.is_empty());
}

#[actix_web::test]
async fn what_another_step_up_gave_meanwhile_is_not_taken_away() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    connects_to_read(&ana, &host, &server).await;
    let one = asked(&ana, &host, &server, "read write").await;
    let other = asked(&ana, &host, &server, "read write").await;
    let with_write = allows(&ana, &one, &proposed(&one)).await;
    let without = ana
        .answers_with(&other, &[("widens", &proposed(&other))])
        .await;
    app.advance(Duration::from_secs(1));
    assert_eq!(tokens(&host, &with_write).await.1, "read write");
    let without = tokens(&host, &query_of(&without)["code"]).await;
    assert_eq!(without.1, "read write");
}

#[actix_web::test]
async fn someone_elses_connection_cannot_be_widened() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    connects_to_read(&ana, &host, &server).await;
    let hers = proposed(&asked(&ana, &host, &server, "read write").await);
    connects_to_read(&bo, &host, &server).await;
    let page = asked(&bo, &host, &server, "read write").await;
    assert_ne!(proposed(&page), hers);
    let answer = query_of(&bo.answers_with(&page, &[("widens", &hers)]).await);
    assert_eq!(answer["error"], "access_denied");
    let scopes = app.database.texts("SELECT DISTINCT scopes FROM connection");
    assert_eq!(scopes.await, ["read"]);
}

#[actix_web::test]
async fn what_was_replaced_before_a_step_up_is_still_known_for_a_copy_after_it() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let oldest = connects_to_read(&ana, &host, &server).await;
    host.renews(&oldest).await;
    let page = asked(&ana, &host, &server, "read write").await;
    let code = allows(&ana, &page, &proposed(&page)).await;
    let (new, _) = tokens(&host, &code).await;
    app.advance(Duration::from_secs(121));
    let newer = host.renews(&new).await;
    assert!(server.admits(&newer.access).await);
    assert_eq!(host.is_refused(&oldest.refresh).await, "invalid_grant");
    assert!(!server.admits(&newer.access).await, "somebody has a copy");
}

#[actix_web::test]
async fn whoever_asks_for_what_is_not_offered_is_said_to_get_something_else() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let said = "The app asked for notes.read, which Project search does not offer. \
                What is listed here it would get instead.";
    for (scope, is_said) in [
        ("notes.read", true),
        ("notes.read openid offline_access", true),
        ("notes.read read", false),
        ("openid profile email offline_access", false),
        ("", false),
    ] {
        let page = asked(&ana, &host, &server, scope).await;
        let texts = page.all("form .unproven");
        assert_eq!(
            texts.contains(&said.to_owned()),
            is_said,
            "{scope:?}: {texts:?}"
        );
    }
}

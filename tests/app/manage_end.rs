//! The end of a client: everything of it stops, at once and for good, and its record goes.

use std::time::Duration;

use futures_util::future::join_all;
use untether::domain::client::{Client, ClientType};

use crate::support::{Host, McpServer, TestApp, Tokens, error_of, form_fields};

const LOCAL: &[&str] = &["http://localhost/callback"];

fn path(client: &Client) -> String {
    format!("/projects/search/clients/{}", client.identifier)
}

async fn made(app: &TestApp, name: &str) -> Client {
    app.makes_client("search", name, ClientType::Public, LOCAL)
        .await
        .0
}

async fn is_dead(host: &Host<'_>, server: &McpServer<'_>, tokens: &Tokens) {
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(
        error_of(host.refreshes(&tokens.refresh).await, 400).await,
        "invalid_grant"
    );
}

#[actix_web::test]
async fn a_revoked_client_ends_with_everything_of_it_and_nothing_else() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let (doomed, spared) = (made(&app, "Cursor").await, made(&app, "Cursor").await);
    let [doomed_host, spared_host] = [&doomed, &spared].map(|client| Host::of(&app, client, None));
    let mut tokens = Vec::new();
    for person in ["ana", "ben"] {
        tokens.push(doomed_host.connects(&app.person(person), &server).await);
    }
    let others = spared_host.connects(&app.person("ana"), &server).await;
    let code = app.person("cy").allows(&doomed_host, &server).await;
    let pablo = app.person("pablo");
    let page = pablo.opens(&path(&doomed)).await;
    assert!(
        page.all("form p")
            .iter()
            .any(|text| text.contains("3 active")),
        "{}",
        page.text
    );
    let filled = [("confirm", " Cursor "), ("reason", "  leaked  ")];
    let action = format!("{}/revoke", path(&doomed));
    assert_eq!(pablo.fills(&page, &action, &filled).await.status, 303);
    for tokens in &tokens {
        is_dead(&doomed_host, &server, tokens).await;
    }
    assert_eq!(
        error_of(doomed_host.redeems(&code).await, 400).await,
        "invalid_grant"
    );
    assert!(server.admits(&others.access).await);
    spared_host.renews(&others).await;
    let told = pablo.opens(&path(&doomed)).await;
    assert_eq!(
        told.all("#flash"),
        ["Revoked Cursor, and with it 3 connections."]
    );
    assert!(told.all(".problem")[0].contains("by pablo@acme.example"));
    assert!(told.all(".problem")[0].contains("leaked"));
    let list = app
        .owner()
        .opens("/connections?view=list&status=revoked")
        .await;
    assert_eq!(list.connections().len(), 3);
    assert!(list.all(".status")[0].contains("by pablo@acme.example: leaked"));
    let trail = "SELECT action || ' ' || COALESCE(detail, '-') || ' ' || COALESCE(reason, '-')
                 FROM audit_event WHERE action = 'client.revoked'";
    assert_eq!(
        app.database.texts(trail).await,
        ["client.revoked Connections that end with it: 3. leaked"]
    );
    app.database.check_counts().await;
    // The second click.
    assert_eq!(pablo.fills(&page, &action, &filled).await.status, 303);
    let told = pablo.opens(&path(&doomed)).await;
    assert_eq!(
        told.all("#flash"),
        ["Cursor had been revoked before. Nothing else was changed."]
    );
    assert_eq!(app.database.texts(trail).await.len(), 1);
    let asked = app.person("ana").is_asked(&doomed_host, &server).await;
    assert_eq!(
        (asked.status, &*asked.all("h1")[0]),
        (400, "This app was revoked")
    );
}

#[actix_web::test]
async fn the_name_must_be_typed_and_what_was_typed_stays() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let client = made(&app, "Cursor").await;
    let owner = app.owner();
    let before = app.database.dump().await;
    let page = owner.opens(&path(&client)).await;
    let action = format!("{}/revoke", path(&client));
    for typed in ["", "cursor", "Cursor\0", "Cursor#"] {
        let filled = [("confirm", typed), ("reason", "because")];
        let told = owner.fills(&page, &action, &filled).await;
        assert_eq!(told.status, 400, "{typed:?}");
        assert!(told.all("[role=alert]")[0].contains("not the client’s name, Cursor"));
        assert_eq!(told.raw("#reason")[0].trim(), "because");
    }
    let filled = [("confirm", "Cursor"), ("reason", &*"x".repeat(501))];
    let told = owner.fills(&page, &action, &filled).await;
    assert_eq!(told.status, 400);
    assert!(told.all("[role=alert]")[0].contains("at most 500"));
    assert_eq!(app.database.dump().await, before);
}

#[actix_web::test]
async fn a_client_with_very_many_connections_is_dead_before_each_is_recorded_as_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let client = made(&app, "Cursor").await;
    let host = Host::of(&app, &client, None);
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.copies_the_connection(1200).await;
    let owner = app.owner();
    assert_eq!(
        owner.revokes_client(&path(&client), "Cursor").await.status,
        303
    );
    is_dead(&host, &server, &tokens).await;
    let told = owner.opens(&path(&client)).await;
    assert_eq!(
        told.all("#flash"),
        ["Revoked Cursor, and with it 1,201 connections."]
    );
    // Whoever goes on with it, it is finished once.
    app.advance(Duration::from_secs(60));
    app.app.worker().resume().await.unwrap();
    let ended =
        "SELECT CAST(COUNT(*) AS TEXT) FROM audit_event WHERE action = 'connection.revoked'";
    for _ in 0..200 {
        if app.database.texts(ended).await == ["1201"] {
            break;
        }
        app.app.worker().resume().await.unwrap();
    }
    assert_eq!(app.database.texts(ended).await, ["1201"]);
    app.database.check_counts().await;
    let left = "SELECT id FROM connection WHERE revoked_at IS NULL";
    assert!(app.database.texts(left).await.is_empty());
}

#[actix_web::test]
async fn nothing_in_flight_outlives_the_client() {
    for _ in 0..5 {
        let app = TestApp::spawn().await;
        let server = app.project("search", &[]).await;
        let client = made(&app, "Cursor").await;
        let host = Host::of(&app, &client, None);
        let tokens = host.connects(&app.person("ana"), &server).await;
        let code = app.person("ben").allows(&host, &server).await;
        let cy = app.person("cy");
        let asked = cy.is_asked(&host, &server).await;
        let mut consent = form_fields(&asked, "/oauth/authorize");
        consent.push(("decision".into(), "allow".into()));
        let owner = app.owner();
        let here = path(&client);
        let (revoked, allowed, refreshed, redeemed) = tokio::join!(
            owner.revokes_client(&here, "Cursor"),
            cy.posts("/oauth/authorize", &consent),
            host.refreshes(&tokens.refresh),
            host.redeems(&code),
        );
        assert_eq!(revoked.status, 303);
        assert!(allowed.status < 500, "{}", allowed.text);
        for answer in [refreshed, redeemed] {
            assert!(answer.status().as_u16() < 500);
            if answer.status() == 200 {
                let pair = Tokens::of(&answer.json().await.unwrap());
                is_dead(&host, &server, &pair).await;
            }
        }
        let alive = "SELECT id FROM connection WHERE revoked_at IS NULL";
        assert!(app.database.texts(alive).await.is_empty());
        app.database.check_counts().await;
    }
}

#[actix_web::test]
async fn an_edit_and_a_rotation_after_the_end_are_refused() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let (client, _) = app
        .makes_client("search", "Portal", ClientType::Confidential, LOCAL)
        .await;
    let (owner, here) = (app.owner(), path(&client));
    let page = owner.opens(&here).await;
    owner.revokes_client(&here, "Portal").await;
    let filled = [("name", "Other"), ("redirect_uris", LOCAL[0])];
    for action in [here.clone(), format!("{here}/rotate")] {
        let told = owner.fills(&page, &action, &filled).await;
        assert_eq!(told.status, 409);
        assert!(told.all("[role=alert]")[0].contains("revoked while you looked"));
    }
    assert_eq!(
        app.database.texts("SELECT name FROM client").await,
        ["Portal"]
    );
}

#[actix_web::test]
async fn a_deleted_client_leaves_a_tombstone_and_the_trail() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let client = made(&app, "Cursor").await;
    let host = Host::of(&app, &client, None);
    host.connects(&app.person("ana"), &server).await;
    app.copies_the_connection(700).await;
    let (owner, here) = (app.owner(), path(&client));
    let action = format!("{here}/delete");
    assert!(!owner.opens(&here).await.text.contains(&action));
    let token = [("csrf".to_owned(), owner.form_token().await)];
    let refused = owner.posts(&action, &token).await;
    assert_eq!(
        (refused.status, &*refused.all("h1")[0]),
        (409, "This client is in use")
    );
    owner.revokes_client(&here, "Cursor").await;
    app.advance(Duration::from_secs(60));
    let left = "SELECT id FROM connection WHERE revoked_at IS NULL";
    for _ in 0..200 {
        app.app.worker().resume().await.unwrap();
        if app.database.texts(left).await.is_empty() {
            break;
        }
    }
    let page = owner.opens(&here).await;
    let clicks = join_all((0..2).map(|_| owner.fills(&page, &action, &[]))).await;
    for click in &clicks {
        assert_eq!(
            (click.status, click.headers["location"].as_bytes()),
            (303, &b"/projects/search/clients"[..])
        );
    }
    let list = owner.opens("/projects/search/clients").await;
    assert_eq!(
        list.all("#flash"),
        ["Deleted the record of Cursor. The audit trail keeps it."]
    );
    assert!(list.all("tbody th").is_empty());
    assert!(app.database.texts("SELECT id FROM client").await.is_empty());
    assert!(
        app.database
            .texts("SELECT id FROM connection")
            .await
            .is_empty()
    );
    app.database.check_counts().await;
    let trail = "SELECT action || ' ' || CAST(COUNT(*) AS TEXT) FROM audit_event
                 WHERE action LIKE '%.deleted' GROUP BY action ORDER BY action";
    assert_eq!(
        app.database.texts(trail).await,
        ["client.deleted 1", "connection.deleted 701"]
    );
    let asked = app.person("ana").is_asked(&host, &server).await;
    assert_eq!(
        (asked.status, &*asked.all("h1")[0]),
        (400, "This app was revoked")
    );
    // For whoever did not do it, it is not there.
    let other = app.project("other", &["pablo@acme.example"]).await;
    assert!(!other.resource.is_empty());
    let pablo = app.person("pablo");
    let token = [("csrf".to_owned(), pablo.form_token().await)];
    assert_eq!(pablo.posts(&action, &token).await.status, 404);
}

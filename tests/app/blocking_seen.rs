//! A block is seen wherever its client is: in lists, files, counts and on the pages of what
//! it ended, from the moment on in which it is decided.

use std::time::Duration;

use serde_json::Value;
use untether::web::params::encode;

use crate::{
    blocking::{blocks, lifts, revokes_and_blocks},
    list::{groups, list, people, summary},
    support::TestApp,
};

const ALL: &str = "status=active&status=expired&status=revoked";

/// Invariant 3: what is refused from now on is not shown as active for a moment longer.
#[actix_web::test]
async fn however_many_connections_a_block_ends_all_are_shown_as_revoked_at_once() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    let ana = app.person("ana");
    other.connects(&ana, &server).await;
    app.advance(Duration::from_secs(1));
    let tokens = host.connects(&ana, &server).await;
    app.database
        .multiply(&ana.newest_connection().await, 2_100)
        .await;
    let owner = app.owner();
    assert_eq!(blocks(&owner, &host).await.status, 303);

    let page = list(&owner, "status=active&status=expired").await;
    assert!(
        summary(&page).starts_with("1 connection ·"),
        "{}",
        summary(&page)
    );
    let page = list(&owner, "status=revoked").await;
    assert!(
        summary(&page).starts_with("2,101 connections"),
        "{}",
        summary(&page)
    );
    assert!(!server.admits(&tokens.access).await);
    // Each has its event, and the block has its own.
    let events = "SELECT action || ' ' || CAST(COUNT(*) AS TEXT) FROM audit_event
                  WHERE action IN ('client.blocked', 'connection.revoked')
                  GROUP BY action ORDER BY action";
    assert_eq!(
        app.database.texts(events).await,
        ["client.blocked 1", "connection.revoked 2101"]
    );
    app.database.check_counts().await;
}

#[actix_web::test]
async fn blocked_clients_can_be_asked_for_in_every_view_and_file() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    host.connects(&ana, &server).await;
    other.connects(&ben, &server).await;
    let owner = app.owner();
    let none = owner.opens("/connections?view=client&blocked=yes").await;
    assert!(groups(&none).is_empty());
    blocks(&owner, &host).await;

    let page = list(&owner, &format!("blocked=yes&{ALL}")).await;
    assert_eq!(people(&page), ["ana"]);
    assert!(page.all(".applied a").contains(&"Clients: blocked".into()));
    assert_eq!(page.all(".status .revoked"), ["Revoked, blocked"]);
    for view in ["client", "person", "project"] {
        let query = format!("/connections?view={view}&blocked=yes&{ALL}");
        let page = owner.opens(&query).await;
        assert_eq!(groups(&page).len(), 1, "{view}");
        assert!(
            summary(&page).starts_with("1 connection"),
            "{}",
            summary(&page)
        );
    }
    // It has no connection that works, and is found nevertheless.
    let page = owner.opens("/connections?view=client&blocked=yes").await;
    assert_eq!(groups(&page), ["Cursor"]);
    assert!(page.text.contains("client blocked"));

    let file = owner
        .opens(&format!("/connections.json?blocked=yes&{ALL}"))
        .await;
    let rows: Vec<Value> = serde_json::from_str(&file.text).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["client_name"], "Cursor");
    let preview = owner
        .opens("/connections/revoke-matching?blocked=yes&status=active")
        .await;
    assert!(preview.text.contains("blocked clients"), "{}", preview.text);
    let wrong = owner.opens("/connections?blocked=no").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("blocked"), "{}", wrong.text);
}

#[actix_web::test]
async fn a_connection_says_what_keeps_it_from_being_made_again() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let host = app.host("Cursor").await;
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    host.connects(&ben, &server).await;
    let bens = format!("/connections/{}", ben.newest_connection().await);
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let path = format!("/connections/{id}");
    let (owner, pablo) = (app.owner(), app.person("pablo"));
    let back = encode([("back", path.as_str())]);
    let client = format!("/clients/{}/block?{back}", host.client_id);
    let links = owner.opens(&path).await.attributes("main a", "href");
    assert!(links.contains(&client), "{links:?}");
    for who in [&ana, &pablo, &app.auditor()] {
        let links = who.opens(&path).await.attributes("main a", "href");
        assert!(!links.contains(&client), "not theirs: {links:?}");
    }

    revokes_and_blocks(&pablo, &id).await;
    for who in [&ana, &pablo, &owner] {
        let page = who.opens(&path).await;
        assert!(page.all(".blocks li")[0].contains("for ana@acme.example, at Project search"));
        let page = who.opens(&format!("/connections?view=list&{ALL}")).await;
        assert!(
            page.all(".status .revoked")
                .contains(&"Revoked, blocked".into())
        );
    }
    assert!(owner.opens(&bens).await.all(".blocks li").is_empty());
    let buttons = |page: &crate::support::Page| page.all(".blocks button").len();
    assert_eq!(buttons(&ana.opens(&path).await), 0, "not hers to lift");
    assert_eq!(buttons(&pablo.opens(&path).await), 1);
    assert_eq!(lifts(&pablo).await.status, 303);
    let page = list(&owner, ALL).await;
    assert!(!page.text.contains("Revoked, blocked"), "{}", page.text);
}

#[actix_web::test]
async fn a_block_is_in_the_part_of_a_persons_page_that_scripts_put_there_after_a_revoke() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, owner, ana) = (app.host("Cursor").await, app.owner(), app.person("ana"));
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    revokes_and_blocks(&owner, &id).await;
    let at = owner.opens(&format!("/people/of/{id}")).await;
    let part = owner
        .fetches(at.headers["location"].to_str().unwrap())
        .await;
    assert!(part.all("h1").is_empty(), "a part of the page");
    assert!(part.all(".blocks li")[0].contains("for ana@acme.example"));
    assert!(part.all("#flash")[0].contains("Blocked until"));
}

#[actix_web::test]
async fn an_open_client_leads_owners_to_its_block() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    let open = format!("/connections?view=client&{ALL}&open={}", host.client_id);
    let owner = app.owner();
    let leads = async |path: &str| {
        let links = owner.opens(&open).await.attributes(".acts a", "href");
        links.contains(&path.to_owned())
    };
    let client = format!("/clients/{}", host.client_id);
    assert!(leads(&format!("{client}/block")).await);
    for who in [app.auditor(), app.person("pablo")] {
        let page = who.opens(&open).await;
        assert!(!page.text.contains("/block"), "{}", page.text);
    }
    blocks(&owner, &host).await;
    assert!(!leads(&format!("{client}/block")).await);
    let page = owner.opens(&open).await;
    assert!(page.all(".acts a").contains(&"Unblock client".into()));
    assert!(leads(&client).await);
}

#[actix_web::test]
async fn whoever_is_about_to_revoke_all_of_a_client_is_told_of_the_block() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    host.connects(&app.person("ana"), &server).await;
    other.connects(&app.person("ana"), &server).await;
    let one = format!("/connections/revoke-matching?client={}", host.client_id);
    let two = format!("{one}&client={}", other.client_id);
    let block = format!("/clients/{}/block", host.client_id);
    for (who, path, told) in [
        (app.owner(), &one, true),
        (app.owner(), &two, false),
        (app.person("pablo"), &one, false),
    ] {
        let links = who.opens(path).await.attributes("form a", "href");
        assert_eq!(links.contains(&block), told, "{path}: {links:?}");
    }
}

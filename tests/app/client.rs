//! One client: the panel and the page, who may see it, and what it says.

use std::time::Duration;

use serde_json::Value;
use untether::domain::client::{Client, ClientType};

use crate::support::{Host, Page, TestApp};

const MISSING: &str = "01890000-0000-7000-8000-000000000000";

/// A client that someone made for a project.
async fn made(app: &TestApp, slug: &str, client_type: ClientType, uris: &[&str]) -> Client {
    let (client, _) = app
        .makes_client(slug, "Support <portal>", client_type, uris)
        .await;
    client
}

fn path(client: &str) -> String {
    format!("/clients/{client}")
}

#[actix_web::test]
async fn a_client_is_shown_to_those_in_whose_sight_it_is_and_to_nobody_else() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &["wanda@acme.example"]).await;
    let unused = made(
        &app,
        "search",
        ClientType::Public,
        &["http://localhost/callback"],
    )
    .await;
    let cursor = app.host("Cursor").await;
    cursor.connects(&app.person("ana"), &wiki).await;
    let codex = app.host("Codex").await;
    codex.connects(&app.person("ben"), &search).await;
    let clients = [&unused.identifier, &cursor.client_id, &codex.client_id];
    for (who, sees) in [
        ("olivia", [true, true, true]),
        ("arthur", [true, true, true]),
        ("pablo", [true, false, true]),
        ("wanda", [false, true, false]),
        ("ana", [false, true, false]),
        ("ben", [false, false, true]),
        ("stranger", [false, false, false]),
    ] {
        let who = app.person(who);
        let missing = who.opens(&path(MISSING)).await;
        let missing_panel = who.fetches(&path(MISSING)).await;
        assert_eq!((missing.status, missing_panel.status), (404, 404));
        assert_eq!(who.opens("/clients/x").await.status, 404);
        for (client, sees) in clients.into_iter().zip(sees) {
            let page = who.opens(&path(client)).await;
            let panel = who.fetches(&path(client)).await;
            let status = if sees { 200 } else { 404 };
            assert_eq!(
                (page.status, panel.status),
                (status, status),
                "{}",
                who.email
            );
            if !sees {
                assert_eq!(page.bare(), missing.bare(), "{}", who.email);
                assert_eq!(panel.bare(), missing_panel.bare(), "{}", who.email);
            }
        }
    }
}

#[actix_web::test]
async fn a_panel_is_the_dialog_of_the_page_alone() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    let page = app.owner().opens(&path(&host.client_id)).await;
    let panel = app.owner().fetches(&path(&host.client_id)).await;
    assert!(page.text.starts_with("<!doctype html>"));
    assert!(
        panel.text.trim_start().starts_with("<dialog"),
        "{}",
        panel.text
    );
    assert!(page.text.contains(panel.text.trim()));
    assert_eq!(page.all("dialog h1"), ["Cursor"]);
    assert_eq!(
        page.attributes("dialog", "data-href"),
        [path(&host.client_id)]
    );
}

#[actix_web::test]
async fn a_client_says_what_it_is_who_made_it_and_where_it_leads() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let uris = ["http://localhost/callback", "https://support.example/cb"];
    let client = made(&app, "search", ClientType::Confidential, &uris).await;
    let page = app.owner().opens(&path(&client.identifier)).await;
    assert_eq!(page.all("dialog h1"), ["Support <portal>"]);
    assert_eq!(page.all(".head p"), ["Confidential client"]);
    assert_eq!(
        page.all("dialog > dl dd"),
        [
            "Never",
            "Created by an administrator",
            "1 Jun 2026, by command line"
        ]
    );
    let code = page.all(".copied > code");
    assert_eq!(code, [client.identifier.as_str(), server.resource.as_str()]);
    assert_eq!(page.all("dialog > ul li > code"), uris);
    assert!(
        page.text
            .contains("client secret is required too. It was shown only once")
    );
    assert_eq!(
        page.all("dialog h2"),
        [
            "Client ID",
            "MCP server URL",
            "Redirect URIs",
            "Set up a host"
        ]
    );

    let registered = app.host("Cursor").await;
    registered.connects(&app.person("ana"), &server).await;
    let page = app.owner().opens(&path(&registered.client_id)).await;
    assert_eq!(page.all(".head p"), ["Public client"]);
    assert_eq!(
        page.all("dialog > dl dd"),
        [
            "just now",
            "Registered itself",
            "1 Jun 2026, by the client itself"
        ]
    );
    assert!(!page.text.contains("client secret is required"));
    app.database.execute("DELETE FROM audit_event").await;
    let page = app.owner().opens(&path(&registered.client_id)).await;
    assert_eq!(
        page.all("dialog > dl dd")[2],
        "1 Jun 2026, by someone who is not recorded"
    );
}

#[actix_web::test]
async fn every_configuration_parses_and_names_the_client_and_the_server() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let uris = ["http://localhost/callback"];
    let client = made(&app, "search", ClientType::Public, &uris).await;
    let page = app.owner().opens(&path(&client.identifier)).await;
    let hosts = page.all("details summary");
    assert_eq!(
        hosts,
        [
            "Claude Code",
            "Claude Desktop",
            "claude.ai",
            "Cursor",
            "VS Code",
            "Codex",
            "MCP Inspector",
            "Plain JSON"
        ]
    );
    let texts = page.raw("details pre code");
    let id = &client.identifier;
    assert_eq!(
        texts[0],
        format!(
            "claude mcp add --transport http search {} --client-id {id}",
            server.resource
        )
    );
    let files = ["Claude Desktop", "Cursor", "VS Code", "Plain JSON"];
    for (host, text) in hosts.iter().zip(&texts).skip(1) {
        let parsed = serde_json::from_str::<Value>(text);
        assert_eq!(parsed.is_ok(), files.contains(&&**host), "{host}: {text}");
        assert!(text.contains(&server.resource), "{host}: {text}");
        assert!(text.contains(id.as_str()), "{host}: {text}");
    }
    let unfolded = page.all("details[open] summary");
    assert_eq!(
        unfolded,
        ["Claude Code"],
        "the first that the redirect URIs fit"
    );
    assert!(page.all("details .note")[0].contains("http://localhost/oauth/callback"));
}

#[actix_web::test]
async fn the_numbers_equal_those_of_the_list_they_lead_to() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &search).await;
    app.advance(Duration::from_secs(31 * 86_400));
    for server in [&search, &wiki, &wiki] {
        host.connects(&app.person("ben"), server).await;
    }
    host.connects(&ana, &wiki).await;
    app.advance(Duration::from_secs(1));
    app.host("Other").await.connects(&ana, &search).await;
    app.owner()
        .revokes(&[&ana.newest_connection().await], "")
        .await;
    for (who, expected) in [
        (
            "olivia",
            ["5 connections", "Active 4", "Expired 1", "Revoked 0"],
        ),
        (
            "pablo",
            ["2 connections", "Active 1", "Expired 1", "Revoked 0"],
        ),
        (
            "ana",
            ["2 connections", "Active 1", "Expired 1", "Revoked 0"],
        ),
    ] {
        let who = app.person(who);
        let page = who.opens(&path(&host.client_id)).await;
        assert_eq!(page.all(".counts a"), expected, "{}", who.email);
        for (said, href) in expected.iter().zip(page.attributes(".counts a", "href")) {
            let file = href.replace("/connections?", "/connections.json?");
            let rows: Value = serde_json::from_str(&who.opens(&file).await.text).unwrap();
            let rows = rows.as_array().unwrap().len();
            let number: String = said.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(rows.to_string(), number, "{} {said} {href}", who.email);
        }
        let all = page.attributes("a[href^='/connections/revoke-matching']", "href");
        let title = format!("Revoke {}?", expected[0]);
        assert_eq!(who.opens(&all[0]).await.all("h1"), [title]);
    }
    let auditor = app.auditor().opens(&path(&host.client_id)).await;
    assert_eq!(auditor.all(".counts a")[0], "5 connections");
    assert!(!auditor.text.contains("Revoke all"), "none of it is theirs");
}

#[actix_web::test]
async fn a_client_page_names_only_projects_in_sight() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ben"), &search).await;
    host.connects(&app.person("ana"), &wiki).await;
    let page = app.person("pablo").opens(&path(&host.client_id)).await;
    assert!(page.text.contains(&search.resource));
    assert!(!page.text.contains(&wiki.resource), "{}", page.text);
    assert!(!page.text.contains("Project wiki"));
}

#[actix_web::test]
async fn a_made_client_is_used_by_the_configuration_that_is_shown_for_it() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let client = made(
        &app,
        "search",
        ClientType::Public,
        &["http://localhost/callback"],
    )
    .await;
    Host::of(&app, &client, None)
        .connects(&app.person("ana"), &server)
        .await;
    let page = app.person("ana").opens(&path(&client.identifier)).await;
    assert_eq!(page.all(".counts a")[0], "1 connection");
}

#[actix_web::test]
async fn a_client_weighs_at_most_eight_kilobytes_on_the_wire() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    for number in 0..22 {
        let server = app.project(&format!("project-{number}"), &[]).await;
        app.person("ana").allows(&host, &server).await;
    }
    let owner = app.owner();
    let page = owner.opens(&path(&host.client_id)).await;
    assert_eq!(page.all("dialog > ul li p code").len(), 20);
    let others = page.attributes("dialog > p > a", "href");
    let others = others.iter().find(|href| href.contains("view=project"));
    let list = owner.opens(others.unwrap()).await;
    assert_eq!(list.status, 200);
    for fragment in [false, true] {
        let bytes = owner.weighs(&path(&host.client_id), fragment).await;
        assert!(bytes <= 8 * 1024, "{bytes} bytes, fragment: {fragment}");
    }
}

#[actix_web::test]
async fn a_client_that_cannot_connect_is_not_said_to() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let owner = app.owner();
    let page = owner.opens(&path(&host.client_id)).await;
    assert!(page.text.contains("may connect to any project"));
    crate::blocking::blocks(&owner, &host).await;
    let page = owner.opens(&path(&host.client_id)).await;
    assert!(
        !page.text.contains("may connect to any project"),
        "{}",
        page.text
    );
    assert!(page.text.contains("It has no connections."));
}

#[actix_web::test]
async fn the_page_of_a_client_leads_back_to_where_it_was_opened_from() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ana, owner) = (app.person("ana"), app.owner());
    app.host("Cursor").await.connects(&ana, &server).await;
    let id = app.database.texts("SELECT id FROM client").await.remove(0);
    let list = "/clients?q=cur";
    let url = |path: &str| app.http.get(format!("{}{path}", app.url));
    let from =
        |path: &str, before: &str| url(path).header("referer", format!("{}{before}", app.url));
    let close = |page: &Page| page.attributes("[data-close]", "href");
    let path = format!("/clients/{id}");
    let page = owner.sends(from(&path, list)).await;
    assert_eq!(close(&page), [list]);
    // Questions that are asked there lead back to it, and from there to the list.
    for question in page.attributes("main .panel > p > a.button", "href") {
        let asked = owner.sends(from(&question, &path)).await;
        let cancel = asked.all(".actions a.button");
        assert_eq!(cancel, ["Cancel"], "{question}");
        let back = asked.attributes(".actions a.button", "href").remove(0);
        assert!(back.starts_with(&format!("{path}?back=")), "{back}");
        assert_eq!(close(&owner.opens(&back).await), [list]);
    }
    let page = owner.sends(from(&path, "/help")).await;
    assert_eq!(close(&page), ["/connections"]);
}

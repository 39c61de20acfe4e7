//! The page for a person whose app has sent a client id that does not work any more.

use std::time::Duration;

use serde_json::{Value, json};
use untether::domain::client::ClientType;

use crate::{
    shell::shell,
    support::{Host, Page, TestApp},
};

const DAY: Duration = Duration::from_secs(86_400);

/// The page as text, after what is the same whatever became of the client.
fn read(page: &Page) -> String {
    assert_eq!(page.status, 400);
    assert!(!page.headers.contains_key("location"));
    let advice = page.all("main li").join(" ");
    for host in [
        "Claude Code: run /mcp, choose the server, then Clear authentication",
        "Cursor: in its settings remove the MCP server",
        "Authentication: Remove Dynamic Authentication Providers",
        "codex mcp logout NAME",
        "~/.mcp-auth",
        "MCP Inspector",
        "Any other app",
    ] {
        assert!(advice.contains(host), "{host:?} in {advice}");
    }
    page.all("main").join(" ")
}

#[actix_web::test]
async fn a_removed_client_is_told_of_with_when_and_why_and_its_own_host_first() {
    let app = TestApp::spawn_with(|settings| settings.unused_client_days = Some(30)).await;
    let server = app.project("search", &[]).await;
    let host = app.host("Codex <b>").await;
    app.advance(30 * DAY);
    app.sweeps().await;
    app.advance(300 * DAY);
    let page = app.person("ana").is_asked(&host, &server).await;
    let text = read(&page);
    for said in ["Codex <b>", "1 Jul 2026", "nobody had used it"] {
        assert!(text.contains(said), "{said:?} in {text}");
    }
    assert!(page.all("main li")[0].starts_with("Codex:"), "{text}");
}

#[actix_web::test]
async fn a_revoked_client_is_told_of_before_and_after_it_is_removed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let now = app.now().millis();
    app.database
        .execute(&format!("UPDATE client SET revoked_at = {now}"))
        .await;
    let ana = app.person("ana");
    let before = read(&ana.is_asked(&host, &server).await);
    assert!(before.contains("1 Jun 2026") && before.contains("An administrator"));
    app.advance(365 * DAY);
    assert_eq!(app.sweeps().await.clients_removed, 1);
    let after = read(&ana.is_asked(&host, &server).await);
    assert!(after.contains("1 Jun 2026") && after.contains("An administrator"));
    assert!(after.contains("If the app had registered itself"));
}

#[actix_web::test]
async fn only_what_registered_itself_is_told_to_do_so_again() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let uris = ["http://localhost:49152/callback"];
    let made = app.makes_client("search", "Cursor", ClientType::Public, &uris);
    let host = Host::of(&app, &made.await.0, None);
    app.database
        .execute("UPDATE client SET revoked_at = 1")
        .await;
    let page = app.person("ana").is_asked(&host, &server).await;
    assert_eq!(page.all("h1"), ["This app was revoked"]);
    let advice = page.all("main li").join(" ");
    assert!(advice.contains("ask the administrators"), "{advice}");
    let text = page.all("main").join(" ");
    for elsewhere in ["anew", "forget", "Cursor: in its settings"] {
        assert!(!text.contains(elsewhere), "{elsewhere:?} in {text}");
    }
}

#[actix_web::test]
async fn an_id_nobody_knows_gets_the_same_page_without_a_date() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let known = app.host("Cursor").await;
    let before = app.database.dump().await;
    for client_id in [
        "unknown",
        "0190a1b2-0000-7000-8000-000000000000",
        "' OR 1=1",
    ] {
        let host = Host {
            app: &app,
            client_id: client_id.to_owned(),
            client_secret: None,
            redirect_uri: known.redirect_uri.clone(),
        };
        let page = app.person("ana").is_asked(&host, &server).await;
        assert!(!read(&page).contains("2026"));
    }
    assert_eq!(app.database.dump().await, before);
}

#[actix_web::test]
async fn what_a_revoked_client_is_told_is_true() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let revoked = shell(&app, &["client", "revoke", "--client", &host.client_id]);
    assert!(revoked.status.success());
    let refused = host.refreshes(&tokens.refresh).await;
    let said: Value = refused.json().await.unwrap();
    // Not "connect again", which would be refused.
    let expected = json!({
        "error": "invalid_grant",
        "error_description": "this client was revoked",
    });
    assert_eq!(said, expected);
}

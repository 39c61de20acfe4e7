//! Untether's own MCP server.

use serde_json::{Value, json};

use crate::support::{Host, McpServer, Person, TestApp, Tokens};

async fn call(
    app: &TestApp,
    token: Option<&str>,
    tool: &str,
    arguments: Value,
) -> reqwest::Response {
    let message = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": { "name": tool, "arguments": arguments },
    });
    let request = app
        .http
        .post(format!("{}/mcp", app.url))
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .json(&message);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap()
}

async fn connect(app: &TestApp, host: &Host<'_>, person: &Person<'_>) -> Tokens {
    let page = person
        .opens(&host.authorize_path(Some(&format!("{}/mcp", app.url))))
        .await;
    let location = person.answers(&page, "allow", &[]).await;
    let code = crate::support::query_of(&location)["code"].clone();
    Tokens::of(&host.redeems(&code).await.json().await.unwrap())
}

#[actix_web::test]
async fn whoever_is_asked_reads_what_a_connection_without_scopes_can_do() {
    let app = TestApp::spawn().await;
    let (host, ana) = (app.host("Cursor").await, app.person("ana"));
    let own = format!("{}/mcp", app.url);
    let page = ana.opens(&host.authorize_path(Some(&own))).await;
    let all = "everything that this server offers you";
    assert!(page.text.contains(all), "{}", page.text);
    let search = app.project("search", &[]).await;
    let page = ana.is_asked(&host, &search).await;
    assert!(!page.text.contains(all));
}

async fn result(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    body["result"]["structuredContent"].clone()
}

#[actix_web::test]
async fn it_sends_strangers_to_its_authorization_server() {
    let app = TestApp::spawn().await;
    for token in [None, Some("nonsense")] {
        let response = call(&app, token, "whoami", json!({})).await;
        assert_eq!(response.status(), 401);
        let challenge = response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .to_owned();
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", app.url);
        assert!(
            challenge.contains(&format!("resource_metadata=\"{metadata}\"")),
            "{challenge}"
        );
        assert_eq!(challenge.contains("invalid_token"), token.is_some());
    }
    let document: Value = app
        .get("/.well-known/oauth-protected-resource/mcp")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(document["resource"], format!("{}/mcp", app.url));
    assert_eq!(
        document["authorization_servers"],
        json!([format!("{}/oauth", app.url)])
    );
    assert_eq!(app.get("/mcp").await.status(), 405);
}

#[actix_web::test]
async fn it_shows_what_the_person_may_see() {
    let app = TestApp::spawn().await;
    let server: McpServer<'_> = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, owner) = (app.person("ana"), app.owner());
    let elsewhere = host.connects(&ana, &server).await;
    let tokens = connect(&app, &host, &ana).await;
    let owners = connect(&app, &host, &owner).await;

    let who = result(call(&app, Some(&tokens.access), "whoami", json!({})).await).await;
    assert_eq!(who["email"], "ana@acme.example");
    assert_eq!(who["role"], "Member");
    let count = |listed: &Value| listed["connections"].as_array().unwrap().len();
    let own = result(call(&app, Some(&tokens.access), "list_connections", json!({})).await).await;
    assert_eq!(count(&own), 2);
    let all = result(call(&app, Some(&owners.access), "list_connections", json!({})).await).await;
    assert_eq!(count(&all), 3);
    let revoked = json!({ "status": "revoked" });
    let none = result(call(&app, Some(&owners.access), "list_connections", revoked).await).await;
    assert_eq!(count(&none), 0);
    let response = call(&app, Some(&elsewhere.access), "whoami", json!({})).await;
    assert_eq!(response.status(), 401, "a token for another project");
}

#[actix_web::test]
async fn a_revoked_connection_is_refused_on_the_next_call() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = connect(&app, &host, &ana).await;
    assert_eq!(
        call(&app, Some(&tokens.access), "whoami", json!({}))
            .await
            .status(),
        200
    );
    ana.revokes(&[&ana.newest_connection().await], "").await;
    assert_eq!(
        call(&app, Some(&tokens.access), "whoami", json!({}))
            .await
            .status(),
        401
    );
}

#[actix_web::test]
async fn wrong_calls_are_answered_in_kind() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    let tokens = connect(&app, &host, &app.person("ana")).await;
    let wrong = json!({ "status": "sleeping" });
    let body: Value = call(&app, Some(&tokens.access), "list_connections", wrong)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["result"]["isError"], true);
    let body: Value = call(&app, Some(&tokens.access), "destroy", json!({}))
        .await
        .json()
        .await
        .unwrap();
    assert!(body["error"]["code"].is_i64(), "{body}");
    let foreign = app
        .http
        .post(format!("{}/mcp", app.url))
        .header("origin", "https://evil.example")
        .bearer_auth(&tokens.access)
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 403);
}

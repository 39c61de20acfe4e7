//! What a reverse proxy is told when it asks about a request to an MCP server.

use std::time::Duration;

use reqwest::{Method, Response, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::TestApp;

const IDENTITY: [&str; 6] = [
    "x-untether-subject",
    "x-untether-email",
    "x-untether-name",
    "x-untether-client-id",
    "x-untether-scope",
    "x-untether-connection",
];

async fn ask(app: &TestApp, path: &str, token: Option<&str>) -> Response {
    let request = app.http.get(format!("{}/forward-auth/{path}", app.url));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap()
}

fn challenge(response: &Response) -> &str {
    response.headers()["www-authenticate"].to_str().unwrap()
}

fn says_nobody(headers: &HeaderMap) -> bool {
    IDENTITY.iter().all(|name| !headers.contains_key(*name))
}

#[actix_web::test]
async fn a_working_token_says_whose_it_is() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let said = server.introspects(&tokens.access).await;
    for method in [Method::GET, Method::HEAD] {
        let url = format!("{}/forward-auth/search", app.url);
        let request = app.http.request(method, url).bearer_auth(&tokens.access);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers["x-untether-subject"], said["sub"].as_str().unwrap());
        assert_eq!(headers["x-untether-email"], "ana@acme.example");
        assert_eq!(headers["x-untether-name"], "ana@acme.example");
        assert_eq!(headers["x-untether-client-id"], host.client_id);
        assert_eq!(headers["x-untether-scope"], "read write");
        let connection = ana.newest_connection().await;
        assert_eq!(headers["x-untether-connection"], connection);
        assert_eq!(headers["cache-control"], "no-store");
        assert!(response.bytes().await.unwrap().is_empty());
    }
}

#[actix_web::test]
async fn a_name_that_no_header_can_have_arrives_percent_encoded() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("zoë"), &server).await;
    let rename = "UPDATE people SET name = 'Zoë 100% Ruiz'";
    app.database.execute(rename).await;
    let response = ask(&app, "search", Some(&tokens.access)).await;
    assert_eq!(
        response.headers()["x-untether-name"],
        "Zo%C3%AB 100%25 Ruiz"
    );
    let email = &response.headers()["x-untether-email"];
    assert_eq!(email, "zo%C3%AB@acme.example");
}

#[actix_web::test]
async fn strangers_are_told_where_to_get_a_token() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let rest = "resource_metadata=\"https://search.acme.example/.well-known/\
                oauth-protected-resource/mcp\", scope=\"read write\"";
    let response = ask(&app, "search", None).await;
    assert_eq!(response.status(), 401);
    assert_eq!(challenge(&response), format!("Bearer {rest}"));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(says_nobody(response.headers()));
    let response = ask(&app, "search", Some("nonsense")).await;
    assert_eq!(response.status(), 401);
    let expected = format!("Bearer error=\"invalid_token\", {rest}");
    assert_eq!(challenge(&response), expected);
    assert!(says_nobody(response.headers()));
}

#[actix_web::test]
async fn a_token_that_does_not_work_here_is_refused_without_a_reason() {
    let app = TestApp::spawn().await;
    let (search, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let elsewhere = host.connects(&ana, &wiki).await;
    // So that it is the newest one.
    app.advance(Duration::from_secs(1));
    let revoked = host.connects(&ana, &search).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    let expired = host.connects(&ana, &search).await;
    let unknown = said(ask(&app, "search", Some("nonsense")).await).await;
    // While their time is not up, so that nothing else is wrong with them.
    for token in [
        &elsewhere.access,
        &elsewhere.refresh,
        &revoked.access,
        &expired.refresh,
    ] {
        let refused = ask(&app, "search", Some(token)).await;
        assert_eq!(said(refused).await, unknown);
    }
    let admitted = ask(&app, "search", Some(&expired.access)).await;
    assert_eq!(admitted.status(), 200);
    app.advance(Duration::from_secs(3600));
    let refused = ask(&app, "search", Some(&expired.access)).await;
    assert_eq!(said(refused).await, unknown);
}

/// All that a refusal says.
async fn said(response: Response) -> (String, String) {
    assert_eq!(response.status(), 401);
    assert!(says_nobody(response.headers()));
    let challenge = challenge(&response).to_owned();
    (challenge, response.text().await.unwrap())
}

#[actix_web::test]
async fn a_revoke_is_true_on_the_next_request() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let admitted = ask(&app, "search", Some(&tokens.access)).await;
    assert_eq!(admitted.status(), 200);
    ana.revokes(&[&ana.newest_connection().await], "").await;
    let refused = ask(&app, "search", Some(&tokens.access)).await;
    assert_eq!(refused.status(), 401);
}

#[actix_web::test]
async fn a_scope_that_the_proxy_requires_must_have_been_granted() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    for (query, status) in [
        ("scope=read", 200),
        ("scope=read%20write", 200),
        ("scope=read&scope=write", 200),
        ("scope=read&scope=admin", 403),
    ] {
        let response = ask(&app, &format!("search?{query}"), Some(&tokens.access)).await;
        assert_eq!(response.status(), status, "{query}");
        assert_eq!(says_nobody(response.headers()), status != 200, "{query}");
        if status == 403 {
            let said = challenge(&response);
            assert!(said.starts_with("Bearer error=\"insufficient_scope\", resource_metadata=\""));
            assert!(said.ends_with("scope=\"admin read write\""), "{said}");
        }
    }
    let stranger = ask(&app, "search?scope=read", None).await;
    assert_eq!(stranger.status(), 401);
    assert!(challenge(&stranger).ends_with("scope=\"read\""));
    let nonsense = ask(&app, "search?scope=%22", Some(&tokens.access)).await;
    assert_eq!(nonsense.status(), 400);
}

#[actix_web::test]
async fn nothing_that_a_client_can_send_opens_the_door() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let url = format!("{}/forward-auth/search", app.url);
    let good = format!("Bearer {}", tokens.access);
    for headers in [
        &[("x-forwarded-method", "OPTIONS")][..],
        &[("x-original-method", "OPTIONS")],
        &[("x-forwarded-uri", "/.well-known/oauth-protected-resource")],
        &[("x-untether-email", "olivia@acme.example")],
        &[("x-forwarded-email", "olivia@acme.example")],
        &[("authorization", "Basic YW5hOmFuYQ==")],
        &[("authorization", &good), ("authorization", "Bearer other")],
    ] {
        let mut request = app.http.get(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401, "{headers:?}");
        assert!(says_nobody(response.headers()), "{headers:?}");
    }
    let in_address = ask(
        &app,
        &format!("search?access_token={}", tokens.access),
        None,
    )
    .await;
    assert_eq!(in_address.status(), 401, "RFC 6750 §2.3 is not offered");
}

#[actix_web::test]
async fn only_reading_methods_ask_and_browsers_are_not_invited() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let url = format!("{}/forward-auth/search", app.url);
        let request = app.http.request(method, url);
        let request = request.header("origin", "https://app.example");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
        let headers = response.headers();
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[actix_web::test]
async fn an_unknown_project_is_not_there() {
    let app = TestApp::spawn().await;
    for path in [
        "nope",
        "Search!",
        "nope/oauth-protected-resource",
        "Search!/oauth-protected-resource",
    ] {
        let response = ask(&app, path, Some("token")).await;
        assert_eq!(response.status(), 404, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({ "error": "not_found" }), "{path}");
    }
}

#[actix_web::test]
async fn the_metadata_of_a_project_is_served_for_its_proxy() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let response = ask(&app, "search/oauth-protected-resource", None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let document: Value = response.json().await.unwrap();
    let expected = json!({
        "resource": server.resource,
        "resource_name": "Project search",
        "authorization_servers": [format!("{}/oauth", app.url)],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(document, expected);
    // Untether's own project offers no scope.
    let own = ask(&app, "untether/oauth-protected-resource", None).await;
    let own: Value = own.json().await.unwrap();
    let published = app.get("/.well-known/oauth-protected-resource/mcp").await;
    assert_eq!(own, published.json::<Value>().await.unwrap());
    assert!(own.get("scopes_supported").is_none());
}

#[actix_web::test]
async fn a_request_counts_as_a_use() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.records_uses().await;
    app.advance(Duration::from_secs(120));
    ask(&app, "search?scope=admin", Some(&tokens.access)).await;
    app.records_uses().await;
    let used = app
        .database
        .texts("SELECT CAST(last_used_at AS TEXT) FROM connection")
        .await;
    assert_eq!(used, [app.now().millis().to_string()]);
}

/// A consent given while a block is made may leave a connection that the block has not seen.
#[actix_web::test]
async fn under_a_block_no_token_works_though_its_connection_is_there() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let tokens = app
        .host("Cursor")
        .await
        .connects(&app.person("ana"), &server)
        .await;
    let works = async || {
        let forwarded = ask(&app, "search", Some(&tokens.access)).await.status() == 200;
        assert_eq!(forwarded, server.admits(&tokens.access).await);
        forwarded
    };
    for person in ["NULL", "connection.person_id"] {
        for project in ["NULL", "connection.project_id"] {
            assert!(works().await);
            let block = format!(
                "INSERT INTO client_block
                    (id, identity, client_id, person_id, project_id, blocked_at, blocked_by)
                SELECT connection.id, COALESCE(client.look_alike, client.identifier), client.id,
                    {person}, {project}, 0, 'someone'
                FROM connection JOIN client ON client.id = connection.client_id"
            );
            app.database.execute(&block).await;
            assert!(!works().await, "{person} {project}");
            app.database.execute("DELETE FROM client_block").await;
        }
    }
}

//! The introspection endpoint (RFC 7662), metadata (RFC 8414) and CORS.

use std::{rc::Rc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    secrecy::logs,
    support::{TestApp, error_of},
};

#[actix_web::test]
async fn a_working_token_says_whose_it_is() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let said = server.introspects(&tokens.access).await;
    assert_eq!(said["active"], true);
    assert_eq!(said["client_id"], host.client_id);
    assert_eq!(
        said["aud"], server.resource,
        "the registered spelling, one string"
    );
    assert_eq!(said["iss"], format!("{}/oauth", app.url));
    assert_eq!(said["username"], "ana@acme.example");
    assert_eq!(said["scope"], "read write");
    assert_eq!(said["token_type"], "Bearer");
    assert_eq!(
        said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(),
        3600
    );
    assert_ne!(said["sub"], said["client_id"]);
}

#[actix_web::test]
async fn a_token_for_another_project_is_inactive_without_a_reason() {
    let app = TestApp::spawn().await;
    let (search, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &search).await;
    for token in [tokens.access.as_str(), &tokens.refresh, "unknown"] {
        assert_eq!(wiki.introspects(token).await, json!({ "active": false }));
    }
    // The log tells whoever pasted the credential of another project into their server.
    let logs = logs();
    let told = |id: &str| {
        let mut lines = logs.lines().filter(|line| line.contains(id));
        lines.any(|line| line.contains("a token of another project") && line.contains("search"))
    };
    assert!(told(&wiki.id) && !told(&search.id), "{logs}");
    assert_eq!(
        search.introspects(&tokens.refresh).await,
        json!({ "active": false })
    );
}

#[actix_web::test]
async fn whoever_asks_at_the_same_time_gets_the_answer_to_their_own_question() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    let mut asked = Vec::new();
    for slug in ["search", "wiki", "runbooks"] {
        let server = Rc::new(app.project(slug, &[]).await);
        for name in ["ana", "ben", "eva"] {
            let tokens = host.connects(&app.person(name), &server).await;
            let email = format!("{name}@acme.example");
            asked.push((server.clone(), tokens.access, Some(email)));
            asked.push((server.clone(), tokens.refresh, None));
        }
    }
    // At each other server the tokens are worth nothing.
    let foreign: Vec<_> = (0..asked.len())
        .map(|n| {
            (
                asked[n].0.clone(),
                asked[(n + 6) % asked.len()].1.clone(),
                None,
            )
        })
        .collect();
    asked.extend(foreign);
    let questions = (0..8 * asked.len()).map(|n| &asked[n * 7 % asked.len()]);
    let answers = join_all(questions.map(|(server, token, email)| async move {
        let said = server.introspects(token).await;
        (
            said["aud"] == server.resource,
            said["email"].as_str().map(str::to_owned),
            email,
        )
    }));
    for (is_here, told, email) in answers.await {
        assert_eq!((is_here, &told), (email.is_some(), email));
    }
}

#[actix_web::test]
async fn only_a_project_may_ask() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let url = format!("{}/oauth/introspect", app.url);
    let form = [("token", tokens.access.as_str())];
    let none = app.http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(error_of(none, 401).await, "invalid_client");
    for (id, secret) in [
        (server.id.as_str(), "wrong"),
        ("unknown", &server.secret),
        (&host.client_id, ""),
        (&server.id, ""),
    ] {
        let request = app.http.post(&url).basic_auth(id, Some(secret)).form(&form);
        let response = request.send().await.unwrap();
        assert!(
            response.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Basic")
        );
        assert_eq!(error_of(response, 401).await, "invalid_client");
    }
    let posted = [
        ("token", &*tokens.access),
        ("client_id", &server.id),
        ("client_secret", &server.secret),
    ];
    let posted: Value = app
        .post("/oauth/introspect", &posted)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(posted["active"], true, "the secret in the body works too");
    // RFC 6749 §2.3.1 has the id and the secret form-encoded.
    let id = server.id.replace('-', "%2D");
    let secret = server.secret.replace('_', "%5F");
    let encoded = app.http.post(&url).basic_auth(id, Some(secret)).form(&form);
    assert_eq!(encoded.send().await.unwrap().status(), 200);
    let empty = app
        .http
        .post(&url)
        .basic_auth(&server.id, Some(&server.secret))
        .send()
        .await;
    assert_eq!(error_of(empty.unwrap(), 400).await, "invalid_request");
}

#[actix_web::test]
async fn a_use_is_recorded_once_a_minute_and_keeps_the_connection_alive() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let last_use = || async {
        app.records_uses().await;
        app.database
            .texts("SELECT CAST(last_used_at AS TEXT) FROM connection")
            .await[0]
            .clone()
    };
    let connected = last_use().await;
    app.advance(Duration::from_secs(59));
    server.introspects(&tokens.access).await;
    assert_eq!(last_use().await, connected);
    app.advance(Duration::from_secs(1));
    server.introspects(&tokens.access).await;
    assert_eq!(last_use().await, app.now().millis().to_string());
}

#[actix_web::test]
async fn the_metadata_is_where_the_path_of_the_issuer_puts_it() {
    let app = TestApp::spawn().await;
    let response = app
        .get("/.well-known/oauth-authorization-server/oauth")
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let document: Value = response.json().await.unwrap();
    assert_eq!(document["issuer"], format!("{}/oauth", app.url));
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert_eq!(
        document["code_challenge_methods_supported"],
        json!(["S256"])
    );
    assert_eq!(
        document["authorization_response_iss_parameter_supported"],
        true
    );
    for endpoint in [
        "authorization",
        "token",
        "revocation",
        "introspection",
        "registration",
    ] {
        let url = document[format!("{endpoint}_endpoint")].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/oauth/", app.url)), "{url}");
    }
    for unknown in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/oauth",
        "/.well-known/oauth-protected-resource",
        "/oauth/.well-known/openid-configuration",
    ] {
        let response = app.get(unknown).await;
        assert_eq!(response.status(), 404, "{unknown}");
        assert_eq!(
            response.headers()["content-type"],
            "application/json",
            "{unknown}"
        );
    }
}

#[actix_web::test]
async fn browser_based_clients_may_call_what_they_need_and_no_more() {
    let app = TestApp::spawn().await;
    let preflight = |path: &str| {
        let request = app
            .http
            .request(reqwest::Method::OPTIONS, format!("{}{path}", app.url));
        let request = request
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "content-type,authorization",
            );
        async { request.send().await.unwrap() }
    };
    for path in ["/oauth/token", "/oauth/register", "/oauth/revoke"] {
        let response = preflight(path).await;
        assert_eq!(response.status(), 204, "{path}");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let allowed = response.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap();
        for header in ["content-type", "authorization", "mcp-protocol-version"] {
            assert!(allowed.contains(header), "{header}");
        }
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-credentials")
        );
    }
    for path in ["/oauth/introspect", "/connections", "/oauth/authorize"] {
        let response = preflight(path).await;
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

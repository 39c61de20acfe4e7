//! The edges of the protocol: redirects, errors and client authentication, exactly.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Host, TestApp, VERIFIER, path_of, query_of};

/// A client with these redirect URIs and this way to prove itself.
async fn registered(app: &TestApp, uri: &str, method: &str) -> (String, Option<String>) {
    let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": method });
    let url = format!("{}/oauth/register", app.url);
    let answer = app.http.post(url).json(&metadata).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    (text("client_id").unwrap(), text("client_secret"))
}

#[actix_web::test]
async fn a_loopback_redirect_matches_on_any_port_and_nothing_else() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    for (registered_uri, uri, matches) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true),
        (
            "http://127.0.0.1:3118/cb",
            "http://127.0.0.1:49152/cb",
            true,
        ),
        ("http://127.0.0.1:3118/cb", "http://127.0.0.1/cb", true),
        (
            "http://localhost/callback",
            "http://localhost:8/callback",
            true,
        ),
        ("http://[::1]/cb", "http://[::1]:49152/cb", true),
        ("http://127.0.0.1:33418", "http://127.0.0.1:33418/", true),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:33418", true),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb2", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb/", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/CB", false),
        ("http://127.0.0.1/cb", "http://localhost:49152/cb", false),
        ("http://localhost/cb", "http://[::1]:49152/cb", false),
        ("http://127.0.0.1/cb", "https://127.0.0.1/cb", false),
        (
            "https://app.example/cb",
            "https://app.example:8443/cb",
            false,
        ),
        ("https://app.example", "https://app.example/", false),
    ] {
        let (client_id, _) = registered(&app, registered_uri, "none").await;
        let host = Host {
            app: &app,
            client_id,
            client_secret: None,
            redirect_uri: uri.to_owned(),
        };
        let page = ana.is_asked(&host, &server).await;
        let status = if matches { 200 } else { 400 };
        assert_eq!(page.status, status, "{registered_uri} {uri}");
        if matches {
            let location = ana.answers(&page, "deny", &[]).await;
            assert!(location.starts_with(&format!("{uri}?error=")), "{location}");
        }
    }
}

#[actix_web::test]
async fn errors_of_the_token_endpoint_are_exact() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    let (id, secret) = registered(&app, "http://127.0.0.1/", "client_secret_basic").await;
    let secret = secret.unwrap();
    let post = || app.http.post(format!("{}/oauth/token", app.url));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let with = |name: &'static str, value: &str| {
        let mut form: Vec<_> = refresh.map(|(name, value)| (name, value.to_owned())).into();
        form.push((name, value.to_owned()));
        form
    };
    let wrong = |user: &str, password: &str| post().basic_auth(user, Some(password)).form(&refresh);
    let cases: Vec<(RequestBuilder, u16, &str, bool)> = vec![
        (
            post().form(&with("client_id", "unknown")),
            401,
            "invalid_client",
            false,
        ),
        (post().form(&refresh), 401, "invalid_client", false),
        (
            post().form(&with("client_id", &id)),
            401,
            "invalid_client",
            false,
        ),
        (wrong(&id, "wrong"), 401, "invalid_client", true),
        (wrong("unknown", &secret), 401, "invalid_client", true),
        (
            wrong(&host.client_id, "anything"),
            401,
            "invalid_client",
            true,
        ),
        (
            post().bearer_auth("x").form(&refresh),
            401,
            "invalid_client",
            true,
        ),
        (
            post().header("authorization", "Basic !").form(&refresh),
            401,
            "invalid_client",
            true,
        ),
        (
            post()
                .basic_auth(&id, Some(&secret))
                .form(&with("client_id", &host.client_id)),
            400,
            "invalid_request",
            false,
        ),
        (
            post()
                .basic_auth(&id, Some(&secret))
                .form(&with("client_secret", "other")),
            400,
            "invalid_request",
            false,
        ),
        (wrong(&id, &secret), 400, "invalid_grant", false),
        (
            post().form(&with("client_id", &host.client_id)),
            400,
            "invalid_grant",
            false,
        ),
        (
            post().form(&with("grant_type", "x")),
            400,
            "invalid_request",
            false,
        ),
        (
            post().form(&[("grant_type", "password"), ("client_id", &host.client_id)]),
            400,
            "unsupported_grant_type",
            false,
        ),
        (
            post().form(&[("client_id", &host.client_id)]),
            400,
            "invalid_request",
            false,
        ),
        (
            post().json(&json!({ "grant_type": "refresh_token" })),
            400,
            "invalid_request",
            false,
        ),
    ];
    for (number, (request, status, error, challenged)) in cases.into_iter().enumerate() {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{number}");
        let headers = answer.headers().clone();
        assert_eq!(headers["content-type"], "application/json", "{number}");
        assert_eq!(headers["cache-control"], "no-store", "{number}");
        assert_eq!(headers["access-control-allow-origin"], "*", "{number}");
        let challenge = headers
            .get("www-authenticate")
            .map(|value| value.to_str().unwrap());
        assert_eq!(challenge.is_some(), challenged, "{number}");
        assert!(challenge.is_none_or(|scheme| scheme.starts_with("Basic realm=")));
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"], error, "{number}: {body}");
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    }
}

#[actix_web::test]
async fn a_secret_works_in_either_place_whatever_was_registered() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let url = format!("{}/oauth/token", app.url);
    for method in ["client_secret_basic", "client_secret_post"] {
        let (id, secret) = registered(&app, "http://127.0.0.1/callback", method).await;
        let secret = secret.unwrap();
        let host = Host {
            app: &app,
            client_id: id.clone(),
            client_secret: None,
            redirect_uri: "http://127.0.0.1:5/callback".into(),
        };
        for in_the_body in [false, true] {
            let code = ana.allows(&host, &server).await;
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("code_verifier", VERIFIER),
            ];
            let request = app.http.post(&url);
            let request = if in_the_body {
                form.extend([("client_id", &*id), ("client_secret", &*secret)]);
                request
            } else {
                request.basic_auth(&id, Some(&secret))
            };
            let answer = request.form(&form).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{method} {in_the_body}");
        }
    }
}

#[actix_web::test]
async fn scopes_that_nobody_offers_are_left_out_and_never_refused() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for (scope, shown) in [
        ("offline_access", vec!["read", "write"]),
        ("read offline_access", vec!["read"]),
        ("write admin", vec!["write"]),
        ("openid profile email", vec!["read", "write"]),
    ] {
        let mut pairs = host.request(Some(&server.resource));
        pairs.push(("scope", scope.to_owned()));
        let page = ana.opens(&path_of(&pairs)).await;
        let names = page.all(".scopes small");
        let names: Vec<_> = names
            .iter()
            .map(|name| name.split(' ').next().unwrap())
            .collect();
        assert_eq!(names, shown, "{scope}");
    }
}

#[actix_web::test]
async fn an_error_text_has_only_characters_that_the_standard_allows() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let mut pairs = host.request(Some(&server.resource));
    pairs.push(("scope", "caf\u{e9}\"\\".to_owned()));
    let page = app.person("ana").opens(&path_of(&pairs)).await;
    let query = query_of(page.headers["location"].to_str().unwrap());
    assert_eq!(query["error"], "invalid_scope");
    let text = &query["error_description"];
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(text.chars().all(allowed), "{text}");
}

#[actix_web::test]
async fn unknown_addresses_under_well_known_are_json_in_every_method() {
    let app = TestApp::spawn().await;
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/other",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/jwks.json",
        "/.well-known/",
        "/oauth/.well-known/oauth-authorization-server",
        "/oauth/.well-known/openid-configuration",
    ] {
        for method in [Method::GET, Method::POST] {
            let url = format!("{}{path}", app.url);
            let answer = app.http.request(method, url).send().await.unwrap();
            assert_eq!(answer.status(), 404, "{path}");
            assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
            assert_eq!(
                answer.headers()["content-type"],
                "application/json",
                "{path}"
            );
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["error"], "not_found");
        }
    }
}

#[actix_web::test]
async fn the_metadata_lists_few_scopes() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let path = "/.well-known/oauth-authorization-server/oauth";
    let document: Value = app.get(path).await.json().await.unwrap();
    assert_eq!(
        document.get("scopes_supported"),
        None,
        "all of it would be asked for"
    );
}

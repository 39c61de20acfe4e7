//! Attacks on the endpoints that programs call: secrets that are nearly right, credentials in
//! odd places, parameters twice, bodies that are too much (OAuth 2.1 §7.2, §7.7, §7.12).

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Host, McpServer, TestApp, error_of};

/// A host that keeps a secret.
async fn confidential<'a>(app: &'a TestApp, name: &str) -> Host<'a> {
    let metadata = json!({
        "client_name": name,
        "redirect_uris": ["http://127.0.0.1/callback"],
    });
    Host::registered(app, &metadata).await
}

#[actix_web::test]
async fn a_secret_near_the_right_one_proves_nothing() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (
        confidential(&app, "Portal").await,
        confidential(&app, "Other").await,
    );
    let tokens = host.connects(&app.person("ana"), &server).await;
    let secret = host.client_secret.clone().unwrap();
    let url = format!("{}/oauth/token", app.url);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    for wrong in [
        "",
        &secret[..secret.len() - 1],
        &format!("{secret}x"),
        &format!("{secret}\0"),
        &format!(" {secret}"),
        &secret.to_uppercase(),
        other.client_secret.as_ref().unwrap(),
        "undefined",
        "null",
    ] {
        let basic = app.http.post(&url).form(&form);
        let basic = basic.basic_auth(&host.client_id, Some(wrong));
        assert_eq!(basic.send().await.unwrap().status(), 401, "{wrong:?}");
        let posted = [
            ("client_id", host.client_id.as_str()),
            ("client_secret", wrong),
        ];
        let posted = app
            .http
            .post(&url)
            .form(&[form.as_slice(), &posted].concat());
        assert_eq!(posted.send().await.unwrap().status(), 401, "{wrong:?}");
    }
    // RFC 6749 §2.3.1: never in the address, where logs keep it.
    let query = format!("{url}?client_id={}&client_secret={secret}", host.client_id);
    assert_eq!(
        app.http
            .post(&query)
            .form(&form)
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    host.renews(&tokens).await;
}

#[actix_web::test]
async fn what_stands_twice_in_a_form_is_refused() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    for twice in [
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
        ("client_id", &host.client_id),
        ("client_secret", "a"),
        ("scope", "read"),
    ] {
        let form = [refresh.as_slice(), &[twice, twice]].concat();
        let answer = host.asks(&form).await;
        assert_eq!(error_of(answer, 400).await, "invalid_request", "{twice:?}");
    }
    let asked = app.http.post(format!("{}/oauth/introspect", app.url));
    let asked = asked.basic_auth(&server.id, Some(&server.secret));
    let asked = asked.form(&[("token", tokens.access.as_str()), ("token", "other")]);
    assert_eq!(
        error_of(asked.send().await.unwrap(), 400).await,
        "invalid_request"
    );
    let host_id = host.client_id.as_str();
    let revoked = [
        ("token", tokens.refresh.as_str()),
        ("token", "x"),
        ("client_id", host_id),
    ];
    let revoked = app.post("/oauth/revoke", &revoked).await;
    assert_eq!(error_of(revoked, 400).await, "invalid_request");
    assert!(server.admits(&tokens.access).await);
}

/// Every way to send a body to an endpoint that takes one.
fn posts<'a>(app: &'a TestApp, server: &'a McpServer<'_>, body: &'a [u8]) -> Vec<RequestBuilder> {
    let post = |path: &str, kind: &str| {
        let request = app.http.post(format!("{}{path}", app.url));
        request.header("content-type", kind).body(body.to_vec())
    };
    let form = "application/x-www-form-urlencoded";
    vec![
        post("/oauth/token", form),
        post("/oauth/revoke", form),
        post("/oauth/introspect", form).basic_auth(&server.id, Some(&server.secret)),
        post("/oauth/register", "application/json"),
        post("/mcp", "application/json"),
        post("/oauth/authorize", form).header("x-forwarded-email", "ana@acme.example"),
        post("/connections/revoke", form).header("x-forwarded-email", "ana@acme.example"),
    ]
}

#[actix_web::test]
async fn no_body_is_too_strange_or_too_large_to_be_refused() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let before = app.database.dump().await;
    let large = vec![b'a'; 65 * 1024];
    let deep = "[".repeat(30_000);
    let many = "a=1&".repeat(16_000);
    for (name, body) in [
        ("nothing", b"".as_slice()),
        ("large", &large),
        ("deep", deep.as_bytes()),
        ("many", many.as_bytes()),
        ("nul", b"\0=\0&grant_type=\0&client_id=\0&token=\0&csrf=%00"),
        (
            "not utf-8",
            b"\xff=\xff&client_id=%ff%fe&token=%c0%80&grant_type=%ed%a0%80",
        ),
        ("percent", b"%=%&%zz=%zz&token=%&client_id=%"),
        (
            "json in a form",
            br#"{"grant_type":"refresh_token","client_id":"x"}"#,
        ),
        ("a number", b"1e999"),
        (
            "a name twice",
            br#"{"redirect_uris":["https://a.example/"],"redirect_uris":[]}"#,
        ),
        (
            "wrong types",
            br#"{"redirect_uris":{"a":1},"client_name":[null]}"#,
        ),
        ("a byte order mark", b"\xef\xbb\xbf{}"),
    ] {
        for request in posts(&app, &server, body) {
            let answer = request.send().await.unwrap();
            let (status, url) = (answer.status(), answer.url().clone());
            assert!(status.is_client_error(), "{name} to {url}: {status}");
        }
    }
    assert_eq!(app.database.dump().await, before);
}

#[actix_web::test]
async fn a_method_is_what_the_request_line_says() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let csrf = ana.form_token().await;
    let before = app.database.dump().await;
    for header in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        for path in [
            format!("/connections/revoke?id={id}&csrf={csrf}&_method=POST"),
            format!("/connections/{id}/delete?csrf={csrf}&_method=POST"),
            format!(
                "/oauth/revoke?token={}&client_id={}",
                tokens.refresh, host.client_id
            ),
            format!(
                "/oauth/token?grant_type=refresh_token&refresh_token={}&client_id={}",
                tokens.refresh, host.client_id
            ),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let request = app.http.request(method, format!("{}{path}", app.url));
                ana.sends(request.header(header, "POST")).await;
            }
        }
    }
    assert_eq!(app.database.dump().await, before);
    for method in ["TRACE", "CONNECT", "PROPFIND", "DEBUG"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = app
            .http
            .request(method.clone(), format!("{}/connections", app.url));
        let page = ana.sends(request.header("cookie", "echoed=back")).await;
        assert!(page.status >= 400, "{method}");
        assert!(!page.text.contains("echoed"), "{method}");
    }
}

#[actix_web::test]
async fn a_registration_chooses_nothing_that_is_not_its_to_choose() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let wanted = json!({
        "client_name": "olivia@acme.example",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "client_id": host.client_id,
        "id": host.client_id,
        "client_secret": "mine",
        "client_type": "confidential",
        "origin": "console",
        "project": server.id,
        "project_id": server.id,
        "created_at": 0,
        "revoked_at": null,
        "sub": "olivia@acme.example",
        "grant_types": ["password", "client_credentials", "authorization_code"],
        "response_types": ["token"],
        "scope": "admin",
    });
    let url = format!("{}/oauth/register", app.url);
    let answer = app.http.post(url).json(&wanted).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let body: Value = answer.json().await.unwrap();
    let id = body["client_id"].as_str().unwrap();
    assert!(!body.to_string().contains("mine"));
    assert_ne!(id, host.client_id);
    // A client never looks like a person (RFC 9700 §4.15).
    assert!(!id.contains('@') && !id.starts_with("https://"));
    assert_eq!(body["response_types"], json!(["code"]));
    let kept = "SELECT origin || ' ' || client_type || ' ' || COALESCE(project_id, 'none')
                FROM client ORDER BY id DESC";
    assert_eq!(app.database.texts(kept).await[0], "registered public none");
    for grant in ["password", "client_credentials", "implicit"] {
        let form = [("grant_type", grant), ("client_id", id)];
        let answer = app.post("/oauth/token", &form).await;
        assert_eq!(error_of(answer, 400).await, "unsupported_grant_type");
    }
}

#[actix_web::test]
async fn no_answer_with_a_token_is_kept_by_a_cache() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let introspected = app.http.post(format!("{}/oauth/introspect", app.url));
    let introspected = introspected.basic_auth(&server.id, Some(&server.secret));
    let url = format!("{}/forward-auth/search", app.url);
    for (name, answer) in [
        ("token", host.refreshes(&tokens.refresh).await),
        ("refused", host.refreshes("unknown").await),
        (
            "introspection",
            introspected
                .form(&[("token", &tokens.access)])
                .send()
                .await
                .unwrap(),
        ),
        (
            "forward-auth",
            app.http
                .get(&url)
                .bearer_auth(&tokens.access)
                .send()
                .await
                .unwrap(),
        ),
        (
            "forward-auth refused",
            app.http.get(&url).send().await.unwrap(),
        ),
        ("registration", app.post("/oauth/register", &[]).await),
        ("secret", {
            let metadata = json!({ "redirect_uris": ["http://127.0.0.1/callback"] });
            let url = format!("{}/oauth/register", app.url);
            app.http.post(url).json(&metadata).send().await.unwrap()
        }),
    ] {
        assert_eq!(answer.headers()["cache-control"], "no-store", "{name}");
    }
}

#[actix_web::test]
async fn an_address_that_spells_out_letters_leads_past_no_proxy() {
    let app = TestApp::spawn().await;
    let olivia = app.owner();
    for path in [
        "/oauth/%61uthorize?client_id=x",
        "/%63onnections",
        "/connections/%7e",
        "/oauth%2fauthorize",
    ] {
        let page = olivia.opens(path).await;
        assert_eq!(page.status, 404, "{path}");
    }
    assert_eq!(olivia.opens("/connections?q=%61").await.status, 200);
}

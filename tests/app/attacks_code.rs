//! Attacks on the way from a consent to tokens: mix-up, injected codes, PKCE taken away,
//! tokens in the place of others (RFC 9700 §4.4 to §4.8, OAuth 2.1 §7.5 and §7.15).

use std::time::Duration;

use serde_json::Value;

use crate::support::{Host, TestApp, Tokens, VERIFIER, error_of, form_fields, path_of, query_of};

/// Another verifier, and its challenge.
const OTHER_VERIFIER: &str = "an-attackers-verifier-of-43-characters-or-more";

fn challenge_of(verifier: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use sha2::{Digest, Sha256};
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

async fn redeems(host: &Host<'_>, code: &str, verifier: &str) -> reqwest::Response {
    host.asks(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", verifier),
        ("redirect_uri", &host.redirect_uri),
    ])
    .await
}

#[actix_web::test]
async fn a_code_of_another_session_of_the_same_client_is_refused() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    // The attacker began an authorization of their own, and puts the victim's code into it.
    let mut request = host.request(Some(&server.resource));
    for pair in &mut request {
        if pair.0 == "code_challenge" {
            pair.1 = challenge_of(OTHER_VERIFIER);
        }
    }
    let mallory = app.person("mallory");
    let page = mallory.opens(&path_of(&request)).await;
    let theirs = query_of(&mallory.answers(&page, "allow", &[]).await)["code"].clone();
    let stolen = app.person("ana").allows(&host, &server).await;
    let injected = redeems(&host, &stolen, OTHER_VERIFIER).await;
    assert_eq!(error_of(injected, 400).await, "invalid_grant");
    let injected = redeems(&host, &theirs, VERIFIER).await;
    assert_eq!(error_of(injected, 400).await, "invalid_grant");
    // What failed has spent nothing: neither victim is cut off by it.
    assert_eq!(redeems(&host, &stolen, VERIFIER).await.status(), 200);
    assert_eq!(redeems(&host, &theirs, OTHER_VERIFIER).await.status(), 200);
}

#[actix_web::test]
async fn whoever_read_the_request_cannot_redeem_its_code() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let code = app.person("ana").allows(&host, &server).await;
    let challenge = challenge_of(VERIFIER);
    for verifier in [
        challenge.as_str(),
        "",
        &VERIFIER[1..],
        &VERIFIER.to_uppercase(),
        &format!("{VERIFIER}="),
        &format!("{VERIFIER}\0"),
        &" ".repeat(43),
    ] {
        let answer = redeems(&host, &code, verifier).await;
        assert_eq!(answer.status(), 400, "{verifier}");
    }
    for method in ["plain", "S256"] {
        let answer = host
            .asks(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("code_verifier", &challenge),
                ("code_challenge", &challenge),
                ("code_challenge_method", method),
            ])
            .await;
        assert_eq!(error_of(answer, 400).await, "invalid_grant", "{method}");
    }
    assert_eq!(redeems(&host, &code, VERIFIER).await.status(), 200);
}

#[actix_web::test]
async fn proof_keys_cannot_be_taken_out_of_a_request() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for without in ["code_challenge", "code_challenge_method"] {
        let mut request = host.request(Some(&server.resource));
        request.retain(|(name, _)| *name != without);
        let page = ana.opens(&path_of(&request)).await;
        let location = page.headers["location"].to_str().unwrap();
        assert_eq!(query_of(location)["error"], "invalid_request", "{without}");
    }
}

#[actix_web::test]
async fn every_answer_says_who_it_is_from_whatever_the_request_says() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let issuer = format!("{}/oauth", app.url);
    let path = host.authorize_path(Some(&server.resource));
    let mixed = format!("{path}&iss=https%3A%2F%2Fevil.example&issuer=https%3A%2F%2Fevil.example");
    for decision in ["allow", "deny"] {
        let page = ana.opens(&mixed).await;
        let location = ana.answers(&page, decision, &[]).await;
        assert_eq!(query_of(&location)["iss"], issuer);
        assert_eq!(location.matches("iss=").count(), 1, "{location}");
    }
}

#[actix_web::test]
async fn no_header_of_a_request_changes_what_the_issuer_is() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let spoofed = |path: &str| {
        app.http
            .get(format!("{}{path}", app.url))
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "gopher")
            .header("x-forwarded-prefix", "/evil.example")
            .header("x-original-url", "/evil.example")
            .header("x-rewrite-url", "/evil.example")
            .header("forwarded", "host=evil.example;proto=https")
    };
    let consent = host.authorize_path(Some(&server.resource));
    let mut faulty = host.request(Some(&server.resource));
    faulty.retain(|(name, _)| *name != "code_challenge");
    for path in [
        "/.well-known/oauth-authorization-server/oauth",
        "/.well-known/oauth-protected-resource/mcp",
        "/forward-auth/search",
        "/forward-auth/search/oauth-protected-resource",
        "/",
        "/connections",
        "/me",
        "/nothing",
        &consent,
        &path_of(&faulty),
    ] {
        let page = ana.sends(spoofed(path)).await;
        assert!(!page.text.contains("evil.example"), "{path}");
        for value in page.headers.values() {
            assert!(!value.to_str().unwrap().contains("evil.example"), "{path}");
        }
    }
}

/// Everything that is handed out, by name.
async fn everything(app: &TestApp) -> Vec<(&'static str, String)> {
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    vec![
        ("access token", tokens.access),
        ("refresh token", tokens.refresh),
        ("code", ana.allows(&host, &server).await),
        ("introspection secret", server.secret.clone()),
        ("introspection id", server.id.clone()),
        ("client id", host.client_id.clone()),
        ("form token", ana.form_token().await),
        ("connection id", ana.newest_connection().await),
        ("nothing", String::new()),
        (
            "hash",
            app.database.texts("SELECT hash FROM token").await.remove(0),
        ),
    ]
}

#[actix_web::test]
async fn nothing_works_in_the_place_of_something_else() {
    let app = TestApp::spawn().await;
    let secrets = everything(&app).await;
    let client = app.database.texts("SELECT id FROM client").await.remove(0);
    let form = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .copied()
            .chain([("client_id", client.as_str())]);
        app.http
            .post(format!("{}/oauth/token", app.url))
            .form(&owned.collect::<Vec<_>>())
    };
    for (name, secret) in &secrets {
        let refreshed = form(&[("grant_type", "refresh_token"), ("refresh_token", secret)]);
        let refreshed = refreshed.send().await.unwrap().status();
        assert_eq!(refreshed == 200, *name == "refresh token", "{name}");
    }
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code_verifier", VERIFIER),
    ];
    for (name, secret) in &secrets {
        let pairs = [redeem.as_slice(), &[("code", secret.as_str())]].concat();
        let redeemed = form(&pairs).send().await.unwrap().status();
        assert_eq!(redeemed == 200, *name == "code", "{name}");
    }
    let bearer = |path: &str, secret: &str| {
        let request = app.http.get(format!("{}{path}", app.url));
        request.header("authorization", format!("Bearer {secret}"))
    };
    for (name, secret) in &secrets {
        let asked = bearer("/forward-auth/search", secret).send().await.unwrap();
        assert_eq!(asked.status() == 200, *name == "access token", "{name}");
        let called = app.http.post(format!("{}/mcp", app.url));
        let called = called.header("authorization", format!("Bearer {secret}"));
        assert_eq!(called.send().await.unwrap().status(), 401, "{name}");
    }
}

#[actix_web::test]
async fn a_token_counts_in_the_authorization_header_only() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let Tokens { access, .. } = host.connects(&app.person("ana"), &server).await;
    let url = |path: &str| format!("{}{path}", app.url);
    let forward = |query: &str| app.http.get(url(&format!("/forward-auth/search{query}")));
    for (how, request) in [
        ("query", forward(&format!("?access_token={access}"))),
        ("query", forward(&format!("?token={access}"))),
        (
            "cookie",
            forward("").header("cookie", format!("access_token={access}")),
        ),
        ("header", forward("").header("x-access-token", &access)),
        (
            "scheme",
            forward("").header("authorization", format!("Token {access}")),
        ),
        ("basic", forward("").basic_auth(&access, Some(""))),
        (
            "body",
            app.http
                .post(url("/mcp"))
                .form(&[("access_token", &access)]),
        ),
        (
            "proxy",
            forward("").header("proxy-authorization", format!("Bearer {access}")),
        ),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 401, "{how}");
    }
    assert_eq!(
        forward("")
            .bearer_auth(&access)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[actix_web::test]
async fn a_consent_answered_again_after_a_revoke_gives_no_access() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.push(("decision".into(), "allow".into()));
    let answer = ana.posts("/oauth/authorize", &fields).await;
    let code = query_of(answer.headers["location"].to_str().unwrap())["code"].clone();
    let body: Value = host.redeems(&code).await.json().await.unwrap();
    let tokens = Tokens::of(&body);
    ana.revokes(&[&ana.newest_connection().await], "").await;
    let again = ana.posts("/oauth/authorize", &fields).await;
    assert_eq!(again.status, 409);
    assert!(!again.headers.contains_key("location"), "no code");
    assert_eq!(
        error_of(host.redeems(&code).await, 400).await,
        "invalid_grant"
    );
    assert!(!server.admits(&tokens.access).await);
    let made = app.database.texts("SELECT id FROM connection").await;
    assert_eq!(made.len(), 1, "{made:?}");
}

#[actix_web::test]
async fn a_page_shown_for_one_client_makes_no_code_for_another() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Other").await);
    let ana = app.person("ana");
    // Both with the same nonce, as whoever knows one could arrange.
    let mut codes = Vec::new();
    for asking in [&host, &other] {
        let page = ana.is_asked(asking, &server).await;
        let mut fields = form_fields(&page, "/oauth/authorize");
        fields.retain(|(name, _)| name != "nonce");
        fields.extend(
            [("nonce", "same"), ("decision", "allow")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let answer = ana.posts("/oauth/authorize", &fields).await;
        codes.push(query_of(answer.headers["location"].to_str().unwrap())["code"].clone());
    }
    assert_ne!(codes[0], codes[1]);
    assert_eq!(
        error_of(host.redeems(&codes[1]).await, 400).await,
        "invalid_grant"
    );
    assert_eq!(host.redeems(&codes[0]).await.status(), 200);
}

#[actix_web::test]
async fn ticking_what_was_not_asked_for_gives_nothing() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let mut request = host.request(Some(&server.resource));
    request.push(("scope", "read".into()));
    let page = ana.opens(&path_of(&request)).await;
    let location = ana.answers(&page, "allow", &["write", "admin", "*"]).await;
    let code = &query_of(&location)["code"];
    let body: Value = host.redeems(code).await.json().await.unwrap();
    assert_eq!(body["scope"], "read");
}

#[actix_web::test]
async fn a_resource_that_only_looks_alike_is_another() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for near in [
        "https://search.acme.example/mcp/../admin",
        "https://search.acme.example/mcp%2f",
        "https://search.acme.example/MCP",
        "https://search.acme.example/mcp?x",
        "https://search.acme.example/mcp#x",
        "https://search.acme.example:8443/mcp",
        "http://search.acme.example/mcp",
        "https://search.acme.example@evil.example/mcp",
        "https://search.acme.example.evil.example/mcp",
        "https://search.acme.example./mcp",
        "https://search.acme.example/mcp//",
        "https://search.acme.example",
        "search",
        "https://*.acme.example/mcp",
    ] {
        let page = ana.opens(&host.authorize_path(Some(near))).await;
        let location = page.headers["location"].to_str().unwrap();
        assert_eq!(query_of(location)["error"], "invalid_target", "{near}");
    }
    // Two at once give a token for neither, nor for the one that is known.
    let mut both = host.request(Some("https://search.acme.example/mcp"));
    both.push(("resource", "https://wiki.acme.example/mcp".into()));
    let page = ana.opens(&path_of(&both)).await;
    let location = page.headers["location"].to_str().unwrap();
    assert_eq!(query_of(location)["error"], "invalid_target");
}

#[actix_web::test]
async fn an_old_refresh_token_is_noticed_whatever_else_is_wrong_with_the_request() {
    for wrong in [("resource", "https://other.example/mcp"), ("scope", "a\"b")] {
        let app = TestApp::spawn().await;
        let server = app.project("search", &[]).await;
        let host = app.host("Cursor").await;
        let old = host.connects(&app.person("ana"), &server).await;
        let new = host.renews(&old).await;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", old.refresh.as_str()),
            wrong,
        ];
        // Within the grace window it may be another process of the same host.
        assert_eq!(host.asks(&form).await.status(), 400);
        assert!(server.admits(&new.access).await);
        app.advance(Duration::from_secs(121));
        let refused = host.asks(&form).await;
        assert_eq!(error_of(refused, 400).await, "invalid_grant");
        assert!(!server.admits(&new.access).await, "{wrong:?}");
    }
}

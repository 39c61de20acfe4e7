//! Attacks on what endpoints tell by refusing: whether a token or a client is there, and why
//! it does not work (RFC 7009 §5, RFC 7662 §4).

use reqwest::RequestBuilder;

use crate::support::{TestApp, VERIFIER};

/// Status, headers that say something, and body.
async fn said(request: RequestBuilder) -> (u16, Vec<String>, String) {
    let answer = request.send().await.unwrap();
    let own = ["date", "x-request-id"];
    let headers = answer.headers().iter();
    let headers = headers.filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {value:?}"));
    let (status, headers) = (answer.status().as_u16(), headers.collect());
    (status, headers, answer.text().await.unwrap())
}

#[actix_web::test]
async fn introspection_says_the_same_of_everything_that_does_not_work() {
    let app = TestApp::spawn().await;
    let (search, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let foreign = host.connects(&ana, &wiki).await;
    app.advance(std::time::Duration::from_secs(1));
    let revoked = host.connects(&ana, &search).await;
    ana.revokes(&[&ana.newest_active().await], "").await;
    let code = ana.allows(&host, &search).await;
    let url = format!("{}/oauth/introspect", app.url);
    let asks = |token: &str, hint: &str| {
        let form = [("token", token), ("token_type_hint", hint)];
        let request = app.http.post(&url).form(&form);
        said(request.basic_auth(&search.id, Some(&search.secret)))
    };
    let unknown = asks("unknown", "").await;
    assert_eq!((unknown.0, unknown.2.as_str()), (200, "{\"active\":false}"));
    for (name, token) in [
        ("another project's", &foreign.access),
        ("another project's refresh token", &foreign.refresh),
        ("revoked", &revoked.access),
        ("a refresh token", &revoked.refresh),
        ("a code", &code),
        ("long", &"x".repeat(60_000)),
        ("odd", &"\0\u{202e}%".to_owned()),
    ] {
        for hint in ["", "access_token", "refresh_token", "nonsense"] {
            assert_eq!(asks(token, hint).await, unknown, "{name} {hint}");
        }
    }
}

#[actix_web::test]
async fn a_wrong_credential_learns_nothing_of_a_token() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let url = format!("{}/oauth/introspect", app.url);
    let asks = |id: &str, secret: &str, token: &str| {
        let request = app.http.post(&url).form(&[("token", token)]);
        said(request.basic_auth(id, Some(secret)))
    };
    let refused = asks("unknown", "x", "unknown").await;
    assert_eq!(refused.0, 401);
    for (id, secret) in [
        (server.id.as_str(), "x"),
        (&server.id, &wiki.secret),
        (&wiki.id, &server.secret),
        (&host.client_id, ""),
        ("unknown", &server.secret),
    ] {
        for token in [tokens.access.as_str(), "unknown"] {
            assert_eq!(asks(id, secret, token).await, refused, "{id} {token}");
        }
    }
}

#[actix_web::test]
async fn a_token_of_another_client_is_refused_like_one_that_never_was() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Other").await);
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let code = ana.allows(&host, &server).await;
    let asks = |path: &str, form: &[(&str, &str)]| {
        let own = [form, &[("client_id", other.client_id.as_str())]].concat();
        said(app.http.post(format!("{}{path}", app.url)).form(&own))
    };
    let refresh = |token: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asks = &asks;
        async move {
            let form = form
                .each_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            asks("/oauth/token", &form).await
        }
    };
    let redeem = |code: &str| {
        let form = [("code", code), ("code_verifier", VERIFIER)];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asks = &asks;
        async move {
            let grant = ("grant_type", "authorization_code");
            let form = form
                .each_ref()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            asks("/oauth/token", &[grant, form[0], form[1]]).await
        }
    };
    let unknown = refresh("unknown").await;
    assert_eq!(refresh(&tokens.refresh).await, unknown);
    assert_eq!(refresh(&tokens.access).await, unknown);
    assert_eq!(redeem(&code).await, redeem("unknown").await);
    let unknown = asks("/oauth/revoke", &[("token", "unknown")]).await;
    for token in [&tokens.refresh, &tokens.access] {
        assert_eq!(asks("/oauth/revoke", &[("token", token)]).await, unknown);
    }
    // And none of it has cost the one whose they are anything.
    assert!(server.admits(&tokens.access).await);
    assert_eq!(host.redeems(&code).await.status(), 200);
    host.renews(&tokens).await;
}

//! Invariant 10: identity headers count only from a trusted peer; without one
//! the service fails closed.

use untether::config::ProxySecret;

use crate::support::TestApp;

const PAGES: [&str; 4] = [
    "/",
    "/connections",
    "/connections/revoke?id=x",
    "/oauth/authorize",
];

#[actix_web::test]
async fn headers_from_an_untrusted_peer_are_nobody() {
    let app = TestApp::spawn_with(|settings| {
        let proxy = settings.proxy.as_mut().unwrap();
        proxy.trusted = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    for path in &PAGES[1..] {
        let page = app.owner().opens(path).await;
        assert_eq!(page.status, 401, "{path}");
        assert_eq!(page.all("h1"), ["You are not signed in"], "{path}");
        assert!(!page.text.contains("olivia"), "{path}");
    }
    let posted = app.owner().posts("/connections/revoke", &[]).await;
    assert_eq!(posted.status, 401);
    for path in [
        "/healthz",
        "/readyz",
        "/.well-known/oauth-authorization-server/oauth",
    ] {
        assert_eq!(
            app.get(path).await.status(),
            200,
            "outside the proxy: {path}"
        );
    }
}

#[actix_web::test]
async fn without_identity_headers_there_is_nobody() {
    let app = TestApp::spawn().await;
    for path in &PAGES[1..] {
        assert_eq!(app.get(path).await.status(), 401, "{path}");
    }
}

#[actix_web::test]
async fn a_configured_proxy_must_prove_itself() {
    let secret = "a-proxy-secret-of-thirty-two-or-more";
    let app = TestApp::spawn_with(|settings| {
        let proxy = settings.proxy.as_mut().unwrap();
        proxy.secret = Some(ProxySecret::parse(secret).unwrap());
    })
    .await;
    let with = |value: Option<&str>| {
        let request = app.http.get(format!("{}/connections", app.url));
        let request = request.header("x-forwarded-email", "olivia@acme.example");
        let request = match value {
            Some(value) => request.header("x-untether-proxy-secret", value),
            None => request,
        };
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(with(None).await, 401);
    assert_eq!(with(Some("wrong")).await, 401);
    assert_eq!(with(Some(secret)).await, 200);
}

#[actix_web::test]
async fn doubled_and_look_alike_headers_are_nobody() {
    let app = TestApp::spawn().await;
    for (name, value) in [
        ("x-forwarded-email", "olivia@acme.example"),
        ("x_forwarded_email", "olivia@acme.example"),
        ("x-forwarded_groups", "owners"),
        ("x-untether_proxy_secret", "x"),
    ] {
        let request = app.http.get(format!("{}/connections", app.url));
        let request = request
            .header("x-forwarded-email", "ana@acme.example")
            .header(name, value);
        assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
    }
}

#[actix_web::test]
async fn someone_cut_off_sees_nothing_and_their_tokens_stop() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let waiting = ana.allows(&host, &server).await;
    app.database
        .execute("UPDATE people SET deactivated_at = 1")
        .await;
    assert_eq!(ana.opens("/connections").await.status, 403);
    assert_eq!(ana.is_asked(&host, &server).await.status, 403);
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
    assert_eq!(host.redeems(&waiting).await.status(), 400);
}

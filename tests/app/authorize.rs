//! The authorization endpoint and its consent page.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Host, Page, TestApp, form_fields, path_of, query_of};

#[actix_web::test]
async fn consent_says_who_asks_for_what_as_whom_and_where_it_leads() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor <b>").await;
    let page = app.person("ana").is_asked(&host, &server).await;
    assert_eq!(page.status, 200);
    let text = page.all("main").join(" ");
    for said in [
        "Cursor <b>",
        "Project search",
        "ana@acme.example",
        "This name was chosen by the app itself",
        "Use read",
        "Use write",
        "127.0.0.1:49152",
        "until 30 days unused",
    ] {
        assert!(text.contains(said), "{said:?} in {text}");
    }
    let buttons = page.all("form button");
    assert!(buttons.contains(&"Allow".to_owned()) && buttons.contains(&"Deny".to_owned()));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("form-action") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.text.len() < 6 * 1024, "{} bytes", page.text.len());
}

#[actix_web::test]
async fn the_answer_goes_back_with_state_and_issuer() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let allowed = ana.answers(&page, "allow", &[]).await;
    assert!(
        allowed.starts_with("http://127.0.0.1:49152/callback?"),
        "{allowed}"
    );
    let query = query_of(&allowed);
    assert_eq!(query["state"], "a state & more");
    assert_eq!(query["iss"], format!("{}/oauth", app.url));
    assert!(query.contains_key("code"));
    assert_eq!(allowed.matches("state=").count(), 1);

    let page = ana.is_asked(&host, &server).await;
    let denied = query_of(&ana.answers(&page, "deny", &[]).await);
    assert_eq!(denied["error"], "access_denied");
    assert_eq!(denied["state"], "a state & more");
    assert_eq!(denied["iss"], format!("{}/oauth", app.url));
    assert!(!denied.contains_key("code"));
}

#[actix_web::test]
async fn consent_is_asked_every_time() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for _ in 0..3 {
        host.connects(&ana, &server).await;
        assert_eq!(ana.is_asked(&host, &server).await.status, 200);
    }
}

#[actix_web::test]
async fn a_double_click_on_allow_makes_one_connection() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let clicks = join_all((0..4).map(|_| ana.answers(&page, "allow", &["write"]))).await;
    assert!(
        clicks.iter().all(|answer| *answer == clicks[0]),
        "the same code each time"
    );
    assert_eq!(
        ana.opens("/connections?view=list")
            .await
            .connections()
            .len(),
        1
    );
    assert_eq!(
        host.redeems(&query_of(&clicks[0])["code"]).await.status(),
        200
    );
}

#[actix_web::test]
async fn an_answer_that_is_sent_again_later_ends_nothing() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let again = async |page: &Page| {
        let mut fields = form_fields(page, "/oauth/authorize");
        fields.push(("decision".to_owned(), "allow".to_owned()));
        let answer = ana.posts("/oauth/authorize", &fields).await;
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert_eq!(answer.all("h1"), ["You have answered this before"]);
    };
    let page = ana.is_asked(&host, &server).await;
    let code = query_of(&ana.answers(&page, "allow", &[]).await)["code"].clone();
    let taken: Value = host.redeems(&code).await.json().await.unwrap();
    again(&page).await;
    assert!(server.admits(taken["access_token"].as_str().unwrap()).await);
    // Nor does it bring a code that has become too old.
    let page = ana.is_asked(&host, &server).await;
    ana.answers(&page, "allow", &[]).await;
    app.advance(Duration::from_secs(120));
    again(&page).await;
}

#[actix_web::test]
async fn an_untrusted_client_or_redirect_is_never_redirected_to() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let with = |name: &str, value: &str| {
        let mut pairs = host.request(Some(&server.resource));
        for pair in &mut pairs {
            if pair.0 == name {
                pair.1 = value.to_owned();
            }
        }
        path_of(&pairs)
    };
    for path in [
        with("client_id", "unknown"),
        with("client_id", ""),
        with("redirect_uri", "http://127.0.0.1:49152/other"),
        with("redirect_uri", "http://127.0.0.1:49152/callback/"),
        with("redirect_uri", "http://127.0.0.1:49152/callback?x=1"),
        with("redirect_uri", "http://localhost:49152/callback"),
        with("redirect_uri", "https://evil.example/callback"),
        format!(
            "{}&redirect_uri=https://evil.example",
            host.authorize_path(None)
        ),
        format!("{}&client_id=other", host.authorize_path(None)),
    ] {
        let page = ana.opens(&path).await;
        assert_eq!(page.status, 400, "{path}");
        assert!(!page.headers.contains_key("location"), "{path}");
        assert!(!page.text.contains("evil.example"), "{path}");
    }
    app.database
        .execute("UPDATE client SET revoked_at = 1")
        .await;
    let page = ana.is_asked(&host, &server).await;
    assert_eq!(
        (page.status, page.all("h1").join("")),
        (400, "This app was revoked".into())
    );
}

#[actix_web::test]
async fn other_faults_are_told_to_the_client() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "unsupported_response_type"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("resource", "https://unknown.example/mcp", "invalid_target"),
        ("resource", "not a url", "invalid_target"),
        ("scope", "a\"b", "invalid_scope"),
    ] {
        let mut pairs = host.request(Some(&server.resource));
        pairs.push(("scope", "read".to_owned()));
        for pair in &mut pairs {
            if pair.0 == name {
                pair.1 = value.to_owned();
            }
        }
        let page = ana.opens(&path_of(&pairs)).await;
        assert_eq!(page.status, 303, "{name}={value}");
        let location = page.headers["location"].to_str().unwrap();
        assert!(
            location.starts_with("http://127.0.0.1:49152/callback?"),
            "{location}"
        );
        let query = query_of(location);
        assert_eq!(query["error"], error, "{name}={value}");
        assert_eq!(query["iss"], format!("{}/oauth", app.url));
        assert_eq!(query["state"], "a state & more");
    }
}

#[actix_web::test]
async fn a_missing_resource_means_the_only_project() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.opens(&host.authorize_path(None)).await;
    assert!(page.all("main").join("").contains("Project search"));
    for spelling in [
        "HTTPS://SEARCH.acme.example/mcp",
        "https://search.acme.example:443/mcp/",
    ] {
        let page = ana.opens(&host.authorize_path(Some(spelling))).await;
        assert!(
            page.all("main").join("").contains(&server.resource),
            "{spelling}"
        );
    }
}

#[actix_web::test]
async fn a_decision_counts_only_from_the_persons_own_page() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    let mut fields = form_fields(&ana.is_asked(&host, &server).await, "/oauth/authorize");
    fields.push(("decision".into(), "allow".into()));
    let without: Vec<_> = fields
        .iter()
        .filter(|(name, _)| name != "csrf")
        .cloned()
        .collect();

    assert_eq!(ana.posts("/oauth/authorize", &without).await.status, 403);
    assert_eq!(
        bo.posts("/oauth/authorize", &fields).await.status,
        403,
        "another person's token"
    );
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let answer = ana.posts_from("/oauth/authorize", &fields, origin).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    app.advance(std::time::Duration::from_secs(25 * 3600));
    let late = ana.posts("/oauth/authorize", &fields).await;
    assert_eq!(late.status, 403, "too old");
    // Browsers go on to an app from the page of its consent alone.
    assert!(late.raw("#again").is_empty());
    assert_eq!(late.all("main li"), ["Start again from the app."]);
    assert!(
        app.database
            .texts("SELECT id FROM connection")
            .await
            .is_empty()
    );
}

#[actix_web::test]
async fn a_client_of_one_project_cannot_ask_for_another() {
    let app = TestApp::spawn().await;
    let (search, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let host = app.host("Console app").await;
    app.database
        .execute("UPDATE client SET origin = 'console', project_id = (SELECT id FROM project WHERE slug = 'search')")
        .await;
    let ana = app.person("ana");
    let page = ana.opens(&host.authorize_path(None)).await;
    let text = page.all("main").join("");
    assert!(
        text.contains("Project search") && !text.contains("chosen by the app"),
        "{text}"
    );
    assert_eq!(ana.is_asked(&host, &search).await.status, 200);
    let page = ana.is_asked(&host, &wiki).await;
    assert_eq!(
        query_of(page.headers["location"].to_str().unwrap())["error"],
        "invalid_target"
    );
}

#[actix_web::test]
async fn no_other_origin_may_read_the_consent_page() {
    let app = TestApp::spawn().await;
    let host: Host<'_> = app.host("Cursor").await;
    let url = format!("{}{}", app.url, host.authorize_path(None));
    let request = app.http.request(reqwest::Method::OPTIONS, &url);
    let preflight = request
        .header("origin", "https://app.example")
        .send()
        .await
        .unwrap();
    assert!(
        !preflight
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

//! The token endpoint: codes, rotation, lifetimes, scopes.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{TestApp, Tokens, VERIFIER, error_of};

const DAY: Duration = Duration::from_secs(86_400);

#[actix_web::test]
async fn a_code_gives_tokens_in_the_shape_the_standard_wants() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let code = app.person("ana").allows(&host, &server).await;
    let response = host.redeems(&code).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "read write");
}

#[actix_web::test]
async fn a_code_used_twice_ends_its_connection() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let code = app.person("ana").allows(&host, &server).await;
    let tokens = Tokens::of(&host.redeems(&code).await.json().await.unwrap());
    // Who cannot prove that it is theirs ends nothing with it.
    let wrong = "x".repeat(43);
    let copied = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", &wrong),
    ];
    for _ in 0..2 {
        let refused = host.asks(&copied).await;
        assert_eq!(error_of(refused, 400).await, "invalid_grant");
        assert!(server.admits(&tokens.access).await);
        app.advance(std::time::Duration::from_secs(120));
    }
    assert_eq!(
        error_of(host.redeems(&code).await, 400).await,
        "invalid_grant"
    );
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(
        app.trail().await.last().unwrap(),
        "connection.revoked by Untether"
    );
}

#[actix_web::test]
async fn of_many_simultaneous_exchanges_at_most_one_succeeds() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    // The first round also opens the connections on which the others race.
    for _ in 0..5 {
        let code = app.person("ana").allows(&host, &server).await;
        let answers = join_all((0..8).map(|_| host.redeems(&code))).await;
        let succeeded = answers.into_iter().filter(|answer| answer.status() == 200);
        let succeeded: Vec<_> = succeeded.collect();
        assert_eq!(succeeded.len(), 1);
        for answer in succeeded {
            let tokens = Tokens::of(&answer.json().await.unwrap());
            assert!(!server.admits(&tokens.access).await, "the others ended it");
        }
    }
}

#[actix_web::test]
async fn a_code_is_bound_to_its_client_verifier_redirect_resource_and_minute() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Other").await);
    let code = app.person("ana").allows(&host, &server).await;
    let grant = ("grant_type", "authorization_code");
    let good = [grant, ("code", &code), ("code_verifier", VERIFIER)];

    assert_eq!(
        error_of(other.asks(&good).await, 400).await,
        "invalid_grant"
    );
    let wrong_verifier = [grant, ("code", &code), ("code_verifier", &"x".repeat(43))];
    assert_eq!(
        error_of(host.asks(&wrong_verifier).await, 400).await,
        "invalid_grant"
    );
    let no_verifier = [grant, ("code", code.as_str())];
    assert_eq!(
        error_of(host.asks(&no_verifier).await, 400).await,
        "invalid_request"
    );
    for (name, value, error) in [
        (
            "redirect_uri",
            "http://127.0.0.1:1/callback",
            "invalid_grant",
        ),
        (
            "resource",
            "https://wiki.acme.example/mcp",
            "invalid_target",
        ),
        ("resource", "nonsense", "invalid_target"),
        ("code", &code, "invalid_request"),
        ("grant_type", "password", "invalid_request"),
    ] {
        let form = [good.as_slice(), &[(name, value)]].concat();
        assert_eq!(
            error_of(host.asks(&form).await, 400).await,
            error,
            "{name}={value}"
        );
    }
    app.advance(Duration::from_secs(61));
    assert_eq!(error_of(host.asks(&good).await, 400).await, "invalid_grant");

    let code = app.person("ana").allows(&host, &server).await;
    let form = [
        grant,
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("resource", "HTTPS://Search.acme.example/mcp/"),
    ];
    assert_eq!(
        host.asks(&form).await.status(),
        200,
        "one resource has many spellings"
    );
}

#[actix_web::test]
async fn other_grants_are_refused_by_name() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    for (grant, error) in [
        ("password", "unsupported_grant_type"),
        ("", "invalid_request"),
    ] {
        assert_eq!(
            error_of(host.asks(&[("grant_type", grant)]).await, 400).await,
            error
        );
    }
}

#[actix_web::test]
async fn parallel_refreshes_within_the_grace_all_get_working_pairs() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let first = host.connects(&app.person("ana"), &server).await;
    let answers = join_all((0..6).map(|_| host.refreshes(&first.refresh))).await;
    app.advance(Duration::from_secs(119));
    let late = host.renews(&first).await;
    for answer in answers {
        assert_eq!(answer.status(), 200);
        let pair = Tokens::of(&answer.json().await.unwrap());
        assert!(server.admits(&pair.access).await);
        host.renews(&pair).await;
    }
    assert!(
        server.admits(&late.access).await,
        "the winner's tokens stay alive"
    );
}

#[actix_web::test]
async fn an_old_refresh_token_used_again_ends_the_connection_in_plain_words() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let first = host.connects(&app.person("ana"), &server).await;
    let second = host.renews(&first).await;
    app.advance(Duration::from_secs(121));
    assert_eq!(host.is_refused(&first.refresh).await, "invalid_grant");
    assert!(!server.admits(&second.access).await);
    assert_eq!(host.is_refused(&second.refresh).await, "invalid_grant");
    let rows = app
        .owner()
        .opens("/connections?view=list&status=revoked")
        .await
        .all("table tbody tr");
    assert!(
        rows[0].contains("The client used an old refresh token again."),
        "{rows:?}"
    );
}

#[actix_web::test]
async fn a_clock_that_has_gone_back_lengthens_neither_the_grace_nor_the_life_of_a_code() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let first = host.connects(&ana, &server).await;
    let second = host.renews(&first).await;
    let code = ana.allows(&host, &server).await;
    let ahead = "
        UPDATE token SET rotated_at = rotated_at + 3600000 WHERE rotated_at IS NOT NULL;
        UPDATE authorization_code SET issued_at = issued_at + 3600000";
    app.database.execute(ahead).await;
    assert_eq!(host.is_refused(&first.refresh).await, "invalid_grant");
    assert!(!server.admits(&second.access).await);
    assert_eq!(
        error_of(host.redeems(&code).await, 400).await,
        "invalid_grant"
    );
}

#[actix_web::test]
async fn a_refresh_token_works_for_its_own_client_only() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Other").await);
    let tokens = host.connects(&app.person("ana"), &server).await;
    assert_eq!(other.is_refused(&tokens.refresh).await, "invalid_grant");
    assert_eq!(host.is_refused(&tokens.access).await, "invalid_grant");
    assert!(
        server.admits(&host.renews(&tokens).await.access).await,
        "nothing was spent"
    );
}

#[actix_web::test]
async fn a_refresh_may_narrow_scopes_and_never_widen_them() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let location = ana.answers(&page, "allow", &[]).await;
    let code = crate::support::query_of(&location)["code"].clone();
    let body: Value = host.redeems(&code).await.json().await.unwrap();
    assert_eq!(body["scope"], "read", "the optional scope was unticked");
    let tokens = Tokens::of(&body);
    let refresh = |extra: (&'static str, &'static str)| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &tokens.refresh),
            extra,
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let host = &host;
        async move {
            let form: Vec<_> = form
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            host.asks(&form).await
        }
    };
    assert_eq!(
        error_of(refresh(("scope", "read write")).await, 400).await,
        "invalid_scope"
    );
    let other = refresh(("resource", "https://other.example/mcp")).await;
    assert_eq!(error_of(other, 400).await, "invalid_target");
    let same = refresh(("scope", "openid read offline_access")).await;
    assert_eq!(same.status(), 200);
    let same: Value = same.json().await.unwrap();
    assert_eq!(same["scope"], "read");
    assert_eq!(
        server
            .introspects(same["access_token"].as_str().unwrap())
            .await["scope"],
        "read"
    );
}

#[actix_web::test]
async fn an_unused_connection_expires_and_says_so_everywhere() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    app.advance(DAY * 30 - Duration::from_millis(1));
    assert_eq!(
        ana.opens("/connections?view=list")
            .await
            .all("td.status span"),
        ["Active"]
    );
    app.advance(Duration::from_millis(1));
    assert_eq!(
        ana.opens("/connections?view=list")
            .await
            .all("td.status span"),
        ["Expired"]
    );
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");

    let again = host.connects(&ana, &server).await;
    assert!(server.admits(&again.access).await);
    assert_eq!(
        ana.opens("/connections?view=list")
            .await
            .connections()
            .len(),
        1,
        "it was replaced"
    );
    let trail = app.trail().await;
    assert!(
        trail.contains(&"connection.replaced by ana@acme.example".to_owned()),
        "{trail:?}"
    );
}

#[actix_web::test]
async fn a_refresh_keeps_a_connection_alive_until_its_maximum_age() {
    let app = TestApp::spawn_with(|settings| settings.max_age_days = Some(40)).await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let mut tokens = host.connects(&app.person("ana"), &server).await;
    for _ in 0..3 {
        app.advance(DAY * 13);
        tokens = host.renews(&tokens).await;
    }
    app.advance(DAY);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
}

#[actix_web::test]
async fn an_access_token_ends_after_its_hour() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.advance(Duration::from_secs(3599));
    assert!(server.admits(&tokens.access).await);
    app.advance(Duration::from_secs(1));
    assert!(!server.admits(&tokens.access).await);
    assert!(server.admits(&host.renews(&tokens).await.access).await);
}

#[actix_web::test]
async fn a_revoked_client_gets_nothing_more() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.database
        .execute("UPDATE client SET revoked_at = 1")
        .await;
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
}

#[actix_web::test]
async fn a_replaced_refresh_token_is_known_for_a_week_and_then_forgotten() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    let ana = app.person("ana");
    let old = host.connects(&ana, &server).await;
    let copied = other.connects(&ana, &server).await;
    let (new, others) = (host.renews(&old).await, other.renews(&copied).await);
    let replaced = "SELECT hash FROM token WHERE rotated_at IS NOT NULL";
    app.advance(7 * DAY - Duration::from_millis(1));
    assert_eq!(other.is_refused(&copied.refresh).await, "invalid_grant");
    assert_eq!(
        other.is_refused(&others.refresh).await,
        "invalid_grant",
        "one of the two was a thief's"
    );
    app.advance(Duration::from_millis(1));
    let refused = host.refreshes(&old.refresh).await;
    assert_eq!(error_of(refused, 400).await, "invalid_grant");
    let newer = host.renews(&new).await;
    assert!(server.admits(&newer.access).await, "nothing else ended");
    assert_eq!(app.database.texts(replaced).await.len(), 2);
    app.advance(DAY);
    app.sweeps().await;
    assert_eq!(app.database.texts(replaced).await.len(), 1);
}

#[actix_web::test]
async fn a_replaced_refresh_token_is_known_no_longer_than_it_would_have_worked() {
    let app = TestApp::spawn_with(|settings| settings.idle_days = 1).await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let ends = "SELECT CAST(MIN(expires_at) AS TEXT) FROM token WHERE kind = 'refresh'";
    let before = app.database.texts(ends).await;
    app.advance(DAY / 2);
    host.renews(&tokens).await;
    assert_eq!(app.database.texts(ends).await, before);
}

//! How often one address may have a client registered.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use crate::support::TestApp;

/// Registers a client through the proxy, which reports these addresses.
async fn register(app: &TestApp, forwarded: &[&str]) -> Response {
    let url = format!("{}/oauth/register", app.url);
    let mut request = app.http.post(url);
    for addresses in forwarded {
        request = request.header("x-forwarded-for", *addresses);
    }
    let metadata = json!({ "redirect_uris": ["http://127.0.0.1/cb"] });
    request.json(&metadata).send().await.unwrap()
}

async fn is_limited(app: &TestApp, forwarded: &[&str]) -> bool {
    let response = register(app, forwarded).await;
    match response.status().as_u16() {
        201 => false,
        429 => true,
        other => panic!("{other}"),
    }
}

async fn limited_to(number: u32) -> TestApp {
    TestApp::spawn_with(|settings| settings.registrations_per_hour = number).await
}

#[actix_web::test]
async fn an_address_that_registers_too_often_is_told_when_to_come_back() {
    let app = limited_to(2).await;
    let one = ["203.0.113.7"];
    for _ in 0..2 {
        assert!(!is_limited(&app, &one).await);
    }
    let refused = register(&app, &one).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
    let wait = refused.headers()["retry-after"].to_str().unwrap();
    let wait: u64 = wait.parse().unwrap();
    assert_eq!(wait, 1801);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"], "too_many_requests");
    let words = body["error_description"].as_str().unwrap();
    assert!(words.contains("try again in 1801 seconds"), "{words}");
    assert!(!is_limited(&app, &["203.0.113.8"]).await);
    let clients = app.database.texts("SELECT id FROM client").await;
    assert_eq!(clients.len(), 3);
    app.advance(Duration::from_secs(wait));
    assert!(!is_limited(&app, &one).await);
    assert!(is_limited(&app, &one).await);
}

#[actix_web::test]
async fn what_is_refused_counts_too_because_it_costs_as_much() {
    let app = limited_to(1).await;
    let url = format!("{}/oauth/register", app.url);
    let malformed = app.http.post(url).body("{").send().await.unwrap();
    assert_eq!(malformed.status(), 400);
    assert_eq!(register(&app, &[]).await.status(), 429);
}

#[actix_web::test]
async fn nobody_can_make_up_addresses_to_register_more() {
    let app = limited_to(1).await;
    // The proxy appends the address that it sees, so only the last one counts.
    assert!(!is_limited(&app, &["198.51.100.1, 203.0.113.7"]).await);
    assert!(is_limited(&app, &["198.51.100.2, 203.0.113.7"]).await);
    assert!(is_limited(&app, &["198.51.100.3", "203.0.113.7"]).await);
    assert!(is_limited(&app, &["203.0.113.7:51234"]).await);
    // Of IPv6, one network is one address.
    assert!(!is_limited(&app, &["2001:db8:0:1::1"]).await);
    assert!(is_limited(&app, &["2001:db8:0:1:aaaa::2"]).await);
    assert!(is_limited(&app, &["[2001:db8:0:1::3]:443"]).await);
    assert!(!is_limited(&app, &["2001:db8:0:2::1"]).await);
    // Without a proxy that is trusted, the peer counts, whatever it says.
    let trusted = "192.0.2.0/24".parse().unwrap();
    let app = TestApp::spawn_with(|settings| {
        settings.registrations_per_hour = 1;
        settings.proxy.as_mut().unwrap().trusted = vec![trusted];
    })
    .await;
    assert!(!is_limited(&app, &["203.0.113.7"]).await);
    assert!(is_limited(&app, &["203.0.113.8"]).await);
}

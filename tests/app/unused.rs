//! Clients that registered themselves and that nobody uses go, and those that may still
//! be used never do.

use std::time::Duration;

use untether::{config::Settings, flow::Context, web::state::App};

use crate::support::{Host, TestApp, error_of, form_fields, query_of};

const DAY: Duration = Duration::from_secs(86_400);
const MOMENT: Duration = Duration::from_millis(1);

async fn spawn() -> TestApp {
    TestApp::spawn_with(|settings| settings.unused_client_days = Some(30)).await
}

fn removing(app: &mut App) {
    app.rules.unused_client = Some(30 * DAY);
}

async fn is_there(app: &TestApp, host: &Host<'_>) -> bool {
    let query = format!("SELECT id FROM client WHERE id = '{}'", host.client_id);
    !app.database.texts(&query).await.is_empty()
}

#[actix_web::test]
async fn a_client_that_never_connected_goes_after_its_days_and_not_before() {
    let app = spawn().await;
    let host = app.host("Cursor").await;
    app.advance(30 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.unused_clients_removed, 0);
    app.advance(MOMENT);
    assert_eq!(app.sweeps().await.unused_clients_removed, 1);
    assert!(!is_there(&app, &host).await);
    let told = "SELECT client_name || ' by ' || actor || ': ' || reason FROM audit_event
                WHERE action = 'client.removed'";
    assert_eq!(
        app.database.texts(told).await,
        ["Cursor by Untether: It registered itself, and nobody used it any more."]
    );
    let kept = "SELECT identifier || ' ' || name || ' ' || cause FROM client_tombstone";
    let kept = app.database.texts(kept).await;
    assert_eq!(kept, [format!("{} Cursor unused", host.client_id)]);
}

#[actix_web::test]
async fn a_client_stays_until_its_connection_has_been_expired_for_as_long() {
    let app = spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    app.advance(60 * DAY - MOMENT);
    let swept = app.sweeps().await;
    assert_eq!(swept.counted_as_expired, 1);
    assert_eq!(
        (
            swept.expired_connections_removed,
            swept.unused_clients_removed
        ),
        (0, 0)
    );
    app.advance(MOMENT);
    let swept = app.sweeps().await;
    assert_eq!(
        (
            swept.expired_connections_removed,
            swept.unused_clients_removed
        ),
        (1, 1)
    );
    app.database.check_counts().await;
    let last = app.trail().await.pop().unwrap();
    assert_eq!(last, "connection.removed by Untether");
    let totals = "SELECT id FROM connection_total WHERE kind = 'client'";
    assert!(app.database.texts(totals).await.is_empty());
}

#[actix_web::test]
async fn a_client_that_is_used_now_and_then_stays() {
    let app = spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let mut tokens = host.connects(&ana, &server).await;
    // Another connection that ends must not take the client with it.
    host.connects(&app.person("bo"), &server).await;
    for _ in 0..8 {
        app.advance(29 * DAY);
        tokens = host.renews(&tokens).await;
        assert_eq!(app.sweeps().await.unused_clients_removed, 0);
    }
    assert!(server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn a_code_that_has_just_been_issued_keeps_its_client() {
    let app = spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    app.advance(100 * DAY);
    let code = app.person("ana").allows(&host, &server).await;
    assert_eq!(app.sweeps().await.unused_clients_removed, 0);
    assert_eq!(host.redeems(&code).await.status(), 200);
}

#[actix_web::test]
async fn a_revoked_connection_is_shown_for_its_ninety_days_and_then_its_client_goes_too() {
    let app = spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    app.advance(90 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.unused_clients_removed, 0);
    app.advance(MOMENT);
    let swept = app.sweeps().await;
    assert_eq!(swept.revoked_connections_removed, 1);
    assert_eq!(swept.unused_clients_removed, 1);
}

#[actix_web::test]
async fn a_use_counts_although_its_record_is_gone() {
    let app = spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    app.advance(100 * DAY);
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    ana.revokes(&[&id], "").await;
    let fields = [("csrf".to_owned(), ana.form_token().await)];
    let deleted = ana
        .posts(&format!("/connections/{id}/delete"), &fields)
        .await;
    assert_eq!(deleted.status, 303);
    app.advance(30 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.unused_clients_removed, 0);
    app.advance(MOMENT);
    assert_eq!(app.sweeps().await.unused_clients_removed, 1);
}

#[actix_web::test]
async fn a_token_that_other_rules_would_let_in_again_keeps_its_client() {
    let app = TestApp::spawn_with(|settings| settings.idle_days = 60).await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.advance(40 * DAY);
    let mut settings = Settings::clone(&app.app.settings);
    settings.idle_days = 7;
    settings.unused_client_days = Some(1);
    let rules = untether::app::rules(&settings);
    let context = Context {
        rules: &rules,
        ..app.context()
    };
    let swept = untether::flow::sweep::run(&app.app.db, &context).await;
    let swept = swept.unwrap();
    assert_eq!(swept.counted_as_expired, 1);
    assert_eq!(swept.unused_clients_removed, 0);
    host.renews(&tokens).await;
}

#[actix_web::test]
async fn only_clients_that_registered_themselves_go_and_none_when_that_is_off() {
    let app = spawn().await;
    for origin in ["console", "api", "document", "registered"] {
        let host = app.host(origin).await;
        let set = format!(
            "UPDATE client SET origin = '{origin}' WHERE id = '{}'",
            host.client_id
        );
        app.database.execute(&set).await;
    }
    app.advance(1000 * DAY);
    assert_eq!(app.sweeps().await.unused_clients_removed, 1);
    let left = app.database.texts("SELECT name FROM client ORDER BY name");
    assert_eq!(left.await, ["api", "console", "document"]);

    let app = TestApp::spawn_with(|settings| settings.unused_client_days = None).await;
    app.host("Cursor").await;
    app.advance(1000 * DAY);
    assert_eq!(app.sweeps().await.unused_clients_removed, 0);
}

#[actix_web::test]
async fn a_removed_client_is_unknown_at_the_token_endpoint_and_registers_again() {
    let app = spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    app.advance(60 * DAY);
    app.sweeps().await;
    let refused = host.refreshes(&tokens.refresh).await;
    assert_eq!(refused.status(), 401);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"], "invalid_client");
    let words = body["error_description"].as_str().unwrap();
    assert!(words.contains("register again"), "{words}");
    let again = app.host("Cursor").await;
    again.connects(&ana, &server).await;
}

/// The rounds need both engines: on PostgreSQL both write at the same time.
#[actix_web::test]
async fn a_consent_and_a_sweep_at_once_leave_either_a_connection_or_no_client() {
    let app = spawn().await;
    let replica = app.replica(removing).await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let (mut connected, mut removed) = (0, 0);
    for round in 0..24 {
        let host = app.host("Cursor").await;
        app.advance(30 * DAY);
        let mut fields = form_fields(&ana.is_asked(&host, &server).await, "/oauth/authorize");
        fields.push(("decision".into(), "allow".into()));
        let consent = async {
            // One of the two begins a little earlier, by turns.
            for _ in 0..round % 6 * 20 {
                tokio::task::yield_now().await;
            }
            ana.posts("/oauth/authorize", &fields).await
        };
        let (answer, _) = tokio::join!(consent, replica.sweeps());
        let location = answer.headers.get("location");
        let location = location.map(|to| query_of(to.to_str().unwrap()));
        let code = location.as_ref().and_then(|query| query.get("code"));
        assert_eq!(
            is_there(&app, &host).await,
            code.is_some(),
            "{}",
            answer.text
        );
        match code {
            Some(code) => {
                assert_eq!(host.redeems(code).await.status(), 200);
                connected += 1;
            }
            None => {
                assert!(answer.status == 400 || location.unwrap()["error"] == "access_denied");
                assert_eq!(
                    error_of(host.redeems("x").await, 401).await,
                    "invalid_client"
                );
                removed += 1;
            }
        }
        app.database.check_counts().await;
    }
    assert_eq!(connected + removed, 24);
}

#[actix_web::test]
async fn an_exchange_and_a_sweep_at_once_leave_a_connection_that_works() {
    let app = spawn().await;
    let replica = app.replica(removing).await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    for _ in 0..8 {
        let host = app.host("Cursor").await;
        app.advance(100 * DAY);
        let code = ana.allows(&host, &server).await;
        let (answer, _) = tokio::join!(host.redeems(&code), replica.sweeps());
        assert_eq!(answer.status(), 200);
        let tokens = crate::support::Tokens::of(&answer.json().await.unwrap());
        assert!(server.admits(&tokens.access).await);
        host.renews(&tokens).await;
    }
}

#[actix_web::test]
async fn servers_that_sweep_at_once_remove_each_client_once() {
    let app = spawn().await;
    let host = app.host("Cursor").await;
    let copy = format!(
        "INSERT INTO client (id, identifier, origin, name, client_type, created_at)
         WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < 1199)
         SELECT '01890000-0000-7000-8000-' || CAST(100000000000 + n AS TEXT),
                'copy ' || n, origin, name, client_type, created_at
         FROM copy, client
         WHERE id = '{}'",
        host.client_id
    );
    app.database.execute(&copy).await;
    assert_eq!(app.sweeps().await.looks_recorded, 1_199);
    app.advance(30 * DAY);
    let replica = app.replica(removing).await;
    let (one, other) = tokio::join!(app.sweeps(), replica.sweeps());
    assert_eq!(
        one.unused_clients_removed + other.unused_clients_removed,
        1_200
    );
    let told = "SELECT client_id FROM audit_event WHERE action = 'client.removed'";
    let mut told = app.database.texts(told).await;
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1_200);
    let query = "SELECT identifier FROM client_tombstone";
    assert_eq!(app.database.texts(query).await.len(), 1_200);
    app.advance(730 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.clients_forgotten, 0);
    app.advance(MOMENT);
    assert_eq!(app.sweeps().await.clients_forgotten, 1_200);
    assert!(app.database.texts(query).await.is_empty());
}

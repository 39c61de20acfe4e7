//! What time brings about: connections lapse, and what has been kept long
//! enough goes, without anybody being told something else than before.

use std::time::Duration;

use untether::{
    config::Settings,
    flow::{
        Context,
        sweep::{self, Swept},
    },
};

use crate::support::TestApp;

const DAY: Duration = Duration::from_secs(86_400);
const MOMENT: Duration = Duration::from_millis(1);

/// How many connections are counted as active, expired and revoked.
async fn counts(app: &TestApp) -> String {
    app.database.check_counts().await;
    let sums = "SELECT CAST(COALESCE(SUM(active), 0) AS BIGINT)
                    || ' ' || CAST(COALESCE(SUM(expired), 0) AS BIGINT)
                    || ' ' || CAST(COALESCE(SUM(revoked), 0) AS BIGINT)
                FROM connection_count";
    app.database.texts(sums).await.remove(0)
}

/// The rows of a table, as many texts.
async fn ids(app: &TestApp, table: &str) -> usize {
    let column = if table == "token" { "hash" } else { "id" };
    let query = format!("SELECT {column} FROM {table}");
    app.database.texts(&query).await.len()
}

#[actix_web::test]
async fn a_connection_is_counted_as_expired_when_its_time_has_run_out_and_not_before() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    app.advance(30 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.counted_as_expired, 0);
    assert_eq!(counts(&app).await, "1 0 0");
    app.advance(MOMENT);
    assert_eq!(app.sweeps().await.counted_as_expired, 1);
    assert_eq!(counts(&app).await, "0 1 0");
}

#[actix_web::test]
async fn a_longer_idle_window_and_a_maximum_age_count_again() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    app.advance(40 * DAY);
    app.sweeps().await;
    assert_eq!(counts(&app).await, "0 1 0");
    let with = async |adjust: fn(&mut Settings)| {
        let mut settings = Settings::clone(&app.app.settings);
        adjust(&mut settings);
        let rules = untether::app::rules(&settings);
        let context = Context {
            rules: &rules,
            ..app.context()
        };
        sweep::run(&app.app.db, &context).await.unwrap()
    };
    let swept = with(|settings| settings.idle_days = 60).await;
    assert_eq!((swept.counted_as_active, swept.counted_as_expired), (1, 0));
    assert_eq!(counts(&app).await, "1 0 0");
    let swept = with(|settings| {
        settings.idle_days = 60;
        settings.max_age_days = Some(40);
    })
    .await;
    assert_eq!((swept.counted_as_active, swept.counted_as_expired), (0, 1));
    assert_eq!(counts(&app).await, "0 1 0");
}

#[actix_web::test]
async fn a_revoked_connection_is_kept_for_ninety_days_and_its_story_longer() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    host.connects(&app.person("bo"), &server).await;
    let id = ana.newest_connection().await;
    ana.revokes(&[&id], "").await;
    app.advance(90 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.revoked_connections_removed, 0);
    assert_eq!(counts(&app).await, "0 1 1");
    app.advance(MOMENT);
    let swept = app.sweeps().await;
    assert_eq!(swept.revoked_connections_removed, 1);
    assert_eq!(swept.unused_connections_removed, 0);
    assert_eq!(counts(&app).await, "0 1 0");
    let story = format!(
        "SELECT action || ' by ' || actor || ' ' || connection_name || ' ' || person_email
         FROM audit_event WHERE connection_id = '{id}' ORDER BY at"
    );
    let story = app.database.texts(&story).await;
    assert_eq!(story.len(), 3, "{story:?}");
    assert!(story[2].starts_with("connection.removed by Untether Cursor#"));
    assert!(story[2].ends_with(" ana@acme.example"), "{story:?}");
}

#[actix_web::test]
async fn a_connection_whose_client_never_came_goes_after_a_day() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let connected = host.connects(&ana, &server).await;
    let code = ana.allows(&host, &server).await;
    app.advance(DAY - MOMENT);
    assert_eq!(app.sweeps().await, Swept::default());
    app.advance(MOMENT);
    let swept = app.sweeps().await;
    assert_eq!(swept.unused_connections_removed, 1);
    assert_eq!(counts(&app).await, "1 0 0");
    assert_eq!(
        app.trail().await.last().unwrap(),
        "connection.removed by Untether"
    );
    host.renews(&connected).await;
    let answer = host.redeems(&code).await;
    assert_eq!(crate::support::error_of(answer, 400).await, "invalid_grant");
}

#[actix_web::test]
async fn a_revoked_client_goes_after_a_year_and_never_before_its_connections() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (gone, kept) = (app.host("Gone").await, app.host("Kept").await);
    gone.connects(&app.person("ana"), &server).await;
    kept.connects(&app.person("ana"), &server).await;
    let revoke = "UPDATE client SET revoked_at = ";
    let now = app.now().millis();
    app.database.execute(&format!("{revoke}{now}")).await;
    let of_gone = "SELECT id FROM connection WHERE client_id = ";
    let of_gone = format!("{of_gone}'{}'", gone.client_id);
    let of_gone = app.database.texts(&of_gone).await.remove(0);
    app.owner().revokes(&[&of_gone], "").await;
    app.advance(365 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.clients_removed, 0);
    assert_eq!(ids(&app, "client").await, 2);
    app.advance(MOMENT);
    assert_eq!(app.sweeps().await.clients_removed, 1);
    let left = app.database.texts("SELECT name FROM client").await;
    assert_eq!(left, ["Kept"]);
    let told =
        "SELECT client_name || ' ' || reason FROM audit_event WHERE action = 'client.removed'";
    assert_eq!(
        app.database.texts(told).await,
        ["Gone It was revoked long ago."]
    );
    let uris = app
        .database
        .texts("SELECT client_id FROM redirect_uri")
        .await;
    assert_eq!(uris, [kept.client_id]);
    counts(&app).await;
}

#[actix_web::test]
async fn tokens_go_when_they_have_ended_and_reuse_is_still_detected() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let first = host.connects(&ana, &server).await;
    app.advance(5 * DAY);
    let second = host.renews(&first).await;
    app.advance(6 * DAY);
    assert_eq!(
        app.sweeps().await.tokens_removed,
        1,
        "the second access token"
    );
    assert_eq!(ids(&app, "token").await, 2);
    // The first refresh token, 6 days after it was exchanged.
    assert_eq!(host.is_refused(&first.refresh).await, "invalid_grant");
    assert_eq!(host.is_refused(&second.refresh).await, "invalid_grant");
    assert_eq!(
        app.trail().await.last().unwrap(),
        "connection.revoked by Untether"
    );
}

#[actix_web::test]
async fn a_code_that_comes_back_is_recognized_for_as_long_as_its_connection_lives() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let code = ana.allows(&host, &server).await;
    let answer = host.redeems(&code).await;
    let mut tokens = crate::support::Tokens::of(&answer.json().await.unwrap());
    for _ in 0..8 {
        app.advance(29 * DAY);
        tokens = host.renews(&tokens).await;
        app.sweeps().await;
    }
    assert!(server.admits(&tokens.access).await);
    let again = crate::support::error_of(host.redeems(&code).await, 400).await;
    assert_eq!(again, "invalid_grant");
    assert!(!server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn an_act_is_kept_for_as_long_as_what_it_ended_and_an_unfinished_one_for_longer() {
    let app = TestApp::spawn().await;
    let started = app.now().millis();
    for (id, finished) in [("01", "0"), ("02", "NULL")] {
        let insert = format!(
            "INSERT INTO bulk_act (id, actor, subject, filter, total, ended, skipped,
                                   started_at, advanced_at, finished_at)
             VALUES ('{id}', 'ana', 'ana', 'active', 1, 1, 0, {started}, {started},
                     {started} + {finished})"
        );
        app.database.execute(&insert).await;
    }
    app.advance(90 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.acts_removed, 0);
    app.advance(MOMENT);
    let due = sweep::due(&app.app.db, &app.context()).await.unwrap();
    assert_eq!(due.acts_removed, 1);
    assert_eq!(app.sweeps().await.acts_removed, 1);
    let left = app.database.texts("SELECT id FROM bulk_act").await;
    assert_eq!(left, ["02"]);
    assert_eq!(app.sweeps().await, Swept::default());
}

#[actix_web::test]
async fn a_credential_that_has_ended_is_kept_for_90_days_and_one_that_works_for_good() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ended, _) = app.credential("search").await;
    let (ending, _) = app.credential("search").await;
    let end = |id: &str, when: Duration| {
        let at = app.now().plus(when).millis();
        format!("UPDATE project_credential SET revoked_at = {at} WHERE id = '{id}'")
    };
    app.database.execute(&end(&ended, Duration::ZERO)).await;
    app.database.execute(&end(&ending, DAY)).await;
    app.advance(90 * DAY - MOMENT);
    assert_eq!(app.sweeps().await.credentials_removed, 0);
    app.advance(MOMENT);
    let due = sweep::due(&app.app.db, &app.context()).await.unwrap();
    assert_eq!(due.credentials_removed, 1);
    assert_eq!(app.sweeps().await.credentials_removed, 1);
    let mut left = app
        .database
        .texts("SELECT id FROM project_credential")
        .await;
    left.sort();
    let mut expected = [server.id.clone(), ending];
    expected.sort();
    assert_eq!(left, expected);
    app.advance(1000 * DAY);
    assert_eq!(app.sweeps().await.credentials_removed, 1);
    let left = app
        .database
        .texts("SELECT id FROM project_credential")
        .await;
    assert_eq!(left, [server.id]);
}

#[actix_web::test]
async fn the_audit_trail_reaches_back_two_years() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let events = ids(&app, "audit_event").await;
    app.advance(730 * DAY - MOMENT);
    host.connects(&app.person("ana"), &server).await;
    assert_eq!(app.sweeps().await.events_removed, 0);
    app.advance(MOMENT);
    assert_eq!(app.sweeps().await.events_removed, events);
    assert_eq!(ids(&app, "audit_event").await, 1);
}

#[actix_web::test]
async fn sweeping_again_finds_nothing_and_a_dry_run_changes_nothing() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    host.connects(&ana, &server).await;
    ana.allows(&host, &server).await;
    app.advance(100 * DAY);
    let before = app.database.dump().await;
    let due = sweep::due(&app.app.db, &app.context()).await.unwrap();
    assert_eq!(app.database.dump().await, before);
    let expected = Swept {
        // One of them goes at once.
        counted_as_expired: 2,
        revoked_connections_removed: 1,
        unused_connections_removed: 1,
        tokens_removed: 4,
        ..Swept::default()
    };
    assert_eq!(due, expected);
    let swept = app.sweeps().await;
    // The tokens of the connection that was removed went with it.
    let expected = Swept {
        tokens_removed: 2,
        ..expected
    };
    assert_eq!(swept, expected);
    assert_eq!(app.sweeps().await, Swept::default());
    assert_eq!(counts(&app).await, "0 1 0");
}

#[actix_web::test]
async fn servers_that_sweep_at_once_do_each_thing_once() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    app.database.multiply(&id, 1_199).await;
    assert_eq!(counts(&app).await, "1200 0 0");
    let replica = app.replica(|_| {}).await;
    let sweeps = async || {
        let (one, other) = tokio::join!(app.sweeps(), replica.sweeps());
        counts(&app).await;
        (one, other)
    };
    app.advance(31 * DAY);
    let (one, other) = sweeps().await;
    assert_eq!(one.counted_as_expired + other.counted_as_expired, 1_200);
    let now = app.now().millis();
    app.database
        .execute(&format!(
            "UPDATE connection SET revoked_at = {now}, revoked_by = 'x'"
        ))
        .await;
    app.database.recount().await;
    app.advance(90 * DAY);
    let (one, other) = sweeps().await;
    let removed = one.revoked_connections_removed + other.revoked_connections_removed;
    assert_eq!(removed, 1_200);
    let told = "SELECT connection_id FROM audit_event WHERE action = 'connection.removed'";
    let mut told = app.database.texts(told).await;
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1_200);
    assert_eq!(app.trail().await.len(), 1_201);
}

#[actix_web::test]
async fn nothing_is_removed_without_its_audit_event() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    app.person("ana").allows(&host, &server).await;
    app.advance(2 * DAY);
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    let database = &app.database;
    database.execute(&rename("audit_event", "audit_gone")).await;
    assert!(
        untether::app::background::sweep(&app.app, app.now())
            .await
            .is_err()
    );
    database.execute(&rename("audit_gone", "audit_event")).await;
    assert_eq!(counts(&app).await, "1 0 0");
    assert_eq!(app.sweeps().await.unused_connections_removed, 1);
}

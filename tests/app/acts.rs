//! Invariants 9 and 11 for acts on everything that matches: interrupted, failed and
//! overlapping ones, and who may watch them.

use std::time::Duration;

use untether::{
    domain::{ids::ActId, role::Reach},
    flow::{
        Context,
        revoke_matching::{self, Confirmed, STALLED_AFTER},
    },
    store::{bulk_act, connection_filter::Filter},
};

use crate::{
    matching::{PATH, assert_counts_are_true, confirmation, revoked, revoked_events},
    support::TestApp,
};

/// Stores that Olivia confirmed everything, without beginning to revoke it.
pub async fn confirms_everything(app: &TestApp) -> ActId {
    let context = Context {
        actor: untether::domain::audit::Actor::Person("olivia@acme.example".into()),
        ..app.context()
    };
    let id: ActId = app.app.secrets.new_id(app.now());
    let filter = Filter::all(Reach::All, app.app.rules.lifetimes.cutoffs(app.now()));
    let mut tx = app.app.db.snapshot().await.unwrap();
    let matching = revoke_matching::matching(&mut tx, &filter).await.unwrap();
    let confirmed = Confirmed {
        act: id.clone(),
        subject: "olivia@acme.example".into(),
        filter: "active or expired".into(),
        reason: Some("the laptops are gone".into()),
    };
    drop(tx);
    let mut tx = app.app.db.write().await.unwrap();
    let begun = revoke_matching::begin(&mut tx, &context, confirmed, &matching).await;
    assert!(begun.unwrap());
    tx.commit().await.unwrap();
    id
}

#[actix_web::test]
async fn an_interrupted_act_is_finished_by_another_server() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    app.copies_the_connection(1_299).await;
    let id = confirms_everything(&app).await;
    assert_eq!(revoked(&app).await, 0);
    let mut tx = app.app.db.write().await.unwrap();
    let act = bulk_act::find(&mut tx, &id).await.unwrap().unwrap();
    assert!(
        revoke_matching::advance(&mut tx, &app.context(), &act)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    // The next batch was under way when the server stopped.
    let mut tx = app.app.db.write().await.unwrap();
    revoke_matching::advance(&mut tx, &app.context(), &act)
        .await
        .unwrap();
    drop(tx);
    let page = app.owner().opens(&format!("/acts/{id}")).await;
    assert_eq!(page.all("h1"), ["Revoking 1,300 connections"]);
    assert_eq!(page.all("#act p")[0], "1,000 of 1,300 revoked so far.");
    assert_eq!(revoked(&app).await, 1_000);

    let replica = app.replica(|_| {}).await;
    replica.app.worker().resume().await.unwrap();
    assert_eq!(revoked(&app).await, 1_000, "somebody may be working on it");
    app.advance(STALLED_AFTER);
    replica.app.worker().resume().await.unwrap();
    assert_eq!(revoked(&app).await, 1_300);
    assert_eq!(revoked_events(&app).await, 1_300);
    assert_counts_are_true(&app).await;
    let page = replica.owner().opens(&format!("/acts/{id}")).await;
    assert_eq!(page.all("h1"), ["Revoked 1,300 connections"]);
    assert!(
        app.database
            .texts("SELECT act_id FROM bulk_act_batch")
            .await
            .is_empty()
    );
    let reasons = "SELECT DISTINCT revoked_by || ': ' || revoked_reason FROM connection
                   WHERE revoked_by NOT LIKE 'command%'";
    assert_eq!(
        app.database.texts(reasons).await,
        ["olivia@acme.example: the laptops are gone"]
    );
}

#[actix_web::test]
async fn a_batch_without_its_audit_events_does_not_happen() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let id = confirms_everything(&app).await;
    app.database
        .execute("ALTER TABLE audit_event RENAME TO audit_gone")
        .await;
    assert!(app.app.worker().run(&id).await.is_err());
    assert!(server.admits(&tokens.access).await);
    app.database
        .execute("ALTER TABLE audit_gone RENAME TO audit_event")
        .await;
    app.app.worker().run(&id).await.unwrap();
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(revoked_events(&app).await, 1);
}

#[actix_web::test]
async fn two_acts_on_overlapping_sets_end_each_connection_once() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    app.copies_the_connection(1_099).await;
    let (first, second) = (
        confirms_everything(&app).await,
        confirms_everything(&app).await,
    );
    let replica = app.replica(|_| {}).await;
    let ids = app
        .database
        .texts("SELECT id FROM connection ORDER BY id DESC LIMIT 50")
        .await;
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let (here, there) = (app.app.worker(), replica.app.worker());
    // The same act is also worked on twice, as after a false alarm.
    let (one, two, three, selected) = tokio::join!(
        here.run(&first),
        there.run(&second),
        there.run(&first),
        ana.revokes(&ids, "")
    );
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(selected.status, 303);
    assert_eq!(revoked_events(&app).await, 1_100);
    assert_counts_are_true(&app).await;
    let sums = "SELECT CAST(SUM(ended + skipped) AS TEXT) || ' of '
                    || CAST(SUM(total) AS TEXT) FROM bulk_act";
    assert_eq!(app.database.texts(sums).await, ["2200 of 2200"]);
}

#[actix_web::test]
async fn an_act_is_there_for_its_actor_and_for_those_who_see_all() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    host.connects(&ana, &server).await;
    host.connects(&bo, &server).await;
    let preview = ana.opens(PATH).await;
    let fields = confirmation(&preview, PATH, "1", "mine <b>only</b>");
    assert_eq!(ana.posts(PATH, &fields).await.status, 303);
    let id = app
        .database
        .texts("SELECT id FROM bulk_act")
        .await
        .remove(0);
    let path = format!("/acts/{id}");
    for (person, status) in [
        (&ana, 200),
        (&app.owner(), 200),
        (&app.auditor(), 200),
        (&bo, 404),
        (&app.person("stranger"), 404),
    ] {
        let page = person.opens(&path).await;
        assert_eq!(page.status, status, "{}", person.email);
        assert_eq!(page.text.contains("mine &#60;b"), status == 200);
    }
    assert_eq!(ana.opens("/acts/nonsense").await.status, 404);
    // Nor can another person's act be confirmed, or its result be had, by its id.
    let preview = bo.opens(PATH).await;
    let mut fields = confirmation(&preview, PATH, "1", "");
    for field in fields.iter_mut().filter(|(name, _)| name == "act") {
        field.1 = id.clone();
    }
    assert_eq!(bo.posts(PATH, &fields).await.status, 404);
    assert_eq!(revoked(&app).await, 1);
}

#[actix_web::test]
async fn an_act_goes_on_though_the_clock_has_gone_back() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    confirms_everything(&app).await;
    let ahead = "UPDATE bulk_act SET advanced_at = advanced_at + 3600000";
    app.database.execute(ahead).await;
    app.app.worker().resume().await.unwrap();
    assert_eq!(revoked(&app).await, 1);
}

#[actix_web::test]
async fn what_was_previewed_long_ago_or_is_said_to_be_of_later_is_shown_again() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    let owner = app.owner();
    let preview = owner.opens(PATH).await;
    let fields = confirmation(&preview, PATH, "1", "all of them");
    // Then everything will have expired, and the trail would say that it had.
    let expired = format!("{PATH}?status=expired");
    for later in [61_000, 400 * 86_400_000, i64::MAX] {
        let mut forged = fields.clone();
        for (_, at) in forged.iter_mut().filter(|(name, _)| name == "at") {
            *at = later.saturating_add(app.now().millis()).to_string();
        }
        let page = owner.posts(&expired, &forged).await;
        assert_eq!(page.status, 409, "{later}");
        assert_eq!(revoked(&app).await, 0);
    }
    app.advance(Duration::from_secs(3_601));
    let page = owner.posts(PATH, &fields).await;
    assert_eq!(page.status, 409);
    assert!(page.all("[role=alert]")[0].contains("within an hour. Nothing was revoked."));
    assert!(page.text.contains("all of them"), "the reason is kept");
    let fields = confirmation(&page, PATH, "1", "all of them");
    app.advance(Duration::from_secs(3_600));
    assert_eq!(owner.posts(PATH, &fields).await.status, 303);
    assert_eq!(revoked(&app).await, 1);
}

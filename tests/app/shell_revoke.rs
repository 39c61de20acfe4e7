//! `untether revoke` through more than one transaction, whole and half.

use crate::{
    commands::{json, said},
    shell::{ids_of, shell, unrevoked},
    support::TestApp,
};

#[actix_web::test]
async fn revoke_works_through_more_than_one_transaction() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    app.database
        .multiply(&ana.newest_connection().await, 249)
        .await;
    let done = json(&shell(&app, &["revoke", "--project", "search", "--json"]));
    assert_eq!(ids_of(&done).len(), 250);
    assert!(unrevoked(&app).await.is_empty());
    app.database.check_counts().await;
    assert_eq!(app.trail().await.len(), 251);
}

#[actix_web::test]
async fn revoke_that_fails_half_way_tells_what_it_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    app.database
        .multiply(&ana.newest_connection().await, 249)
        .await;
    let oldest = "SELECT id FROM connection ORDER BY authorized_at, id LIMIT 1";
    let oldest = &app.database.texts(oldest).await[0];
    // The last connection cannot have its event, so the third transaction fails.
    app.database
        .execute(&format!(
            "INSERT INTO audit_event (id, at, action, actor, connection_id)
            VALUES ('01890000-0000-7000-8000-000000000000', 9, 'connection.revoked', 'nobody', '{oldest}');
            CREATE UNIQUE INDEX once ON audit_event (action, connection_id)"
        ))
        .await;
    let output = shell(&app, &["revoke", "--project", "search", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ids_of(&told).len(), 200);
    assert_eq!(
        (&told["count"], &told["complete"]),
        (&200.into(), &false.into())
    );
    assert_eq!(unrevoked(&app).await.len(), 50);
    let output = shell(&app, &["revoke", "--project", "search"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(output.stdout.is_empty(), "nothing was revoked");
    app.database.check_counts().await;
}

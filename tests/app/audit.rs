//! Invariants 6 and 12: a change and its audit event stand or fall together,
//! and GET has no effects.

use crate::support::TestApp;

#[actix_web::test]
async fn a_change_without_its_audit_event_does_not_happen() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let asked = ana.is_asked(&host, &server).await;

    app.database
        .execute("ALTER TABLE audit_event RENAME TO audit_gone")
        .await;
    let revoked = ana.revokes(&[&id], "").await;
    assert_eq!(revoked.status, 500);
    assert!(
        revoked.text.contains("Nothing was changed"),
        "{}",
        revoked.text
    );
    assert!(
        !revoked.text.contains("audit"),
        "the cause is for the log alone"
    );
    let mut fields = crate::support::form_fields(&asked, "/oauth/authorize");
    fields.push(("decision".into(), "allow".into()));
    assert_eq!(ana.posts("/oauth/authorize", &fields).await.status, 500);
    let registered = app
        .http
        .post(format!("{}/oauth/register", app.url))
        .json(&serde_json::json!({ "redirect_uris": ["http://127.0.0.1/"] }))
        .send()
        .await
        .unwrap();
    assert_eq!(registered.status(), 503);
    app.database
        .execute("ALTER TABLE audit_gone RENAME TO audit_event")
        .await;

    assert!(server.admits(&tokens.access).await);
    assert_eq!(
        app.database.texts("SELECT id FROM connection").await.len(),
        1
    );
    assert_eq!(app.database.texts("SELECT id FROM client").await.len(), 1);
    assert_eq!(ana.revokes(&[&id], "").await.status, 303);
    assert!(!server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn every_decision_leaves_an_event() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    ana.answers(&page, "deny", &[]).await;
    host.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "lost").await;
    let trail = app
        .database
        .texts(
            "SELECT action || ', ' || actor || ', ' || COALESCE(person_email, '-') || ', '
                 || COALESCE(reason, '-') || ', ' || COALESCE(address, '-')
             FROM audit_event WHERE action LIKE 'c%' ORDER BY at, id",
        )
        .await;
    let mut sorted = trail.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "client.registered, the client itself, -, -, 127.0.0.1",
            "connection.authorized, ana@acme.example, ana@acme.example, -, 127.0.0.1",
            "connection.denied, ana@acme.example, ana@acme.example, -, 127.0.0.1",
            "connection.revoked, ana@acme.example, ana@acme.example, lost, 127.0.0.1",
        ]
    );
}

#[actix_web::test]
async fn get_has_no_effects() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let consent = host.authorize_path(Some(&server.resource));
    let before = app.database.dump().await;
    let paths = [
        "/",
        "/connections",
        "/connections?view=list&status=revoked&per=25",
        "/oauth/authorize",
        &consent,
        &format!("/connections/revoke?id={id}"),
        &format!("/connections/{id}"),
        "/connections/revoke-matching",
        "/connections/revoke-matching?q=Cursor&idle_days=1",
        "/acts/01890000-0000-7000-8000-000000000000",
        "/demo/persona",
        "/oauth/token",
        "/oauth/register",
        "/oauth/introspect",
        "/oauth/revoke",
        "/mcp",
        "/healthz",
        "/readyz",
        "/nothing",
        "/.well-known/oauth-authorization-server/oauth",
        "/.well-known/oauth-protected-resource/mcp",
    ];
    for path in paths {
        for person in [&ana, &app.owner(), &app.person("never-seen-before")] {
            let page = person.opens(path).await;
            assert!(page.status < 500, "{path}: {}", page.text);
        }
    }
    assert_eq!(app.database.dump().await, before);
}

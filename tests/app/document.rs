//! Clients that are known by a document at an address (Client ID Metadata Documents).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{DocumentServer, TestApp, Tokens, form_fields, query_of};

const MINUTE: Duration = Duration::from_secs(60);

async fn clients(app: &TestApp) -> Vec<String> {
    let query = "SELECT origin || ' ' || name || ' ' || uri
                 FROM client JOIN redirect_uri ON client_id = client.id ORDER BY 1";
    app.database.texts(query).await
}

async fn trail(app: &TestApp) -> Vec<String> {
    let query = "SELECT action || ' ' || client_name || ' ' || COALESCE(detail, reason, '')
                 FROM audit_event WHERE client_id IS NOT NULL ORDER BY at, action";
    app.database.texts(query).await
}

#[actix_web::test]
async fn a_client_connects_by_its_document_alone() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let metadata: Value = app
        .get("/.well-known/oauth-authorization-server/oauth")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    let methods = metadata["token_endpoint_auth_methods_supported"]
        .as_array()
        .unwrap();
    assert!(methods.contains(&json!("none")));

    let host = documents.host(&app);
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    assert!(server.admits(&tokens.access).await);
    assert_eq!(
        server.introspects(&tokens.access).await["client_id"],
        host.client_id
    );
    let tokens = host.renews(&tokens).await;
    assert!(server.admits(&tokens.access).await);
    assert_eq!(
        clients(&app).await,
        ["document Cursor http://127.0.0.1/callback"]
    );
    assert_eq!(
        trail(&app).await,
        ["client.registered Cursor ", "connection.authorized Cursor "]
    );

    let again = host.connects(&app.person("bo"), &server).await;
    assert!(server.admits(&again.access).await);
    assert_eq!(clients(&app).await.len(), 1, "one client for everybody");
    assert_eq!(
        documents.requests().len(),
        1,
        "and its document is fetched once"
    );
}

#[actix_web::test]
async fn the_consent_page_says_where_the_app_describes_itself() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let redirects = json!(["http://127.0.0.1/callback", "https://app.example/callback"]);
    documents.publishes(&documents.document_with(json!({ "redirect_uris": redirects })));
    let ana = app.person("ana");
    let mut host = documents.host(&app);
    let page = ana.is_asked(&host, &server).await;
    let said = page.all("p.unproven").join("");
    let client_id = format!("Its client ID is a page of app.example:{}.", documents.port);
    assert!(said.starts_with(&client_id), "{said}");
    assert!(said.contains("chosen by the app itself"), "{said}");
    assert!(
        said.contains("any program on your computer can use it"),
        "{said}"
    );
    assert!(!page.text.contains("logo.png"), "no picture from elsewhere");
    assert!(page.text.len() < 6 * 1024, "{} bytes", page.text.len());

    host.redirect_uri = "https://app.example/callback".into();
    let page = ana.is_asked(&host, &server).await;
    let said = page.all("p.unproven").join("");
    assert!(said.contains("only if you trust that site"), "{said}");
}

#[actix_web::test]
async fn looking_at_the_page_has_no_effect() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let before = app.database.dump().await;
    for _ in 0..2 {
        assert_eq!(ana.is_asked(&host, &server).await.status, 200);
    }
    documents.answers("HTTP/1.1 404 Not Found\r\n\r\n");
    app.advance(MINUTE * 10);
    assert_eq!(ana.is_asked(&host, &server).await.status, 400);
    assert_eq!(app.database.dump().await, before);
}

#[actix_web::test]
async fn whoever_is_refused_is_known_to_the_administrators() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let page = ana.is_asked(&documents.host(&app), &server).await;
    let denied = query_of(&ana.answers(&page, "deny", &[]).await);
    assert_eq!(denied["error"], "access_denied");
    assert_eq!(
        trail(&app).await,
        ["client.registered Cursor ", "connection.denied Cursor "]
    );
    assert!(
        app.database
            .texts("SELECT id FROM connection")
            .await
            .is_empty()
    );
}

#[actix_web::test]
async fn a_document_is_used_as_long_as_its_server_allows() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    documents.publishes_with(&documents.document(), "cache-control: max-age=600\r\n");
    for (minutes, fetches) in [(0, 1), (9, 1), (1, 2), (9, 2), (1, 3)] {
        app.advance(MINUTE * minutes);
        assert_eq!(ana.is_asked(&host, &server).await.status, 200);
        assert_eq!(
            documents.requests().len(),
            fetches,
            "after {minutes} more minutes"
        );
    }
}

#[actix_web::test]
async fn everybody_who_asks_at_once_waits_for_the_same_fetch() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let people: Vec<_> = (0..5).map(|n| app.person(&format!("p{n}"))).collect();
    let pages = join_all(people.iter().map(|person| person.is_asked(&host, &server))).await;
    assert!(pages.iter().all(|page| page.status == 200));
    assert_eq!(documents.connections(), 1);
}

#[actix_web::test]
async fn a_document_that_changes_before_the_answer_is_read_again() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    documents.publishes(&documents.document_with(json!({ "client_name": "Your bank" })));
    app.advance(MINUTE * 10);
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.push(("decision".into(), "allow".into()));
    let asked_again = ana.posts("/oauth/authorize", &fields).await;
    assert_eq!(asked_again.status, 200);
    let text = asked_again.all("main").join(" ");
    assert!(
        text.contains("changed its description") && text.contains("Your bank asks"),
        "{text}"
    );
    assert!(clients(&app).await.is_empty(), "nothing was decided");

    let location = ana.answers(&asked_again, "allow", &[]).await;
    assert_eq!(
        host.redeems(&query_of(&location)["code"]).await.status(),
        200
    );
    assert_eq!(
        clients(&app).await,
        ["document Your bank http://127.0.0.1/callback"]
    );
}

#[actix_web::test]
async fn a_change_is_recorded_with_the_next_decision_and_used() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let mut host = documents.host(&app);
    let ana = app.person("ana");
    let old = host.connects(&ana, &server).await;
    let changed = json!({
        "client_name": "Cursor 2",
        "redirect_uris": ["https://app.example/callback"],
    });
    documents.publishes(&documents.document_with(changed));
    app.advance(MINUTE * 10);

    let page = ana.is_asked(&host, &server).await;
    assert_eq!(
        page.all("h1"),
        ["You were not sent back"],
        "the old address is void"
    );
    host.redirect_uri = "https://app.example/callback".into();
    let page = ana.is_asked(&host, &server).await;
    assert!(page.all("h1")[0].starts_with("Cursor 2 asks"));
    assert_eq!(
        clients(&app).await,
        ["document Cursor http://127.0.0.1/callback"]
    );

    let new = host.connects(&ana, &server).await;
    assert_eq!(
        clients(&app).await,
        ["document Cursor 2 https://app.example/callback"]
    );
    assert_eq!(
        trail(&app).await,
        [
            "client.registered Cursor ",
            "connection.authorized Cursor ",
            "client.changed Cursor 2 The name was Cursor. \
             Redirect URIs added: https://app.example/callback. \
             Redirect URIs removed: http://127.0.0.1/callback.",
            "connection.authorized Cursor 2 ",
        ]
    );
    for tokens in [&old, &new] {
        assert!(
            server.admits(&tokens.access).await,
            "what was allowed stays allowed"
        );
    }
}

#[actix_web::test]
async fn what_was_decided_holds_on_every_replica() {
    let documents = DocumentServer::start().await;
    let first = documents.app().await;
    // This one could not fetch anything.
    let second = first.replica(|_| {}).await;
    let server = first.project("search", &[]).await;
    let here = documents.host(&first);
    let there = documents.host(&second);
    let code = first.person("ana").allows(&here, &server).await;
    let response = there.redeems(&code).await;
    assert_eq!(response.status(), 200);
    let tokens = Tokens::of(&response.json().await.unwrap());
    let tokens = there.renews(&tokens).await;
    assert!(server.admits(&tokens.access).await);
    let tokens = here.renews(&tokens).await;
    assert!(server.admits(&tokens.access).await);
    assert_eq!(documents.connections(), 1);
}

#[actix_web::test]
async fn a_replica_does_not_go_back_to_an_older_document() {
    let documents = DocumentServer::start().await;
    let long = "cache-control: max-age=86400\r\n";
    documents.publishes_with(&documents.document(), long);
    let first = documents.app().await;
    let second = first.replica(documents.known_to()).await;
    let server = first.project("search", &[]).await;
    let (here, there) = (documents.host(&first), documents.host(&second));
    let ana = first.person("ana");
    here.connects(&ana, &server).await;
    let changed = documents.document_with(json!({ "client_name": "Cursor 2" }));
    documents.publishes_with(&changed, long);
    first.advance(MINUTE * 2);

    assert!(ana.is_asked(&here, &server).await.all("h1")[0].starts_with("Cursor asks"));
    there.connects(&second.person("ana"), &server).await;
    assert_eq!(
        clients(&first).await,
        ["document Cursor 2 http://127.0.0.1/callback"]
    );
    assert!(ana.is_asked(&here, &server).await.all("h1")[0].starts_with("Cursor 2 asks"));
    here.connects(&ana, &server).await;
    let changes = trail(&first).await;
    let changes = changes
        .iter()
        .filter(|event| event.starts_with("client.changed"));
    assert_eq!(changes.count(), 1);
}

#[actix_web::test]
async fn people_who_are_first_at_once_make_one_client() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let people: Vec<_> = (0..4).map(|n| app.person(&format!("p{n}"))).collect();
    let all = join_all(people.iter().map(|person| host.connects(person, &server))).await;
    for tokens in &all {
        assert!(server.admits(&tokens.access).await);
    }
    assert_eq!(clients(&app).await.len(), 1);
    let registered = trail(&app).await;
    let registered = registered
        .iter()
        .filter(|event| event.starts_with("client.registered"));
    assert_eq!(registered.count(), 1);
}

#[actix_web::test]
async fn a_revoked_client_stays_revoked_whatever_its_document_says() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    host.connects(&ana, &server).await;
    app.database
        .execute("UPDATE client SET revoked_at = 1")
        .await;
    documents.publishes(&documents.document_with(json!({ "client_name": "Other" })));
    app.advance(MINUTE * 10);
    assert_eq!(
        ana.is_asked(&host, &server).await.all("h1"),
        ["This app was revoked"]
    );
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.push(("decision".into(), "allow".into()));
    let answer = ana.posts("/oauth/authorize", &fields).await;
    assert_eq!(
        (answer.status, answer.all("h1").join("")),
        (400, "This app was revoked".into())
    );
    assert_eq!(
        clients(&app).await,
        ["document Cursor http://127.0.0.1/callback"]
    );
}

#[actix_web::test]
async fn a_revoked_client_stays_revoked_when_its_row_is_gone() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    ana.answers(&page, "deny", &[]).await;
    let revoke = format!("UPDATE client SET revoked_at = {}", app.now().millis());
    app.database.execute(&revoke).await;
    app.advance(MINUTE * 60 * 24 * 365);
    assert_eq!(app.sweeps().await.clients_removed, 1);
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.retain(|(name, _)| name != "csrf");
    fields.push(("csrf".into(), ana.form_token().await));
    fields.push(("decision".into(), "allow".into()));
    let answered = ana.posts("/oauth/authorize", &fields).await;
    for page in [ana.is_asked(&host, &server).await, answered] {
        assert_eq!(page.status, 400, "{}", page.text);
        assert_eq!(page.all("h1"), ["This app was revoked"]);
        let advice = page.all("main li").join(" ");
        assert!(advice.contains("ask the administrators"), "{advice}");
        assert!(!advice.contains("registers anew"), "{advice}");
    }
    assert!(clients(&app).await.is_empty());
    // What nobody had used comes back with whoever uses it again.
    app.database
        .execute("UPDATE client_tombstone SET cause = 'unused'")
        .await;
    let tokens = host.connects(&ana, &server).await;
    assert!(server.admits(&tokens.access).await);
}

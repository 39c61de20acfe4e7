//! Clients that are known by a document at an address (Client ID Metadata Documents).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use untether::{
    config::ClientDocuments,
    domain::document::Host as HostName,
    outbound::documents::{Documents, FETCH_LIMIT},
};

use crate::support::{DocumentServer, Host, Page, TestApp, Tokens, form_fields, query_of};

const MINUTE: Duration = Duration::from_secs(60);

/// The document with these members set or, if null, removed.
fn with(document: &Value, members: Value) -> Value {
    let mut document = document.clone();
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

async fn clients(app: &TestApp) -> Vec<String> {
    let query = "SELECT origin || ' ' || name || ' ' || uri
                 FROM client JOIN redirect_uri ON client_id = client.id ORDER BY 1";
    app.database.texts(query).await
}

async fn trail(app: &TestApp) -> Vec<String> {
    let query = "SELECT action || ' ' || client_name || ' ' || COALESCE(reason, '')
                 FROM audit_event WHERE client_id IS NOT NULL ORDER BY at, action";
    app.database.texts(query).await
}

/// A page that says no: no redirect, these words, and nothing written.
async fn assert_refused(app: &TestApp, page: &Page, status: u16, words: &[&str]) {
    let text = page.all("main").join(" ");
    assert_eq!(page.status, status, "{text}");
    assert!(!page.headers.contains_key("location"), "{text}");
    for words in words {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    assert!(clients(app).await.is_empty(), "{text}");
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
    documents.publishes(&with(
        &documents.document(),
        json!({ "redirect_uris": redirects }),
    ));
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
async fn an_unacceptable_document_is_explained_on_a_page() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let good = documents.document();
    for (members, said) in [
        (
            json!({ "client_id": "https://app.example/client.json" }),
            "its client_id is not the address",
        ),
        (
            json!({ "client_id": null }),
            "its client_id is not the address",
        ),
        (json!({ "redirect_uris": null }), "see line 1"),
        (json!({ "redirect_uris": [] }), "redirect_uris are missing"),
        (
            json!({ "redirect_uris": ["http://evil.example/cb"] }),
            "redirect_uris are missing or unacceptable",
        ),
        (
            json!({ "redirect_uris": ["javascript:alert(1)"] }),
            "redirect_uris are missing or unacceptable",
        ),
        (
            json!({ "client_secret": "hunter2" }),
            "it contains a client_secret",
        ),
        (
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
            "it contains a client_secret",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "other than none",
        ),
        (json!({ "client_name": null }), "its client_name is missing"),
        (
            json!({ "client_name": "a\u{202e}b" }),
            "its client_name is missing or unacceptable",
        ),
    ] {
        documents.publishes(&with(&good, members));
        let page = ana.is_asked(&host, &server).await;
        assert_refused(&app, &page, 400, &["a file at app.example", said]).await;
        assert!(!page.text.contains("hunter2") && !page.text.contains("evil.example/cb</"));
    }
    documents.publishes(&good);
    assert_eq!(
        ana.is_asked(&host, &server).await.status,
        200,
        "no error is remembered"
    );
}

#[actix_web::test]
async fn a_server_that_hands_out_no_document_is_explained_on_a_page() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let ok = "HTTP/1.1 200 OK\r\n";
    for (answer, said) in [
        (
            "HTTP/1.1 302 Found\r\nlocation: https://evil.example/\r\n\r\n".to_owned(),
            "a redirect, which is not followed",
        ),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n".into(),
            "the status 404 instead of 200",
        ),
        (
            format!("{ok}content-type: text/html\r\n\r\n<html>"),
            "is not JSON",
        ),
        (format!("{ok}\r\n<html>"), "is not client metadata in JSON"),
        (format!("{ok}\r\n{}", " ".repeat(6000)), "larger than 5 KB"),
    ] {
        documents.answers(&answer);
        let page = ana.is_asked(&host, &server).await;
        assert_refused(&app, &page, 400, &["a file at app.example", said]).await;
        assert!(!page.text.contains("evil.example"));
    }
    documents.names.lead("app.example", &[]);
    let page = ana.is_asked(&host, &server).await;
    assert_refused(
        &app,
        &page,
        400,
        &["could not be reached by https", "Try again"],
    )
    .await;
}

#[actix_web::test]
async fn an_address_that_breaks_the_rules_is_explained_and_not_fetched() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let port = documents.port;
    for (client_id, said) in [
        (
            format!("http://app.example:{port}/client.json"),
            "use https",
        ),
        (
            format!("http://localhost:{port}/client.json"),
            "does not begin with https://",
        ),
        (format!("https://app.example:{port}"), "has no path"),
        (format!("https://app.example:{port}/"), "has no path"),
        (
            format!("https://app.example:{port}/a/../client.json"),
            "contains . or ..",
        ),
        (
            format!("https://app.example:{port}/%2e/client.json"),
            "contains . or ..",
        ),
        (format!("{}#x", documents.url()), "fragment"),
        (
            format!("https://me:pw@app.example:{port}/client.json"),
            "user name or password",
        ),
        ("https://app.example:0/client.json".into(), "port"),
        ("https://app.example:99999/client.json".into(), "port"),
        ("https://app.example:/client.json".into(), "port"),
    ] {
        let host = Host {
            client_id: client_id.clone(),
            ..documents.host(&app)
        };
        let page = ana.is_asked(&host, &server).await;
        assert_refused(&app, &page, 400, &["web address of its description", said]).await;
    }
    assert_eq!(documents.connections(), 0);
}

#[actix_web::test]
async fn a_private_server_is_named_with_the_setting_that_allows_it() {
    let documents = DocumentServer::start().await;
    let fetcher = documents.fetcher(&[]);
    let app = TestApp::spawn_with_parts(
        |_| {},
        |app| app.documents = Arc::new(Documents::new(fetcher)),
    )
    .await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let loopback = format!("https://127.0.0.1:{}/client.json", documents.port);
    for client_id in [documents.url(), loopback] {
        let host = Host {
            client_id,
            ..documents.host(&app)
        };
        let page = ana.is_asked(&host, &server).await;
        let said = [
            "not on the public internet",
            "UNTETHER_CLIENT_DOCUMENT_PRIVATE_HOSTS",
        ];
        assert_refused(&app, &page, 400, &said).await;
    }
    assert_eq!(documents.connections(), 0);
}

#[actix_web::test]
async fn the_program_as_it_runs_refuses_private_addresses() {
    let documents = DocumentServer::start().await;
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        let client_id = format!("https://{name}:{}/client.json", documents.port);
        let host = Host {
            client_id,
            ..documents.host(&app)
        };
        let page = ana.is_asked(&host, &server).await;
        assert_refused(&app, &page, 400, &["not on the public internet"]).await;
    }
    assert_eq!(documents.connections(), 0);
}

#[actix_web::test]
async fn the_settings_allow_a_private_host_and_its_authority() {
    let documents = DocumentServer::start().await;
    // The system resolves localhost; the certificate is for another name, so this
    // gets as far as the handshake, and no further.
    let certificate = documents.certificate.clone();
    let app = TestApp::spawn_with(|settings| {
        settings.private_document_hosts = vec![HostName::parse("localhost").unwrap()];
        settings.certificates = vec![certificate];
    })
    .await;
    let server = app.project("search", &[]).await;
    let client_id = format!("https://localhost:{}/client.json", documents.port);
    let host = Host {
        client_id,
        ..documents.host(&app)
    };
    let page = app.person("ana").is_asked(&host, &server).await;
    assert_refused(&app, &page, 400, &["could not be reached by https"]).await;
    assert!(documents.connections() > 0);
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
async fn a_broken_server_is_asked_a_limited_number_of_times() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    documents.answers("HTTP/1.1 500 Oh\r\n\r\n");
    for _ in 0..FETCH_LIMIT {
        assert_eq!(ana.is_asked(&host, &server).await.status, 400);
    }
    let page = ana.is_asked(&host, &server).await;
    assert_refused(&app, &page, 503, &["asked too often", "in a minute"]).await;
    assert_eq!(documents.connections(), FETCH_LIMIT as usize);
    documents.publishes(&documents.document());
    app.advance(MINUTE);
    assert_eq!(ana.is_asked(&host, &server).await.status, 200);
}

#[actix_web::test]
async fn a_document_that_changes_before_the_answer_is_read_again() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    documents.publishes(&with(
        &documents.document(),
        json!({ "client_name": "Your bank" }),
    ));
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
    documents.publishes(&with(&documents.document(), changed));
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
async fn documents_can_be_switched_off() {
    let documents = DocumentServer::start().await;
    let app = documents
        .app_with(|settings| settings.client_documents = ClientDocuments::Off)
        .await;
    let server = app.project("search", &[]).await;
    let page = app
        .person("ana")
        .is_asked(&documents.host(&app), &server)
        .await;
    let said = ["does not accept", "Ask the administrators"];
    assert_refused(&app, &page, 400, &said).await;
    assert_eq!(documents.connections(), 0);
    let metadata: Value = app
        .get("/.well-known/oauth-authorization-server/oauth")
        .await
        .json()
        .await
        .unwrap();
    assert!(
        metadata
            .get("client_id_metadata_document_supported")
            .is_none()
    );
}

#[actix_web::test]
async fn documents_can_be_limited_to_some_hosts() {
    let documents = DocumentServer::start().await;
    let list = |host: &str| ClientDocuments::List(vec![HostName::parse(host).unwrap()]);
    let app = documents
        .app_with(|settings| settings.client_documents = list("claude.ai"))
        .await;
    let server = app.project("search", &[]).await;
    let page = app
        .person("ana")
        .is_asked(&documents.host(&app), &server)
        .await;
    let said = [
        "app.example, which is not on this organization's list",
        "UNTETHER_CLIENT_DOCUMENT_HOSTS",
    ];
    assert_refused(&app, &page, 400, &said).await;
    assert_eq!(documents.connections(), 0);

    let app = documents
        .app_with(|settings| settings.client_documents = list("app.example"))
        .await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    host.connects(&app.person("ana"), &server).await;
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
    let changed = with(&documents.document(), json!({ "client_name": "Cursor 2" }));
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
    documents.publishes(&with(
        &documents.document(),
        json!({ "client_name": "Other" }),
    ));
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
async fn an_address_that_nobody_allowed_is_no_client_at_the_token_endpoint() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let response = documents.host(&app).refreshes("utr_unknown").await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        documents.connections(),
        0,
        "only a person makes Untether fetch"
    );
}

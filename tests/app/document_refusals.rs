//! Client documents that are not accepted, and what a person reads then.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use untether::{
    config::ClientDocuments,
    domain::{document::Host as HostName, scheme::PrivateSchemes},
    outbound::documents::{Documents, FETCH_LIMIT},
};

use crate::support::{DocumentServer, Host, Page, TestApp};

/// A page that says no: no redirect, these words, and nothing written.
async fn assert_refused(app: &TestApp, page: &Page, status: u16, words: &[&str]) {
    let text = page.all("main").join(" ");
    assert_eq!(page.status, status, "{text}");
    assert!(!page.headers.contains_key("location"), "{text}");
    for words in words {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let clients = app.database.texts("SELECT id FROM client").await;
    assert!(clients.is_empty(), "{text}");
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
        documents.publishes(&documents.document_with(members));
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
        |app| app.documents = Arc::new(Documents::new(fetcher, PrivateSchemes::default())),
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
    let client_id = format!("https://localhost:{}/client.json", documents.port);
    documents.publishes(&documents.document_with(json!({ "client_id": client_id })));
    let localhost = || vec![HostName::parse("localhost").unwrap()];
    let certificate = documents.certificate.clone();
    let app = TestApp::spawn_with(|settings| {
        settings.private_document_hosts = localhost();
        settings.certificates = vec![certificate];
    })
    .await;
    let server = app.project("search", &[]).await;
    let host = |app| Host {
        client_id: client_id.clone(),
        ..documents.host(app)
    };
    host(&app).connects(&app.person("ana"), &server).await;

    let app = TestApp::spawn_with(|settings| settings.private_document_hosts = localhost()).await;
    let server = app.project("search", &[]).await;
    let page = app.person("ana").is_asked(&host(&app), &server).await;
    let said = ["could not be reached by https"];
    assert_refused(&app, &page, 400, &said).await;
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
    app.advance(Duration::from_secs(60));
    assert_eq!(ana.is_asked(&host, &server).await.status, 200);
}

#[actix_web::test]
async fn a_client_goes_on_while_its_host_is_asked_too_often_for_others() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    host.connects(&ana, &server).await;
    app.advance(Duration::from_secs(600));
    for n in 0..FETCH_LIMIT {
        let other = Host {
            client_id: format!("{}?{n}", host.client_id),
            ..documents.host(&app)
        };
        assert_eq!(ben.is_asked(&other, &server).await.status, 400);
    }
    let asked = documents.connections();
    assert_eq!(ana.is_asked(&host, &server).await.status, 200);
    assert_eq!(documents.connections(), asked);
}

#[actix_web::test]
async fn who_asks_for_many_at_once_keeps_nobody_else_waiting() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    let hosts: Vec<_> = (0..5)
        .map(|n| Host {
            client_id: format!("{}?{n}", documents.url()),
            ..documents.host(&app)
        })
        .collect();
    let (last, first) = hosts.split_last().unwrap();
    documents.answers_nothing();
    let unanswered = join_all(first.iter().map(|host| ben.is_asked(host, &server)));
    let meanwhile = async {
        // Whoever has asked by then is told nothing, whatever is published afterwards.
        while documents.requests().len() < first.len() {
            tokio::task::yield_now().await;
        }
        let page = ben.is_asked(last, &server).await;
        assert_refused(&app, &page, 503, &["too many such files"]).await;
        assert_eq!(documents.connections(), first.len());
        documents.publishes(&documents.document());
        let page = ana.is_asked(&documents.host(&app), &server).await;
        assert_eq!(page.status, 200);
    };
    tokio::select! {
        _ = unanswered => panic!("the server says nothing"),
        () = meanwhile => {}
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

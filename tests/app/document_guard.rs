//! What Untether fetches when a stranger names an address, and what it does not.

use std::{net::IpAddr, time::Duration};

use untether::{
    domain::document::DocumentUrl,
    outbound::fetch::{FetchError, Fetched, SIZE_LIMIT},
};

use crate::support::DocumentServer;

/// Not special-use, and not routed anywhere: it was given back in 2006.
const UNROUTED: &str = "3ffe::1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn fetch(
    server: &DocumentServer,
    private: &[&str],
    url: &str,
) -> Result<Fetched, FetchError> {
    let url = DocumentUrl::parse(url).unwrap();
    server.fetcher(private).fetch(&url).await
}

/// The same, not waiting long for what never comes.
async fn fetch_in_vain(server: &DocumentServer, private: &[&str]) -> FetchError {
    let url = DocumentUrl::parse(&server.url()).unwrap();
    let fetcher = server
        .fetcher(private)
        .with_patience(Duration::from_millis(500));
    fetcher.fetch(&url).await.unwrap_err()
}

#[actix_web::test]
async fn a_document_is_asked_for_without_saying_who_asks() {
    let server = DocumentServer::start().await;
    let fetched = fetch(&server, &["app.example"], &server.url())
        .await
        .unwrap();
    assert_eq!(fetched.body, server.document().to_string().as_bytes());
    let request = server.requests().remove(0).to_ascii_lowercase();
    assert!(
        request.starts_with("get /client.json http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\naccept: application/json\r\n"));
    for header in ["cookie", "authorization", "referer", "x-forwarded"] {
        assert!(!request.contains(header), "{request}");
    }
}

#[actix_web::test]
async fn a_name_that_leads_to_a_special_address_is_not_connected_to() {
    let server = DocumentServer::start().await;
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
    ] {
        server.names.lead("app.example", &[ip(address)]);
        let refused = fetch(&server, &["other.example"], &server.url())
            .await
            .unwrap_err();
        assert_eq!(refused, FetchError::NotPublic, "{address}");
    }
    assert_eq!(server.connections(), 0);
}

#[actix_web::test]
async fn an_address_instead_of_a_name_is_checked_too() {
    let server = DocumentServer::start().await;
    for host in [
        "127.0.0.1",
        "127.0.0.2",
        "[::1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
    ] {
        let url = format!("https://{host}:{}/client.json", server.port);
        let refused = fetch(&server, &["app.example"], &url).await.unwrap_err();
        assert_eq!(refused, FetchError::NotPublic, "{host}");
    }
    assert!(server.names.asked().is_empty());
    assert_eq!(server.connections(), 0);
}

#[actix_web::test]
async fn one_special_address_among_others_is_one_too_many() {
    let server = DocumentServer::start().await;
    server
        .names
        .lead("app.example", &[ip(UNROUTED), ip("127.0.0.1")]);
    let refused = fetch(&server, &[], &server.url()).await.unwrap_err();
    assert_eq!(refused, FetchError::NotPublic);
    assert_eq!(server.connections(), 0);
}

#[actix_web::test]
async fn the_address_that_was_checked_is_the_one_connected_to() {
    let server = DocumentServer::start().await;
    // The name changes its mind after the first look.
    let turns: [&[IpAddr]; 2] = [&[ip(UNROUTED)], &[ip("127.0.0.1")]];
    server.names.lead_in_turn("app.example", &turns);
    let failed = fetch_in_vain(&server, &[]).await;
    assert!(
        matches!(failed, FetchError::Unreachable | FetchError::TooSlow),
        "{failed:?}"
    );
    assert_eq!(
        server.names.asked(),
        ["app.example"],
        "one look and no other"
    );
    let refused = fetch(&server, &[], &server.url()).await.unwrap_err();
    assert_eq!(refused, FetchError::NotPublic);
    assert_eq!(server.connections(), 0);
}

#[actix_web::test]
async fn a_private_host_that_is_allowed_is_connected_to_and_no_other() {
    let server = DocumentServer::start().await;
    assert!(
        fetch(&server, &["app.example"], &server.url())
            .await
            .is_ok()
    );
    let other = format!("https://other.example:{}/client.json", server.port);
    assert_eq!(
        fetch(&server, &["app.example"], &other).await.unwrap_err(),
        FetchError::NotPublic
    );
    assert!(fetch(&server, &["other.example"], &other).await.is_ok());
}

#[actix_web::test]
async fn a_certificate_must_come_from_a_known_authority_and_be_for_the_name() {
    let (server, stranger) = (DocumentServer::start().await, DocumentServer::start().await);
    let url = stranger.url();
    let refused = fetch(&server, &["app.example"], &url).await.unwrap_err();
    assert_eq!(refused, FetchError::Unreachable);
    let unnamed = format!("https://unnamed.example:{}/client.json", server.port);
    server.names.lead("unnamed.example", &[ip("127.0.0.1")]);
    let refused = fetch(&server, &["unnamed.example"], &unnamed)
        .await
        .unwrap_err();
    assert_eq!(refused, FetchError::Unreachable);
    assert!(server.requests().is_empty() && stranger.requests().is_empty());
}

#[actix_web::test]
async fn only_a_small_json_file_is_taken() {
    let server = DocumentServer::start().await;
    let ok = "HTTP/1.1 200 OK\r\n";
    let json = "content-type: application/json\r\n";
    let body = |size: usize| "x".repeat(size);
    let other = format!("https://other.example:{}/client.json", server.port);
    for (answer, expected) in [
        (
            format!("HTTP/1.1 302 Found\r\nlocation: {other}\r\ncontent-length: 0\r\n\r\n"),
            FetchError::Redirect,
        ),
        (
            format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {other}\r\n\r\n"),
            FetchError::Redirect,
        ),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n".into(),
            FetchError::Status(404),
        ),
        ("HTTP/1.1 500 Oh\r\n\r\n".into(), FetchError::Status(500)),
        (
            format!("HTTP/1.1 201 Created\r\n{json}\r\n{{}}"),
            FetchError::Status(201),
        ),
        (
            format!("{ok}content-type: text/html\r\n\r\n{{}}"),
            FetchError::ContentType,
        ),
        (
            format!("{ok}content-type: image/png\r\n\r\n{{}}"),
            FetchError::ContentType,
        ),
        (
            format!("{ok}{json}content-length: {}\r\n\r\n", SIZE_LIMIT + 1),
            FetchError::TooLarge,
        ),
        (
            format!("{ok}{json}\r\n{}", body(SIZE_LIMIT + 1)),
            FetchError::TooLarge,
        ),
        (
            format!("{ok}{json}\r\n{}", body(SIZE_LIMIT * 100)),
            FetchError::TooLarge,
        ),
        ("not http\r\n\r\n".into(), FetchError::Unreachable),
    ] {
        server.answers(&answer);
        let refused = fetch(&server, &["app.example", "other.example"], &server.url()).await;
        assert_eq!(
            refused.unwrap_err(),
            expected,
            "{}",
            &answer[..answer.len().min(80)]
        );
    }
    assert!(
        !server.names.asked().contains(&"other.example".to_owned()),
        "not followed"
    );
    for kind in [
        "application/json; charset=utf-8",
        "Application/Oauth+JSON",
        "text/plain",
    ] {
        server.answers(&format!(
            "{ok}content-type: {kind}\r\n\r\n{}",
            body(SIZE_LIMIT)
        ));
        let fetched = fetch(&server, &["app.example"], &server.url())
            .await
            .unwrap();
        assert_eq!(fetched.body.len(), SIZE_LIMIT, "{kind}");
    }
}

#[actix_web::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = DocumentServer::start().await;
    server.answers_nothing();
    let failed = fetch_in_vain(&server, &["app.example"]).await;
    assert_eq!(failed, FetchError::TooSlow);
}

//! Idle connections: kept for longer than proxies keep theirs, and no hindrance to a stop,
//! which is a quiet one.

use std::{net::TcpListener, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use untether::app;

use crate::support::{Serving, TestApp};

/// Longer than the server's library would keep a connection by itself.
const IDLE: Duration = Duration::from_secs(7);

/// Shorter than it would wait for connections in use.
const STOP: Duration = Duration::from_secs(20);

/// Asks on a connection that is open, and stays open; the first line of the answer.
async fn asks(connection: &mut TcpStream) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).await.unwrap();
        answer.extend(byte);
    }
    let answer = String::from_utf8(answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[actix_web::test]
async fn a_proxy_can_use_its_connection_again_after_a_pause() {
    let app = TestApp::spawn().await;
    let address = app.url.strip_prefix("http://").unwrap();
    let address = address.trim_end_matches('/');
    let mut connection = TcpStream::connect(address).await.unwrap();
    assert_eq!(asks(&mut connection).await, "HTTP/1.1 200 OK");
    let mut byte = [0];
    let closed = timeout(IDLE, connection.read(&mut byte)).await;
    assert!(closed.is_err(), "the server closed it: {closed:?}");
    assert_eq!(asks(&mut connection).await, "HTTP/1.1 200 OK");
}

#[actix_web::test]
async fn a_stop_does_not_wait_for_idle_connections() {
    let app = TestApp::spawn().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = app::build(app.app.clone(), listener, 1).unwrap();
    let handle = server.handle();
    let ended = tokio::spawn(server);
    let mut connection = TcpStream::connect(address).await.unwrap();
    assert_eq!(asks(&mut connection).await, "HTTP/1.1 200 OK");
    let stop = timeout(STOP, handle.stop(true)).await;
    assert!(stop.is_ok(), "it waits for a connection that nobody uses");
    ended.await.unwrap().unwrap();
}

#[actix_web::test]
async fn a_stop_after_tokens_were_asked_about_is_quiet() {
    let server = Serving::with(&[("UNTETHER_TRUSTED_PROXIES", "127.0.0.1")]);
    let address = loop {
        let line = server.says();
        if line["message"] == "listening" {
            break line["address"].as_str().unwrap().to_owned();
        }
    };
    let app = TestApp::spawn().await;
    let asked = app
        .http
        .post(format!("http://{address}/mcp"))
        .bearer_auth("uta_unknown")
        .send();
    assert_eq!(asked.await.unwrap().status(), 401);
    for line in server.stops() {
        assert!(line.starts_with('{'), "not a line of the log: {line}");
        assert!(!line.contains("ERROR"), "{line}");
    }
}

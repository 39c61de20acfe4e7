//! A server that answers by plain HTTP on this machine, as the test tells it to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Answers each path alike, whatever the method; 404 where nothing was said.
pub struct Site {
    /// Its address, without a slash at the end.
    pub origin: String,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    answers: HashMap<String, String>,
    requests: Vec<String>,
}

impl Site {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told::default()));
        tokio::spawn(listen(listener, told.clone()));
        Self { origin, told }
    }

    /// From now on this path has this status, these headers, each with its line end, and
    /// this body.
    pub fn answers(&self, path: &str, status: u16, headers: &str, body: &str) {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n{body}");
        let answers = &mut self.told.lock().unwrap().answers;
        answers.insert(path.to_owned(), answer);
    }

    /// The same with a document.
    pub fn publishes(&self, path: &str, document: &Value) {
        let headers = "content-type: application/json\r\n";
        self.answers(path, 200, headers, &document.to_string());
    }

    /// The requests, whole, since the last time.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap().requests)
    }
}

async fn listen(listener: TcpListener, told: Arc<Mutex<Told>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, told.clone()));
    }
}

async fn answer(mut stream: TcpStream, told: Arc<Mutex<Told>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let answer = {
        let mut told = told.lock().unwrap();
        told.requests.push(request);
        let missing = || "HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n".to_owned();
        told.answers.get(&path).cloned().unwrap_or_else(missing)
    };
    // The other side may have read enough and gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

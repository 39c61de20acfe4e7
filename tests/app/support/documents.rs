//! A server that publishes client documents by https, and the names that lead to it.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use untether::{
    config::Settings,
    domain::{document::Host, scheme::PrivateSchemes},
    outbound::{documents::Documents, fetch::Fetcher},
    web::state::App,
};

use super::server::PATIENCE;

/// The host that the server's certificate is for, besides `other.example` and
/// `localhost`.
const HOST: &str = "app.example";

/// Answers every request alike, as the test tells it to.
pub struct DocumentServer {
    pub port: u16,
    pub names: Arc<Names>,
    pub certificate: CertificateDer<'static>,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    /// The whole answer; `None` for none at all.
    answer: Option<String>,
    connections: usize,
    requests: Vec<String>,
}

impl DocumentServer {
    pub async fn start() -> Self {
        let (certificate, acceptor) = certified(&[HOST, "other.example", "localhost"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Told::default()));
        tokio::spawn(listen(listener, acceptor, told.clone()));
        let server = Self {
            port,
            names: Arc::default(),
            certificate,
            told,
        };
        server.names.lead(HOST, &[Ipv4Addr::LOCALHOST.into()]);
        server
            .names
            .lead("other.example", &[Ipv4Addr::LOCALHOST.into()]);
        server.publishes(&server.document());
        server
    }

    /// The address of the document that it publishes at first.
    pub fn url(&self) -> String {
        format!("https://{HOST}:{}/client.json", self.port)
    }

    /// An acceptable document for that address.
    pub fn document(&self) -> Value {
        json!({
            "client_id": self.url(),
            "client_name": "Cursor",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "logo_uri": "https://app.example/logo.png",
        })
    }

    /// The same with these members set or, if null, without a value.
    pub fn document_with(&self, members: Value) -> Value {
        let mut document = self.document();
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    }

    pub fn publishes(&self, document: &Value) {
        self.publishes_with(document, "");
    }

    /// The same with more headers, each with its line end.
    pub fn publishes_with(&self, document: &Value, headers: &str) {
        let body = document.to_string();
        let length = body.len();
        let headers =
            format!("content-type: application/json\r\ncontent-length: {length}\r\n{headers}");
        self.answers(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}"));
    }

    /// Answers with these bytes, and closes the connection.
    pub fn answers(&self, answer: &str) {
        self.told.lock().unwrap().answer = Some(answer.to_owned());
    }

    pub fn answers_nothing(&self) {
        self.told.lock().unwrap().answer = None;
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.told.lock().unwrap().connections
    }

    pub fn requests(&self) -> Vec<String> {
        self.told.lock().unwrap().requests.clone()
    }

    /// A fetcher that knows the server's name and its authority, and may connect to
    /// these hosts wherever they are.
    pub fn fetcher(&self, private_hosts: &[&str]) -> Fetcher {
        let hosts = private_hosts.iter().map(|host| Host::parse(host).unwrap());
        Fetcher::new(
            self.names.clone(),
            hosts.collect(),
            vec![self.certificate.clone()],
        )
        .with_patience(PATIENCE)
    }

    /// Makes a program find this server.
    pub fn known_to(&self) -> impl FnOnce(&mut App) {
        let documents = Documents::new(self.fetcher(&[HOST]), PrivateSchemes::default());
        |app| app.documents = Arc::new(documents)
    }

    /// A program that finds this server.
    pub async fn app(&self) -> super::TestApp {
        self.app_with(|_| {}).await
    }

    pub async fn app_with(&self, adjust: impl FnOnce(&mut Settings)) -> super::TestApp {
        super::TestApp::spawn_with_parts(adjust, self.known_to()).await
    }

    /// The host whose id is this server's document.
    pub fn host<'a>(&self, app: &'a super::TestApp) -> super::Host<'a> {
        super::Host {
            app,
            client_id: self.url(),
            client_secret: None,
            redirect_uri: "http://127.0.0.1:49152/callback".into(),
        }
    }
}

/// A new authority's certificate, and a server that has one from it for these names.
fn certified(names: &[&str]) -> (CertificateDer<'static>, TlsAcceptor) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).unwrap().der().clone();
    let issuer = rcgen::Issuer::new(authority, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let leaf = rcgen::CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .unwrap();
    (root, TlsAcceptor::from(Arc::new(config)))
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, told: Arc<Mutex<Told>>) {
    while let Ok((stream, _)) = listener.accept().await {
        told.lock().unwrap().connections += 1;
        tokio::spawn(answer(stream, acceptor.clone(), told.clone()));
    }
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor, told: Arc<Mutex<Told>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let answer = {
        let mut told = told.lock().unwrap();
        told.requests.push(String::from_utf8(request).unwrap());
        told.answer.clone()
    };
    match answer {
        // The other side may have read enough and gone.
        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
        None => drop(stream.read_u8().await),
    }
    let _ = stream.shutdown().await;
}

/// A resolver that answers as the test tells it to.
#[derive(Default)]
pub struct Names {
    /// Answers by name, used up from the front; the last one stays.
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    /// From now on this name leads here.
    pub fn lead(&self, name: &str, addresses: &[IpAddr]) {
        self.lead_in_turn(name, &[addresses]);
    }

    /// The first answer is given once, and so on; the last one stays.
    pub fn lead_in_turn(&self, name: &str, answers: &[&[IpAddr]]) {
        let answers = answers.iter().map(|addresses| addresses.to_vec()).collect();
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers);
    }

    /// The names that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn answer(&self, name: &str) -> Option<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(name)?;
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        Some(
            answer
                .into_iter()
                .map(|ip| SocketAddr::new(ip, 0))
                .collect(),
        )
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.answer(name.as_str());
        Box::pin(async move {
            let addresses = answer.ok_or("no such name")?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

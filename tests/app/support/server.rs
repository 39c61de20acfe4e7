//! The running program, and MCP servers that ask it about tokens.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::http::header::HeaderName;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use untether::{
    app,
    clock::{Clock, TestClock, Timestamp},
    config::{ClientDocuments, LogFormat, ProxySettings, PublicUrl, Registration, Settings},
    domain::{
        audit::Actor,
        project::{Members, OfferedScope, Slug},
        resource::Resource,
        scheme::PrivateSchemes,
        scope::ScopeToken,
        secret::{Secrets, SystemRandomness},
    },
    flow::introspect::Pace,
    flow::{
        Context,
        credential::{self, Made},
        project::{Facts, NewProject},
        sweep::Swept,
    },
    store::Db,
    web::{identity::IdentitySource, state::App},
};

use super::{Host, Person, database::TestDatabase};

/// 1 June 2026, noon.
const START: Timestamp = Timestamp::from_millis(1_780_315_200_000);

/// How long programs wait for other servers here: a busy machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct TestApp {
    pub url: String,
    pub app: App,
    pub database: Arc<TestDatabase>,
    pub http: reqwest::Client,
    clock: Arc<TestClock>,
}

impl TestApp {
    /// A program with the usual settings: Olivia owns, Arthur audits.
    pub async fn spawn() -> Self {
        Self::spawn_with(|_| {}).await
    }

    pub async fn spawn_with(adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::spawn_with_parts(adjust, |_| {}).await
    }

    /// A program with other settings, and with some of its parts exchanged.
    pub async fn spawn_with_parts(
        adjust: impl FnOnce(&mut Settings),
        exchange: impl FnOnce(&mut App),
    ) -> Self {
        super::super::secrecy::capture_logs();
        let database = Arc::new(TestDatabase::create().await);
        let clock = Arc::new(TestClock::new(START));
        Self::start(database, clock, adjust, exchange).await
    }

    /// Another server on the same database, with the same clock and key.
    pub async fn replica(&self, exchange: impl FnOnce(&mut App)) -> Self {
        let (database, clock) = (self.database.clone(), self.clock.clone());
        Self::start(database, clock, |_| {}, exchange).await
    }

    async fn start(
        database: Arc<TestDatabase>,
        clock: Arc<TestClock>,
        adjust: impl FnOnce(&mut Settings),
        exchange: impl FnOnce(&mut App),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = settings(&listener, &database);
        adjust(&mut settings);
        let secrets = Secrets::new(
            b"the secret key of the tests only",
            Arc::new(SystemRandomness),
        );
        let identities = match IdentitySource::of(&settings).unwrap() {
            IdentitySource::Signed(assertions, proxy) => {
                let assertions = assertions.with_patience(PATIENCE);
                IdentitySource::Signed(Box::new(assertions), proxy)
            }
            other => other,
        };
        let url = settings.public_url.as_str().to_owned();
        let db = Db::open(&database.url).await.unwrap();
        let mut app = app::assemble(settings, db, clock.clone(), secrets, identities)
            .await
            .unwrap();
        exchange(&mut app);
        tokio::spawn(app::build(app.clone(), listener, 1).unwrap());
        Self {
            url,
            app,
            database,
            http: plain_client(),
            clock,
        }
    }

    /// Writes down the uses of connections that were only noted until now.
    pub async fn records_uses(&self) {
        let done = self.app.uses.record(&self.app.db, Pace::Straight).await;
        done.unwrap();
    }

    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Does what time has made due.
    pub async fn sweeps(&self) -> Swept {
        app::background::sweep(&self.app, self.now()).await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            now: self.clock.now(),
            rules: &self.app.rules,
            secrets: &self.app.secrets,
            actor: Actor::CommandLine,
            address: None,
        }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap()
    }

    /// Asks for a path that goes onto the wire as it is, with these header lines; returns
    /// the status and everything that is answered.
    pub async fn asks_as_is(&self, path: &str, headers: &str) -> (u16, String) {
        let (_, host) = self.url.split_once("://").unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
        (status.expect("a status"), answer)
    }

    /// Posts a form without being anyone.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
        self.http
            .post(format!("{}{path}", self.url))
            .form(form)
            .send()
            .await
            .unwrap()
    }

    /// Adds a project with a required and an optional scope.
    pub async fn project(&self, slug: &str, administrators: &[&str]) -> McpServer<'_> {
        let scope = |name: &str, optional| OfferedScope {
            name: ScopeToken::parse(name).unwrap(),
            description: format!("Use {name}"),
            optional,
        };
        let resource = format!("https://{slug}.acme.example/mcp");
        let new = NewProject {
            slug: Slug::parse(slug).unwrap(),
            resource: Resource::parse(&resource).unwrap(),
            facts: Facts {
                name: format!("Project {slug}"),
                scopes: vec![scope("read", false), scope("write", true)],
                administrators: administrators
                    .iter()
                    .map(|text| text.parse().unwrap())
                    .collect(),
                members: Members::Anyone,
                manage_url: None,
            },
        };
        let mut tx = self.app.db.write().await.unwrap();
        let (_, id, secret) = untether::flow::project::add(&mut tx, &self.context(), new)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        McpServer {
            app: self,
            resource,
            id: id.to_string(),
            secret: secret.expose().to_owned(),
        }
    }

    /// Another introspection credential of a project: its id and secret.
    pub async fn credential(&self, slug: &str) -> (String, String) {
        let id = self.app.secrets.new_id(self.now());
        let slug = Slug::parse(slug).unwrap();
        let mut tx = self.app.db.write().await.unwrap();
        let context = self.context();
        let made = credential::make(&mut tx, &context, &slug, &id, None).await;
        let Made::Done(secret) = made.unwrap() else {
            panic!("no credential was made");
        };
        tx.commit().await.unwrap();
        (id.to_string(), secret.expose().to_owned())
    }

    pub fn person(&self, name: &str) -> Person<'_> {
        Person::new(self, name)
    }

    pub fn owner(&self) -> Person<'_> {
        self.person("olivia")
    }

    pub fn auditor(&self) -> Person<'_> {
        self.person("arthur")
    }

    /// A host that registers itself.
    pub async fn host(&self, name: &str) -> Host<'_> {
        Host::register(self, name).await
    }

    /// Adds so many more connections like the only one that there is, past the program.
    pub async fn copies_the_connection(&self, count: u32) {
        self.database
            .execute(&format!(
                "WITH RECURSIVE number (n) AS (
                     SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count}
                 )
                 INSERT INTO connection (id, person_id, client_id, project_id, name, scopes,
                     authorized_at, connected_at, last_used_at, folded,
                     person_folded, client_folded, project_folded)
                 SELECT '01900000-0000-7000-8000-' || CAST(100000000000 + n AS TEXT),
                     person_id, client_id, project_id, name || n, scopes,
                     authorized_at, connected_at, last_used_at, folded || n,
                     person_folded, client_folded, project_folded
                 FROM connection CROSS JOIN number"
            ))
            .await;
        self.database.recount().await;
    }

    /// The actions in the audit trail about connections, oldest first.
    pub async fn trail(&self) -> Vec<String> {
        let query = "SELECT action || ' by ' || actor FROM audit_event
                     WHERE connection_id IS NOT NULL ORDER BY at, action";
        self.database.texts(query).await
    }
}

/// A client without proxies or redirects, which needs no certificates.
fn plain_client() -> reqwest::Client {
    // Fails in all tests of a process but the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        // A connection kept for long may be one that the server closes just then.
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .unwrap()
}

fn settings(listener: &TcpListener, database: &TestDatabase) -> Settings {
    let header = HeaderName::from_static;
    Settings {
        listen: listener.local_addr().unwrap(),
        public_url: PublicUrl::of_listener(listener.local_addr().unwrap()),
        database: database.url.clone(),
        organization: "Acme".into(),
        secret_key: None,
        proxy: Some(ProxySettings {
            trusted: vec!["127.0.0.1/32".parse().unwrap()],
            secret: None,
            email_header: header("x-forwarded-email"),
            name_header: header("x-forwarded-preferred-username"),
            groups_header: header("x-forwarded-groups"),
            groups_separator: ',',
            subject_header: None,
        }),
        assertion: None,
        owners: vec!["olivia@acme.example".parse().unwrap()],
        auditors: vec!["arthur@acme.example".parse().unwrap()],
        sign_out_url: None,
        idle_days: 30,
        max_age_days: None,
        access_token_minutes: 60,
        refresh_grace_seconds: 120,
        registration: Registration::Open,
        registrations_per_hour: 10_000,
        redirect_schemes: PrivateSchemes::default(),
        unused_client_days: None,
        client_documents: ClientDocuments::Any,
        private_document_hosts: Vec::new(),
        certificates: Vec::new(),
        log: "info".into(),
        log_format: Some(LogFormat::Json),
    }
}

/// A protected MCP server, as far as Untether sees it.
pub struct McpServer<'a> {
    app: &'a TestApp,
    pub resource: String,
    pub id: String,
    pub secret: String,
}

impl McpServer<'_> {
    /// Asks about a token.
    pub async fn asks_about(&self, token: &str) -> reqwest::Response {
        let request = self
            .app
            .http
            .post(format!("{}/oauth/introspect", self.app.url));
        let request = request.basic_auth(&self.id, Some(&self.secret));
        request.form(&[("token", token)]).send().await.unwrap()
    }

    /// What introspection says about a token.
    pub async fn introspects(&self, token: &str) -> Value {
        let response = self.asks_about(token).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// Whether it lets a token in.
    pub async fn admits(&self, token: &str) -> bool {
        self.introspects(token).await["active"] == true
    }
}

//! The two servers, each with threads of its own, and the database.

use std::{
    fs::File,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::{
    App as Actix, HttpResponse, HttpServer,
    dev::{Server, ServerHandle},
    rt::System,
    web,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool, raw_sql};
use tokio::task::JoinSet;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};
use untether::{
    app::{self, background},
    clock::SystemClock,
    config::{ClientDocuments, DatabaseUrl, ProxySettings, PublicUrl, Registration, Settings},
    domain::{
        role::PrincipalName,
        scheme::PrivateSchemes,
        secret::{Secrets, SystemRandomness},
    },
    store::Db,
    web::identity::IdentitySource,
};

/// Sees everything.
pub const OWNER: &str = "olivia.owner@acme.example";

/// As many workers as `untether serve` has.
pub fn workers() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// Logs what `untether serve` logs, into a file instead of standard error.
pub fn log_into(path: &Path) -> Result<(), String> {
    let file = File::create(path).map_err(|error| error.to_string())?;
    let lines = fmt::layer()
        .with_writer(Mutex::new(file))
        .with_target(false);
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,sqlx=warn"))
        .with(lines.json().flatten_event(true))
        .try_init()
        .map_err(|error| error.to_string())
}

/// Where the data of this run is.
pub struct Place {
    pub url: DatabaseUrl,
    /// The PostgreSQL server, and the schema that this run made there.
    schema: Option<(String, String)>,
}

impl Place {
    /// A file in the folder, or a schema on the server that the environment names.
    /// Another run finds the same again when it is to `stay`.
    pub async fn make(folder: &Path, stay: bool) -> Result<Self, String> {
        let Ok(server) = std::env::var("UNTETHER_TEST_POSTGRES_URL") else {
            let path = folder.join("bench.db");
            return Ok(Self {
                url: DatabaseUrl::Sqlite { path },
                schema: None,
            });
        };
        let schema = match stay {
            true => "bench".to_owned(),
            false => format!("bench_{}", std::process::id()),
        };
        on_server(&server, format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
        Ok(Self {
            url: DatabaseUrl::Postgres { url },
            schema: Some((server, schema)),
        })
    }

    /// Removes what the folder's end does not.
    pub async fn remove(&self) -> Result<(), String> {
        match &self.schema {
            None => Ok(()),
            Some((server, schema)) => {
                on_server(server, format!("DROP SCHEMA {schema} CASCADE")).await
            }
        }
    }
}

async fn on_server(server: &str, sql: String) -> Result<(), String> {
    let act = async {
        let pool = PgPool::connect(server).await?;
        raw_sql(AssertSqlSafe(sql)).execute(&pool).await?;
        pool.close().await;
        Ok(())
    };
    act.await.map_err(|error: sqlx::Error| error.to_string())
}

pub fn secrets() -> Secrets {
    Secrets::new(
        b"a key of the benchmark, which nobody else uses",
        Arc::new(SystemRandomness),
    )
}

pub fn settings(database: DatabaseUrl) -> Settings {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let header = actix_web::http::header::HeaderName::from_static;
    Settings {
        listen,
        public_url: PublicUrl::of_listener(listen),
        database,
        organization: "Acme".to_owned(),
        secret_key: None,
        proxy: Some(ProxySettings {
            trusted: vec![listen.ip().into()],
            secret: None,
            email_header: header("x-forwarded-email"),
            name_header: header("x-forwarded-preferred-username"),
            groups_header: header("x-forwarded-groups"),
            groups_separator: ',',
            subject_header: None,
        }),
        assertion: None,
        owners: vec![PrincipalName::Email(OWNER.to_owned())],
        auditors: Vec::new(),
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
        log: String::new(),
        log_format: None,
    }
}

/// A server that answers until it is stopped.
pub struct Running {
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    /// A handler that answers a small JSON from memory, and nothing around it.
    pub fn bare() -> Result<Self, String> {
        async fn answer() -> HttpResponse {
            HttpResponse::Ok().json(json!({ "active": true, "scope": "tools:read" }))
        }
        Self::start(|listener| async move {
            let server = HttpServer::new(|| Actix::new().route("/", web::get().to(answer)));
            let server = server.workers(workers()).tcp_nodelay(true).listen(listener);
            server
                .map(|server| (server.run(), JoinSet::new()))
                .map_err(|error| error.to_string())
        })
    }

    /// What `untether serve` starts, after what time has made due since the data were made.
    pub fn real(mut settings: Settings, secrets: Secrets) -> Result<Self, String> {
        Self::start(|listener| async move {
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            settings.public_url = PublicUrl::of_listener(address);
            let db = Db::open(&settings.database)
                .await
                .map_err(|error| error.to_string())?;
            let identities = IdentitySource::of(&settings).ok_or("no proxy")?;
            let app = app::assemble(settings, db, Arc::new(SystemClock), secrets, identities).await;
            let app = app.map_err(|error| error.to_string())?;
            let swept = background::sweep(&app, app.clock.now()).await;
            swept.map_err(|error| error.to_string())?;
            let server = app::build(app.clone(), listener, workers());
            let beside = background::start(&app);
            server
                .map(|server| (server, beside))
                .map_err(|error| error.to_string())
        })
    }

    fn start<F, S>(build: F) -> Result<Self, String>
    where
        F: FnOnce(TcpListener) -> S + Send + 'static,
        S: Future<Output = Result<(Server, JoinSet<()>), String>>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                match build(listener).await {
                    Ok((server, mut beside)) => {
                        let _ = sender.send(Ok(server.handle()));
                        let ended = server.await;
                        beside.shutdown().await;
                        ended
                    }
                    Err(error) => {
                        let _ = sender.send(Err(error));
                        Ok(())
                    }
                }
            })
        });
        let handle = receiver.recv().map_err(|_| "the server did not start")??;
        Ok(Self {
            address,
            handle,
            thread,
        })
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
        let _ = self.thread.join();
    }
}

//! The program's parts, put together.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App as Actix, HttpServer,
    dev::Server,
    middleware::from_fn,
    web::{self, Data, PayloadConfig},
};
use tokio::sync::Semaphore;
use tracing_actix_web::TracingLogger;

use crate::{
    clock::Clock,
    config::Settings,
    console,
    domain::{
        audit::Actor, connection::Lifetimes, project::Project, resource::Resource, secret::Secrets,
    },
    flow::{self, Context, Rules, asked::Asked, introspect::Uses, lookup::Lookups},
    mcp,
    outbound::{
        documents::Documents,
        fetch::{Fetcher, SystemResolver},
        probe::Probe,
    },
    store::{self, Db},
    telemetry::RequestSpan,
    turns::Turns,
    web::{headers, identity::IdentitySource, rate_limit::RateLimit, session, state::App},
};

pub use routes::{Entry, MACHINE_ROUTES, PAGE_ROUTES, Verb};

pub mod background;
mod routes;

/// The largest body of a protocol request, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// How long an idle connection stays open: longer than at proxies (nginx 60 seconds, Traefik
/// 90, Caddy 120), so that none sends a request on one that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(150);

/// How many long exports are made at the same time, and for one person. Each holds one of the
/// database's readers for as long as it takes.
const EXPORTS: [usize; 2] = [3, 1];

/// How many files are sent at the same time, and by one person. Each takes up to 1 MB.
const UPLOADS: [usize; 2] = [16, 2];

/// How many pictures are drawn at the same time. Each takes up to 50 MB.
const DRAWINGS: usize = 1;

/// Why the program could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The public URL cannot be the address of an MCP server.
    #[error("UNTETHER_PUBLIC_URL: {0}")]
    PublicUrl(String),
}

/// The rules that the settings lay down.
pub fn rules(settings: &Settings) -> Rules {
    const DAY: Duration = Duration::from_secs(86_400);
    Rules {
        lifetimes: Lifetimes {
            idle: DAY * settings.idle_days,
            max_age: settings.max_age_days.map(|days| DAY * days),
        },
        access_token: Duration::from_secs(60) * settings.access_token_minutes,
        refresh_grace: Duration::from_secs(settings.refresh_grace_seconds.into()),
        unused_client: settings.unused_client_days.map(|days| DAY * days),
    }
}

/// Puts the parts together. Makes Untether's own project if it is not there.
///
/// # Errors
/// When the database fails.
pub async fn assemble(
    settings: Settings,
    db: Db,
    clock: Arc<dyn Clock>,
    secrets: Secrets,
    identities: IdentitySource,
) -> Result<App, Error> {
    let rules = rules(&settings);
    let resource = Resource::parse(&settings.public_url.join(mcp::PATH))
        .map_err(|error| Error::PublicUrl(error.to_string()))?;
    let context = Context {
        now: clock.now(),
        rules: &rules,
        secrets: &secrets,
        actor: Actor::Untether,
        address: None,
    };
    let own = match own_project(&db, &context, &resource).await {
        Err(error) if error.is_duplicate() => own_project(&db, &context, &resource).await,
        done => done,
    };
    let own = own?;
    let fetcher = Fetcher::new(
        Arc::new(SystemResolver),
        settings.private_document_hosts.clone(),
        settings.certificates.clone(),
    );
    let documents = Documents::new(fetcher, settings.redirect_schemes.clone());
    let registrations = RateLimit::hourly(settings.registrations_per_hour);
    let probe = Probe::new(settings.certificates.clone());
    Ok(App {
        settings: Arc::new(settings),
        rules,
        db,
        clock,
        secrets,
        uses: Arc::new(Uses::default()),
        asked: Arc::new(Asked::default()),
        documents: Arc::new(documents),
        registrations: Arc::new(registrations),
        probe: Arc::new(probe),
        identities: Arc::new(identities),
        exports: Turns::new(EXPORTS[0], EXPORTS[1]),
        uploads: Turns::new(UPLOADS[0], UPLOADS[1]),
        drawings: Arc::new(Semaphore::new(DRAWINGS)),
        own_project: own.id,
    })
}

/// Untether's own project, made unless it is there.
async fn own_project(
    db: &Db,
    context: &Context<'_>,
    resource: &Resource,
) -> store::Result<Project> {
    let mut tx = db.write().await?;
    let own = flow::project::ensure_own(&mut tx, context, resource.clone()).await?;
    tx.commit().await?;
    Ok(own)
}

/// Starts answering on the listener, which is bound already.
///
/// # Errors
/// When the listener cannot be used.
pub fn build(app: App, listener: TcpListener, workers: usize) -> std::io::Result<Server> {
    let data = Data::new(app);
    let factory = move || {
        let app = data.get_ref();
        let https = app.settings.public_url.is_https();
        let sessions = session::middleware(&app.secrets, https);
        Actix::new()
            .app_data(data.clone())
            .app_data(Data::new(Lookups::new(app.db.clone())))
            .app_data(PayloadConfig::new(BODY_LIMIT))
            .wrap(from_fn(headers::as_written))
            .wrap(from_fn(headers::secure))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(|config| routes::add(MACHINE_ROUTES, config))
            // Last, because the empty prefix takes every path that is left.
            .service(
                web::scope("")
                    .wrap(from_fn(console::errors::pages))
                    .wrap(sessions)
                    .configure(|config| routes::add(PAGE_ROUTES, config))
                    .default_service(web::to(routes::elsewhere)),
            )
    };
    Ok(HttpServer::new(factory)
        .workers(workers)
        .keep_alive(KEEP_ALIVE)
        // Without it a page waits for the delayed acknowledgement of its headers.
        .tcp_nodelay(true)
        .listen(listener)?
        .run())
}

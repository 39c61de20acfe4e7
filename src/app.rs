//! The program's parts, put together, and the table of its routes.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App as Actix, HttpResponse, HttpServer,
    dev::Server,
    middleware::from_fn,
    web::{self, Data, PayloadConfig, ServiceConfig},
};
use tokio::{sync::Semaphore, time::MissedTickBehavior};
use tracing_actix_web::TracingLogger;

use crate::{
    clock::{Clock, Timestamp},
    config::Settings,
    console,
    domain::{
        audit::Actor, connection::Lifetimes, resource::Resource, role::Principal, secret::Secrets,
    },
    flow::{self, Context, Rules, introspect::Uses, sweep::Swept},
    mcp, oauth,
    outbound::{
        documents::Documents,
        fetch::{Fetcher, SystemResolver},
    },
    store::{self, Db},
    telemetry::RequestSpan,
    web::{assets, headers, identity::IdentitySource, rate_limit::RateLimit, session, state::App},
};

/// The largest body of a protocol request, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// How many long exports are made at the same time. Each holds one of the
/// database's readers for as long as it takes.
const EXPORTS: usize = 3;

/// How often uses of connections are written down.
const RECORD_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is checked whether an act was interrupted.
const CONTINUE_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is looked for what time has brought about.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How often it is checked whether the keys of signed identities are still fresh.
const REFRESH_INTERVAL: Duration = Duration::from_secs(20);

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
    let mut tx = db.write().await?;
    let own = flow::project::ensure_own(&mut tx, &context, resource).await?;
    tx.commit().await?;
    let fetcher = Fetcher::new(
        Arc::new(SystemResolver),
        settings.private_document_hosts.clone(),
        settings.certificates.clone(),
    );
    let documents = Documents::new(fetcher, settings.redirect_schemes.clone());
    let registrations = RateLimit::hourly(settings.registrations_per_hour);
    Ok(App {
        settings: Arc::new(settings),
        rules,
        db,
        clock,
        secrets,
        uses: Arc::new(Uses::default()),
        documents: Arc::new(documents),
        registrations: Arc::new(registrations),
        identities: Arc::new(identities),
        exports: Arc::new(Semaphore::new(EXPORTS)),
        own_project: own.id,
    })
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
            .app_data(PayloadConfig::new(BODY_LIMIT))
            .wrap(from_fn(headers::secure))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(machine_routes)
            // Last, because the empty prefix takes every path that is left.
            .service(
                web::scope("")
                    .wrap(from_fn(console::errors::pages))
                    .wrap(sessions)
                    .configure(page_routes)
                    .default_service(web::to(console::errors::nothing_here)),
            )
    };
    Ok(HttpServer::new(factory)
        .workers(workers)
        // Without it a page waits for the delayed acknowledgement of its headers.
        .tcp_nodelay(true)
        .listen(listener)?
        .run())
}

/// What programs call. The SSO proxy must let these through.
fn machine_routes(routes: &mut ServiceConfig) {
    let open = |path: &str| web::resource(path).wrap(from_fn(headers::cross_origin));
    routes
        .route("/healthz", web::get().to(HttpResponse::Ok))
        .route("/readyz", web::get().to(ready))
        .route("/static/{name}", web::get().to(assets::serve))
        .service(
            open("/.well-known/oauth-authorization-server/oauth")
                .route(web::get().to(oauth::metadata::show)),
        )
        .service(
            open("/.well-known/oauth-protected-resource/mcp").route(web::get().to(mcp::metadata)),
        )
        .service(open("/.well-known/{other:.*}").route(web::to(oauth::metadata::unknown)))
        .service(open("/oauth/token").route(web::post().to(oauth::token::issue)))
        .service(open("/oauth/revoke").route(web::post().to(oauth::revoke::act)))
        .service(open("/oauth/register").route(web::post().to(oauth::register::act)))
        .route("/oauth/introspect", web::post().to(oauth::introspect::show))
        .service(
            open("/forward-auth/{project}/oauth-protected-resource")
                .route(web::get().to(oauth::forward_auth::metadata)),
        )
        .service(
            web::resource("/forward-auth/{project}")
                .route(web::get().to(oauth::forward_auth::ask))
                .route(web::head().to(oauth::forward_auth::ask))
                .default_service(web::to(oauth::forward_auth::other_methods)),
        )
        .service(
            web::resource(mcp::PATH)
                .route(web::post().to(mcp::receive))
                .default_service(web::to(mcp::other_methods)),
        );
}

/// What people open. The SSO proxy says who they are.
fn page_routes(routes: &mut ServiceConfig) {
    routes
        .route("/", web::get().to(home))
        .route("/connections", web::get().to(console::connections::show))
        .route("/connections.csv", web::get().to(console::export::csv))
        .route("/connections.json", web::get().to(console::export::json))
        .route(
            "/connections/rows",
            web::get().to(console::connections::show_group),
        )
        .route("/connections/revoke", web::get().to(console::revoke::ask))
        .route("/connections/revoke", web::post().to(console::revoke::act))
        .route(
            "/connections/revoke-matching",
            web::get().to(console::revoke_matching::ask),
        )
        .route(
            "/connections/revoke-matching",
            web::post().to(console::revoke_matching::act),
        )
        .route("/acts/{id}", web::get().to(console::acts::show))
        .route(
            "/connections/{id}",
            web::get().to(console::connection::show),
        )
        .route(
            "/connections/{id}/rename",
            web::post().to(console::connection::rename),
        )
        .route(
            "/connections/{id}/delete",
            web::post().to(console::connection::delete),
        )
        .route("/clients/{id}", web::get().to(console::client::show))
        .route("/people/{id}", web::get().to(console::person::show))
        .route("/me", web::get().to(console::person::me))
        .route("/oauth/authorize", web::get().to(oauth::authorize::show))
        .route("/oauth/authorize", web::post().to(oauth::authorize::decide))
        .route("/demo/persona", web::post().to(console::demo::choose));
}

async fn home(principal: Principal) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", console::frame::home(&principal)))
        .finish()
}

/// Whether requests can be answered: 503 while the database cannot be reached.
async fn ready(app: Data<App>) -> HttpResponse {
    let answer = async {
        let mut tx = app.db.read().await?;
        store::ping(&mut tx).await
    };
    match answer.await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(error) => {
            tracing::error!(%error, "the database cannot be reached");
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}

/// Writes down uses of connections, again and again.
pub async fn record_uses(app: App) {
    let mut interval = tokio::time::interval(RECORD_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = app.uses.record(&app.db).await {
            tracing::warn!(%error, "could not record uses of connections; trying again later");
        }
    }
}

/// Goes on with acts that a crash or a stop interrupted, on this server or another.
pub async fn continue_acts(app: App) {
    let mut interval = tokio::time::interval(CONTINUE_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = app.worker().resume().await {
            tracing::warn!(%error, "could not go on with an act; trying again later");
        }
    }
}

/// Does what time has made due, as [`flow::sweep`] says.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App, now: Timestamp) -> store::Result<Swept> {
    let context = Context {
        now,
        rules: &app.rules,
        secrets: &app.secrets,
        actor: Actor::Untether,
        address: None,
    };
    flow::sweep::run(&app.db, &context).await
}

/// Sweeps, again and again.
pub async fn keep_swept(app: App) {
    let mut interval = tokio::time::interval(SWEEP_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match sweep(&app, app.clock.now()).await {
            Ok(swept) if swept.is_empty() => {}
            Ok(swept) => tracing::info!(?swept, "swept"),
            Err(error) => tracing::warn!(%error, "could not sweep; trying again later"),
        }
    }
}

/// Keeps the keys of signed identities fresh. The first reading is at once, and nobody
/// waits for it to listen.
pub async fn refresh_identities(app: App) {
    let mut interval = tokio::time::interval(REFRESH_INTERVAL);
    loop {
        interval.tick().await;
        app.identities.refresh(app.clock.now()).await;
    }
}

//! The program's parts, put together, and the table of its routes.

use std::{
    net::TcpListener,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actix_web::{
    App as Actix, HttpRequest, HttpResponse, HttpServer, Route,
    dev::{ResourceDef, Server},
    guard,
    http::Method,
    middleware::from_fn,
    web::{self, Data, PayloadConfig, ServiceConfig},
};
use tokio::{sync::Semaphore, time::timeout};
use tracing_actix_web::TracingLogger;

use crate::{
    clock::Clock,
    config::Settings,
    console,
    domain::{
        audit::Actor, connection::Lifetimes, project::Project, resource::Resource, role::Principal,
        secret::Secrets,
    },
    flow::{self, Context, Rules, asked::Asked, introspect::Uses, lookup::Lookups},
    mcp, oauth,
    outbound::{
        documents::Documents,
        fetch::{Fetcher, SystemResolver},
        probe::Probe,
    },
    store::{self, Db},
    telemetry::RequestSpan,
    turns::Turns,
    web::{
        assets, headers, identity::IdentitySource, problem::Problem, rate_limit::RateLimit,
        session, state::App,
    },
};

pub mod background;

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
            .configure(|routes| add(MACHINE_ROUTES, routes))
            // Last, because the empty prefix takes every path that is left.
            .service(
                web::scope("")
                    .wrap(from_fn(console::errors::pages))
                    .wrap(sessions)
                    .configure(|routes| add(PAGE_ROUTES, routes))
                    .default_service(web::to(elsewhere)),
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

/// Which requests an entry of a table of routes is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `GET`, and `HEAD`, which is answered alike but for the body (RFC 9110 section 9.3.2).
    Get,
    /// `POST`.
    Post,
    /// Every method that no entry before it has.
    Any,
}

impl Verb {
    /// As the header `Allow` has them (RFC 9110 section 10.2.1).
    const fn methods(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Any => "*",
        }
    }
}

/// An entry of a table of routes. The tables are what the server is made of, and what
/// the tests of roles go through.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The method.
    pub verb: Verb,
    /// The path, with names in braces for the parts that differ.
    pub path: &'static str,
    /// Whether scripts from any origin may read the answers.
    for_any_origin: bool,
    to: fn(Route) -> Route,
}

impl Entry {
    /// Makes the entry the only one of its path: what it does not answer is refused.
    const fn for_any_origin(self) -> Self {
        Self {
            for_any_origin: true,
            ..self
        }
    }

    fn add_to(self, routes: &mut ServiceConfig) {
        let route = (self.to)(match self.verb {
            Verb::Get => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
            Verb::Post => web::post(),
            Verb::Any => web::route(),
        });
        if self.for_any_origin {
            let methods = self.verb.methods();
            let resource = web::resource(self.path)
                .route(route)
                .default_service(web::to(async move || headers::not_allowed(methods)))
                .wrap(from_fn(headers::cross_origin));
            routes.service(resource);
        } else {
            routes.route(self.path, route);
        }
    }
}

const fn entry(verb: Verb, path: &'static str, to: fn(Route) -> Route) -> Entry {
    Entry {
        verb,
        path,
        for_any_origin: false,
        to,
    }
}

const fn get(path: &'static str, to: fn(Route) -> Route) -> Entry {
    entry(Verb::Get, path, to)
}

const fn post(path: &'static str, to: fn(Route) -> Route) -> Entry {
    entry(Verb::Post, path, to)
}

const fn any(path: &'static str, to: fn(Route) -> Route) -> Entry {
    entry(Verb::Any, path, to)
}

/// What programs call. The SSO proxy must let these through.
#[rustfmt::skip] // One line for each route, whatever its length.
pub const MACHINE_ROUTES: &[Entry] = &[
    get("/healthz", |route| route.to(HttpResponse::Ok)),
    get("/readyz", |route| route.to(ready)),
    get("/static/{name}", |route| route.to(assets::serve)),
    get("/.well-known/oauth-authorization-server/oauth", |route| route.to(oauth::metadata::show)).for_any_origin(),
    get("/.well-known/oauth-protected-resource/mcp", |route| route.to(mcp::metadata)).for_any_origin(),
    any("/.well-known/{other:.*}", |route| route.to(oauth::metadata::unknown)).for_any_origin(),
    any("/oauth/.well-known/{other:.*}", |route| route.to(oauth::metadata::unknown)).for_any_origin(),
    post("/oauth/token", |route| route.to(oauth::token::issue)).for_any_origin(),
    post("/oauth/revoke", |route| route.to(oauth::revoke::act)).for_any_origin(),
    post("/oauth/register", |route| route.to(oauth::register::act)).for_any_origin(),
    post("/oauth/introspect", |route| route.to(oauth::introspect::show)),
    any("/oauth/introspect", |route| route.to(headers::post_only)),
    get("/forward-auth/{project}/oauth-protected-resource", |route| route.to(oauth::forward_auth::metadata)).for_any_origin(),
    get("/forward-auth/{project}", |route| route.to(oauth::forward_auth::ask)),
    any("/forward-auth/{project}", |route| route.to(oauth::forward_auth::other_methods)),
    post(mcp::PATH, |route| route.to(mcp::receive)),
    any(mcp::PATH, |route| route.to(headers::post_only)),
];

/// What people open. The SSO proxy says who they are.
#[rustfmt::skip]
pub const PAGE_ROUTES: &[Entry] = &[
    get("/", |route| route.to(home)),
    get("/connections", |route| route.to(console::connections::show)),
    get("/connections.csv", |route| route.to(console::export::csv)),
    get("/connections.json", |route| route.to(console::export::json)),
    get("/connections/rows", |route| route.to(console::connections::show_group)),
    get("/connections/revoke", |route| route.to(console::revoke::ask)),
    post("/connections/revoke", |route| route.to(console::revoke::act)),
    get("/connections/revoke-matching", |route| route.to(console::revoke_matching::ask)),
    post("/connections/revoke-matching", |route| route.to(console::revoke_matching::act)),
    get("/acts/{id}", |route| route.to(console::acts::show)),
    get("/connections/{id}", |route| route.to(console::connection::show)),
    post("/connections/{id}/rename", |route| route.to(console::connection::rename)),
    post("/connections/{id}/delete", |route| route.to(console::connection::delete)),
    get("/clients", |route| route.to(console::clients::show)),
    get("/clients/{id}/block", |route| route.to(console::block::ask)),
    post("/clients/{id}/block", |route| route.to(console::block::act)),
    post("/blocks/{id}/lift", |route| route.to(console::block::lift)),
    get("/clients/{id}", |route| route.to(console::client::show)),
    get("/logos/{name}", |route| route.to(console::logo::show)),
    get("/projects/{slug}/clients", |route| route.to(console::manage::list::show)),
    get("/projects/{slug}/clients/new", |route| route.to(console::manage::create::ask)),
    post("/projects/{slug}/clients/new", |route| route.to(console::manage::create::act)),
    get("/projects/{slug}/clients/{id}", |route| route.to(console::manage::edit::show)),
    post("/projects/{slug}/clients/{id}", |route| route.to(console::manage::edit::act)),
    post("/projects/{slug}/clients/{id}/rotate", |route| route.to(console::manage::secret::rotate)),
    post("/projects/{slug}/clients/{id}/secret-file", |route| route.to(console::manage::secret::file)),
    post("/projects/{slug}/clients/{id}/revoke", |route| route.to(console::manage::end::revoke)),
    post("/projects/{slug}/clients/{id}/delete", |route| route.to(console::manage::end::delete)),
    get("/projects", |route| route.to(console::projects::show)),
    post("/projects", |route| route.to(console::project_edit::add)),
    get("/projects/new", |route| route.to(console::project_edit::ask_new)),
    get("/projects/{slug}", |route| route.to(console::project::show)),
    get("/projects/{slug}/edit", |route| route.to(console::project_edit::ask)),
    post("/projects/{slug}/edit", |route| route.to(console::project_edit::save)),
    get("/projects/{slug}/archive", |route| route.to(console::project_archive::ask)),
    post("/projects/{slug}/archive", |route| route.to(console::project_archive::act)),
    post("/projects/{slug}/restore", |route| route.to(console::project_archive::restore)),
    post("/projects/{slug}/credentials", |route| route.to(console::credentials::make)),
    post("/projects/{slug}/credentials/{id}/file", |route| route.to(console::credentials::file)),
    get("/projects/{slug}/credentials/{id}/revoke", |route| route.to(console::credentials::ask)),
    post("/projects/{slug}/credentials/{id}/revoke", |route| route.to(console::credentials::revoke)),
    get("/projects/{slug}/check", |route| route.to(console::check::ask)),
    post("/projects/{slug}/check", |route| route.to(console::check::act)),
    get("/audit", |route| route.to(console::audit::show)),
    get("/audit.csv", |route| route.to(console::audit::csv)),
    get("/audit.json", |route| route.to(console::audit::json)),
    get("/help", |route| route.to(console::help::show)),
    get("/people", |route| route.to(console::person::everyone)),
    get("/people/of/{id}", |route| route.to(console::person::of)),
    get("/people/{id}", |route| route.to(console::person::show)),
    get("/me", |route| route.to(console::person::me)),
    get("/oauth/authorize", |route| route.to(oauth::authorize::show)),
    post("/oauth/authorize", |route| route.to(oauth::authorize::decide)),
    post("/demo/persona", |route| route.to(console::demo::choose)),
];

fn add(entries: &[Entry], routes: &mut ServiceConfig) {
    for entry in entries {
        entry.add_to(routes);
    }
}

/// The answer where no entry fits. The address of a form's answer, which a browser asks for again
/// after someone has signed in, leads to the page that the form is on.
async fn elsewhere(req: HttpRequest, who: Option<Principal>) -> Result<HttpResponse, Problem> {
    let is_read = matches!(*req.method(), Method::GET | Method::HEAD);
    if is_read {
        return match page_of_form(req.path()) {
            Some(page) => Ok(console::revoke::see_other(page)),
            None => console::errors::nothing_here(who).await,
        };
    }
    match verbs(req.path()).as_slice() {
        [] => console::errors::nothing_here(who).await,
        verbs => {
            let methods: Vec<_> = verbs.iter().map(|verb| verb.methods()).collect();
            Ok(headers::not_allowed(&methods.join(", ")))
        }
    }
}

/// The nearest page above the address that a form is sent to.
fn page_of_form(path: &str) -> Option<&str> {
    let is = |verb, path: &str| verbs(path).contains(&verb);
    let (mut above, _) = path.rsplit_once('/').filter(|_| is(Verb::Post, path))?;
    while !is(Verb::Get, above) {
        (above, _) = above.rsplit_once('/')?;
    }
    Some(above)
}

/// Which of `GET` and `POST` a path has entries for.
fn verbs(path: &str) -> Vec<Verb> {
    static PATHS: LazyLock<Vec<(Verb, ResourceDef)>> = LazyLock::new(|| {
        let entries = MACHINE_ROUTES.iter().chain(PAGE_ROUTES);
        let path = |entry: &Entry| (entry.verb, ResourceDef::new(entry.path));
        entries.map(path).collect()
    });
    let is = |verb: &Verb| {
        let mut paths = PATHS.iter();
        paths.any(|(known, def)| known == verb && def.is_match(path))
    };
    [Verb::Get, Verb::Post].into_iter().filter(is).collect()
}

async fn home(principal: Principal) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", console::frame::home(&principal)))
        .finish()
}

/// How long the database may take to answer whoever asks whether it does.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// Whether requests can be answered: 503 while the database cannot be reached, or takes no changes.
async fn ready(app: Data<App>) -> HttpResponse {
    let why = match timeout(READY_WITHIN, app.db.ping()).await {
        Ok(Ok(())) => return HttpResponse::Ok().finish(),
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    tracing::error!(error = why, "the database cannot be used");
    HttpResponse::ServiceUnavailable().finish()
}

//! The table of routes, and what is answered beside it.

use std::{sync::LazyLock, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, Route,
    dev::ResourceDef,
    guard,
    http::Method,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};
use tokio::time::timeout;

use crate::{
    console,
    domain::role::Principal,
    mcp, oauth,
    web::{assets, headers, problem::Problem, state::App},
};

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

/// Adds entries to the server.
pub(super) fn add(entries: &[Entry], routes: &mut ServiceConfig) {
    for entry in entries {
        entry.add_to(routes);
    }
}

/// The answer where no entry fits. The address of a form's answer, which a browser asks for again
/// after someone has signed in, leads to the page that the form is on.
///
/// # Errors
/// A page, when there is nothing.
pub(super) async fn elsewhere(
    req: HttpRequest,
    who: Option<Principal>,
) -> Result<HttpResponse, Problem> {
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

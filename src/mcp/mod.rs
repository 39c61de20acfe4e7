//! Untether's own MCP server: what it knows, for the hosts that people connect
//! to it. It is protected by Untether itself, like any project, and read-only.

pub mod protocol;
mod tools;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};
use serde_json::json;

use crate::{
    domain::{audit::Actor, resource::Resource, scope::ScopeSet},
    flow::{asked::Asker, introspect, lookup::Lookups},
    store::{self, token::Bearer},
    web::{
        body::Body,
        identity,
        problem::Problem,
        protected::{self, Challenge},
        state::App,
    },
};

use protocol::{Incoming, Server};

const SERVER: Server = Server {
    name: "untether",
    version: env!("CARGO_PKG_VERSION"),
    instructions: "Shows which MCP clients are connected to the organization's projects on \
                   behalf of people. You see what the person you act for may see.",
    tools: tools::descriptions,
};

/// The path of the server, and of its metadata below the well-known prefix.
pub const PATH: &str = "/mcp";

/// `POST /mcp`.
///
/// # Errors
/// A plain answer, when the database failed.
pub async fn receive(
    app: Data<App>,
    lookups: Data<Lookups>,
    req: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    // A page elsewhere must not talk to this server through someone's browser.
    let own = app.settings.public_url.origin().as_bytes();
    let mut origins = req.headers().get_all(header::ORIGIN);
    if origins.any(|origin| origin.as_bytes() != own) {
        return Ok(HttpResponse::Forbidden().json(json!({ "error": "origin not allowed" })));
    }
    let Some(bearer) = authenticate(&app, &lookups, &req).await? else {
        return Ok(challenge(&app, &req));
    };
    let answer = match protocol::receive(&SERVER, req.headers(), &body.0) {
        Incoming::Answer { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            let mut response = HttpResponse::build(status);
            return Ok(match body {
                Some(body) => response.json(body),
                None => response.finish(),
            });
        }
        Incoming::Call(call) => {
            let mut tx = app.db.read().await?;
            let person = store::person::by_id(&mut tx, &bearer.person).await?;
            drop(tx);
            let person = person.ok_or_else(Problem::not_found)?;
            let principal = identity::principal(&app, person.identity).await?;
            tools::run(&app, &principal, call).await?
        }
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// `GET /.well-known/oauth-protected-resource/mcp` (RFC 9728).
pub async fn metadata(app: Data<App>) -> HttpResponse {
    let public = &app.settings.public_url;
    let resource = Resource::from_stored(public.join(PATH));
    protected::metadata(
        &resource,
        "Untether",
        &public.issuer(),
        &ScopeSet::default(),
    )
}

async fn authenticate(
    app: &App,
    lookups: &Lookups,
    req: &HttpRequest,
) -> Result<Option<Bearer>, Problem> {
    let Some(token) = protected::token(req) else {
        return Ok(None);
    };
    let context = app.context(app.clock.now(), Actor::Client, req);
    let bearer = introspect::for_project(lookups, &context, &app.own_project, token).await?;
    if let Some(bearer) = &bearer {
        app.uses.note(bearer, context.now);
        let asker = Asker::Proxy(app.own_project.clone());
        app.asked.note(asker, context.now);
    }
    Ok(bearer)
}

/// Where to get a token (RFC 9728 §5.1, RFC 6750 §3).
fn challenge(app: &App, req: &HttpRequest) -> HttpResponse {
    let public = &app.settings.public_url;
    let challenge = Challenge {
        metadata: &public.join("/.well-known/oauth-protected-resource/mcp"),
        scopes: &ScopeSet::default(),
        error: protected::token(req).map(|_| "invalid_token"),
    };
    challenge.answer(StatusCode::UNAUTHORIZED)
}

//! `/forward-auth/{project}`: a reverse proxy asks about each request to an MCP server
//! that knows nothing of OAuth, and passes on what the answer says of the person.
//!
//! Whoever holds a token may ask, like at the MCP server itself: the answer is about that
//! token alone, and one that does not work here is refused without a reason. Nothing but
//! the token and the address decides: the method and the address that a proxy forwards in
//! headers are ignored, because where it does not set them, the client does.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, Path},
};

use crate::{
    domain::{
        audit::Actor,
        project::{Project, Slug},
        scope::ScopeSet,
    },
    flow::{ErrorCode, asked::Asker, introspect, lookup::Lookups},
    store::{self, Tx, token::Bearer},
    web::{
        headers,
        params::Params,
        protected::{self, Challenge},
        state::App,
    },
};

use super::{error::Error, metadata::unknown};

/// `GET /forward-auth/{project}?scope=…`: 200 with identity headers, 401 or 403.
///
/// # Errors
/// An OAuth error, when the address makes no sense or the database failed. A proxy lets
/// nothing through then either.
pub async fn ask(
    app: Data<App>,
    lookups: Data<Lookups>,
    req: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Error> {
    let required = required(&req)?;
    let Ok(slug) = Slug::parse(&slug) else {
        return Ok(unknown().await);
    };
    let context = app.context(app.clock.now(), Actor::Client, &req);
    let token = protected::token(&req);
    let bearer = match token {
        Some(token) => introspect::for_slug(&lookups, &context, &slug, token).await?,
        None => None,
    };
    if let Some(bearer) = &bearer {
        app.uses.note(bearer, context.now);
        let asker = Asker::Proxy(bearer.project.0.clone());
        app.asked.note(asker, context.now);
        if required.is_subset(&bearer.scopes) {
            return Ok(admit(bearer));
        }
    }
    // Clients ask for what a challenge names, and for nothing besides.
    let (needed, refused) = match (token, bearer) {
        (None, _) => (required, Refused::NoToken),
        (Some(_), None) => (required, Refused::InvalidToken),
        (Some(_), Some(bearer)) => (required.union(&bearer.scopes), Refused::InsufficientScope),
    };
    let mut tx = app.db.read().await?;
    refuse(&mut tx, &slug, &needed, refused).await
}

/// `GET /forward-auth/{project}/oauth-protected-resource`: the metadata (RFC 9728) that
/// the proxy shows at the MCP server's own well-known address.
///
/// # Errors
/// When the database failed.
pub async fn metadata(app: Data<App>, slug: Path<String>) -> Result<HttpResponse, Error> {
    let mut tx = app.db.snapshot().await?;
    let Some(project) = find(&mut tx, &slug).await? else {
        return Ok(unknown().await);
    };
    let issuer = app.settings.public_url.issuer();
    let scopes = project.scope_names();
    Ok(protected::metadata(
        &project.resource,
        &project.name,
        &issuer,
        &scopes,
    ))
}

/// Any other method.
pub async fn other_methods() -> HttpResponse {
    headers::not_allowed("GET, HEAD")
}

async fn find(tx: &mut Tx, slug: &str) -> store::Result<Option<Project>> {
    match Slug::parse(slug) {
        Ok(slug) => store::project::by_slug(tx, &slug).await,
        Err(_) => Ok(None),
    }
}

/// The scopes that the proxy wants to see.
fn required(req: &HttpRequest) -> Result<ScopeSet, Error> {
    let params = Params::parse(req.query_string().as_bytes());
    let scopes = params.all("scope").join(" ");
    ScopeSet::parse(&scopes)
        .map_err(|error| Error::new(ErrorCode::InvalidRequest, format!("scope: {error}")))
}

/// What is wrong with a request that gets nothing.
#[derive(Clone, Copy)]
enum Refused {
    NoToken,
    InvalidToken,
    InsufficientScope,
}

async fn refuse(
    tx: &mut Tx,
    slug: &Slug,
    needed: &ScopeSet,
    refused: Refused,
) -> Result<HttpResponse, Error> {
    let Some(project) = store::project::by_slug(tx, slug).await? else {
        return Ok(unknown().await);
    };
    let offered = project.scope_names();
    let (status, error) = match refused {
        Refused::NoToken => (StatusCode::UNAUTHORIZED, None),
        Refused::InvalidToken => (StatusCode::UNAUTHORIZED, Some("invalid_token")),
        Refused::InsufficientScope => (StatusCode::FORBIDDEN, Some("insufficient_scope")),
    };
    let challenge = Challenge {
        metadata: &project.resource.metadata_url(),
        scopes: if needed.is_empty() { &offered } else { needed },
        error,
    };
    Ok(challenge.answer(status))
}

/// Whose the token is. Each header is there whenever the answer is 200, so that a proxy
/// which copies it always replaces what the client sent.
fn admit(bearer: &Bearer) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-untether-subject", bearer.person.as_str()))
        .insert_header(("x-untether-email", ascii(&bearer.email)))
        .insert_header(("x-untether-name", ascii(&bearer.name)))
        .insert_header(("x-untether-client-id", ascii(&bearer.client_identifier)))
        .insert_header(("x-untether-scope", bearer.scopes.to_string()))
        .insert_header(("x-untether-connection", bearer.connection.as_str()))
        .finish()
}

/// A value that any header can have: what is not printable ASCII, and the percent sign,
/// percent-encoded (RFC 3986 §2.1) as UTF-8.
fn ascii(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_is_printable_ascii_that_decodes_to_the_text() {
        for (text, expected) in [
            ("Ana Ruiz", "Ana Ruiz"),
            ("ana+mcp@acme.example", "ana+mcp@acme.example"),
            ("Zoë", "Zo%C3%AB"),
            ("100%", "100%25"),
            ("a\r\nX-Untether-Email: b", "a%0D%0AX-Untether-Email: b"),
            ("\u{7f}\0", "%7F%00"),
        ] {
            assert_eq!(ascii(text), expected);
        }
    }
}

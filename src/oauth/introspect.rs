//! `POST /oauth/introspect` (RFC 7662): a project's MCP server asks, on every
//! request, whether a token works there.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use serde_json::{Value, json};

use crate::{
    domain::{audit::Actor, ids::CredentialId},
    flow::{Context, ErrorCode, asked::Asker, introspect, lookup::Lookups},
    store::token::Bearer,
    web::{params::Params, state::App},
};

use super::{
    body::Body,
    client_auth::Credentials,
    error::{Error, answer},
};

/// Says whether a token works at the caller's project, and whose it is.
///
/// # Errors
/// An OAuth error.
pub async fn show(
    app: Data<App>,
    lookups: Data<Lookups>,
    req: HttpRequest,
    Body(body): Body,
) -> Result<HttpResponse, Error> {
    let context = app.context(app.clock.now(), Actor::Client, &req);
    let params = Params::parse(&body);
    let credentials = Credentials::read(&req, &params)?;
    let token = params
        .one("token")?
        .ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "token is missing"))?;
    let bearer = introspect::for_credential(&lookups, &context, credentials.parts(), token)
        .await?
        .map_err(|refusal| {
            let asks = introspect::credential_in(credentials.parts().0);
            let client_id = asks.map(|id| id.to_string());
            tracing::warn!(
                client_id,
                "refused an introspection with a wrong credential: its server lets nobody in"
            );
            credentials.refuse(&refusal.description)
        })?;
    let asks = introspect::credential_in(credentials.parts().0);
    match &bearer {
        Some(bearer) => app.uses.note(bearer, context.now),
        None => tell_of_elsewhere(&lookups, &context, asks.as_ref(), token).await?,
    }
    if let Some(credential) = asks {
        app.asked.note(Asker::Credential(credential), context.now);
    }
    Ok(answer(StatusCode::OK, body_of(&app, bearer.as_ref())))
}

/// Leaves word in the log when the token works at another project: to the server everything
/// looks right, and yet it may let nobody in.
async fn tell_of_elsewhere(
    lookups: &Lookups,
    context: &Context<'_>,
    asks: Option<&CredentialId>,
    token: &str,
) -> Result<(), Error> {
    if let Some(project) = introspect::elsewhere(lookups, context, token).await? {
        tracing::warn!(
            client_id = asks.map(CredentialId::as_str),
            %project,
            "asked about a token of another project: a server that lets nobody in may have the \
             credential of another one"
        );
    }
    Ok(())
}

fn body_of(app: &App, bearer: Option<&Bearer>) -> Value {
    let Some(bearer) = bearer else {
        return json!({ "active": false });
    };
    json!({
        "active": true,
        "scope": bearer.scopes.to_string(),
        "client_id": bearer.client_identifier,
        "token_type": "Bearer",
        "iss": app.settings.public_url.issuer(),
        "aud": bearer.project.1,
        "sub": bearer.person.as_str(),
        "username": bearer.email,
        "email": bearer.email,
        "name": bearer.name,
        "iat": bearer.issued_at.seconds(),
        "exp": bearer.expires_at.seconds(),
    })
}

//! `POST /oauth/revoke` (RFC 7009): a client hands back what it no longer needs.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use crate::{
    domain::audit::Actor,
    flow::{ErrorCode, revoke},
    web::{params::Params, state::App},
};

use super::{body::Body, client_auth::Credentials, error::Error};

/// Ends a token, and with a refresh token its connection. Tokens that are
/// unknown or another client's are answered alike (RFC 7009 §2.2).
///
/// # Errors
/// An OAuth error.
pub async fn act(
    app: Data<App>,
    req: HttpRequest,
    Body(body): Body,
) -> Result<HttpResponse, Error> {
    let context = app.context(app.clock.now(), Actor::Client, &req);
    let params = Params::parse(&body);
    let credentials = Credentials::read(&req, &params)?;
    let token = params
        .one("token")?
        .ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "token is missing"))?;
    let mut tx = app.db.write().await?;
    let client = credentials.client(&mut tx, &app.secrets).await?;
    revoke::token(&mut tx, &context, &client, token).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish())
}

//! `POST /oauth/token` (OAuth 2.1 §3.2).

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use serde_json::json;

use crate::{
    domain::{audit::Actor, client::Client},
    flow::{
        Context, ErrorCode, Outcome,
        token::{self, CodeRequest, Issued, RefreshRequest},
    },
    store::Tx,
    web::{params::Params, state::App},
};

use super::{
    body::Body,
    client_auth::Credentials,
    error::{Error, answer},
};

/// Exchanges a code or a refresh token for new tokens.
///
/// # Errors
/// An OAuth error.
pub async fn issue(
    app: Data<App>,
    req: HttpRequest,
    Body(body): Body,
) -> Result<HttpResponse, Error> {
    let context = app.context(app.clock.now(), Actor::Client, &req);
    let params = Params::parse(&body);
    let grant = Grant::parse(&params)?;
    let credentials = Credentials::read(&req, &params)?;
    // Who asks is settled, and the reader given back, before the wait for the
    // writer, of which SQLite has one.
    let client = {
        let mut tx = app.db.read().await?;
        credentials.client(&mut tx, &app.secrets).await?
    };
    let mut tx = app.db.write().await?;
    let outcome = grant.redeem(&mut tx, &context, &client).await?;
    tx.commit().await?;
    let issued = outcome?;
    app.uses.note_issued(issued.connection.clone(), context.now);
    Ok(answer(StatusCode::OK, body_of(&issued)))
}

enum Grant<'a> {
    Code(CodeRequest<'a>),
    Refresh(RefreshRequest<'a>),
}

impl<'a> Grant<'a> {
    fn parse(params: &'a Params) -> Result<Self, Error> {
        let resources = params.all("resource");
        match required(params, "grant_type")? {
            "authorization_code" => Ok(Self::Code(CodeRequest {
                code: required(params, "code")?,
                code_verifier: required(params, "code_verifier")?,
                redirect_uri: params.one("redirect_uri")?,
                resources,
            })),
            "refresh_token" => Ok(Self::Refresh(RefreshRequest {
                refresh_token: required(params, "refresh_token")?,
                scope: params.one("scope")?,
                resources,
            })),
            _ => Err(Error::new(
                ErrorCode::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token",
            )),
        }
    }

    async fn redeem(&self, tx: &mut Tx, context: &Context<'_>, client: &Client) -> Outcome<Issued> {
        match self {
            Self::Code(request) => token::exchange(tx, context, client, request).await,
            Self::Refresh(request) => token::refresh(tx, context, client, request).await,
        }
    }
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, Error> {
    let missing = || Error::new(ErrorCode::InvalidRequest, format!("{name} is missing"));
    params.one(name)?.ok_or_else(missing)
}

fn body_of(issued: &Issued) -> serde_json::Value {
    let mut body = json!({
        "access_token": issued.access_token.expose(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in.as_secs(),
        "refresh_token": issued.refresh_token.expose(),
    });
    // RFC 6749 §3.3 has no empty scope.
    if !issued.scopes.is_empty() {
        body["scope"] = issued.scopes.to_string().into();
    }
    body
}

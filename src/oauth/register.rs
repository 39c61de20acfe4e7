//! `POST /oauth/register` (RFC 7591): a client introduces itself.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Bytes, Data},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::Registration,
    domain::{
        audit::Actor,
        client::{self, Client, ClientType, Origin},
        redirect::RedirectUri,
        secret::Secret,
    },
    flow::{
        ErrorCode,
        register::{self, NewClient},
    },
    web::state::App,
};

use super::error::{Error, answer};

/// The members that matter here; all others are ignored (RFC 7591 §2).
#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
}

/// Registers a client.
///
/// # Errors
/// An OAuth error.
pub async fn act(app: Data<App>, req: HttpRequest, body: Bytes) -> Result<HttpResponse, Error> {
    if app.settings.registration == Registration::Off {
        return Err(Error::new(
            ErrorCode::AccessDenied,
            "this organization registers clients itself: ask its administrators for a client_id",
        ));
    }
    let metadata: Metadata = serde_json::from_slice(&body).map_err(|error| {
        let text = format!("the body is not client metadata in JSON: {error}");
        Error::new(ErrorCode::InvalidClientMetadata, text)
    })?;
    let method = AuthMethod::parse(metadata.token_endpoint_auth_method.as_deref())?;
    let redirect_uris = RedirectUri::parse_list(&metadata.redirect_uris)
        .map_err(|error| Error::new(ErrorCode::InvalidRedirectUri, error))?;
    let name = metadata.client_name.as_deref().unwrap_or("Unnamed client");
    let new = NewClient {
        origin: Origin::Registered,
        project: None,
        name: client::parse_name(name).map_err(|error| {
            Error::new(
                ErrorCode::InvalidClientMetadata,
                format!("client_name: {error}"),
            )
        })?,
        client_type: method.client_type(),
        redirect_uris,
    };
    let context = app.context(app.clock.now(), Actor::Client, &req);
    let mut tx = app.db.write().await?;
    let (client, secret) = register::client(&mut tx, &context, new).await?;
    tx.commit().await?;
    tracing::info!(client.id = %client.id, "a client registered itself");
    Ok(answer(
        StatusCode::CREATED,
        body_of(&client, method, secret.as_ref()),
    ))
}

/// How a client proves who it is at the token endpoint.
#[derive(Clone, Copy)]
enum AuthMethod {
    None,
    Basic,
    Post,
}

impl AuthMethod {
    /// The method asked for; `client_secret_basic` when none is (RFC 7591 §2).
    fn parse(asked: Option<&str>) -> Result<Self, Error> {
        match asked {
            Some("none") => Ok(Self::None),
            None | Some("client_secret_basic") => Ok(Self::Basic),
            Some("client_secret_post") => Ok(Self::Post),
            Some(_) => Err(Error::new(
                ErrorCode::InvalidClientMetadata,
                "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post",
            )),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    const fn client_type(self) -> ClientType {
        match self {
            Self::None => ClientType::Public,
            Self::Basic | Self::Post => ClientType::Confidential,
        }
    }
}

fn body_of(client: &Client, method: AuthMethod, secret: Option<&Secret>) -> Value {
    let uris: Vec<_> = client
        .redirect_uris
        .iter()
        .map(RedirectUri::as_str)
        .collect();
    let mut body = json!({
        "client_id": client.identifier,
        "client_id_issued_at": client.created_at.seconds(),
        "client_name": client.name,
        "redirect_uris": uris,
        "token_endpoint_auth_method": method.as_str(),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    if let Some(secret) = secret {
        body["client_secret"] = secret.expose().into();
        body["client_secret_expires_at"] = 0.into();
    }
    body
}

//! `POST /oauth/register` (RFC 7591): a client introduces itself.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    clock::Timestamp,
    config::Registration,
    domain::{
        audit::Actor,
        client::{self, Client, ClientType, Origin},
        document::json_object,
        logo::LogoChoice,
        redirect::{Parted, RedirectUri, RedirectUriError},
        scheme::PrivateSchemes,
        secret::Secret,
    },
    flow::{
        ErrorCode, Refusal,
        register::{self, NewClient},
    },
    web::state::App,
};

use super::{
    body::Body,
    error::{Error, answer},
};

/// The members that matter here; all others are ignored (RFC 7591 §2).
#[derive(Debug, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
}

/// Registers a client.
///
/// # Errors
/// An OAuth error.
pub async fn act(
    app: Data<App>,
    req: HttpRequest,
    Body(body): Body,
) -> Result<HttpResponse, Error> {
    let now = app.clock.now();
    admit(&app, &req, now)?;
    let metadata = Metadata::parse(&body)?;
    let method = metadata.method()?;
    let redirect_uris = metadata.redirect_uris(&app.settings.redirect_schemes)?;
    let new = NewClient {
        id: None,
        origin: Origin::Registered,
        project: None,
        name: metadata.name()?,
        client_type: method.client_type(),
        logo: LogoChoice::Letter,
        redirect_uris: redirect_uris.accepted,
    };
    let context = app.context(now, Actor::Client, &req);
    let mut tx = app.db.write().await?;
    let registered = register::itself(&mut tx, &context, new).await?;
    tx.commit().await?;
    let (client, secret) = registered.map_err(Error::Unwelcome)?;
    let dropped = redirect_uris.dropped;
    tracing::info!(
        client.id = %client.id,
        dropped_redirect_uris = dropped.len(),
        "a client registered itself"
    );
    let body = body_of(&client, method, secret.as_ref(), &dropped);
    Ok(answer(StatusCode::CREATED, body))
}

/// Whether this address may register a client now.
fn admit(app: &App, req: &HttpRequest, now: Timestamp) -> Result<(), Error> {
    if app.settings.registration == Registration::Off {
        return Err(Error::Unwelcome(Refusal::new(
            ErrorCode::AccessDenied,
            "this organization registers clients itself: ask its administrators for a client_id",
        )));
    }
    let address = app.client_address(req);
    app.registrations
        .count(address, now)
        .map_err(Error::TooOften)
}

impl Metadata {
    /// What a body says.
    ///
    /// # Errors
    /// When it is not JSON, or not an object with members of the right types.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        json_object(body).map_err(|error| {
            let text = format!("the body is not client metadata in JSON: {error}");
            Error::new(ErrorCode::InvalidClientMetadata, text)
        })
    }

    /// The redirect URIs, those that are not accepted apart.
    ///
    /// # Errors
    /// When none is accepted, or there are too many.
    pub fn redirect_uris(&self, private: &PrivateSchemes) -> Result<Parted, Error> {
        RedirectUri::parse_list(&self.redirect_uris, private)
            .map_err(|error| Error::new(ErrorCode::InvalidRedirectUri, error))
    }

    /// The name, as it is kept.
    ///
    /// # Errors
    /// When it is too long, or hides or reorders what stands around it.
    pub fn name(&self) -> Result<String, Error> {
        let name = self.client_name.as_deref().unwrap_or("Unnamed client");
        client::parse_name(name).map_err(|error| {
            let text = format!("client_name: {error}");
            Error::new(ErrorCode::InvalidClientMetadata, text)
        })
    }

    fn method(&self) -> Result<AuthMethod, Error> {
        AuthMethod::parse(self.token_endpoint_auth_method.as_deref())
    }
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

/// A redirect URI that was left out, and why: a member that RFC 7591 does not know, so
/// that whoever writes the app sees it.
fn dropped_uri((uri, reason): &(String, RedirectUriError)) -> Value {
    json!({ "redirect_uri": uri, "reason": reason.to_string() })
}

fn body_of(
    client: &Client,
    method: AuthMethod,
    secret: Option<&Secret>,
    dropped: &[(String, RedirectUriError)],
) -> Value {
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
    if !dropped.is_empty() {
        body["dropped_redirect_uris"] = dropped.iter().map(dropped_uri).collect();
    }
    body
}

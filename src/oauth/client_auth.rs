//! How callers prove who they are (OAuth 2.1 §2.4, RFC 6749 §2.3.1), in all the
//! forms that real clients send: HTTP Basic with or without percent-encoding,
//! with or without the same `client_id` in the body, the secret in the body,
//! or no secret at all.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderValue},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    domain::{
        client::Client,
        secret::Secrets,
        tombstone::{Cause, Tombstone},
    },
    flow::{ErrorCode, Refusal},
    store::{self, Tx},
    web::params::Params,
};

use super::error::Error;

/// What a caller presented.
#[derive(Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The client id, with its other readings if it was sent by HTTP Basic.
    ids: Vec<String>,
    /// The secret in every way it may be read; empty when there is none.
    secrets: Vec<String>,
    /// Whether HTTP Basic was used.
    pub basic: bool,
}

impl Credentials {
    /// Reads the `Authorization` header and the body.
    ///
    /// # Errors
    /// `invalid_request` when two credentials differ or a parameter stands twice,
    /// `invalid_client` when there is none or it is not HTTP Basic.
    pub fn read(req: &HttpRequest, params: &Params) -> Result<Self, Error> {
        let mut headers = req.headers().get_all(header::AUTHORIZATION);
        let header = headers.next();
        if headers.next().is_some() {
            return Err(invalid("more than one Authorization header"));
        }
        let body_id = params.one("client_id")?;
        let body_secret = params.one("client_secret")?;
        let Some(header) = header else {
            let id = body_id
                .ok_or_else(|| Error::new(ErrorCode::InvalidClient, "client_id is missing"))?;
            return Ok(Self {
                ids: vec![id.to_owned()],
                secrets: body_secret.map(str::to_owned).into_iter().collect(),
                basic: false,
            });
        };
        let (id, secret) = decode_basic(header).ok_or_else(|| Error::Refused {
            refusal: Refusal::new(
                ErrorCode::InvalidClient,
                "the Authorization header is not HTTP Basic with a client_id and a secret",
            ),
            basic: true,
        })?;
        let credentials = Self {
            ids: readings(&id),
            secrets: readings(&secret),
            basic: true,
        };
        let differs = |sent: Option<&str>, known: &[String]| {
            sent.is_some_and(|sent| known.iter().all(|known| known != sent))
        };
        if differs(body_id, &credentials.ids) || differs(body_secret, &credentials.secrets) {
            return Err(invalid(
                "the Authorization header and the body name different credentials",
            ));
        }
        Ok(credentials)
    }

    /// The client these credentials prove.
    ///
    /// # Errors
    /// `invalid_client` when they prove none.
    pub async fn client(&self, tx: &mut Tx, secrets: &Secrets) -> Result<Client, Error> {
        for id in &self.ids {
            if let Some(client) = store::client::find(tx, id).await? {
                return if self.prove(&client, secrets) {
                    Ok(client)
                } else {
                    Err(self.refuse("the client secret is missing or wrong"))
                };
            }
        }
        for id in &self.ids {
            if let Some(tombstone) = store::tombstone::find(tx, id).await? {
                return Err(self.refuse(removed(&tombstone)));
            }
        }
        Err(self.refuse("this client_id is not registered here"))
    }

    fn prove(&self, client: &Client, secrets: &Secrets) -> bool {
        match &client.secret_hash {
            // A public client has nothing to prove; an empty password is none.
            None => self.secrets.is_empty(),
            Some(hash) => self
                .secrets
                .iter()
                .any(|secret| hash.matches(&secrets.hash(secret))),
        }
    }

    /// The readings of the id and of the secret.
    pub fn parts(&self) -> (&[String], &[String]) {
        (&self.ids, &self.secrets)
    }

    /// `invalid_client`, in the scheme that was used.
    pub fn refuse(&self, description: &str) -> Error {
        Error::Refused {
            refusal: Refusal::new(ErrorCode::InvalidClient, description),
            basic: self.basic,
        }
    }
}

const fn removed(tombstone: &Tombstone) -> &'static str {
    match tombstone.cause {
        Cause::Unused => "this client_id was removed because nobody used it: register again",
        Cause::Revoked => "this client_id was revoked",
    }
}

fn invalid(description: &str) -> Error {
    Error::new(ErrorCode::InvalidRequest, description)
}

fn decode_basic(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded
        .split_once(':')
        .filter(|_| !decoded.contains('\0'))?;
    Some((id.to_owned(), secret.to_owned()))
}

/// A value as it stands and, when that differs, form-decoded: RFC 6749 §2.3.1
/// asks for the encoding, and half of the clients leave it out.
fn readings(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let pair = format!("v={}", value.replace('&', "%26"));
    let decoded = Params::parse(pair.as_bytes());
    let decoded = decoded
        .one("v")
        .ok()
        .flatten()
        .filter(|decoded| *decoded != value);
    std::iter::once(value)
        .chain(decoded)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(basic: Option<&str>, body: &str) -> Result<Credentials, Error> {
        let mut req = TestRequest::post();
        if let Some(pair) = basic {
            req = req.insert_header(("authorization", format!("Basic {}", STANDARD.encode(pair))));
        }
        Credentials::read(&req.to_http_request(), &Params::parse(body.as_bytes()))
    }

    #[test]
    fn every_form_that_real_clients_send_is_read() {
        for (basic, body, secrets) in [
            (Some("id:s%2Bx"), "client_id=id", vec!["s%2Bx", "s+x"]),
            (Some("id:secret"), "", vec!["secret"]),
            (None, "client_id=id&client_secret=secret", vec!["secret"]),
            (None, "client_id=id", vec![]),
            (
                Some("id:secret"),
                "client_id=id&client_secret=secret",
                vec!["secret"],
            ),
            (Some("id:"), "", vec![]),
        ] {
            let credentials = read(basic, body).unwrap();
            assert_eq!(credentials.ids[0], "id", "{basic:?} {body}");
            assert_eq!(credentials.secrets, secrets, "{basic:?} {body}");
        }
    }

    #[test]
    fn two_different_credentials_are_refused() {
        for (basic, body) in [
            (Some("id:secret"), "client_id=other"),
            (Some("id:secret"), "client_secret=other"),
            (Some("id"), ""),
            (Some("i\0d:secret"), ""),
            (None, "client_id=a&client_id=b"),
            (None, ""),
        ] {
            assert!(read(basic, body).is_err(), "{basic:?} {body}");
        }
    }
}

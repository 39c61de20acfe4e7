//! Error answers of the endpoints that programs call (RFC 6749 §5.2).

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

use crate::{
    flow::{ErrorCode, Refusal},
    store,
    web::{body::Fault, params::Repeated, problem::COME_AGAIN},
};

/// Why a program does not get what it asked for.
#[derive(Debug)]
pub enum Error {
    /// Its request was refused. `basic` when it authenticated by HTTP Basic,
    /// so that a 401 names that scheme.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// Whether the client used HTTP Basic.
        basic: bool,
    },
    /// It may not register.
    Unwelcome(Refusal),
    /// Its address asks too often; this is how long to wait.
    TooOften(Duration),
    /// Its body cannot be had.
    Body(Fault),
    /// The database failed.
    Broken(store::Error),
}

impl Error {
    /// A refusal with this code and description.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Refusal::new(code, description).into()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            refusal,
            basic: false,
        }
    }
}

impl From<Repeated> for Error {
    fn from(repeated: Repeated) -> Self {
        Self::new(ErrorCode::InvalidRequest, repeated.to_string())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Broken(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { refusal, .. } | Self::Unwelcome(refusal) => {
                write!(f, "{}: {}", refusal.code.as_str(), refusal.description)
            }
            Self::TooOften(wait) => write!(f, "too many requests; wait {} s", seconds(*wait)),
            Self::Body(fault) => write!(f, "{fault}"),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Refused { refusal, .. } if refusal.code == ErrorCode::InvalidClient => {
                StatusCode::UNAUTHORIZED
            }
            Self::Unwelcome(_) => StatusCode::FORBIDDEN,
            Self::Refused { .. } => StatusCode::BAD_REQUEST,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Body(fault) => fault.status(),
            // Hosts take a 500 or "server_error" for the end of their tokens and ask the
            // person again; on this they try once more.
            Self::Broken(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self {
            Self::Refused { refusal, basic } => {
                if *basic && refusal.code == ErrorCode::InvalidClient {
                    let challenge = "Basic realm=\"untether\", charset=\"UTF-8\"";
                    response.insert_header((header::WWW_AUTHENTICATE, challenge));
                }
                body_of(response, refusal)
            }
            Self::Unwelcome(refusal) => body_of(response, refusal),
            Self::TooOften(wait) => {
                let wait = seconds(*wait);
                response.insert_header((header::RETRY_AFTER, wait));
                tracing::info!(
                    wait_seconds = wait,
                    "an address registers clients too often"
                );
                response.json(json!({
                    "error": "too_many_requests",
                    "error_description": format!(
                        "too many clients were registered from this address in the last \
                         hour; try again in {wait} seconds"
                    ),
                }))
            }
            Self::Body(fault) => {
                let code = ErrorCode::InvalidRequest;
                body_of(response, &Refusal::new(code, fault.to_string()))
            }
            Self::Broken(error) => {
                tracing::error!(%error, "a protocol request failed");
                response.insert_header((header::RETRY_AFTER, COME_AGAIN));
                response.json(json!({
                    "error": "temporarily_unavailable",
                    "error_description": "Untether could not do this; try again",
                }))
            }
        }
    }
}

fn body_of(mut response: HttpResponseBuilder, refusal: &Refusal) -> HttpResponse {
    tracing::info!(
        error = refusal.code.as_str(),
        description = refusal.description,
        "refused a protocol request"
    );
    response.json(json!({
        "error": refusal.code.as_str(),
        "error_description": refusal.description,
    }))
}

/// Whole seconds, after which the time has surely passed.
const fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + 1
}

/// A JSON answer that no cache keeps (OAuth 2.1 §3.2.3).
pub fn answer(status: StatusCode, body: impl serde::Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(body)
}

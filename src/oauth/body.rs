//! The body of a protocol request.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode, web::Bytes};

use crate::flow::ErrorCode;

use super::error::Error;

/// A whole body. One that is too long, or breaks off, is refused as OAuth says.
pub struct Body(pub Bytes);

impl FromRequest for Body {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(req, payload);
        Box::pin(async { bytes.await.map(Self).map_err(|error| refused(&error)) })
    }
}

fn refused(error: &actix_web::Error) -> Error {
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLong,
        _ => Error::new(ErrorCode::InvalidRequest, "the body could not be read"),
    }
}

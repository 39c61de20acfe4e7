//! The body of a protocol request.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Bytes};

use crate::web::body;

use super::error::Error;

/// A whole body. One that is too long or too slow, or breaks off, is refused as OAuth says.
pub struct Body(pub Bytes);

impl FromRequest for Body {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = body::read(Bytes::from_request(req, payload));
        Box::pin(async { bytes.await.map(Self).map_err(Error::Body) })
    }
}

//! The body of a request of a program's.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode, web::Bytes};
use tokio::time::timeout;

use super::problem::Problem;

/// How long the body of a request may take to arrive. Whoever sends one by drops keeps a
/// connection, and there are only as many as the program may have files open.
pub const WITHIN: Duration = Duration::from_secs(30);

/// Why there is no body. Each message is a sentence without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is longer than any that makes sense.
    #[error("the body is longer than 64 KB")]
    TooLong,
    /// It took longer than [`WITHIN`].
    #[error("the body took more than {} seconds to arrive", WITHIN.as_secs())]
    TooSlow,
    /// It broke off, or came in a way that nobody understands.
    #[error("the body could not be read")]
    Broken,
}

impl Fault {
    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a whole body.
///
/// # Errors
/// When it is too long, takes too long or breaks off.
pub async fn read(bytes: <Bytes as FromRequest>::Future) -> Result<Bytes, Fault> {
    read_within(WITHIN, bytes).await
}

async fn read_within(
    time: Duration,
    bytes: <Bytes as FromRequest>::Future,
) -> Result<Bytes, Fault> {
    let bytes = timeout(time, bytes).await.map_err(|_| Fault::TooSlow)?;
    bytes.map_err(|error| match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLong,
        _ => Fault::Broken,
    })
}

/// A whole body. One that cannot be had is refused in a sentence.
pub struct Body(pub Bytes);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read(Bytes::from_request(req, payload));
        let refused = |fault: Fault| Problem::new(fault.status(), "Refused", fault.to_string());
        Box::pin(async move { bytes.await.map(Self).map_err(refused) })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{error::PayloadError, test::TestRequest};
    use futures_util::{StreamExt, stream};

    use super::*;

    #[actix_web::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let begun = stream::iter([Ok::<_, PayloadError>(Bytes::from_static(b"a="))]);
        let mut drops = Payload::from(Box::pin(begun.chain(stream::pending())) as Pin<Box<_>>);
        let request = TestRequest::post().to_http_request();
        let bytes = Bytes::from_request(&request, &mut drops);
        let read = read_within(Duration::from_millis(1), bytes).await;
        assert_eq!(read, Err(Fault::TooSlow));
        assert_eq!(Fault::TooSlow.status(), 408);
    }

    #[actix_web::test]
    async fn a_body_that_comes_is_read() {
        let (request, mut payload) = TestRequest::post().set_payload("a=b").to_http_parts();
        let bytes = Bytes::from_request(&request, &mut payload);
        assert_eq!(read(bytes).await, Ok(Bytes::from_static(b"a=b")));
    }
}

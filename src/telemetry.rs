//! Logs: one line a request, with its id; ids only, no addresses of pages with
//! their queries, no e-mails, no secrets.

use std::io::IsTerminal;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::{Span, field::Empty};
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::LogFormat;

/// What a part of a filter can say of how much is logged.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Starts logging to standard error.
///
/// # Errors
/// When the filter makes no sense, or logging was started before.
pub fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = parse(filter).map_err(|error| format!("UNTETHER_LOG: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let started = match format {
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            registry.with(lines).try_init()
        }
        LogFormat::Text => registry.with(lines.compact()).try_init(),
    };
    started.map_err(|error| error.to_string())
}

/// A filter. One without any level is a mistake: it would be about a part of the program that
/// is called so, and silence everything else.
fn parse(filter: &str) -> Result<EnvFilter, String> {
    let mut parts = filter.split(',').map(str::trim);
    let is_level = |part: &str| LEVELS.iter().any(|level| part.eq_ignore_ascii_case(level));
    if !parts.any(|part| is_level(part) || part.contains('=')) {
        return Err(format!(
            "\"{filter}\" names no level: write one of {}, or a filter such as debug,sqlx=warn",
            LEVELS.join(", ")
        ));
    }
    EnvFilter::try_new(filter).map_err(|error| error.to_string())
}

/// Gives every request a span with its id, and a line in the log when it ends.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        use actix_web::HttpMessage;
        let id = request
            .extensions()
            .get::<RequestId>()
            .map(RequestId::to_string);
        // Whatever is logged: the pages of errors say the id.
        tracing::error_span!(
            "request",
            id = id.unwrap_or_default(),
            method = %request.method(),
            path = request.path(),
            status = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.as_response_error().status_code().as_u16(),
        };
        span.record("status", status);
        span.in_scope(|| tracing::info!("answered a request"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_needs_a_level() {
        for good in [
            "info,sqlx=warn",
            "WARN",
            "debug,sqlx=off",
            "untether=trace",
            "off",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["debgu", "", "untether,sqlx", "info,sqlx=loud"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

//! Headers on every answer: what browsers may do with it, and who may read it.

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use tracing_actix_web::RequestId;

use super::{html, state::App};

/// Nothing that the page does not need, and nothing from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// The same for the consent page, whose form must be able to end at any
/// client's redirect URI: Chromium applies `form-action` to redirects too.
pub const CONSENT_CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The answer to any other method, where programs only post: no token stands in an address, and
/// the MCP server neither streams nor keeps sessions.
pub async fn post_only() -> HttpResponse {
    not_allowed("POST")
}

/// The answer to a method that an address does not have, with those that it has (RFC 9110
/// §15.5.6).
pub fn not_allowed(methods: &str) -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((header::ALLOW, methods))
        .body(format!("What is here answers {methods} alone.\n"))
}

/// Refuses addresses that spell out letters, as in `/oauth/%61uthorize`: they would be served,
/// though a proxy that compares the letters themselves takes them for something else than what
/// it guards (RFC 3986 §6.2.2.2).
///
/// # Errors
/// Those of the handler.
pub async fn as_written<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if spells_out(req.uri().path()) {
        let refused = HttpResponse::NotFound().body("Nothing is at an address that is spelt so.");
        return Ok(req.into_response(refused).map_into_right_body());
    }
    Ok(next.call(req).await?.map_into_left_body())
}

/// Whether a path has a character percent-encoded that needs no encoding.
fn spells_out(path: &str) -> bool {
    path.as_bytes().windows(3).any(|three| {
        let [b'%', code @ ..] = three else {
            return false;
        };
        let code = std::str::from_utf8(code).ok();
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    })
}

/// Adds the security headers that an answer does not have yet.
///
/// # Errors
/// Those of the handler.
pub async fn secure<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let https = req
        .app_data::<Data<App>>()
        .is_some_and(|app| app.settings.public_url.is_https());
    let mut response = next.call(req).await?;
    let id = response
        .request()
        .extensions()
        .get::<RequestId>()
        .map(RequestId::to_string);
    // No document is ever made of a part of a page: browsers ask for none in this way when they
    // go anywhere, other sites may not, and nothing keeps it. What follows would weigh a tenth
    // of it. A file is none.
    let is_file = response.headers().contains_key(header::CONTENT_DISPOSITION);
    if html::is_fragment(response.request()) && response.status().is_success() && !is_file {
        return Ok(response);
    }
    let headers = response.headers_mut();
    // So that whoever reports a failure can name the lines in the log.
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    add(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(
        headers,
        header::CONTENT_SECURITY_POLICY,
        CONTENT_SECURITY_POLICY,
    );
    add(headers, header::X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: with it browsers send `Origin: null` from our own forms.
    add(headers, header::REFERRER_POLICY, "same-origin");
    add(
        headers,
        header::PERMISSIONS_POLICY,
        "camera=(), geolocation=(), microphone=()",
    );
    if https {
        add(
            headers,
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=31536000",
        );
    }
    Ok(response)
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Lets browser-based clients on other origins read an endpoint (Fetch, CORS
/// protocol). No credentials are ever involved, so any origin will do.
///
/// # Errors
/// Those of the handler.
pub async fn cross_origin<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let mut response = if req.method() == Method::OPTIONS {
        req.into_response(HttpResponse::NoContent().finish())
            .map_into_right_body()
    } else {
        next.call(req).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    let allow = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, last-event-id, mcp-method, mcp-name, \
             mcp-protocol-version, mcp-session-id",
        ),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "www-authenticate"),
        (header::ACCESS_CONTROL_MAX_AGE, "7200"),
    ];
    for (name, value) in allow {
        add(headers, name, value);
    }
    Ok(response)
}

//! Answers that say no, as pages: the one place that makes them.

use actix_session::SessionExt;
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use tracing_actix_web::RequestId;

use crate::{
    domain::role::Principal,
    web::{
        html,
        problem::{COME_AGAIN, Problem},
        state::App,
    },
};

use super::{
    frame,
    view::{ErrorPage, Frame},
};

/// Turns every [`Problem`] into a page, and logs its cause.
///
/// # Errors
/// Those of the handler that are no problem.
pub async fn pages(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(req).await?.map_into_boxed_body();
    let Some(problem) = problem_of(&response) else {
        return Ok(response);
    };
    if let Some(cause) = &problem.cause {
        tracing::error!(cause, "a page failed");
    }
    let page = show(response.request(), &problem);
    // The session's cookie is set further out, on whatever is answered here.
    Ok(response.into_response(page))
}

fn problem_of(response: &ServiceResponse) -> Option<Problem> {
    let error = response.response().error()?;
    Some(error.as_error::<Problem>().cloned().unwrap_or_else(|| {
        let status = error.as_response_error().status_code();
        Problem::new(status, "This did not work", error.to_string())
    }))
}

fn show(req: &HttpRequest, problem: &Problem) -> HttpResponse {
    let Some(app) = req.app_data::<Data<App>>() else {
        return HttpResponse::new(problem.status);
    };
    let known = req.extensions().get::<Principal>().cloned();
    let id = req.extensions().get::<RequestId>().copied();
    let frame = match known {
        Some(principal) => {
            let now = app.clock.now();
            frame::build(app, &principal, &req.get_session(), req, now)
        }
        None => frame::bare(app),
    };
    let page = ErrorPage {
        frame: Frame {
            request_id: id.map(|id| id.to_string()),
            ..frame
        },
        asked: req.uri().to_string(),
        error: (*problem.explanation).clone(),
    };
    match frame::render(&page) {
        Ok(body) => {
            let mut page = html::page(req, problem.status, body);
            if problem.explanation.again.is_some() {
                let never = HeaderValue::from_static("no-store");
                page.headers_mut().insert(header::CACHE_CONTROL, never);
            }
            if problem.status == StatusCode::SERVICE_UNAVAILABLE {
                let soon = HeaderValue::from(COME_AGAIN);
                page.headers_mut().insert(header::RETRY_AFTER, soon);
            }
            page
        }
        Err(_) => HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What is answered where there is no page, also to someone unknown.
///
/// # Errors
/// Always.
pub async fn nothing_here(_who: Option<Principal>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

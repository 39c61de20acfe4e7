//! Answers that say no, as pages: the one place that makes them.

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    web::Data,
};
use tracing_actix_web::RequestId;

use crate::web::{html, problem::Problem, state::App};

use super::{frame, view::ErrorPage};

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
    let mut frame = frame::bare(app);
    frame.request_id = req
        .extensions()
        .get::<RequestId>()
        .map(RequestId::to_string);
    let page = ErrorPage {
        frame,
        error: (*problem.explanation).clone(),
    };
    match frame::render(&page) {
        Ok(body) => html::page(req, problem.status, body),
        Err(_) => HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// What is answered where there is no page.
///
/// # Errors
/// Always.
pub async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

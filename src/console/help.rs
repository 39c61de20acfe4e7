//! Help for the people who look at the pages.

use std::time::Duration;

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;

use crate::{
    domain::role::{OrganizationRole, Principal},
    web::{html, problem::Problem, state::App},
};

use super::{frame, view::Frame};

#[derive(Clone, Debug, Template)]
#[template(path = "help.html")]
struct HelpPage {
    frame: Frame,
    /// Days without use after which a connection expires.
    idle_days: u64,
    /// Days after which it expires in any case.
    max_age_days: Option<u64>,
    /// Whether this person sees the connections of others.
    beyond: bool,
    /// Whether this person sees everything and revokes only what is their own.
    only_own: bool,
}

/// `GET /help`.
///
/// # Errors
/// A 500 when it cannot be rendered.
pub async fn show(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let days = |duration: Duration| duration.as_secs() / 86_400;
    let lifetimes = &app.rules.lifetimes;
    let page = HelpPage {
        frame: frame::build(&app, &principal, &session, &req, app.clock.now()),
        idle_days: days(lifetimes.idle),
        max_age_days: lifetimes.max_age.map(days),
        beyond: principal.looks_beyond_themselves(),
        only_own: principal.role == OrganizationRole::Auditor,
    };
    Ok(html::page(&req, StatusCode::OK, frame::render(&page)?))
}

//! Help for the people who look at the pages.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use crate::{domain::role::OrganizationRole, web::problem::Problem};

use super::{audit, view::Frame, visit::Visit};

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
    /// Whether the audit trail is this person's to read.
    trail: bool,
    /// Whether this person sees everything and revokes only what is their own.
    only_own: bool,
}

/// `GET /help`.
///
/// # Errors
/// A 500 when it cannot be rendered.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let days = |duration: Duration| duration.as_secs() / 86_400;
    let lifetimes = &visit.app.rules.lifetimes;
    let page = HelpPage {
        frame: visit.frame(),
        idle_days: days(lifetimes.idle),
        max_age_days: lifetimes.max_age.map(days),
        beyond: visit.principal.looks_beyond_themselves(),
        trail: audit::is_open_to(&visit.principal),
        only_own: visit.principal.role == OrganizationRole::Auditor,
    };
    visit.page(StatusCode::OK, &page)
}

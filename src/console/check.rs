//! Whether the MCP server of a project answers as clients need it to.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    check::{self, Finding, Level},
    domain::project::{Project, Slug},
    flow::project as verbs,
    web::{form::Protected, problem::Problem},
};

use super::{project, view::Frame, visit::Visit};

/// `GET /projects/{slug}/check`: what would be asked, and the button that does it.
///
/// # Errors
/// A page, when there is no such project for this person to look after.
pub async fn ask(visit: Visit, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let project = project::changed(&visit, &slug).await?;
    let page = CheckPage::new(visit.frame(), project, Vec::new());
    visit.page(StatusCode::OK, &page)
}

/// `POST /projects/{slug}/check`: asks the server and shows what was found. It is a form
/// because it makes Untether connect to another server, and keeps what was found.
///
/// # Errors
/// Like [`ask`]; and when too many check at the moment.
pub async fn act(
    visit: Visit,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    visit.fields(form)?;
    let project = project::changed(&visit, &slug).await?;
    let app = &visit.app;
    let _turn = app.probe.turn().ok_or_else(|| busy(&project))?;
    let findings = check::server::check(&app.probe, &project, &app.settings.public_url).await;
    tracing::info!(project.id = %project.id, "checked a project's server");
    if let Some(outcome) = outcome(&findings) {
        let worst = (worst(&findings).as_str(), outcome.as_str());
        let mut tx = app.db.write().await?;
        verbs::record_check(&mut tx, &visit.context(), &project, worst).await?;
        tx.commit().await?;
    }
    let page = CheckPage::new(visit.frame(), project, findings);
    visit.page(StatusCode::OK, &page)
}

/// The address of a project's check.
pub fn path(slug: &Slug) -> String {
    format!("/projects/{slug}/check")
}

fn busy(project: &Project) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Others are checking",
        "Too many servers are being checked at the moment.",
    )
    .with_advice("Try again in a few seconds.")
    .with_link("Back", path(&project.slug))
}

/// The page, before and after.
#[derive(Debug, Template)]
#[template(path = "check.html")]
struct CheckPage {
    frame: Frame,
    name: String,
    resource: String,
    project_href: String,
    action: String,
    /// What the findings come to; `None` before there are any.
    outcome: Option<String>,
    findings: Vec<FindingView>,
}

#[derive(Debug)]
struct FindingView {
    word: &'static str,
    /// `done`, `note` or `problem`.
    kind: &'static str,
    seen: String,
    advice: Option<String>,
}

impl CheckPage {
    fn new(frame: Frame, project: Project, findings: Vec<Finding>) -> Self {
        Self {
            frame,
            action: path(&project.slug),
            project_href: project::path(&project.slug),
            name: project.name,
            resource: project.resource.as_str().to_owned(),
            outcome: outcome(&findings),
            findings: findings.into_iter().map(view).collect(),
        }
    }
}

fn worst(findings: &[Finding]) -> Level {
    let has = |level| findings.iter().any(|finding| finding.level == level);
    match (has(Level::Problem), has(Level::Warning)) {
        (true, _) => Level::Problem,
        (false, true) => Level::Warning,
        (false, false) => Level::Ok,
    }
}

fn outcome(findings: &[Finding]) -> Option<String> {
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let number = |count, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    Some(match (count(Level::Problem), count(Level::Warning)) {
        _ if findings.is_empty() => return None,
        (0, 0) => "All is as clients need it.".to_owned(),
        (0, warnings) => format!("It works, with {}.", number(warnings, "warning")),
        (problems, 0) => format!("{}.", number(problems, "problem")),
        (problems, warnings) => format!(
            "{} and {}.",
            number(problems, "problem"),
            number(warnings, "warning")
        ),
    })
}

fn view(finding: Finding) -> FindingView {
    let (word, kind) = match finding.level {
        Level::Ok => ("OK", "done"),
        Level::Warning => ("Warning", "note"),
        Level::Problem => ("Problem", "problem"),
    };
    FindingView {
        word,
        kind,
        seen: finding.seen,
        advice: finding.advice,
    }
}

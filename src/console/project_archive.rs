//! Archiving a project, and bringing it back.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    domain::project::Project,
    flow::archive::{self as verbs, Archived, Restored},
    web::{form::Protected, params::encode, problem::Problem, session::Flash},
};

use super::{
    number,
    project::{self, path},
    revoke::{reason, see_other, typed_reason},
    revoke_matching,
    view::Frame,
    visit::Visit,
};

/// The question before archiving, or why it cannot be done yet.
#[derive(Debug, Template)]
#[template(path = "project_archive.html")]
struct ArchivePage {
    frame: Frame,
    project: String,
    path: String,
    /// How many connections are active, and where they are revoked; `None` when none are.
    in_use: Option<(String, String)>,
    reason: String,
    note: Option<String>,
}

impl ArchivePage {
    fn new(frame: Frame, project: &Project, active: i64) -> Self {
        let filter = encode([
            ("project", project.id.as_str()),
            ("status", "active"),
            ("back", &format!("{}/archive", path(&project.slug))),
        ]);
        let counted = match active {
            1 => "1 connection to it is active".to_owned(),
            _ => format!("{} connections to it are active", number::grouped(active)),
        };
        Self {
            frame,
            project: project.name.clone(),
            path: path(&project.slug),
            in_use: (active > 0).then(|| (counted, format!("{}?{filter}", revoke_matching::PATH))),
            reason: String::new(),
            note: None,
        }
    }
}

/// `GET /projects/{slug}/archive`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn ask(visit: Visit, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    let project = project::find(&mut tx, &visit.principal.changes(), &slug).await?;
    if project.id == visit.app.own_project {
        return Err(Problem::not_found());
    }
    if project.archived_at.is_some() {
        return Ok(see_other(&path(&project.slug)));
    }
    let active = verbs::active(&mut tx, &visit.context(), &project).await?;
    let page = ArchivePage::new(visit.frame(), &project, active);
    visit.page(StatusCode::OK, &page)
}

/// `POST /projects/{slug}/archive`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn act(
    visit: Visit,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let typed = typed_reason(&visit.fields(form)?)?;
    let mut tx = visit.app.db.write().await?;
    let project = project::find(&mut tx, &visit.principal.changes(), &slug).await?;
    let reason = match reason(&typed) {
        Ok(reason) => reason,
        Err(note) => {
            let active = verbs::active(&mut tx, &visit.context(), &project).await?;
            let page = ArchivePage {
                reason: typed,
                note: Some(note),
                ..ArchivePage::new(visit.frame(), &project, active)
            };
            return visit.page(StatusCode::BAD_REQUEST, &page);
        }
    };
    let context = visit.context();
    let said = match verbs::archive(&mut tx, &context, &project.slug, reason.as_deref()).await? {
        Archived::NotThere => return Err(Problem::not_found()),
        Archived::InUse(active) => {
            let page = ArchivePage::new(visit.frame(), &project, active);
            return visit.page(StatusCode::CONFLICT, &page);
        }
        Archived::Before(project) => format!("{} had been archived before.", project.name),
        Archived::Now(project) => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, "archived a project");
            format!("Archived {}. Nothing can connect to it.", project.name)
        }
    };
    Ok(visit.go_on(&path(&project.slug), Flash::Done(said)))
}

/// `POST /projects/{slug}/restore`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn restore(
    visit: Visit,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    visit.fields(form)?;
    let mut tx = visit.app.db.write().await?;
    let project = project::find(&mut tx, &visit.principal.changes(), &slug).await?;
    let said = match verbs::restore(&mut tx, &visit.context(), &project.slug).await? {
        Restored::NotThere => return Err(Problem::not_found()),
        Restored::Before(project) => format!("{} is not archived.", project.name),
        Restored::Now(project) => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, "brought a project back");
            format!("Brought {} back. People can connect to it.", project.name)
        }
    };
    Ok(visit.go_on(&path(&project.slug), Flash::Done(said)))
}

/// The page for whoever wants to make something for an archived project.
pub fn refused(project: &Project) -> Problem {
    let text = format!(
        "{} is archived: nothing can connect to it, and no client can be made for it.",
        project.name
    );
    Problem::new(StatusCode::CONFLICT, "This project is archived", text)
        .with_advice("Bring it back first.")
        .with_link("To the project", path(&project.slug))
}

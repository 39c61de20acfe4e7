//! Archiving a project, and bringing it back.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use askama::Template;

use crate::{
    domain::{audit::Actor, project::Project, role::Principal},
    flow::archive::{self as verbs, Archived, Restored},
    web::{
        form::Protected,
        html,
        params::encode,
        problem::Problem,
        session::{Flash, keep_flash},
        state::App,
    },
};

use super::{
    frame, number,
    project::{self, path},
    revoke::{reason, see_other, typed_reason},
    view::Frame,
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
        let filter = encode([("project", project.id.as_str()), ("status", "active")]);
        let counted = match active {
            1 => "1 connection to it is active".to_owned(),
            _ => format!("{} connections to it are active", number::grouped(active)),
        };
        Self {
            frame,
            project: project.name.clone(),
            path: path(&project.slug),
            in_use: (active > 0)
                .then(|| (counted, format!("/connections/revoke-matching?{filter}"))),
            reason: String::new(),
            note: None,
        }
    }

    fn show(&self, req: &HttpRequest, status: StatusCode) -> Result<HttpResponse, Problem> {
        Ok(html::page(req, status, frame::render(self)?))
    }
}

/// `GET /projects/{slug}/archive`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn ask(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let mut tx = app.db.snapshot().await?;
    let project = project::find(&mut tx, &principal.changes(), &slug).await?;
    if project.id == app.own_project {
        return Err(Problem::not_found());
    }
    if project.archived_at.is_some() {
        return Ok(see_other(&path(&project.slug)));
    }
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let active = verbs::active(&mut tx, &context, &project).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    ArchivePage::new(frame, &project, active).show(&req, StatusCode::OK)
}

/// `POST /projects/{slug}/archive`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn act(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let typed = typed_reason(&form.verify(&app, &principal, now)?)?;
    let mut tx = app.db.write().await?;
    let project = project::find(&mut tx, &principal.changes(), &slug).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    let reason = match reason(&typed) {
        Ok(reason) => reason,
        Err(note) => {
            let page = ArchivePage {
                reason: typed,
                note: Some(note),
                ..ArchivePage::new(frame, &project, 0)
            };
            return page.show(&req, StatusCode::BAD_REQUEST);
        }
    };
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let said = match verbs::archive(&mut tx, &context, &project.slug, reason.as_deref()).await? {
        Archived::NotThere => return Err(Problem::not_found()),
        Archived::InUse(active) => {
            return ArchivePage::new(frame, &project, active).show(&req, StatusCode::CONFLICT);
        }
        Archived::Before(project) => format!("{} had been archived before.", project.name),
        Archived::Now(project) => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, "archived a project");
            format!("Archived {}. Nothing can connect to it.", project.name)
        }
    };
    keep_flash(&session, Flash::Done(said));
    Ok(see_other(&path(&project.slug)))
}

/// `POST /projects/{slug}/restore`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn restore(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    form.verify(&app, &principal, now)?;
    let mut tx = app.db.write().await?;
    let project = project::find(&mut tx, &principal.changes(), &slug).await?;
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let said = match verbs::restore(&mut tx, &context, &project.slug).await? {
        Restored::NotThere => return Err(Problem::not_found()),
        Restored::Before(project) => format!("{} is not archived.", project.name),
        Restored::Now(project) => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, "brought a project back");
            format!("Brought {} back. People can connect to it.", project.name)
        }
    };
    keep_flash(&session, Flash::Done(said));
    Ok(see_other(&path(&project.slug)))
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

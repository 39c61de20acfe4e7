//! Introspection credentials: made with a secret that is shown once, handed out as a
//! file to whoever has just read it, and revoked.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use askama::Template;
use std::time::Duration;

use crate::{
    domain::{
        audit::Actor,
        ids::CredentialId,
        project::{Project, Slug},
        role::Principal,
        secret::Secret,
    },
    flow::credential::{self as verbs, LIMIT},
    store,
    web::{
        attachment,
        form::Protected,
        html,
        params::Params,
        problem::Problem,
        session::{Flash, keep_flash},
        state::App,
    },
};

use super::{
    frame,
    project::{self, path},
    revoke::see_other,
    view::Frame,
};

/// For how long the credentials that there are may go on: the word in the form, and hours.
const OVERLAPS: [(&str, u64); 3] = [("hour", 1), ("day", 24), ("week", 7 * 24)];

/// A credential that has just been made.
pub struct Made {
    /// Its id.
    pub id: CredentialId,
    /// Its secret.
    pub secret: Secret,
}

/// The one page that ever shows the secret.
#[derive(Template)]
#[template(path = "credential.html")]
struct MadePage {
    frame: Frame,
    project: String,
    path: String,
    endpoint: String,
    id: CredentialId,
    secret: Secret,
}

/// The question before revoking one.
#[derive(Debug, Template)]
#[template(path = "credential_revoke.html")]
struct RevokePage {
    frame: Frame,
    project: String,
    path: String,
    id: CredentialId,
    last_used: Option<super::view::When>,
    /// How many others work.
    others: usize,
}

/// `POST /projects/{slug}/credentials`: makes one and shows its secret, in the answer
/// itself: it is never in an address, nor in the session. Sent again, the form makes
/// nothing and shows nothing.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn make(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let project = find(&app, &principal, &slug).await?;
    let id = params.one("credential").ok().flatten();
    let id = id.and_then(CredentialId::parse).ok_or_else(|| {
        Problem::bad_request("The form does not say which credential. Nothing was made.")
            .with_link("Back to the project", path(&project.slug))
    })?;
    let overlap = overlap(&params)?;
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let mut tx = app.db.write().await?;
    match verbs::make(&mut tx, &context, &project.slug, &id, overlap).await? {
        verbs::Made::NotThere => Err(Problem::not_found()),
        verbs::Made::TooMany => Err(too_many(&project)),
        verbs::Made::Before => {
            let said = format!(
                "The credential {id} was made when the form was first sent, and its secret could \
                 be shown only once. If you have not kept it, make another one and revoke this."
            );
            keep_flash(&session, Flash::Problem(said));
            Ok(see_other(&path(&project.slug)))
        }
        verbs::Made::Done(secret) => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, credential.id = %id, "made a credential");
            let frame = frame::build(&app, &principal, &session, &req, now);
            shown_once(&app, &req, frame, &project, Made { id, secret })
        }
    }
}

/// The answer that shows a secret, which nothing may keep.
///
/// # Errors
/// When the page cannot be made.
pub fn shown_once(
    app: &App,
    req: &HttpRequest,
    frame: Frame,
    project: &Project,
    made: Made,
) -> Result<HttpResponse, Problem> {
    let page = MadePage {
        // Whoever goes on from here must not send the form again.
        frame: Frame {
            here: path(&project.slug),
            ..frame
        },
        project: project.name.clone(),
        path: path(&project.slug),
        endpoint: endpoint(app),
        id: made.id,
        secret: made.secret,
    };
    Ok(html::page_no_store(
        req,
        StatusCode::OK,
        frame::render(&page)?,
    ))
}

/// `POST /projects/{slug}/credentials/{id}/file`: the credential as a file of settings,
/// for whoever shows its secret. It comes in the form, because nobody else knows it.
///
/// # Errors
/// A page, when there is no such project for this person to change, or the secret is wrong.
pub async fn file(
    app: Data<App>,
    principal: Principal,
    at: Path<(String, String)>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = form.verify(&app, &principal, app.clock.now())?;
    let (slug, id) = at.into_inner();
    let project = find(&app, &principal, &slug).await?;
    let id = CredentialId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = app.db.read().await?;
    let kept = store::credential::secret(&mut tx, &project.id, &id).await?;
    let kept = kept.ok_or_else(Problem::not_found)?;
    let secret = params.one("secret").ok().flatten().unwrap_or_default();
    if !kept.matches(&app.secrets.hash(secret)) {
        return Err(Problem::bad_request(
            "This is not the secret of that credential.",
        ));
    }
    let text = format!(
        "UNTETHER_INTROSPECTION_ENDPOINT={}\nUNTETHER_CREDENTIAL_ID={id}\n\
         UNTETHER_CREDENTIAL_SECRET={secret}\n",
        endpoint(&app)
    );
    let name = format!("untether-{}", project.slug);
    Ok(attachment::text(&name, text))
}

/// `GET /projects/{slug}/credentials/{id}/revoke`.
///
/// # Errors
/// A page, when there is no such working credential for this person to revoke.
pub async fn ask(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    at: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let (slug, id) = at.into_inner();
    let id = CredentialId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = app.db.snapshot().await?;
    let project = project::find(&mut tx, &principal.changes(), &slug).await?;
    let known = store::credential::of_project(&mut tx, &project.id).await?;
    let mut working: Vec<_> = known.into_iter().filter(|known| known.works(now)).collect();
    let place = working.iter().position(|known| known.id == id);
    let asked = working.swap_remove(place.ok_or_else(Problem::not_found)?);
    let page = RevokePage {
        frame: frame::build(&app, &principal, &session, &req, now),
        project: project.name,
        path: path(&project.slug),
        id,
        last_used: asked.last_used_at.map(|at| super::moment::when(at, now)),
        others: working.len(),
    };
    Ok(html::page(&req, StatusCode::OK, frame::render(&page)?))
}

/// `POST /projects/{slug}/credentials/{id}/revoke`.
///
/// # Errors
/// A page, when there is no such credential for this person to revoke.
pub async fn revoke(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    at: Path<(String, String)>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    form.verify(&app, &principal, now)?;
    let (slug, id) = at.into_inner();
    let project = find(&app, &principal, &slug).await?;
    let id = CredentialId::parse(&id).ok_or_else(Problem::not_found)?;
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let mut tx = app.db.write().await?;
    let said = match verbs::revoke(&mut tx, &context, &project.slug, &id).await? {
        verbs::Revoked::NotThere => return Err(Problem::not_found()),
        verbs::Revoked::Before => format!("The credential {id} had been revoked before."),
        verbs::Revoked::Done => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, credential.id = %id, "revoked a credential");
            format!("Revoked the credential {id}. Whoever shows it is refused from now on.")
        }
    };
    keep_flash(&session, Flash::Done(said));
    Ok(see_other(&path(&project.slug)))
}

async fn find(app: &App, principal: &Principal, slug: &str) -> Result<Project, Problem> {
    let mut tx = app.db.snapshot().await?;
    project::find(&mut tx, &principal.changes(), slug).await
}

fn overlap(params: &Params) -> Result<Option<Duration>, Problem> {
    let word = params.one("others").ok().flatten().unwrap_or("keep");
    if word == "keep" {
        return Ok(None);
    }
    let known = OVERLAPS.iter().find(|(known, _)| *known == word);
    match known {
        Some((_, hours)) => Ok(Some(Duration::from_secs(hours * 3600))),
        None => Err(Problem::bad_request(
            "The others can go on for an hour, a day, a week, or until they are revoked: keep, \
             hour, day or week.",
        )),
    }
}

fn endpoint(app: &App) -> String {
    app.settings.public_url.join("/oauth/introspect")
}

fn too_many(project: &Project) -> Problem {
    let text = format!(
        "{} has {LIMIT} credentials that work, and no more are needed. Nothing was made.",
        project.name
    );
    Problem::new(StatusCode::CONFLICT, "There are enough credentials", text)
        .with_advice("Revoke those that are not used any more.")
        .with_link("Back to the project", path(&project.slug))
}

/// Where one of a project's credentials is revoked.
pub fn revoke_path(slug: &Slug, id: &CredentialId) -> String {
    format!("{}/credentials/{id}/revoke", path(slug))
}

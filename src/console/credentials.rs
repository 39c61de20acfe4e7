//! Introspection credentials: made with a secret that is shown once, handed out as a
//! file to whoever has just read it, and revoked.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    domain::{
        ids::CredentialId,
        project::{Project, Slug},
        secret::Secret,
    },
    flow::credential::{self as verbs, LIMIT},
    store,
    web::{
        attachment, form::Protected, params::Params, problem::Problem, session::Flash, state::App,
    },
};

use super::{
    project::{self, path},
    view::Frame,
    visit::Visit,
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
    visit: Visit,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let project = project::changed(&visit, &slug).await?;
    let id = params.one("credential").ok().flatten();
    let id = id.and_then(CredentialId::parse).ok_or_else(|| {
        Problem::bad_request("The form does not say which credential. Nothing was made.")
            .with_link("Back to the project", path(&project.slug))
    })?;
    let overlap = overlap(&params)?;
    let mut tx = visit.app.db.write().await?;
    match verbs::make(&mut tx, &visit.context(), &project.slug, &id, overlap).await? {
        verbs::Made::NotThere => Err(Problem::not_found()),
        verbs::Made::TooMany => Err(too_many(&project)),
        verbs::Made::Before => {
            let said = format!(
                "The credential {id} was made when the form was first sent, and its secret could \
                 be shown only once. If you have not kept it, make another one and revoke this."
            );
            Ok(visit.go_on(&path(&project.slug), Flash::Problem(said)))
        }
        verbs::Made::Done(secret) => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, credential.id = %id, "made a credential");
            shown_once(&visit, &project, Made { id, secret })
        }
    }
}

/// The answer that shows a secret, which nothing may keep.
///
/// # Errors
/// When the page cannot be made.
pub fn shown_once(visit: &Visit, project: &Project, made: Made) -> Result<HttpResponse, Problem> {
    let page = MadePage {
        frame: visit.frame(),
        project: project.name.clone(),
        path: path(&project.slug),
        endpoint: endpoint(&visit.app),
        id: made.id,
        secret: made.secret,
    };
    visit.page_no_store(&page)
}

/// `POST /projects/{slug}/credentials/{id}/file`: the credential as a file of settings,
/// for whoever shows its secret. It comes in the form, because nobody else knows it.
///
/// # Errors
/// A page, when there is no such project for this person to change, or the secret is wrong.
pub async fn file(
    visit: Visit,
    at: Path<(String, String)>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let (slug, id) = at.into_inner();
    let project = project::changed(&visit, &slug).await?;
    let id = CredentialId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = visit.app.db.read().await?;
    let kept = store::credential::secret(&mut tx, &project.id, &id).await?;
    let kept = kept.ok_or_else(Problem::not_found)?;
    let secret = params.one("secret").ok().flatten().unwrap_or_default();
    if !kept.matches(&visit.app.secrets.hash(secret)) {
        return Err(Problem::bad_request(
            "This is not the secret of that credential.",
        ));
    }
    let text = format!(
        "UNTETHER_INTROSPECTION_ENDPOINT={}\nUNTETHER_CREDENTIAL_ID={id}\n\
         UNTETHER_CREDENTIAL_SECRET={secret}\n",
        endpoint(&visit.app)
    );
    let name = format!("untether-{}", project.slug);
    Ok(attachment::text(&name, text))
}

/// `GET /projects/{slug}/credentials/{id}/revoke`.
///
/// # Errors
/// A page, when there is no such working credential for this person to revoke.
pub async fn ask(visit: Visit, at: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let now = visit.now;
    let (slug, id) = at.into_inner();
    let id = CredentialId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = visit.app.db.snapshot().await?;
    let project = project::find(&mut tx, &visit.principal.changes(), &slug).await?;
    let known = store::credential::of_project(&mut tx, &project.id).await?;
    let mut working: Vec<_> = known.into_iter().filter(|known| known.works(now)).collect();
    let place = working.iter().position(|known| known.id == id);
    let asked = working.swap_remove(place.ok_or_else(Problem::not_found)?);
    let page = RevokePage {
        frame: visit.frame(),
        project: project.name,
        path: path(&project.slug),
        id,
        last_used: asked.last_used_at.map(|at| super::moment::when(at, now)),
        others: working.len(),
    };
    visit.page(StatusCode::OK, &page)
}

/// `POST /projects/{slug}/credentials/{id}/revoke`.
///
/// # Errors
/// A page, when there is no such credential for this person to revoke.
pub async fn revoke(
    visit: Visit,
    at: Path<(String, String)>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    visit.fields(form)?;
    let (slug, id) = at.into_inner();
    let project = project::changed(&visit, &slug).await?;
    let id = CredentialId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = visit.app.db.write().await?;
    let said = match verbs::revoke(&mut tx, &visit.context(), &project.slug, &id).await? {
        verbs::Revoked::NotThere => return Err(Problem::not_found()),
        verbs::Revoked::Before => format!("The credential {id} had been revoked before."),
        verbs::Revoked::Done => {
            tx.commit().await?;
            tracing::info!(project.id = %project.id, credential.id = %id, "revoked a credential");
            format!("Revoked the credential {id}. Whoever shows it is refused from now on.")
        }
    };
    Ok(visit.go_on(&path(&project.slug), Flash::Done(said)))
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

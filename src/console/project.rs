//! One project: what it offers, who looks after it, and how its server is seen.

use std::slice;

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    clock::Timestamp,
    config::Registration,
    domain::{
        ids::{CredentialId, ProjectId},
        project::{ManageUrl, Members, OfferedScope, Project, Slug},
        role::{PrincipalName, Reach},
    },
    store::{
        self, Tx, connection_filter::Statuses, connection_list, credential::Credential,
        project_list,
    },
    web::problem::Problem,
};

use super::{
    check,
    counts::{self, CountLinks},
    credentials, moment, number,
    projects::{self, Health, Links},
    query::{Layout, ListQuery},
    setup::{self, Setup},
    snippets::{self, Snippets},
    view::{Frame, When},
    visit::Visit,
};

/// The address of a project.
pub fn path(slug: &Slug) -> String {
    format!("/projects/{slug}")
}

/// The project under a slug, if it is within `reach`.
///
/// # Errors
/// A page that says that it is not there.
pub async fn find(tx: &mut Tx, reach: &Reach, slug: &str) -> Result<Project, Problem> {
    let slug = Slug::parse(slug).map_err(|_| Problem::not_found())?;
    let project = store::project::by_slug(tx, &slug).await?;
    project
        .filter(|project| reach.covers_project(&project.id))
        .ok_or_else(Problem::not_found)
}

/// The project under a slug, if this person may change it.
///
/// # Errors
/// A page that says that it is not there.
pub async fn changed(visit: &Visit, slug: &str) -> Result<Project, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    find(&mut tx, &visit.principal.changes(), slug).await
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "project.html")]
struct ProjectPage {
    frame: Frame,
    path: String,
    name: String,
    slug: String,
    resource: String,
    /// Whether this person may change it.
    manages: bool,
    /// Whether it is Untether's own MCP server, which needs nobody to ask for it.
    own: bool,
    created: When,
    /// Since when nothing may connect to it.
    archived: Option<When>,
    administrators: Vec<String>,
    /// `None` when anyone may connect.
    members: Option<Vec<String>>,
    scopes: Vec<OfferedScope>,
    manage_url: Option<ManageUrl>,
    counts: CountLinks,
    clients: String,
    clients_href: String,
    asked: Option<When>,
    health: Health,
    check_href: String,
    credentials: Vec<CredentialRow>,
    /// The id that the next credential will have.
    next_credential: CredentialId,
    /// How the server asks; `None` for Untether's own.
    snippets: Option<Snippets>,
    /// What to paste into hosts; empty when they cannot make themselves known.
    setups: Vec<Setup>,
}

#[derive(Debug)]
struct CredentialRow {
    id: String,
    made: When,
    used: Option<When>,
    /// Works, works until, or ended.
    word: &'static str,
    class: &'static str,
    /// When it ends, or ended.
    end: Option<When>,
    /// Where it is revoked, while it works and for those who may.
    revoke_href: Option<String>,
}

/// `GET /projects/{slug}`.
///
/// # Errors
/// A page, when there is no such project in this person's sight.
pub async fn show(visit: Visit, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let (app, now) = (&visit.app, visit.now);
    let mut tx = app.db.snapshot().await?;
    let project = find(&mut tx, &visit.principal.sees(), &slug).await?;
    let server = project_list::server(&mut tx, &project.id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let clients = project_list::clients(&mut tx, slice::from_ref(&project.id)).await?;
    let credentials = store::credential::of_project(&mut tx, &project.id).await?;
    let row = |known| credential_row(&project.slug, known, now);
    let own = project.id == app.own_project;
    let snippets = (!own).then(|| snippets::of(&project, &app.settings.public_url));
    let page = ProjectPage {
        frame: visit.frame(),
        path: path(&project.slug),
        manages: visit.principal.changes().covers_project(&project.id),
        own,
        snippets: snippets.transpose()?,
        setups: setups(&visit, &mut tx, &project.id).await?,
        created: moment::dated(project.created_at),
        archived: project.archived_at.map(|at| moment::when(at, now)),
        administrators: words(&project.administrators),
        members: match &project.members {
            Members::Anyone => None,
            Members::Only(names) => Some(words(names)),
        },
        counts: count(&visit, &mut tx, &project.id).await?,
        clients: number::grouped(clients.first().map_or(0, |(_, count)| *count)),
        clients_href: Links::of(&visit.principal, &project.id).clients,
        asked: server.asked_at.map(|at| moment::when(at, now)),
        health: projects::health(&server, now),
        check_href: check::path(&project.slug),
        credentials: credentials.into_iter().map(row).collect(),
        next_credential: app.secrets.new_id(now),
        scopes: project.scopes,
        manage_url: project.manage_url,
        resource: project.resource.as_str().to_owned(),
        slug: project.slug.to_string(),
        name: project.name,
    };
    visit.page(StatusCode::OK, &page)
}

fn words(names: &[PrincipalName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What makes each known host connect to the project, where hosts register themselves.
async fn setups(visit: &Visit, tx: &mut Tx, id: &ProjectId) -> store::Result<Vec<Setup>> {
    let settings = &visit.app.settings;
    Ok(match settings.registration {
        Registration::Open => {
            let endpoints = store::project::endpoints(tx, Some(slice::from_ref(id)), 1).await?;
            setup::of(None, &endpoints, &settings.public_url)
        }
        Registration::Off => Vec::new(),
    })
}

/// How many connections to the project this person sees, by status.
async fn count(visit: &Visit, tx: &mut Tx, id: &ProjectId) -> Result<CountLinks, Problem> {
    let (principal, now) = (&visit.principal, visit.now);
    let query = ListQuery {
        projects: vec![id.clone()],
        statuses: Statuses::ALL,
        ..ListQuery::of(principal).in_layout(Layout::List)
    };
    let cutoffs = visit.app.rules.lifetimes.cutoffs(now);
    let counts = connection_list::counts(tx, &query.filter(principal.sees(), cutoffs, now)).await?;
    Ok(counts::links(counts, &query))
}

fn credential_row(slug: &Slug, credential: Credential, now: Timestamp) -> CredentialRow {
    let works = credential.works(now);
    let (word, class) = match (works, credential.revoked_at) {
        (true, None) => ("Works", "active"),
        (true, Some(_)) => ("Works until", "expired"),
        (false, _) => ("Ended", "revoked"),
    };
    CredentialRow {
        id: credential.id.to_string(),
        made: moment::when(credential.created_at, now),
        used: credential.last_used_at.map(|at| moment::when(at, now)),
        word,
        class,
        end: credential.revoked_at.map(|at| match works {
            true => moment::to_the_minute(at),
            false => moment::when(at, now),
        }),
        revoke_href: works.then(|| credentials::revoke_path(slug, &credential.id)),
    }
}

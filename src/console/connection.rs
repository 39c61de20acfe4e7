//! One connection: what it is, another name for it, and the end of its record.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        audit::Actor,
        client::{self, Client},
        connection::{Connection, Status},
        ids::ConnectionId,
        project::Project,
        role::Principal,
    },
    flow::connection::{self, Change, Deletion},
    store::{
        self, client_block,
        connection_list::{self, Listed},
    },
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
    block::{self, BlockView},
    check,
    connections::status_view,
    frame, moment,
    revoke::see_other,
    view::{Frame, StatusView, When, below_name},
};

/// `GET /connections/{id}`.
///
/// # Errors
/// A page, when the connection is not there for this person to see.
pub async fn show(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let found = Found::read(&app, &principal, &parse_id(&id)?).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    let page = found.page(&app, &principal, frame, now);
    Ok(html::page(&req, StatusCode::OK, frame::render(&page)?))
}

/// `POST /connections/{id}/rename`.
///
/// # Errors
/// A page, when the connection is not there for this person to change.
pub async fn rename(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    id: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let id = parse_id(&id)?;
    let typed = params.one("name").ok().flatten().unwrap_or_default();
    let was = params.one("was").ok().flatten().unwrap_or_default();
    let (status, note) = match client::parse_name(typed) {
        Err(problem) => {
            let note = format!("This name cannot be kept: {problem}.");
            (StatusCode::BAD_REQUEST, note)
        }
        Ok(name) => {
            let actor = Actor::Person(principal.identity.email.clone());
            let context = app.context(now, actor, &req);
            let reach = principal.changes();
            let mut tx = app.db.write().await?;
            let change = connection::rename(&mut tx, &context, &reach, &id, (was, &name)).await?;
            match change {
                Change::NotThere => return Err(Problem::not_found()),
                Change::Done(_) => {
                    tx.commit().await?;
                    let said = format!("Renamed {was} to {name}.");
                    keep_flash(&session, Flash::Done(said));
                    return Ok(see_other(&path(&id)));
                }
                // A double click has done it already.
                Change::Otherwise(row) if row.name == name => return Ok(see_other(&path(&id))),
                Change::Otherwise(row) => (StatusCode::CONFLICT, not_renamed(&row)),
            }
        }
    };
    let found = Found::to_change(&app, &principal, &id).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    let mut page = found.page(&app, &principal, frame, now);
    page.note = Some(note);
    page.typed = typed.to_owned();
    Ok(html::page(&req, status, frame::render(&page)?))
}

/// `POST /connections/{id}/delete`.
///
/// # Errors
/// A page, when the connection is not there for this person to change.
pub async fn delete(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    id: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    form.verify(&app, &principal, now)?;
    let id = parse_id(&id)?;
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let mut tx = app.db.write().await?;
    match connection::delete(&mut tx, &context, &principal.changes(), &id).await? {
        Deletion::NotThere => Err(Problem::not_found()),
        Deletion::Done(name) => {
            tx.commit().await?;
            let said = format!("Deleted the record of {name}. The audit trail keeps it.");
            keep_flash(&session, Flash::Done(said));
            Ok(see_other("/connections"))
        }
        Deletion::InUse(name) => {
            let text = format!(
                "{name} has not been revoked, and only the record of a revoked connection can be \
                 deleted. Nothing was changed."
            );
            let heading = "This connection is in use";
            Err(Problem::new(StatusCode::CONFLICT, heading, text)
                .with_link("Connection details", path(&id)))
        }
    }
}

fn parse_id(text: &str) -> Result<ConnectionId, Problem> {
    ConnectionId::parse(text).ok_or_else(Problem::not_found)
}

fn path(id: &ConnectionId) -> String {
    format!("/connections/{id}")
}

fn not_renamed(row: &Listed) -> String {
    match row.life.revoked {
        Some(_) => "It was revoked while you looked, and keeps its name.".to_owned(),
        None => format!(
            "Someone else renamed it to {} while you looked. Nothing was changed. To have your \
             name, rename it again.",
            row.name
        ),
    }
}

/// A connection with everything that its page shows.
struct Found {
    row: Listed,
    connection: Connection,
    project: Option<Project>,
    client: Option<Client>,
    /// The blocks that cover it.
    blocks: Vec<client_block::Listed>,
}

impl Found {
    async fn read(app: &App, principal: &Principal, id: &ConnectionId) -> Result<Self, Problem> {
        let mut tx = app.db.snapshot().await?;
        let ids = std::slice::from_ref(id);
        let rows = connection_list::by_ids(&mut tx, &principal.sees(), ids).await?;
        let connection = store::connection::find(&mut tx, id).await?;
        let (Some(row), Some(connection)) = (rows.into_iter().next(), connection) else {
            return Err(Problem::not_found());
        };
        let project = store::project::by_id(&mut tx, &row.project).await?;
        let client = store::client::by_id(&mut tx, &row.client).await?;
        let blocks = match &client {
            Some(client) => block::of_connection(&mut tx, client, &row).await?,
            None => Vec::new(),
        };
        Ok(Self {
            row,
            connection,
            project,
            client,
            blocks,
        })
    }

    /// The same, if this person may change it.
    async fn to_change(
        app: &App,
        principal: &Principal,
        id: &ConnectionId,
    ) -> Result<Self, Problem> {
        let found = Self::read(app, principal, id).await?;
        match found.is_changed_by(principal) {
            true => Ok(found),
            false => Err(Problem::not_found()),
        }
    }

    fn is_changed_by(&self, principal: &Principal) -> bool {
        let row = &self.row;
        principal.changes().covers(&row.person, &row.project)
    }

    fn page(
        self,
        app: &App,
        principal: &Principal,
        frame: Frame,
        now: Timestamp,
    ) -> ConnectionPage {
        let status = self.row.life.status(&app.rules.lifetimes, now);
        let revoked = matches!(status, Status::Revoked(_));
        let may_change = self.is_changed_by(principal);
        let scopes = self.scopes();
        let project = self.project.as_ref();
        let check_href = project
            .filter(|project| principal.changes().covers_project(&project.id))
            .map(|project| check::path(&project.slug));
        let blocks = block::in_sight(self.blocks, principal, now);
        let client = self.client.as_ref();
        let block_href = client.and_then(|client| block::href_for(client, &blocks, principal));
        let row = self.row;
        let here = path(&row.id);
        let question = encode([("id", row.id.as_str()), ("back", here.as_str())]);
        ConnectionPage {
            frame,
            note: None,
            blocks,
            of_person: true,
            here: here.clone(),
            block_href,
            typed: row.name.clone(),
            status: status_view(&status, now),
            revoke_href: (may_change && !revoked)
                .then(|| format!("/connections/revoke?{question}")),
            rename: may_change && !revoked,
            delete: may_change && revoked,
            client_href: format!("/clients/{}", row.client),
            client: row.client_name,
            project: row.project_name,
            check_href,
            resource: self
                .project
                .map(|project| project.resource.as_str().to_owned()),
            person_href: format!("/people/{}", row.person),
            person_note: below_name(&row.person_name, &row.person_email),
            person_name: row.person_name,
            scopes,
            authorized: moment::when(row.life.authorized_at, now),
            connected: row.connected_at.map(|at| moment::when(at, now)),
            last_used: row
                .connected_at
                .map(|_| moment::when(row.life.last_used_at, now)),
            path: here,
            name: row.name,
        }
    }

    /// What was granted, in the words of the project where it still offers it.
    fn scopes(&self) -> Vec<String> {
        let offered = self.project.iter().flat_map(|project| &project.scopes);
        let words = |scope: &str| {
            let mut offered = offered.clone();
            let known = offered.find(|offered| offered.name.as_str() == scope);
            known.map_or(scope.to_owned(), |known| known.description.clone())
        };
        let granted = self.connection.scopes.iter();
        granted.map(|scope| words(scope.as_str())).collect()
    }
}

/// The page of one connection.
#[derive(Debug, Template)]
#[template(path = "connection.html")]
struct ConnectionPage {
    frame: Frame,
    path: String,
    name: String,
    /// What the person must know before trying again.
    note: Option<String>,
    /// The name in the form: the present one, or what was typed.
    typed: String,
    status: StatusView,
    blocks: Vec<BlockView>,
    /// The client is named with each block.
    of_person: bool,
    here: String,
    /// Where the client is blocked for everyone, for those who may.
    block_href: Option<String>,
    client: String,
    client_href: String,
    project: String,
    /// The project's MCP server URL.
    resource: Option<String>,
    /// Where that server is checked, for those who may.
    check_href: Option<String>,
    person_href: String,
    person_name: String,
    person_note: Option<String>,
    /// In plain words.
    scopes: Vec<String>,
    authorized: When,
    connected: Option<When>,
    last_used: Option<When>,
    revoke_href: Option<String>,
    rename: bool,
    delete: bool,
}

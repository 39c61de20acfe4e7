//! One connection: what it is, another name for it, and the end of its record.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    domain::{
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
        params::{Params, encode},
        problem::Problem,
        session::Flash,
    },
};

use super::{
    back,
    block::{self, BlockView},
    check,
    connections::standing,
    moment,
    revoke::see_other,
    view::{Frame, StatusView, When, below_name},
    visit::Visit,
};

/// `GET /connections/{id}`.
///
/// # Errors
/// A page, when the connection is not there for this person to see.
pub async fn show(visit: Visit, id: Path<String>) -> Result<HttpResponse, Problem> {
    let found = Found::read(&visit, &parse_id(&id)?).await?;
    let asked = Params::parse(visit.req.query_string().as_bytes());
    let before = back::page(&visit.req, &asked);
    visit.page(StatusCode::OK, &found.page(&visit, before))
}

/// `POST /connections/{id}/rename`.
///
/// # Errors
/// A page, when the connection is not there for this person to change.
pub async fn rename(
    visit: Visit,
    id: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let id = parse_id(&id)?;
    let before = back::named(&params);
    let here = back::address(&path(&id), before.as_deref());
    let typed = params.one("name").ok().flatten().unwrap_or_default();
    let was = params.one("was").ok().flatten().unwrap_or_default();
    let (status, note) = match client::parse_name(typed) {
        Err(problem) => {
            let note = format!("This name cannot be kept: {problem}.");
            (StatusCode::BAD_REQUEST, note)
        }
        Ok(name) if name == was => return Ok(see_other(&here)),
        Ok(name) => {
            let (context, reach) = (visit.context(), visit.principal.changes());
            let mut tx = visit.app.db.write().await?;
            let change = connection::rename(&mut tx, &context, &reach, &id, (was, &name)).await?;
            match change {
                Change::NotThere => return Err(Problem::not_found()),
                Change::Done(_) => {
                    tx.commit().await?;
                    let said = format!("Renamed {was} to {name}.");
                    return Ok(visit.go_on(&here, Flash::Done(said)));
                }
                // A double click has done it already.
                Change::Otherwise(row) if row.name == name => return Ok(see_other(&here)),
                Change::Otherwise(row) => (StatusCode::CONFLICT, not_renamed(&row)),
            }
        }
    };
    let page = ConnectionPage {
        note: Some(note),
        typed: typed.to_owned(),
        ..Found::to_change(&visit, &id).await?.page(&visit, before)
    };
    visit.page(status, &page)
}

/// `POST /connections/{id}/delete`.
///
/// # Errors
/// A page, when the connection is not there for this person to change.
pub async fn delete(
    visit: Visit,
    id: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let before = back::named(&params).unwrap_or_else(|| "/connections".to_owned());
    let id = parse_id(&id)?;
    let reach = visit.principal.changes();
    let mut tx = visit.app.db.write().await?;
    match connection::delete(&mut tx, &visit.context(), &reach, &id).await? {
        Deletion::NotThere => Err(Problem::not_found()),
        Deletion::Done(name) => {
            tx.commit().await?;
            let said = format!("Deleted the record of {name}. The audit trail keeps it.");
            Ok(visit.go_on(&before, Flash::Done(said)))
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
            "It was renamed to {} while you looked. Nothing was changed. To have your name, rename \
             it again.",
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
    async fn read(visit: &Visit, id: &ConnectionId) -> Result<Self, Problem> {
        let mut tx = visit.app.db.snapshot().await?;
        let (reach, ids) = (visit.principal.sees(), std::slice::from_ref(id));
        let rows = connection_list::by_ids(&mut tx, &reach, ids).await?;
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
    async fn to_change(visit: &Visit, id: &ConnectionId) -> Result<Self, Problem> {
        let found = Self::read(visit, id).await?;
        match found.is_changed_by(&visit.principal) {
            true => Ok(found),
            false => Err(Problem::not_found()),
        }
    }

    fn is_changed_by(&self, principal: &Principal) -> bool {
        let row = &self.row;
        principal.changes().covers(&row.person, &row.project)
    }

    fn page(self, visit: &Visit, before: Option<String>) -> ConnectionPage {
        let (principal, now) = (&visit.principal, visit.now);
        let status = self.row.life.status(&visit.app.rules.lifetimes, now);
        let revoked = matches!(status, Status::Revoked(_));
        let may_change = self.is_changed_by(principal);
        let scopes = self.scopes();
        let project = self.project.as_ref();
        let check_href = project
            .filter(|project| principal.changes().covers_project(&project.id))
            .map(|project| check::path(&project.slug));
        let blocks = block::in_sight(self.blocks, principal, now);
        let client = self.client.as_ref();
        let row = self.row;
        let here = back::address(&path(&row.id), before.as_deref());
        let block_href = client
            .and_then(|client| block::href_for(client, &blocks, principal))
            .map(|href| back::address(&href, Some(&here)));
        let question = encode([("id", row.id.as_str()), ("back", here.as_str())]);
        ConnectionPage {
            frame: visit.frame(),
            note: None,
            blocks,
            of_person: true,
            path: path(&row.id),
            block_href,
            typed: row.name.clone(),
            status: standing(&status, &row, now),
            revoke_href: (may_change && !revoked)
                .then(|| format!("/connections/revoke?{question}")),
            rename: may_change && !revoked,
            delete: may_change && revoked,
            client_href: back::address(&format!("/clients/{}", row.client), Some(&here)),
            client: row.client_name,
            project_href: project
                .filter(|project| principal.sees().covers_project(&project.id))
                .map(|project| format!("/projects/{}", project.slug)),
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
            back: back::label(before.as_deref()),
            before,
            here,
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
    /// The page that was left for it.
    before: Option<String>,
    /// What the link back says.
    back: &'static str,
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
    /// Its own page, for those who may look.
    project_href: Option<String>,
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

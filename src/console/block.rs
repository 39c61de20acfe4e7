//! Keeping a client from connecting, and letting it connect again.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        block::Scope,
        client::Client,
        ids::{BlockId, ClientId, PersonId, ProjectId},
        role::Principal,
    },
    flow::block::{self, Blocked},
    store::{
        self, Tx,
        client_block::{self, Covered, Listed},
        connection_list,
    },
    web::{form::Protected, params::Params, problem::Problem, session::Flash},
};

use super::{
    back::{self, local_path},
    moment, number,
    revoke::{reason, typed_reason},
    view::{Frame, When},
    visit::Visit,
};

/// The question before a client is blocked for everyone.
#[derive(Clone, Debug, Template)]
#[template(path = "block.html")]
struct BlockPage {
    frame: Frame,
    name: String,
    href: String,
    /// The page that it was asked from.
    back: String,
    /// What this will and will not do.
    sentences: Vec<String>,
    /// What was typed before, when the page is shown again.
    reason: String,
    note: Option<String>,
}

impl BlockPage {
    /// The question about this client, asked from this page.
    async fn read(
        visit: &Visit,
        tx: &mut Tx,
        (client, back): (Client, String),
    ) -> store::Result<Self> {
        let covered = client_block::covered(tx, &client.identity(), &Scope::default()).await?;
        Ok(Self {
            frame: visit.frame(),
            href: href(&client),
            back,
            sentences: sentences(&client, covered),
            name: client.name,
            reason: String::new(),
            note: None,
        })
    }
}

/// A block, as pages show it.
#[derive(Clone, Debug)]
pub(super) struct BlockView {
    pub(super) id: String,
    pub(super) client: String,
    pub(super) client_href: String,
    /// For whom and where.
    pub(super) scope: String,
    for_everyone: bool,
    pub(super) when: When,
    pub(super) by: String,
    pub(super) reason: Option<String>,
    /// Whether it is the viewer's to lift.
    pub(super) liftable: bool,
}

impl BlockView {
    /// Whether nobody can connect the client.
    pub(super) fn is_for_everyone(&self) -> bool {
        self.for_everyone
    }
}

/// `GET /clients/{id}/block`.
///
/// # Errors
/// A page, when there is no such client for this person to block.
pub async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    let client = governed(&mut tx, &visit.principal, &id).await?;
    let params = Params::parse(visit.req.query_string().as_bytes());
    let back = page_before(&visit, &params, &client);
    if client_block::among(&mut tx, std::slice::from_ref(&client.id))
        .await?
        .contains(&client.id)
    {
        let said = Flash::Done(sentence(&client.name, &Blocked::Before));
        return Ok(visit.go_on(&back, said));
    }
    let page = BlockPage::read(&visit, &mut tx, (client, back)).await?;
    visit.page(StatusCode::OK, &page)
}

/// `POST /clients/{id}/block`.
///
/// # Errors
/// A page, when there is no such client for this person to block.
pub async fn act(visit: Visit, id: Path<String>, form: Protected) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let typed = typed_reason(&params)?;
    let mut tx = visit.app.db.write().await?;
    let client = governed(&mut tx, &visit.principal, &id).await?;
    let back = page_before(&visit, &params, &client);
    let reason = match reason(&typed) {
        Ok(reason) => reason,
        Err(too_long) => {
            let page = BlockPage {
                reason: typed,
                note: Some(too_long),
                ..BlockPage::read(&visit, &mut tx, (client, back)).await?
            };
            return visit.page(StatusCode::BAD_REQUEST, &page);
        }
    };
    let (context, everyone) = (visit.context(), Scope::default());
    let outcome = block::client(&mut tx, &context, &client, everyone, reason.as_deref()).await?;
    tx.commit().await?;
    let said = Flash::Done(sentence(&client.name, &outcome));
    Ok(visit.go_on(&back, said))
}

/// `POST /blocks/{id}/lift`.
///
/// # Errors
/// A page, when there is no such block for this person to lift.
pub async fn lift(
    visit: Visit,
    id: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let id = BlockId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = visit.app.db.write().await?;
    let found = client_block::by_id(&mut tx, &id).await?;
    let found = found.filter(|found| may_lift(found, &visit.principal));
    let found = found.ok_or_else(Problem::not_found)?;
    let lifted = block::lift(&mut tx, &visit.context(), &id, None).await?;
    tx.commit().await?;
    let said = match lifted {
        Some(_) => format!(
            "{} may connect again {}. What the block ended stays ended.",
            found.client_name,
            scope_words(&found)
        ),
        None => format!(
            "{} had been unblocked before. Nothing else was changed.",
            found.client_name
        ),
    };
    let back = local_path(params.one("back").ok().flatten());
    Ok(visit.go_on(&back, Flash::Done(said)))
}

/// The client, if it is this person's to block for everyone.
async fn governed(tx: &mut Tx, principal: &Principal, id: &str) -> Result<Client, Problem> {
    let id = ClientId::parse(id).ok_or_else(Problem::not_found)?;
    let client = store::client::by_id(tx, &id).await?;
    client
        .filter(|client| principal.changes().covers_projects(client.project.as_ref()))
        .ok_or_else(Problem::not_found)
}

fn href(client: &Client) -> String {
    format!("/clients/{}", client.id)
}

/// The page that the question was asked from; the client's, if nothing says which.
fn page_before(visit: &Visit, params: &Params, client: &Client) -> String {
    back::page(&visit.req, params).unwrap_or_else(|| href(client))
}

fn sentences(client: &Client, covered: Covered) -> Vec<String> {
    let ends = match covered.connections {
        0 => "Nobody is connected with it now.".to_owned(),
        count => format!(
            "This ends {} of {}, at once.",
            number::connections(count),
            match covered.people {
                1 => "1 person".to_owned(),
                people => format!("{people} people"),
            }
        ),
    };
    let known = match covered.registrations {
        _ if client.look_alike().is_none() => None,
        1 => Some("It registered itself, and".to_owned()),
        count => Some(format!(
            "{count} registrations have this name and these redirect URIs. All of them are \
             blocked, and the app"
        )),
    };
    let known = known.map(|known| {
        format!("{known} cannot come back by registering again. An app that gives itself another name or address is another client.")
    });
    let after = "Nobody can connect with it until it is unblocked. What this ends stays ended \
                 then: people connect again, with consent.";
    std::iter::once(ends)
        .chain(known)
        .chain([after.to_owned()])
        .collect()
}

fn sentence(name: &str, outcome: &Blocked) -> String {
    match outcome {
        Blocked::Before => format!("{name} had been blocked before. Nothing else was changed."),
        Blocked::Now { ended: 0 } => format!("Blocked {name}. Nobody was connected with it."),
        Blocked::Now { ended } => format!(
            "Blocked {name} and ended {}.",
            number::connections(*ended as i64)
        ),
    }
}

/// The blocks of a client in this person's sight.
pub(super) async fn of_client(
    tx: &mut Tx,
    client: &Client,
    principal: &Principal,
    now: Timestamp,
) -> store::Result<Vec<BlockView>> {
    let listed = client_block::of_client(tx, &client.identity()).await?;
    Ok(in_sight(listed, principal, now))
}

/// The clients blocked for one person, in the viewer's sight.
pub(super) async fn of_person(
    tx: &mut Tx,
    person: &PersonId,
    principal: &Principal,
    now: Timestamp,
) -> store::Result<Vec<BlockView>> {
    let listed = client_block::of_person(tx, person).await?;
    Ok(in_sight(listed, principal, now))
}

/// The blocks that keep this connection from being made again.
pub(super) async fn of_connection(
    tx: &mut Tx,
    client: &Client,
    row: &connection_list::Listed,
) -> store::Result<Vec<Listed>> {
    let mut listed = client_block::of_client(tx, &client.identity()).await?;
    listed.retain(|listed| {
        let Scope { person, project } = &listed.block.scope;
        person.as_ref().is_none_or(|person| *person == row.person)
            && project
                .as_ref()
                .is_none_or(|project| *project == row.project)
    });
    Ok(listed)
}

/// Where the client is blocked for everyone; `None` when that is done or not the viewer's.
pub(super) fn href_for(
    client: &Client,
    blocks: &[BlockView],
    principal: &Principal,
) -> Option<String> {
    let blockable = principal.changes().covers_projects(client.project.as_ref())
        && client.revoked_at.is_none()
        && !blocks.iter().any(BlockView::is_for_everyone);
    blockable.then(|| format!("{}/block", href(client)))
}

/// Those of the blocks that the viewer may know of.
pub(super) fn in_sight(
    listed: Vec<Listed>,
    principal: &Principal,
    now: Timestamp,
) -> Vec<BlockView> {
    let sees = principal.sees();
    let in_sight = |listed: &Listed| {
        let person = &listed.block.scope.person;
        person.is_none() || *person == principal.person || sees.covers_projects(place(listed))
    };
    let view = |listed: Listed| BlockView {
        id: listed.block.id.to_string(),
        client_href: format!("/clients/{}", listed.block.client),
        scope: scope_words(&listed),
        for_everyone: listed.block.scope == Scope::default(),
        when: moment::when(listed.block.at, now),
        liftable: may_lift(&listed, principal),
        client: listed.client_name,
        by: listed.block.by,
        reason: listed.block.reason,
    };
    listed.into_iter().filter(in_sight).map(view).collect()
}

fn may_lift(listed: &Listed, principal: &Principal) -> bool {
    principal.changes().covers_projects(place(listed))
}

/// The project whose administrators look after the block; `None` when it is the owners'.
fn place(listed: &Listed) -> Option<&ProjectId> {
    let at = listed.block.scope.project.as_ref();
    at.or(listed.client_project.as_ref())
}

fn scope_words(listed: &Listed) -> String {
    let whom = match &listed.person_email {
        Some(email) => format!("for {email}"),
        None => "for everyone".to_owned(),
    };
    match &listed.project_name {
        Some(project) => format!("{whom}, at {project}"),
        None => whom,
    }
}

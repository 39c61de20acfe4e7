//! One client: a panel beside the list, and a page of its own.

use actix_web::{HttpResponse, web::Path};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        client::{Client, ClientType},
        ids::{ClientId, ProjectId},
        role::{Principal, Reach},
    },
    store::{
        self, Tx,
        connection_filter::{Filter, Statuses},
        connection_groups::{self, Group, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
        connection_list,
        project::Endpoint,
    },
    web::{params::Params, problem::Problem},
};

use super::{
    back,
    block::{self, BlockView},
    counts::{self, CountLinks},
    logo,
    look_alikes::{self, Alikes},
    manage, moment, origin, project,
    query::{Layout, ListQuery},
    setup::{self, Setup},
    view::{Frame, LogoView, When},
    visit::Visit,
};

/// How many projects of one client are shown.
const PROJECTS_SHOWN: u32 = 20;

/// A client's page; `as_panel()` is the same as a `<dialog>` alone.
#[derive(Clone, Debug, Template)]
#[template(path = "client.html", blocks = ["panel"])]
struct ClientPage {
    frame: Frame,
    /// The page's own address.
    href: String,
    /// The page that it was reached from.
    before: String,
    client: ClientView,
    counts: CountLinks,
    /// Where all of them that can be revoked are revoked.
    revoke_all_href: Option<String>,
    /// The latest use of any of its connections that are in sight.
    last_used: Option<When>,
    /// The MCP servers it is used with.
    projects: Vec<ProjectView>,
    /// Label and address of the list of the others, when there are too many.
    more_projects: Option<(String, String)>,
    /// Whether people may connect it.
    works: bool,
    /// For whom it is blocked.
    blocks: Vec<BlockView>,
    /// Blocks of this client, not of a person.
    of_person: bool,
    /// Its address with the way back.
    here: String,
    /// Where it is blocked for everyone; `None` when that is done or not the viewer's.
    block_href: Option<String>,
    /// The registrations that look like this one.
    alike: Option<Alikes>,
    /// Where it is looked after, for those who may look.
    manage_href: Option<String>,
    /// Whether this person may change it there.
    manages: bool,
    setups: Vec<Setup>,
    /// The host whose configuration is unfolded.
    open: &'static str,
}

/// What a registration says.
#[derive(Clone, Debug)]
struct ClientView {
    logo: LogoView,
    name: String,
    kind: &'static str,
    origin: String,
    created: When,
    /// `None` reads "not recorded".
    created_by: Option<String>,
    revoked: Option<When>,
    identifier: String,
    confidential: bool,
    /// Whether hosts must be told the client ID.
    given: bool,
    redirect_uris: Vec<String>,
}

/// A project of the client's.
#[derive(Clone, Debug)]
struct ProjectView {
    name: String,
    /// Its own page, for those who may look.
    href: Option<String>,
    resource: String,
}

/// `GET /clients/{id}`.
///
/// # Errors
/// A page, when there is no such client in this person's sight.
pub async fn show(visit: Visit, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = ClientId::parse(&id).ok_or_else(Problem::not_found)?;
    let page = ClientPage::read(&visit, &id).await?;
    visit.page_or_part(&page, page.as_panel())
}

impl ClientPage {
    /// The page of a client that is in this person's sight.
    async fn read(visit: &Visit, id: &ClientId) -> Result<Self, Problem> {
        let (app, principal, now) = (&visit.app, &visit.principal, visit.now);
        let (query, reach) = (connections_of(id, principal), principal.sees());
        let filter = query.filter(reach.clone(), app.rules.lifetimes.cutoffs(now), now);
        let mut tx = app.db.snapshot().await?;
        let client = store::client::by_id(&mut tx, id).await?;
        let client = client.ok_or_else(Problem::not_found)?;
        let counts = counts::links(connection_list::counts(&mut tx, &filter).await?, &query);
        if !reach.covers_client(client.project.as_ref(), counts.total > 0) {
            return Err(Problem::not_found());
        }
        let groups = projects(&mut tx, &filter).await?;
        let endpoints = endpoints(&mut tx, &client, &groups).await?;
        let last_used = groups.first().and_then(|group| group.last_used_at);
        let blocks = block::of_client(&mut tx, &client, principal, now).await?;
        let works = client.revoked_at.is_none() && !blocks.iter().any(BlockView::is_for_everyone);
        let setups = match works {
            true => setup::of(Some(&client), &endpoints, &app.settings.public_url),
            false => Vec::new(),
        };
        let asked = Params::parse(visit.req.query_string().as_bytes());
        let before = back::page(&visit.req, &asked);
        let href = format!("/clients/{id}");
        let here = back::address(&href, before.as_deref());
        let named = ("client", id.as_str());
        let revoke_all_href =
            counts::revoke_all(app, &mut tx, principal, &query, (named, &here), now).await?;
        let alike = look_alikes::of(&mut tx, &client, &reach, now).await?;
        let alike = alike.map(|alike| leading_back(alike, before.as_deref()));
        let creator = store::audit::creator(&mut tx, id).await?;
        Ok(Self {
            frame: visit.frame(),
            href,
            counts,
            revoke_all_href,
            last_used: last_used.map(|at| moment::when(at, now)),
            projects: endpoints
                .iter()
                .map(|endpoint| project_view(endpoint, &reach))
                .collect(),
            more_projects: more_projects(&groups, &query),
            works,
            block_href: block::href_for(&client, &blocks, principal)
                .map(|href| back::address(&href, Some(&here))),
            blocks,
            of_person: false,
            here,
            before: before.unwrap_or_else(|| "/connections".to_owned()),
            alike,
            manage_href: manage_href(&client, &endpoints, &reach),
            manages: client
                .project
                .as_ref()
                .is_some_and(|project| principal.changes().covers_project(project)),
            open: setups
                .iter()
                .find(|setup| setup.fits)
                .map_or("", |setup| setup.host),
            setups,
            client: client_view(client, creator, now),
        })
    }
}

/// The same, whose pages lead back to where this one does.
fn leading_back(mut alike: Alikes, before: Option<&str>) -> Alikes {
    for other in &mut alike.shown {
        other.href = back::address(&other.href, before);
    }
    alike
}

/// The list of the client's connections, of every status.
fn connections_of(id: &ClientId, principal: &Principal) -> ListQuery {
    ListQuery {
        clients: vec![id.clone()],
        statuses: Statuses::ALL,
        ..ListQuery::of(principal).in_layout(Layout::List)
    }
}

fn more_projects(groups: &[Group], query: &ListQuery) -> Option<(String, String)> {
    (groups.len() > PROJECTS_SHOWN as usize).then(|| {
        let by_project = query.in_layout(Layout::Groups(GroupBy::Project));
        ("All its projects".to_owned(), by_project.href())
    })
}

/// Where a client that belongs to a project is looked after.
fn manage_href(client: &Client, endpoints: &[Endpoint], reach: &Reach) -> Option<String> {
    let project = client.project.as_ref()?;
    let endpoint = endpoints
        .first()
        .filter(|_| reach.covers_project(project))?;
    Some(manage::client_path(&endpoint.slug, &client.id))
}

/// The projects of the connections, the most recently used first, and one too many when
/// there are more than are shown.
async fn projects(tx: &mut Tx, filter: &Filter) -> store::Result<Vec<Group>> {
    let grouping = Grouping {
        by: GroupBy::Project,
        order: GroupOrder::RECENT,
        with_empty: WithEmpty::No,
    };
    connection_groups::page(
        tx,
        filter,
        &grouping,
        &GroupPlace::Start,
        PROJECTS_SHOWN + 1,
    )
    .await
}

/// Where the client may be used: at the project it belongs to, or else at those of its
/// connections.
async fn endpoints(tx: &mut Tx, client: &Client, groups: &[Group]) -> store::Result<Vec<Endpoint>> {
    let ids: Vec<_> = match &client.project {
        Some(project) => vec![project.clone()],
        None => {
            let shown = groups.iter().take(PROJECTS_SHOWN as usize);
            shown
                .filter_map(|group| ProjectId::parse(&group.id))
                .collect()
        }
    };
    store::project::endpoints(tx, Some(&ids), PROJECTS_SHOWN).await
}

fn client_view(client: Client, creator: Option<String>, now: Timestamp) -> ClientView {
    ClientView {
        logo: logo::view(&client.name, client.logo.as_ref()),
        kind: match client.client_type {
            ClientType::Public => "Public client",
            ClientType::Confidential => "Confidential client",
        },
        origin: origin::words(
            client.origin,
            Some(client.document_host().unwrap_or(&client.identifier)),
        ),
        created: moment::dated(client.created_at),
        created_by: creator,
        revoked: client.revoked_at.map(|at| moment::when(at, now)),
        confidential: client.client_type == ClientType::Confidential,
        given: setup::is_given(&client),
        redirect_uris: client
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned())
            .collect(),
        name: client.name,
        identifier: client.identifier,
    }
}

fn project_view(endpoint: &Endpoint, reach: &Reach) -> ProjectView {
    ProjectView {
        name: endpoint.name.clone(),
        href: reach
            .covers_project(&endpoint.id)
            .then(|| project::path(&endpoint.slug)),
        resource: endpoint.resource.as_str().to_owned(),
    }
}

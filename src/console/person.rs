//! One person and everything they connected; for oneself under a name of its own.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        connection::Status,
        ids::{ConnectionId, PersonId, ProjectId},
        role::{Principal, Reach},
    },
    store::{
        self, Tx,
        connection_filter::Statuses,
        connection_groups::{self, Group, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
        connection_list::{self, Column, Counts, Listed, Order, Place},
        person::Person,
        project::Endpoint,
    },
    web::{identity, params::Params, problem::Problem, state::App},
};

use super::{
    back,
    block::{self, BlockView},
    connections::standing,
    counts::{self, CountLinks},
    frame, moment, number,
    query::{Layout, ListQuery},
    revoke::see_other,
    view::{Frame, StatusView, When, below_name},
    visit::Visit,
};

/// How many connections are shown here; the list has all of them.
const ROWS_SHOWN: u32 = 50;

/// How many projects are named.
const PROJECTS_SHOWN: u32 = 20;

/// Those that work first, the newest first among them.
const ORDER: Order = Order {
    column: Column::Status,
    descending: false,
};

/// A person's page; `as_list()` is the part with flash and connections.
#[derive(Clone, Debug, Template)]
#[template(path = "person.html", blocks = ["list"])]
struct PersonPage {
    frame: Frame,
    heading: String,
    /// The page that it was reached from, and what the link back says.
    before: Option<(String, &'static str)>,
    /// What is known of the person; `None` on one's own page.
    facts: Option<Facts>,
    connected: Connected,
    /// The clients that are blocked for the person.
    blocks: Vec<BlockView>,
    of_person: bool,
    here: String,
    /// Where one may begin: names and addresses of MCP servers in one's sight.
    servers: Vec<(String, String)>,
}

/// What a person connected, as far as it is in the viewer's sight.
#[derive(Clone, Debug)]
struct Connected {
    counts: CountLinks,
    last_used: Option<When>,
    projects: Vec<ProjectLink>,
    /// How many others there are, and where: "2 more".
    more_projects: Option<(String, String)>,
    rows: Vec<PersonRow>,
    /// Where all that can be revoked is revoked.
    revoke_all_href: Option<String>,
}

/// What is known of a person.
#[derive(Clone, Debug)]
struct Facts {
    /// See [`below_name`].
    note: Option<String>,
    /// What the sign-in proxy calls them, where it is not the e-mail.
    subject: Option<String>,
    role: Option<&'static str>,
    deactivated: Option<When>,
    /// When they first and last answered a consent page, of whatever project: for those who see
    /// all of them.
    seen: Option<[When; 2]>,
}

/// A project, and the person's connections to it.
#[derive(Clone, Debug)]
struct ProjectLink {
    name: String,
    count: String,
    href: String,
}

/// A connection of the person's.
#[derive(Clone, Debug)]
struct PersonRow {
    id: String,
    name: String,
    client: String,
    client_href: String,
    project: String,
    authorized: When,
    status: StatusView,
    last_used: Option<When>,
    /// Not revoked yet, and the viewer's to revoke.
    revocable: bool,
}

/// `GET /people/{id}`.
///
/// # Errors
/// A page, when there is no such person in this person's sight.
pub async fn show(visit: Visit, id: Path<String>) -> Result<HttpResponse, Problem> {
    let Visit {
        app,
        principal,
        now,
        ..
    } = &visit;
    let id = PersonId::parse(&id).ok_or_else(Problem::not_found)?;
    let reach = principal.sees();
    let mut tx = app.db.snapshot().await?;
    let person = store::person::by_id(&mut tx, &id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let asked = Params::parse(visit.req.query_string().as_bytes());
    let before = back::page(&visit.req, &asked);
    let here = back::address(&format!("/people/{id}"), before.as_deref());
    let connected = connected(&visit, &mut tx, (&id, &here)).await?;
    if !reach.covers_person(&id, connected.counts.total > 0) {
        return Err(Problem::not_found());
    }
    // Their role, and what they do, elsewhere is nothing that administrators of projects need to
    // know.
    let sees_all = reach == Reach::All || principal.person.as_ref() == Some(&id);
    let role = if sees_all {
        let known = person.identity.clone();
        let roles = identity::authorize(app, &mut tx, known, Some(id)).await?;
        Some(roles.role_word())
    } else {
        None
    };
    let blocks = block::of_person(&mut tx, &person.id, principal, *now).await?;
    let page = PersonPage {
        blocks,
        of_person: true,
        here,
        before: before.map(|page| {
            let said = back::label(Some(&page));
            (page, said)
        }),
        frame: visit.frame(),
        heading: person.identity.name.clone(),
        facts: Some(facts(person, role, sees_all, *now)),
        connected,
        servers: Vec::new(),
    };
    visit.page_or_part(&page, page.as_list())
}

/// `GET /people`: everyone is in the list, under their name.
pub async fn everyone(_principal: Principal) -> HttpResponse {
    see_other(frame::PEOPLE)
}

/// `GET /people/of/{id}`: the page of whoever connected this, which a list can name
/// without an id of theirs.
///
/// # Errors
/// A page, when there is no such connection in this person's sight.
pub async fn of(
    app: Data<App>,
    principal: Principal,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = app.db.read().await?;
    let found = connection_list::by_ids(&mut tx, &principal.sees(), &[id]).await?;
    let found = found.first().ok_or_else(Problem::not_found)?;
    Ok(see_other(&format!("/people/{}", found.person)))
}

/// `GET /me`.
///
/// # Errors
/// A page, when the database failed.
pub async fn me(visit: Visit) -> Result<HttpResponse, Problem> {
    let principal = &visit.principal;
    let mut tx = visit.app.db.snapshot().await?;
    let connected = match &principal.person {
        Some(id) => connected(&visit, &mut tx, (id, "/me")).await?,
        None => Connected::nothing(principal),
    };
    let servers = match (connected.counts.total, principal.sees()) {
        (0, Reach::All) => store::project::endpoints(&mut tx, None, PROJECTS_SHOWN).await?,
        (0, Reach::Some { projects, .. }) => {
            store::project::endpoints(&mut tx, Some(&projects), PROJECTS_SHOWN).await?
        }
        _ => Vec::new(),
    };
    // Nobody can begin with one that is archived.
    let servers = servers.into_iter().filter(|server| !server.archived);
    let server = |server: Endpoint| (server.name, server.resource.as_str().to_owned());
    let blocks = match &principal.person {
        Some(id) => block::of_person(&mut tx, id, principal, visit.now).await?,
        None => Vec::new(),
    };
    let page = PersonPage {
        blocks,
        of_person: true,
        here: "/me".to_owned(),
        before: None,
        frame: visit.frame(),
        heading: frame::MINE.to_owned(),
        facts: None,
        connected,
        servers: servers.into_iter().map(server).collect(),
    };
    visit.page_or_part(&page, page.as_list())
}

fn facts(person: Person, role: Option<&'static str>, sees_all: bool, now: Timestamp) -> Facts {
    let identity = person.identity;
    Facts {
        note: below_name(&identity.name, &identity.email),
        subject: (identity.subject != identity.email).then_some(identity.subject),
        role,
        deactivated: person.deactivated_at.map(|at| moment::when(at, now)),
        seen: sees_all
            .then(|| [person.first_seen_at, person.last_seen_at].map(|at| moment::when(at, now))),
    }
}

impl Connected {
    /// For someone who never connected anything.
    fn nothing(principal: &Principal) -> Self {
        Self {
            counts: counts::links(Counts::default(), &ListQuery::of(principal)),
            last_used: None,
            projects: Vec::new(),
            more_projects: None,
            rows: Vec::new(),
            revoke_all_href: None,
        }
    }
}

/// What a person connected, on the page at the address `here`.
async fn connected(
    visit: &Visit,
    tx: &mut Tx,
    (id, here): (&PersonId, &str),
) -> store::Result<Connected> {
    let (app, principal, now) = (&visit.app, &visit.principal, visit.now);
    let query = ListQuery {
        people: vec![id.clone()],
        statuses: Statuses::ALL,
        ..ListQuery::of(principal).in_layout(Layout::List)
    };
    let cutoffs = app.rules.lifetimes.cutoffs(now);
    let filter = query.filter(principal.sees(), cutoffs, now);
    let counts = connection_list::counts(tx, &filter).await?;
    let rows = connection_list::page(tx, &filter, ORDER, &Place::Start, ROWS_SHOWN).await?;
    let grouping = Grouping {
        by: GroupBy::Project,
        order: GroupOrder::RECENT,
        with_empty: WithEmpty::No,
    };
    let start = GroupPlace::Start;
    let projects = connection_groups::page(tx, &filter, &grouping, &start, PROJECTS_SHOWN).await?;
    let more = match projects.len() < PROJECTS_SHOWN as usize {
        true => 0,
        false => {
            connection_groups::count(tx, &filter, &grouping).await? - i64::from(PROJECTS_SHOWN)
        }
    };
    let named = ("person", id.as_str());
    let revoke_all_href =
        counts::revoke_all(app, tx, principal, &query, (named, here), now).await?;
    let last_used = projects.first().and_then(|project| project.last_used_at);
    Ok(Connected {
        counts: counts::links(counts, &query),
        last_used: last_used.map(|at| moment::when(at, now)),
        projects: projects
            .into_iter()
            .map(|project| project_link(project, &query))
            .collect(),
        more_projects: (more > 0).then(|| {
            let all = query.in_layout(Layout::Groups(GroupBy::Project)).href();
            (format!("{} more", number::grouped(more)), all)
        }),
        rows: rows.into_iter().map(|row| row_for(visit, row)).collect(),
        revoke_all_href,
    })
}

fn project_link(project: Group, query: &ListQuery) -> ProjectLink {
    ProjectLink {
        href: ListQuery {
            projects: ProjectId::parse(&project.id).into_iter().collect(),
            ..query.clone()
        }
        .href(),
        name: project.name,
        count: number::grouped(project.wanted),
    }
}

fn row_for(visit: &Visit, row: Listed) -> PersonRow {
    let status = row.life.status(&visit.app.rules.lifetimes, visit.now);
    let changes = visit.principal.changes().covers(&row.person, &row.project);
    let revocable = changes && !matches!(status, Status::Revoked(_));
    PersonRow {
        revocable,
        status: standing(&status, &row, visit.now),
        client_href: format!("/clients/{}", row.client),
        id: row.id.to_string(),
        name: row.name,
        client: row.client_name,
        project: row.project_name,
        authorized: moment::dated(row.life.authorized_at),
        last_used: row
            .connected_at
            .map(|_| moment::when(row.life.last_used_at, visit.now)),
    }
}

//! Every client in a person's sight, with how many connections it has.

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        client::Origin,
        ids::{ClientId, ProjectId},
        resource::WebAddress,
        role::{Principal, Reach},
    },
    store::{
        self, Tx, client_block,
        connection_filter::Filter,
        connection_groups::{self, Group, GroupBy, GroupPlace, Grouping, WithEmpty},
        project::Endpoint,
    },
    web::{
        params::{Params, encode},
        problem::Problem,
    },
};

use super::{
    connections::{group_row, paging},
    counts, logo, moment, number, origin,
    query::{ListQuery, View, address},
    revoke::see_other,
    view::{Frame, LogoView, When, list::Head},
    visit::Visit,
};

/// What an address of this page may say: the rest of a list's parameters are given.
const PARAMETERS: [&str; 6] = ["q", "sort", "dir", "per", "after", "before"];

/// The page.
#[derive(Debug, Template)]
#[template(path = "clients.html")]
struct ClientsPage {
    frame: Frame,
    /// What was searched for.
    text: String,
    /// The order and the size of the page, for the search to keep.
    hidden: Vec<(&'static str, String)>,
    intro: String,
    /// "14 clients".
    summary: String,
    heads: Vec<Head>,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Debug)]
struct Row {
    href: String,
    logo: LogoView,
    name: String,
    origin: String,
    revoked: bool,
    blocked: bool,
    /// The project of its connections, or how many there are.
    projects: String,
    count: String,
    /// "2 of 42 match", when only some of them match the search.
    matching: Option<String>,
    /// Class and words of each status that there is.
    parts: Vec<(&'static str, String)>,
    last_used: Option<When>,
}

/// `GET /clients`.
///
/// # Errors
/// A page, when the query makes no sense.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let (app, principal, now) = (&visit.app, &visit.principal, visit.now);
    let params = Params::parse(visit.req.query_string().as_bytes());
    let query = asked(&params, principal)?;
    let View::Groups { order, place, .. } = &query.view else {
        return Err(Problem::not_found());
    };
    let grouping = Grouping {
        by: GroupBy::Client,
        order: *order,
        with_empty: WithEmpty::All,
    };
    let cutoffs = app.rules.lifetimes.cutoffs(now);
    let filter = query.filter(principal.sees(), cutoffs, now);
    let mut tx = app.db.snapshot().await?;
    let count = connection_groups::count(&mut tx, &filter, &grouping).await?;
    let per = query.per;
    let mut found = connection_groups::page(&mut tx, &filter, &grouping, place, per + 1).await?;
    let (backwards, at_start) = (
        matches!(place, GroupPlace::Before(_)),
        *place == GroupPlace::Start,
    );
    if found.is_empty() && !at_start {
        // What stood here is gone.
        return Ok(see_other(&on_this_page(&query.first_page())));
    }
    let sides = paging::at(&mut found, per, backwards, at_start);
    let first = found.first().filter(|_| sides.previous);
    let last = found.last().filter(|_| sides.next);
    let known = Known::read(&mut tx, &filter, &found).await?;
    let page = ClientsPage {
        frame: visit.frame(),
        intro: intro(&principal.sees(), &app.settings.organization),
        summary: match count {
            1 => "1 client".to_owned(),
            count => format!("{} clients", number::grouped(count)),
        },
        previous: first.map(|group| href(&query, GroupPlace::Before(group.key(*order)))),
        next: last.map(|group| href(&query, GroupPlace::After(group.key(*order)))),
        heads: heads(&query),
        rows: found.iter().map(|group| row(group, &known, now)).collect(),
        text: query.text.clone().unwrap_or_default(),
        hidden: kept_by_search(&query),
    };
    visit.page(StatusCode::OK, &page)
}

/// What a search keeps of the address: all but the term and the place in the list.
fn kept_by_search(query: &ListQuery) -> Vec<(&'static str, String)> {
    let mut pairs = query.first_page().pairs();
    pairs.retain(|(name, _)| PARAMETERS.contains(name) && *name != "q");
    pairs
}

/// Which clients these are.
fn intro(reach: &Reach, organization: &str) -> String {
    match reach {
        Reach::All => {
            format!("Every app that is registered with {organization}, however it came to be.")
        }
        Reach::Some { projects, .. } if projects.is_empty() => {
            "The apps that you have connected.".to_owned()
        }
        Reach::Some { .. } => {
            "The apps that are used at your projects, or were made for them, and \
             those that you have connected."
                .to_owned()
        }
    }
}

/// The list of connections by client, of every status, that an address of this page means.
fn asked(params: &Params, principal: &Principal) -> Result<ListQuery, Problem> {
    let own = params.pairs().filter(|(name, _)| PARAMETERS.contains(name));
    let given = [
        ("view", "client"),
        ("status", "active"),
        ("status", "expired"),
        ("status", "revoked"),
    ];
    let whole = encode(own.chain(given));
    ListQuery::parse(&Params::parse(whole.as_bytes()), principal)
        .map_err(|problem| problem.with_link("All clients", "/clients"))
}

fn href(query: &ListQuery, place: GroupPlace) -> String {
    let mut query = query.clone();
    if let View::Groups { place: shown, .. } = &mut query.view {
        *shown = place;
    }
    on_this_page(&query)
}

/// The address of this page that shows what the query asks for.
fn on_this_page(query: &ListQuery) -> String {
    let mut pairs = query.pairs();
    pairs.retain(|(name, _)| PARAMETERS.contains(name));
    address("/clients", &pairs)
}

/// The headers of the table: those of the list by client, and the origin, which nothing is
/// sorted by.
fn heads(query: &ListQuery) -> Vec<Head> {
    let mut heads = paging::heads(query, on_this_page);
    let origin = Head {
        label: "Origin",
        href: None,
        sort: None,
        fold: false,
    };
    heads.insert(1.min(heads.len()), origin);
    // Nothing folds here.
    heads.iter_mut().for_each(|head| head.fold = false);
    heads
}

/// One project of each group that has any.
async fn projects(tx: &mut Tx, groups: &[Group]) -> Result<Vec<Endpoint>, Problem> {
    let ids = groups
        .iter()
        .filter_map(|group| group.project_id.as_deref());
    let mut ids: Vec<_> = ids.filter_map(ProjectId::parse).collect();
    ids.sort();
    ids.dedup();
    Ok(store::project::endpoints(tx, Some(&ids), ids.len() as u32).await?)
}

/// What is known about the clients of a page together.
struct Known {
    projects: Vec<Endpoint>,
    /// How many connections each has without the search, where that is more.
    totals: Vec<(String, i64)>,
    blocked: Vec<ClientId>,
}

impl Known {
    async fn read(tx: &mut Tx, filter: &Filter, groups: &[Group]) -> Result<Self, Problem> {
        let ids = groups.iter().filter_map(|group| ClientId::parse(&group.id));
        let ids: Vec<_> = ids.collect();
        Ok(Self {
            projects: projects(tx, groups).await?,
            totals: group_row::totals(tx, filter, GroupBy::Client, groups).await?,
            blocked: client_block::among(tx, &ids).await?,
        })
    }
}

fn row(group: &Group, known: &Known, now: Timestamp) -> Row {
    let id = group.project_id.as_deref();
    let project = known
        .projects
        .iter()
        .find(|project| Some(project.id.as_str()) == id);
    Row {
        href: format!("/clients/{}", group.id),
        logo: logo::view(&group.name, group.logo.as_ref()),
        name: group.name.clone(),
        origin: origin(group),
        revoked: group.client_revoked,
        blocked: known.blocked.iter().any(|id| id.as_str() == group.id),
        projects: match (group.projects, project) {
            (0, _) => String::new(),
            (1, Some(project)) => project.name.clone(),
            (count, _) => format!("{} projects", number::grouped(count)),
        },
        count: number::grouped(group.wanted),
        matching: group_row::matching(group, &known.totals),
        parts: counts::parts(group.counts),
        last_used: group.last_used_at.map(|at| moment::when(at, now)),
    }
}

fn origin(group: &Group) -> String {
    let host = WebAddress::parse(&group.detail);
    let host = host.map_or(&*group.detail, |host| host.authority);
    origin::words(group.origin.unwrap_or(Origin::Registered), Some(host))
}

//! The projects that someone looks after.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        ids::ProjectId,
        role::{Principal, Reach},
    },
    store::{
        Tx,
        connection_filter::Statuses,
        connection_groups::{self, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
        project_list::{self, Listed, Place, Server, Wanted},
    },
    web::{params::Params, problem::Problem, state::App},
};

use super::{
    connections::paging::{self, Sides},
    moment, number,
    query::{Layout, ListQuery, address, search_term},
    revoke::see_other,
    view::{Frame, When},
    visit::Visit,
};

/// How many projects a page has.
const PER_PAGE: u32 = 50;

/// How many administrators of a project are named.
const NAMED: usize = 3;

/// The page.
#[derive(Debug, Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    frame: Frame,
    /// Whether this person may add one.
    add: bool,
    text: String,
    /// Whether these are the archived ones.
    archived: bool,
    /// The others: words and address.
    others: Option<(String, String)>,
    summary: String,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Debug)]
struct Row {
    href: String,
    name: String,
    slug: String,
    resource: String,
    administrators: Vec<String>,
    /// How many more there are.
    more: usize,
    clients: String,
    clients_href: String,
    active: String,
    active_href: String,
    asked: Option<When>,
    health: Health,
}

/// What the last check of a server came to.
#[derive(Clone, Debug)]
pub struct Health {
    /// `active`, `expired` or `failing`; empty when it was never checked.
    pub class: &'static str,
    /// In words.
    pub word: String,
    /// When that was.
    pub checked: Option<When>,
}

/// `GET /projects`: all for those who see everything, else those that one administers.
///
/// # Errors
/// A page, for whoever has none to look after, and when the query makes no sense.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let Visit { app, principal, .. } = &visit;
    if !principal.looks_beyond_themselves() {
        return Err(Problem::not_found());
    }
    let asked = Asked::parse(&visit.req)?;
    let reach = principal.sees();
    let wanted = asked.wanted(&reach);
    let mut tx = app.db.snapshot().await?;
    let mut found = project_list::page(&mut tx, &wanted, asked.place(), PER_PAGE + 1).await?;
    let (after, before) = (&asked.after, &asked.before);
    let at_start = after.is_none() && before.is_none();
    if found.is_empty() && !at_start {
        // What stood here is gone.
        return Ok(see_other(&asked.first_page().href()));
    }
    let sides = paging::at(&mut found, PER_PAGE, before.is_some(), at_start);
    let (previous, next) = asked.neighbours(&found, sides);
    let count = project_list::count(&mut tx, &wanted).await?;
    let others = asked.others(&mut tx, &reach).await?;
    let page = ProjectsPage {
        frame: visit.frame(),
        add: principal.adds_projects(),
        summary: asked.summary(count),
        archived: asked.archived,
        others,
        rows: rows(app, &mut tx, principal, found, visit.now).await?,
        previous,
        next,
        text: asked.text.unwrap_or_default(),
    };
    visit.page(StatusCode::OK, &page)
}

/// The query of the list.
#[derive(Clone)]
struct Asked {
    text: Option<String>,
    archived: bool,
    after: Option<ProjectId>,
    before: Option<ProjectId>,
}

impl Asked {
    fn parse(req: &HttpRequest) -> Result<Self, Problem> {
        let params = Params::parse(req.query_string().as_bytes());
        let wrong =
            |text: String| Problem::bad_request(text).with_link("All projects", "/projects");
        let one = |name| params.one(name).map_err(|error| wrong(format!("{error}.")));
        let archived = match one("archived")? {
            None => false,
            Some("yes") => true,
            Some(_) => return Err(wrong("archived can only be yes.".to_owned())),
        };
        let id = |name| match one(name)? {
            None => Ok(None),
            Some(text) => ProjectId::parse(text)
                .map(Some)
                .ok_or_else(|| wrong(format!("{name} is not the id of a project."))),
        };
        let after = id("after")?;
        Ok(Self {
            before: id("before")?.filter(|_| after.is_none()),
            after,
            archived,
            text: search_term(one("q")?).map_err(wrong)?,
        })
    }

    fn wanted<'a>(&'a self, reach: &'a Reach) -> Wanted<'a> {
        Wanted {
            reach,
            text: self.text.as_deref(),
            archived: self.archived,
        }
    }

    /// The archived projects, where there are any, or the way back from them.
    async fn others(
        &self,
        tx: &mut Tx,
        reach: &Reach,
    ) -> Result<Option<(String, String)>, Problem> {
        if self.archived {
            return Ok(Some(("Projects in use".to_owned(), "/projects".to_owned())));
        }
        let archived = Wanted {
            reach,
            text: None,
            archived: true,
        };
        let count = project_list::count(tx, &archived).await?;
        let label = format!("Archived {}", number::grouped(count));
        Ok((count > 0).then(|| (label, "/projects?archived=yes".to_owned())))
    }

    fn place(&self) -> Place<'_> {
        match (&self.after, &self.before) {
            (Some(id), _) => Place::After(id),
            (None, Some(id)) => Place::Before(id),
            (None, None) => Place::Start,
        }
    }

    fn first_page(&self) -> Self {
        Self {
            after: None,
            before: None,
            ..self.clone()
        }
    }

    fn href(&self) -> String {
        let mut pairs = Vec::new();
        pairs.extend(self.archived.then(|| ("archived", "yes".to_owned())));
        pairs.extend(self.text.clone().map(|text| ("q", text)));
        pairs.extend(self.after.as_ref().map(|id| ("after", id.to_string())));
        pairs.extend(self.before.as_ref().map(|id| ("before", id.to_string())));
        address("/projects", &pairs)
    }

    /// The addresses of the pages before and after the one that has these rows.
    fn neighbours(&self, rows: &[Listed], sides: Sides) -> (Option<String>, Option<String>) {
        let beside = |before: Option<&Listed>, after: Option<&Listed>| {
            let page = Self {
                before: before.map(|row| row.id.clone()),
                after: after.map(|row| row.id.clone()),
                ..self.clone()
            };
            page.href()
        };
        let has_rows = !rows.is_empty();
        (
            (sides.previous && has_rows).then(|| beside(rows.first(), None)),
            (sides.next && has_rows).then(|| beside(None, rows.last())),
        )
    }

    fn summary(&self, count: i64) -> String {
        let kind = if self.archived { "archived " } else { "" };
        let number = number::grouped(count);
        match (count, &self.text) {
            (1, Some(_)) => format!("1 {kind}project matches"),
            (1, None) => format!("1 {kind}project"),
            (_, Some(_)) => format!("{number} {kind}projects match"),
            (_, None) => format!("{number} {kind}projects"),
        }
    }
}

async fn rows(
    app: &App,
    tx: &mut Tx,
    principal: &Principal,
    found: Vec<Listed>,
    now: Timestamp,
) -> Result<Vec<Row>, Problem> {
    let ids: Vec<_> = found.iter().map(|row| row.id.clone()).collect();
    let administrators = project_list::administrators(tx, &ids).await?;
    let clients = project_list::clients(tx, &ids).await?;
    let active = active(app, tx, principal, &ids, now).await?;
    let row = |row: Listed| {
        let named = administrators.iter().filter(|(id, _)| *id == row.id);
        let named: Vec<_> = named.map(|(_, name)| name.to_string()).collect();
        let links = Links::of(principal, &row.id);
        Row {
            href: super::project::path(&row.slug),
            clients: number::grouped(number_of(&clients, &row.id)),
            clients_href: links.clients,
            active: number::grouped(number_of(&active, &row.id)),
            active_href: links.active,
            more: named.len().saturating_sub(NAMED),
            administrators: named.into_iter().take(NAMED).collect(),
            asked: row.server.asked_at.map(|at| moment::when(at, now)),
            health: health(&row.server, now),
            slug: row.slug.to_string(),
            name: row.name,
            resource: row.resource,
        }
    };
    Ok(found.into_iter().map(row).collect())
}

fn number_of(counted: &[(ProjectId, i64)], id: &ProjectId) -> i64 {
    let of_this = counted.iter().find(|(counted, _)| counted == id);
    of_this.map_or(0, |(_, count)| *count)
}

/// How many active connections each of these projects has.
async fn active(
    app: &App,
    tx: &mut Tx,
    principal: &Principal,
    ids: &[ProjectId],
    now: Timestamp,
) -> Result<Vec<(ProjectId, i64)>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = ListQuery {
        projects: ids.to_vec(),
        statuses: Statuses::ACTIVE,
        ..ListQuery::of(principal)
    };
    let filter = query.filter(principal.sees(), app.rules.lifetimes.cutoffs(now), now);
    let grouping = Grouping {
        by: GroupBy::Project,
        order: GroupOrder::RECENT,
        with_empty: WithEmpty::No,
    };
    let groups =
        connection_groups::page(tx, &filter, &grouping, &GroupPlace::Start, PER_PAGE).await?;
    let counted = |group: connection_groups::Group| {
        ProjectId::parse(&group.id).map(|id| (id, group.counts.active))
    };
    Ok(groups.into_iter().filter_map(counted).collect())
}

/// Where the rows behind a project's numbers are.
pub struct Links {
    /// Its clients.
    pub clients: String,
    /// Its active connections.
    pub active: String,
}

impl Links {
    /// Those of a project, for this person.
    pub fn of(principal: &Principal, id: &ProjectId) -> Self {
        let query = ListQuery {
            projects: vec![id.clone()],
            ..ListQuery::of(principal)
        };
        let of_statuses = |layout, statuses| {
            ListQuery {
                statuses,
                ..query.in_layout(layout)
            }
            .href()
        };
        Self {
            clients: of_statuses(Layout::Groups(GroupBy::Client), Statuses::ALL),
            active: of_statuses(Layout::List, Statuses::ACTIVE),
        }
    }
}

/// What the last check of a server came to, as it reads `now`.
pub fn health(server: &Server, now: Timestamp) -> Health {
    let class = match server.check_level.as_deref() {
        Some("ok") => "active",
        Some("warning") => "expired",
        Some(_) => "failing",
        None => "",
    };
    Health {
        class,
        word: match (&server.check_outcome, class) {
            (_, "active") => "OK".to_owned(),
            (Some(outcome), _) => outcome.trim_end_matches('.').to_owned(),
            (None, _) => "Not checked".to_owned(),
        },
        checked: server.checked_at.map(|at| moment::when(at, now)),
    }
}

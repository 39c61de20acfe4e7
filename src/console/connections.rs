//! The list of connections, one row each or grouped by what they share.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};

use crate::{
    clock::Timestamp,
    domain::{
        connection::{Cutoffs, Lifetimes},
        role::{OrganizationRole, Principal, Reach},
    },
    store::{
        Tx,
        connection_filter::{Filter, Statuses},
        connection_groups::{self, GroupBy},
        connection_list::{self, Counts, Total},
        connection_plan,
    },
    web::{
        html,
        params::{Params, shortened},
        problem::Problem,
        session::Flash,
        state::App,
    },
};

use super::{
    number,
    query::{Layout, ListQuery, View, address, unknown_condition},
    revoke::see_other,
    revoke_matching,
    view::{
        When,
        list::{ConnectionList, ConnectionsPage},
    },
    visit::Visit,
};

mod applied;
mod filters;
pub(super) mod group_row;
mod groups;
mod open;
pub(super) mod paging;
mod rows;
mod typed;

pub use groups::show as show_group;
pub(super) use rows::standing;
pub(super) use typed::to_ids;

/// Tells htmx the address of what it shows.
const PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");

/// `GET /connections`.
///
/// # Errors
/// A page, when the query makes no sense or the database failed.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    answer(&visit, visit.req.query_string()).await
}

/// The answer to a form that was sent from `path` and did what it should: htmx gets the
/// list at once, where a redirect would cost it another way there and back. `None` when
/// the form was not sent by htmx, or not from a list.
pub async fn after_act(visit: &Visit, path: &str) -> Option<HttpResponse> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path != "/connections" || !html::is_fragment(&visit.req) {
        return None;
    }
    // What is wrong with the address says the page that the redirect leads to.
    answer(visit, query).await.ok()
}

async fn answer(visit: &Visit, query: &str) -> Result<HttpResponse, Problem> {
    let (app, principal) = (&visit.app, &visit.principal);
    let params = Params::parse(query.as_bytes());
    let mut tx = app.db.snapshot().await?;
    let typed = to_ids(&mut tx, app, principal, &params).await?;
    let query = ListQuery::parse(typed.as_ref().unwrap_or(&params), principal)?;
    if typed.is_some() && !html::is_fragment(&visit.req) {
        // Files and parts of the list go by its address.
        return Ok(match left_out(&params) {
            Some(said) => visit.go_on(&query.href(), said),
            None => see_other(&query.href()),
        });
    }
    let select = params.one("select").ok().flatten();
    let desk = Desk::new(visit, &query);
    let mut frame = visit.frame();
    frame.flash = frame.flash.or_else(|| left_out(&params).map(Into::into));
    let page = ConnectionsPage {
        heading: heading(principal),
        intro: intro(app, principal),
        list: list(&mut tx, &desk, select).await?,
        frame,
    };
    if desk.is_part {
        let response = visit.page(StatusCode::OK, &page.as_list())?;
        return Ok(at_address(response, &query.href()));
    }
    visit.page(StatusCode::OK, &page)
}

/// Says that a condition was not understood: a misspelt one leaves more than was meant.
fn left_out(params: &Params) -> Option<Flash> {
    let name = shortened(unknown_condition(params, &["select"])?);
    Some(Flash::Problem(format!(
        "\"{name}\" is no condition that a list knows, and was left out."
    )))
}

/// Has htmx show this address.
fn at_address(mut response: HttpResponse, href: &str) -> HttpResponse {
    if let Ok(href) = HeaderValue::from_str(href) {
        response.headers_mut().insert(PUSH_URL, href);
    }
    response
}

fn heading(principal: &Principal) -> &'static str {
    if principal.looks_beyond_themselves() {
        "Application connections"
    } else {
        "My connections"
    }
}

fn intro(app: &App, principal: &Principal) -> String {
    let organization = &app.settings.organization;
    let of_whom = match principal.role {
        OrganizationRole::Member if !principal.looks_beyond_themselves() => "on your behalf",
        OrganizationRole::Member => "at the projects that you administer, and on your behalf,",
        OrganizationRole::Owner | OrganizationRole::Auditor => "on behalf of people",
    };
    let what = match principal.role {
        OrganizationRole::Auditor => "See",
        OrganizationRole::Owner | OrganizationRole::Member => "See and revoke",
    };
    format!("{what} what MCP clients can reach {of_whom} in {organization}.")
}

/// What a list is made with: who looks, at what, and when.
struct Desk<'a> {
    principal: &'a Principal,
    query: &'a ListQuery,
    lifetimes: &'a Lifetimes,
    cutoffs: Cutoffs,
    now: Timestamp,
    sees: Reach,
    changes: Reach,
    /// The address to come back to.
    here: String,
    /// Whether htmx asks.
    is_part: bool,
}

impl<'a> Desk<'a> {
    fn new(visit: &'a Visit, query: &'a ListQuery) -> Self {
        let Visit {
            app,
            principal,
            now,
            ..
        } = visit;
        Self {
            is_part: html::is_fragment(&visit.req),
            principal,
            query,
            lifetimes: &app.rules.lifetimes,
            cutoffs: app.rules.lifetimes.cutoffs(*now),
            now: *now,
            sees: principal.sees(),
            changes: principal.changes(),
            here: query.href(),
        }
    }

    /// A moment in a row. Where htmx asks there are scripts, which say when it was exactly.
    fn moment(&self, when: When) -> When {
        match self.is_part {
            true => When {
                exact: None,
                ..when
            },
            false => when,
        }
    }

    /// What the query asks for.
    fn filter(&self) -> Filter {
        self.query.filter(self.sees.clone(), self.cutoffs, self.now)
    }

    /// Everything that this person sees.
    fn everything(&self) -> Filter {
        Filter::all(self.sees.clone(), self.cutoffs)
    }

    /// Whether everything in sight is this person's to revoke, and so has a tick-box. An
    /// auditor finds a link in the few rows that are their own.
    fn may_tick(&self) -> bool {
        !self.changes.is_empty() && self.changes == self.sees
    }

    /// Whether that can be revoked, or some of it; as far as is known where a search term is
    /// found in too many to count.
    fn may_revoke(&self, counts: Option<Counts>) -> bool {
        let revocable = self.query.statuses.unrevoked();
        let some = counts.map_or(revocable != Statuses::NONE, |counts| {
            counts.of(revocable) > 0
        });
        self.may_tick() && some
    }
}

async fn list(
    tx: &mut Tx,
    desk: &Desk<'_>,
    select: Option<&str>,
) -> Result<ConnectionList, Problem> {
    let query = desk.query;
    let filter = desk.filter();
    let filter = connection_plan::settled(tx, &filter).await?;
    let glance = connection_list::glance(tx, &filter).await?;
    let projects = filters::projects(tx, desk).await?;
    let page = match &query.view {
        // A walk that looks for what is not there would only end with the last connection.
        View::List { .. } if glance.total == Total::Exactly(0) => {
            paging::Page::empty(rows::columns(desk))
        }
        View::List { order, place } => rows::page(tx, desk, &filter, *order, place).await?,
        View::Groups { .. } => groups::page(tx, desk, &filter, &projects, select).await?,
    };
    let applied = applied::chips(tx, desk, &projects).await?;
    let has_rows = !page.rows.is_empty() || !page.groups.is_empty();
    Ok(ConnectionList {
        caption: caption(query.layout()),
        views: filters::views(query),
        search: filters::search(query),
        chips: filters::chips(query, glance.counts),
        more: filters::more(desk, &projects, &applied.people),
        applied: applied.chips,
        clear_href: query.is_filtered().then(|| query.without_filters().href()),
        summary: summary(tx, desk, &filter, glance.total).await?,
        // Clients without connections may match a filter that finds none.
        empty: (glance.total == Total::Exactly(0) && !query.is_filtered() || !has_rows)
            .then(|| filters::empty(desk, glance.counts.unwrap_or_default())),
        heads: if has_rows {
            paging::heads(query, ListQuery::href)
        } else {
            Vec::new()
        },
        columns: page.columns,
        rows: page.rows,
        groups: page.groups,
        previous: page.previous.map(|query| query.href()),
        next: page.next.map(|query| query.href()),
        per: paging::per(query),
        here: desk.here.clone(),
        can_revoke: has_rows && desk.may_revoke(glance.counts),
        by: match query.layout() {
            Layout::Groups(by) => by.kind(),
            Layout::List => "",
        },
        revoke_matching_href: address(revoke_matching::PATH, &query.first_page().pairs()),
        export_query: address("", &query.pairs()),
    })
}

fn caption(layout: Layout) -> &'static str {
    match layout {
        Layout::List => "Connections",
        Layout::Groups(GroupBy::Client) => "Connections by client",
        Layout::Groups(GroupBy::Person) => "Connections by person",
        Layout::Groups(GroupBy::Project) => "Connections by project",
    }
}

/// "254 connections · 14 clients"; only "more than 1,000 connections" when a search
/// term is found in too many to count.
async fn summary(
    tx: &mut Tx,
    desk: &Desk<'_>,
    filter: &Filter,
    total: Total,
) -> Result<String, Problem> {
    let by = match desk.query.layout() {
        Layout::Groups(by) => by,
        Layout::List => GroupBy::Client,
    };
    let grouping = groups::grouping(by, desk.query);
    let groups = connection_groups::count_of(tx, filter, &grouping, total).await?;
    let nouns = match by {
        GroupBy::Client => ["client", "clients"],
        GroupBy::Person => ["person", "people"],
        GroupBy::Project => ["project", "projects"],
    };
    let connections = match total {
        Total::Exactly(count) => number::connections(count),
        Total::MoreThan(count) => format!("more than {}", number::connections(count)),
    };
    Ok(match groups {
        None => connections,
        Some(groups) => format!("{connections} · {}", counted(groups, nouns)),
    })
}

fn counted(count: i64, [one, several]: [&str; 2]) -> String {
    let noun = if count == 1 { one } else { several };
    format!("{} {noun}", number::grouped(count))
}

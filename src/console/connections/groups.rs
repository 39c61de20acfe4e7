//! Connections grouped by the client, person or project they share.

use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use crate::{
    console::{
        frame,
        query::{ListQuery, OPEN_ROWS, View},
        revoke::see_other,
        view::list::{Columns, GroupPart, GroupRowsPart},
        visit::Visit,
    },
    domain::{
        ids::{ClientId, PersonId, ProjectId},
        role::Principal,
    },
    store::{
        Tx,
        connection_filter::Filter,
        connection_groups::{self, Group, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
        connection_list::Key,
    },
    web::{html, params::Params, problem::Problem},
};

use super::{
    Desk, at_address, filters,
    group_row::{Facts, row},
    open::{self, Shown},
    paging::{Page, at},
};

/// `GET /connections/rows`: one group, open or closed, or more of its rows, as htmx
/// puts it in the list. Anyone else is sent to the list.
///
/// # Errors
/// A page, when the query makes no sense or there is no such group.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let (req, principal) = (&visit.req, &visit.principal);
    let params = Params::parse(req.query_string().as_bytes());
    let mut query = ListQuery::parse(&params, principal)?;
    let (id, shown) = asked(&params, &query)?;
    let rows = match shown {
        Shown::Ticked => Some(open::TICKED_ROWS),
        _ => query.rows_of(&id),
    };
    if !html::is_fragment(req) {
        let list = query.with_group(&id, rows.or(Some(OPEN_ROWS))).href();
        return Ok(see_other(&list));
    }
    // What has been opened meanwhile, the link that was followed does not know.
    query = query
        .with_open_of(shown_page(req, principal).as_ref())
        .with_group(&id, rows);
    let desk = Desk::new(&visit, &query);
    let mut tx = visit.app.db.snapshot().await?;
    let body = part(&mut tx, &desk, &id, &shown).await?;
    Ok(at_address(html::part(req, body), &desk.here))
}

/// What htmx puts in the list: the group, or more of its rows.
async fn part(tx: &mut Tx, desk: &Desk<'_>, id: &str, shown: &Shown) -> Result<String, Problem> {
    let (group, by, filter) = find(tx, desk, id).await?;
    if let Shown::After(_) = shown {
        let table = open::table(tx, desk, by, id, &filter, shown).await?;
        return frame::render(&GroupRowsPart { table });
    }
    let only = std::slice::from_ref(&group);
    let projects = filters::projects(tx, desk).await?;
    let facts = Facts::read(tx, &filter, by, &projects, only).await?;
    let group = row(tx, desk, &desk.filter(), &facts, group.clone(), shown).await?;
    frame::render(&GroupPart { group })
}

/// Which group is asked for, and what of it: the list's own parameters say the rest.
fn asked(params: &Params, query: &ListQuery) -> Result<(String, Shown), Problem> {
    let one = |name| params.one(name).ok().flatten();
    // The ids of people and projects are spelt alike.
    let id = one("group").and_then(ClientId::parse);
    let id = id.ok_or_else(Problem::not_found)?.to_string();
    let shown = match (one("row_after"), query.rows_of(&id)) {
        (Some(key), _) => {
            let key = Key::parse(key, query.rows_order().column);
            Shown::After(key.ok_or_else(Problem::not_found)?)
        }
        (None, Some(_)) if one("select") == Some(&id) => Shown::Ticked,
        (None, Some(rows)) => Shown::First(rows),
        (None, None) => Shown::Closed,
    };
    Ok((id, shown))
}

/// The list that the browser shows, as htmx says.
fn shown_page(req: &HttpRequest, principal: &Principal) -> Option<ListQuery> {
    let current = req.headers().get("hx-current-url")?.to_str().ok()?;
    let query = Url::parse(current).ok()?.query()?.to_owned();
    ListQuery::parse(&Params::parse(query.as_bytes()), principal).ok()
}

/// The group, with what it is one of and its connections.
async fn find(tx: &mut Tx, desk: &Desk<'_>, id: &str) -> Result<(Group, GroupBy, Filter), Problem> {
    let View::Groups { by, .. } = desk.query.view else {
        return Err(Problem::not_found());
    };
    let filter = narrowed(&desk.filter(), by, id).ok_or_else(Problem::not_found)?;
    let grouping = grouping(by, desk.query);
    let found = connection_groups::page(tx, &filter, &grouping, &GroupPlace::Start, 1).await?;
    let group = found.into_iter().next().ok_or_else(Problem::not_found)?;
    Ok((group, by, filter))
}

/// The connections of one group; `None` when the filter excludes it.
pub(super) fn narrowed(filter: &Filter, by: GroupBy, id: &str) -> Option<Filter> {
    fn only<T: PartialEq>(ids: &mut Vec<T>, id: Option<T>) -> Option<()> {
        let id = id.filter(|id| ids.is_empty() || ids.contains(id))?;
        *ids = vec![id];
        Some(())
    }
    let mut filter = filter.clone();
    match by {
        GroupBy::Client => only(&mut filter.clients, ClientId::parse(id)),
        GroupBy::Person => only(&mut filter.people, PersonId::parse(id)),
        GroupBy::Project => only(&mut filter.projects, ProjectId::parse(id)),
    }?;
    Some(filter)
}

/// How a query groups.
pub(super) fn grouping(by: GroupBy, query: &ListQuery) -> Grouping {
    let (order, with_empty) = match query.view {
        View::Groups { order, .. } => (order, WithEmpty::Unrevoked),
        // A list has no row of a client without connections.
        View::List { .. } => (GroupOrder::RECENT, WithEmpty::No),
    };
    Grouping {
        by,
        order,
        with_empty,
    }
}

/// A page of a grouped view. Of the group `select`, everything is ticked.
pub(super) async fn page(
    tx: &mut Tx,
    desk: &Desk<'_>,
    filter: &Filter,
    projects: &[(ProjectId, String)],
    select: Option<&str>,
) -> Result<Page, Problem> {
    let mut page = Page::empty(Columns {
        tick: desk.may_tick(),
        client: false,
        project: false,
        person: false,
    });
    let View::Groups {
        by, order, place, ..
    } = &desk.query.view
    else {
        return Ok(page);
    };
    let per = desk.query.per;
    let grouping = grouping(*by, desk.query);
    let mut found = connection_groups::page(tx, filter, &grouping, place, per + 1).await?;
    let backwards = matches!(place, GroupPlace::Before(_));
    let sides = at(&mut found, per, backwards, *place == GroupPlace::Start);
    let key = |group: &Group| group.key(*order);
    let first = found.first().filter(|_| sides.previous).map(key);
    let last = found.last().filter(|_| sides.next).map(key);
    page.previous = first.map(|key| beside(desk.query, GroupPlace::Before(key)));
    page.next = last.map(|key| beside(desk.query, GroupPlace::After(key)));
    let facts = Facts::read(tx, filter, *by, projects, &found).await?;
    for group in found {
        let shown = match desk.query.rows_of(&group.id) {
            Some(_) if select == Some(&group.id) => Shown::Ticked,
            Some(rows) => Shown::First(rows),
            None => Shown::Closed,
        };
        let row = row(tx, desk, filter, &facts, group, &shown).await?;
        page.groups.push(row);
    }
    Ok(page)
}

/// The same groups from another place on, all closed.
fn beside(query: &ListQuery, to: GroupPlace) -> ListQuery {
    let mut view = query.view.clone();
    if let View::Groups { place, open, .. } = &mut view {
        *place = to;
        open.clear();
    }
    query.with_view(view)
}

//! Connections grouped by the client, person or project they share.

use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use crate::{
    console::{
        frame, logo, look_alikes, moment, number,
        query::{ListQuery, OPEN_ROWS, View, address},
        revoke::see_other,
        view::{
            below_name,
            list::{Columns, GroupPart, GroupRow, GroupRowsPart},
        },
        visit::Visit,
    },
    domain::{
        client::Origin,
        ids::{ClientId, PersonId, ProjectId},
        role::{Principal, Reach},
    },
    store::{
        Tx, client_block,
        connection_filter::Filter,
        connection_groups::{self, Group, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
        connection_list::Key,
    },
    web::{html, params::Params, problem::Problem},
};

use super::{
    Desk, at_address, counted, filters,
    open::{self, Shown},
    paging::{Page, at},
    rows::origin_note,
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
    let facts = Facts {
        by,
        projects: &filters::projects(tx, desk).await?,
        totals: &totals(tx, &filter, by, only).await?,
        alike: &alike(tx, desk, by, only).await?,
        blocked: &client_block::among(tx, &clients(by, only)).await?,
    };
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
    let order = match query.view {
        View::Groups { order, .. } => order,
        View::List { .. } => GroupOrder::RECENT,
    };
    Grouping {
        by,
        order,
        with_empty: WithEmpty::Unrevoked,
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
    let columns = Columns {
        tick: desk.may_tick(),
        client: false,
        project: false,
        person: false,
    };
    let View::Groups {
        by,
        order,
        place,
        rows,
        ..
    } = &desk.query.view
    else {
        return Ok(Page::empty(columns));
    };
    let per = desk.query.per;
    let grouping = grouping(*by, desk.query);
    let mut found = connection_groups::page(tx, filter, &grouping, place, per + 1).await?;
    let backwards = matches!(place, GroupPlace::Before(_));
    let sides = at(&mut found, per, backwards, *place == GroupPlace::Start);
    let link = |place| {
        desk.query.with_view(View::Groups {
            by: *by,
            order: *order,
            place,
            open: Vec::new(),
            rows: *rows,
        })
    };
    let key = |group: &Group| group.key(*order);
    let totals = totals(tx, filter, *by, &found).await?;
    let mut page = Page {
        previous: found
            .first()
            .filter(|_| sides.previous)
            .map(|group| link(GroupPlace::Before(key(group)))),
        next: found
            .last()
            .filter(|_| sides.next)
            .map(|group| link(GroupPlace::After(key(group)))),
        ..Page::empty(columns)
    };
    let alike = alike(tx, desk, *by, &found).await?;
    let blocked = client_block::among(tx, &clients(*by, &found)).await?;
    let facts = Facts {
        by: *by,
        projects,
        totals: &totals,
        alike: &alike,
        blocked: &blocked,
    };
    for group in found {
        let shown = match desk.query.rows_of(&group.id) {
            Some(_) if select == Some(&group.id) => Shown::Ticked,
            Some(rows) => Shown::First(rows),
            None => Shown::Closed,
        };
        page.groups
            .push(row(tx, desk, filter, &facts, group, &shown).await?);
    }
    Ok(page)
}

/// How many connections each group has without the search, where that is more.
pub(in crate::console) async fn totals(
    tx: &mut Tx,
    filter: &Filter,
    by: GroupBy,
    groups: &[Group],
) -> Result<Vec<(String, i64)>, Problem> {
    if filter.text.is_none() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = groups.iter().map(|group| group.id.clone()).collect();
    Ok(connection_groups::totals(tx, filter, by, &ids).await?)
}

/// "2 of 42 match", where not all of a group's connections match the search.
pub(in crate::console) fn matching(group: &Group, totals: &[(String, i64)]) -> Option<String> {
    let total = totals.iter().find(|(known, _)| *known == group.id);
    let (_, total) = total.filter(|(_, total)| *total > group.wanted)?;
    let (wanted, total) = (number::grouped(group.wanted), number::grouped(*total));
    Some(format!("{wanted} of {total} match"))
}

/// What is known about the groups together.
struct Facts<'a> {
    by: GroupBy,
    projects: &'a [(ProjectId, String)],
    totals: &'a [(String, i64)],
    alike: &'a [(ClientId, String)],
    blocked: &'a [ClientId],
}

/// What to note of clients that look like others.
async fn alike(
    tx: &mut Tx,
    desk: &Desk<'_>,
    by: GroupBy,
    groups: &[Group],
) -> Result<Vec<(ClientId, String)>, Problem> {
    Ok(look_alikes::notes(tx, &desk.filter().reach, &clients(by, groups)).await?)
}

fn clients(by: GroupBy, groups: &[Group]) -> Vec<ClientId> {
    let clients = groups.iter().filter(|_| by == GroupBy::Client);
    clients
        .filter_map(|group| ClientId::parse(&group.id))
        .collect()
}

async fn row(
    tx: &mut Tx,
    desk: &Desk<'_>,
    filter: &Filter,
    facts: &Facts<'_>,
    group: Group,
    shown: &Shown,
) -> Result<GroupRow, Problem> {
    let by = facts.by;
    let id = group.id.as_str();
    let wanted = desk.query.statuses;
    let part = |class: &'static str, on: bool, count: i64| {
        (on && count > 0).then(|| (class, format!("{} {class}", number::grouped(count))))
    };
    let counts = group.counts;
    let active = part("active", wanted.active, counts.active);
    let expired = part("expired", wanted.expired, counts.expired);
    let revoked = part("revoked", wanted.revoked, counts.revoked);
    let selectable = desk.may_tick() && (active.is_some() || expired.is_some());
    let is_open = *shown != Shown::Closed && group.wanted > 0;
    let opened = |rows| desk.query.with_group(id, Some(rows));
    let toggled = match is_open {
        true => desk.query.with_group(id, None),
        false => opened(OPEN_ROWS),
    };
    let columns = Columns {
        tick: desk.may_tick(),
        client: by != GroupBy::Client,
        project: by != GroupBy::Project,
        person: by != GroupBy::Person,
    };
    Ok(GroupRow {
        noun: match by {
            GroupBy::Client => "client",
            GroupBy::Person => "person",
            GroupBy::Project => "project",
        },
        href: match by {
            GroupBy::Client => Some(format!("/clients/{id}")),
            GroupBy::Person => Some(format!("/people/{id}")),
            GroupBy::Project => None,
        },
        notes: notes(&group, facts),
        projects: (by == GroupBy::Client).then(|| project_words(&group, facts.projects)),
        is_empty: group.wanted == 0,
        count: number::grouped(group.wanted),
        parts: [active, expired, revoked].into_iter().flatten().collect(),
        matching: matching(&group, facts.totals),
        last_used: group
            .last_used_at
            .map(|at| desk.moment(moment::when(at, desk.now))),
        toggle_href: toggled.href(),
        select_href: selectable.then(|| {
            let query = opened(open::TICKED_ROWS);
            with("/connections", &query, [("select", id)])
        }),
        block: may_block(desk, &group, facts).then(|| match is_blocked(&group, facts) {
            true => ("Unblock client", format!("/clients/{id}")),
            false => ("Block client", format!("/clients/{id}/block")),
        }),
        columns,
        width: 3 + usize::from(columns.tick) + usize::from(by == GroupBy::Client),
        open: if is_open {
            Some(open::group(tx, desk, by, &group, filter, shown).await?)
        } else {
            None
        },
        logo: (by == GroupBy::Client).then(|| logo::view(&group.name, group.logo.as_ref())),
        id: group.id,
        name: group.name,
    })
}

/// The address of a list with more parameters.
fn with<'a>(
    path: &str,
    query: &ListQuery,
    more: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> String {
    let mut pairs = query.pairs();
    pairs.extend(
        more.into_iter()
            .map(|(name, value)| (name, value.to_owned())),
    );
    address(path, &pairs)
}

fn is_blocked(group: &Group, facts: &Facts<'_>) -> bool {
    facts.blocked.iter().any(|id| id.as_str() == group.id)
}

/// Whether the group is a client that this person may block, whatever its project.
fn may_block(desk: &Desk<'_>, group: &Group, facts: &Facts<'_>) -> bool {
    facts.by == GroupBy::Client && desk.changes == Reach::All && !group.client_revoked
}

fn notes(group: &Group, facts: &Facts<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    match facts.by {
        GroupBy::Client => {
            let origin = group.origin.and_then(origin_note);
            notes.extend(origin.map(str::to_owned));
            // The name is the app's own choice; the host is what has been proved.
            if group.origin == Some(Origin::Document) {
                let host = Url::parse(&group.detail).ok();
                notes.extend(host.and_then(|url| url.host_str().map(str::to_owned)));
            }
            notes.extend(group.client_revoked.then(|| "client revoked".to_owned()));
            notes.extend(is_blocked(group, facts).then(|| "client blocked".to_owned()));
            let alike = facts.alike.iter().find(|(id, _)| id.as_str() == group.id);
            notes.extend(alike.map(|(_, note)| note.clone()));
        }
        GroupBy::Person => notes.extend(below_name(&group.name, &group.detail)),
        GroupBy::Project => notes.push(group.detail.clone()),
    }
    notes
}

fn project_words(group: &Group, names: &[(ProjectId, String)]) -> String {
    let id = group.project_id.as_deref();
    let name = names.iter().find(|(known, _)| Some(known.as_str()) == id);
    match (group.projects, name) {
        (1, Some((_, name))) => name.clone(),
        (0, _) => String::new(),
        (count, _) => counted(count, ["project", "projects"]),
    }
}

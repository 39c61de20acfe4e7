//! A group of connections, as a list shows it.

use url::Url;

use crate::{
    console::{
        logo, look_alikes, moment, number,
        query::{ListQuery, OPEN_ROWS, address},
        view::{
            below_name,
            list::{Columns, GroupRow},
        },
    },
    domain::{
        client::Origin,
        ids::{ClientId, ProjectId},
        role::Reach,
    },
    store::{
        Tx, client_block,
        connection_filter::{Filter, Statuses},
        connection_groups::{self, Group, GroupBy},
    },
    web::problem::Problem,
};

use super::{
    Desk, counted,
    open::{self, Shown},
    rows::origin_note,
};

/// What is known about the groups of a page together.
pub(super) struct Facts<'a> {
    by: GroupBy,
    /// Every project that may be named.
    projects: &'a [(ProjectId, String)],
    /// How many connections each has without the search, where that is more.
    totals: Vec<(String, i64)>,
    /// What to note of clients that look like others.
    alike: Vec<(ClientId, String)>,
    blocked: Vec<ClientId>,
}

impl<'a> Facts<'a> {
    pub(super) async fn read(
        tx: &mut Tx,
        filter: &Filter,
        by: GroupBy,
        projects: &'a [(ProjectId, String)],
        groups: &[Group],
    ) -> Result<Self, Problem> {
        let clients = groups.iter().filter(|_| by == GroupBy::Client);
        let clients = clients.filter_map(|group| ClientId::parse(&group.id));
        let clients: Vec<_> = clients.collect();
        Ok(Self {
            by,
            projects,
            totals: totals(tx, filter, by, groups).await?,
            alike: look_alikes::notes(tx, &filter.reach, &clients).await?,
            blocked: client_block::among(tx, &clients).await?,
        })
    }

    fn is_blocked(&self, group: &Group) -> bool {
        self.blocked.iter().any(|id| id.as_str() == group.id)
    }

    /// What else tells the group from others.
    fn notes(&self, group: &Group) -> Vec<String> {
        let mut notes = Vec::new();
        match self.by {
            GroupBy::Client => {
                let origin = group.origin.and_then(origin_note);
                notes.extend(origin.map(str::to_owned));
                // The name is the app's own choice; the host is what has been proved.
                if group.origin == Some(Origin::Document) {
                    let host = Url::parse(&group.detail).ok();
                    notes.extend(host.and_then(|url| url.host_str().map(str::to_owned)));
                }
                notes.extend(group.client_revoked.then(|| "client revoked".to_owned()));
                notes.extend(self.is_blocked(group).then(|| "client blocked".to_owned()));
                let alike = self.alike.iter().find(|(id, _)| id.as_str() == group.id);
                notes.extend(alike.map(|(_, note)| note.clone()));
            }
            GroupBy::Person => notes.extend(below_name(&group.name, &group.detail)),
            GroupBy::Project => notes.push(group.detail.clone()),
        }
        notes
    }

    /// The project that a group's connections lead to, or how many.
    fn project_words(&self, group: &Group) -> String {
        let id = group.project_id.as_deref();
        let mut names = self.projects.iter();
        let name = names.find(|(known, _)| Some(known.as_str()) == id);
        match (group.projects, name) {
            (1, Some((_, name))) => name.clone(),
            (0, _) => String::new(),
            (count, _) => counted(count, ["project", "projects"]),
        }
    }

    /// What blocks or unblocks the client that the group is, for those who may, whatever its
    /// project.
    fn block(&self, desk: &Desk<'_>, group: &Group) -> Option<(&'static str, String)> {
        let id = &group.id;
        if self.by != GroupBy::Client || desk.changes != Reach::All || group.client_revoked {
            return None;
        }
        Some(match self.is_blocked(group) {
            true => ("Unblock client", format!("/clients/{id}")),
            false => ("Block client", format!("/clients/{id}/block")),
        })
    }
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

/// A group, with its connections where they are shown.
pub(super) async fn row(
    tx: &mut Tx,
    desk: &Desk<'_>,
    filter: &Filter,
    facts: &Facts<'_>,
    group: Group,
    shown: &Shown,
) -> Result<GroupRow, Problem> {
    let by = facts.by;
    let id = group.id.as_str();
    let is_open = *shown != Shown::Closed && group.wanted > 0;
    let toggled = desk.query.with_group(id, (!is_open).then_some(OPEN_ROWS));
    let columns = Columns {
        tick: desk.may_tick(),
        client: by != GroupBy::Client,
        project: by != GroupBy::Project,
        person: by != GroupBy::Person,
    };
    let (noun, href) = match by {
        GroupBy::Client => ("client", Some(format!("/clients/{id}"))),
        GroupBy::Person => ("person", Some(format!("/people/{id}"))),
        GroupBy::Project => ("project", project_href(desk, &group)),
    };
    Ok(GroupRow {
        noun,
        href,
        notes: facts.notes(&group),
        projects: (by == GroupBy::Client).then(|| facts.project_words(&group)),
        is_empty: group.wanted == 0,
        count: number::grouped(group.wanted),
        parts: parts(desk.query, &group),
        matching: matching(&group, &facts.totals),
        last_used: group
            .last_used_at
            .map(|at| desk.moment(moment::when(at, desk.now))),
        used_by_others: !desk.query.statuses.active && group.counts.active > 0,
        has_others: group.wanted == 0 && group.counts.of(Statuses::ALL) > 0,
        toggle_href: toggled.href(),
        selectable: selectable(desk, &group),
        select_href: (selectable(desk, &group) > 0).then(|| all_ticked(desk.query, id)),
        block: facts.block(desk, &group),
        columns,
        width: 3 + usize::from(columns.tick) + usize::from(by == GroupBy::Client),
        open: match is_open {
            true => Some(open::group(tx, desk, by, &group, filter, shown).await?),
            false => None,
        },
        logo: (by == GroupBy::Client).then(|| logo::view(&group.name, group.logo.as_ref())),
        id: group.id,
        name: group.name,
    })
}

/// The page of the project that a group is, for those who may look.
fn project_href(desk: &Desk<'_>, group: &Group) -> Option<String> {
    let id = ProjectId::parse(&group.id)?;
    let slug = &group.detail;
    let may_look = desk.sees.covers_project(&id);
    may_look.then(|| format!("/projects/{slug}"))
}

/// How many connections have each of the wanted statuses, where some have: class and words.
fn parts(query: &ListQuery, group: &Group) -> Vec<(&'static str, String)> {
    let (wanted, counts) = (query.statuses, group.counts);
    let all = [
        ("active", wanted.active, counts.active),
        ("expired", wanted.expired, counts.expired),
        ("revoked", wanted.revoked, counts.revoked),
    ];
    let shown = all.into_iter().filter(|(_, on, count)| *on && *count > 0);
    shown
        .map(|(class, _, count)| (class, format!("{} {class}", number::grouped(count))))
        .collect()
}

/// How many of the connections wanted can be revoked by whoever looks.
fn selectable(desk: &Desk<'_>, group: &Group) -> i64 {
    match desk.may_tick() {
        true => group.counts.of(desk.query.statuses.unrevoked()),
        false => 0,
    }
}

/// The list with all of the group shown and ticked: without scripts the page comes anew, and
/// begins there.
fn all_ticked(query: &ListQuery, id: &str) -> String {
    let mut pairs = query.with_group(id, Some(open::TICKED_ROWS)).pairs();
    pairs.push(("select", id.to_owned()));
    format!("{}#{id}", address("/connections", &pairs))
}

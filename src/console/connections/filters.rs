//! What is above the table: views, search, statuses and the other filters.

use crate::{
    console::{
        number, origin,
        query::{BLOCKED, Layout, ListQuery, View},
        view::list::{Choice, Empty, MoreFilters, Search, StatusChip, Tick},
    },
    domain::{
        client::{ClientType, Origin},
        ids::{PersonId, ProjectId},
        role::Reach,
    },
    store::{
        Tx,
        connection_filter::{Filter, Statuses},
        connection_groups::{
            self, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping, WithEmpty,
        },
        connection_list::Counts,
        project,
    },
    web::problem::Problem,
};

use super::Desk;

/// How many projects there are to tick at most.
const PROJECTS_OFFERED: usize = 20;

/// The most projects that someone who does not see all of them is offered.
const PROJECT_LIMIT: u32 = 500;

/// Ids and names of the projects whose connections this person may see, by name.
pub(super) async fn projects(
    tx: &mut Tx,
    desk: &Desk<'_>,
) -> Result<Vec<(ProjectId, String)>, Problem> {
    let mut all = project::names(tx).await?;
    if let Reach::Some { projects, person } = &desk.sees {
        let grouping = Grouping {
            by: GroupBy::Project,
            order: GroupOrder {
                column: GroupColumn::Name,
                descending: false,
            },
            with_empty: WithEmpty::No,
        };
        // What they administer is offered in any case; elsewhere they see what is theirs.
        let theirs = Reach::Some {
            person: person.clone(),
            projects: Vec::new(),
        };
        let filter = Filter::all(theirs, desk.cutoffs);
        let start = GroupPlace::Start;
        let connected =
            connection_groups::page(tx, &filter, &grouping, &start, PROJECT_LIMIT).await?;
        all.retain(|(id, _)| {
            projects.contains(id) || connected.iter().any(|group| group.id == id.as_str())
        });
    }
    Ok(all)
}

/// The ways to look at the same connections.
pub(super) fn views(query: &ListQuery) -> Vec<Choice> {
    let layouts = [
        ("Group by client", Layout::Groups(GroupBy::Client)),
        ("Group by person", Layout::Groups(GroupBy::Person)),
        ("Group by project", Layout::Groups(GroupBy::Project)),
        ("List view", Layout::List),
    ];
    let choice = |(label, layout): (&str, Layout)| Choice {
        label: label.to_owned(),
        href: query.in_layout(layout).href(),
        current: query.layout() == layout,
    };
    layouts.into_iter().map(choice).collect()
}

/// The search box.
pub(super) fn search(query: &ListQuery) -> Search {
    Search {
        text: query.text.clone().unwrap_or_default(),
        hidden: kept(query, &["q"]),
    }
}

/// The parameters of the first page, without those that a form asks for itself.
fn kept(query: &ListQuery, asked: &[&str]) -> Vec<(&'static str, String)> {
    let mut pairs = query.first_page().pairs();
    pairs.retain(|(name, _)| !asked.contains(name));
    pairs
}

/// The statuses, each to be shown or hidden, and how many there are where that is counted.
pub(super) fn chips(query: &ListQuery, counts: Option<Counts>) -> Vec<StatusChip> {
    let now = query.statuses;
    let chip = |label, count: Option<i64>, on, note, toggled: Statuses| StatusChip {
        label,
        count: count.map(number::grouped).unwrap_or_default(),
        on,
        note,
        // With none left the list would be empty for no reason.
        href: (toggled != Statuses::NONE).then(|| with_statuses(query, toggled).href()),
    };
    let (active, expired, revoked) = (!now.active, !now.expired, !now.revoked);
    vec![
        chip(
            "Active",
            counts.map(|counts| counts.active),
            now.active,
            "",
            Statuses { active, ..now },
        ),
        chip(
            "Expired",
            counts.map(|counts| counts.expired),
            now.expired,
            "",
            Statuses { expired, ..now },
        ),
        chip(
            "Revoked",
            counts.map(|counts| counts.revoked),
            now.revoked,
            "kept 3 months",
            Statuses { revoked, ..now },
        ),
    ]
}

/// The list with these statuses.
fn with_statuses(query: &ListQuery, statuses: Statuses) -> ListQuery {
    ListQuery {
        statuses,
        ..query.first_page().with_open_of(Some(query))
    }
}

const TYPES: [(ClientType, &str); 2] = [
    (ClientType::Public, "Public"),
    (ClientType::Confidential, "Confidential"),
];

/// A type in words.
pub(super) fn type_words(kind: ClientType) -> &'static str {
    let known = TYPES.iter().find(|(known, _)| *known == kind);
    known.map_or(kind.as_str(), |(_, words)| words)
}

/// What the form with the other filters asks for.
const ASKED_BY_MORE: [&str; 8] = [
    "project",
    "person",
    "type",
    "origin",
    "blocked",
    "from",
    "to",
    "idle_days",
];

/// The form with the other filters. `people` are those asked for: id and name.
pub(super) fn more(
    desk: &Desk<'_>,
    projects: &[(ProjectId, String)],
    people: &[(String, String)],
) -> MoreFilters {
    let query = desk.query;
    let day = |day: Option<time::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let person = |(id, name): &(String, String)| Tick {
        value: id.clone(),
        label: name.clone(),
        on: true,
    };
    let kind = |(kind, label): (ClientType, &str)| Tick {
        value: kind.as_str().to_owned(),
        label: label.to_owned(),
        on: query.types.contains(&kind),
    };
    let origin = |(origin, label): (Origin, &str)| Tick {
        value: origin.as_str().to_owned(),
        label: label.to_owned(),
        on: query.origins.contains(&origin),
    };
    let asks_for_people = desk.principal.looks_beyond_themselves();
    // What has no tick stays as it is: who has no name for something may still ask for it.
    let unnamed = |id: &&ProjectId| !projects.iter().any(|(known, _)| known == *id);
    let nameless =
        |id: &&PersonId| !asks_for_people || !people.iter().any(|(known, _)| known == id.as_str());
    let unticked = query.projects.iter().filter(unnamed);
    let unasked = query.people.iter().filter(nameless);
    let mut hidden = kept(query, &ASKED_BY_MORE);
    hidden.extend(unticked.map(|id| ("project", id.to_string())));
    hidden.extend(unasked.map(|id| ("person", id.to_string())));
    MoreFilters {
        hidden,
        projects: project_ticks(query, projects),
        asks_for_projects: projects.len() > PROJECTS_OFFERED,
        people: people.iter().map(person).collect(),
        types: TYPES.into_iter().map(kind).collect(),
        origins: origin::ORIGINS.into_iter().map(origin).collect(),
        blocked: Tick {
            value: BLOCKED.to_owned(),
            label: "Blocked".to_owned(),
            on: query.blocked,
        },
        from: day(query.from),
        to: day(query.to),
        idle_days: query
            .idle_days
            .map(|days| days.to_string())
            .unwrap_or_default(),
        asks_for_people,
    }
}

/// The projects to tick. One choice is none, and many are too many to load with every list:
/// then the chosen ones stand there, and another one is typed.
fn project_ticks(query: &ListQuery, projects: &[(ProjectId, String)]) -> Vec<Tick> {
    let ticks = projects.iter().map(|(id, name)| Tick {
        value: id.to_string(),
        label: name.clone(),
        on: query.projects.contains(id),
    });
    match projects.len() {
        0 | 1 if query.projects.is_empty() => Vec::new(),
        0..=PROJECTS_OFFERED => ticks.collect(),
        _ => ticks.filter(|tick| tick.on).collect(),
    }
}

/// Why there are no connections, and what to do about it.
pub(super) fn empty(desk: &Desk<'_>, counts: Counts) -> Empty {
    let query = desk.query;
    if on_a_later_page(query) {
        return Empty {
            heading: "Nothing is left on this page".to_owned(),
            text: "Its connections have been revoked or removed since.".to_owned(),
            steps: Vec::new(),
            action: Some(("First page".to_owned(), query.first_page().href())),
        };
    }
    let others = counts.of(query.statuses.others());
    if query.is_filtered() && others > 0 {
        let (are, meet) = if others == 1 {
            ("is", "meets")
        } else {
            ("are", "meet")
        };
        return Empty {
            heading: "Nothing of this status matches".to_owned(),
            text: format!(
                "In other statuses there {are} {} that {meet} all other filters.",
                number::connections(others)
            ),
            steps: Vec::new(),
            action: Some((
                "Show every status".to_owned(),
                with_statuses(query, Statuses::ALL).href(),
            )),
        };
    }
    if query.is_filtered() {
        return Empty {
            heading: "Nothing matches".to_owned(),
            text: "No connection meets all of these filters.".to_owned(),
            steps: Vec::new(),
            action: Some(("Clear filters".to_owned(), query.without_filters().href())),
        };
    }
    if counts.revoked > 0 {
        return Empty {
            heading: "Nothing is connected now".to_owned(),
            text: "Every connection has been revoked.".to_owned(),
            steps: Vec::new(),
            action: Some((
                "Show revoked connections".to_owned(),
                with_statuses(query, Statuses::ALL).href(),
            )),
        };
    }
    nothing_yet(desk)
}

fn on_a_later_page(query: &ListQuery) -> bool {
    let place = |query: &ListQuery| match &query.view {
        View::List { place, .. } => (Some(place.clone()), None),
        View::Groups { place, .. } => (None, Some(place.clone())),
    };
    place(query) != place(&query.first_page())
}

fn nothing_yet(desk: &Desk<'_>) -> Empty {
    if desk.principal.looks_beyond_themselves() {
        return Empty {
            heading: "Nothing is connected yet".to_owned(),
            text: "A connection appears here when someone connects an MCP client to one of the \
                   organization's projects and allows it."
                .to_owned(),
            steps: vec![
                "Open a project and copy its MCP server URL.".to_owned(),
                "Add that URL to a host such as Claude or Cursor, and connect.".to_owned(),
            ],
            action: Some(("Projects".to_owned(), "/projects".to_owned())),
        };
    }
    Empty {
        heading: "You have no connections".to_owned(),
        text: "A connection appears here when you connect an MCP client, such as Claude or \
               Cursor, to one of the organization's projects and allow it."
            .to_owned(),
        steps: Vec::new(),
        action: Some(("Where to begin".to_owned(), "/me".to_owned())),
    }
}

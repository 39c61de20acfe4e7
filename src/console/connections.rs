//! The list of connections.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};

use crate::{
    clock::Timestamp,
    domain::{
        connection::{Lifetimes, Status},
        role::{Principal, Reach},
    },
    store::{
        connection_filter::{Filter, Statuses},
        connection_list::{self, Column, Counts, Key, Listed, Order, Place},
    },
    web::{
        html,
        params::{Params, encode},
        problem::Problem,
        state::App,
    },
};

use super::{
    frame, moment,
    view::{
        ConnectionList, ConnectionRow, ConnectionsPage, Empty, PerLink, StatusChip, StatusView,
    },
};

/// `GET /connections`.
///
/// # Errors
/// A page, when the query makes no sense or the database failed.
pub async fn show(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let query = Query::parse(&Params::parse(req.query_string().as_bytes()))?;
    let cutoffs = app.rules.lifetimes.cutoffs(now);
    let filter = Filter {
        statuses: query.statuses,
        ..Filter::all(principal.sees(), cutoffs)
    };
    let mut tx = app.db.snapshot().await?;
    let counts = connection_list::counts(&mut tx, &filter).await?;
    let rows =
        connection_list::page(&mut tx, &filter, Order::NEWEST, &query.place, query.per + 1).await?;
    let moment = Moment {
        lifetimes: &app.rules.lifetimes,
        now,
        changes: &principal.changes(),
        here: &frame::here(&req),
    };
    let page = ConnectionsPage {
        frame: frame::build(&app, &principal, &session, &req, now),
        heading: heading(&principal).to_owned(),
        intro: intro(&app, &principal),
        list: list(&query, counts, rows, &moment),
    };
    let body = if html::is_fragment(&req) {
        frame::render(&page.as_list())?
    } else {
        frame::render(&page)?
    };
    Ok(html::page(&req, StatusCode::OK, body))
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
    if principal.looks_beyond_themselves() {
        format!("See and revoke what MCP clients can reach on behalf of people in {organization}.")
    } else {
        format!("See and revoke what MCP clients can reach on your behalf in {organization}.")
    }
}

const PER_CHOICES: [u32; 3] = [25, 50, 100];
const PER_DEFAULT: u32 = 50;
const STATUS_WORDS: [&str; 3] = ["active", "expired", "revoked"];

/// The state of the list, as its address has it.
#[derive(Clone, Debug)]
struct Query {
    statuses: Statuses,
    place: Place,
    per: u32,
}

const STATUSES_DEFAULT: Statuses = Statuses {
    active: true,
    expired: true,
    revoked: false,
};

impl Query {
    fn parse(params: &Params) -> Result<Self, Problem> {
        let one = |name: &'static str| {
            params
                .one(name)
                .map_err(|error| wrong(&format!("{error}.")))
        };
        let place = match (one("after")?, one("before")?) {
            (None, None) => Place::Start,
            (Some(key), None) => Place::After(parse_key(key)?),
            (None, Some(key)) => Place::Before(parse_key(key)?),
            (Some(_), Some(_)) => return Err(wrong("Give after or before, not both.")),
        };
        let per = match one("per")? {
            None => PER_DEFAULT,
            Some(text) => PER_CHOICES
                .into_iter()
                .find(|choice| choice.to_string() == text)
                .ok_or_else(|| wrong("per must be 25, 50 or 100."))?,
        };
        Ok(Self {
            statuses: parse_statuses(&params.all("status"))?,
            place,
            per,
        })
    }

    /// The address of the list with these statuses, at this place.
    fn href(&self, statuses: Statuses, place: Option<(&'static str, &Listed)>) -> String {
        let mut pairs = Vec::new();
        if statuses != STATUSES_DEFAULT {
            let on = [statuses.active, statuses.expired, statuses.revoked];
            let named = STATUS_WORDS.into_iter().zip(on).filter(|(_, on)| *on);
            pairs.extend(named.map(|(word, _)| ("status", word.to_owned())));
        }
        if self.per != PER_DEFAULT {
            pairs.push(("per", self.per.to_string()));
        }
        if let Some((name, row)) = place {
            pairs.push((name, row.key().to_string()));
        }
        if pairs.is_empty() {
            return "/connections".to_owned();
        }
        let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
        format!("/connections?{}", encode(pairs))
    }
}

fn wrong(text: &str) -> Problem {
    Problem::bad_request(text).with_link("All connections", "/connections")
}

fn parse_statuses(words: &[&str]) -> Result<Statuses, Problem> {
    if words.is_empty() {
        return Ok(STATUSES_DEFAULT);
    }
    if let Some(unknown) = words.iter().find(|word| !STATUS_WORDS.contains(word)) {
        let text = format!("status is \"{unknown}\", and must be active, expired or revoked.");
        return Err(wrong(&text));
    }
    let [active, expired, revoked] = STATUS_WORDS.map(|word| words.contains(&word));
    Ok(Statuses {
        active,
        expired,
        revoked,
    })
}

/// The row that a page begins after or ends before.
fn parse_key(key: &str) -> Result<Key, Problem> {
    Key::parse(key, Column::Authorized)
        .ok_or_else(|| wrong("This page of the list cannot be found."))
}

/// What rows are shown against.
struct Moment<'a> {
    lifetimes: &'a Lifetimes,
    now: Timestamp,
    changes: &'a Reach,
    here: &'a str,
}

fn list(
    query: &Query,
    counts: Counts,
    mut rows: Vec<Listed>,
    moment: &Moment<'_>,
) -> ConnectionList {
    let more = rows.len() > query.per as usize;
    let backwards = matches!(query.place, Place::Before(..));
    // The row too many says that there is more, on the side walked towards.
    if more {
        rows.remove(if backwards { 0 } else { query.per as usize });
    }
    let has_previous = if backwards {
        more
    } else {
        query.place != Place::Start
    };
    let has_next = if backwards { true } else { more };
    let link =
        |name, row: Option<&Listed>| row.map(|row| query.href(query.statuses, Some((name, row))));
    ConnectionList {
        chips: chips(query, counts),
        summary: summary(query.statuses, counts),
        previous: link("before", rows.first()).filter(|_| has_previous),
        next: link("after", rows.last()).filter(|_| has_next),
        per: per_links(query),
        empty: rows.is_empty().then(|| empty(query, counts)),
        rows: rows.into_iter().map(|row| self::row(row, moment)).collect(),
    }
}

fn chips(query: &Query, counts: Counts) -> Vec<StatusChip> {
    let now = query.statuses;
    let chip = |label, count, on, toggled: Statuses| StatusChip {
        label,
        count,
        // With none left the list would be empty for no reason: start over.
        href: query.href(
            if toggled == NO_STATUS {
                STATUSES_DEFAULT
            } else {
                toggled
            },
            None,
        ),
        on,
    };
    vec![
        chip(
            "Active",
            counts.active,
            now.active,
            Statuses {
                active: !now.active,
                ..now
            },
        ),
        chip(
            "Expired",
            counts.expired,
            now.expired,
            Statuses {
                expired: !now.expired,
                ..now
            },
        ),
        chip(
            "Revoked",
            counts.revoked,
            now.revoked,
            Statuses {
                revoked: !now.revoked,
                ..now
            },
        ),
    ]
}

const NO_STATUS: Statuses = Statuses {
    active: false,
    expired: false,
    revoked: false,
};

fn summary(statuses: Statuses, counts: Counts) -> String {
    match total(statuses, counts) {
        1 => "1 connection".to_owned(),
        total => format!("{total} connections"),
    }
}

fn total(statuses: Statuses, counts: Counts) -> i64 {
    let shown = [
        (statuses.active, counts.active),
        (statuses.expired, counts.expired),
        (statuses.revoked, counts.revoked),
    ];
    shown
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, count)| count)
        .sum()
}

fn per_links(query: &Query) -> Vec<PerLink> {
    let link = |per| PerLink {
        label: format!("{per} per page"),
        href: Query {
            per,
            ..query.clone()
        }
        .href(query.statuses, None),
        current: per == query.per,
    };
    PER_CHOICES.into_iter().map(link).collect()
}

fn empty(query: &Query, counts: Counts) -> Empty {
    if total(Statuses::ALL, counts) == 0 {
        return Empty {
            heading: "Nothing is connected yet".to_owned(),
            text: "A connection appears here when someone connects an MCP client, such as Claude \
                   or Cursor, to one of the organization's projects and allows it."
                .to_owned(),
            action: None,
        };
    }
    let place = if query.place == Place::Start {
        "these filters"
    } else {
        "this page"
    };
    Empty {
        heading: "No connections here".to_owned(),
        text: format!("Nothing matches {place}."),
        action: Some(("All connections".to_owned(), "/connections".to_owned())),
    }
}

fn row(row: Listed, moment: &Moment<'_>) -> ConnectionRow {
    let status = row.life.status(moment.lifetimes, moment.now);
    let revocable =
        !matches!(status, Status::Revoked(_)) && moment.changes.covers(&row.person, &row.project);
    let revoke_query = [("id", row.id.as_str()), ("back", moment.here)];
    ConnectionRow {
        revoke_href: revocable.then(|| format!("/connections/revoke?{}", encode(revoke_query))),
        id: row.id.to_string(),
        name: row.name,
        client: row.client_name,
        client_note: None,
        project: row.project_name,
        authorized: moment::dated(row.life.authorized_at),
        person_name: row.person_name,
        person_email: row.person_email,
        status: status_view(&status, moment.now),
        last_used: row
            .connected_at
            .map(|_| moment::when(row.life.last_used_at, moment.now)),
    }
}

/// A status in words.
pub(super) fn status_view(status: &Status, now: Timestamp) -> StatusView {
    match status {
        Status::Active { until } => StatusView {
            word: "Active",
            class: "active",
            detail: format!("until {}", moment::date(*until)),
        },
        Status::Expired { since } => StatusView {
            word: "Expired",
            class: "expired",
            detail: moment::text(*since, now),
        },
        Status::Revoked(revocation) => StatusView {
            word: "Revoked",
            class: "revoked",
            detail: {
                let at = moment::text(revocation.at, now);
                match &revocation.reason {
                    None => format!("{at} by {}", revocation.by),
                    Some(reason) => format!("{at} by {}: {reason}", revocation.by),
                }
            },
        },
    }
}

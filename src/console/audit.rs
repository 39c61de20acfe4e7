//! The audit trail: who did what to what, from where, and why.

use std::collections::{HashMap, HashSet};

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    domain::{
        ids::ProjectId,
        role::{Principal, Reach},
    },
    store::{
        self, Tx,
        audit::Entry,
        audit_list::{self, LOOKED_AT, Named},
    },
    web::{
        params::{Params, shortened},
        problem::Problem,
        session::Flash,
        table::Format,
    },
};

use super::{
    export::{self, AuditTrail, Export},
    moment, project,
    view::{Frame, When},
    visit::Visit,
};

mod asked;

use asked::{Asked, KINDS};

/// The address of the audit trail.
pub const PATH: &str = "/audit";

/// How many events a page has.
const PER_PAGE: usize = 25;

/// The page.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    text: String,
    kinds: Vec<KindOption>,
    /// As a field for a day has it.
    from: String,
    to: String,
    /// Whether something is left out.
    filtered: bool,
    /// The page of the newest events that match, where this is another.
    newest: Option<String>,
    export_query: String,
    rows: Vec<Row>,
    /// How far it was looked, where there may be more that match.
    looked_to: Option<When>,
    previous: Option<String>,
    next: Option<String>,
}

/// What events can be about.
#[derive(Debug)]
struct KindOption {
    word: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Debug)]
struct Row {
    when: When,
    what: String,
    detail: Option<String>,
    about: Vec<About>,
    actor: String,
    address: Option<String>,
    reason: Option<String>,
}

/// Something that an event names.
#[derive(Debug)]
struct About {
    kind: &'static str,
    name: String,
    /// Its page, if it is still there.
    href: Option<String>,
}

/// Whether the audit trail is this person's to read: it tells of everybody.
pub fn is_open_to(principal: &Principal) -> bool {
    principal.sees() == Reach::All
}

/// `GET /audit`.
///
/// # Errors
/// A page, for whoever does not see everything, and when the query makes no sense.
pub async fn show(visit: Visit) -> Result<HttpResponse, Problem> {
    let params = params(&visit)?;
    let asked = Asked::parse(&params)?;
    let mut tx = visit.app.db.snapshot().await?;
    let (wanted, place) = (asked.wanted(), &asked.place);
    let part = audit_list::part(&mut tx, &wanted, place, PER_PAGE).await?;
    let [previous, next] = asked.neighbours(&part);
    let present = Present::read(&mut tx, &part.entries).await?;
    let day = |day: Option<time::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let mut frame = visit.frame();
    frame.flash = frame.flash.or_else(|| left_out(&params).map(Into::into));
    let page = AuditPage {
        frame,
        kinds: kinds(&asked),
        from: day(asked.from),
        to: day(asked.to),
        filtered: asked.is_filtered(),
        newest: asked.newest(),
        export_query: asked.export_query(),
        looked_to: part.looked_to.map(moment::to_the_minute),
        rows: part
            .entries
            .into_iter()
            .map(|entry| present.row(entry))
            .collect(),
        previous,
        next,
        text: asked.text.unwrap_or_default(),
    };
    visit.page(StatusCode::OK, &page)
}

/// `GET /audit.csv`.
///
/// # Errors
/// A page, as for the list, and when too many long exports are being made.
pub async fn csv(visit: Visit) -> Result<HttpResponse, Problem> {
    file(&visit, Format::Csv).await
}

/// `GET /audit.json`.
///
/// # Errors
/// Like [`csv`].
pub async fn json(visit: Visit) -> Result<HttpResponse, Problem> {
    file(&visit, Format::Json).await
}

async fn file(visit: &Visit, format: Format) -> Result<HttpResponse, Problem> {
    let asked = Asked::parse_strictly(&params(visit)?)?;
    let trail = AuditTrail::of(asked.wanted());
    let tx = visit.app.db.snapshot().await?;
    let export = Export::new(tx, trail, format);
    export::answer(
        (&visit.app, &visit.principal),
        export,
        ("audit", format),
        visit.now,
    )
    .await
}

/// Says that a parameter was not understood: a misspelt one leaves more than was meant.
fn left_out(params: &Params) -> Option<Flash> {
    let name = shortened(asked::unknown(params)?);
    Some(Flash::Problem(format!(
        "The audit trail knows no \"{name}\", and it was left out."
    )))
}

/// What the address says, for whoever may read the trail.
fn params(visit: &Visit) -> Result<Params, Problem> {
    if !is_open_to(&visit.principal) {
        return Err(Problem::not_found());
    }
    Ok(Params::parse(visit.req.query_string().as_bytes()))
}

fn kinds(asked: &Asked) -> Vec<KindOption> {
    let labels = ["Connections", "Clients", "Projects"];
    let kinds = KINDS.iter().zip(labels);
    kinds
        .map(|((word, kind), label)| KindOption {
            word,
            label,
            chosen: asked.kind == Some(*kind),
        })
        .collect()
}

/// Those of the things that events name which are still there.
struct Present {
    connections: HashSet<String>,
    clients: HashSet<String>,
    people: HashSet<String>,
    /// The address of each project's page.
    projects: HashMap<String, String>,
}

impl Present {
    async fn read(tx: &mut Tx, entries: &[Entry]) -> store::Result<Self> {
        let ids = |of: fn(&Entry) -> Option<&String>| -> Vec<String> {
            let ids: HashSet<_> = entries.iter().filter_map(of).cloned().collect();
            ids.into_iter().collect()
        };
        let connections = ids(|entry| entry.connection_id.as_ref());
        let clients = ids(|entry| entry.client_id.as_ref());
        let people = ids(|entry| entry.person_id.as_ref());
        let projects = ids(|entry| entry.project_id.as_ref());
        let projects: Vec<_> = projects
            .iter()
            .filter_map(|id| ProjectId::parse(id))
            .collect();
        let limit = PER_PAGE as u32;
        let projects = store::project::endpoints(tx, Some(&projects), limit).await?;
        Ok(Self {
            connections: audit_list::present(tx, Named::Connection, &connections).await?,
            clients: audit_list::present(tx, Named::Client, &clients).await?,
            people: audit_list::present(tx, Named::Person, &people).await?,
            projects: projects
                .into_iter()
                .map(|endpoint| (endpoint.id.to_string(), project::path(&endpoint.slug)))
                .collect(),
        })
    }

    fn row(&self, entry: Entry) -> Row {
        let page = |there: &HashSet<String>, path: &str, id: &Option<String>| {
            let id = id.as_ref().filter(|id| there.contains(*id))?;
            Some(format!("/{path}/{id}"))
        };
        let project = entry.project_id.as_ref();
        let about = [
            (
                "Connection",
                page(&self.connections, "connections", &entry.connection_id),
                entry.connection_name,
            ),
            (
                "Client",
                page(&self.clients, "clients", &entry.client_id),
                entry.client_name,
            ),
            (
                "Project",
                project.and_then(|id| self.projects.get(id)).cloned(),
                entry.project_name,
            ),
            (
                "Person",
                page(&self.people, "people", &entry.person_id),
                entry.person_email,
            ),
        ];
        let about = about.into_iter().filter_map(|(kind, href, name)| {
            let name = name?;
            Some(About { kind, name, href })
        });
        Row {
            when: moment::to_the_minute(entry.at),
            what: words(&entry.action),
            detail: entry.detail,
            about: about.collect(),
            actor: entry.actor,
            address: entry.address,
            reason: entry.reason,
        }
    }
}

/// What happened, in words: `client.secret_rotated` is "Client secret rotated".
fn words(action: &str) -> String {
    if action == "matching.revoked" {
        return "Everything that matched was revoked".to_owned();
    }
    let words = action.replace(['.', '_'], " ");
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

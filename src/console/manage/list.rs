//! The clients of a project.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        client::ClientType,
        ids::{ClientId, ProjectId},
        role::Reach,
    },
    store::{
        Tx,
        client_manage::{self, ListPlace, Managed},
        connection_filter::Filter,
        connection_groups::{self, Group, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
    },
    web::{
        params::{Params, encode},
        problem::Problem,
    },
};

use crate::console::{
    connections::paging,
    counts, logo, moment, number, project,
    revoke::see_other,
    view::{Frame, LogoView, When},
    visit::Visit,
};

use super::{client_path, create::new_path, path, seen_project};

/// How many clients a page has.
const PER_PAGE: u32 = 50;

/// The page of a project's clients.
#[derive(Debug, Template)]
#[template(path = "manage.html")]
struct ListPage {
    frame: Frame,
    project: String,
    project_href: String,
    resource: String,
    rows: Vec<Row>,
    /// Whether nothing can connect any more.
    archived: bool,
    /// Where one is made, for those who may.
    create_href: Option<String>,
    /// The clients that are used with the project, whoever made them.
    used_href: String,
    previous: Option<String>,
    next: Option<String>,
}

#[derive(Debug)]
struct Row {
    href: String,
    logo: LogoView,
    name: String,
    kind: &'static str,
    revoked: Option<When>,
    created: When,
    count: String,
    /// Class and words of each status that there is.
    parts: Vec<(&'static str, String)>,
    last_used: Option<When>,
}

/// `GET /projects/{slug}/clients`.
///
/// # Errors
/// A page, when there is no such project in this person's sight.
pub async fn show(visit: Visit, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let (app, principal, now) = (&visit.app, &visit.principal, visit.now);
    let mut tx = app.db.snapshot().await?;
    let project = seen_project(&mut tx, principal, &slug).await?;
    let asked = Params::parse(visit.req.query_string().as_bytes());
    let base = path(&project.slug);
    let place = place(&asked, &base)?;
    let mut found =
        client_manage::of_project(&mut tx, &project.id, &place, PER_PAGE as usize + 1).await?;
    if found.is_empty() && place != ListPlace::Start {
        // What stood here is gone.
        return Ok(see_other(&base));
    }
    let [previous, next] = sides(&base, &place, &mut found);
    let filter = Filter::all(Reach::All, app.rules.lifetimes.cutoffs(now));
    let groups = groups(&mut tx, filter, &project.id, &found).await?;
    let row = |client: Managed| {
        let group = groups.iter().find(|group| group.id == client.id.as_str());
        let href = client_path(&project.slug, &client.id);
        row(client, href, group, now)
    };
    let may_change = principal.changes().covers_project(&project.id);
    let used = encode([("view", "client"), ("project", project.id.as_str())]);
    let page = ListPage {
        frame: visit.frame(),
        rows: found.into_iter().map(row).collect(),
        create_href: (may_change && project.archived_at.is_none()).then(|| new_path(&project.slug)),
        archived: project.archived_at.is_some(),
        used_href: format!("/connections?{used}"),
        previous,
        next,
        project_href: project::path(&project.slug),
        project: project.name,
        resource: project.resource.as_str().to_owned(),
    };
    visit.page(StatusCode::OK, &page)
}

/// Which page of the list at `base` is asked for.
fn place(params: &Params, base: &str) -> Result<ListPlace, Problem> {
    let wrong = |text: String| Problem::bad_request(text).with_link("All its clients", base);
    let one = |name| params.one(name).map_err(|error| wrong(format!("{error}.")));
    let key = |name, text: &str| {
        let key = text.split_once(' ').and_then(|(id, folded)| {
            let id = ClientId::parse(id)?;
            Some((folded.to_owned(), id))
        });
        key.ok_or_else(|| {
            wrong(format!(
                "{name} is \"{text}\", and must be as in the link to a page of the list."
            ))
        })
    };
    match (one("after")?, one("before")?) {
        (None, None) => Ok(ListPlace::Start),
        (Some(after), None) => key("after", after).map(|(name, id)| ListPlace::After(name, id)),
        (None, Some(before)) => key("before", before).map(|(name, id)| ListPlace::Before(name, id)),
        (Some(_), Some(_)) => Err(wrong("Give after or before, not both.".to_owned())),
    }
}

/// The addresses of the pages before and after; what is one too many goes.
fn sides(base: &str, place: &ListPlace, found: &mut Vec<Managed>) -> [Option<String>; 2] {
    let backwards = matches!(place, ListPlace::Before(..));
    let sides = paging::at(found, PER_PAGE, backwards, *place == ListPlace::Start);
    let link = |name, client: &Managed| {
        let key = format!("{} {}", client.id, client.folded);
        format!("{base}?{}", encode([(name, key.as_str())]))
    };
    let first = found.first().filter(|_| sides.previous);
    let last = found.last().filter(|_| sides.next);
    [
        first.map(|client| link("before", client)),
        last.map(|client| link("after", client)),
    ]
}

/// How many connections of each status the clients have at the project.
async fn groups(
    tx: &mut Tx,
    filter: Filter,
    project: &ProjectId,
    clients: &[Managed],
) -> Result<Vec<Group>, Problem> {
    if clients.is_empty() {
        return Ok(Vec::new());
    }
    let filter = Filter {
        projects: vec![project.clone()],
        clients: clients.iter().map(|client| client.id.clone()).collect(),
        ..filter
    };
    let grouping = Grouping {
        by: GroupBy::Client,
        order: GroupOrder::RECENT,
        with_empty: WithEmpty::No,
    };
    Ok(connection_groups::page(tx, &filter, &grouping, &GroupPlace::Start, PER_PAGE).await?)
}

fn row(client: Managed, href: String, group: Option<&Group>, now: Timestamp) -> Row {
    let counts = group.map(|group| group.counts).unwrap_or_default();
    Row {
        href,
        logo: logo::view(&client.name, client.logo.as_ref()),
        name: client.name,
        kind: match client.client_type {
            ClientType::Public => "Public",
            ClientType::Confidential => "Confidential",
        },
        revoked: client.revoked_at.map(|at| moment::when(at, now)),
        created: moment::when(client.created_at, now),
        count: number::grouped(counts.active + counts.expired + counts.revoked),
        parts: counts::parts(counts),
        last_used: group
            .and_then(|group| group.last_used_at)
            .map(|at| moment::when(at, now)),
    }
}

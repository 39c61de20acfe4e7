//! Makes the demo's organization with the same verbs that real ones are made
//! with, at moments in the past, so that its audit trail is true as well.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        audit::Actor,
        client::{Client, Origin},
        ids::ConnectionId,
        pkce::CodeChallenge,
        project::{OfferedScope, Project, Slug},
        redirect::RedirectUri,
        resource::Resource,
        role::{Identity, PrincipalName, Reach},
        scope::{ScopeSet, ScopeToken},
    },
    flow::{
        Context,
        authorize::{self, Consent, Proposal},
        project::{self, NewProject},
        register::{self, NewClient},
        revoke,
    },
    store::{self, Tx},
    web::state::App,
};

use super::organization::{
    ADMINISTRATOR, CLIENTS, DOCUMENT, MEMBER, PEOPLE, PROJECTS, SampleClient, SampleProject, email,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Makes the sample people, projects, clients and connections.
///
/// # Errors
/// When the database failed.
pub async fn fill(app: &App) -> store::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    let mut projects = Vec::new();
    for sample in &PROJECTS {
        projects.push(add_project(&mut tx, &context(app, ago(now, 500 * DAY), 0), sample).await?);
    }
    let mut clients = Vec::new();
    for (age, sample) in (1..).zip(&CLIENTS) {
        let made = context(app, ago(now, 460 * DAY - age * DAY), 0);
        clients.push(add_client(&mut tx, &made, sample, &projects).await?);
    }
    let mut stories = stories();
    // Newest first: then no older one is there yet for it to replace.
    stories.sort_by_key(|story| story.authorized);
    let mut uses = Vec::new();
    for story in &stories {
        let id = connect(&mut tx, app, now, story, &clients, &projects).await?;
        if let Some(used) = story.used {
            uses.push((id.clone(), ago(now, used)));
        }
        if let Some(end) = &story.revoked {
            revoke(&mut tx, app, now, &id, end).await?;
        }
    }
    store::connection::record_uses(&mut tx, &uses).await?;
    tx.commit().await
}

fn ago(now: Timestamp, seconds: u64) -> Timestamp {
    now.minus(Duration::from_secs(seconds))
}

fn context(app: &App, now: Timestamp, person: usize) -> Context<'_> {
    Context {
        now,
        rules: &app.rules,
        secrets: &app.secrets,
        actor: Actor::Person(email(person)),
        address: Some(format!("10.20.0.{}", person + 10)),
    }
}

/// A broken table of the demo is a broken row.
fn table_error(column: &'static str, id: &str) -> store::Error {
    store::Error::Corrupt {
        table: "demo",
        column,
        id: id.to_owned(),
    }
}

async fn add_project(
    tx: &mut Tx,
    context: &Context<'_>,
    sample: &SampleProject,
) -> store::Result<Project> {
    let broken = |column| move || table_error(column, sample.slug);
    let last = sample.scopes.len() - 1;
    let mut scopes = Vec::new();
    for (position, (name, description)) in sample.scopes.iter().enumerate() {
        scopes.push(OfferedScope {
            name: ScopeToken::parse(name).ok().ok_or_else(broken("scope"))?,
            description: (*description).to_owned(),
            optional: position == last,
        });
    }
    let resource = format!("https://{}.acme.example/mcp", sample.slug);
    let administrators = match sample.administered {
        true => vec![PrincipalName::Email(email(ADMINISTRATOR))],
        false => vec![PrincipalName::Group("platform".to_owned())],
    };
    let new = NewProject {
        slug: Slug::parse(sample.slug).ok().ok_or_else(broken("slug"))?,
        name: sample.name.to_owned(),
        resource: Resource::parse(&resource)
            .ok()
            .ok_or_else(broken("resource"))?,
        scopes,
        administrators,
    };
    Ok(project::add(tx, context, new).await?.0)
}

async fn add_client(
    tx: &mut Tx,
    context: &Context<'_>,
    sample: &SampleClient,
    projects: &[Project],
) -> store::Result<Client> {
    let uri = RedirectUri::parse(sample.redirect_uri, &register::PRIVATE_SCHEMES)
        .map_err(|_| table_error("redirect_uri", sample.name))?;
    if sample.origin == Origin::Document {
        return add_document_client(tx, context, sample, uri).await;
    }
    let new = NewClient {
        origin: sample.origin,
        project: sample.project.map(|project| &projects[project]),
        name: sample.name.to_owned(),
        client_type: sample.client_type,
        redirect_uris: vec![uri],
    };
    Ok(register::client(tx, context, new).await?.0)
}

/// A client whose id is the address of its metadata document.
async fn add_document_client(
    tx: &mut Tx,
    context: &Context<'_>,
    sample: &SampleClient,
    uri: RedirectUri,
) -> store::Result<Client> {
    let client = Client {
        id: context.secrets.new_id(context.now),
        identifier: DOCUMENT.to_owned(),
        origin: sample.origin,
        project: None,
        name: sample.name.to_owned(),
        client_type: sample.client_type,
        secret_hash: None,
        created_at: context.now,
        revoked_at: None,
        redirect_uris: vec![uri],
    };
    store::client::insert(tx, &client).await?;
    store::client::insert_redirect_uri(tx, &client.id, 0, &client.redirect_uris[0]).await?;
    Ok(client)
}

/// What one connection has been through; times are seconds ago.
struct Story {
    client: usize,
    project: usize,
    person: usize,
    authorized: u64,
    used: Option<u64>,
    revoked: Option<End>,
}

struct End {
    at: u64,
    by: Actor,
    reason: Option<&'static str>,
}

const REASONS: [Option<&str>; 6] = [
    None,
    Some("Laptop lost"),
    Some("Left the project"),
    None,
    Some("Quarterly clean-up"),
    Some("Unknown device"),
];

fn stories() -> Vec<Story> {
    let of_each = CLIENTS.iter().enumerate();
    let clients = of_each.flat_map(|(client, sample)| vec![client; sample.connections]);
    clients
        .enumerate()
        .map(|(number, client)| story(number as u64, client))
        .collect()
}

fn story(number: u64, client: usize) -> Story {
    // Some people connect far more than others; every 60th is the member's.
    let person = match number % 60 {
        7 => MEMBER,
        n if n % 9 == 0 => 5 + (n as usize / 9) % 3,
        _ => spread(number, 40) as usize,
    };
    let project = CLIENTS[client]
        .project
        .unwrap_or(spread(number + 500, 6) as usize);
    let (used, revoked) = state(number, person);
    let since_first_use = spread(number + 900, 150 * DAY);
    let authorized = match used {
        Some(used) => used + MINUTE + since_first_use,
        None => 2 * HOUR + spread(number, 20 * DAY),
    };
    Story {
        client,
        project,
        person,
        authorized,
        used,
        revoked,
    }
}

/// When it was last used, and how it ended if it was ended.
fn state(number: u64, person: usize) -> (Option<u64>, Option<End>) {
    match number % 10 {
        // In use: half of them today.
        0 | 2 | 4 => (Some(2 * MINUTE + spread(number, 20 * HOUR)), None),
        1 | 3 | 5 => (Some(DAY + spread(number, 28 * DAY)), None),
        6 | 8 => (Some(31 * DAY + spread(number, 260 * DAY)), None),
        9 if number % 20 == 9 => (None, None),
        _ => {
            let at = HOUR + spread(number + 77, 85 * DAY);
            (
                Some(at + HOUR + spread(number, 25 * DAY)),
                Some(end(number, at, person)),
            )
        }
    }
}

fn end(number: u64, at: u64, person: usize) -> End {
    let reused = "The client used an old refresh token again.";
    let reason = REASONS[spread(number + 3, 6) as usize];
    let (by, reason) = match spread(number + 11, 8) {
        0 => (Actor::Untether, Some(reused)),
        1 => (Actor::Client, None),
        2..=4 => (Actor::Person(email(person)), reason),
        _ => (Actor::Person(email(super::organization::OWNER)), reason),
    };
    End { at, by, reason }
}

/// A number below `range` that looks like chance and is the same every time.
fn spread(number: u64, range: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) % range
}

async fn connect(
    tx: &mut Tx,
    app: &App,
    now: Timestamp,
    story: &Story,
    clients: &[Client],
    projects: &[Project],
) -> store::Result<ConnectionId> {
    let (client, project) = (&clients[story.client], &projects[story.project]);
    let then = context(app, ago(now, story.authorized), story.person);
    let proposal = Proposal {
        client: client.clone(),
        project: project.clone(),
        redirect_uri: client.redirect_uris[0].clone(),
        scopes: project.scopes.clone(),
        code_challenge: CodeChallenge::from_stored(String::new()),
        state: None,
    };
    let identity = identity(story.person);
    let nonce = app.secrets.nonce();
    let consent = Consent {
        identity: &identity,
        ticked: &ScopeSet::default(),
        nonce: &nonce,
    };
    let code = authorize::allow(tx, &then, &proposal, &consent).await?;
    let code = code.map_err(|_| table_error("client", &client.name))?;
    let hash = app.secrets.hash(code.expose());
    let code = store::code::find(tx, &hash).await?;
    let id = code
        .ok_or_else(|| table_error("code", &client.name))?
        .connection_id;
    if story.used.is_some() {
        let redeemed = then.now.plus(Duration::from_secs(3));
        store::code::redeem(tx, &hash, redeemed).await?;
        store::connection::touch(tx, &id, redeemed).await?;
    }
    Ok(id)
}

async fn revoke(
    tx: &mut Tx,
    app: &App,
    now: Timestamp,
    id: &ConnectionId,
    end: &End,
) -> store::Result<()> {
    let then = Context {
        actor: end.by.clone(),
        ..context(app, ago(now, end.at), 0)
    };
    let id = std::slice::from_ref(id);
    revoke::connections(tx, &then, &Reach::All, id, end.reason)
        .await
        .map(drop)
}

/// One of the people, as the SSO proxy would report them.
pub fn identity(person: usize) -> Identity {
    Identity {
        subject: email(person),
        email: email(person),
        name: PEOPLE[person].0.to_owned(),
        groups: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_organization_has_every_kind_of_everything() {
        let stories = stories();
        let count = |wanted: fn(&&Story) -> bool| stories.iter().filter(wanted).count();
        assert_eq!(stories.len(), 250);
        assert_eq!((PROJECTS.len(), CLIENTS.len(), PEOPLE.len()), (6, 14, 40));
        let people: HashSet<_> = stories.iter().map(|story| story.person).collect();
        assert!(people.len() >= 38, "{}", people.len());
        let unrevoked = |story: &&Story| story.revoked.is_none();
        assert!(count(|story| story.revoked.is_some()) > 20);
        assert!(count(|story| story.used.is_none()) > 5);
        let expired = |story: &Story| story.used.is_some_and(|used| used > 30 * DAY);
        assert!(
            stories
                .iter()
                .filter(unrevoked)
                .filter(|story| expired(story))
                .count()
                > 20
        );
        let member = stories
            .iter()
            .filter(|story| story.person == MEMBER)
            .count();
        assert!((4..=12).contains(&member), "{member}");
    }
}

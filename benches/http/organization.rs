//! An organization of any size, written straight into a fresh database.
//!
//! Nobody connects evenly: a few clients and projects have most of the connections (Zipf),
//! people have about twenty each. A year of connections, in the order they came: by now
//! 59 % are active, 29 % expired, 12 % revoked.

use serde::{Deserialize, Serialize};
use untether::{
    app,
    clock::{Clock as _, SystemClock, Timestamp},
    config::Settings,
    domain::{
        audit::Actor,
        ids::{ClientId, ConnectionId, PersonId},
        pkce::CodeChallenge,
        project::{Members, OfferedScope, Slug},
        resource::Resource,
        role::PrincipalName,
        scope::ScopeToken,
        secret::{SecretKind, Secrets},
    },
    flow::{
        self, Context,
        project::{Facts, NewProject},
    },
    store::{self, Db, code::Code},
};

use crate::{
    bulk::{Chance, Indexes, Rows, settle},
    filling::{Filling, Party, SAMPLE, SCOPES, add_tokens},
};

/// Administers the project with the most connections, and nothing else.
pub const ADMINISTRATOR: &str = "pablo.ruiz@acme.example";

/// The administrator of the 50 projects after that.
pub const MANAGER: &str = "maria.lind@acme.example";
/// Has some connections.
pub const MEMBER: &str = "mia.stone7@acme.example";

const PROJECTS: usize = 200;
const APPS: [&str; 8] = [
    "Claude Code",
    "Cursor",
    "VS Code",
    "Goose",
    "Zed",
    "Windsurf",
    "ChatGPT",
    "Raycast",
];
const FIRST: [&str; 8] = ["mia", "ana", "noah", "lena", "omar", "yuki", "igor", "zoe"];
const LAST: [&str; 6] = ["stone", "tanaka", "okafor", "novak", "silva", "berg"];

/// A project's MCP server, as it introspects.
#[derive(Deserialize, Serialize)]
pub struct Server {
    pub id: String,
    pub credential: String,
    pub secret: String,
}

/// An active connection with tokens.
#[derive(Deserialize, Serialize)]
pub struct Grant {
    pub connection: String,
    /// Index of its project.
    pub project: usize,
    /// The `client_id` of its client.
    pub client: String,
    pub access: String,
    pub refresh: String,
}

impl Grant {
    /// The connection's id.
    pub fn connection(&self) -> ConnectionId {
        ConnectionId::parse(&self.connection).expect("is an id")
    }
}

/// What the virtual clients need to know.
#[derive(Deserialize, Serialize)]
pub struct Organization {
    pub connections: usize,
    pub servers: Vec<Server>,
    pub grants: Vec<Grant>,
    /// The clients with the most and the fewest connections.
    pub busiest: String,
    pub quietest: String,
    /// Someone with some connections.
    pub person: String,
}

impl Organization {
    /// Fills the database.
    pub async fn found(
        db: &Db,
        settings: &Settings,
        secrets: &Secrets,
        connections: usize,
    ) -> store::Result<Self> {
        let now = SystemClock.now();
        let servers = add_projects(db, settings, secrets, now).await?;
        let people = add_people(db, secrets, now, (connections / 20).max(64)).await?;
        let clients = add_clients(db, secrets, now, (connections / 100).max(64)).await?;
        let mut filling = Filling {
            now,
            secrets,
            chance: Chance(1),
            people,
            clients,
            servers: &servers,
            sampled: SAMPLE as f64 / connections as f64,
            grants: Vec::new(),
        };
        let indexes = Indexes::take_away(db).await?;
        filling.add_connections(db, connections).await?;
        indexes.put_back(db).await?;
        let Filling {
            grants,
            people,
            clients,
            ..
        } = filling;
        let grants = add_tokens(db, secrets, now, grants).await?;
        settle(db).await?;
        Ok(Self {
            connections,
            servers,
            grants,
            busiest: clients[0].id.to_string(),
            quietest: clients[clients.len() - 1].id.to_string(),
            person: people[0].id.to_string(),
        })
    }

    /// Issues codes, as a consent would, and tells them with the client each is for.
    pub async fn issue_codes(
        &self,
        db: &Db,
        secrets: &Secrets,
        count: usize,
        challenge: &CodeChallenge,
    ) -> store::Result<Vec<(String, String)>> {
        let mut tx = db.write().await?;
        let mut codes = Vec::with_capacity(count);
        let now = SystemClock.now();
        for grant in self.grants.iter().cycle().take(count) {
            let secret = secrets.generate(SecretKind::AuthorizationCode);
            let code = Code {
                hash: secrets.hash(secret.expose()),
                connection_id: grant.connection(),
                redirect_uri: "http://127.0.0.1:33418/callback".to_owned(),
                code_challenge: challenge.as_str().to_owned(),
                issued_at: now,
                redeemed_at: None,
                scopes: None,
            };
            store::code::insert(&mut tx, &code).await?;
            codes.push((grant.client.clone(), secret.expose().to_owned()));
        }
        tx.commit().await?;
        Ok(codes)
    }
}

async fn add_projects(
    db: &Db,
    settings: &Settings,
    secrets: &Secrets,
    now: Timestamp,
) -> store::Result<Vec<Server>> {
    let rules = app::rules(settings);
    let context = Context {
        now,
        rules: &rules,
        secrets,
        actor: Actor::CommandLine,
        address: None,
    };
    let scopes: Vec<_> = SCOPES
        .split(' ')
        .map(|name| OfferedScope {
            name: ScopeToken::parse(name).expect("is a scope"),
            description: format!("What {name} allows, in plain words"),
            optional: false,
        })
        .collect();
    let mut tx = db.write().await?;
    let mut servers = Vec::with_capacity(PROJECTS);
    for n in 0..PROJECTS {
        let administrator = match n {
            0 => ADMINISTRATOR,
            1..=50 => MANAGER,
            _ => "nobody@acme.example",
        };
        let new = NewProject {
            slug: Slug::parse(&format!("project-{n}")).expect("is a slug"),
            resource: Resource::parse(&format!("https://mcp{n}.acme.example/mcp"))
                .expect("is a resource"),
            facts: Facts {
                name: format!("Project {n}"),
                scopes: scopes.clone(),
                administrators: vec![PrincipalName::Email(administrator.to_owned())],
                members: Members::Anyone,
                manage_url: None,
            },
        };
        let (project, credential, secret) = flow::project::add(&mut tx, &context, new).await?;
        servers.push(Server {
            id: project.id.to_string(),
            credential: credential.to_string(),
            secret: secret.expose().to_owned(),
        });
    }
    tx.commit().await?;
    Ok(servers)
}

async fn add_people(
    db: &Db,
    secrets: &Secrets,
    now: Timestamp,
    count: usize,
) -> store::Result<Vec<Party<PersonId>>> {
    let mut people = Vec::with_capacity(count);
    let mut rows =
        Rows::new("people (id, subject, email, name, folded, first_seen_at, last_seen_at)");
    for n in 0..count {
        let id: PersonId = secrets.new_id(now);
        let (first, last) = (FIRST[n % FIRST.len()], LAST[n / 8 % LAST.len()]);
        // The eighth is the member.
        let email = if n == 7 {
            MEMBER.to_owned()
        } else {
            format!("{first}.{last}{n}@acme.example")
        };
        let at = now.millis();
        let folded = format!("{first} {last}\n{email}");
        rows.push(
            db,
            format_args!(
                "('{id}', '{email}', '{email}', '{first} {last}', '{folded}', {at}, {at})"
            ),
        )
        .await?;
        people.push(Party {
            id,
            name: format!("{first} {last}"),
            folded,
        });
    }
    rows.flush(db).await?;
    Ok(people)
}

async fn add_clients(
    db: &Db,
    secrets: &Secrets,
    now: Timestamp,
    count: usize,
) -> store::Result<Vec<Party<ClientId>>> {
    let mut rows =
        Rows::new("client (id, identifier, origin, name, folded, client_type, created_at)");
    let mut addresses = Rows::new("redirect_uri (client_id, position, uri)");
    let mut clients = Vec::with_capacity(count);
    for n in 0..count {
        let id: ClientId = secrets.new_id(now);
        let app = APPS[n % APPS.len()];
        let name = if n < APPS.len() {
            app.to_owned()
        } else {
            format!("{app} {n}")
        };
        let at = now.millis();
        let folded = format!("{}\n{id}", name.to_lowercase());
        rows.push(
            db,
            format_args!("('{id}', '{id}', 'registered', '{name}', '{folded}', 'public', {at})"),
        )
        .await?;
        addresses
            .push(
                db,
                format_args!("('{id}', 0, 'http://127.0.0.1:33418/callback')"),
            )
            .await?;
        clients.push(Party { id, name, folded });
    }
    rows.flush(db).await?;
    addresses.flush(db).await?;
    Ok(clients)
}

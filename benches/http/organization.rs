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
        secret::{Secret, SecretKind, Secrets},
        words,
    },
    flow::{
        self, Context,
        project::{Facts, NewProject},
    },
    store::{
        self, Db,
        code::Code,
        token::{Token, TokenKind},
    },
};

use crate::bulk::{Chance, Indexes, Rows, settle};

/// Administers the project with the most connections, and nothing else.
pub const ADMINISTRATOR: &str = "pablo.ruiz@acme.example";
/// Has some connections.
pub const MEMBER: &str = "mia.stone7@acme.example";

const PROJECTS: usize = 200;
const SCOPES: &str = "tools:read tools:write";
/// At most so many connections have tokens.
const SAMPLE: usize = 20_000;

const DAY: i64 = 86_400_000;
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
    fn connection(&self) -> ConnectionId {
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
        let administrator = if n == 0 {
            ADMINISTRATOR
        } else {
            "nobody@acme.example"
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

/// A person or a client.
struct Party<I> {
    id: I,
    name: String,
    /// As lists sort and searches find it.
    folded: String,
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

struct Filling<'a> {
    now: Timestamp,
    secrets: &'a Secrets,
    chance: Chance,
    people: Vec<Party<PersonId>>,
    clients: Vec<Party<ClientId>>,
    servers: &'a [Server],
    /// The share of active connections that get tokens.
    sampled: f64,
    grants: Vec<Grant>,
}

impl Filling<'_> {
    async fn add_connections(&mut self, db: &Db, count: usize) -> store::Result<()> {
        let mut rows = Rows::new(
            "connection (id, person_id, client_id, project_id, name, scopes, authorized_at,
             connected_at, last_used_at, revoked_at, revoked_by, revoked_reason, folded, stem,
             label, client_folded, project_folded, person_folded, lapsed)",
        );
        let year = 365 * DAY;
        for n in 0..count {
            let age = year - year * n as i64 / count as i64;
            let authorized = Timestamp::from_millis(self.now.millis() - age);
            let (used, revoked) = self.fate(authorized.millis(), age);
            let lapsed = self.now.millis() - used >= 30 * DAY;
            let end = revoked.as_deref().unwrap_or("NULL, NULL, NULL");
            let id: ConnectionId = self.secrets.new_id(authorized);
            let person = &self.people[self.chance.below(self.people.len())];
            let client = &self.clients[self.chance.zipf(self.clients.len())];
            let project = self.chance.zipf(self.servers.len());
            let name = words::connection_name(&client.name, self.secrets.dice());
            let at = authorized.millis();
            let (client_id, project_id) = (&client.id, &self.servers[project].id);
            let person_id = &person.id;
            let folded = name.to_lowercase();
            let (stem, label) = folded.rsplit_once('#').unwrap_or((&folded, ""));
            let (client_folded, person_folded) = (&client.folded, &person.folded);
            rows.push(
                db,
                format_args!(
                    "('{id}', '{person_id}', '{client_id}', '{project_id}', '{name}', '{SCOPES}',
                     {at}, {at}, {used}, {end}, '{folded}', '{stem}', '{label}',
                     '{client_folded}', 'project {project}', '{person_folded}', {lapsed})"
                ),
            )
            .await?;
            let active = revoked.is_none() && !lapsed && self.now.millis() - used < 29 * DAY;
            if active && self.chance.unit() < self.sampled * 2.0 && self.grants.len() < SAMPLE {
                self.grants.push(Grant {
                    connection: id.to_string(),
                    project,
                    client: client_id.to_string(),
                    access: String::new(),
                    refresh: String::new(),
                });
            }
        }
        rows.flush(db).await
    }

    /// When a connection was last used, and the columns that tell how it ended.
    fn fate(&mut self, authorized: i64, age: i64) -> (i64, Option<String>) {
        let now = self.now.millis();
        let fate = self.chance.unit();
        let part = self.chance.unit();
        let some = |most: i64| (part * most as f64) as i64;
        if fate < 0.12 {
            let revoked = now - some(age.min(80 * DAY));
            let reason = if fate < 0.06 {
                "'The laptop was lost.'"
            } else {
                "NULL"
            };
            let end = format!("{revoked}, 'olivia.owner@acme.example', {reason}");
            return (revoked, Some(end));
        }
        if age > 30 * DAY && fate < 0.44 {
            return (authorized + some(age - 30 * DAY), None);
        }
        (now - some(age.min(29 * DAY)), None)
    }
}

async fn add_tokens(
    db: &Db,
    secrets: &Secrets,
    now: Timestamp,
    mut grants: Vec<Grant>,
) -> store::Result<Vec<Grant>> {
    let mut tx = db.write().await?;
    for grant in &mut grants {
        let make = |secret: &Secret, kind, days| Token {
            hash: secrets.hash(secret.expose()),
            kind,
            connection_id: grant.connection(),
            scopes: SCOPES.to_owned(),
            issued_at: now,
            expires_at: Timestamp::from_millis(now.millis() + days * DAY),
            rotated_at: None,
        };
        let access = secrets.generate(SecretKind::AccessToken);
        let refresh = secrets.generate(SecretKind::RefreshToken);
        let pair = [
            &make(&access, TokenKind::Access, 1),
            &make(&refresh, TokenKind::Refresh, 31),
        ];
        store::token::insert_pair(&mut tx, pair).await?;
        grant.access = access.expose().to_owned();
        grant.refresh = refresh.expose().to_owned();
    }
    tx.commit().await?;
    Ok(grants)
}

//! A year of connections, and the tokens of some of them.

use untether::{
    clock::Timestamp,
    domain::{
        ids::{ClientId, ConnectionId, PersonId},
        secret::{Secret, SecretKind, Secrets},
        words,
    },
    store::{
        self, Db,
        token::{Token, TokenKind},
    },
};

use crate::{
    bulk::{Chance, Rows},
    organization::{Grant, Server},
};

/// What every project offers, and every connection may do.
pub const SCOPES: &str = "tools:read tools:write";
/// At most so many connections have tokens.
pub const SAMPLE: usize = 20_000;

const DAY: i64 = 86_400_000;

/// A person or a client.
pub struct Party<I> {
    pub id: I,
    pub name: String,
    /// As lists sort and searches find it.
    pub folded: String,
}

/// An organization whose connections are being made.
pub struct Filling<'a> {
    pub now: Timestamp,
    pub secrets: &'a Secrets,
    pub chance: Chance,
    pub people: Vec<Party<PersonId>>,
    pub clients: Vec<Party<ClientId>>,
    pub servers: &'a [Server],
    /// The share of active connections that get tokens.
    pub sampled: f64,
    pub grants: Vec<Grant>,
}

impl Filling<'_> {
    /// Makes so many.
    pub async fn add_connections(&mut self, db: &Db, count: usize) -> store::Result<()> {
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

/// Issues the tokens of these connections.
pub async fn add_tokens(
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

//! A plain model of the rules for lists: random connections, and which of them a filter
//! means, in which order.

use std::{cmp::Ordering, time::Duration};

use untether::{
    domain::{
        client::{ClientType, Origin},
        connection::{Connection, Life, Revocation, Status},
        ids::{ClientId, ConnectionId, PersonId, ProjectId},
        role::Reach,
        scope::ScopeSet,
    },
    store::{
        Tx, connection,
        connection_end::{self, Uncounted},
        connection_filter::{Filter, Statuses},
        connection_groups::GroupBy,
        connection_list::{Column, Counts, Order},
    },
};

use crate::support::{Chance, TestApp};

const DAY: u64 = 86_400_000;
const HOUR: u64 = 3_600_000;
const ROWS: usize = 130;
const NAMES: [&str; 8] = [
    "Cursor#calm-owl",
    "cursor#Calm-owl",
    "Élan#quiet-fox",
    "100%_safe\\#x",
    "Zed",
    "a#b#c",
    "Claude#",
    "#claude",
];
const TERMS: [&str; 12] = [
    "cursor", "CALM-OWL", "é", "%", "_", "\\", "r#c", "acme", "nobody", "ana", "#", "b#c",
];

/// A client, person or project: its id, and its names as lists sort and find them.
#[derive(Clone, Debug)]
pub struct Party {
    pub id: String,
    pub folded: String,
}

/// A connection, as the model knows it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub folded: String,
    pub client: Party,
    pub project: Party,
    pub person: Party,
    pub life: Life,
    pub status: Status,
}

impl Row {
    pub fn party(&self, by: GroupBy) -> &Party {
        match by {
            GroupBy::Client => &self.client,
            GroupBy::Person => &self.person,
            GroupBy::Project => &self.project,
        }
    }

    pub fn has(&self, statuses: Statuses) -> bool {
        match self.status {
            Status::Active { .. } => statuses.active,
            Status::Expired { .. } => statuses.expired,
            Status::Revoked(_) => statuses.revoked,
        }
    }

    /// Everything that the filter asks but the status.
    pub fn meets(&self, filter: &Filter) -> bool {
        let among = |id: &str, ids: Vec<String>| ids.is_empty() || ids.iter().any(|one| one == id);
        let reached = match &filter.reach {
            Reach::All => true,
            Reach::Some { person, projects } => {
                person
                    .as_ref()
                    .is_some_and(|id| id.as_str() == self.person.id)
                    || projects.iter().any(|id| id.as_str() == self.project.id)
            }
        };
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let said = [&self.folded, &self.client.folded, &self.person.folded];
        let (authorized, used) = (self.life.authorized_at, self.life.last_used_at);
        let (origin, kind) = kinds(&self.client);
        reached
            && text.is_none_or(|text| said.iter().any(|names| names.contains(&text)))
            && among(&self.project.id, texts(&filter.projects))
            && among(&self.person.id, texts(&filter.people))
            && among(&self.client.id, texts(&filter.clients))
            && (filter.origins.is_empty() || filter.origins.contains(&origin))
            && (filter.types.is_empty() || filter.types.contains(&kind))
            && filter.authorized_from.is_none_or(|from| authorized >= from)
            && filter
                .authorized_until
                .is_none_or(|until| authorized < until)
            && filter.unused_since.is_none_or(|since| used <= since)
    }

    /// Which of the two comes first in this order.
    pub fn compare(&self, other: &Self, order: Order) -> Ordering {
        let (one, two) = (&self.life, &other.life);
        let newest = || (two.authorized_at, &other.id).cmp(&(one.authorized_at, &self.id));
        let standing = |row: &Self| match row.status {
            Status::Active { .. } => 0,
            Status::Expired { .. } => 1,
            Status::Revoked(_) => 2,
        };
        let by_text =
            |text: fn(&Self) -> &String| (text(self), &self.id).cmp(&(text(other), &other.id));
        let ascending = match order.column {
            Column::Name => by_text(|row| &row.folded),
            Column::Client => by_text(|row| &row.client.folded),
            Column::Project => by_text(|row| &row.project.folded),
            Column::Person => by_text(|row| &row.person.folded),
            Column::Authorized => newest().reverse(),
            Column::LastUsed => (one.last_used_at, &self.id).cmp(&(two.last_used_at, &other.id)),
            Column::Status => {
                let standings = standing(self).cmp(&standing(other));
                let standings = if order.descending {
                    standings.reverse()
                } else {
                    standings
                };
                return standings.then_with(newest);
            }
        };
        if order.descending {
            ascending.reverse()
        } else {
            ascending
        }
    }
}

fn texts<I: ToString>(ids: &[I]) -> Vec<String> {
    ids.iter().map(I::to_string).collect()
}

/// Claude was made with a key, the others registered themselves.
fn kinds(client: &Party) -> (Origin, ClientType) {
    if client.folded.starts_with("claude") {
        (Origin::Api, ClientType::Confidential)
    } else {
        (Origin::Registered, ClientType::Public)
    }
}

/// An organization of random connections, and what is known of it.
pub struct World {
    pub app: TestApp,
    pub chance: Chance,
    pub clients: Vec<Party>,
    pub projects: Vec<Party>,
    pub people: Vec<Party>,
    pub rows: Vec<Row>,
}

impl World {
    pub async fn make(seed: u64) -> Self {
        let app = TestApp::spawn_with(|settings| settings.max_age_days = Some(150)).await;
        let server = app.project("search", &[]).await;
        for slug in ["wiki", "payroll"] {
            app.project(slug, &[]).await;
        }
        for (name, host) in [
            ("ana", "Cursor"),
            ("ben", "Claude"),
            ("zoe", "Cursor"),
            ("ana", "Élan"),
        ] {
            let host = app.host(host).await;
            app.person(name).allows(&host, &server).await;
        }
        app.database
            .execute(
                "DELETE FROM authorization_code;
                 DELETE FROM connection;
                 UPDATE client SET origin = 'api', client_type = 'confidential', secret_hash = 'none'
                 WHERE folded LIKE 'claude%'",
            )
            .await;
        app.database.recount().await;
        let mut world = Self {
            clients: parties(&app, "client").await,
            projects: parties(&app, "project").await,
            people: parties(&app, "people").await,
            rows: Vec::new(),
            chance: Chance(seed),
            app,
        };
        for _ in 0..ROWS {
            world.connect().await;
        }
        // Clients that nobody has connected.
        for name in ["Cursor two", "Zed", "Old Claude"] {
            world.app.host(name).await;
        }
        let revoke = "UPDATE client SET revoked_at = 1 WHERE name = 'Old Claude'";
        world.app.database.execute(revoke).await;
        world
    }

    /// Adds a connection with a past of its own; some moments are shared by several.
    pub async fn connect(&mut self) {
        let (now, chance) = (self.app.now(), &mut self.chance);
        let mut ago = |most: u64| {
            let step = if chance.below(3) == 0 { 10 * DAY } else { HOUR };
            Duration::from_millis(chance.below(most as usize + 1) as u64 / step * step)
        };
        let age = ago(200 * DAY);
        let unused = ago(age.as_millis() as u64);
        let life = Life {
            authorized_at: now.minus(age),
            last_used_at: now.minus(unused),
            revoked: None,
        };
        let (client, project) = (chance.pick(&self.clients), chance.pick(&self.projects));
        let (person, name) = (chance.pick(&self.people), *chance.pick(&NAMES));
        let revoked = (chance.below(4) == 0).then(|| Revocation {
            at: now,
            by: "olivia@acme.example".into(),
            reason: None,
        });
        let mut row = Row {
            id: String::new(),
            folded: name.to_lowercase(),
            client: client.clone(),
            project: project.clone(),
            person: person.clone(),
            status: life.status(&self.app.app.rules.lifetimes, now),
            life,
        };
        let made = Connection {
            id: self.app.app.secrets.new_id(row.life.authorized_at),
            person: PersonId::parse(&person.id).unwrap(),
            client: ClientId::parse(&client.id).unwrap(),
            project: ProjectId::parse(&project.id).unwrap(),
            name: name.to_owned(),
            scopes: ScopeSet::default(),
            connected_at: Some(row.life.authorized_at),
            life: row.life.clone(),
        };
        let mut tx = self.app.app.db.write().await.unwrap();
        connection::insert(&mut tx, &made).await.unwrap();
        if let Some(revocation) = revoked {
            end(&mut tx, made.id.clone(), &revocation).await;
            row.status = Status::Revoked(revocation);
        }
        tx.commit().await.unwrap();
        row.id = made.id.to_string();
        self.rows.push(row);
    }

    pub async fn revoke(&mut self, id: &str) {
        let revocation = Revocation {
            at: self.app.now(),
            by: "olivia@acme.example".into(),
            reason: None,
        };
        let mut tx = self.app.app.db.write().await.unwrap();
        end(&mut tx, ConnectionId::parse(id).unwrap(), &revocation).await;
        tx.commit().await.unwrap();
        let row = self.rows.iter_mut().find(|row| row.id == id).unwrap();
        row.status = Status::Revoked(revocation);
    }

    /// A filter with a few conditions at once.
    pub fn filter(&mut self) -> Filter {
        let now = self.app.now();
        let chance = &mut self.chance;
        let some = |chance: &mut Chance, of: &[Party]| -> Vec<String> {
            let wanted = of.iter().filter(|_| chance.below(2) == 0);
            let wanted: Vec<_> = wanted.map(|party| party.id.clone()).collect();
            if chance.below(3) == 0 {
                wanted
            } else {
                Vec::new()
            }
        };
        let days_ago = |chance: &mut Chance| {
            let days = chance.below(200) as u64;
            (chance.below(4) == 0).then(|| now.minus(Duration::from_millis(days * DAY)))
        };
        let projects =
            |ids: Vec<String>| ids.iter().map(|id| ProjectId::parse(id).unwrap()).collect();
        let reach = match chance.below(3) {
            0 => Reach::Some {
                person: PersonId::parse(&chance.pick(&self.people).id),
                projects: projects(some(chance, &self.projects)),
            },
            _ => Reach::All,
        };
        Filter {
            statuses: Statuses {
                active: chance.below(3) > 0,
                expired: chance.below(3) > 0,
                revoked: chance.below(3) > 0,
            },
            text: (chance.below(3) == 0).then(|| (*chance.pick(&TERMS)).to_owned()),
            projects: projects(some(chance, &self.projects)),
            people: some(chance, &self.people)
                .iter()
                .map(|id| PersonId::parse(id).unwrap())
                .collect(),
            clients: some(chance, &self.clients)
                .iter()
                .map(|id| ClientId::parse(id).unwrap())
                .collect(),
            origins: if chance.below(5) == 0 {
                vec![Origin::Api]
            } else {
                Vec::new()
            },
            types: if chance.below(5) == 0 {
                vec![ClientType::Public]
            } else {
                Vec::new()
            },
            authorized_from: days_ago(chance),
            authorized_until: days_ago(chance),
            unused_since: days_ago(chance),
            ..Filter::all(reach, self.app.app.rules.lifetimes.cutoffs(now))
        }
    }

    /// A filter of someone who looks after most projects, with few conditions: that leaves a lot.
    pub fn wide_filter(&mut self) -> Filter {
        let filter = self.filter();
        let chance = &mut self.chance;
        let mut projects = self.projects.clone();
        projects.retain(|_| chance.below(4) > 0);
        let projects = projects.iter().map(|party| ProjectId::parse(&party.id));
        let own = PersonId::parse(&chance.pick(&self.people).id);
        Filter {
            reach: Reach::Some {
                person: own.filter(|_| chance.below(4) > 0),
                projects: projects.flatten().collect(),
            },
            text: filter.text.filter(|_| chance.below(2) == 0),
            people: Vec::new(),
            clients: Vec::new(),
            authorized_from: None,
            authorized_until: None,
            ..filter
        }
    }
}

pub fn count(rows: &[&Row]) -> Counts {
    let of = |statuses| rows.iter().filter(|row| row.has(statuses)).count() as i64;
    Counts {
        active: of(Statuses::ACTIVE),
        expired: of(Statuses::EXPIRED),
        revoked: of(Statuses::REVOKED),
    }
}

async fn parties(app: &TestApp, table: &str) -> Vec<Party> {
    let query = format!("SELECT id || '|' || folded FROM {table} ORDER BY id");
    let party = |text: String| {
        let (id, folded) = text.split_once('|').unwrap();
        Party {
            id: id.to_owned(),
            folded: folded.to_owned(),
        }
    };
    app.database
        .texts(&query)
        .await
        .into_iter()
        .map(party)
        .collect()
}

/// Ends a connection, and counts it.
async fn end(tx: &mut Tx, id: ConnectionId, revocation: &Revocation) {
    let mut uncounted = Uncounted::default();
    connection_end::revoke(tx, &[id], revocation, &mut uncounted)
        .await
        .unwrap();
    connection_end::count(tx, &uncounted).await.unwrap();
}

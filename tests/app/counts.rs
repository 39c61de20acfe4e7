//! Invariant 4: the counts that are kept are those of the connections,
//! whatever has happened to them and in whatever order.

use std::time::Duration;

use untether::{
    domain::{ids::ConnectionId, role::Reach},
    flow::revoke,
    store::{connection_filter::Filter, connection_list},
};

use crate::support::{Chance, Host, McpServer, Person, TestApp, Tokens};

struct World<'a> {
    app: &'a TestApp,
    chance: Chance,
    hosts: Vec<Host<'a>>,
    servers: Vec<McpServer<'a>>,
    people: Vec<Person<'a>>,
    held: Vec<(usize, Tokens)>,
    removed: usize,
}

impl World<'_> {
    async fn step(&mut self) -> &'static str {
        const HOUR: u64 = 3_600;
        match self.chance.below(12) {
            0..4 => {
                let host = self.chance.below(self.hosts.len());
                self.registers_again(host).await;
                let (person, server) = (
                    self.chance.pick(&self.people),
                    self.chance.pick(&self.servers),
                );
                let tokens = self.hosts[host].connects(person, server).await;
                self.held.push((host, tokens));
                "connect"
            }
            4 => {
                let host = self.chance.below(self.hosts.len());
                self.registers_again(host).await;
                let (person, server) = (
                    self.chance.pick(&self.people),
                    self.chance.pick(&self.servers),
                );
                let host = &self.hosts[host];
                person.allows(host, server).await;
                "consent"
            }
            5 if !self.held.is_empty() => {
                // Works or not: it may have ended, and it may be a reuse.
                let number = self.chance.below(self.held.len());
                let (host, tokens) = &self.held[number];
                let answer = self.hosts[*host].refreshes(&tokens.refresh).await;
                if answer.status() == 200 && self.chance.below(4) > 0 {
                    self.held[number].1 = Tokens::of(&answer.json().await.unwrap());
                }
                "refresh"
            }
            5..8 => {
                self.revoke().await;
                "revoke"
            }
            8 => {
                let hours = self.chance.below(45 * 24) as u64;
                self.app.advance(Duration::from_secs(hours * HOUR));
                "wait"
            }
            9 => {
                self.app.advance(Duration::from_secs(HOUR));
                "wait an hour"
            }
            _ => {
                self.app.sweeps().await;
                self.nothing_has_drifted().await;
                "sweep"
            }
        }
    }

    /// A host whose client was removed gets another one, as it would on its own.
    async fn registers_again(&mut self, host: usize) {
        let id = &self.hosts[host].client_id;
        let query = format!("SELECT name FROM client_tombstone WHERE identifier = '{id}'");
        if let Some(name) = self.app.database.texts(&query).await.first() {
            self.hosts[host] = self.app.host(name).await;
            self.held.retain(|(of, _)| *of != host);
            self.removed += 1;
        }
    }

    async fn revoke(&mut self) {
        let ids = self
            .app
            .database
            .texts("SELECT id FROM connection ORDER BY id")
            .await;
        if ids.is_empty() {
            return;
        }
        let ids: Vec<_> = (0..3)
            .map(|_| ConnectionId::parse(&ids[self.chance.below(ids.len())]).unwrap())
            .collect();
        let mut tx = self.app.app.db.write().await.unwrap();
        let context = self.app.context();
        let revoked = revoke::connections(&mut tx, &context, &Reach::All, &ids, None).await;
        revoked.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    /// Right after a sweep the counts are what the rule for the status says.
    async fn nothing_has_drifted(&self) {
        let cutoffs = self.app.app.rules.lifetimes.cutoffs(self.app.now());
        let filter = Filter::all(Reach::All, cutoffs);
        let mut tx = self.app.app.db.read().await.unwrap();
        let counts = connection_list::counts(&mut tx, &filter).await.unwrap();
        let kept = "SELECT CAST(COALESCE(SUM(active), 0) AS BIGINT) || ' '
                        || CAST(COALESCE(SUM(expired), 0) AS BIGINT) || ' '
                        || CAST(COALESCE(SUM(revoked), 0) AS BIGINT)
                    FROM connection_count";
        let kept = self.app.database.texts(kept).await;
        let expected = format!("{} {} {}", counts.active, counts.expired, counts.revoked);
        assert_eq!(kept, [expected]);
    }
}

async fn live(seed: u64) {
    let app = TestApp::spawn_with(|settings| settings.unused_client_days = Some(1)).await;
    let mut world = World {
        app: &app,
        chance: Chance(seed),
        hosts: vec![app.host("Cursor").await, app.host("Codex").await],
        servers: vec![
            app.project("search", &[]).await,
            app.project("wiki", &[]).await,
        ],
        people: vec![app.person("ana"), app.person("bo"), app.person("cy")],
        held: Vec::new(),
        removed: 0,
    };
    let mut story = Vec::new();
    for step in 0..150 {
        if step == 100 {
            // Long enough for every client to be removed that registered itself.
            app.advance(Duration::from_secs(200 * 86_400));
            app.sweeps().await;
        }
        story.push(world.step().await);
        app.database.check_counts().await;
    }
    for happened in ["connect", "refresh", "revoke", "wait", "sweep"] {
        assert!(story.contains(&happened), "{happened} never came up");
    }
    assert!(world.removed > 0, "no client was ever removed");
    let trail = app.trail().await;
    for action in [
        "connection.replaced",
        "connection.removed",
        "connection.revoked",
    ] {
        assert!(
            trail.iter().any(|event| event.starts_with(action)),
            "{action} never came up"
        );
    }
}

#[actix_web::test]
async fn kept_counts_are_the_counts_of_the_rows_whatever_happens() {
    for seed in [0x9E37_79B9_7F4A_7C15, 20_261_124] {
        live(seed).await;
    }
}

#[actix_web::test]
async fn counts_that_went_wrong_are_put_right_by_an_upgrade() {
    const AGAIN: &str = include_str!("../../migrations/0028_counts_again.sql");
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    host.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    app.database.check_counts().await;
    app.database
        .execute(
            "UPDATE connection_total SET expired = expired - 1, revoked = revoked + 1;
            UPDATE connection_count SET active = 7;
            INSERT INTO connection_revocation (id, project_id, authorized_at, last_used_at, revoked_at)
            SELECT 'gone', project_id, 1, 1, 1 FROM connection_revocation",
        )
        .await;
    app.database.execute(AGAIN).await;
    app.database.check_counts().await;
}

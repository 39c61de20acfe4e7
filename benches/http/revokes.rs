//! Revoking: one, a hundred, and everything that matches a filter, while others go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::AssertSqlSafe;
use tokio::task::JoinHandle;
use untether::{
    clock::{Clock as _, SystemClock},
    store::Db,
    web::params::encode,
};

use crate::{
    load::{self, Answer, Traffic},
    measure::{Bench, seconds},
    report::{Row, short},
    server::OWNER,
    text,
    traffic::{Introspect, Refresh, form},
};

/// How many others there are of each kind.
const CLIENTS: usize = 8;

/// How many tokens they introspect each second, in all.
const INTROSPECTIONS: f64 = 200.0;

/// How many they refresh.
const REFRESHES: f64 = 40.0;

impl Bench<'_> {
    /// One and a hundred at a time, then as many as the biggest project has.
    pub async fn revokes(&mut self) -> Result<(), String> {
        for (at_once, times, target) in [(1, 300, "<= 5 ms"), (100, 100, "<= 20 ms")] {
            let ids = self.oldest(at_once * times).await?;
            let mut waits = Vec::new();
            for some in ids.chunks(at_once) {
                let post = Post::new("/connections/revoke", &self.confirmation(some));
                let begin = Instant::now();
                load::once(self.real, post).await?;
                waits.push(begin.elapsed());
            }
            waits.sort_unstable();
            let p99 = waits[waits.len() * 99 / 100];
            self.table.add(Row {
                what: format!("revoke {at_once}, p99"),
                measured: short(p99),
                target,
                met: Some(p99 <= Duration::from_millis(if at_once == 1 { 5 } else { 20 })),
                note: format!("p50 {}", short(waits[waits.len() / 2])),
                ..Row::default()
            });
        }
        self.revoke_matching().await
    }

    /// The fields of a confirmation.
    fn confirmation(&self, ids: &[String]) -> String {
        let csrf = self.token();
        let ids = ids.iter().map(|id| ("id", id.as_str()));
        encode(
            [
                ("csrf", csrf.as_str()),
                ("back", "/connections"),
                ("reason", ""),
            ]
            .into_iter()
            .chain(ids),
        )
    }

    fn token(&self) -> String {
        self.secrets.form_token(OWNER, SystemClock.now())
    }

    /// Everything of the biggest project, by the preview's own form.
    async fn revoke_matching(&mut self) -> Result<(), String> {
        let project = &self.organization.servers[0].id;
        let path = format!("/connections/revoke-matching?project={project}");
        let preview = load::once(self.real, Read::new(&path)).await?.page;
        let field = |name: &str| {
            let (_, rest) = preview.split_once(&format!("name=\"{name}\" value=\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let count = between(&preview, "Type ", " to confirm").ok_or("the preview has no count")?;
        let fields =
            ["csrf", "act", "at", "set"].map(|name| (name, field(name).unwrap_or_default()));
        let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
        let body = encode(fields.chain([("count", count.as_str()), ("reason", "")]));
        let rows: f64 = count.replace(',', "").parse().map_err(text)?;
        let plain = self.one_statement(project).await?;

        let calm = self.others(Arc::default(), self.options.time());
        let calm = calm.await.map_err(text)??;
        let over = Arc::default();
        let others = self.others(Arc::clone(&over), Duration::from_secs(600));
        let address = self.real;
        let begin = Instant::now();
        let answer = load::once(address, Post::new(&path, &body)).await?;
        let act = answer.location.ok_or("nothing was begun")?;
        while load::once(address, Read::new(&act))
            .await?
            .page
            .contains("<progress")
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let took = begin.elapsed();
        over.store(true, Ordering::Relaxed);
        let busy = others.await.map_err(text)??;
        let share = rows / 100_000.0;
        self.table.add(Row {
            what: format!("revoke {rows} by filter"),
            measured: short(took),
            baseline: short(plain),
            ratio: format!("{:.1}", took.as_secs_f64() / plain.as_secs_f64()),
            target: "<= 10 s for 100,000",
            met: Some(took.as_secs_f64() <= 10.0 * share.max(0.01)),
            note: "baseline: one UPDATE of the same rows, not kept".to_owned(),
        });
        for (what, busy, calm) in [
            ("introspection", busy[0], calm[0]),
            ("refresh", busy[1], calm[1]),
        ] {
            self.table.add(Row {
                what: format!("  longest {what} meanwhile"),
                measured: short(busy),
                baseline: short(calm),
                ratio: format!("{:.1}", seconds(busy) / seconds(calm)),
                target: "<= 250 ms",
                met: Some(busy <= Duration::from_millis(250)),
                note: "baseline: the same before".to_owned(),
            });
        }
        Ok(())
    }

    /// Others, who introspect and refresh tokens at other projects until it is over. The
    /// longest that each had to wait.
    fn others(
        &self,
        over: Arc<AtomicBool>,
        time: Duration,
    ) -> JoinHandle<Result<[Duration; 2], String>> {
        let grants = self.organization.grants.iter();
        let grants: Vec<_> = grants.filter(|grant| grant.project != 0).collect();
        let (refreshed, asked) = grants.split_at(grants.len() / 2);
        let asked = Introspect::crowd(self.introspections(asked.iter().copied()), CLIENTS);
        let refreshed = Refresh::crowd(refreshed, CLIENTS);
        let address = self.real;
        tokio::spawn(async move {
            let (asked, refreshed) = tokio::try_join!(
                load::run(address, until(&over, asked), Some(INTROSPECTIONS), time),
                load::run(address, until(&over, refreshed), Some(REFRESHES), time),
            )?;
            Ok([asked.0.longest, refreshed.0.longest])
        })
    }

    /// The ids of unrevoked connections that nobody introspects, the oldest first.
    async fn oldest(&self, count: usize) -> Result<Vec<String>, String> {
        let ids = format!(
            "SELECT id FROM connection
            WHERE revoked_at IS NULL AND project_id <> '{}'
              AND id NOT IN (SELECT connection_id FROM token)
            ORDER BY authorized_at, id
            LIMIT {count}",
            self.organization.servers[0].id
        );
        let ids = AssertSqlSafe(ids);
        match self.db {
            Db::Sqlite { write, .. } => sqlx::query_scalar(ids).fetch_all(write).await,
            Db::Postgres { write, .. } => sqlx::query_scalar(ids).fetch_all(write).await,
        }
        .map_err(text)
    }

    /// How long the database takes for the bare change, which is not kept.
    async fn one_statement(&self, project: &str) -> Result<Duration, String> {
        let change = AssertSqlSafe(format!(
            "UPDATE connection SET revoked_at = 1, revoked_by = 'bench'
            WHERE project_id = '{project}' AND revoked_at IS NULL"
        ));
        let begin = Instant::now();
        let took = match self.db {
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin().await.map_err(text)?;
                sqlx::query(change).execute(&mut *tx).await.map_err(text)?;
                let took = begin.elapsed();
                tx.rollback().await.map_err(text)?;
                took
            }
            Db::Postgres { write, .. } => {
                let mut tx = write.begin().await.map_err(text)?;
                sqlx::query(change).execute(&mut *tx).await.map_err(text)?;
                let took = begin.elapsed();
                tx.rollback().await.map_err(text)?;
                took
            }
        };
        Ok(took)
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0.to_owned())
}

fn until<T: Traffic>(over: &Arc<AtomicBool>, others: Vec<T>) -> Vec<Until<T>> {
    let until = |others| Until {
        others,
        over: over.clone(),
    };
    others.into_iter().map(until).collect()
}

/// Traffic that ends when something else is over.
struct Until<T> {
    others: T,
    over: Arc<AtomicBool>,
}

impl<T: Traffic> Traffic for Until<T> {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        !self.over.load(Ordering::Relaxed) && self.others.request(out)
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        self.others.accept(answer)
    }
}

/// A page of the owner's, as text.
struct Read {
    path: String,
    page: String,
}

impl Read {
    fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            page: String::new(),
        }
    }
}

impl Traffic for Read {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        let path = &self.path;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: bench\r\nX-Forwarded-Email: {OWNER}\r\n\r\n");
        out.extend_from_slice(request.as_bytes());
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 200 {
            return Err(answer.wrong("200"));
        }
        self.page = String::from_utf8_lossy(answer.body).into_owned();
        Ok(())
    }
}

/// A form of the owner's, which sends them on.
struct Post {
    request: Vec<u8>,
    location: Option<String>,
}

impl Post {
    fn new(path: &str, body: &str) -> Self {
        Self {
            request: form(path, &format!("X-Forwarded-Email: {OWNER}\r\n"), body),
            location: None,
        }
    }
}

impl Traffic for Post {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.request);
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 303 {
            return Err(answer.wrong("303"));
        }
        self.location = answer.header("location").map(str::to_owned);
        Ok(())
    }
}

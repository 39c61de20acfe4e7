//! The page of connections, in every view, order, filter and depth.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use untether::{
    clock::{Clock as _, SystemClock},
    store::Db,
    web::params::encode,
};

use crate::{
    load,
    measure::{Bench, Round, bares, seconds},
    organization::{ADMINISTRATOR, MANAGER, MEMBER},
    report::Row,
    server::OWNER,
    text,
    traffic::Look,
};

/// What lists are sorted by, and what a row's place in them begins with.
const ORDERS: [(&str, &str); 7] = [
    ("name", "folded"),
    ("client", "client_folded"),
    ("project", "project_folded"),
    ("authorized", "authorized_at"),
    ("person", "person_folded"),
    ("status", "'a' || authorized_at"),
    ("used", "last_used_at"),
];

/// Searched for: nothing like it, everyone's, an app, a name, a letter, a connection.
const TERMS: [&str; 7] = [
    "zzqx",
    "acme",
    "cursor",
    "mia stone",
    "e",
    "quiet-h",
    "ode#q",
];

/// A page, and who opens it.
struct Page {
    what: String,
    path: String,
    email: &'static str,
}

impl Page {
    fn of(what: impl Into<String>, query: &str, email: &'static str) -> Self {
        Self {
            what: what.into(),
            path: format!("/connections?{query}"),
            email,
        }
    }

    fn owner(what: impl Into<String>, query: &str) -> Self {
        Self::of(what, query, OWNER)
    }
}

impl Bench<'_> {
    /// Every page, one reader at a time.
    pub async fn pages(&mut self) -> Result<(), String> {
        let mut pages = self.lists().await?;
        pages.extend(self.filtered());
        pages.extend(self.groups().await?);
        pages.extend(managed());
        if let Some(name) = &self.options.page {
            pages.retain(|page| page.what.contains(name));
        }
        let (mut met, mut slowest) = (0, (0.0, String::new()));
        for page in &pages {
            let p99 = self.page(page).await?;
            met += usize::from(p99 <= 0.015);
            if p99 > slowest.0 {
                slowest = (p99, page.what.clone());
            }
        }
        self.table.add(Row {
            what: "pages within 15 ms".to_owned(),
            measured: format!("{met} of {}", pages.len()),
            target: "all",
            met: Some(met == pages.len()),
            note: format!("slowest: {}", slowest.1),
            ..Row::default()
        });
        Ok(())
    }

    /// Lists in every order and direction, at the beginning and in the middle.
    async fn lists(&self) -> Result<Vec<Page>, String> {
        let mut pages = Vec::new();
        for (sort, column) in ORDERS {
            let key = middle(self.db, "connection", column, "TRUE").await?;
            for dir in ["asc", "desc"] {
                let query = [
                    ("view", "list"),
                    ("sort", sort),
                    ("dir", dir),
                    ("per", "50"),
                ];
                let begin = encode(query);
                let what = format!("list by {sort}, {dir}");
                let after = encode(query.into_iter().chain([("after", key.as_str())]));
                pages.push(Page::owner(format!("{what}, middle"), &after));
                pages.push(Page::owner(what, &begin));
            }
        }
        let project = format!("project_id = '{}'", self.organization.servers[0].id);
        let key = middle(self.db, "connection", "authorized_at", &project).await?;
        let after = encode([("view", "list"), ("per", "50"), ("after", &key)]);
        let first = "view=list&per=50";
        pages.push(Page::of(
            "list, project administrator",
            first,
            ADMINISTRATOR,
        ));
        pages.push(Page::of(
            "list, project administrator, middle",
            &after,
            ADMINISTRATOR,
        ));
        pages.push(Page::of("list, member", first, MEMBER));
        Ok(pages)
    }

    /// Lists under every filter and under some of them together.
    fn filtered(&self) -> Vec<Page> {
        let organization = self.organization;
        let servers = &organization.servers;
        let (big, small) = (&servers[0].id, &servers[servers.len() - 1].id);
        let (most, few) = (&organization.busiest, &organization.quietest);
        let person = &organization.person;
        let filters = [
            ("active", "status=active".to_owned()),
            ("expired", "status=expired".to_owned()),
            ("revoked", "status=revoked".to_owned()),
            (
                "every status",
                "status=active&status=expired&status=revoked".to_owned(),
            ),
            ("big project", format!("project={big}")),
            ("small project", format!("project={small}")),
            ("two projects", format!("project={big}&project={small}")),
            ("big client", format!("client={most}")),
            ("small client", format!("client={few}")),
            ("one person", format!("person={person}")),
            ("origin", "origin=registered".to_owned()),
            ("an origin that nobody has", "origin=api".to_owned()),
            ("type", "type=confidential".to_owned()),
            ("idle", "idle_days=60".to_owned()),
            (
                "expired and idle at a big project",
                format!("status=expired&idle_days=60&project={big}"),
            ),
            (
                "big client at a big project",
                format!("client={most}&project={big}"),
            ),
            (
                "big client, expired",
                format!("client={most}&status=expired"),
            ),
            ("since a date", "from=2020-01-01".to_owned()),
            ("a quarter", quarter()),
        ];
        let mut pages = Vec::new();
        for (what, filter) in filters {
            for sort in ["authorized", "used", "name", "client"] {
                let query = format!("view=list&per=50&{filter}&sort={sort}");
                pages.push(Page::owner(format!("list, {what}, by {sort}"), &query));
            }
        }
        for term in TERMS {
            for sort in ["authorized", "name"] {
                let query = encode([("view", "list"), ("per", "50"), ("q", term), ("sort", sort)]);
                pages.push(Page::owner(
                    format!("list, search {term:?}, by {sort}"),
                    &query,
                ));
            }
        }
        pages
    }

    /// Groups of every kind, under some filters.
    async fn groups(&self) -> Result<Vec<Page>, String> {
        let servers = &self.organization.servers;
        let big = &servers[0].id;
        let mut pages = Vec::new();
        for (by, table) in [
            ("client", "client"),
            ("person", "people"),
            ("project", "project"),
        ] {
            for (what, filter) in [
                ("", String::new()),
                (", active", "status=active".to_owned()),
                (", revoked", "status=revoked".to_owned()),
                (", big project", format!("project={big}")),
                (
                    ", one person",
                    format!("person={}", self.organization.person),
                ),
                (", idle", "idle_days=60".to_owned()),
                (", since a date", "from=2020-01-01".to_owned()),
                (", a quarter", quarter()),
            ] {
                let query = format!("view={by}&{filter}");
                pages.push(Page::owner(format!("groups by {by}{what}"), &query));
            }
            for term in TERMS {
                for sort in ["used", "connections", "name"] {
                    let query = encode([("view", by), ("q", term), ("sort", sort)]);
                    pages.push(Page::owner(
                        format!("groups by {by}, search {term:?}, by {sort}"),
                        &query,
                    ));
                }
            }
            let key = middle(self.db, table, "folded", "TRUE").await?;
            for sort in ["name", "connections"] {
                let query = format!("view={by}&sort={sort}");
                pages.push(Page::owner(format!("groups by {by}, by {sort}"), &query));
            }
            let query = encode([("view", by), ("sort", "name"), ("after", &key)]);
            pages.push(Page::owner(
                format!("groups by {by}, by name, middle"),
                &query,
            ));
        }
        let first = "view=client";
        pages.push(Page::of(
            "groups by client, project administrator",
            first,
            ADMINISTRATOR,
        ));
        pages.push(Page::of("groups by client, member", first, MEMBER));
        Ok(pages)
    }

    /// Adds the lines about a page and returns the p99 of its best round, in seconds.
    async fn page(&mut self, page: &Page) -> Result<f64, String> {
        let plain = load::once(self.real, Look::new(&page.path, page.email, None)).await?;
        let mut reader = vec![Look::new(&page.path, page.email, Some("br"))];
        let time = self.options.time() / 5;
        let (mut middles, mut slowest, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            let (bare, _) = load::run(self.bare, bares(1), None, time / 4).await?;
            let real;
            (real, reader) = load::run(self.real, reader, None, time).await?;
            middles.push(Round::of(bare, real, |figures| seconds(figures.p50)));
            slowest.push(Round::of(bare, real, |figures| seconds(figures.p99)));
            costs.push(Round::of(bare, real, |figures| seconds(figures.cpu)));
        }
        let what = format!("{} ({} rows, {} B)", page.what, plain.rows, reader[0].bytes);
        self.times(&format!("{what}, p50"), &middles, "");
        let best = self.times("  p99", &slowest, "<= 15 ms");
        self.table.met(best.real <= 0.015);
        self.times("  server's processor time", &costs, "");
        Ok(best.real)
    }
}

/// What the administrator of 50 projects opens.
fn managed() -> Vec<Page> {
    [
        "view=list&per=50",
        "view=list&per=50&sort=name",
        "view=list&per=50&sort=project",
        "view=list&per=50&sort=used",
        "view=list&per=50&status=revoked",
        "view=list&per=50&idle_days=60",
        "view=list&per=50&q=cursor",
        "view=list&per=50&q=mia+stone",
        "view=client",
        "view=client&sort=name",
        "view=client&sort=connections",
        "view=client&q=e",
        "view=person",
        "view=person&sort=connections",
        "view=project",
        "view=project&idle_days=60",
    ]
    .map(|query| {
        Page::of(
            format!("administrator of 50 projects, {query}"),
            query,
            MANAGER,
        )
    })
    .into()
}

/// From half a year ago to a quarter of a year ago.
fn quarter() -> String {
    let day = |ago: u64| {
        let at = SystemClock.now().minus(Duration::from_secs(ago * 86_400));
        at.to_utc().date()
    };
    format!("from={}&to={}", day(182), day(91))
}

/// Where the row in the middle stands in the order of `column`: what a link's `after` says.
async fn middle(db: &Db, table: &str, column: &str, condition: &str) -> Result<String, String> {
    let key = format!(
        "SELECT {column} || '_' || id
        FROM {table}
        WHERE {condition}
        ORDER BY {column}, id
        LIMIT 1
        OFFSET (SELECT COUNT(*) / 2 FROM {table} WHERE {condition})"
    );
    let key = AssertSqlSafe(key);
    match db {
        Db::Sqlite { write, .. } => sqlx::query_scalar(key).fetch_one(write).await,
        Db::Postgres { write, .. } => sqlx::query_scalar(key).fetch_one(write).await,
    }
    .map_err(text)
}

//! What is measured, against what, and which figure is enough.

use std::{
    fs::File,
    io::{Seek, Write},
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};
use untether::{
    domain::{pkce::CodeChallenge, secret::Secrets},
    store::Db,
    web::params::encode,
};

use crate::{
    Options,
    load::{self, Figures, Traffic},
    organization::{Grant, Organization},
    report::{Row, Table, per_second, range, short},
    text,
    traffic::{Exchange, Introspect, Refresh, Same, form},
};

/// The share of the bare handler's throughput that introspection is to have.
const SHARE: f64 = 0.10;

/// More codes than can be exchanged in a second.
const CODES_A_SECOND: f64 = 2_500.0;

/// A `code_verifier` (RFC 7636 §4.1).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Everything that a measurement needs.
pub struct Bench<'a> {
    pub options: &'a Options,
    pub bare: SocketAddr,
    pub real: SocketAddr,
    pub db: &'a Db,
    pub organization: &'a Organization,
    pub secrets: &'a Secrets,
    pub table: Table,
}

/// What was measured in one round, beside the baseline measured right before.
#[derive(Clone, Copy)]
pub struct Round {
    bare: f64,
    pub real: f64,
}

impl Round {
    pub fn of(bare: Figures, real: Figures, figure: impl Fn(&Figures) -> f64) -> Self {
        Self {
            bare: figure(&bare),
            real: figure(&real),
        }
    }

    fn ratio(self) -> f64 {
        self.real / self.bare
    }
}

impl Bench<'_> {
    pub async fn run(&mut self, folder: &Path) -> Result<(), String> {
        if self.options.wants("introspect") {
            self.introspect().await?;
        }
        if self.options.wants("refresh") {
            self.refresh(folder).await?;
        }
        if self.options.wants("exchange") {
            self.exchange(folder).await?;
        }
        if self.options.wants("pages") {
            self.pages().await?;
        }
        if self.options.wants("revokes") {
            self.revokes().await?;
        }
        Ok(())
    }

    /// Every tool call asks this.
    async fn introspect(&mut self) -> Result<(), String> {
        let requests = self.introspections(self.organization.grants.iter());
        let mut crowd = Introspect::crowd(requests, self.options.clients);
        let ready = || vec![Same::new("/healthz", ""); self.options.clients];
        let time = self.options.time();
        let clients = self.options.clients;
        let mut rounds: [Vec<Round>; 5] = Default::default();
        let [rates, costs, around, half, due] = &mut rounds;
        for _ in 0..self.options.rounds {
            let (bare, _) = load::run(self.bare, bares(clients), None, time / 2).await?;
            let flat_out;
            (flat_out, crowd) = load::run(self.real, crowd, None, time).await?;
            rates.push(Round::of(bare, flat_out, |figures| figures.rate));
            costs.push(Round::of(bare, flat_out, |figures| seconds(figures.cpu)));
            let (healthz, _) = load::run(self.real, ready(), None, time / 2).await?;
            around.push(Round::of(bare, healthz, |figures| figures.rate));

            let due_rate = bare.rate * SHARE / 2.0;
            for (waits, bare_rate, real_rate) in [
                (&mut *half, bare.rate / 2.0, flat_out.rate / 2.0),
                (&mut *due, due_rate, due_rate),
            ] {
                let (bare, _) =
                    load::run(self.bare, bares(clients), Some(bare_rate), time / 2).await?;
                let real;
                (real, crowd) = load::run(self.real, crowd, Some(real_rate), time).await?;
                waits.push(Round::of(bare, real, |figures| seconds(figures.p99)));
            }
        }
        let best = self.rates("introspection", &rounds[0], "ratio >= 0.10");
        self.table.met(best.ratio() >= SHARE);
        self.times("  server's processor time", &rounds[1], "");
        for (what, rounds) in [
            ("  p99 at half of that load", &rounds[3]),
            ("  p99 at half the load due", &rounds[4]),
        ] {
            let best = self.times(what, rounds, "<= 3 ms");
            self.table.met(best.real <= 0.003);
        }
        self.rates("no database: /healthz", &rounds[2], "");
        Ok(())
    }

    /// Introspections of tokens.
    pub fn introspections<'g>(&self, grants: impl Iterator<Item = &'g Grant>) -> Vec<Vec<u8>> {
        let requests = grants.map(|grant| {
            let server = &self.organization.servers[grant.project];
            let pair = format!("{}:{}", server.credential, server.secret);
            let header = format!("Authorization: Basic {}\r\n", STANDARD.encode(pair));
            let body = encode([("token", &*grant.access)]);
            form("/oauth/introspect", &header, &body)
        });
        requests.collect()
    }

    /// Each client holds some connections, and refreshes them with its newest tokens.
    async fn refresh(&mut self, folder: &Path) -> Result<(), String> {
        let grants: Vec<_> = self.organization.grants.iter().collect();
        let mut clients = Refresh::crowd(&grants, self.options.clients);
        let (mut rates, mut waits) = (Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            let syncs = syncs_a_second(folder).map_err(text)?;
            let figures;
            (figures, clients) = load::run(self.real, clients, None, self.options.time()).await?;
            rates.push(Round {
                bare: syncs,
                real: figures.rate,
            });
            waits.push(figures.p99);
        }
        self.durable("refresh", &rates, &waits);
        Ok(())
    }

    /// Codes as the consent page makes them, each redeemed once.
    async fn exchange(&mut self, folder: &Path) -> Result<(), String> {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let challenge = CodeChallenge::from_stored(hash);
        let time = self.options.time().min(Duration::from_secs(10));
        let count = CODES_A_SECOND * time.as_secs_f64();
        let (mut rates, mut waits) = (Vec::new(), Vec::new());
        for _ in 0..self.options.rounds {
            let codes = self
                .organization
                .issue_codes(self.db, self.secrets, count as usize, &challenge)
                .await;
            let codes = codes.map_err(text)?;
            let share = codes.len() / self.options.clients;
            let clients = codes.chunks_exact(share);
            let clients = clients.map(|codes| Exchange {
                codes: codes.to_vec(),
                verifier: VERIFIER,
            });
            let clients = clients.take(self.options.clients).collect();
            let syncs = syncs_a_second(folder).map_err(text)?;
            let (figures, _) = load::run(self.real, clients, None, time).await?;
            rates.push(Round {
                bare: syncs,
                real: figures.rate,
            });
            waits.push(figures.p99);
        }
        self.durable("code exchange", &rates, &waits);
        Ok(())
    }

    /// Adds a line about rates and returns the best round.
    fn rates(&mut self, what: &str, rounds: &[Round], target: &'static str) -> Round {
        let best = best(rounds, |a, b| a.real > b.real);
        self.table.add(Row {
            what: what.to_owned(),
            measured: per_second(best.real),
            baseline: per_second(best.bare),
            ratio: format!("{:.3}", best.ratio()),
            target,
            met: None,
            note: range(rounds, Round::ratio, |ratio| format!("{ratio:.3}")),
        });
        best
    }

    /// Adds a line about times and returns the best round.
    pub fn times(&mut self, what: &str, rounds: &[Round], target: &'static str) -> Round {
        let best = best(rounds, |a, b| a.real < b.real);
        let show = |seconds| short(Duration::from_secs_f64(seconds));
        self.table.add(Row {
            what: what.to_owned(),
            measured: show(best.real),
            baseline: show(best.bare),
            ratio: format!("{:.1}", best.ratio()),
            target,
            met: None,
            note: range(rounds, |round| round.real, show),
        });
        best
    }

    /// Adds the lines about something that ends with a durable commit.
    fn durable(&mut self, what: &str, rounds: &[Round], waits: &[Duration]) {
        let best = self.rates(what, rounds, ">= 800/s");
        self.table.met(best.real >= 800.0);
        self.table.add(Row {
            what: "  p99 at full load".to_owned(),
            measured: waits
                .iter()
                .min()
                .map(|wait| short(*wait))
                .unwrap_or_default(),
            baseline: "(fsyncs)".to_owned(),
            note: range(waits, seconds, |wait| short(Duration::from_secs_f64(wait))),
            ..Row::default()
        });
    }
}

pub fn bares(count: usize) -> Vec<impl Traffic> {
    vec![Same::new("/", "\"active\":true"); count]
}

pub fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn best(rounds: &[Round], better: impl Fn(Round, Round) -> bool) -> Round {
    let pick = |a: Round, b: &Round| if better(*b, a) { *b } else { a };
    rounds.iter().skip(1).fold(rounds[0], pick)
}

/// How often a second 4 KiB can be written here, each time to the disk.
fn syncs_a_second(folder: &Path) -> std::io::Result<f64> {
    let mut file = File::create(folder.join("sync"))?;
    let begin = Instant::now();
    let mut count = 0.0;
    while begin.elapsed() < Duration::from_millis(500) {
        file.rewind()?;
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1.0;
    }
    Ok(count / begin.elapsed().as_secs_f64())
}

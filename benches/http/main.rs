//! The program under load: `cargo bench --bench http -- [OPTIONS]`.
//!
//! Fills a fresh database (an SQLite file, or a schema of its own on the server that
//! `UNTETHER_TEST_POSTGRES_URL` names), starts the server as `untether serve` does and beside
//! it a bare actix handler that answers a small JSON from memory, and measures the two by
//! turns: on a machine that does other things too, only the ratio of neighbours means much.
//! The figures are those of the best round, the last column tells how far the rounds differ.
//!
//! The load generator has one thread and shares the machine with the server. A missed target
//! is told, not failed; a wrong answer fails.

mod bulk;
mod filling;
mod load;
mod measure;
mod organization;
mod pages;
mod report;
mod revokes;
mod server;
mod traffic;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use untether::{config::Settings, domain::secret::Secrets, store::Db};

use crate::{measure::Bench, organization::Organization, server::Running};

/// Measures the server over HTTP.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// How many connections the organization has.
    #[arg(long, default_value_t = 100_000)]
    connections: usize,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many times each is repeated.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many clients ask at the same time.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// Leaves out the line that the server logs for each request.
    #[arg(long)]
    no_log: bool,
    /// Leaves the data in this folder (or, of PostgreSQL, in the schema `bench`), and uses
    /// what an earlier run left there. Tokens last a day, and revokes are for good.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Only some of: introspect, refresh, exchange, pages, revokes.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only pages whose name contains this.
    #[arg(long)]
    page: Option<String>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

// One thread for the clients; the servers have their own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let passing = tempfile::tempdir().map_err(text)?;
    let folder = options.keep.as_deref().unwrap_or(passing.path());
    std::fs::create_dir_all(folder).map_err(text)?;
    if !options.no_log {
        server::log_into(&folder.join("log")).map_err(text)?;
    }
    let place = server::Place::make(folder, options.keep.is_some()).await?;
    let outcome = measure(&options, folder, &place).await;
    if options.keep.is_none() {
        place.remove().await?;
    }
    outcome
}

/// The organization that an earlier run left in the folder, or a new one.
async fn organization(
    options: &Options,
    folder: &Path,
    db: &Db,
    settings: &Settings,
    secrets: &Secrets,
) -> Result<Organization, String> {
    let file = folder.join("organization.json");
    if let Ok(kept) = std::fs::read(&file) {
        eprintln!("using what is in {}", folder.display());
        return serde_json::from_slice(&kept).map_err(text);
    }
    eprintln!(
        "filling the database with {} connections",
        options.connections
    );
    let organization = Organization::found(db, settings, secrets, options.connections).await;
    let organization = organization.map_err(text)?;
    std::fs::write(&file, serde_json::to_vec(&organization).map_err(text)?).map_err(text)?;
    Ok(organization)
}

async fn measure(options: &Options, folder: &Path, place: &server::Place) -> Result<(), String> {
    let settings = server::settings(place.url.clone());
    let secrets = server::secrets();
    let db = Db::open(&place.url).await.map_err(text)?;
    let organization = organization(options, folder, &db, &settings, &secrets).await?;

    let bare = Running::bare()?;
    let real = Running::real(settings, secrets.clone())?;
    let mut bench = Bench {
        options,
        bare: bare.address,
        real: real.address,
        db: &db,
        organization: &organization,
        secrets: &secrets,
        table: report::Table::default(),
    };
    bench.run(folder).await?;
    println!(
        "\n{} connections on {}, {} clients, {} workers{}",
        organization.connections,
        engine(&db).await?,
        options.clients,
        server::workers(),
        if options.no_log { ", without logs" } else { "" },
    );
    println!("\n{}", bench.table);
    real.stop().await;
    bare.stop().await;
    db.close().await;
    Ok(())
}

/// The engine, and whether a commit there survives a power cut.
async fn engine(db: &Db) -> Result<String, String> {
    let Db::Postgres { write, .. } = db else {
        return Ok("SQLite".to_owned());
    };
    let durable = "SELECT current_setting('server_version') || CASE
        WHEN 'on' = ALL (ARRAY[current_setting('fsync'), current_setting('synchronous_commit')])
        THEN '' ELSE ' (NOT DURABLE: fsync or synchronous_commit is off)' END";
    let version: String = sqlx::query_scalar(durable)
        .fetch_one(write)
        .await
        .map_err(text)?;
    Ok(format!("PostgreSQL {version}"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

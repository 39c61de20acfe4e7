//! The commands. They call the same verbs as the pages and the protocol, on a
//! live database, while servers run.

use std::{
    ffi::OsStr,
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};

use crate::{
    app,
    clock::{Clock, SystemClock},
    config::{DatabaseUrl, LogFormat, RawSettings, Settings},
    demo,
    domain::{
        audit::Actor,
        secret::{Secrets, SystemRandomness},
    },
    flow::{
        Context, Rules,
        revoke::{REASON_LIMIT, tidy_reason},
        revoke_matching::Worker,
    },
    store::{self, Db, Schema},
    telemetry,
};

mod backup;
mod check;
mod client;
mod export;
mod health;
mod key;
mod project;
mod project_acts;
mod revoke;
mod serve;
mod sweep;
mod which;

/// See and revoke what MCP clients can reach on behalf of people.
#[derive(Debug, Parser)]
#[command(name = "untether", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    settings: RawSettings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests (what happens without a command)
    Serve(serve::Serve),
    /// Show a throw-away organization with sample people, projects, clients and connections
    Demo,
    /// Ask a running server whether it is ready (for health checks in containers)
    Health,
    /// Add, change, archive and list projects: the MCP servers that Untether protects
    #[command(subcommand)]
    Project(project::Command),
    /// Add, block, unblock, list and revoke MCP clients
    #[command(subcommand)]
    Client(client::Command),
    /// End connections: those of a person, a client or a project, or a single one
    ///
    /// Each ends at once, on every server. Clients stay registered, and people can connect them
    /// again. It succeeds also when nothing was left to revoke.
    #[command(
        override_usage = "untether revoke [OPTIONS] <--connection <ID>|--person <EMAIL>|\
                                --client <ID>|--project <SLUG>>"
    )]
    Revoke(revoke::Revoke),
    /// Export connections or the audit trail as CSV or JSON
    #[command(subcommand)]
    Export(export::Command),
    /// Copy an SQLite database to a new file while servers use it
    ///
    /// Keep its secret key as well: without it the copy is of no use.
    Backup(backup::Backup),
    /// Look for what is wrong: settings, database, public address, and the projects' MCP servers
    ///
    /// It asks the servers as a client would and changes nothing. It fails (1) when something does
    /// not work.
    Check(check::Check),
    /// Remove what has been kept long enough and bring counts up to date (servers do so every
    /// minute)
    Sweep(sweep::Sweep),
}

/// Runs the program. Not `async`: what is awaited is compiled where that is done, and again
/// for each caller.
#[actix_web::main]
pub async fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if let Some(revoke) = matches.subcommand_matches("revoke")
        && revoke.value_source("idle_days").is_none()
        && matches.value_source("idle_days") == Some(ValueSource::CommandLine)
    {
        eprintln!(
            "untether: before the command, --idle-days is the setting: when connections expire. \
             To revoke only those unused for so long, write it behind: untether revoke \
             --idle-days DAYS …"
        );
        return ExitCode::from(2);
    }
    if matches!(cli.command, Some(Command::Demo))
        && let Err(error) = demo::refuse(&cli.settings, &matches)
    {
        eprintln!("untether: {error}");
        return ExitCode::from(2);
    }
    let settings = match cli.settings.validate(&matches) {
        Ok(settings) => settings,
        Err(error) => {
            if let Some(Command::Check(check)) = &cli.command {
                check::report_settings(check, &error);
                return ExitCode::FAILURE;
            }
            eprintln!("untether: the settings need attention:\n{error}");
            return ExitCode::from(2);
        }
    };
    match run(cli, settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("untether: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The command line. Every command takes every setting; the help of those that do not serve
/// says where the settings are listed, instead of listing them.
fn command_line() -> clap::Command {
    let mut line = Cli::command();
    // From here on the commands have the settings too.
    line.build();
    for command in line.get_subcommands_mut() {
        if !["serve", "demo"].contains(&command.get_name()) {
            hide_settings(command);
        }
    }
    line
}

fn hide_settings(command: &mut clap::Command) {
    let hidden = |arg: clap::Arg| {
        let is_setting = arg.is_global_set();
        arg.hide(is_setting)
    };
    *command = std::mem::take(command).mut_args(hidden).after_help(
        "Settings, by flag or environment, are the same for every command: untether --help lists \
         them.",
    );
    command.get_subcommands_mut().for_each(hide_settings);
}

/// Why a command failed, in a sentence for the person who ran it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    /// A failure with this explanation.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

macro_rules! failure_from {
    ($($error:ty),+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        }
    )+};
}
failure_from!(
    crate::store::Error,
    crate::console::export::Error,
    app::Error,
    std::io::Error,
    crate::config::SettingsError
);

/// What the environment sets for Untether and no setting is called: it has no effect. With the
/// setting that may be meant.
fn unknown_settings() -> Vec<(String, Option<String>)> {
    let command = Cli::command();
    let known = command.get_arguments().filter_map(clap::Arg::get_env);
    let known: Vec<_> = known.filter_map(OsStr::to_str).collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let ours = names.filter(|name| name.starts_with("UNTETHER_"));
    let unknown = ours.filter(|name| !known.contains(&name.as_str()));
    let with_meant = unknown.map(|name| {
        let meant = meant(&name, &known).map(str::to_owned);
        (name, meant)
    });
    with_meant.collect()
}

/// The setting whose name begins like this one, but for some letters at the end.
fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let common = |known: &str| {
        let letters = name.bytes().zip(known.bytes());
        letters.take_while(|(one, other)| one == other).count()
    };
    let alike = known
        .iter()
        .copied()
        .filter(|known| common(known) + 3 > name.len());
    alike.max_by_key(|known| (common(known), std::cmp::Reverse(known.len())))
}

/// Writes to the standard output.
///
/// # Errors
/// When that takes nothing: a pipe that was closed, a disk that is full.
fn write(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = write!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| Failure(format!("the output cannot be written: {error}")))
}

/// A line for the standard output, as `println!` writes it; an error where that would panic.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::write(format_args!("{}\n", format_args!($($text)*)))
    };
}
use say;

/// The reason as it is kept: trimmed, `None` when there is none.
fn parse_reason(text: &str, undone: &str) -> Result<Option<String>, Failure> {
    if text.trim().chars().count() > REASON_LIMIT {
        return Err(Failure::new(format!(
            "--reason is longer than {REASON_LIMIT} characters; {undone}"
        )));
    }
    Ok(tidy_reason(text))
}

async fn run(cli: Cli, settings: Settings) -> Result<(), Failure> {
    let format = settings.log_format;
    let command = cli.command;
    match command.unwrap_or(Command::Serve(serve::Serve::default())) {
        Command::Serve(serve) => {
            start_logging(&settings, format.unwrap_or(LogFormat::Json))?;
            for (name, meant) in unknown_settings() {
                tracing::warn!(
                    name,
                    meant,
                    "no setting of Untether has this name: it has no effect"
                );
            }
            serve::run(&serve, settings).await
        }
        Command::Demo => {
            start_logging(&settings, format.unwrap_or(LogFormat::Text))?;
            serve::demo(settings).await
        }
        Command::Health => health::run(settings.listen).await,
        Command::Project(command) => {
            // A machine can be set up before it first serves.
            let workshop = match command {
                project::Command::Add(_) => Workshop::make(settings).await?,
                _ => Workshop::open(settings).await?,
            };
            project::run(command, &workshop).await
        }
        Command::Client(command) => client::run(command, &Workshop::open(settings).await?).await,
        Command::Revoke(revoke) => revoke::run(&revoke, &Workshop::open(settings).await?).await,
        Command::Export(command) => export::run(command, &Workshop::open(settings).await?).await,
        Command::Backup(backup) => backup::run(&backup, &settings).await,
        Command::Check(check) => check::run(&check, &settings).await,
        Command::Sweep(sweep) => sweep::run(&sweep, &Workshop::open(settings).await?).await,
    }
}

fn start_logging(settings: &Settings, format: LogFormat) -> Result<(), Failure> {
    telemetry::start(&settings.log, format).map_err(Failure)
}

/// Opens the database.
///
/// # Errors
/// When it cannot be used, with its address.
async fn open(url: &DatabaseUrl) -> Result<Db, Failure> {
    let opened = Db::open(url).await;
    opened.map_err(|error| unusable(url, &error))
}

/// Leaves alone what an earlier version used. It is not brought up to date by the way: that
/// version may still run, and there may be no backup.
///
/// # Errors
/// When it was, or the database cannot be used.
async fn refuse_older(url: &DatabaseUrl) -> Result<(), Failure> {
    let inspected = Db::inspect(url).await;
    let inspected = inspected.map_err(|error| unusable(url, &error))?;
    let Some((db, schema)) = inspected else {
        return Ok(());
    };
    db.close().await;
    match schema {
        Schema::Older => Err(Failure(format!(
            "{url} was last used by an earlier version of Untether: make a backup (untether \
             backup), stop that version, and start untether serve, which brings it up to date"
        ))),
        Schema::Current | Schema::Empty | Schema::Newer => Ok(()),
    }
}

fn unusable(url: &DatabaseUrl, error: &store::Error) -> Failure {
    Failure(format!("{url} cannot be used: {error}"))
}

fn missing(url: &DatabaseUrl) -> Failure {
    Failure(format!(
        "there is no database at {url}: check UNTETHER_DATABASE_URL and the folder that the \
         command runs in (untether serve makes a new one)"
    ))
}

/// What the short commands work with.
struct Workshop {
    settings: Settings,
    rules: Rules,
    db: Db,
    secrets: Secrets,
}

impl Workshop {
    /// Opens the database, if there is one: who asks about what there is, or ends it, would
    /// be told by an empty one that there is nothing.
    async fn open(settings: Settings) -> Result<Self, Failure> {
        let url = &settings.database;
        if matches!(url, DatabaseUrl::Sqlite { path } if !path.exists()) {
            return Err(missing(url));
        }
        let workshop = Self::with_any(settings).await?;
        key::verify(&workshop.db, &workshop.secrets).await?;
        Ok(workshop)
    }

    /// Opens the database, which is made if it is not there, with the key that everything is
    /// made with from now on.
    async fn make(settings: Settings) -> Result<Self, Failure> {
        let workshop = Self::with_any(settings).await?;
        key::note(&workshop.db, &workshop.secrets, false).await?;
        Ok(workshop)
    }

    async fn with_any(settings: Settings) -> Result<Self, Failure> {
        let key = key::of(&settings)?;
        let secrets = Secrets::new(&key, Arc::new(SystemRandomness));
        refuse_older(&settings.database).await?;
        let db = open(&settings.database).await?;
        Ok(Self {
            rules: app::rules(&settings),
            db,
            secrets,
            settings,
        })
    }

    /// What goes on with an act that is more than one transaction should hold.
    fn worker(&self) -> Worker<'_> {
        Worker {
            db: &self.db,
            clock: &SystemClock,
            rules: &self.rules,
            secrets: &self.secrets,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            now: SystemClock.now(),
            rules: &self.rules,
            secrets: &self.secrets,
            actor: Actor::CommandLine,
            address: None,
        }
    }
}

//! `untether export`.

use std::io::Write;

use crate::{
    console::{
        export::{AuditTrail, Connections, Export, Source},
        query::{BLOCKED, ListQuery},
    },
    domain::role::{Identity, OrganizationRole, Principal},
    web::{
        params::{Params, encode},
        table::Format,
    },
};

use super::{Failure, Workshop, which};

/// What can be exported. It goes to standard output, as of one moment.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Export connections: active and expired ones, unless --status says otherwise
    Connections(Box<Wanted>),
    /// Export the audit trail, the newest event first
    Audit {
        /// The kind of file
        #[arg(long, value_enum, default_value = "csv")]
        format: Format,
    },
}

/// Which connections. Each flag may be repeated where that makes sense, and then
/// means any of the values.
#[derive(Debug, clap::Args)]
pub struct Wanted {
    /// The kind of file
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Only those that are active, expired or revoked; repeat for more
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<String>,
    /// Only those of a project, by its slug; repeat for more
    #[arg(long = "project", value_name = "SLUG")]
    projects: Vec<String>,
    /// Only those of a person; repeat for more
    #[arg(long = "person", value_name = "EMAIL")]
    people: Vec<String>,
    /// Only those of a client, by its client_id; repeat for more
    #[arg(long = "client", value_name = "ID")]
    clients: Vec<String>,
    /// Only those of clients that are known by console, api, registered or document; repeat for more
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
    /// Only those of public or confidential clients
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only those of clients that are blocked for everyone
    #[arg(long)]
    blocked: bool,
    /// Only those where this stands in the name of connection, client or person, in the
    /// client ID or in the e-mail
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those unused for so many days
    #[arg(long, value_name = "DAYS")]
    idle_days: Option<String>,
    /// Only those authorized on this day (UTC) or later
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Only those authorized on this day (UTC) or earlier
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When a filter makes no sense, the database failed or nobody reads the output.
pub async fn run(command: Command, workshop: &Workshop) -> Result<(), Failure> {
    match command {
        Command::Connections(wanted) => connections(&wanted, workshop).await,
        Command::Audit { format } => {
            let tx = workshop.db.snapshot().await?;
            print(Export::new(tx, AuditTrail::default(), format)).await
        }
    }
}

async fn connections(wanted: &Wanted, workshop: &Workshop) -> Result<(), Failure> {
    let owner = owner();
    let query = ListQuery::parse(&params(wanted, workshop).await?, &owner)
        .map_err(|problem| Failure::new(problem.explanation.text.clone()))?;
    let context = workshop.context();
    let lifetimes = context.rules.lifetimes;
    let source = Connections::new(&query, owner.sees(), lifetimes, context.now);
    let tx = workshop.db.snapshot().await?;
    print(Export::new(tx, source, wanted.format)).await
}

/// The same parameters that the address of the list has.
async fn params(wanted: &Wanted, workshop: &Workshop) -> Result<Params, Failure> {
    let mut tx = workshop.db.read().await?;
    let mut pairs = Vec::new();
    for slug in &wanted.projects {
        let id = which::project(&mut tx, slug).await?;
        pairs.push(("project", id.to_string()));
    }
    for email in &wanted.people {
        let people = which::people(&mut tx, email).await?;
        pairs.extend(people.iter().map(|id| ("person", id.to_string())));
    }
    for identifier in &wanted.clients {
        let id = which::client(&mut tx, identifier).await?.id;
        pairs.push(("client", id.to_string()));
    }
    let words = [
        ("status", &wanted.statuses),
        ("origin", &wanted.origins),
        ("type", &wanted.types),
    ];
    for (name, values) in words {
        pairs.extend(values.iter().map(|value| (name, value.clone())));
    }
    pairs.extend(wanted.blocked.then(|| ("blocked", BLOCKED.to_owned())));
    let single = [
        ("q", &wanted.search),
        ("idle_days", &wanted.idle_days),
        ("from", &wanted.from),
        ("to", &wanted.to),
    ];
    for (name, value) in single {
        pairs.extend(value.iter().map(|value| (name, value.clone())));
    }
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    Ok(Params::parse(encode(pairs).as_bytes()))
}

/// Whoever has a shell on the server sees everything.
fn owner() -> Principal {
    let nobody = "command line".to_owned();
    Principal {
        identity: Identity {
            subject: nobody.clone(),
            email: nobody.clone(),
            name: nobody,
            groups: None,
        },
        person: None,
        role: OrganizationRole::Owner,
        administers: Vec::new(),
    }
}

async fn print<S: Source<N>, const N: usize>(mut export: Export<S, N>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    while !export.is_complete() {
        out.write_all(&export.next().await?)?;
    }
    Ok(out.flush()?)
}

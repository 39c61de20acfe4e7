//! `untether revoke`.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::json;

use crate::{
    console::{moment, query::IDLE_LIMIT},
    domain::{ids::ConnectionId, role::Reach},
    flow::revoke::{self, LIMIT},
    store::{
        Tx,
        connection_filter::{Filter, Statuses},
        connection_list::{self, Listed, Order, Place},
    },
};

use super::{Failure, Workshop, parse_reason, which};

const DAY: Duration = Duration::from_secs(86_400);

/// Which connections, why, and whether really.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    #[command(flatten)]
    whose: Whose,
    /// Only those unused for so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=IDLE_LIMIT.into()))]
    idle_days: Option<u16>,
    /// Why; kept in the audit trail and shown with the connection
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// List what would be revoked, and revoke nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The connection with this id
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// All connections of the person with this e-mail
    #[arg(long, value_name = "EMAIL")]
    person: Option<String>,
    /// All connections of the client with this client_id
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// All connections to the project with this slug
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
}

/// Runs the command. Connections made while it runs are left alone.
///
/// # Errors
/// When what is named is not there, the database failed or the output could not
/// be written; what was revoked until then stays revoked, and is told.
pub async fn run(command: &Revoke, workshop: &Workshop) -> Result<(), Failure> {
    let reason = parse_reason(&command.reason, "nothing was revoked")?;
    let act = Act {
        workshop,
        reason: reason.as_deref(),
        dry_run: command.dry_run,
    };
    let mut report = Report::begin(command);
    let done = match &command.whose.connection {
        Some(text) => act.on_one(text, command.idle_days, &mut report).await,
        None => act.on_all(command, &mut report).await,
    };
    match done {
        Err(failure) if report.count == 0 => Err(failure),
        done => {
            report.end(done.is_ok());
            done?;
            Ok(report.written?)
        }
    }
}

struct Act<'a> {
    workshop: &'a Workshop,
    reason: Option<&'a str>,
    dry_run: bool,
}

impl Act<'_> {
    async fn filter(&self, command: &Revoke) -> Result<Filter, Failure> {
        let context = self.workshop.context();
        let cutoffs = context.rules.lifetimes.cutoffs(context.now);
        let mut filter = Filter {
            statuses: Statuses::UNREVOKED,
            unused_since: command
                .idle_days
                .map(|days| context.now.minus(DAY * u32::from(days))),
            ..Filter::all(Reach::All, cutoffs)
        };
        let mut tx = self.workshop.db.read().await?;
        let whose = &command.whose;
        if let Some(email) = &whose.person {
            filter.people = which::people(&mut tx, email).await?;
        }
        if let Some(identifier) = &whose.client {
            filter.clients = vec![which::client(&mut tx, identifier).await?.id];
        }
        if let Some(slug) = &whose.project {
            filter.projects = vec![which::project(&mut tx, slug).await?];
        }
        Ok(filter)
    }

    async fn on_one(
        &self,
        text: &str,
        idle_days: Option<u16>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let unknown = || Failure::new(format!("no connection has the id {text}"));
        let id = ConnectionId::parse(text.trim()).ok_or_else(unknown)?;
        let mut tx = self.workshop.db.read().await?;
        let row = find(&mut tx, id).await?.ok_or_else(unknown)?;
        drop(tx);
        let now = self.workshop.context().now;
        let idle = now.since(row.life.last_used_at);
        let spared = idle_days.is_some_and(|days| idle < DAY * u32::from(days));
        if row.life.revoked.is_none() && !spared {
            self.on(std::slice::from_ref(&row), report).await?;
        }
        Ok(())
    }

    async fn on_all(&self, command: &Revoke, report: &mut Report) -> Result<(), Failure> {
        let filter = self.filter(command).await?;
        let mut place = Place::Start;
        loop {
            let mut tx = self.workshop.db.read().await?;
            let rows = connection_list::page(&mut tx, &filter, Order::NEWEST, &place, LIMIT as u32)
                .await?;
            drop(tx);
            let Some(last) = rows.last() else {
                return Ok(());
            };
            // Otherwise one of them went away in between: look again.
            if self.on(&rows, report).await? {
                place = Place::After(last.key());
            }
            if !self.dry_run {
                self.workshop.db.make_way().await;
            }
        }
    }

    /// Ends the connections in one transaction. Returns whether they were all there.
    async fn on(&self, rows: &[Listed], report: &mut Report) -> Result<bool, Failure> {
        if self.dry_run {
            report.add(rows);
            return Ok(true);
        }
        let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        let context = self.workshop.context();
        let mut tx = self.workshop.db.write().await?;
        let revoked =
            revoke::connections(&mut tx, &context, &Reach::All, &ids, self.reason).await?;
        let Some(revoked) = revoked else {
            return Ok(false);
        };
        tx.commit().await?;
        report.add(&revoked.now);
        Ok(true)
    }
}

async fn find(tx: &mut Tx, id: ConnectionId) -> Result<Option<Listed>, Failure> {
    let found = connection_list::by_ids(tx, &Reach::All, &[id]).await?;
    Ok(found.into_iter().next())
}

/// What the person at the shell reads while it happens.
struct Report {
    json: bool,
    dry_run: bool,
    count: usize,
    /// Whether everything could be written. A reader that goes away must not
    /// stop an act half-way.
    written: io::Result<()>,
}

impl Report {
    fn begin(command: &Revoke) -> Self {
        Self {
            json: command.json,
            dry_run: command.dry_run,
            count: 0,
            written: Ok(()),
        }
    }

    fn add(&mut self, rows: &[Listed]) {
        let mut text = String::new();
        for row in rows {
            if self.json {
                text.push_str(match self.count {
                    0 => "{\"connections\":[\n",
                    _ => ",\n",
                });
                text.push_str(&described(row));
            } else {
                text.push_str(&line(row));
            }
            self.count += 1;
        }
        self.write(&text);
    }

    /// Says how many there were, of all that are meant or until it failed.
    fn end(&mut self, all: bool) {
        let count = self.count;
        let connections = match count {
            1 => "1 connection".to_owned(),
            _ => format!("{count} connections"),
        };
        let text = match (self.json, self.dry_run, all) {
            (true, dry_run, all) => {
                let begin = if count == 0 {
                    "{\"connections\":["
                } else {
                    "\n"
                };
                format!("{begin}],\"count\":{count},\"complete\":{all},\"dry_run\":{dry_run}}}\n")
            }
            (false, true, true) => {
                format!("Would revoke {connections}. Nothing was changed (--dry-run).\n")
            }
            (false, true, false) => {
                format!("Would revoke {connections} and more. Nothing was changed (--dry-run).\n")
            }
            (false, false, true) => format!("Revoked {connections}.\n"),
            (false, false, false) => format!("Revoked {connections}, not all of them.\n"),
        };
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if self.written.is_ok() {
            self.written = io::stdout().lock().write_all(text.as_bytes());
        }
    }
}

fn described(row: &Listed) -> String {
    let used = row.connected_at.map(|_| row.life.last_used_at);
    json!({
        "id": row.id.as_str(),
        "name": row.name,
        "client_name": row.client_name,
        "project_name": row.project_name,
        "person_email": row.person_email,
        "last_used_at": used.map(moment::rfc_3339),
    })
    .to_string()
}

fn line(row: &Listed) -> String {
    let used = match row.connected_at {
        Some(_) => format!("last used {}", moment::date(row.life.last_used_at)),
        None => "never used".to_owned(),
    };
    format!(
        "{}  {}  {} at {}, {used}\n",
        row.name, row.person_email, row.client_name, row.project_name
    )
}

//! `untether sweep`.

use serde_json::json;

use crate::flow::{self, sweep::Swept};

use super::{Failure, Workshop, say};

#[derive(Debug, clap::Args)]
pub struct Sweep {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the database failed.
pub async fn run(sweep: &Sweep, workshop: &Workshop) -> Result<(), Failure> {
    let context = workshop.context();
    let swept = match sweep.dry_run {
        true => flow::sweep::due(&workshop.db, &context).await?,
        false => flow::sweep::run(&workshop.db, &context).await?,
    };
    if sweep.json {
        say!("{}", json!({ "dry_run": sweep.dry_run, "swept": swept }))?;
        return Ok(());
    }
    say!(
        "{}",
        match (sweep.dry_run, swept.is_empty()) {
            (_, true) => "Nothing was due.",
            (true, false) => "Due; nothing was changed (--dry-run):",
            (false, false) => "Done:",
        }
    )?;
    for (count, what) in lines(&swept) {
        if count > 0 {
            say!("  {count:>9}  {what}")?;
        }
    }
    Ok(())
}

/// What was swept, each with its count.
fn lines(swept: &Swept) -> [(usize, &'static str); 13] {
    [
        (swept.counted_as_expired, "connections counted as expired"),
        (
            swept.counted_as_active,
            "connections counted as active again",
        ),
        (
            swept.expired_connections_removed,
            "connections removed that expired long ago, of clients nobody uses",
        ),
        (
            swept.unused_clients_removed,
            "clients removed that registered themselves and nobody uses",
        ),
        (
            swept.revoked_connections_removed,
            "connections removed that were revoked long ago",
        ),
        (
            swept.unused_connections_removed,
            "connections removed that never had a token",
        ),
        (
            swept.clients_removed,
            "clients removed that were revoked long ago",
        ),
        (swept.tokens_removed, "tokens removed that had ended"),
        (
            swept.credentials_removed,
            "introspection credentials removed that ended long ago",
        ),
        (
            swept.acts_removed,
            "acts on everything that matched removed that finished long ago",
        ),
        (swept.events_removed, "audit events removed for their age"),
        (
            swept.clients_forgotten,
            "removed clients forgotten for their age",
        ),
        (
            swept.looks_recorded,
            "clients compared with others for their looks",
        ),
    ]
}

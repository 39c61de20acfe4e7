//! `untether check`.

use std::{fmt::Write, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::{
    check::{self, Finding, Level},
    clock::{Clock as _, SystemClock},
    config::{DatabaseUrl, Settings, SettingsError},
    domain::{
        project::{Project, Slug},
        secret::{Secrets, SystemRandomness},
    },
    outbound::probe::Probe,
    store::{self, Db, Schema, Tx},
};

use super::{Failure, key, unknown_settings, write};

/// How many servers are asked at the same time.
const AT_ONCE: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Check {
    /// Only the MCP server of the project with this slug
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found, by what it is about.
#[derive(Default)]
struct Report(Vec<(String, Finding)>);

/// Runs the command.
///
/// # Errors
/// When something does not work, the project is unknown, or the database failed meanwhile.
pub async fn run(check: &Check, settings: &Settings) -> Result<(), Failure> {
    let probe = Probe::new(settings.certificates.clone());
    let mut report = Report::default();
    if check.project.is_none() {
        report.add("settings", check::settings::check(settings));
        report.add("settings", unknown_settings().iter().map(misspelt));
    }
    let (finding, db) = database(settings).await;
    // About one project, only what stands in its way.
    if check.project.is_none() || db.is_none() {
        report.add("database", [finding]);
    }
    if check.project.is_none() {
        report.add("database", lost_key(settings, db.is_some()));
        report.add("database", open_files(settings));
        if let Some(db) = &db {
            report.add("database", other_key(settings, db).await?);
        }
        report.add("public URL", check::public::check(&probe, settings).await);
    }
    if let Some(db) = db {
        let projects = projects(&mut db.snapshot().await?, check.project.as_deref()).await?;
        db.close().await;
        let public = &settings.public_url;
        let checks = stream::iter(&projects)
            .map(|project| check::server::check(&probe, project, public))
            .buffered(AT_ONCE);
        for (project, findings) in projects.iter().zip(checks.collect::<Vec<_>>().await) {
            report.add(project.slug.as_str(), findings);
        }
    }
    report.end(check)
}

/// Says what is wrong with settings that no command can work with.
pub fn report_settings(check: &Check, error: &SettingsError) {
    let mut report = Report::default();
    let finding = |line: &String| Finding {
        level: Level::Problem,
        seen: format!("{line}."),
        advice: None,
    };
    report.add("settings", error.lines().iter().map(finding));
    // Whoever does not listen is told by the exit code.
    let _ = write(report.text(check.json));
}

/// The state of the database, and the database if it can be worked with.
async fn database(settings: &Settings) -> (Finding, Option<Db>) {
    let url = &settings.database;
    let begin = "Start untether serve, which makes it what it should be; make a backup first.";
    match Db::inspect(url).await {
        Ok(Some((db, Schema::Current))) => {
            if let Some(found) = db
                .damage()
                .await
                .unwrap_or_else(|error| Some(error.to_string()))
            {
                db.close().await;
                return (damage(settings, &found), None);
            }
            (usable(url, &db).await, Some(db))
        }
        Ok(Some((db, Schema::Empty | Schema::Older))) => {
            db.close().await;
            let seen = format!(
                "{url} is empty or was last used by an earlier version, so its projects were not \
                 checked."
            );
            (Finding::warning(seen, begin), None)
        }
        Ok(Some((db, Schema::Newer))) => {
            db.close().await;
            let finding = Finding::problem(
                format!("{url} was last used by a later version of Untether than this one."),
                "Run that version or a newer one.",
            );
            (finding, None)
        }
        Ok(None) => {
            let seen = format!("There is no database at {url} yet.");
            let advice = "If there should be one, check UNTETHER_DATABASE_URL and the folder that \
                          the command runs in; if not, untether serve makes it.";
            (Finding::warning(seen, advice), None)
        }
        Err(error) if error.is_damage() => (damage(settings, &error.to_string()), None),
        Err(error) => {
            let seen = format!("{url} cannot be used: {error}.");
            let advice = "Check UNTETHER_DATABASE_URL, and that the database runs and lets this \
                          machine and user in.";
            (Finding::problem(seen, advice), None)
        }
    }
}

/// What there is to say of a database that is up to date: whether it takes changes, and has
/// this machine's time.
async fn usable(url: &DatabaseUrl, db: &Db) -> Finding {
    if let Err(error) = db.ping().await {
        return Finding::problem(
            format!("{url} can be read, and takes no changes: {error}."),
            "See that it is not read-only, has room on its disk, and lets this user write.",
        );
    }
    match db.clock_gap(SystemClock.now()).await {
        Ok(Some(gap)) => Finding::problem(
            format!(
                "The clocks of this machine and of {url} are {} seconds apart.",
                gap.as_secs()
            ),
            "Keep them in step, as with NTP: servers that do not agree on the time refuse each \
             other's codes, and take a refresh for theft.",
        ),
        _ => Finding::ok(format!("{url} can be reached and is up to date.")),
    }
}

/// The files of SQLite that other users of this machine may read or change.
fn open_files(settings: &Settings) -> Vec<Finding> {
    let DatabaseUrl::Sqlite { path } = &settings.database else {
        return Vec::new();
    };
    let files = [Some(path.clone()), key::file(settings)];
    let open = files.into_iter().flatten().filter(|file| {
        let mode = file.metadata().map(|file| file.permissions().mode());
        mode.is_ok_and(|mode| mode & 0o077 != 0)
    });
    let finding = |file: PathBuf| {
        let file = file.display();
        Finding::warning(
            format!("Other users of this machine may read or change {file}."),
            format!("chmod 600 {file}, and what begins with its name."),
        )
    };
    open.map(finding).collect()
}

/// Without its key a database is worth nothing, and a new key would be made in silence.
fn lost_key(settings: &Settings, used: bool) -> Option<Finding> {
    let file = key::file(settings).filter(|file| used && !file.exists())?;
    Some(Finding::problem(
        format!(
            "The secret key {} is gone: no token, client secret or credential made until now works.",
            file.display()
        ),
        "Restore it from the backup, or set UNTETHER_SECRET_KEY, before anything else.",
    ))
}

/// Whether the key is another than the one that the database was used with.
async fn other_key(settings: &Settings, db: &Db) -> Result<Option<Finding>, Failure> {
    let is_there = key::file(settings).is_none_or(|file| file.exists());
    let known = store::setting::key_mark(&mut db.read().await?).await?;
    let (true, Some(known)) = (is_there, known) else {
        return Ok(None);
    };
    let key = match key::of(settings) {
        Ok(key) => key,
        Err(error) => {
            let advice = "Restore the key from the backup.";
            return Ok(Some(Finding::problem(format!("{error}."), advice)));
        }
    };
    let secrets = Secrets::new(&key, Arc::new(SystemRandomness));
    Ok((known != secrets.key_mark()).then(|| {
        Finding::problem(
            "The secret key is not the one that the database has been used with: no token, \
             client secret or credential that was made with that works.",
            "Set the key from the backup, or from another server, before anything else.",
        )
    }))
}

fn damage(settings: &Settings, found: &str) -> Finding {
    Finding::problem(
        format!("{} is damaged: {found}.", settings.database),
        "Stop Untether and restore the file and its key from the backup; then look at the disk.",
    )
}

fn misspelt((name, meant): &(String, Option<String>)) -> Finding {
    Finding::warning(
        format!("{name} is set, and no setting of Untether has this name: it has no effect."),
        match meant {
            Some(meant) => format!("Did you mean {meant}?"),
            None => "Look for the right name in untether serve --help.".to_owned(),
        },
    )
}

async fn projects(tx: &mut Tx, slug: Option<&str>) -> Result<Vec<Project>, Failure> {
    let Some(text) = slug else {
        let all = store::project::all(tx).await?.into_iter();
        return Ok(all
            .filter(|project| project.archived_at.is_none())
            .collect());
    };
    let unknown = || {
        Failure::new(format!(
            "no project has the slug {text} (see: untether project list)"
        ))
    };
    let slug = Slug::parse(text.trim()).map_err(|_| unknown())?;
    let project = store::project::by_slug(tx, &slug).await?;
    Ok(vec![project.ok_or_else(unknown)?])
}

impl Report {
    fn add(&mut self, about: &str, findings: impl IntoIterator<Item = Finding>) {
        let findings = findings.into_iter();
        self.0
            .extend(findings.map(|finding| (about.to_owned(), finding)));
    }

    fn count(&self, level: Level) -> usize {
        self.0
            .iter()
            .filter(|(_, finding)| finding.level == level)
            .count()
    }

    fn end(&self, check: &Check) -> Result<(), Failure> {
        write(self.text(check.json))?;
        match self.count(Level::Problem) {
            0 => Ok(()),
            1 => Err(Failure::new("there is a problem")),
            count => Err(Failure::new(format!("there are {count} problems"))),
        }
    }

    /// One finding a line.
    fn text(&self, json: bool) -> String {
        if json {
            let findings = self.0.iter().map(|(about, finding)| {
                json!({
                    "about": about,
                    "level": finding.level,
                    "seen": finding.seen,
                    "advice": finding.advice,
                })
            });
            let printed = json!({
                "findings": findings.collect::<Vec<_>>(),
                "warnings": self.count(Level::Warning),
                "problems": self.count(Level::Problem),
            });
            return format!("{printed}\n");
        }
        let mut text = String::new();
        for (
            about,
            Finding {
                level,
                seen,
                advice,
            },
        ) in &self.0
        {
            let advice = advice.as_deref().map(|advice| format!(" {advice}"));
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:<8} {about}: {seen}{}",
                level.as_str(),
                advice.unwrap_or_default()
            );
        }
        text
    }
}

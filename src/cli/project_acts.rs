//! `untether project rotate`, `remove`, `archive` and `restore`.

use std::time::Duration;

use serde_json::json;

use crate::{
    domain::{
        ids::CredentialId,
        project::{Project, Slug},
    },
    flow::{
        archive::{self, Archived, Restored},
        credential::{self, LIMIT, Made, Revoked},
    },
    store::{self, Tx, credential::Credential},
};

use super::{Failure, Workshop, parse_reason, say};

/// What the code on the page of a project calls a credential.
pub(super) const IN_CODE: &str = "(In the code on the project's page: UNTETHER_CREDENTIAL_ID and \
                                  UNTETHER_CREDENTIAL_SECRET.)";

#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The slug of the project
    #[arg(long)]
    slug: String,
    /// For how many hours the credentials that there are go on; 0 ends them at once
    #[arg(long, value_name = "HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(u64).range(..=8760))]
    overlap_hours: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The slug of the project
    #[arg(long)]
    slug: String,
    /// The id of the credential: its client_id, as add and rotate printed it
    #[arg(long, value_name = "ID")]
    credential: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Archive {
    /// The slug of the project
    #[arg(long)]
    slug: String,
    /// Why; kept in the audit trail
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The slug of the project
    #[arg(long)]
    slug: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn rotate(rotate: &Rotate, workshop: &Workshop) -> Result<(), Failure> {
    let slug = parse_slug(&rotate.slug)?;
    let context = workshop.context();
    let id: CredentialId = context.secrets.new_id(context.now);
    let overlap = Duration::from_secs(rotate.overlap_hours * 3600);
    let mut tx = workshop.db.write().await?;
    let secret = match credential::make(&mut tx, &context, &slug, &id, Some(overlap)).await? {
        Made::Done(secret) => secret,
        Made::NotThere | Made::Before => return Err(unknown(&slug)),
        Made::TooMany => {
            return Err(Failure::new(format!(
                "{slug} has {LIMIT} credentials that work, and no more are needed: remove some \
                 (untether project remove)"
            )));
        }
    };
    let until = Some(context.now.plus(overlap));
    let known = credentials(&mut tx, &slug).await?.unwrap_or_default();
    let shortened = known.iter().filter(|known| known.revoked_at == until);
    let shortened = shortened.count();
    let endpoint = workshop.settings.public_url.join("/oauth/introspect");
    if rotate.json {
        let printed = json!({
            "introspection": {
                "client_id": id.as_str(),
                "client_secret": secret.expose(),
                "endpoint": endpoint,
            },
        });
        say!("{printed}")?;
    } else {
        say!(
            "Made another credential for {slug}, which is shown only now:\n  \
             endpoint       {endpoint}\n  client_id      {id}\n  client_secret  {}\n{IN_CODE}{}",
            secret.expose(),
            others(shortened, rotate.overlap_hours),
        )?;
    }
    // Last: a secret that could not be shown belongs to nothing.
    tx.commit().await?;
    Ok(())
}

/// What becomes of the credentials that there were and that a rotation ends.
fn others(shortened: usize, hours: u64) -> String {
    let (what, works) = match shortened {
        0 => return String::new(),
        1 => ("The one that there was".to_owned(), "works"),
        many => (format!("{many} that there were"), "work"),
    };
    match hours {
        0 => format!("\n\n{what} no longer {works}."),
        1 => format!("\n\n{what} {works} for 1 hour more."),
        hours => format!("\n\n{what} {works} for {hours} hours more."),
    }
}

pub async fn remove(remove: &Remove, workshop: &Workshop) -> Result<(), Failure> {
    let slug = parse_slug(&remove.slug)?;
    let Some(id) = CredentialId::parse(remove.credential.trim()) else {
        return Err(Failure::new(
            "--credential: this is not the id of a credential",
        ));
    };
    let context = workshop.context();
    let mut tx = workshop.db.write().await?;
    let done = match credential::revoke(&mut tx, &context, &slug, &id).await? {
        Revoked::Done => true,
        Revoked::Before => false,
        Revoked::NotThere => {
            drop(tx);
            return Err(no_credential(workshop, &slug, &id).await?);
        }
    };
    tx.commit().await?;
    match (remove.json, done) {
        (true, _) => say!("{}", json!({ "credential": id.as_str(), "removed": done }))?,
        (false, true) => say!("Removed {id}. Whoever shows it is refused from now on.")?,
        (false, false) => say!("{id} had ended before.")?,
    }
    Ok(())
}

/// The credentials of a project; `None` when there is no such project.
async fn credentials(tx: &mut Tx, slug: &Slug) -> store::Result<Option<Vec<Credential>>> {
    let Some(project) = store::project::by_slug(tx, slug).await? else {
        return Ok(None);
    };
    store::credential::of_project(tx, &project.id)
        .await
        .map(Some)
}

/// Says which credentials there are instead.
async fn no_credential(
    workshop: &Workshop,
    slug: &Slug,
    id: &CredentialId,
) -> Result<Failure, Failure> {
    let now = workshop.context().now;
    let mut tx = workshop.db.snapshot().await?;
    let Some(known) = credentials(&mut tx, slug).await? else {
        return Ok(unknown(slug));
    };
    let working = known.iter().filter(|known| known.works(now));
    let working: Vec<_> = working.map(|known| known.id.to_string()).collect();
    Ok(Failure::new(match working.as_slice() {
        [] => format!("{slug} has no credential {id}, and none that works"),
        ids => format!(
            "{slug} has no credential {id}; those that work: {}",
            ids.join(", ")
        ),
    }))
}

pub async fn archive(arguments: &Archive, workshop: &Workshop) -> Result<(), Failure> {
    let slug = parse_slug(&arguments.slug)?;
    let reason = parse_reason(&arguments.reason, "nothing was archived")?;
    let mut tx = workshop.db.write().await?;
    let outcome = archive::archive(&mut tx, &workshop.context(), &slug, reason.as_deref()).await?;
    let (project, said) = match outcome {
        Archived::NotThere if store::project::by_slug(&mut tx, &slug).await?.is_some() => {
            return Err(Failure::new(format!(
                "{slug} is Untether's own MCP server, which cannot be archived"
            )));
        }
        Archived::NotThere => return Err(unknown(&slug)),
        Archived::InUse(active) => {
            return Err(Failure::new(format!(
                "active connections to {slug}: {active}; revoke them first (untether revoke \
                 --project {slug}). Nothing was archived"
            )));
        }
        Archived::Before(project) => (project, "had been archived before"),
        Archived::Now(project) => (project, "is archived: nothing can connect to it"),
    };
    tx.commit().await?;
    report(arguments.json, &project, said)
}

pub async fn restore(arguments: &Restore, workshop: &Workshop) -> Result<(), Failure> {
    let slug = parse_slug(&arguments.slug)?;
    let mut tx = workshop.db.write().await?;
    let (project, said) = match archive::restore(&mut tx, &workshop.context(), &slug).await? {
        Restored::NotThere => return Err(unknown(&slug)),
        Restored::Before(project) => (project, "was not archived"),
        Restored::Now(project) => (project, "is back: people can connect to it"),
    };
    tx.commit().await?;
    report(arguments.json, &project, said)
}

fn report(json: bool, project: &Project, said: &str) -> Result<(), Failure> {
    if !json {
        return say!("{} {said}", project.slug);
    }
    let archived = project.archived_at.is_some();
    let slug = project.slug.as_str();
    say!(
        "{}",
        json!({ "project": { "slug": slug, "archived": archived } })
    )
}

fn parse_slug(text: &str) -> Result<Slug, Failure> {
    Slug::parse(text).map_err(|error| Failure::new(format!("--slug: {error}")))
}

fn unknown(slug: &Slug) -> Failure {
    Failure::new(format!(
        "no project has the slug {slug} (see: untether project list)"
    ))
}

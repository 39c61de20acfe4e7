//! `untether client`.

use serde_json::{Value, json};

use crate::{
    domain::{
        client::{Client, ClientType, Origin, parse_name},
        project::Slug,
        redirect::RedirectUri,
    },
    flow::{
        self,
        register::{self, NewClient, REDIRECT_LIMIT},
    },
    store,
};

use super::{Failure, Workshop, revoke::parse_reason, which};

/// What can be done with clients.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a client to a project and print its secret, if it has one, once
    Add(Add),
    /// Revoke a client for good, with all of its connections
    ///
    /// Nothing of it works from then on, on every server. It succeeds also when the client had
    /// been revoked before.
    Revoke(Revoke),
    /// List the clients
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// The slug of the project it belongs to
    #[arg(long)]
    project: String,
    /// Its name, shown on the consent page
    #[arg(long)]
    name: String,
    /// Where it may be sent back to; a loopback address matches on any port; repeat for more
    #[arg(long = "redirect-uri", value_name = "URI", required = true)]
    redirect_uris: Vec<String>,
    /// Give it a secret: for clients that run on a server of their own
    #[arg(long)]
    confidential: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// Its client_id
    #[arg(long, value_name = "ID")]
    client: String,
    /// Why; kept in the audit trail and shown on the revoked connections
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Say what would be revoked, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When a value makes no sense or the database failed.
pub async fn run(command: Command, workshop: &Workshop) -> Result<(), Failure> {
    match command {
        Command::Add(add) => self::add(add, workshop).await,
        Command::Revoke(revoke) => self::revoke(&revoke, workshop).await,
        Command::List { json } => list(json, workshop).await,
    }
}

async fn add(add: Add, workshop: &Workshop) -> Result<(), Failure> {
    let name = parse_name(&add.name).map_err(|error| Failure::new(format!("--name: {error}")))?;
    let redirect_uris = parse_redirect_uris(&add.redirect_uris, workshop)?;
    let unknown = || {
        Failure::new(format!(
            "no project has the slug {} (see: untether project list)",
            add.project
        ))
    };
    let slug = Slug::parse(&add.project).map_err(|_| unknown())?;
    let mut tx = workshop.db.write().await?;
    let project = store::project::by_slug(&mut tx, &slug)
        .await?
        .ok_or_else(unknown)?;
    let new = NewClient {
        id: None,
        origin: Origin::Console,
        project: Some(&project),
        name,
        client_type: if add.confidential {
            ClientType::Confidential
        } else {
            ClientType::Public
        },
        redirect_uris,
    };
    let (client, secret) = register::client(&mut tx, &workshop.context(), new).await?;
    tx.commit().await?;
    if add.json {
        let mut printed = json!({ "client": describe(&client) });
        if let Some(secret) = &secret {
            printed["client_secret"] = secret.expose().into();
        }
        println!("{printed}");
    } else {
        println!(
            "Added {}\n  client_id       {}",
            client.name, client.identifier
        );
        println!("  MCP server URL  {}", project.resource.as_str());
        if let Some(secret) = &secret {
            println!("  client_secret   {}  (shown only now)", secret.expose());
        }
    }
    Ok(())
}

fn parse_redirect_uris(texts: &[String], workshop: &Workshop) -> Result<Vec<RedirectUri>, Failure> {
    if texts.len() > REDIRECT_LIMIT {
        return Err(Failure::new(format!(
            "a client has at most {REDIRECT_LIMIT} redirect URIs"
        )));
    }
    let parse = |text: &String| {
        RedirectUri::parse(text, &workshop.settings.redirect_schemes)
            .map_err(|error| Failure::new(format!("--redirect-uri \"{text}\": {error}")))
    };
    texts.iter().map(parse).collect()
}

async fn revoke(revoke: &Revoke, workshop: &Workshop) -> Result<(), Failure> {
    let reason = parse_reason(&revoke.reason)?;
    let context = workshop.context();
    let mut tx = workshop.db.write().await?;
    let id = which::client(&mut tx, &revoke.client).await?;
    let client = store::client::by_id(&mut tx, &id).await?;
    let client = client.ok_or_else(|| Failure::new("the client was removed meanwhile"))?;
    let project = match &client.project {
        Some(project) => store::project::by_id(&mut tx, project).await?,
        None => None,
    };
    let of = (&client, project.as_ref());
    let revoked = flow::client::revoke(&mut tx, &context, of, "", reason).await?;
    let count = revoked.as_ref().map_or(0, |revoked| revoked.connections);
    let name = &client.name;
    let text = match (&revoked, revoke.dry_run) {
        (None, _) => format!("{name} had been revoked before"),
        (Some(_), true) => format!("Would revoke {name} and its connections: {count}"),
        (Some(_), false) => format!("Revoked {name} and its connections: {count}"),
    };
    if !revoke.dry_run {
        tx.commit().await?;
        if let Some(act) = revoked.as_ref().and_then(|revoked| revoked.act.as_ref()) {
            workshop.worker().run(act).await?;
        }
    }
    if revoke.json {
        let revoked = json!({
            "client": describe(&client),
            "revoked": revoked.is_some() && !revoke.dry_run,
            "connections": count,
            "dry_run": revoke.dry_run,
        });
        println!("{revoked}");
    } else {
        println!("{text}");
    }
    Ok(())
}

fn describe(client: &Client) -> Value {
    let uris: Vec<_> = client
        .redirect_uris
        .iter()
        .map(RedirectUri::as_str)
        .collect();
    json!({
        "client_id": client.identifier,
        "name": client.name,
        "type": client.client_type.as_str(),
        "redirect_uris": uris,
    })
}

async fn list(json: bool, workshop: &Workshop) -> Result<(), Failure> {
    let mut tx = workshop.db.snapshot().await?;
    let clients = store::client::all(&mut tx).await?;
    if json {
        let clients: Vec<_> = clients.iter().map(describe).collect();
        println!("{}", json!({ "clients": clients }));
    } else {
        for client in clients {
            println!(
                "{}  {}  {}",
                client.identifier,
                client.client_type.as_str(),
                client.name
            );
        }
    }
    Ok(())
}

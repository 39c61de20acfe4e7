//! `untether client`.

use serde_json::{Value, json};

use crate::{
    domain::{
        client::{Client, ClientType, Origin, parse_name},
        project::Slug,
        redirect::RedirectUri,
    },
    flow::register::{self, NewClient, REDIRECT_LIMIT},
    store,
};

use super::{Failure, Workshop};

/// What can be done with clients.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a client to a project and print its secret, if it has one, once
    Add(Add),
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

/// Runs the command.
///
/// # Errors
/// When a value makes no sense or the database failed.
pub async fn run(command: Command, workshop: &Workshop) -> Result<(), Failure> {
    match command {
        Command::Add(add) => self::add(add, workshop).await,
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

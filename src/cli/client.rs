//! `untether client`.

use serde_json::{Value, json};

use crate::{
    domain::{
        block::Scope,
        client::{Client, ClientType, Origin, parse_name},
        logo::LogoChoice,
        project::Slug,
        redirect::RedirectUri,
    },
    flow::{
        self,
        block::Blocked,
        register::{self, NewClient, REDIRECT_LIMIT},
    },
    store::{self, Tx},
};

use super::{Failure, Workshop, parse_reason, say, which};

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
    /// Keep a client from connecting, for everyone or for one person
    ///
    /// It ends the connections that it covers, at once, and refuses new ones until the client is
    /// unblocked. A client that registers itself cannot come back by registering again. It
    /// succeeds also when the client was blocked before.
    Block(Block),
    /// Let a blocked client connect again
    ///
    /// What the block ended stays ended: people connect again, with consent. It succeeds also
    /// when the client was not blocked.
    Unblock(Block),
    /// List the clients
    List {
        /// Only those that are blocked for everyone
        #[arg(long)]
        blocked: bool,
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

/// Which client, for whom, and why.
#[derive(Debug, clap::Args)]
pub struct Block {
    /// Its client_id
    #[arg(long, value_name = "ID")]
    client: String,
    /// Only for the person with this e-mail
    #[arg(long, value_name = "EMAIL")]
    person: Option<String>,
    /// Why; kept in the audit trail and shown with the client
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
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
        Command::Block(block) => self::block(&block, workshop).await,
        Command::Unblock(block) => unblock(&block, workshop).await,
        Command::List { blocked, json } => list(blocked, json, workshop).await,
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
        logo: LogoChoice::Letter,
        redirect_uris,
    };
    let made = register::of_project(&mut tx, &workshop.context(), new).await?;
    let (client, secret) = made.ok_or_else(|| {
        Failure::new(format!(
            "the project {slug} is archived, so no client can be made for it (see: untether \
             project restore)"
        ))
    })?;
    if add.json {
        let mut printed = json!({ "client": describe(&client) });
        if let Some(secret) = &secret {
            printed["client_secret"] = secret.expose().into();
        }
        say!("{printed}")?;
    } else {
        say!(
            "Added {}\n  client_id       {}",
            client.name,
            client.identifier
        )?;
        say!("  MCP server URL  {}", project.resource.as_str())?;
        if let Some(secret) = &secret {
            say!("  client_secret   {}  (shown only now)", secret.expose())?;
        }
    }
    // Last: a secret that could not be shown belongs to nothing.
    tx.commit().await?;
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
    let reason = parse_reason(&revoke.reason, "nothing was revoked")?;
    let context = workshop.context();
    let mut tx = workshop.db.write().await?;
    let client = which::client(&mut tx, &revoke.client).await?;
    let project = match &client.project {
        Some(project) => store::project::by_id(&mut tx, project).await?,
        None => None,
    };
    let of = (&client, project.as_ref());
    let revoked = flow::client::revoke(&mut tx, &context, of, "", reason.as_deref()).await?;
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
        say!("{revoked}")?;
    } else {
        say!("{text}")?;
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

async fn block(command: &Block, workshop: &Workshop) -> Result<(), Failure> {
    let reason = parse_reason(&command.reason, "nothing was blocked")?;
    let context = workshop.context();
    let mut tx = workshop.db.write().await?;
    let client = which::client(&mut tx, &command.client).await?;
    let (mut ended, mut changed) = (0, false);
    for scope in command.scopes(&mut tx).await? {
        let reason = reason.as_deref();
        if let Blocked::Now { ended: now } =
            flow::block::client(&mut tx, &context, &client, scope, reason).await?
        {
            ended += now;
            changed = true;
        }
    }
    tx.commit().await?;
    if command.json {
        let block = json!({ "client_id": client.identifier, "person": command.person });
        say!(
            "{}",
            json!({ "blocked": block, "changed": changed, "connections_ended": ended })
        )?;
    } else if changed {
        say!("Blocked {}; connections ended: {ended}", client.name)?;
    } else {
        say!("{} had been blocked before", client.name)?;
    }
    Ok(())
}

async fn unblock(command: &Block, workshop: &Workshop) -> Result<(), Failure> {
    let reason = parse_reason(&command.reason, "nothing was unblocked")?;
    let context = workshop.context();
    let mut tx = workshop.db.write().await?;
    let client = which::client(&mut tx, &command.client).await?;
    let people = command.scopes(&mut tx).await?;
    let mut lifted = 0;
    for listed in store::client_block::of_client(&mut tx, &client.identity()).await? {
        let block = listed.block;
        // Of a person whatever the projects: the command has no narrower word.
        let is_meant = |scope: &Scope| scope.person == block.scope.person;
        if people.iter().any(is_meant)
            && flow::block::lift(&mut tx, &context, &block.id, reason.as_deref())
                .await?
                .is_some()
        {
            lifted += 1;
        }
    }
    tx.commit().await?;
    if command.json {
        let block = json!({ "client_id": client.identifier, "person": command.person });
        say!("{}", json!({ "unblocked": block, "changed": lifted > 0 }))?;
    } else if lifted > 0 {
        say!("{} may connect again", client.name)?;
    } else {
        say!("{} was not blocked", client.name)?;
    }
    Ok(())
}

impl Block {
    async fn scopes(&self, tx: &mut Tx) -> Result<Vec<Scope>, Failure> {
        let Some(email) = &self.person else {
            return Ok(vec![Scope::default()]);
        };
        let scope = |person| Scope {
            person: Some(person),
            project: None,
        };
        let people = which::people(tx, email).await?;
        Ok(people.into_iter().map(scope).collect())
    }
}

async fn list(only_blocked: bool, json: bool, workshop: &Workshop) -> Result<(), Failure> {
    let mut tx = workshop.db.snapshot().await?;
    let clients = store::client::all(&mut tx).await?;
    let blocked = store::client_block::everywhere(&mut tx).await?;
    let is_blocked = |client: &Client| blocked.contains(&client.identity());
    let wanted = clients.iter().map(|client| (client, is_blocked(client)));
    let wanted = wanted.filter(|(_, blocked)| *blocked || !only_blocked);
    if json {
        let clients = wanted.map(|(client, blocked)| {
            let mut printed = describe(client);
            printed["blocked"] = blocked.into();
            printed["revoked"] = client.revoked_at.is_some().into();
            printed
        });
        say!("{}", json!({ "clients": clients.collect::<Vec<_>>() }))?;
    } else {
        for (client, blocked) in wanted {
            say!(
                "{}  {}  {}{}{}",
                client.identifier,
                client.client_type.as_str(),
                client.name,
                if blocked { "  (blocked)" } else { "" },
                if client.revoked_at.is_some() {
                    "  (revoked)"
                } else {
                    ""
                }
            )?;
        }
    }
    Ok(())
}

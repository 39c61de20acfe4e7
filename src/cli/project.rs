//! `untether project`.

use serde_json::{Value, json};

use crate::{
    domain::{
        client::parse_name,
        project::{Members, OfferedScope, Project, Slug},
        resource::Resource,
        role::PrincipalName,
        scope::ScopeToken,
    },
    flow::project::{self, Edit, Edited, NewProject},
    store,
};

use super::{Failure, Workshop};

/// What can be done with projects.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a project and print its introspection credential, once
    Add(Add),
    /// Change what a project offers, or who may connect to it
    Edit(EditArguments),
    /// List the projects
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// Its short name: a-z, 0-9 and -, such as search-prod
    #[arg(long)]
    slug: String,
    /// Its name for people
    #[arg(long)]
    name: String,
    /// Its MCP server URL, exactly as clients use it
    #[arg(long)]
    resource: String,
    /// A scope that clients may ask for, and what it means; repeat for more
    #[arg(long = "scope", value_name = "SCOPE=MEANING")]
    scopes: Vec<String>,
    /// The same, for a scope that people may leave out
    #[arg(long = "optional-scope", value_name = "SCOPE=MEANING")]
    optional_scopes: Vec<String>,
    /// Who administers it: an e-mail or group:NAME; repeat for more
    #[arg(long = "administrator", value_name = "WHO")]
    administrators: Vec<String>,
    /// Who may connect: an e-mail or group:NAME; repeat for more. Without it, anyone may
    #[arg(long = "allow", value_name = "WHO")]
    members: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct EditArguments {
    /// The slug of the project
    #[arg(long)]
    slug: String,
    /// A scope to offer from now on, or to describe in other words; repeat for more
    #[arg(long = "scope", value_name = "SCOPE=MEANING")]
    scopes: Vec<String>,
    /// The same, for a scope that people may leave out
    #[arg(long = "optional-scope", value_name = "SCOPE=MEANING")]
    optional_scopes: Vec<String>,
    /// A scope to offer no longer; connections that have it keep it; repeat for more
    #[arg(long = "drop-scope", value_name = "SCOPE")]
    dropped_scopes: Vec<String>,
    /// Who may connect from now on, instead of those who might: an e-mail, group:NAME, or
    /// the word anyone; repeat for more. The connections of others end when they are next
    /// refreshed
    #[arg(long = "allow", value_name = "WHO")]
    members: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When a value makes no sense, is taken, or the database failed.
pub async fn run(command: Command, workshop: &Workshop) -> Result<(), Failure> {
    match command {
        Command::Add(add) => self::add(add, workshop).await,
        Command::Edit(arguments) => edit(arguments, workshop).await,
        Command::List { json } => list(json, workshop).await,
    }
}

async fn add(add: Add, workshop: &Workshop) -> Result<(), Failure> {
    let json = add.json;
    let new = parse(add)?;
    let taken = Failure::new(format!(
        "the slug {} or the resource {} belongs to another project (see: untether project list)",
        new.slug,
        new.resource.as_str()
    ));
    let context = workshop.context();
    let mut tx = workshop.db.write().await?;
    let (project, id, secret) = match project::add(&mut tx, &context, new).await {
        Err(error) if error.is_duplicate() => return Err(taken),
        added => added?,
    };
    tx.commit().await?;
    let endpoint = workshop.settings.public_url.join("/oauth/introspect");
    let (slug, resource) = (project.slug.as_str(), project.resource.as_str());
    if json {
        let printed = json!({
            "project": { "slug": slug, "name": project.name, "resource": resource },
            "introspection": {
                "client_id": id.as_str(),
                "client_secret": secret.expose(),
                "endpoint": endpoint,
            },
        });
        println!("{printed}");
    } else {
        println!(
            "Added {slug}: {resource}\n\n\
             Its MCP server asks Untether about tokens with this credential,\n\
             which is shown only now:\n  \
             endpoint       {endpoint}\n  client_id      {id}\n  client_secret  {}\n\n\
             and names this authorization server in its metadata (RFC 9728):\n  {}\n\n\
             See whether it does:\n  untether check --project {slug}",
            secret.expose(),
            workshop.settings.public_url.issuer(),
        );
    }
    Ok(())
}

async fn edit(arguments: EditArguments, workshop: &Workshop) -> Result<(), Failure> {
    let slug = Slug::parse(&arguments.slug);
    let slug = slug.map_err(|error| Failure::new(format!("--slug: {error}")))?;
    let edit = parse_edit(&arguments)?;
    let mut tx = workshop.db.write().await?;
    let project = match project::edit(&mut tx, &workshop.context(), &slug, &edit).await? {
        Edited::Done(project) => project,
        Edited::NotThere => {
            return Err(Failure::new(format!(
                "no project has the slug {slug} (see: untether project list)"
            )));
        }
        Edited::NotOffered(scope) => {
            return Err(Failure::new(format!(
                "--drop-scope: {slug} does not offer {scope}"
            )));
        }
    };
    tx.commit().await?;
    if arguments.json {
        println!("{}", json!({ "project": described(&project) }));
        return Ok(());
    }
    println!("{slug}: {}", project.name);
    for scope in &project.scopes {
        let optional = if scope.optional { " (optional)" } else { "" };
        println!("  offers {}: {}{optional}", scope.name, scope.description);
    }
    println!("  may connect: {}", project.members);
    Ok(())
}

fn parse_edit(arguments: &EditArguments) -> Result<Edit, Failure> {
    let dropped = arguments.dropped_scopes.iter().map(|name| {
        let name = ScopeToken::parse(name.trim());
        name.map_err(|error| Failure::new(format!("--drop-scope: {error}")))
    });
    let edit = Edit {
        scopes: parse_scopes(&arguments.scopes, &arguments.optional_scopes)?,
        dropped: dropped.collect::<Result<_, _>>()?,
        members: match arguments.members.as_slice() {
            [] => None,
            [anyone] if anyone == "anyone" => Some(Members::Anyone),
            names => Some(parse_members(names)?),
        },
    };
    let nothing = edit.scopes.is_empty() && edit.dropped.is_empty() && edit.members.is_none();
    if nothing {
        return Err(Failure::new(
            "say what to change: --scope, --optional-scope, --drop-scope or --allow",
        ));
    }
    Ok(edit)
}

fn parse_members(names: &[String]) -> Result<Members, Failure> {
    if names.is_empty() {
        return Ok(Members::Anyone);
    }
    let names = names.iter().map(|text| text.parse::<PrincipalName>());
    let names = names.collect::<Result<_, _>>();
    names
        .map(Members::Only)
        .map_err(|error| Failure::new(format!("--allow: {error}")))
}

/// What the command line says of the scopes that a project offers.
fn parse_scopes(required: &[String], optional: &[String]) -> Result<Vec<OfferedScope>, Failure> {
    let mut scopes = Vec::new();
    for (texts, optional) in [(required, false), (optional, true)] {
        for text in texts {
            scopes.push(parse_scope(text, optional)?);
        }
    }
    let mut names: Vec<_> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::new(format!(
            "--scope: {} is given more than once",
            twice[0]
        )));
    }
    Ok(scopes)
}

fn parse(add: Add) -> Result<NewProject, Failure> {
    let scopes = parse_scopes(&add.scopes, &add.optional_scopes)?;
    let administrators = add
        .administrators
        .iter()
        .map(|text| text.parse::<PrincipalName>());
    Ok(NewProject {
        slug: Slug::parse(&add.slug).map_err(|error| Failure::new(format!("--slug: {error}")))?,
        name: parse_name(&add.name).map_err(|error| Failure::new(format!("--name: {error}")))?,
        resource: Resource::parse(&add.resource)
            .map_err(|error| Failure::new(format!("--resource: {error}")))?,
        scopes,
        administrators: administrators
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::new(format!("--administrator: {error}")))?,
        members: parse_members(&add.members)?,
    })
}

fn parse_scope(text: &str, optional: bool) -> Result<OfferedScope, Failure> {
    let wrong = |why: &str| Failure::new(format!("--scope \"{text}\": {why}"));
    let (name, description) = text
        .split_once('=')
        .ok_or_else(|| wrong("write SCOPE=MEANING, such as search.read=\"Search documents\""))?;
    let name = ScopeToken::parse(name.trim()).map_err(|error| wrong(&error.to_string()))?;
    let description = description.trim();
    if description.is_empty() || description.chars().count() > 200 {
        return Err(wrong("the meaning must have 1 to 200 characters"));
    }
    Ok(OfferedScope {
        name,
        description: description.to_owned(),
        optional,
    })
}

async fn list(json: bool, workshop: &Workshop) -> Result<(), Failure> {
    let mut tx = workshop.db.snapshot().await?;
    let projects = store::project::all(&mut tx).await?;
    if json {
        let projects: Vec<_> = projects.iter().map(described).collect();
        println!("{}", json!({ "projects": projects }));
    } else {
        for project in projects {
            println!(
                "{}  {}  ({})",
                project.slug,
                project.resource.as_str(),
                project.name
            );
        }
    }
    Ok(())
}

/// A project as programs read it; `members` is null when anyone may connect.
fn described(project: &Project) -> Value {
    let scopes = project.scopes.iter().map(|scope| {
        json!({
            "name": scope.name.as_str(),
            "description": scope.description,
            "optional": scope.optional,
        })
    });
    let members = match &project.members {
        Members::Anyone => None,
        Members::Only(names) => Some(names.iter().map(ToString::to_string).collect::<Vec<_>>()),
    };
    json!({
        "slug": project.slug.as_str(),
        "name": project.name,
        "resource": project.resource.as_str(),
        "scopes": scopes.collect::<Vec<_>>(),
        "members": members,
    })
}

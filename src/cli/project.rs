//! `untether project`.

use serde_json::{Value, json};

use crate::{
    domain::{
        client::parse_name,
        project::{ManageUrl, Members, OfferedScope, Project, SCOPES_LIMIT, Slug, repeated},
        resource::Resource,
        role::PrincipalName,
        scope::ScopeToken,
    },
    flow::project::{self, Edit, Edited, Facts, NewProject},
    store,
};

use super::{
    Failure, Workshop,
    project_acts::{self, Archive, IN_CODE, Remove, Restore, Rotate},
    say,
};

/// What can be done with projects.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a project and print its introspection credential, once
    Add(Add),
    /// Change what a project offers, or who may connect to it
    Edit(EditArguments),
    /// Make another introspection credential, and let those that there are work for a while
    Rotate(Rotate),
    /// End an introspection credential at once
    Remove(Remove),
    /// Let nothing connect to a project any more; refused while connections to it are active
    Archive(Archive),
    /// Bring an archived project back
    Restore(Restore),
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
    /// The address of a page where the server is looked after, for the project's page to link to
    #[arg(long, value_name = "URL")]
    manage_url: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct EditArguments {
    /// The slug of the project
    #[arg(long)]
    slug: String,
    /// Another name for people
    #[arg(long)]
    name: Option<String>,
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
    /// Who administers it from now on, instead of those who did: an e-mail, group:NAME, or the
    /// word nobody; repeat for more
    #[arg(long = "administrator", value_name = "WHO")]
    administrators: Vec<String>,
    /// The address of a page where the server is looked after, or the word none
    #[arg(long, value_name = "URL")]
    manage_url: Option<String>,
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
        Command::Rotate(rotate) => project_acts::rotate(&rotate, workshop).await,
        Command::Remove(remove) => project_acts::remove(&remove, workshop).await,
        Command::Archive(archive) => project_acts::archive(&archive, workshop).await,
        Command::Restore(restore) => project_acts::restore(&restore, workshop).await,
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
        say!("{printed}")?;
    } else {
        say!(
            "Added {slug}: {resource}\n\n\
             Its MCP server asks Untether about tokens with this credential,\n\
             which is shown only now:\n  \
             endpoint       {endpoint}\n  client_id      {id}\n  client_secret  {}\n\
             {IN_CODE}\n\n\
             and names this authorization server in its metadata (RFC 9728):\n  {}\n\n\
             See whether it does:\n  untether check --project {slug}",
            secret.expose(),
            workshop.settings.public_url.issuer(),
        )?;
    }
    // Last: a secret that could not be shown belongs to nothing.
    tx.commit().await?;
    Ok(())
}

async fn edit(arguments: EditArguments, workshop: &Workshop) -> Result<(), Failure> {
    let slug = Slug::parse(&arguments.slug);
    let slug = slug.map_err(|error| Failure::new(format!("--slug: {error}")))?;
    let edit = parse_edit(&arguments)?;
    let mut tx = workshop.db.write().await?;
    let project = match project::edit(&mut tx, &workshop.context(), &slug, edit).await? {
        Edited::Done(project) | Edited::Otherwise(project) => project,
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
        say!("{}", json!({ "project": described(&project) }))?;
        return Ok(());
    }
    say!("{slug}: {}", project.name)?;
    for scope in &project.scopes {
        let optional = if scope.optional { " (optional)" } else { "" };
        say!("  offers {}: {}{optional}", scope.name, scope.description)?;
    }
    say!("  may connect: {}", project.members)?;
    let administrators = project.administrators.iter().map(ToString::to_string);
    let administrators = administrators.collect::<Vec<_>>().join(", ");
    say!(
        "  administrators: {}",
        if administrators.is_empty() {
            "nobody"
        } else {
            &administrators
        }
    )?;
    Ok(())
}

fn parse_edit(arguments: &EditArguments) -> Result<Edit, Failure> {
    let dropped = arguments.dropped_scopes.iter().map(|name| {
        let name = ScopeToken::parse(name.trim());
        name.map_err(|error| Failure::new(format!("--drop-scope: {error}")))
    });
    let name = arguments.name.as_deref().map(parse_name).transpose();
    let edit = Edit {
        name: name.map_err(|error| Failure::new(format!("--name: {error}")))?,
        scopes: parse_scopes(&arguments.scopes, &arguments.optional_scopes)?,
        dropped: dropped.collect::<Result<_, _>>()?,
        administrators: match arguments.administrators.as_slice() {
            [] => None,
            [nobody] if nobody == "nobody" => Some(Vec::new()),
            names => Some(parse_names("--administrator", names)?),
        },
        members: match arguments.members.as_slice() {
            [] => None,
            [anyone] if anyone == "anyone" => Some(Members::Anyone),
            names => Some(parse_members(names)?),
        },
        manage_url: match arguments.manage_url.as_deref() {
            None => None,
            Some("none") => Some(None),
            Some(url) => Some(Some(parse_manage_url(url)?)),
        },
    };
    if edit == Edit::default() {
        return Err(Failure::new(
            "say what to change: --name, --scope, --optional-scope, --drop-scope, --allow, \
             --administrator or --manage-url",
        ));
    }
    Ok(edit)
}

fn parse_manage_url(text: &str) -> Result<ManageUrl, Failure> {
    ManageUrl::parse(text).map_err(|error| Failure::new(format!("--manage-url: {error}")))
}

fn parse_names(flag: &str, names: &[String]) -> Result<Vec<PrincipalName>, Failure> {
    let names = names.iter().map(|text| text.parse::<PrincipalName>());
    names
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::new(format!("{flag}: {error}")))
}

fn parse_members(names: &[String]) -> Result<Members, Failure> {
    Ok(match parse_names("--allow", names)? {
        names if names.is_empty() => Members::Anyone,
        names => Members::Only(names),
    })
}

/// What the command line says of the scopes that a project offers.
fn parse_scopes(required: &[String], optional: &[String]) -> Result<Vec<OfferedScope>, Failure> {
    let mut scopes = Vec::new();
    for (texts, optional) in [(required, false), (optional, true)] {
        for text in texts {
            scopes.push(parse_scope(text, optional)?);
        }
    }
    match repeated(&scopes) {
        None if scopes.len() > SCOPES_LIMIT => Err(Failure::new(format!(
            "--scope: a project has at most {SCOPES_LIMIT} scopes"
        ))),
        None => Ok(scopes),
        Some(twice) => Err(Failure::new(format!(
            "--scope: {twice} is given more than once"
        ))),
    }
}

fn parse(add: Add) -> Result<NewProject, Failure> {
    let manage_url = add.manage_url.as_deref().map(parse_manage_url);
    Ok(NewProject {
        slug: Slug::parse_new(&add.slug)
            .map_err(|error| Failure::new(format!("--slug: {error}")))?,
        resource: Resource::parse(&add.resource)
            .map_err(|error| Failure::new(format!("--resource: {error}")))?,
        facts: Facts {
            name: parse_name(&add.name)
                .map_err(|error| Failure::new(format!("--name: {error}")))?,
            scopes: parse_scopes(&add.scopes, &add.optional_scopes)?,
            administrators: parse_names("--administrator", &add.administrators)?,
            members: parse_members(&add.members)?,
            manage_url: manage_url.transpose()?,
        },
    })
}

fn parse_scope(text: &str, optional: bool) -> Result<OfferedScope, Failure> {
    let flag = if optional {
        "--optional-scope"
    } else {
        "--scope"
    };
    let wrong = |why: &str| Failure::new(format!("{flag} \"{text}\": {why}"));
    let (name, description) = text
        .split_once('=')
        .ok_or_else(|| wrong("write SCOPE=MEANING, such as search.read=\"Search documents\""))?;
    OfferedScope::parse(name, description, optional).map_err(|error| wrong(&error))
}

async fn list(json: bool, workshop: &Workshop) -> Result<(), Failure> {
    let mut tx = workshop.db.snapshot().await?;
    let projects = store::project::all(&mut tx).await?;
    if json {
        let projects: Vec<_> = projects.iter().map(described).collect();
        say!("{}", json!({ "projects": projects }))?;
    } else {
        for project in projects {
            let archived = project.archived_at.map_or("", |_| ", archived");
            say!(
                "{}  {}  ({}{archived})",
                project.slug,
                project.resource.as_str(),
                project.name
            )?;
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
        "administrators": project.administrators.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "archived": project.archived_at.is_some(),
        "manage_url": project.manage_url.as_ref().map(ManageUrl::as_str),
    })
}

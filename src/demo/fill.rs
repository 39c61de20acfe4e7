//! Makes the demo's organization with the same verbs that real ones are made
//! with, at moments in the past, so that its audit trail is true as well.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        audit::{Action, Actor, Event, Subject},
        block::Scope,
        client::{Client, Origin},
        ids::ConnectionId,
        logo::LogoChoice,
        pkce::CodeChallenge,
        project::{Members, OfferedScope, Project, Slug},
        redirect::RedirectUri,
        resource::Resource,
        role::{Identity, PrincipalName, Reach},
        scheme::PrivateSchemes,
        scope::{ScopeSet, ScopeToken},
    },
    flow::{
        Context,
        authorize::Proposal,
        block,
        consent::{self, Consent},
        project::{self, Facts, NewProject},
        register::{self, NewClient},
        revoke,
    },
    store::{self, Tx},
    web::state::App,
};

use super::{
    organization::{
        CLIENTS, DOCUMENT, OWNER, PEOPLE, PROJECTS, SampleClient, SampleProject, email,
    },
    stories::{BLOCKS, Blocked, By, Course, DAY, End, Story, stories},
};

/// How long after a consent its client redeems the code.
const REDEEMED_AFTER: Duration = Duration::from_secs(3);

/// Makes the sample people, projects, clients and connections.
///
/// # Errors
/// When the database failed.
pub async fn fill(app: &App) -> store::Result<()> {
    let past = Past {
        app,
        now: app.clock.now(),
    };
    let mut tx = app.db.write().await?;
    let mut projects = Vec::new();
    for sample in &PROJECTS {
        projects.push(past.add_project(&mut tx, sample).await?);
    }
    let mut clients = Vec::new();
    for sample in &CLIENTS {
        clients.push(past.add_client(&mut tx, sample, &projects).await?);
    }
    for story in stories() {
        let client = &clients[story.client];
        let project = &projects[story.project];
        past.tell(&mut tx, &story, client, project).await?;
    }
    for blocked in &BLOCKS {
        past.block(&mut tx, blocked, &clients[blocked.client])
            .await?;
    }
    tx.commit().await
}

/// Someone of the organization, as the SSO proxy would report them.
pub fn identity(person: usize) -> Identity {
    Identity {
        subject: email(person),
        email: email(person),
        name: PEOPLE[person].name.to_owned(),
        groups: None,
    }
}

/// A mistake in the tables is a broken row.
fn table_error(column: &'static str, id: &str) -> store::Error {
    store::Error::Corrupt {
        table: "demo",
        column,
        id: id.to_owned(),
    }
}

/// What happens before now.
struct Past<'a> {
    app: &'a App,
    now: Timestamp,
}

impl Past<'_> {
    fn ago(&self, seconds: u64) -> Timestamp {
        self.now.minus(Duration::from_secs(seconds))
    }

    /// What a verb needs to know when `actor` acts, from the desk of `person`.
    fn context(&self, ago: u64, actor: Actor, person: Option<usize>) -> Context<'_> {
        Context {
            now: self.ago(ago),
            rules: &self.app.rules,
            secrets: &self.app.secrets,
            actor,
            address: person.map(|person| format!("10.20.0.{}", person + 10)),
        }
    }

    /// The same, when a person acts.
    fn of_person(&self, ago: u64, person: usize) -> Context<'_> {
        self.context(ago, Actor::Person(email(person)), Some(person))
    }

    async fn add_project(&self, tx: &mut Tx, sample: &SampleProject) -> store::Result<Project> {
        let broken = |column| move || table_error(column, sample.slug);
        let mut scopes = Vec::new();
        for (name, description) in sample.scopes {
            scopes.push(OfferedScope {
                name: ScopeToken::parse(name).ok().ok_or_else(broken("scope"))?,
                description: (*description).to_owned(),
                optional: scopes.len() + 1 == sample.scopes.len(),
            });
        }
        let resource = format!("https://{}.acme.example/mcp", sample.slug);
        let new = NewProject {
            slug: Slug::parse(sample.slug).ok().ok_or_else(broken("slug"))?,
            resource: Resource::parse(&resource)
                .ok()
                .ok_or_else(broken("resource"))?,
            facts: Facts {
                name: sample.name.to_owned(),
                scopes,
                administrators: vec![PrincipalName::Email(email(sample.administrator))],
                members: Members::Anyone,
                manage_url: None,
            },
        };
        let added = self.of_person(sample.added * DAY, OWNER);
        let project = project::add(tx, &added, new).await?.0;
        if let Some((days, level, outcome)) = sample.checked {
            let then = self.of_person(days * DAY, sample.administrator);
            project::record_check(tx, &then, &project, (level.as_str(), outcome)).await?;
        }
        Ok(project)
    }

    async fn add_client(
        &self,
        tx: &mut Tx,
        sample: &SampleClient,
        projects: &[Project],
    ) -> store::Result<Client> {
        let mut redirect_uris = Vec::new();
        for uri in sample.redirect_uris {
            let uri = RedirectUri::parse(uri, &PrivateSchemes::default());
            redirect_uris.push(uri.map_err(|_| table_error("redirect_uri", sample.name))?);
        }
        let (ago, first) = (sample.registered * DAY, sample.projects[0]);
        let (context, project) = match sample.origin {
            Origin::Document | Origin::Registered => (self.context(ago, Actor::Client, None), None),
            Origin::Api => (self.context(ago, Actor::CommandLine, None), Some(first)),
            Origin::Console => (
                self.of_person(ago, PROJECTS[first].administrator),
                Some(first),
            ),
        };
        if sample.origin == Origin::Document {
            return add_document_client(tx, &context, sample, redirect_uris).await;
        }
        let new = NewClient {
            id: None,
            origin: sample.origin,
            project: project.map(|project| &projects[project]),
            name: sample.name.to_owned(),
            client_type: sample.client_type,
            logo: sample.logo.map_or(LogoChoice::Letter, LogoChoice::Shape),
            redirect_uris,
        };
        Ok(register::client(tx, &context, new).await?.0)
    }

    /// Lets a person decide, the client use what it got, and someone end it.
    async fn tell(
        &self,
        tx: &mut Tx,
        story: &Story,
        client: &Client,
        project: &Project,
    ) -> store::Result<()> {
        let proposal = Proposal {
            client: client.clone(),
            project: project.clone(),
            redirect_uri: client.redirect_uris[0].clone(),
            in_vain: Vec::new(),
            scopes: project.scopes.clone(),
            // The hash of nothing that anyone has: no such code can be redeemed.
            code_challenge: CodeChallenge::from_stored(String::new()),
            state: None,
            named_project: true,
            widens: None,
        };
        if story.course == Course::Denied {
            let then = self.of_person(story.at, story.person);
            return consent::deny(tx, &then, &proposal, &identity(story.person)).await;
        }
        let id = self.connect(tx, story, &proposal).await?;
        if let Some(end) = &story.end {
            let then = self.end_context(story, end);
            revoke::connections(tx, &then, &Reach::All, &[id], end.reason).await?;
        }
        Ok(())
    }

    async fn connect(
        &self,
        tx: &mut Tx,
        story: &Story,
        proposal: &Proposal,
    ) -> store::Result<ConnectionId> {
        let then = self.of_person(story.at, story.person);
        let consent = Consent {
            identity: &identity(story.person),
            ticked: &ticked(story, &proposal.project),
            nonce: &self.app.secrets.nonce(),
            widens: None,
        };
        let broken = || table_error("client", &proposal.client.name);
        let code = consent::allow(tx, &then, proposal, &consent).await?;
        let code = code.ok().flatten().ok_or_else(broken)?;
        let hash = self.app.secrets.hash(code.expose());
        let code = store::code::find(tx, &hash).await?.ok_or_else(broken)?;
        let id = code.connection_id;
        if let Course::Used(last) = story.course {
            let redeemed = then.now.plus(REDEEMED_AFTER);
            store::code::redeem(tx, &hash, redeemed).await?;
            store::connection::touch(tx, &id, redeemed).await?;
            // Its server asked about the token.
            let used = self.ago(last);
            store::connection::record_uses(tx, &[(id.clone(), used)]).await?;
            for credential in store::credential::of_project(tx, &proposal.project.id).await? {
                store::credential::record_use(tx, &credential.id, used).await?;
            }
        }
        Ok(id)
    }

    async fn block(&self, tx: &mut Tx, blocked: &Blocked, client: &Client) -> store::Result<()> {
        let person = match blocked.person {
            Some(person) => store::person::find(tx, &email(person)).await?,
            None => None,
        };
        let scope = Scope {
            person: person.map(|person| person.id),
            project: None,
        };
        let then = self.of_person(blocked.at, OWNER);
        block::client(tx, &then, client, scope, Some(blocked.reason))
            .await
            .map(drop)
    }

    fn end_context(&self, story: &Story, end: &End) -> Context<'_> {
        let theirs = Some(story.person);
        match end.by {
            By::Owner => self.of_person(end.at, OWNER),
            By::Administrator => self.of_person(end.at, PROJECTS[story.project].administrator),
            By::Themself => self.of_person(end.at, story.person),
            By::Client => self.context(end.at, Actor::Client, theirs),
            By::Untether => self.context(end.at, Actor::Untether, theirs),
            By::CommandLine => self.context(end.at, Actor::CommandLine, None),
        }
    }
}

/// Every other person leaves the optional scopes ticked.
fn ticked(story: &Story, project: &Project) -> ScopeSet {
    if story.person.is_multiple_of(2) {
        project.scope_names()
    } else {
        ScopeSet::default()
    }
}

/// A client whose id is the address of its metadata document.
async fn add_document_client(
    tx: &mut Tx,
    context: &Context<'_>,
    sample: &SampleClient,
    redirect_uris: Vec<RedirectUri>,
) -> store::Result<Client> {
    let client = Client {
        id: context.secrets.new_id(context.now),
        identifier: DOCUMENT.to_owned(),
        origin: sample.origin,
        project: None,
        name: sample.name.to_owned(),
        client_type: sample.client_type,
        secret_hash: None,
        created_at: context.now,
        revoked_at: None,
        version: 1,
        logo: None,
        redirect_uris,
    };
    store::client::insert(tx, &client).await?;
    for (position, uri) in client.redirect_uris.iter().enumerate() {
        store::client::insert_redirect_uri(tx, &client.id, position, uri).await?;
    }
    let event = Event {
        id: context.secrets.new_id(context.now),
        at: context.now,
        action: Action::ClientRegistered,
        actor: context.actor.clone(),
        address: context.address.clone(),
        reason: None,
        detail: None,
        subject: Subject {
            client: Some((client.id.clone(), client.name.clone())),
            ..Subject::default()
        },
    };
    store::audit::append(tx, &[event]).await?;
    Ok(client)
}

//! What the tests of access act on: for each role the same things, which are its own,
//! in a project that it administers, foreign to it, or not there at all.

use untether::{
    domain::{
        block::{Block, Scope},
        client::{Client, ClientType},
        ids::{ActId, BlockId, PersonId, ProjectId},
        logo::Logo,
        picture::Picture,
    },
    store::{self, bulk_act::BulkAct},
};

use crate::{
    access_role::{Role, Whose},
    support::{McpServer, Person, TestApp, form_fields, path_of},
};

const LOCAL: &[&str] = &["http://localhost/callback"];

const MISSING: &str = "01890000-0000-7000-8000-000000000000";

/// How many of everything there are, so that each can be changed once as a page and
/// once as a fragment.
const TURNS: usize = 2;

/// A connection and everything that hangs on it, as text.
#[derive(Clone, Debug)]
pub struct Thing {
    pub whose: Whose,
    pub connection: String,
    pub name: String,
    pub client: String,
    pub client_name: String,
    pub person: String,
    pub email: String,
    pub project: String,
    pub project_name: String,
    pub slug: String,
    /// A client with a secret that someone made for the project, and what its secret is.
    pub made: String,
    pub made_secret: String,
    /// The name of its picture.
    pub logo: String,
    /// What the form for a new client carries, if the role gets one.
    pub new_client: String,
    /// A credential of the project's, and its secret.
    pub credential: String,
    pub credential_secret: String,
    /// What changes the project after the things before this one have.
    pub turn: String,
    /// An act of the person's.
    pub act: String,
    /// A block of a client of nobody's, for the person at the project.
    pub block: String,
    /// An authorization request for the project, by a client of nobody's, as the page that
    /// asks about it sends it.
    pub consent: String,
    /// What confirms the revocation of everything of the client's.
    pub matching: String,
}

impl Thing {
    /// The text with this thing's facts in place of their names.
    pub fn fill(&self, text: &str) -> String {
        let facts = [
            ("{connection}", &self.connection),
            ("{name}", &self.name),
            ("{client}", &self.client),
            ("{person}", &self.person),
            ("{email}", &self.email),
            ("{project}", &self.project),
            ("{slug}", &self.slug),
            ("{made}", &self.made),
            ("{made_secret}", &self.made_secret),
            ("{logo}", &self.logo),
            ("{new_client}", &self.new_client),
            ("{credential}", &self.credential),
            ("{credential_secret}", &self.credential_secret),
            ("{turn}", &self.turn),
            ("{act}", &self.act),
            ("{block}", &self.block),
            ("{consent}", &self.consent),
            ("{matching}", &self.matching),
        ];
        let mut text = text.to_owned();
        for (name, fact) in facts {
            text = text.replace(name, fact);
        }
        text
    }

    /// What identifies it, which an answer may repeat when it was sent.
    pub fn ids(&self) -> [&str; 6] {
        [
            &self.connection,
            &self.client,
            &self.person,
            &self.project,
            &self.made,
            &self.act,
        ]
    }

    /// What nobody may read who does not see it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let names = [
            &self.name,
            &self.client_name,
            &self.email,
            &self.project_name,
        ];
        let names = names.into_iter().map(String::as_str);
        self.ids().into_iter().chain(names)
    }

    fn missing(like: &Self) -> Self {
        Self {
            whose: Whose::Missing,
            connection: MISSING.into(),
            name: "Missing App".into(),
            client: MISSING.into(),
            person: MISSING.into(),
            email: "missing@acme.example".into(),
            project: MISSING.into(),
            slug: "missing".into(),
            made: MISSING.into(),
            logo: MISSING.into(),
            credential: MISSING.into(),
            act: MISSING.into(),
            block: MISSING.into(),
            consent: like.consent.replace("vault", "missing"),
            ..like.clone()
        }
    }
}

/// A program with everything in it that one role acts on.
pub struct World {
    pub app: TestApp,
    pub role: Role,
    /// By column.
    pub things: [[Thing; TURNS]; 4],
}

impl World {
    pub async fn new(role: Role) -> Self {
        let app = TestApp::spawn().await;
        let things = furnish(&app, role).await;
        Self { app, role, things }
    }

    pub fn person(&self) -> Person<'_> {
        // A new browser each time: no message of the act before is shown.
        self.app.person(self.role.name())
    }

    /// Ends every connection, and every client that someone made.
    pub async fn revoke_all(&self) {
        let there = self.things[..3].iter().flatten();
        let ids: Vec<_> = there.map(|thing| thing.connection.as_str()).collect();
        let owner = self.app.owner();
        assert_eq!(owner.revokes(&ids, "").await.status, 303);
        for thing in self.things[..3].iter().flatten() {
            let path = format!("/projects/{}/clients/{}", thing.slug, thing.made);
            assert_eq!(owner.revokes_client(&path, "Made").await.status, 303);
        }
    }

    /// Everything in the database, with what was only noted until now.
    pub async fn dump(&self) -> String {
        self.app.records_uses().await;
        self.app.app.asked.record(&self.app.app.db).await.unwrap();
        self.app.database.dump().await
    }
}

async fn furnish(app: &TestApp, role: Role) -> [[Thing; TURNS]; 4] {
    let wiki = app.project("wiki", &[]).await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let vault = app.project("vault", &[]).await;
    let neutral = app.host("Neutral").await;
    let mut columns = Vec::new();
    for (whose, person, project, server) in [
        (Whose::Own, role.connects_as(), "wiki", &wiki),
        (Whose::Administered, "bo", "search", &search),
        (Whose::Foreign, "cy", "vault", &vault),
    ] {
        let request = neutral.authorize_path(Some(&server.resource));
        let page = app.owner().opens(&request).await;
        let shown = page.attributes("input[name=shown]", "value").concat();
        let (_, consent) = request.split_once('?').unwrap();
        let mut turns = Vec::new();
        for turn in 1..=TURNS {
            let client_name = format!("{whose:?} App {turn}");
            let mut thing = connect(app, &client_name, person, server).await;
            thing.whose = whose;
            thing.project_name = format!("Project {project}");
            thing.slug = project.to_owned();
            let (made, secret) = app
                .makes_client(project, "Made", ClientType::Confidential, LOCAL)
                .await;
            thing.logo = logo(app, &made).await;
            (thing.made, thing.made_secret) = (made.identifier, secret.unwrap());
            thing.new_client = new_client(app, role, project).await;
            thing.turn = turn.to_string();
            (thing.credential, thing.credential_secret) = match turn {
                1 => (server.id.clone(), server.secret.clone()),
                _ => app.credential(project).await,
            };
            thing.consent = format!("{consent}&shown={shown}");
            turns.push(thing);
        }
        columns.push(<[Thing; TURNS]>::try_from(turns).unwrap());
    }
    columns.push(columns[2].each_ref().map(Thing::missing));
    columns.try_into().unwrap()
}

async fn connect(app: &TestApp, client_name: &str, name: &str, server: &McpServer<'_>) -> Thing {
    let person = app.person(name);
    let host = app.host(client_name).await;
    host.connects(&person, server).await;
    let facts = format!(
        "SELECT id || '|' || name || '|' || person_id || '|' || project_id
         FROM connection WHERE client_id = '{}'",
        host.client_id
    );
    let facts = app.database.texts(&facts).await.remove(0);
    let facts: Vec<_> = facts.split('|').map(str::to_owned).collect();
    let [connection, name, person_id, project] = facts.try_into().unwrap();
    let block = block(app, client_name, (&person_id, &project)).await;
    Thing {
        block,
        whose: Whose::Own,
        connection,
        name,
        client_name: client_name.to_owned(),
        person: person_id,
        act: act(app, &person.email).await,
        email: person.email,
        project,
        project_name: String::new(),
        slug: String::new(),
        made: String::new(),
        made_secret: String::new(),
        logo: String::new(),
        new_client: String::new(),
        credential: String::new(),
        credential_secret: String::new(),
        turn: String::new(),
        consent: path_of(&[]),
        matching: matching(app, &host.client_id).await,
        client: host.client_id,
    }
}

/// What the form for a new client carries; nothing for whom there is none.
async fn new_client(app: &TestApp, role: Role, slug: &str) -> String {
    let path = format!("/projects/{slug}/clients/new");
    let page = app.person(role.name()).opens(&path).await;
    let fields = form_fields(&page, &path);
    let sealed = fields.iter().filter(|(name, _)| name != "csrf");
    let sealed: Vec<_> = sealed
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    sealed.join("&")
}

/// A client that this person may not connect to this project.
async fn block(app: &TestApp, name: &str, (person, project): (&str, &str)) -> String {
    let host = app.host(&format!("Blocked {name}")).await;
    let id: BlockId = app.app.secrets.new_id(app.now());
    let mut tx = app.app.db.write().await.unwrap();
    let client = untether::store::client::find(&mut tx, &host.client_id);
    let client = client.await.unwrap().unwrap();
    let block = Block {
        id: id.clone(),
        identity: client.identity(),
        client: client.id,
        scope: Scope {
            person: PersonId::parse(person),
            project: ProjectId::parse(project),
        },
        at: app.now(),
        by: "olivia@acme.example".into(),
        reason: None,
    };
    untether::store::client_block::insert(&mut tx, &block)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

/// Gives a client a picture.
async fn logo(app: &TestApp, client: &Client) -> String {
    let picture = Picture::draw(include_bytes!("pictures/small.png")).unwrap();
    let logo = Logo::from(&picture);
    let mut tx = app.app.db.write().await.unwrap();
    let set = store::logo::set(&mut tx, &client.id, Some(&logo));
    set.await.unwrap();
    let inserted = store::logo::insert_picture(&mut tx, &client.id, &picture);
    inserted.await.unwrap();
    tx.commit().await.unwrap();
    logo.as_str().to_owned()
}

/// A finished act of someone's.
async fn act(app: &TestApp, email: &str) -> String {
    let id: ActId = app.app.secrets.new_id(app.now());
    let act = BulkAct {
        id: id.clone(),
        actor: email.to_owned(),
        subject: email.to_owned(),
        address: None,
        filter: "active".into(),
        reason: None,
        client_name: None,
        total: 1,
        ended: 1,
        skipped: 0,
        started_at: app.now(),
        finished_at: Some(app.now()),
    };
    let mut tx = app.app.db.write().await.unwrap();
    untether::store::bulk_act::insert(&mut tx, &act)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

/// The right answer to the preview of what a client has, from someone who may see it.
async fn matching(app: &TestApp, client: &str) -> String {
    let path = format!("/connections/revoke-matching?view=list&client={client}");
    let preview = app.owner().opens(&path).await;
    let mut form = vec!["count=1".to_owned()];
    for name in ["act", "at", "set"] {
        let value = preview.attributes(&format!("form input[name={name}]"), "value");
        form.push(format!("{name}={}", value[0]));
    }
    form.join("&")
}

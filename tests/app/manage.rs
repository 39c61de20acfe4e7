//! The clients of a project on its pages: made, changed and given another secret.

use untether::domain::client::ClientType;

use crate::support::{Host, Page, Person, TestApp, form_fields};

const CLIENTS: &str = "/projects/search/clients";
const NEW: &str = "/projects/search/clients/new";
const LOCAL: &[&str] = &["http://localhost/callback"];

/// Makes a client with the form.
async fn makes(person: &Person<'_>, name: &str, kind: &str, uris: &str) -> Page {
    let page = person.opens(NEW).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let filled = [("name", name), ("type", kind), ("redirect_uris", uris)];
    person.fills(&page, NEW, &filled).await
}

/// The client ID, the MCP server URL and the secret on the screen that shows them.
fn shown(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.headers["cache-control"], "no-store");
    page.all(".copied code")
}

fn path(id: &str) -> String {
    format!("{CLIENTS}/{id}")
}

/// A host that has what the screen shows.
fn host<'a>(app: &'a TestApp, shown: &[String]) -> Host<'a> {
    Host {
        app,
        client_id: shown[0].clone(),
        client_secret: shown.get(2).cloned(),
        redirect_uri: "http://localhost:49152/callback".into(),
    }
}

#[actix_web::test]
async fn a_client_made_on_the_page_connects_with_what_the_screen_shows() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    for who in ["olivia", "pablo"] {
        for kind in ["public", "confidential"] {
            let person = app.person(who);
            let uris = "http://localhost/callback\r\n\r\n https://app.example/cb \r\n";
            let shown = shown(&makes(&person, "  Büro <App>  ", kind, uris).await);
            assert_eq!(shown[1], server.resource);
            assert_eq!(shown.len(), if kind == "public" { 2 } else { 3 });
            let tokens = host(&app, &shown)
                .connects(&app.person("ana"), &server)
                .await;
            assert!(server.admits(&tokens.access).await);
            let page = person.opens(&path(&shown[0])).await;
            assert_eq!(page.all("h1"), ["Büro <App>"]);
            assert_eq!(
                page.raw("#redirect-uris")[0].trim(),
                "http://localhost/callback\nhttps://app.example/cb"
            );
        }
    }
    let made = "SELECT origin || ' ' || client_type || ' ' || name FROM client ORDER BY 1";
    let made = app.database.texts(made).await;
    assert_eq!(made[0], "console confidential Büro <App>");
    assert_eq!(made[3], "console public Büro <App>");
    let list = app.owner().opens(CLIENTS).await;
    assert_eq!(list.all("tbody th").len(), 4);
    assert_eq!(list.all("tbody .count")[0], "1 1 active");
    let trail = "SELECT action || ' by ' || actor FROM audit_event
                 WHERE action LIKE 'client%' ORDER BY actor";
    assert_eq!(
        app.database.texts(trail).await[0],
        "client.created by olivia@acme.example"
    );
}

#[actix_web::test]
async fn the_secret_is_shown_once_however_often_the_form_is_sent() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let page = owner.opens(NEW).await;
    let uris = ("redirect_uris", "http://localhost/callback");
    let filled = [("name", "Portal"), ("type", "confidential"), uris];
    let screen = owner.fills(&page, NEW, &filled).await;
    let secret = shown(&screen)[2].clone();
    let id = shown(&screen)[0].clone();
    assert!(!screen.headers.contains_key("set-cookie"));
    let again = owner.fills(&page, NEW, &filled).await;
    assert_eq!(
        (again.status, again.headers["location"].to_str().unwrap()),
        (303, &*path(&id))
    );
    let here = owner.opens(&path(&id)).await;
    assert!(here.all("#flash")[0].contains("If you did not get to keep it, rotate"));
    let list = owner.opens(CLIENTS).await;
    assert_eq!(list.all("tbody th").len(), 1);
    let pages = [CLIENTS.to_owned(), path(&id), format!("/clients/{id}")];
    for path in pages {
        let page = owner.opens(&path).await;
        assert!(!page.text.contains(&secret), "{path}");
    }
    assert!(!app.database.dump().await.contains(&secret));
    // Both clicks of a double one at once.
    let page = owner.opens(NEW).await;
    let clicks = (0..2).map(|_| owner.fills(&page, NEW, &filled));
    let clicks = futures_util::future::join_all(clicks).await;
    let mut statuses: Vec<_> = clicks.iter().map(|page| page.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 303]);
    let told = owner
        .opens(
            clicks
                .iter()
                .find_map(|page| page.headers.get("location"))
                .unwrap()
                .to_str()
                .unwrap(),
        )
        .await;
    assert!(told.all("#flash")[0].contains("rotate the secret below"));
    assert_eq!(app.database.texts("SELECT id FROM client").await.len(), 2);
}

#[actix_web::test]
async fn a_form_makes_the_client_it_is_for_and_no_other() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    app.project("wiki", &["pablo@acme.example"]).await;
    let pablo = app.person("pablo");
    let page = pablo.opens(NEW).await;
    let mut fields = form_fields(&page, NEW);
    for (name, value) in [
        ("name", "App"),
        ("redirect_uris", "http://localhost/callback"),
    ] {
        fields.push((name.into(), value.into()));
    }
    let wiki = "/projects/wiki/clients/new";
    assert_eq!(
        pablo.posts(wiki, &fields).await.status,
        400,
        "another project"
    );
    let mut chosen = fields.clone();
    for field in chosen.iter_mut().filter(|(name, _)| name == "id") {
        field.1 = "01890000-0000-7000-8000-000000000000".into();
    }
    assert_eq!(pablo.posts(NEW, &chosen).await.status, 400, "another id");
    let owner = app.owner();
    let mut stolen = fields.clone();
    for field in stolen.iter_mut().filter(|(name, _)| name == "csrf") {
        field.1 = owner.form_token().await;
    }
    assert_eq!(
        owner.posts(NEW, &stolen).await.status,
        400,
        "another person"
    );
    assert!(app.database.texts("SELECT id FROM client").await.is_empty());
    assert_eq!(pablo.posts(NEW, &fields).await.status, 200);
}

#[actix_web::test]
async fn who_holds_the_secret_gets_it_as_a_file_and_nobody_else() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let owner = app.owner();
    let uris = "http://localhost/callback";
    let screen = makes(&owner, "Portal", "confidential", uris).await;
    let shown = shown(&screen);
    let action = format!("{}/secret-file", path(&shown[0]));
    let file = owner.fills(&screen, &action, &[]).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers["cache-control"], "no-store");
    assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
    let name = format!("attachment; filename=\"search-{}.txt\"", shown[0]);
    assert_eq!(file.headers["content-disposition"], name.as_str());
    assert_eq!(
        file.text,
        format!(
            "MCP_SERVER_URL={}\nCLIENT_ID={}\nCLIENT_SECRET={}\n",
            server.resource, shown[0], shown[2]
        )
    );
    let token = owner.form_token().await;
    for wrong in ["", "uts_x", "x\0y"] {
        let fields = [("csrf", token.as_str()), ("secret", wrong)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = owner.posts(&action, &fields).await;
        assert_eq!(answer.status, 409, "{wrong:?}");
    }
}

#[actix_web::test]
async fn of_two_who_edit_a_client_the_second_is_told_and_loses_nothing() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let (client, _) = app
        .makes_client("search", "Cursor", ClientType::Public, LOCAL)
        .await;
    let here = path(&client.identifier);
    let (owner, pablo) = (app.owner(), app.person("pablo"));
    let early = owner.opens(&here).await;
    let late = pablo.opens(&here).await;
    let first = [
        ("name", "Cursor prod"),
        (
            "redirect_uris",
            "http://localhost/callback\nhttps://a.example/cb",
        ),
    ];
    assert_eq!(owner.fills(&early, &here, &first).await.status, 303);
    assert_eq!(
        owner.opens(&here).await.all("#flash"),
        ["Saved Cursor prod."]
    );
    // A second click changes nothing more.
    assert_eq!(owner.fills(&early, &here, &first).await.status, 303);
    let second = [("name", "Mine"), ("redirect_uris", "http://localhost/mine")];
    let told = pablo.fills(&late, &here, &second).await;
    assert_eq!(told.status, 409);
    assert_eq!(
        told.all("[role=alert] p"),
        [
            "This client was changed while you edited it, so nothing of yours was saved. What \
             you typed is below: save it again to have it as you typed it.",
            "olivia@acme.example, just now: The name was Cursor. Redirect URIs added: \
             https://a.example/cb.",
        ]
    );
    assert_eq!(told.all("h1"), ["Cursor prod"]);
    assert_eq!(told.attributes("#name", "value"), ["Mine"]);
    assert_eq!(
        told.raw("#redirect-uris")[0].trim(),
        "http://localhost/mine"
    );
    assert_eq!(pablo.fills(&told, &here, &second).await.status, 303);
    let now = pablo.opens(&here).await;
    assert_eq!(now.attributes("#name", "value"), ["Mine"]);
    let trail = "SELECT detail FROM audit_event WHERE action = 'client.changed' ORDER BY id";
    assert_eq!(app.database.texts(trail).await.len(), 2);
}

#[actix_web::test]
async fn a_renamed_client_is_found_and_sorted_by_its_new_name() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (client, _) = app
        .makes_client("search", "Old", ClientType::Public, LOCAL)
        .await;
    Host::of(&app, &client, None)
        .connects(&app.person("ana"), &server)
        .await;
    let owner = app.owner();
    let here = path(&client.identifier);
    let filled = [("name", "Zebra"), ("redirect_uris", LOCAL[0])];
    owner.fills(&owner.opens(&here).await, &here, &filled).await;
    let found = owner.opens("/connections?view=list&q=zebra").await;
    assert_eq!(found.connections().len(), 1);
    let folded = "SELECT client_folded FROM connection";
    assert!(app.database.texts(folded).await[0].starts_with("zebra\n"));
}

#[actix_web::test]
async fn a_form_with_a_fault_comes_back_about_what_was_seen_when_it_was_opened() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let (client, _) = app
        .makes_client("search", "Cursor", ClientType::Public, LOCAL)
        .await;
    let here = path(&client.identifier);
    let (owner, pablo) = (app.owner(), app.person("pablo"));
    let late = pablo.opens(&here).await;
    let first = [("name", "Cursor prod"), ("redirect_uris", LOCAL[0])];
    owner.fills(&owner.opens(&here).await, &here, &first).await;

    let faulty = [("name", ""), ("redirect_uris", "http://localhost/mine")];
    let again = pablo.fills(&late, &here, &faulty).await;
    assert_eq!(again.status, 400);
    let mended = [("name", "Mine"), ("redirect_uris", "http://localhost/mine")];
    let told = pablo.fills(&again, &here, &mended).await;
    assert_eq!(
        told.status, 409,
        "what the owner saved is not replaced unseen"
    );
    assert_eq!(owner.opens(&here).await.all("h1"), ["Cursor prod"]);
}

#[actix_web::test]
async fn a_rotated_secret_works_at_once_and_the_one_before_no_more() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let (client, old) = app
        .makes_client("search", "Portal", ClientType::Confidential, LOCAL)
        .await;
    let before = Host::of(&app, &client, old);
    let tokens = before.connects(&app.person("ana"), &server).await;
    let owner = app.owner();
    let here = path(&client.identifier);
    let action = format!("{here}/rotate");
    let page = owner.opens(&here).await;
    let screen = owner.fills(&page, &action, &[]).await;
    let shown = shown(&screen);
    let after = host(&app, &shown);
    assert_eq!(before.refreshes(&tokens.refresh).await.status(), 401);
    after.renews(&tokens).await;
    assert!(server.admits(&tokens.access).await);
    // The second click.
    let told = owner.fills(&page, &action, &[]).await;
    assert_eq!(told.status, 409);
    assert!(!told.text.contains(&shown[2]));
    let said = told.all("[role=alert] p");
    assert!(said[0].contains("If you did not get to keep it, rotate it once more"));
    assert!(said[1].contains("The secret was rotated"));
    // Someone else's rotation is told as theirs.
    let pablo = app.person("pablo");
    let late = pablo.opens(&here).await;
    owner.fills(&owner.opens(&here).await, &action, &[]).await;
    let told = pablo.fills(&late, &action, &[]).await;
    assert!(told.all("[role=alert] p")[0].contains("was changed while you looked"));
    let trail = "SELECT actor FROM audit_event WHERE action = 'client.secret_rotated'";
    assert_eq!(app.database.texts(trail).await, ["olivia@acme.example"; 2]);
    let (public, _) = app
        .makes_client("search", "Cursor", ClientType::Public, LOCAL)
        .await;
    let action = format!("{}/rotate", path(&public.identifier));
    let page = owner.opens(&path(&public.identifier)).await;
    assert!(!page.text.contains(&action));
}

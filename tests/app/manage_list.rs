//! Who sees the clients of a project, and all of them.

use untether::domain::client::ClientType;

use crate::support::{Host, Page, TestApp};

const CLIENTS: &str = "/projects/search/clients";
const LOCAL: &[&str] = &["http://localhost/callback"];

fn path(id: &str) -> String {
    format!("{CLIENTS}/{id}")
}

#[actix_web::test]
async fn auditors_look_and_are_offered_nothing() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let (client, _) = app
        .makes_client("search", "Portal", ClientType::Confidential, LOCAL)
        .await;
    for path in [CLIENTS.to_owned(), path(&client.identifier)] {
        let page = app.auditor().opens(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.all("main form, main button").is_empty(), "{path}");
        assert!(!page.text.contains("/clients/new"));
    }
}

#[actix_web::test]
async fn another_projects_client_is_not_there() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    app.project("wiki", &[]).await;
    let (client, _) = app
        .makes_client("wiki", "Portal", ClientType::Public, LOCAL)
        .await;
    let registered = app.host("Cursor").await;
    for id in [&client.identifier, &registered.client_id, "nonsense"] {
        assert_eq!(app.owner().opens(&path(id)).await.status, 404);
        assert_eq!(app.person("pablo").opens(&path(id)).await.status, 404);
    }
}

#[actix_web::test]
async fn paging_shows_every_client_once_and_goes_back() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    for number in 0..120 {
        let name = format!("App {}", number % 7);
        app.makes_client("search", &name, ClientType::Public, LOCAL)
            .await;
    }
    let owner = app.owner();
    let mut pages = vec![owner.opens(CLIENTS).await];
    while let [next] = &*pages[pages.len() - 1].attributes(".paging [rel=next]", "href") {
        pages.push(owner.opens(next).await);
    }
    let hrefs = |page: &Page| page.attributes("tbody th a", "href");
    assert_eq!(
        pages
            .iter()
            .map(|page| hrefs(page).len())
            .collect::<Vec<_>>(),
        [50, 50, 20]
    );
    let mut all: Vec<_> = pages.iter().flat_map(hrefs).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 120);
    for pair in pages.windows(2).rev() {
        let previous = pair[1].attributes(".paging [rel=prev]", "href").remove(0);
        assert_eq!(hrefs(&owner.opens(&previous).await), hrefs(&pair[0]));
    }
    for broken in [
        "after=x",
        "after=1&after=2",
        "before=%00",
        "after=a&before=b",
    ] {
        let page = owner.opens(&format!("{CLIENTS}?{broken}")).await;
        assert_eq!(page.status, 400, "{broken}");
        let said = page.all(".lead").join("");
        assert!(said.contains("after") || said.contains("before"), "{said}");
        let links = page.attributes("main a", "href");
        assert!(links.contains(&CLIENTS.to_owned()), "{broken}: {links:?}");
    }
}

#[actix_web::test]
async fn the_panel_of_a_client_leads_to_where_it_is_looked_after() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let (client, _) = app
        .makes_client("search", "Portal", ClientType::Public, LOCAL)
        .await;
    let host = Host::of(&app, &client, None);
    host.connects(&app.person("ana"), &server).await;
    for (who, leads) in [
        ("olivia", true),
        ("arthur", true),
        ("pablo", true),
        ("ana", false),
    ] {
        let panel = app
            .person(who)
            .opens(&format!("/clients/{}", client.identifier))
            .await;
        assert_eq!(panel.status, 200, "{who}");
        let hrefs = panel.attributes("dialog a", "href");
        assert_eq!(hrefs.contains(&path(&client.identifier)), leads, "{who}");
    }
}

#[actix_web::test]
async fn a_page_of_which_nothing_is_left_leads_to_the_first() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (client, _) = app
        .makes_client("search", "Portal", ClientType::Public, LOCAL)
        .await;
    let host = Host::of(&app, &client, None);
    host.connects(&app.person("ana"), &server).await;
    let owner = app.owner();
    let last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    for (list, search, place) in [
        ("/clients", "?q=portal&", format!("after=-1_{last}")),
        ("/projects", "?q=search&", format!("after={last}")),
        ("/projects/search/clients", "?", format!("after={last}+z")),
    ] {
        let gone = owner.opens(&format!("{list}{search}{place}")).await;
        assert_eq!(gone.status, 303, "{list}");
        let first = format!("{list}{search}");
        assert_eq!(gone.headers["location"], first[..first.len() - 1], "{list}");
        let page = owner.opens(&first[..first.len() - 1]).await;
        assert_eq!(page.all("tbody tr").len(), 1, "{list}");
    }
    // Where nothing was ever, that is what is said.
    let none = owner.opens("/projects?q=nothing").await;
    assert_eq!((none.status, none.all(".empty h2").len()), (200, 1));
}

//! The list of clients: what it counts, who sees what of it, and its pages.

use serde_json::Value;
use untether::domain::client::ClientType;

use crate::support::{Host, Page, TestApp};

const LOCAL: &[&str] = &["http://localhost/callback"];

fn names(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    page.all("tbody th a")
}

#[actix_web::test]
async fn clients_are_listed_to_those_in_whose_sight_they_are_with_what_is_in_sight() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let (made, _) = app
        .makes_client("search", "Portal", ClientType::Public, LOCAL)
        .await;
    let cursor = app.host("Cursor").await;
    cursor.connects(&app.person("ana"), &wiki).await;
    cursor.connects(&app.person("ben"), &search).await;
    Host::of(&app, &made, None)
        .connects(&app.person("ana"), &search)
        .await;
    for (who, expected, count) in [
        ("olivia", &["Cursor", "Portal"][..], "2 2 active"),
        ("arthur", &["Cursor", "Portal"], "2 2 active"),
        ("pablo", &["Cursor", "Portal"], "1 1 active"),
        ("ana", &["Cursor", "Portal"], "1 1 active"),
        ("ben", &["Cursor"], "1 1 active"),
        ("cy", &[], ""),
    ] {
        let person = app.person(who);
        let page = person.opens("/clients?sort=name").await;
        assert_eq!(names(&page), expected, "{who}");
        let counted = page.all("tbody .count");
        assert_eq!(counted.first().map_or("", String::as_str), count, "{who}");
        let file = "/connections.json?status=active&status=expired&status=revoked";
        let rows: Value = serde_json::from_str(&person.opens(file).await.text).unwrap();
        let sum: usize = counted
            .iter()
            .map(|count| count.split(' ').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(sum, rows.as_array().unwrap().len(), "{who}");
    }
    let found = app.owner().opens("/clients?q=port").await;
    assert_eq!(names(&found), ["Portal"]);
    assert_eq!(found.all("tbody td")[0], "Created by an administrator");
    assert_eq!(found.attributes("#q", "value"), ["port"]);
    let none = app.owner().opens("/clients?q=nothing").await;
    assert_eq!(none.all(".empty h2"), ["No client matches"]);
}

#[actix_web::test]
async fn a_search_by_person_says_how_many_of_a_clients_connections_match() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (cursor, zed) = (app.host("Cursor").await, app.host("Zed").await);
    for who in ["ana", "ben", "cy"] {
        cursor.connects(&app.person(who), &server).await;
    }
    zed.connects(&app.person("ana"), &server).await;
    let found = app.owner().opens("/clients?sort=name&q=ana@").await;
    assert_eq!(
        found.all("tbody .count"),
        ["1 1 active1 of 3 match", "1 1 active"]
    );
    let by_name = app.owner().opens("/clients?q=cursor").await;
    assert_eq!(by_name.all("tbody .count"), ["3 3 active"]);
}

#[actix_web::test]
async fn clients_are_sorted_by_their_headers_and_a_wrong_sort_leads_back_to_all_of_them() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    for name in ["Beta", "Alpha"] {
        app.makes_client("search", name, ClientType::Public, LOCAL)
            .await;
    }
    let owner = app.owner();
    let start = owner.opens("/clients?q=a").await;
    let heads = [
        "MCP client",
        "Origin",
        "Project",
        "Connections",
        "Last used",
    ];
    assert_eq!(start.all("thead th"), heads);
    assert_eq!(start.all("thead [aria-sort=descending]"), ["Last used"]);
    let links = start.attributes("thead a", "href");
    assert_eq!(links.len(), 4, "{links:?}");
    for (link, expected) in links.iter().zip([["Alpha", "Beta"]]) {
        assert!(link.starts_with("/clients?q=a&"), "{link}");
        let sorted = owner.opens(link).await;
        assert_eq!(names(&sorted), expected);
        assert_eq!(sorted.all("thead [aria-sort=ascending]"), ["MCP client"]);
        let turned = sorted.attributes("thead a", "href").remove(0);
        assert_eq!(names(&owner.opens(&turned).await), ["Beta", "Alpha"]);
    }
    for link in &links {
        names(&owner.opens(link).await);
    }
    let wrong = owner.opens("/clients?sort=x").await;
    assert_eq!(wrong.status, 400);
    let said = "sort is \"x\", and must be name, project, connections or used.";
    assert_eq!(wrong.all(".lead"), [said]);
    assert!(
        wrong
            .attributes("main a", "href")
            .contains(&"/clients".into())
    );
}

#[actix_web::test]
async fn paging_shows_every_client_once() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    for number in 0..60 {
        let name = format!("App {number}");
        app.makes_client("search", &name, ClientType::Public, LOCAL)
            .await;
    }
    let owner = app.owner();
    let mut pages = vec![owner.opens("/clients?q=app").await];
    while let [next] = &*pages[pages.len() - 1].attributes(".paging [rel=next]", "href") {
        pages.push(owner.opens(next).await);
    }
    assert_eq!(
        pages
            .iter()
            .map(|page| names(page).len())
            .collect::<Vec<_>>(),
        [25, 25, 10]
    );
    let mut all: Vec<_> = pages.iter().flat_map(names).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60);
    let previous = pages[2].attributes(".paging [rel=prev]", "href").remove(0);
    assert_eq!(names(&owner.opens(&previous).await), names(&pages[1]));
}

#[actix_web::test]
async fn a_revoked_client_is_listed_and_marked_for_as_long_as_it_is_kept() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    app.project("wiki", &[]).await;
    for (slug, name) in [("search", "Old"), ("search", "New"), ("wiki", "Other")] {
        app.makes_client(slug, name, ClientType::Public, LOCAL)
            .await;
    }
    let owner = app.owner();
    let list = owner.opens("/clients?q=old").await;
    let old = list.attributes("tbody th a", "href").remove(0);
    let old = old.replace("/clients/", "/projects/search/clients/");
    assert_eq!(owner.revokes_client(&old, "Old").await.status, 303);
    for (who, expected) in [
        ("olivia", &["New", "Old", "Other"][..]),
        ("arthur", &["New", "Old", "Other"]),
        ("pablo", &["New", "Old"]),
        ("ana", &[]),
    ] {
        let page = app.person(who).opens("/clients?sort=name").await;
        assert_eq!(names(&page), expected, "{who}");
        assert_eq!(
            page.all(".tools [role=status]")[0].split(' ').next(),
            Some(&*expected.len().to_string())
        );
        if let Some(place) = expected.iter().position(|name| *name == "Old") {
            assert_eq!(page.all("tbody th small"), ["client revoked"]);
            assert!(page.all("tbody th")[place].ends_with("client revoked"));
        }
    }
    // Where connections are looked for, there is nothing to see of it.
    let groups = owner
        .opens("/connections?status=active&status=expired")
        .await;
    assert_eq!(groups.all(".group .alone").len(), 2);
    app.advance(std::time::Duration::from_secs(365 * 86_400));
    app.sweeps().await;
    assert_eq!(
        names(&owner.opens("/clients?sort=name").await),
        ["New", "Other"]
    );
}

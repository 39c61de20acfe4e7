//! One person's page, and the page of one's own connections.

use std::time::Duration;

use crate::support::{Person, TestApp};

const MISSING: &str = "01890000-0000-7000-8000-000000000000";

/// The id of someone's record.
async fn record(app: &TestApp, name: &str) -> String {
    let query = format!("SELECT id FROM people WHERE email = '{name}@acme.example'");
    app.database.texts(&query).await.remove(0)
}

fn rows(page: &crate::support::Page) -> usize {
    page.attributes("table tbody tr", "id").len()
}

#[actix_web::test]
async fn a_person_is_shown_to_those_who_see_a_connection_of_theirs_and_to_nobody_else() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    for (name, servers) in [
        ("pablo", vec![&wiki]),
        ("ana", vec![&search, &wiki, &wiki]),
        ("ben", vec![&wiki]),
    ] {
        for server in servers {
            host.connects(&app.person(name), server).await;
        }
    }
    let people = [
        record(&app, "pablo").await,
        record(&app, "ana").await,
        record(&app, "ben").await,
    ];
    // How many connections each viewer sees of Pablo, Ana and Ben; none is like not there.
    for (viewer, sees) in [
        ("olivia", [1, 3, 1]),
        ("arthur", [1, 3, 1]),
        ("pablo", [1, 1, 0]),
        ("ana", [0, 3, 0]),
        ("ben", [0, 0, 1]),
        ("stranger", [0, 0, 0]),
    ] {
        let viewer = app.person(viewer);
        let missing = viewer.opens(&format!("/people/{MISSING}")).await;
        assert_eq!(missing.status, 404);
        assert_eq!(viewer.opens("/people/x").await.status, 404);
        for (id, sees) in people.iter().zip(sees) {
            let page = viewer.opens(&format!("/people/{id}")).await;
            let part = viewer.fetches(&format!("/people/{id}")).await;
            if sees == 0 {
                assert_eq!((page.status, part.status), (404, 404), "{}", viewer.email);
                assert_eq!(page.bare(), missing.bare(), "{}", viewer.email);
            } else {
                assert_eq!((page.status, part.status), (200, 200), "{}", viewer.email);
                assert_eq!((rows(&page), rows(&part)), (sees, sees), "{}", viewer.email);
                // When someone asked for consent elsewhere is nobody else's to know.
                let sees_all = !viewer.email.starts_with("pablo") || *id == people[0];
                let told = page
                    .all(".facts dt")
                    .contains(&"Last asked for consent".to_owned());
                assert_eq!(told, sees_all, "{}", viewer.email);
                let limited = page.text.contains("connected at your projects");
                assert_eq!(limited, !sees_all, "{}", viewer.email);
            }
        }
    }
}

#[actix_web::test]
async fn only_who_may_change_something_is_offered_to_revoke_it() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &search).await;
    host.connects(&ana, &wiki).await;
    let id = record(&app, "ana").await;
    let all = format!(
        "/connections/revoke-matching?person={id}&status=active&status=expired&back=%2Fpeople%2F{id}"
    );
    let offered = |page: &crate::support::Page| {
        let every = page.attributes(".all a", "href");
        (page.all("td.act a").len(), every)
    };
    for (viewer, rows, everything) in [
        (app.owner(), 2, true),
        (app.auditor(), 0, false),
        (app.person("pablo"), 1, true),
        (app.person("ana"), 2, true),
    ] {
        let page = viewer.opens(&format!("/people/{id}")).await;
        let every = everything.then(|| all.clone()).into_iter().collect();
        assert_eq!(offered(&page), (rows, every), "{}", viewer.email);
    }
    for _ in 0..2 {
        app.advance(Duration::from_secs(1));
        let mine = ana.opens("/me").await;
        let id = mine.attributes("table tbody tr", "id").remove(0);
        ana.revokes(&[&id], "").await;
    }
    let page = app.owner().opens(&format!("/people/{id}")).await;
    assert_eq!(rows(&page), 2, "revoked ones are still shown");
    assert_eq!(offered(&page), (0, Vec::new()));
}

#[actix_web::test]
async fn a_person_page_says_who_it_is_and_what_they_use() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &search).await;
    app.advance(Duration::from_secs(31 * 86_400));
    host.connects(&app.person("ana"), &search).await;
    let id = record(&app, "ana").await;
    let page = app.owner().opens(&format!("/people/{id}")).await;
    assert_eq!(page.all("h1"), ["ana@acme.example"]);
    assert_eq!(page.all(".intro"), ["Member"]);
    assert_eq!(page.all(".facts dd"), ["1 Jun 2026", "just now"]);
    let expected = ["1 connection", "Active 1", "Expired 0", "Revoked 0"];
    assert_eq!(page.all(".counts a"), expected);
    let links = page.attributes(".counts a, .where a", "href");
    assert_eq!(links.len(), 5);
    for (href, count) in links.iter().zip([1, 1, 0, 0, 1]) {
        assert_eq!(rows(&app.owner().opens(href).await), count, "{href}");
    }
    // Administrators of a project do not learn the role.
    let page = app.person("pablo").opens(&format!("/people/{id}")).await;
    assert!(!page.all(".intro")[0].contains("Member"));
    let set = format!("UPDATE people SET deactivated_at = first_seen_at WHERE id = '{id}'");
    app.database.execute(&set).await;
    let page = app.owner().opens(&format!("/people/{id}")).await;
    assert!(page.all(".facts dd")[0].starts_with("Deactivated"));
}

#[actix_web::test]
async fn my_connections_are_mine_alone_whatever_my_role() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let host = app.host("Cursor").await;
    let people = ["olivia", "arthur", "pablo", "ana"];
    for name in people {
        host.connects(&app.person(name), &search).await;
    }
    for name in people {
        let me = app.person(name);
        let page = me.opens("/me").await;
        assert_eq!(page.all("h1"), ["My connections"], "{name}");
        assert_eq!(rows(&page), 1, "{name}");
        assert_eq!(page.all(".counts a")[0], "1 connection", "{name}");
        assert_eq!(page.all("td.act a").len(), 1, "{name}");
        let part = me.fetches("/me").await;
        assert!(!part.text.contains("<h1>") && rows(&part) == 1);
    }
}

#[actix_web::test]
async fn a_revoke_from_my_connections_comes_back_to_them() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &search).await;
    let ask = ana.opens("/me").await.attributes("td.act a", "href");
    let followed = app.http.get(format!("{}{}", app.url, ask[0]));
    let asked = ana
        .sends(followed.header("referer", format!("{}/me", app.url)))
        .await;
    let fields = crate::support::form_fields(&asked, "/connections/revoke");
    let done = ana.posts("/connections/revoke", &fields).await;
    assert_eq!(
        (done.status, &done.headers["location"]),
        (303, &"/me".parse().unwrap())
    );
    let page = ana.opens("/me").await;
    assert!(
        page.all(".flash")[0].starts_with("Revoked Cursor#"),
        "{}",
        page.text
    );
    assert!(!search.admits(&tokens.access).await);
}

#[actix_web::test]
async fn whoever_has_no_connections_reads_how_to_begin_and_of_no_foreign_project() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    for (who, sees) in [
        ("olivia", [true, true]),
        ("arthur", [true, true]),
        ("pablo", [true, false]),
        ("ana", [false, false]),
    ] {
        let page = app.person(who).opens("/me").await;
        assert_eq!(page.all("h2"), ["You have no connections"], "{who}");
        let shown = [&search, &wiki].map(|server| page.text.contains(&server.resource));
        assert_eq!(shown, sees, "{who}");
        assert!(page.all("table").is_empty() && page.all(".all").is_empty());
    }
}

#[actix_web::test]
async fn more_than_fifty_connections_are_all_in_the_list() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for _ in 0..53 {
        ana.allows(&host, &search).await;
    }
    let page = ana.opens("/me").await;
    assert_eq!(rows(&page), 50);
    assert_eq!(page.all("a.button").last().unwrap(), "All 53 connections");
    let bytes = ana.weighs("/me", false).await;
    assert!(bytes <= 8 * 1024, "{bytes} bytes");
}

#[actix_web::test]
async fn the_navigation_leads_where_this_person_may_go() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let lists = ["Connections", "Clients", "Projects", "People"];
    let all = [&lists[..], &["Audit", "My connections"]].concat();
    let some = [&lists[..], &["My connections"]].concat();
    for (who, places, home) in [
        ("olivia", &all[..], "/connections"),
        ("arthur", &all, "/connections"),
        ("pablo", &some, "/connections"),
        ("ana", &all[5..], "/me"),
    ] {
        let who = app.person(who);
        for (path, current) in [("/me", "My connections"), ("/connections", places[0])] {
            let page = who.opens(path).await;
            assert_eq!(page.all(".bar nav a"), places, "{}", who.email);
            assert_eq!(
                page.all(".bar nav [aria-current]"),
                [current],
                "{}",
                who.email
            );
        }
        let start = who.opens("/").await;
        assert_eq!(
            (start.status, start.headers["location"].to_str().unwrap()),
            (303, home)
        );
        for href in who.opens("/me").await.attributes(".bar nav a", "href") {
            assert_eq!(who.opens(&href).await.status, 200, "{href}");
        }
    }
}

#[actix_web::test]
async fn a_page_that_says_no_is_framed_like_any_other_where_the_person_is_known() {
    let app = TestApp::spawn().await;
    for path in ["/connections?status=mislaid", "/clients/x", "/nothing-here"] {
        let page = app.owner().opens(path).await;
        assert!(page.status >= 400, "{path}");
        assert_eq!(page.all(".who b"), ["olivia@acme.example"], "{path}");
        let places = page.all(".bar nav a");
        assert_eq!(
            places,
            [
                "Connections",
                "Clients",
                "Projects",
                "People",
                "Audit",
                "My connections"
            ],
            "{path}"
        );
        assert_eq!(page.all("footer code").len(), 1, "{path}");
    }
    let nobody = Person::new(&app, "").opens("/nothing-here").await;
    assert_eq!(nobody.status, 404);
    assert!(nobody.all(".who").is_empty() && nobody.all(".bar nav").is_empty());
}

#[actix_web::test]
async fn only_someone_of_whom_there_is_nothing_but_an_identifier_is_unknown() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    for name in ["ana", "ben", "cleo"] {
        host.connects(&app.person(name), &server).await;
    }
    let named = "UPDATE people SET name = 'Ana Ruiz' WHERE email LIKE 'ana%';
                 UPDATE people SET name = '8f3c', email = '8f3c' WHERE email LIKE 'cleo%'";
    app.database.execute(named).await;
    let owner = app.owner();
    let list = owner
        .opens("/connections?view=list&sort=person&dir=asc")
        .await;
    let mut people = list.all("td.by");
    people.sort();
    let expected = [
        "8f3cunknown person",
        "Ana Ruizana@acme.example",
        "ben@acme.example",
    ];
    assert_eq!(people, expected);
    let groups = owner.opens("/connections?view=person").await;
    let mut notes = groups.all("tr.group th small");
    notes.sort();
    assert_eq!(notes, ["ana@acme.example", "unknown person"]);
    for (name, intro) in [("ana", "ana@acme.example Member"), ("ben", "Member")] {
        let path = format!("/people/{}", record(&app, name).await);
        assert_eq!(owner.opens(&path).await.all(".intro"), [intro]);
    }
}

#[actix_web::test]
async fn the_place_of_a_page_is_marked_wherever_its_list_or_person_is_reached() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (owner, ana) = (app.owner(), app.person("ana"));
    app.host("Cursor").await.connects(&ana, &server).await;
    let of = format!("/people/of/{}", ana.newest_connection().await);
    let own = owner.opens(&of).await.headers["location"]
        .to_str()
        .unwrap()
        .to_owned();
    for (who, path, place) in [
        (&owner, "/connections", "Connections"),
        (&owner, "/connections?view=list", "Connections"),
        (&owner, "/connections?view=person", "People"),
        (&owner, "/connections?q=a&view=person", "People"),
        (&owner, &own, "People"),
        (&ana, &own, "My connections"),
        (&ana, "/connections?view=person", "My connections"),
    ] {
        let page = who.opens(path).await;
        let marked = page.all(".bar nav [aria-current=page]");
        assert_eq!(marked, [place], "{} {path}", who.email);
    }
}

#[actix_web::test]
async fn of_many_projects_the_others_are_counted() {
    let app = TestApp::spawn().await;
    let (host, ana) = (app.host("Cursor").await, app.person("ana"));
    for number in 0..22 {
        let server = app.project(&format!("server-{number}"), &[]).await;
        host.connects(&ana, &server).await;
    }
    let page = ana.opens("/me").await;
    let links = page.all(".where a");
    assert_eq!((links.len(), &*links[20]), (21, "2 more"));
    let way = page.attributes(".where a", "href").remove(20);
    assert!(ana.opens(&way).await.all(".summary")[0].ends_with("22 projects"));
}

//! The list of connections narrowed: searches, filters and chips.

use crate::{
    list::{Office, groups, id_of, list, people, summary},
    support::TestApp,
};

#[actix_web::test]
async fn search_finds_every_name_and_says_when_only_connections_match() {
    let app = TestApp::spawn().await;
    let office = Office::open(&app).await;
    let owner = app.owner();
    let name = list(&owner, "").await.connections().remove(0);
    for (text, found) in [
        ("CURSOR", 2),
        ("ana@", 2),
        ("@acme", 4),
        (name.split('#').nth(1).unwrap(), 1),
        (&office.cursor.client_id, 2),
        ("%", 0),
        ("nobody", 0),
    ] {
        let page = owner
            .opens(&format!(
                "/connections?view=list&{}",
                untether::web::params::encode([("q", text)])
            ))
            .await;
        assert_eq!(page.connections().len(), found, "{text}");
    }
    let some = owner.opens("/connections?q=ana%40").await;
    assert_eq!(some.all("td.count small"), ["1 of 2 match", "1 of 2 match"]);
    let all = owner.opens("/connections?q=curs").await;
    assert_eq!(groups(&all), ["Cursor"]);
    assert!(
        all.all("td.count small").is_empty(),
        "the client itself matches"
    );
}

#[actix_web::test]
async fn a_search_that_finds_a_lot_is_counted_to_1000_and_its_preview_to_the_end() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (cursor, zed) = (app.host("Cursor").await, app.host("Zed").await);
    let (ana, curtis) = (app.person("ana"), app.person("curtis"));
    cursor.connects(&ana, &server).await;
    let connection = ana.newest_connection().await;
    zed.connects(&curtis, &server).await;
    app.database.multiply(&connection, 5_100).await;
    let owner = app.owner();
    for view in ["list", "client", "person", "project"] {
        let page = owner
            .opens(&format!("/connections?view={view}&q=cur"))
            .await;
        assert_eq!(summary(&page), "more than 1,000 connections", "{view}");
    }
    let few = owner.opens("/connections?view=list&q=curt").await;
    assert_eq!(summary(&few), "1 connection · 1 client");
    let preview = owner.opens("/connections/revoke-matching?q=cur").await;
    assert_eq!(preview.all("h1"), ["Revoke 5,102 connections?"]);
}

#[actix_web::test]
async fn each_filter_narrows_alone_and_with_the_others() {
    let app = TestApp::spawn().await;
    let office = Office::open(&app).await;
    let document = "https://app.example/client";
    app.database
        .execute(&format!(
            "UPDATE client SET origin = 'document', identifier = '{document}', client_type = 'confidential',
                 secret_hash = 'none'
             WHERE id = '{}'",
            office.claude.client_id
        ))
        .await;
    let owner = app.owner();
    let wiki = id_of(&app, "project", "slug", "wiki").await;
    let search = id_of(&app, "project", "slug", "search").await;
    let ana = id_of(&app, "people", "email", "ana@acme.example").await;
    let cursor = &office.cursor.client_id;
    for (query, found) in [
        (format!("project={wiki}"), vec!["ben"]),
        (
            format!("project={wiki}&project={search}"),
            vec!["ben", "ana", "ana", "zoe"],
        ),
        (format!("person={ana}"), vec!["ana", "ana"]),
        ("person=ana%40acme.example".into(), vec!["ana", "ana"]),
        (format!("client={cursor}"), vec!["ben", "ana"]),
        ("origin=registered".into(), vec!["ben", "ana"]),
        ("origin=document".into(), vec!["ana", "zoe"]),
        ("origin=api".into(), vec![]),
        ("type=confidential".into(), vec!["ana", "zoe"]),
        ("from=2026-07-02".into(), vec!["ben", "ana", "ana"]),
        ("to=2026-07-01".into(), vec!["zoe"]),
        ("idle_days=20".into(), vec!["zoe"]),
        ("status=active".into(), vec!["ben", "ana", "ana"]),
        (
            format!("project={search}&person={ana}&client={cursor}&status=active&q=cur"),
            vec!["ana"],
        ),
        (format!("project={wiki}&person={ana}"), vec![]),
    ] {
        let page = list(&owner, &query).await;
        assert_eq!(people(&page), found, "{query}");
        let total = format!("{} connection", found.len());
        assert!(
            summary(&page).starts_with(&total),
            "{query}: {}",
            summary(&page)
        );
    }
}

#[actix_web::test]
async fn each_filter_in_force_is_a_chip_that_removes_it_alone() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let owner = app.owner();
    let wiki = id_of(&app, "project", "slug", "wiki").await;
    let ben = id_of(&app, "people", "email", "ben@acme.example").await;
    let missing = "01890000-0000-7000-8000-000000000000";
    let query = format!(
        "q=cur&project={wiki}&person={ben}&client={missing}&type=public&origin=registered\
         &from=2026-01-01&to=2026-12-31&idle_days=1"
    );
    let page = list(&owner, &query).await;
    assert_eq!(
        page.all(".applied a"),
        [
            "Search: cur",
            "Project: Project wiki",
            "Person: ben@acme.example",
            "MCP client: unknown",
            "Client type: Public",
            "Origin: Registered itself",
            "Authorized from 2026-01-01",
            "Authorized until 2026-12-31",
            "Idle for more than 1 day",
        ]
    );
    let links = page.attributes(".applied a", "href");
    for link in &links {
        let less = owner.opens(link).await;
        assert_eq!(less.all(".applied a").len(), links.len() - 1, "{link}");
        assert_eq!(less.all(".views [aria-current]"), ["List view"]);
    }
    assert_eq!(
        page.attributes("a.clear", "href"),
        ["/connections?view=list"]
    );
    assert!(list(&owner, "").await.all("a.clear").is_empty());
}

#[actix_web::test]
async fn an_address_that_makes_no_sense_is_refused_with_a_way_back() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    for (query, said) in [
        ("view=grid", "client, person, project or list"),
        ("sort=colour", "name, project, connections or used"),
        ("dir=up", "asc or desc"),
        ("type=secret", "public or confidential"),
        ("origin=mars", "console, api, registered or document"),
        ("idle_days=0", "a number from 1 to"),
        ("from=yesterday", "a day such as"),
        ("person=nobody%40acme.example", "Nobody with the e-mail"),
        ("open=x", "not an id"),
    ] {
        let page = owner.opens(&format!("/connections?{query}")).await;
        let text = page.all("main").join("");
        assert_eq!(page.status, 400, "{query}");
        let field = query.split('=').next().unwrap();
        assert!(
            text.contains(field) && text.contains(said),
            "{query}: {text}"
        );
        assert_eq!(
            page.attributes("main a", "href"),
            ["/connections"],
            "{query}"
        );
    }
}

#[actix_web::test]
async fn a_misspelt_condition_is_left_out_of_a_list_aloud_and_of_nothing_else() {
    let app = TestApp::spawn().await;
    Office::open(&app).await;
    let owner = app.owner();
    let misspelt = "clent=1&status=active";
    let page = list(&owner, misspelt).await;
    let said = page.all("#flash").join("");
    assert!(said.contains("\"clent\" is no condition"), "{said}");
    let typed = list(&owner, "person=ana%40acme.example&clent=1").await;
    assert_eq!(typed.all("#flash"), page.all("#flash"));
    let told = owner.opens("/connections?view=list&select=&clent=").await;
    assert_eq!(told.all("#flash .flash").len(), 0);
    let act = format!("/connections/revoke-matching?{misspelt}");
    for path in [
        "/connections.csv",
        "/connections.json",
        "/connections/revoke-matching",
    ] {
        let page = owner.opens(&format!("{path}?{misspelt}")).await;
        let text = page.all("main").join("");
        assert_eq!(page.status, 400, "{path}");
        assert!(
            text.contains("\"clent\"") && text.contains("client"),
            "{text}"
        );
    }
    let token = ("csrf".to_owned(), owner.form_token().await);
    let fields = [token, ("count".to_owned(), "3".to_owned())];
    let page = owner.posts(&act, &fields).await;
    assert_eq!(page.status, 400);
    assert!(page.all("main").join("").contains("\"clent\""));
    assert_eq!(list(&owner, "status=active").await.connections().len(), 3);
}

#[actix_web::test]
async fn what_a_form_does_not_ask_for_stays() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let page = list(
        &app.owner(),
        "q=cur&status=active&sort=name&type=public&per=25",
    )
    .await;
    let names = |form: &str| page.attributes(&format!("{form} input[type=hidden]"), "name");
    assert_eq!(names(".search"), ["view", "status", "type", "sort", "per"]);
    assert_eq!(names(".filters"), ["view", "q", "status", "sort", "per"]);
    assert_eq!(page.attributes("#q", "value"), ["cur"]);
    assert_eq!(page.attributes(".filters [checked]", "value"), ["public"]);
    for format in ["csv", "json"] {
        let link = format!(
            "/connections.{format}?view=list&q=cur&status=active&type=public&sort=name&per=25"
        );
        assert!(
            page.attributes(".export a", "href").contains(&link),
            "{link}"
        );
    }
}

#[actix_web::test]
async fn of_many_projects_one_is_typed_by_its_slug() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &search).await;
    host.connects(&app.person("ben"), &wiki).await;
    let owner = app.owner();
    let few = owner.opens("/connections?view=list").await;
    assert_eq!(few.attributes("[name=project]", "type"), ["checkbox"; 3]);
    for number in 0..20 {
        app.project(&format!("server-{number}"), &[]).await;
    }
    let many = owner.opens("/connections?view=list").await;
    assert_eq!(many.attributes("[name=project]", "type"), ["text"]);
    for typed in ["wiki", "%20Wiki%20"] {
        let found = owner
            .follows(&format!("/connections?view=list&project={typed}"))
            .await;
        assert_eq!(found.connections().len(), 1, "{}", found.text);
        assert_eq!(
            found.attributes("[name=project][checked]", "type"),
            ["checkbox"]
        );
        assert!(found.all(".applied a")[0].contains("Project wiki"));
    }
    let both = owner
        .follows("/connections?view=list&project=wiki&project=search&project=")
        .await;
    assert_eq!(both.connections().len(), 2);
    for (who, slug, status) in [
        ("ana", "search", 200),
        ("ana", "wiki", 400),
        ("pablo", "search", 200),
        ("pablo", "wiki", 400),
        ("olivia", "server-1", 200),
        ("olivia", "nothing", 400),
        ("olivia", "no%00thing", 400),
    ] {
        let page = app
            .person(who)
            .follows(&format!("/connections?project={slug}"))
            .await;
        assert_eq!(page.status, status, "{who} {slug}");
    }
    let hidden = app.person("ana").opens("/connections?project=wiki").await;
    let missing = app
        .person("ana")
        .opens("/connections?project=nothing")
        .await;
    assert_eq!(hidden.status, missing.status);
    assert_eq!(hidden.bare(), missing.bare());
}

#[actix_web::test]
async fn what_is_typed_into_an_address_leads_to_the_address_that_everything_else_understands() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let owner = app.owner();
    let typed = "view=list&person=ana@acme.example";
    let led = owner.opens(&format!("/connections?{typed}")).await;
    assert_eq!(led.status, 303);
    let address = led.headers["location"].to_str().unwrap();
    assert!(
        address.starts_with("/connections?view=list&person="),
        "{address}"
    );
    assert!(!address.contains("ana"), "{address}");
    let list = owner.opens(address).await;
    let ids = list.attributes("table tbody tr", "id");
    assert_eq!(ids.len(), 2);
    // A file takes what is typed as it is, and a part of the page as well.
    let file = owner.opens(&format!("/connections.json?{typed}")).await;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&file.text).unwrap();
    assert_eq!(rows.len(), 2);
    let part = owner.fetches(&format!("/connections?{typed}")).await;
    assert_eq!(part.headers["hx-push-url"], address);
    assert_eq!(part.attributes("table tbody tr", "id"), ids);
}

#[actix_web::test]
async fn what_filters_find_can_be_revoked_as_one_with_no_tick_at_all() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let link = ".tools a[href^='/connections/revoke-matching']";
    for (who, query, expected) in [
        (app.owner(), "", None),
        (app.owner(), "q=nothing-like-it", None),
        (app.auditor(), "person=ana@acme.example", None),
        (app.owner(), "person=ana@acme.example", Some(2)),
        (app.person("ana"), "status=active", Some(2)),
    ] {
        let page = list(&who, query).await;
        let links = page.attributes(link, "href");
        assert_eq!(links.len(), usize::from(expected.is_some()), "{query}");
        if let Some(count) = expected {
            let preview = who.opens(&links[0]).await;
            assert_eq!(preview.all("h1"), [format!("Revoke {count} connections?")]);
        }
    }
}

#[actix_web::test]
async fn nobody_is_sent_to_revoke_what_has_been_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ana, owner) = (app.person("ana"), app.owner());
    let host = app.host("Cursor").await;
    for _ in 0..2 {
        host.connects(&ana, &server).await;
    }
    ana.revokes(&[&ana.newest_connection().await], "").await;
    let offers = async |query: &str| {
        let page = owner.opens(&format!("/connections?{query}")).await;
        page.all("a.clear").last().unwrap().starts_with("Revoke")
    };
    for view in ["list", "client"] {
        for (statuses, offered) in [
            ("status=active", true),
            ("status=active&status=revoked", true),
            ("status=revoked", false),
            ("status=expired&status=revoked", false),
        ] {
            let query = format!("view={view}&{statuses}");
            assert_eq!(offers(&query).await, offered, "{query}");
        }
    }
}

//! The list of connections in its views: what they show, find, sort and count.

use std::time::Duration;

use crate::support::{Host, McpServer, Page, Person, TestApp};

/// The views, and what each is told in its address.
const VIEWS: [&str; 4] = ["view=client", "view=person", "view=project", "view=list"];

/// Two projects, two hosts, three people: Ana's Cursor and Claude at Search, Ben's
/// Cursor at the wiki, and Zoë's Claude at Search, long unused.
struct Office<'a> {
    search: McpServer<'a>,
    wiki: McpServer<'a>,
    cursor: Host<'a>,
    claude: Host<'a>,
}

impl<'a> Office<'a> {
    async fn open(app: &'a TestApp) -> Self {
        let office = Self {
            search: app.project("search", &["pablo@acme.example"]).await,
            wiki: app.project("wiki", &[]).await,
            cursor: app.host("Cursor").await,
            claude: app.host("Claude").await,
        };
        let (ana, ben, zoe) = (app.person("ana"), app.person("ben"), app.person("zoe"));
        office.claude.connects(&zoe, &office.search).await;
        app.advance(Duration::from_secs(31 * 86_400));
        office.cursor.connects(&ana, &office.search).await;
        app.advance(Duration::from_secs(60));
        office.claude.connects(&ana, &office.search).await;
        app.advance(Duration::from_secs(60));
        office.cursor.connects(&ben, &office.wiki).await;
        office
    }
}

async fn list(who: &Person<'_>, query: &str) -> Page {
    let page = who.opens(&format!("/connections?view=list&{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text);
    page
}

fn summary(page: &Page) -> String {
    page.all(".summary").join("")
}

/// Who the rows are connected by, in their order.
fn people(page: &Page) -> Vec<String> {
    let cells = page.all("td.by");
    let name = |text: &String| text.split('@').next().unwrap().to_owned();
    cells.iter().map(name).collect()
}

/// The names of the groups.
fn groups(page: &Page) -> Vec<String> {
    page.all("tr.group th > :first-child")
}

async fn id_of(app: &TestApp, table: &str, column: &str, value: &str) -> String {
    let query = format!("SELECT id FROM {table} WHERE {column} = '{value}'");
    app.database.texts(&query).await.remove(0)
}

#[actix_web::test]
async fn owners_and_auditors_begin_with_clients_and_everyone_else_with_the_list() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    for (who, view) in [
        (app.owner(), "Group by client"),
        (app.auditor(), "Group by client"),
        (app.person("pablo"), "List view"),
        (app.person("ana"), "List view"),
    ] {
        let page = who.opens("/connections").await;
        assert_eq!(
            page.all(".views a"),
            [
                "Group by client",
                "Group by person",
                "Group by project",
                "List view"
            ]
        );
        assert_eq!(page.all(".views [aria-current]"), [view], "{}", who.email);
    }
}

#[actix_web::test]
async fn every_view_counts_the_same_connections() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let owner = app.owner();
    for filter in [
        "",
        "&q=cursor",
        "&status=active",
        "&q=ana&status=active&status=expired",
    ] {
        let mut counted = Vec::new();
        for view in VIEWS {
            let page = owner.opens(&format!("/connections?{view}{filter}")).await;
            let total = summary(&page).split(" · ").next().unwrap().to_owned();
            let rows: i64 = match view {
                "view=list" => page.connections().len() as i64,
                _ => page
                    .all("td.count b")
                    .iter()
                    .map(|n| n.parse::<i64>().unwrap())
                    .sum(),
            };
            assert!(
                total.starts_with(&format!("{rows} ")),
                "{view}{filter}: {total}, {rows} rows"
            );
            counted.push((total, page.all(".chips a")));
        }
        counted.dedup();
        assert_eq!(counted.len(), 1, "{filter}: {counted:?}");
    }
    let by_client = owner.opens("/connections").await;
    assert_eq!(summary(&by_client), "4 connections · 2 clients");
    assert_eq!(
        summary(&list(&owner, "").await),
        "4 connections · 2 clients"
    );
    let by_person = owner.opens("/connections?view=person").await;
    assert_eq!(summary(&by_person), "4 connections · 3 people");
    assert_eq!(
        groups(&by_person),
        ["ben@acme.example", "ana@acme.example", "zoe@acme.example"]
    );
}

#[actix_web::test]
async fn a_group_says_how_many_of_which_status_where_and_how_lately() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let page = app.owner().opens("/connections?sort=name").await;
    assert_eq!(
        page.all("tr.group"),
        [
            "Claude Project search 2 1 active 1 expired 1 minute ago",
            "Cursor 2 projects 2 2 active just now",
        ]
    );
    let expired = app.owner().opens("/connections?status=expired").await;
    assert_eq!(expired.all("td.count"), ["1 1 expired", "0"]);
}

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
async fn every_column_sorts_both_ways_and_says_so() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let owner = app.owner();
    for (view, columns) in [
        ("view=list", 7),
        ("view=client", 3),
        ("view=person", 3),
        ("view=project", 3),
    ] {
        let first = owner.opens(&format!("/connections?{view}")).await;
        let links = first.attributes("#selection > table > thead a", "href");
        assert_eq!(links.len(), columns, "{view}");
        assert_eq!(
            first.attributes("[aria-sort]", "aria-sort"),
            ["descending"],
            "{view}"
        );
        for link in links {
            let once = owner.opens(&link).await;
            let direction = once.attributes("[aria-sort]", "aria-sort");
            let label = once.all("[aria-sort]");
            assert_eq!(direction.len(), 1, "{link}");
            let back = once.attributes("[aria-sort] a", "href").remove(0);
            let twice = owner.opens(&back).await;
            assert_eq!(twice.all("[aria-sort]"), label);
            assert_ne!(
                twice.attributes("[aria-sort]", "aria-sort"),
                direction,
                "{back}"
            );
            let rows = |page: &Page| page.all("#selection > table > tbody > tr");
            let (mut a, mut b) = (rows(&once), rows(&twice));
            a.sort();
            b.sort();
            assert_eq!(a, b, "{link}: other rows in another order");
        }
    }
    assert_eq!(
        people(&list(&owner, "sort=person").await),
        ["ana", "ana", "ben", "zoe"]
    );
    assert_eq!(people(&list(&owner, "sort=used&dir=asc").await)[0], "zoe");
}

#[actix_web::test]
async fn an_address_that_makes_no_sense_is_refused_with_a_way_back() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    for (query, said) in [
        ("view=grid", "client, person, project or list"),
        ("sort=colour", "name, connections or used"),
        ("dir=up", "asc or desc"),
        ("type=secret", "public or confidential"),
        ("origin=mars", "console, api, registered or document"),
        ("idle_days=0", "a number from 1 to"),
        ("from=yesterday", "a day such as"),
        ("person=nobody%40acme.example", "nobody with this e-mail"),
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
async fn an_empty_list_says_why_and_what_to_do() {
    let app = TestApp::spawn().await;
    let (owner, ana) = (app.owner(), app.person("ana"));
    assert_eq!(
        owner.opens("/connections").await.all("h2"),
        ["Nothing is connected yet"]
    );
    assert_eq!(
        ana.opens("/connections").await.all("h2"),
        ["You have no connections"]
    );
    let filtered = owner.opens("/connections?q=nothing").await;
    assert_eq!(filtered.all("h2"), ["Nothing matches"]);
    assert_eq!(filtered.attributes(".empty a", "href"), ["/connections"]);
    let server = app.project("search", &[]).await;
    app.host("Cursor").await.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    let revoked = ana.opens("/connections").await;
    assert_eq!(revoked.all("h2"), ["Nothing is connected now"]);
    let shown = ana.opens(&revoked.attributes(".empty a", "href")[0]).await;
    assert_eq!(shown.connections().len(), 1);
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
async fn people_see_and_are_offered_what_is_theirs_in_every_view() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let (owner, auditor) = (app.owner(), app.auditor());
    let (pablo, ana) = (app.person("pablo"), app.person("ana"));
    for view in VIEWS {
        let path = format!("/connections?{view}");
        for (who, connections, ticks) in [
            (&owner, 4, true),
            (&auditor, 4, false),
            (&pablo, 3, true),
            (&ana, 2, true),
        ] {
            let page = who.opens(&path).await;
            assert!(
                summary(&page).starts_with(&format!("{connections} ")),
                "{} {view}: {}",
                who.email,
                summary(&page)
            );
            assert_eq!(
                !page.all("thead th.tick").is_empty(),
                ticks,
                "{} {view}",
                who.email
            );
            assert_eq!(
                !page.all(".selection").is_empty(),
                ticks,
                "{} {view}",
                who.email
            );
        }
    }
    let projects = |page: &Page| page.all(".filters [name=project]").len();
    assert_eq!(
        projects(&owner.opens("/connections").await),
        3,
        "Untether's own among them"
    );
    assert_eq!(
        projects(&ana.opens("/connections").await),
        0,
        "one choice is none"
    );
    assert!(
        ana.opens("/connections")
            .await
            .all(".filters [name=person]")
            .is_empty()
    );
    let foreign = ana.opens("/connections?person=ben%40acme.example").await;
    let missing = ana.opens("/connections?person=nil%40acme.example").await;
    assert_eq!(
        (foreign.status, missing.status),
        (400, 400),
        "not yours is not there"
    );
}

#[actix_web::test]
async fn clients_without_connections_and_those_nobody_owns_are_marked() {
    let app = TestApp::spawn().await;
    let office = Office::open(&app).await;
    app.host("Idle").await;
    app.database
        .execute(&format!(
            "UPDATE client SET origin = 'api' WHERE id = '{}';
             UPDATE client SET origin = 'document', identifier = 'https://app.example/client'
             WHERE id = '{}'",
            office.cursor.client_id, office.claude.client_id
        ))
        .await;
    let page = app.owner().opens("/connections?sort=name").await;
    assert_eq!(groups(&page), ["Claude", "Cursor", "Idle"]);
    assert_eq!(
        page.all("tr.group th small"),
        ["app.example", "created by API"]
    );
    assert_eq!(page.all("td.count b"), ["2", "2", "0"]);
    assert_eq!(page.attributes("tr.group .tick input", "data-all").len(), 2);
    let rows = list(&app.owner(), "origin=api").await;
    assert_eq!(
        rows.all("td[data-label='MCP client'] small"),
        ["created by API"; 2]
    );
}

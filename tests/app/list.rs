//! The list of connections in its views: what they show, find, sort and count.

use std::time::Duration;

use crate::support::{Host, McpServer, Page, Person, TestApp};

/// The views, and what each is told in its address.
const VIEWS: [&str; 4] = ["view=client", "view=person", "view=project", "view=list"];

/// Two projects, two hosts, three people: Ana's Cursor and Claude at Search, Ben's
/// Cursor at the wiki, and Zoë's Claude at Search, long unused.
pub struct Office<'a> {
    pub search: McpServer<'a>,
    pub wiki: McpServer<'a>,
    pub cursor: Host<'a>,
    pub claude: Host<'a>,
}

impl<'a> Office<'a> {
    pub async fn open(app: &'a TestApp) -> Self {
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

pub async fn list(who: &Person<'_>, query: &str) -> Page {
    let page = who
        .follows(&format!("/connections?view=list&{query}"))
        .await;
    assert_eq!(page.status, 200, "{query}: {}", page.text);
    page
}

pub fn summary(page: &Page) -> String {
    page.all(".summary").join("")
}

/// Who the rows are connected by, in their order.
pub fn people(page: &Page) -> Vec<String> {
    let cells = page.all("td.by");
    let name = |text: &String| text.split('@').next().unwrap().to_owned();
    cells.iter().map(name).collect()
}

/// The names of the groups.
pub fn groups(page: &Page) -> Vec<String> {
    page.all("tr.group th > :first-child")
}

pub async fn id_of(app: &TestApp, table: &str, column: &str, value: &str) -> String {
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
    let cells = page.all("tr.group > :not(.tick)");
    let expected = [
        [
            "Claude",
            "Project search",
            "2 1 active 1 expired",
            "1 minute ago",
        ],
        ["Cursor", "2 projects", "2 2 active", "just now"],
    ];
    assert_eq!(cells, expected.concat());
    let expired = app.owner().opens("/connections?status=expired").await;
    assert_eq!(expired.all("td.count"), ["1 1 expired", "0"]);
}

#[actix_web::test]
async fn every_column_sorts_both_ways_and_says_so() {
    let app = TestApp::spawn().await;
    let _office = Office::open(&app).await;
    let owner = app.owner();
    for (view, columns) in [
        ("view=list", 7),
        ("view=client", 4),
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
    let selectable = page.attributes("tr.group .tick input", "data-all");
    assert_eq!(selectable, ["2", "2"]);
    assert_eq!(summary(&page), "4 connections · 3 clients");
    let rows = list(&app.owner(), "").await;
    assert_eq!(
        summary(&rows),
        "4 connections · 2 clients",
        "one has no row"
    );
    let rows = list(&app.owner(), "origin=api").await;
    assert_eq!(
        rows.all("td[data-label='MCP client'] small"),
        ["created by API"; 2]
    );
}

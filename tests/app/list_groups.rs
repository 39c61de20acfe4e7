//! Groups of connections: opening, paging and selecting what is in them, and what
//! the screens weigh.

use crate::support::{Host, McpServer, Page, Person, TestApp};

/// An organization with so many connections of one client.
async fn with_connections<'a>(app: &'a TestApp, count: u32) -> (Host<'a>, McpServer<'a>) {
    let server = app.project("search", &["pablo@acme.example"]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    if count > 1 {
        app.copies_the_connection(count - 1).await;
    }
    (host, server)
}

/// Follows a link the way htmx does, from the page at `current`.
async fn swaps(who: &Person<'_>, link: &str, current: &str) -> Page {
    let url = format!("{}{link}", who.app.url);
    let request = who.app.http.get(url).header("hx-request", "true");
    who.sends(request.header("hx-current-url", format!("{}{current}", who.app.url)))
        .await
}

fn one(page: &Page, selector: &str, attribute: &str) -> String {
    let found = page.attributes(selector, attribute);
    assert_eq!(found.len(), 1, "{selector}: {found:?}");
    found.into_iter().next().unwrap()
}

/// Rows of a group, in a whole page; a part begins within a table.
fn whole(part: &Page) -> Page {
    let text = match part.text.trim_start().starts_with("<tr") {
        true => format!("<table><tbody>{}</tbody></table>", part.text),
        false => format!("<table>{}</table>", part.text),
    };
    Page {
        status: part.status,
        headers: part.headers.clone(),
        text,
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.attributes("tr[id]", "id")
}

#[actix_web::test]
async fn a_group_opens_by_its_link_and_its_address_shows_it_open() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 3).await;
    let owner = app.owner();
    let closed = owner.opens("/connections").await;
    assert_eq!(one(&closed, ".toggle", "aria-expanded"), "false");
    assert!(ids(&closed).is_empty());
    let href = one(&closed, ".toggle", "href");
    assert_eq!(href, format!("/connections?open={}", host.client_id));
    let open = owner.opens(&href).await;
    assert_eq!(one(&open, ".toggle", "aria-expanded"), "true");
    assert_eq!(ids(&open).len(), 3);
    assert_eq!(
        open.all(".acts a"),
        [
            "Select all connections for this client",
            "Clear selection",
            "Client details"
        ]
    );
    assert_eq!(
        open.all(".inside thead th").join(" · "),
        "Select · Connection name · Project · Authorization date · Connected by · Status · Last used · Actions"
    );
    let again = owner.opens(&one(&open, ".toggle", "href")).await;
    assert!(ids(&again).is_empty());
}

#[actix_web::test]
async fn htmx_gets_the_group_alone_and_the_address_keeps_what_else_is_open() {
    let app = TestApp::spawn().await;
    let (host, server) = with_connections(&app, 2).await;
    let other = app.host("Claude").await;
    other.connects(&app.person("ben"), &server).await;
    let owner = app.owner();
    let page = owner.opens("/connections?sort=name").await;
    let links = page.attributes(".toggle", "data-hx-get");
    // Both links were made when nothing was open.
    let first = swaps(&owner, &links[0], "/connections?sort=name").await;
    let address = first.headers["hx-push-url"].to_str().unwrap().to_owned();
    assert_eq!(
        address,
        format!("/connections?sort=name&open={}", other.client_id)
    );
    let second = swaps(&owner, &links[1], &address).await;
    let both = second.headers["hx-push-url"].to_str().unwrap().to_owned();
    assert_eq!(owner.opens(&both).await.all("tr.inside").len(), 2);
    let part = whole(&second);
    assert_eq!(part.all("tr.group").len(), 1);
    assert_eq!(ids(&part).len(), 2);
    let shut = swaps(&owner, &one(&part, ".toggle", "data-hx-get"), &both).await;
    assert_eq!(shut.headers["hx-push-url"], address.as_str());
    assert!(ids(&whole(&shut)).is_empty());

    let direct = owner.opens(&links[0]).await;
    assert_eq!(direct.status, 303);
    assert_eq!(direct.headers["location"], address.as_str());
    let _ = host;
}

#[actix_web::test]
async fn a_group_shows_25_rows_and_25_more_without_skipping_or_repeating() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 60).await;
    let owner = app.owner();
    let href = format!("/connections?open={}", host.client_id);
    let mut page = owner.opens(&href).await;
    let mut seen = ids(&page);
    assert_eq!(seen.len(), 25);
    let without_scripts = owner.opens(&one(&page, ".more a", "href")).await;
    assert_eq!(without_scripts.all(".applied a"), ["MCP client: Cursor"]);
    assert_eq!(ids(&without_scripts).len(), 35);
    for rows in [25, 10] {
        assert_eq!(page.all(".more a"), ["Show 25 more"]);
        page = whole(&swaps(&owner, &one(&page, ".more a", "data-hx-get"), &href).await);
        assert_eq!(ids(&page).len(), rows);
        seen.extend(ids(&page));
    }
    assert!(page.all(".more a").is_empty());
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (60, 60));
}

#[actix_web::test]
async fn selecting_a_client_ticks_every_row_that_can_be_revoked() {
    let app = TestApp::spawn().await;
    let (_host, _server) = with_connections(&app, 100).await;
    let owner = app.owner();
    owner.revokes(&[&owner.newest_connection().await], "").await;
    let page = owner
        .opens("/connections?status=active&status=revoked")
        .await;
    let open = owner.opens(&one(&page, ".toggle", "href")).await;
    assert!(open.attributes("[name=id][checked]", "value").is_empty());
    let link = one(&open, "[data-select]", "href");
    let ticked = owner.opens(&link).await;
    assert_eq!(ticked.attributes("[name=id][checked]", "value").len(), 99);
    assert_eq!(
        one(&ticked, "#selection [name=back]", "value"),
        one(&page, ".toggle", "href")
    );
    let part = whole(
        &swaps(
            &owner,
            &one(&page, "[data-all]", "data-all"),
            "/connections",
        )
        .await,
    );
    assert_eq!(part.attributes("[name=id][checked]", "value").len(), 99);
    let cleared = owner
        .opens(&one(&ticked, ".acts [data-clear]", "href"))
        .await;
    assert!(cleared.attributes("[name=id][checked]", "value").is_empty());
    assert!(
        app.auditor()
            .opens(&link)
            .await
            .attributes("[name=id]", "value")
            .is_empty()
    );
}

#[actix_web::test]
async fn a_client_with_more_than_100_is_not_selected_but_revoked_as_what_matches() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 101).await;
    let owner = app.owner();
    let page = owner.opens("/connections?q=curs").await;
    let link = one(&page, "[data-all]", "data-all");
    let part = whole(&swaps(&owner, &link, "/connections?q=curs").await);
    assert!(part.attributes("[name=id][checked]", "value").is_empty());
    let said = part.all("[role=alert]").join("");
    assert!(
        said.contains("101 connections") && said.contains("at most 100"),
        "{said}"
    );
    let href = one(&part, "[role=alert] a", "href");
    assert_eq!(
        href,
        format!(
            "/connections/revoke-matching?q=curs&client={}",
            host.client_id
        )
    );
    assert_eq!(owner.opens(&href).await.status, 200);
}

#[actix_web::test]
async fn a_group_that_is_not_there_is_not_found() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 1).await;
    let (owner, ben) = (app.owner(), app.person("ben"));
    let missing = "01890000-0000-7000-8000-000000000000";
    for (who, query) in [
        (&owner, format!("group={missing}")),
        (&owner, "group=x".into()),
        (&owner, String::new()),
        (&owner, format!("view=list&group={}", host.client_id)),
        (&owner, format!("group={}&rows=x", host.client_id)),
        (&owner, format!("group={}&client={missing}", host.client_id)),
        (&ben, format!("view=client&group={}", host.client_id)),
    ] {
        let page = who.fetches(&format!("/connections/rows?{query}")).await;
        assert_eq!(page.status, 404, "{query}");
    }
}

/// Bytes on the wire: the head of the answer, and its compressed body.
async fn weight(who: &Person<'_>, path: &str, part: bool) -> usize {
    let (head, body) = weights(who, path, part).await;
    head + body
}

async fn weights(who: &Person<'_>, path: &str, part: bool) -> (usize, usize) {
    let url = format!("{}{path}", who.app.url);
    let mut request = who.app.http.get(url).header("accept-encoding", "br");
    if part {
        request = request.header("hx-request", "true");
    }
    let answer = who.answers_to(request).await;
    assert_eq!(answer.status(), 200, "{path}");
    let head: usize = answer
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let body = answer.bytes().await.unwrap();
    (head + "HTTP/1.1 200 OK\r\n\r\n".len(), body.len())
}

#[actix_web::test]
async fn screens_stay_within_their_weight() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let wiki = app.project("wiki", &[]).await;
    let hosts = ["Cursor", "Claude Code", "Visual Studio Code", "ChatGPT"];
    let mut last = None;
    for (number, name) in hosts.into_iter().enumerate() {
        let host = app.host(name).await;
        let people = if name == "ChatGPT" { 30 } else { 12 };
        for person in 0..people {
            let person = app.person(&format!(
                "{}.person{person}",
                ["ana", "ben", "zoe"][person % 3]
            ));
            let server = if (person.email.len() + number) % 2 == 0 {
                &server
            } else {
                &wiki
            };
            host.connects(&person, server).await;
            app.advance(std::time::Duration::from_secs(54_321));
        }
        last = Some(host);
    }
    let host = last.unwrap();
    let owner = app.owner();
    let static_files = owner.opens("/connections").await;
    let css = one(&static_files, "link[rel=stylesheet]", "href");
    let list = weight(&owner, "/connections?view=list", false).await;
    let css = weight(&owner, &css, false).await;
    assert!(list + css <= 14 * 1024, "first visit: {list} + {css}");
    for view in ["client", "person", "project", "list"] {
        let path = format!("/connections?view={view}");
        for part in [true, false] {
            let bytes = weight(&owner, &path, part).await;
            assert!(bytes <= 8 * 1024, "{path}: {bytes}");
        }
    }
    let rows = format!("/connections/rows?group={}", host.client_id);
    let (_, bytes) = weights(&owner, &rows, true).await;
    assert!(bytes <= 3 * 1024, "25 rows of a client: {bytes}");
    let mut scripts = 0;
    for script in static_files.attributes("script", "src") {
        scripts += weight(&owner, &script, false).await;
    }
    assert!(scripts <= 20 * 1024, "scripts: {scripts}");
}

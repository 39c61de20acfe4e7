//! Groups of connections: opening, paging, sorting and selecting what is in them.

use std::time::Duration;

use crate::{
    list::{groups, id_of, summary},
    support::{Host, McpServer, Page, Person, TestApp},
};

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

/// The address of the part of a list that belongs to this group, as `app.js` makes it of
/// a link to the list.
fn part_of(href: &str, group: &str) -> String {
    let list = href.split('#').next().unwrap();
    let (_, query) = list.split_once('?').unwrap_or((list, ""));
    format!("/connections/rows?{query}&group={group}")
}

/// The address of the rows after those of an open group.
fn rows_after(page: &Page, group: &str) -> String {
    let part = part_of(&one(page, ".more a", "href"), group);
    let after = one(page, ".more a", "data-after");
    format!("{part}&row_after={after}")
}

/// The address with which the tick-box of a closed group asks for it ticked.
fn ticked(list: &str, group: &str) -> String {
    let (_, query) = list.split_once('?').unwrap_or((list, ""));
    format!("/connections/rows?{query}&open={group}&select={group}&group={group}")
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
            "Client details",
            "Block client"
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
async fn a_group_that_is_a_project_leads_to_its_page_for_those_who_may_look() {
    let app = TestApp::spawn().await;
    with_connections(&app, 1).await;
    let page = "/projects/search".to_owned();
    for (person, leads) in [
        (app.owner(), vec![page.clone()]),
        (app.person("arthur"), vec![page.clone()]),
        (app.person("pablo"), vec![page]),
        (app.person("ana"), vec![]),
    ] {
        let list = person.opens("/connections?view=project").await;
        let open = person.opens(&one(&list, ".toggle", "href")).await;
        let links = open.attributes(".acts a:not(.pick, [data-clear])", "href");
        assert_eq!(links, leads, "{}", person.email);
        assert_eq!(
            open.all(".acts").join(" ").contains("Project details"),
            !leads.is_empty()
        );
    }
}

#[actix_web::test]
async fn htmx_gets_the_group_alone_and_the_address_keeps_what_else_is_open() {
    let app = TestApp::spawn().await;
    let (host, server) = with_connections(&app, 2).await;
    let other = app.host("Claude").await;
    other.connects(&app.person("ben"), &server).await;
    let owner = app.owner();
    let page = owner.opens("/connections?sort=name").await;
    let links: Vec<_> = std::iter::zip(
        page.attributes(".toggle", "href"),
        page.attributes("tbody[id]", "id"),
    )
    .map(|(href, group)| part_of(&href, &group))
    .collect();
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
    let shut = part_of(&one(&part, ".toggle", "href"), &host.client_id);
    let shut = swaps(&owner, &shut, &both).await;
    assert_eq!(shut.headers["hx-push-url"], address.as_str());
    assert!(ids(&whole(&shut)).is_empty());

    let direct = owner.opens(&links[0]).await;
    assert_eq!(direct.status, 303);
    assert_eq!(direct.headers["location"], address.as_str());
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
    for rows in [25, 10] {
        assert_eq!(page.all(".more a"), ["Show 25 more"]);
        page = whole(&swaps(&owner, &rows_after(&page, &host.client_id), &href).await);
        assert_eq!(ids(&page).len(), rows);
        seen.extend(ids(&page));
    }
    assert!(page.all(".more a").is_empty());
    // The address that it has now shows the same.
    let address = page.headers["hx-push-url"].to_str().unwrap();
    assert_eq!(address, format!("/connections?open={}.75", host.client_id));
    assert_eq!(ids(&owner.opens(address).await), seen);
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (60, 60));
}

#[actix_web::test]
async fn without_scripts_25_more_are_a_page_that_begins_where_the_link_was() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 60).await;
    let owner = app.owner();
    let first = format!("/connections?open={}", host.client_id);
    let page = owner.opens(&first).await;
    let link = one(&page, ".more a", "href");
    let (address, place) = link.split_once('#').unwrap();
    assert_eq!(address, format!("{first}.50"));
    assert_eq!(Some(place), ids(&page).last().map(String::as_str));
    let more = owner.opens(address).await;
    assert_eq!(ids(&more).len(), 50);
    assert_eq!(ids(&more)[..25], ids(&page)[..]);
    let link = one(&more, ".more a", "href");
    assert_eq!(ids(&owner.opens(&link).await).len(), 60);
}

#[actix_web::test]
async fn rows_after_the_500th_of_a_group_are_in_the_list_view() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 510).await;
    let owner = app.owner();
    let href = format!("/connections?open={}.500", host.client_id);
    let page = owner.opens(&href).await;
    assert_eq!(ids(&page).len(), 500);
    assert_eq!(page.all(".more a"), ["Show the others in the list view"]);
    let others = owner.opens(&one(&page, ".more a", "href")).await;
    assert_eq!(others.all(".applied a"), ["MCP client: Cursor"]);
    assert_eq!(ids(&others).len(), 10);
    for wrong in ["26", "525", "0", "-25", "x"] {
        let href = format!("/connections?open={}.{wrong}", host.client_id);
        assert_eq!(owner.opens(&href).await.status, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn rows_of_groups_are_sorted_by_every_column_but_the_actions() {
    let app = TestApp::spawn().await;
    let (host, server) = with_connections(&app, 1).await;
    for name in ["zoe", "ben"] {
        app.advance(std::time::Duration::from_secs(60));
        host.connects(&app.person(name), &server).await;
    }
    let owner = app.owner();
    let mut page = owner
        .opens(&format!("/connections?open={}", host.client_id))
        .await;
    assert_eq!(
        page.all(".inside thead a").join(" · "),
        "Connection name · Project · Authorization date · Connected by · Status · Last used"
    );
    let people = |page: &Page| {
        let emails = page.all(".inside .by a").into_iter();
        emails
            .map(|email| email.replace("@acme.example", ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(people(&page), ["ben", "zoe", "ana"]);
    assert_eq!(one(&page, ".inside [aria-sort]", "aria-sort"), "descending");
    for (sort, order) in [
        ("ascending", ["ana", "ben", "zoe"]),
        ("descending", ["zoe", "ben", "ana"]),
    ] {
        let link = page.attributes(".inside thead a", "href").remove(3);
        page = owner.opens(&link).await;
        assert_eq!(people(&page), order);
        assert_eq!(one(&page, ".inside [aria-sort]", "aria-sort"), sort);
        assert_eq!(page.all(".inside [aria-sort]"), ["Connected by"]);
    }
}

#[actix_web::test]
async fn selecting_a_client_ticks_every_row_that_can_be_revoked() {
    let app = TestApp::spawn().await;
    let (host, _server) = with_connections(&app, 100).await;
    let owner = app.owner();
    owner.revokes(&[&owner.newest_connection().await], "").await;
    let page = owner
        .opens("/connections?status=active&status=revoked")
        .await;
    let open = owner.opens(&one(&page, ".toggle", "href")).await;
    assert!(open.attributes("[name=id][checked]", "value").is_empty());
    let link = one(&open, ".pick", "href");
    let picked = owner.opens(&link).await;
    assert_eq!(picked.attributes("[name=id][checked]", "value").len(), 99);
    assert_eq!(
        one(&picked, "#selection [name=back]", "value"),
        format!("{}.100", one(&page, ".toggle", "href"))
    );
    let part = ticked("/connections?status=active&status=revoked", &host.client_id);
    let part = whole(&swaps(&owner, &part, "/connections").await);
    assert_eq!(part.attributes("[name=id][checked]", "value").len(), 99);
    let cleared = owner
        .opens(&one(&picked, ".acts [data-clear]", "href"))
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
    let list = "/connections?q=curs";
    assert_eq!(owner.opens(list).await.all("[data-all]").len(), 1);
    let part = whole(&swaps(&owner, &ticked(list, &host.client_id), list).await);
    assert!(part.attributes("[name=id][checked]", "value").is_empty());
    let said = part.all("[role=alert]").join("");
    assert!(
        said.contains("101 connections") && said.contains("at most 100"),
        "{said}"
    );
    let href = one(&part, "[role=alert] a", "href");
    let (all, back) = href.split_once("&back=").unwrap();
    assert!(
        back.starts_with("%2Fconnections%3Fq%3Dcurs%26open%3D"),
        "{back}"
    );
    assert_eq!(
        all,
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
        (&owner, format!("group={}&row_after=x", host.client_id)),
        (&owner, format!("group={}&client={missing}", host.client_id)),
        (&ben, format!("view=client&group={}", host.client_id)),
    ] {
        let page = who.fetches(&format!("/connections/rows?{query}")).await;
        assert_eq!(page.status, 404, "{query}");
    }
}

#[actix_web::test]
async fn what_an_administrator_has_at_another_project_is_one_group_of_its_client() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let pablo = app.person("pablo");
    let host = app.host("Cursor").await;
    for _ in 0..2 {
        host.connects(&pablo, &wiki).await;
    }
    let wiki = id_of(&app, "project", "slug", "wiki").await;
    for sort in ["used", "connections", "name"] {
        let query = format!("view=client&project={wiki}&sort={sort}");
        let page = pablo.opens(&format!("/connections?{query}")).await;
        assert_eq!(groups(&page), ["Cursor"], "{sort}");
        assert_eq!(summary(&page), "2 connections · 1 client", "{sort}");
    }
}

#[actix_web::test]
async fn a_group_says_when_its_last_use_may_be_of_connections_that_are_not_listed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    host.connects(&ana, &server).await;
    app.advance(Duration::from_secs(31 * 86_400));
    host.connects(&ben, &server).await;
    let owner = app.owner();
    for (status, said) in [
        ("status=expired", "just nowin any status"),
        ("status=active", "just now"),
        ("", "just now"),
    ] {
        let page = owner
            .opens(&format!("/connections?view=client&{status}"))
            .await;
        let used = page.all("tr.group td[data-label='Last used']");
        assert_eq!(used, [said], "{status:?}");
    }
    // Where nothing works, the latest is one of those.
    app.advance(Duration::from_secs(31 * 86_400));
    let page = owner.opens("/connections?view=client&status=expired").await;
    let used = page.all("tr.group td[data-label='Last used']");
    assert!(!used[0].contains("any status"), "{used:?}");
}

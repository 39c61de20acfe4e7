//! Attacks through a person's browser: forged forms, frames, scripts in names, lengths that
//! tell, other origins (RFC 9700 §4.7 and §4.16, OAuth 2.1 §7.10 to §7.12).

use serde_json::json;
use untether::app::{PAGE_ROUTES, Verb};

use crate::{
    access_role::Role,
    access_rows::{ROWS, Row},
    access_world::World,
    support::{Page, TestApp, path_of},
};

type Fields = Vec<(String, String)>;

/// The forms of a world's owner, filled in, with the path that they are posted to.
fn forms(world: &World) -> Vec<(&'static Row, String, Fields)> {
    let thing = &world.things[0][0];
    let posted = ROWS.iter().filter(|row| row.verb == Verb::Post);
    let filled = posted.map(|row| {
        let form = thing.fill(row.form);
        let fields = url::form_urlencoded::parse(form.as_bytes());
        (row, thing.fill(row.path), fields.into_owned().collect())
    });
    // Outside the demo there is no persona to choose.
    filled
        .filter(|(row, ..)| row.route != "/demo/persona")
        .collect()
}

#[actix_web::test]
async fn no_form_of_another_site_changes_anything() {
    let world = World::new(Role::Owner).await;
    let owner = world.person();
    let token = owner.form_token().await;
    let before = world.dump().await;
    let own = world.app.url.clone();
    let port = own.rsplit_once(':').unwrap().1;
    for (row, path, fields) in forms(&world) {
        let fields = [fields, vec![("csrf".to_owned(), token.clone())]].concat();
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1",
            &format!("{own}.evil.example"),
            &format!("{own}0"),
            &format!("https://127.0.0.1:{port}"),
            &format!("http://localhost:{port}"),
            &format!("{own}/"),
            "",
        ] {
            let page = owner.posts_from(&path, &fields, origin).await;
            assert_eq!(page.status, 403, "{} from {origin:?}", row.route);
        }
        for site in ["cross-site", "same-site", "nonsense", ""] {
            let request = world.app.http.post(format!("{own}{path}")).form(&fields);
            let page = owner.sends(request.header("sec-fetch-site", site)).await;
            assert_eq!(page.status, 403, "{} from {site:?}", row.route);
        }
    }
    assert_eq!(world.dump().await, before);
}

#[actix_web::test]
async fn no_form_without_a_token_of_this_person_and_day_changes_anything() {
    let world = World::new(Role::Owner).await;
    let owner = world.person();
    let other = world.app.person("ana").form_token().await;
    let good = owner.form_token().await;
    let before = world.dump().await;
    let (hour, mac) = good.split_once('.').unwrap();
    let later = hour.parse::<i64>().unwrap() + 1;
    for (row, path, fields) in forms(&world) {
        for token in [
            None,
            Some(""),
            Some("0"),
            Some(hour),
            Some(mac),
            Some(&other),
            Some(&good[..good.len() - 1]),
            Some(&format!("{later}.{mac}")),
            Some(&format!("-{good}")),
            Some(&format!("9223372036854775807.{mac}")),
        ] {
            let token = token.map(|token| ("csrf".to_owned(), token.to_owned()));
            let fields: Vec<_> = fields.iter().cloned().chain(token.clone()).collect();
            let page = owner.posts(&path, &fields).await;
            assert_eq!(page.status, 403, "{} with {token:?}", row.route);
        }
        let twice = ["", ""].map(|_| ("csrf".to_owned(), good.clone()));
        let page = owner.posts(&path, &[fields, twice.to_vec()].concat()).await;
        assert_eq!(page.status, 403, "{} with two", row.route);
    }
    assert_eq!(world.dump().await, before);
}

#[actix_web::test]
async fn every_form_there_is_takes_part_in_these_attacks() {
    let attacked = ROWS.iter().filter(|row| row.verb == Verb::Post);
    let attacked: Vec<_> = attacked.map(|row| row.route).collect();
    for entry in PAGE_ROUTES {
        match entry.verb {
            Verb::Get => {}
            Verb::Post => assert!(attacked.contains(&entry.path), "{}", entry.path),
            verb => panic!("{} answers to {verb:?}", entry.path),
        }
    }
}

/// Every page of an owner's, those that say no too.
async fn pages(world: &World) -> Vec<(String, Page)> {
    let thing = &world.things[0][0];
    let owner = world.person();
    let mut faulty = world.app.host("Faulty").await.request(None);
    faulty.retain(|(name, _)| *name != "code_challenge");
    // A picture is no page: what is said with it, logos.rs looks at.
    let gets = ROWS
        .iter()
        .filter(|row| row.verb == Verb::Get && !row.path.starts_with("/logos/"));
    let mut paths: Vec<_> = gets.map(|row| thing.fill(row.path)).collect();
    paths.extend([
        "/nothing".to_owned(),
        "/connections?status=nonsense".to_owned(),
        "/oauth/authorize".to_owned(),
        "/oauth/authorize?client_id=https://127.0.0.1/x".to_owned(),
        path_of(&faulty),
    ]);
    let mut pages = Vec::new();
    for path in paths {
        let page = owner.opens(&path).await;
        pages.push((path, page));
    }
    let unknown = world.app.person("");
    pages.push((
        "/connections".to_owned(),
        unknown.opens("/connections").await,
    ));
    let refused = owner.posts("/connections/revoke", &[]).await;
    pages.push(("a refused form".to_owned(), refused));
    pages
}

#[actix_web::test]
async fn no_page_can_be_framed_sniffed_kept_or_read_by_others() {
    let world = World::new(Role::Owner).await;
    for (path, page) in pages(&world).await {
        let header = |name: &str| match page.headers.get(name) {
            Some(value) => value.to_str().unwrap().to_owned(),
            None => panic!("{path} has no {name}"),
        };
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            !page.headers.contains_key("access-control-allow-origin"),
            "{path}"
        );
        if page.status == 200 {
            let caching = header("cache-control");
            let private = caching.contains("no-store") || caching.contains("private");
            assert!(private && !caching.contains("public"), "{path}: {caching}");
            assert!(
                page.headers.contains_key("vary") || caching.contains("no-store"),
                "{path}"
            );
        }
    }
}

#[actix_web::test]
async fn no_page_has_a_script_or_a_style_of_its_own() {
    let world = World::new(Role::Owner).await;
    for (path, page) in pages(&world).await {
        for selector in [
            "style",
            "script:not([src])",
            "[style]",
            "object",
            "embed",
            "base",
        ] {
            assert!(page.all(selector).is_empty(), "{path}: {selector}");
        }
        for event in ["onclick", "onload", "onerror", "onsubmit", "onfocus"] {
            let found = page.attributes(&format!("[{event}]"), event);
            assert!(found.is_empty(), "{path}: {found:?}");
        }
        let links = page.attributes("[href]", "href");
        assert!(
            links.iter().all(|href| !href.contains("javascript:")),
            "{path}"
        );
    }
}

const MARKUP: &str = "<img src=x onerror=alert(1)>\"'></title></textarea><script>";

#[actix_web::test]
async fn a_name_is_text_wherever_it_is_shown() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    app.database
        .execute("UPDATE project SET name = '<img src=x onerror=alert(1)>'")
        .await;
    let host = app.host(MARKUP).await;
    let ana = app.person("ana");
    let mut request = host.request(Some(&server.resource));
    request.push(("scope", "read".into()));
    request.retain(|(name, _)| *name != "state");
    request.push(("state", MARKUP.into()));
    let consent = ana.opens(&path_of(&request)).await;
    let code = ana.answers(&consent, "allow", &[]).await;
    host.redeems(&crate::support::query_of(&code)["code"]).await;
    app.database
        .execute("UPDATE people SET name = '<img src=x onerror=alert(1)>', email = '<img src=x>@x.example'")
        .await;
    let owner = app.owner();
    let id = owner.newest_connection().await;
    let ids = app
        .database
        .texts("SELECT client_id || '|' || person_id FROM connection")
        .await;
    let (client, person) = ids[0].split_once('|').unwrap();
    let revoke = format!("/connections/revoke?id={id}&back=/%22%3E%3Cimg%20src=x");
    let mut shown = vec![("consent".to_owned(), consent)];
    for path in [
        "/connections?view=list",
        "/connections?view=client",
        "/connections?view=person",
        "/connections?view=project",
        &format!("/connections/{id}"),
        &format!("/clients/{client}"),
        &format!("/people/{person}"),
        &revoke,
        &format!("/connections/revoke-matching?client={client}"),
        &format!(
            "/connections?q={}",
            "%3Cimg%20src=x%20onerror=alert(1)%3E%22"
        ),
        "/connections?status=%3Cimg%20src=x%3E",
        "/connections?%3Cimg%20src=x%3E=1",
        "/connections?person=%3Cimg%20src=x%3E@x",
        "/oauth/authorize?client_id=%3Cimg%20src=x%3E",
        "/oauth/authorize?client_id=https://%3Cimg%20src=x%3E/",
        "/%3Cimg%20src=x%3E",
    ] {
        shown.push((path.to_owned(), owner.opens(path).await));
    }
    let fields = [
        ("csrf".to_owned(), owner.form_token().await),
        ("id".to_owned(), id.clone()),
        ("reason".to_owned(), MARKUP.to_owned()),
    ];
    shown.push((
        "revoked".to_owned(),
        owner.posts("/connections/revoke", &fields).await,
    ));
    let revoked = owner.opens("/connections?view=list&status=revoked").await;
    assert!(revoked.text.contains("onerror"), "the reason is shown");
    shown.push(("revoked rows".to_owned(), revoked));
    for (path, page) in shown {
        assert!(!page.text.contains("<img src=x"), "{path}");
        assert!(
            !page.text.contains("></title></textarea><script>"),
            "{path}"
        );
        assert!(page.attributes("img", "onerror").is_empty(), "{path}");
    }
}

#[actix_web::test]
async fn the_length_of_a_page_tells_nothing_of_the_token_in_it() {
    // BREACH: what a stranger puts into the address is compressed together with the token.
    let world = World::new(Role::Owner).await;
    let owner = world.person();
    let thing = &world.things[0][0];
    let mut with_token = 0;
    for row in ROWS.iter().filter(|row| row.verb == Verb::Get) {
        let path = thing.fill(row.path);
        let tokens = async || {
            let page = owner.opens(&path).await;
            page.attributes("input[name=csrf]", "value")
        };
        let (first, second) = (tokens().await, tokens().await);
        let shared: Vec<_> = first
            .iter()
            .filter(|token| second.contains(token))
            .collect();
        with_token += first.len();
        let url = format!("{}{path}", world.app.url);
        let request = world
            .app
            .http
            .get(url)
            .header("accept-encoding", "br, gzip");
        let page = owner.sends(request).await;
        let compressed = page.headers.contains_key("content-encoding");
        assert!(shared.is_empty() || !compressed, "{path}");
    }
    assert!(with_token > 4, "there are pages with tokens");
}

#[actix_web::test]
async fn a_request_of_a_script_elsewhere_reads_and_does_nothing() {
    let world = World::new(Role::Owner).await;
    let thing = &world.things[0][0];
    let before = world.dump().await;
    for row in ROWS {
        let url = format!("{}{}", world.app.url, thing.fill(row.path));
        let preflight = world.app.http.request(reqwest::Method::OPTIONS, &url);
        let preflight = preflight
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "hx-request,content-type");
        let answer = world.person().sends(preflight).await;
        assert!(answer.status >= 400, "{}", row.route);
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{}",
            row.route
        );
    }
    // DNS rebinding: a page of another name that leads here.
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for origin in ["http://rebound.example", "null", ""] {
        let request = world.app.http.post(format!("{}/mcp", world.app.url));
        let request = request.header("origin", origin).json(&call);
        assert_eq!(request.send().await.unwrap().status(), 403, "{origin}");
    }
    assert_eq!(world.dump().await, before);
}

#[actix_web::test]
async fn a_search_is_text_and_no_pattern_or_statement() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    app.host("Plain").await.connects(&ana, &server).await;
    app.host("100%_'\"; DROP")
        .await
        .connects(&ana, &server)
        .await;
    for (q, rows) in [
        ("%", 1),
        ("_", 1),
        ("'", 1),
        ("\"", 1),
        ("' OR 1=1 --", 0),
        ("'; DROP TABLE connection; --", 0),
        ("* OR name:Plain", 0),
        ("Pl* ", 0),
        ("pl.*n", 0),
        ("\\", 0),
        ("pla\\in", 0),
        ("NEAR(a b)", 0),
        ("\0", 0),
        ("pl\0ain", 0),
        ("pl%in", 0),
        ("plai_", 0),
        ("100%_'\"; dr", 1),
        ("plain\" OR \"drop", 0),
        ("-drop", 0),
        ("plain", 1),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let page = ana
            .opens(&format!("/connections?view=list&q={query}"))
            .await;
        assert_eq!(page.status, 200, "{q}");
        assert_eq!(page.connections().len(), rows, "{q}");
    }
}

//! Invariant 4 for files: an export has exactly the rows of the list, for those
//! who may see them, and nothing in it does harm where it is opened.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use untether::turns::{Turn, Turns};

use crate::support::{Page, Person, TestApp};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const ALL: &str = "status=active&status=expired&status=revoked";

async fn rows(person: &Person<'_>, query: &str) -> Vec<Value> {
    let page = person.opens(&format!("/connections.json?{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text);
    serde_json::from_str(&page.text).unwrap()
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    let text = |row: &Value| row[name].as_str().unwrap_or("").to_owned();
    rows.iter().map(text).collect()
}

fn csv_rows(page: &Page) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(page.text.as_bytes());
    let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(|row| cells(row.unwrap())).collect()
}

#[actix_web::test]
async fn a_file_has_the_rows_of_the_list_with_ids_and_times() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let revoked = ana.newest_connection().await;
    ana.revokes(&[&revoked], "Lost,\nor \"stolen\" ü😀").await;
    app.advance(MINUTE);
    ana.allows(&host, &server).await;
    let waiting = ana.newest_connection().await;

    let all = rows(&ana, ALL).await;
    assert_eq!(column(&all, "id"), [waiting.clone(), revoked]);
    assert_eq!(column(&all, "status"), ["active", "revoked"]);
    assert_eq!(column(&rows(&ana, "").await, "id"), [waiting]);
    let [new, old] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(new["authorized_at"], "2026-06-01T12:01:00Z");
    assert_eq!(new["expires_at"], "2026-07-01T12:01:00Z");
    assert!(new["last_used_at"].is_null(), "it has never been used");
    assert_eq!(old["last_used_at"], "2026-06-01T12:00:00Z");
    assert_eq!(old["revoked_at"], "2026-06-01T12:00:00Z");
    assert_eq!(old["revoked_by"], "ana@acme.example");
    assert_eq!(old["client_origin"], "registered");
    assert_eq!(old["project_name"], "Project search");

    let page = ana.opens(&format!("/connections.csv?{ALL}")).await;
    assert!(page.text.contains("\r\n"));
    let table = csv_rows(&page);
    for (number, row) in all.iter().enumerate() {
        for (at, name) in table[0].iter().enumerate() {
            assert_eq!(
                row[name].as_str().unwrap_or(""),
                table[number + 1][at],
                "{name}"
            );
        }
    }
    let header = |name: &str| page.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"connections-2026-06-01.csv\""
    );
    assert_eq!(header("cache-control"), "no-store");
}

#[actix_web::test]
async fn everyone_exports_what_they_may_see() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, pablo) = (app.person("ana"), app.person("pablo"));
    let mut ids = Vec::new();
    for (person, server) in [(&pablo, &wiki), (&ana, &search), (&ana, &wiki)] {
        host.connects(person, server).await;
        ids.push(app.owner().newest_connection().await);
        app.advance(MINUTE);
    }
    for (person, sees) in [
        (app.owner(), vec![2, 1, 0]),
        (app.auditor(), vec![2, 1, 0]),
        (app.person("pablo"), vec![1, 0]),
        (app.person("ana"), vec![2, 1]),
        (app.person("stranger"), vec![]),
    ] {
        let expected: Vec<_> = sees.iter().map(|number| ids[*number].clone()).collect();
        let found = column(&rows(&person, "").await, "id");
        assert_eq!(found, expected, "{}", person.email);
        let csv = person.opens("/connections.csv").await;
        assert_eq!(csv_rows(&csv).len(), expected.len() + 1, "{}", person.email);
        let foreign = rows(&person, "q=ana").await.len();
        assert!(foreign <= expected.len());
    }
    for path in ["/connections.csv", "/connections.json"] {
        assert_eq!(app.get(path).await.status(), 401, "nobody is signed in");
    }
}

#[actix_web::test]
async fn a_bad_query_is_answered_with_the_same_page_as_the_list() {
    let app = TestApp::spawn().await;
    for query in [
        "status=gone",
        "view=table",
        "idle_days=0",
        "from=2026-02-30",
        "project=search",
        "sort=colour",
    ] {
        for path in ["/connections.csv", "/connections.json"] {
            let page = app.owner().opens(&format!("{path}?{query}")).await;
            assert_eq!(page.status, 400, "{query}");
            assert!(page.headers.get("content-disposition").is_none());
            assert_eq!(page.all("h1").len(), 1, "{}", page.text);
        }
    }
}

#[actix_web::test]
async fn no_name_becomes_a_formula() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app
        .host("=HYPERLINK(\"https://evil.example\",\"Café, \u{1F600}\")")
        .await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "@SUM(1)")
        .await;
    let page = ana.opens(&format!("/connections.csv?{ALL}")).await;
    let table = csv_rows(&page);
    let cell = |name: &str| {
        let at = table[0].iter().position(|column| column == name).unwrap();
        table[1][at].clone()
    };
    let name = "'=HYPERLINK(\"https://evil.example\",\"Café, \u{1F600}\")";
    assert_eq!(cell("client_name"), name);
    assert!(cell("name").starts_with("'="));
    assert_eq!(cell("revoked_reason"), "'@SUM(1)");
    assert_eq!(table.len(), 2);
}

/// A list of 1,300 rows of three clients, people and projects, in every status.
async fn crowd(app: &TestApp) {
    let servers = [
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    ];
    let hosts = [app.host("Cursor").await, app.host("Codex").await];
    let people = [app.person("ana"), app.person("bo"), app.person("cy")];
    for number in 0..6 {
        hosts[number % 2]
            .connects(&people[number % 3], &servers[number / 3])
            .await;
        app.advance(9 * DAY);
    }
    let ids = app
        .database
        .texts("SELECT id FROM connection ORDER BY id")
        .await;
    app.owner().revokes(&[&ids[1]], "").await;
    app.database.multiply(&ids[1], 300).await;
    app.database
        .execute("UPDATE connection SET id = '11' || substr(id, 3) WHERE id LIKE '01890000%'")
        .await;
    app.database.multiply(&ids[4], 994).await;
}

#[actix_web::test]
async fn a_long_file_has_every_row_once_and_in_order() {
    let app = TestApp::spawn().await;
    crowd(&app).await;
    let owner = app.owner();
    let everything = rows(&owner, ALL).await;
    assert_eq!(everything.len(), 1_300);
    let mut ids = column(&everything, "id");
    assert!(column(&everything, "authorized_at").is_sorted_by(|a, b| a >= b));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1_300);
    for (sort, name) in [("authorized", "authorized_at"), ("used", "last_used_at")] {
        let sorted = rows(&owner, &format!("{ALL}&view=list&sort={sort}&dir=asc")).await;
        assert_eq!(sorted.len(), 1_300);
        assert!(column(&sorted, name).is_sorted(), "{sort}");
    }
    let by_status = rows(&owner, &format!("{ALL}&view=list&sort=status")).await;
    assert!(column(&by_status, "status").is_sorted());
    let mut again = column(&by_status, "id");
    again.sort();
    assert_eq!(again, ids);
}

#[actix_web::test]
async fn filters_leave_exactly_the_rows_that_meet_them() {
    let app = TestApp::spawn().await;
    crowd(&app).await;
    let owner = app.owner();
    let everything = rows(&owner, ALL).await;
    let first = |name: &str| everything[7][name].as_str().unwrap().to_owned();
    type Condition<'a> = (String, Box<dyn Fn(&Value) -> bool + 'a>);
    let is = |name: &'static str, value: String| -> Box<dyn Fn(&Value) -> bool> {
        Box::new(move |row| row[name] == value.as_str())
    };
    let mut conditions: Vec<Condition> = Vec::new();
    for (parameter, name) in [
        ("project", "project_id"),
        ("person", "person_id"),
        ("client", "client_id"),
    ] {
        conditions.push((
            format!("{parameter}={}", first(name)),
            is(name, first(name)),
        ));
    }
    for status in ["active", "expired", "revoked"] {
        conditions.push((format!("status={status}"), is("status", status.into())));
    }
    conditions.push((
        "origin=registered".into(),
        is("client_origin", "registered".into()),
    ));
    conditions.push(("origin=api".into(), is("client_origin", "api".into())));
    conditions.push((
        "q=CODEX%2311".into(),
        Box::new(|row| row["name"].as_str().unwrap().starts_with("Codex#11")),
    ));
    conditions.push((
        "from=2026-06-10&to=2026-07-07".into(),
        Box::new(|row| {
            let day = &row["authorized_at"].as_str().unwrap()[..10];
            ("2026-06-10".."2026-07-08").contains(&day)
        }),
    ));
    let mut matched = 0;
    for (number, (one, meets_one)) in conditions.iter().enumerate() {
        for (other, meets_other) in &conditions[number..] {
            let both = format!("{one}&{other}");
            // Those that may stand once, and those of which any value will do.
            let twice = |name| both.matches(name).count() == 2;
            if ["status=", "from=", "q=", "origin="].into_iter().any(twice) {
                continue;
            }
            let status = if both.contains("status") { "" } else { ALL };
            let found = rows(&owner, &format!("{both}&{status}")).await;
            let expected = everything
                .iter()
                .filter(|row| meets_one(row) && meets_other(row));
            let expected: Vec<_> = expected.cloned().collect();
            assert_eq!(column(&found, "id"), column(&expected, "id"), "{both}");
            matched += found.len();
        }
    }
    assert!(matched > 1_000, "the conditions must meet something");
}

/// A turn for someone, as soon as what they exported before has given it back.
async fn turn(turns: &Arc<Turns>, person: &str) -> Turn {
    let wait = async {
        loop {
            match turns.take(person) {
                Ok(turn) => return turn,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap()
}

#[actix_web::test]
async fn long_exports_wait_for_their_turn_and_give_it_back() {
    let app = TestApp::spawn().await;
    crowd(&app).await;
    let owner = app.owner();
    let turns = &app.app.exports;
    let refused = async |why: &str| {
        let long = "/connections.csv?status=active&status=expired";
        let refused = owner.opens(long).await;
        assert_eq!(refused.status, 503);
        assert!(refused.text.contains(why), "{}", refused.text);
        let short = owner.opens("/connections.csv?origin=api").await;
        assert_eq!(short.status, 200, "a short one needs no turn");
    };
    let taken = ["ana", "bob", "eve"].map(|other| turns.take(other).unwrap());
    refused("Others are exporting").await;
    drop(taken);
    assert_eq!(rows(&owner, "").await.len(), 999);
    let mine = turn(turns, &owner.email).await;
    refused("You are exporting already").await;
    drop(mine);
    // Someone who goes away in the middle does not keep the turn either.
    let url = format!("{}/connections.csv", app.url);
    let request = app.http.get(url).header("x-forwarded-email", &owner.email);
    drop(request.send().await.unwrap());
    drop(turn(turns, &owner.email).await);
}

#[actix_web::test]
async fn a_file_has_all_its_headers_whoever_asks() {
    let app = TestApp::spawn().await;
    let url = format!("{}/connections.csv", app.url);
    let by_htmx = app.http.get(url).header("hx-request", "true");
    let file = app.owner().sends(by_htmx).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers["x-content-type-options"], "nosniff");
    assert!(file.headers.contains_key("content-security-policy"));
}

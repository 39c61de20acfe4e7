//! Invariants 1, 5, 6, 9 and 11 for revoking everything that matches a filter: it does
//! exactly what the preview counted, once, whatever happens meanwhile.

use std::time::Duration;

use futures_util::future::join_all;
use untether::domain::ids::ActId;

use crate::support::{Page, Person, TestApp, form_fields};

pub const PATH: &str = "/connections/revoke-matching";

/// The fields of a preview's form, filled in.
pub fn confirmation(
    preview: &Page,
    action: &str,
    count: &str,
    reason: &str,
) -> Vec<(String, String)> {
    let mut fields = form_fields(preview, action);
    fields.push(("count".into(), count.into()));
    fields.push(("reason".into(), reason.into()));
    fields
}

/// Previews and confirms with the right count.
async fn revokes_all(person: &Person<'_>, action: &str) -> Page {
    let preview = person.opens(action).await;
    assert_eq!(preview.status, 200, "{}", preview.text);
    let count = count_of(&preview);
    let fields = confirmation(&preview, action, &count, "");
    person.posts(action, &fields).await
}

/// The count that must be typed.
fn count_of(preview: &Page) -> String {
    let label = preview.all("label[for=count]").join("");
    let (_, rest) = label.split_once("Type ").expect("a count to type");
    rest.split(' ').next().unwrap().to_owned()
}

pub async fn revoked(app: &TestApp) -> usize {
    let query = "SELECT id FROM connection WHERE revoked_at IS NOT NULL";
    app.database.texts(query).await.len()
}

/// How often each connection was revoked, by the trail.
pub async fn revoked_events(app: &TestApp) -> usize {
    let query = "SELECT connection_id FROM audit_event WHERE action = 'connection.revoked'";
    let mut events = app.database.texts(query).await;
    let count = events.len();
    events.sort();
    events.dedup();
    assert_eq!(events.len(), count, "a connection was revoked twice");
    count
}

/// The counts that lists show, against the rows behind them.
pub async fn assert_counts_are_true(app: &TestApp) {
    let kept = "SELECT CAST(SUM(active) AS TEXT) || ' ' || CAST(SUM(revoked) AS TEXT)
                FROM connection_count";
    let rows = "SELECT CAST(COUNT(*) - COUNT(revoked_at) AS TEXT) || ' '
                    || CAST(COUNT(revoked_at) AS TEXT) FROM connection";
    assert_eq!(
        app.database.texts(kept).await,
        app.database.texts(rows).await
    );
}

#[actix_web::test]
async fn the_act_ends_exactly_what_the_preview_counted_and_once() {
    let app = TestApp::spawn().await;
    let (search, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let host = app.host("Cursor").await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    let laptop = host.connects(&ana, &search).await;
    let desktop = host.connects(&bo, &search).await;
    let elsewhere = host.connects(&ana, &wiki).await;
    let owner = app.owner();
    let action = format!(
        "{PATH}?project={}&sort=name&view=list",
        project_id(&app, "search").await
    );
    let preview = owner.opens(&action).await;
    assert_eq!(preview.all("h1"), ["Revoke 2 connections?"]);
    assert_eq!(preview.all("tbody tr").len(), 2);
    assert_eq!(
        preview.all(".breakdown dt"),
        ["Active", "Cursor", "Project search"]
    );
    assert_eq!(preview.all(".breakdown dd"), ["2"; 3]);
    assert_eq!(
        preview.all(".matching b")[0],
        "active or expired; project Project search"
    );

    let action = preview.attributes("form", "action")[0].clone();
    let fields = confirmation(&preview, &action, "2", "left the company");
    let answers = join_all((0..4).map(|_| owner.posts(&action, &fields))).await;
    assert!(answers.iter().all(|answer| answer.status == 303));
    assert!(!search.admits(&laptop.access).await && !search.admits(&desktop.access).await);
    assert!(wiki.admits(&elsewhere.access).await);
    assert_eq!(revoked_events(&app).await, 2);
    let acts = "SELECT detail || ', ' || reason || ', ' || actor FROM audit_event
                WHERE action = 'matching.revoked'";
    assert_eq!(
        app.database.texts(acts).await,
        [
            "2 connections: active or expired; project Project search, left the company, \
          olivia@acme.example"
        ]
    );
    assert_counts_are_true(&app).await;

    let again = owner.posts(&action, &fields).await;
    let location = again.headers["location"].to_str().unwrap();
    let result = owner.opens(location).await;
    assert_eq!(result.all("h1"), ["Revoked 2 connections"]);
    assert_eq!(
        result.all("#act [role=status]"),
        ["Revoked 2 connections. Clients stay registered."]
    );
    let nothing = owner.opens(&action).await;
    assert_eq!(nothing.all("h1"), ["Nothing to revoke"]);
    assert!(nothing.all("form[method=post]").is_empty());
}

async fn project_id(app: &TestApp, slug: &str) -> String {
    let query = format!("SELECT id FROM project WHERE slug = '{slug}'");
    app.database.texts(&query).await.remove(0)
}

#[actix_web::test]
async fn a_few_are_revoked_before_the_answer_which_goes_back_to_the_list() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    app.copies_the_connection(700).await;
    let owner = app.owner();
    let answer = revokes_all(&owner, &format!("{PATH}?q=cursor")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "/connections?q=cursor");
    assert_eq!(revoked(&app).await, 701);
    assert_eq!(
        owner
            .opens("/connections?view=list")
            .await
            .all("[role=status] .flash"),
        ["Revoked 701 connections. Clients stay registered."]
    );
}

#[actix_web::test]
async fn many_are_revoked_while_a_page_shows_how_far_it_is() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.copies_the_connection(1_200).await;
    let owner = app.owner();
    let preview = owner.opens(PATH).await;
    assert_eq!(preview.all("h1"), ["Revoke 1,201 connections?"]);
    assert_eq!(preview.all("tbody tr").len(), 100);
    // As the page spells it, and as people do.
    let fields = confirmation(&preview, PATH, "1,201", "");
    let answer = owner.posts(PATH, &fields).await;
    let act = answer.headers["location"].to_str().unwrap().to_owned();
    assert!(act.starts_with("/acts/"), "{act}");
    let mut said = owner.opens(&act).await;
    while said.all("#act [role=status]") == [""] {
        assert!(said.all("#act p")[0].ends_with(" of 1,201 revoked so far."));
        assert_eq!(said.attributes("#act", "data-hx-get"), [act.as_str()]);
        said = owner.fetches(&act).await;
    }
    assert!(
        said.attributes("#act", "data-hx-get").is_empty(),
        "asks no more"
    );
    assert_eq!(said.all("h1"), ["Revoked 1,201 connections"]);
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(revoked_events(&app).await, 1_201);
    assert_counts_are_true(&app).await;
}

#[actix_web::test]
async fn a_set_that_has_changed_is_shown_again_instead_of_acted_upon() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, owner) = (app.person("ana"), app.owner());
    host.connects(&ana, &server).await;
    host.connects(&ana, &server).await;
    let mut ended = 0;
    for (added, removed, said) in [
        (1, 0, "3 connections now, 2 before"),
        (0, 1, "2 connections now, 3 before"),
        (1, 1, "as many as before, but not the same ones"),
    ] {
        let preview = owner.opens(PATH).await;
        let fields = confirmation(&preview, PATH, &count_of(&preview), "all of it");
        if removed > 0 {
            ana.revokes(&[&ana.newest_active().await], "").await;
            ended += 1;
        }
        if added > 0 {
            app.advance(Duration::from_secs(1));
            host.connects(&ana, &server).await;
        }
        let answer = owner.posts(PATH, &fields).await;
        assert_eq!(answer.status, 409);
        assert!(
            answer.all("[role=alert]")[0].contains(said),
            "{}",
            answer.text
        );
        assert_eq!(answer.all("textarea"), ["all of it"]);
        assert_eq!(
            answer.attributes("#count", "value"),
            [""],
            "to be counted anew"
        );
        assert_eq!(revoked(&app).await, ended);
    }
    assert_eq!(revokes_all(&owner, PATH).await.status, 303);
    assert_eq!(revoked(&app).await, 4);
}

#[actix_web::test]
async fn a_connection_used_since_the_preview_is_not_idle_any_more() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.advance(Duration::from_secs(11 * 86_400));
    let owner = app.owner();
    let action = format!("{PATH}?idle_days=10");
    let preview = owner.opens(&action).await;
    assert_eq!(
        preview.all(".matching b")[0],
        "active or expired; not used for more than 10 days"
    );
    let fields = confirmation(&preview, &action, "1", "");
    let tokens = host.renews(&tokens).await;
    assert_eq!(owner.posts(&action, &fields).await.status, 409);
    assert!(server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn time_alone_does_not_change_what_was_previewed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    app.advance(Duration::from_secs(30 * 86_400 - 60));
    let owner = app.owner();
    let action = format!("{PATH}?status=active");
    let preview = owner.opens(&action).await;
    app.advance(Duration::from_secs(120));
    let fields = confirmation(&preview, &action, "1", "");
    assert_eq!(owner.posts(&action, &fields).await.status, 303);
    assert_eq!(revoked(&app).await, 1);
}

#[actix_web::test]
async fn what_was_typed_wrong_is_said_and_nothing_typed_is_lost() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    let owner = app.owner();
    let preview = owner.opens(PATH).await;
    let too_long = "x".repeat(501);
    for (count, reason) in [
        ("2", "lost"),
        ("", "lost"),
        ("one", "lost"),
        ("1", &too_long),
    ] {
        let fields = confirmation(&preview, PATH, count, reason);
        let answer = owner.posts(PATH, &fields).await;
        assert_eq!(answer.status, 400, "{count}");
        let said = answer.all("[role=alert]").remove(0);
        assert!(
            said.contains("Nothing was revoked.") || said.contains("Nothing was changed."),
            "{said}"
        );
        assert_eq!(answer.all("textarea"), [reason]);
        assert_eq!(answer.attributes("#count", "value"), [count]);
    }
    let fields = |change: (&str, &str)| {
        let fields = confirmation(&preview, PATH, "1", "");
        let changed = fields
            .into_iter()
            .map(|(name, value)| match name == change.0 {
                true => (name, change.1.to_owned()),
                false => (name, value),
            });
        changed.collect::<Vec<_>>()
    };
    for (change, status) in [
        (("act", "nonsense"), 400),
        (("at", "then"), 400),
        (("set", ""), 400),
        (("set", "1-00"), 409),
        (("set", "nonsense"), 400),
        (("csrf", ""), 403),
    ] {
        let answer = owner.posts(PATH, &fields(change)).await;
        assert_eq!(answer.status, status, "{change:?}: {}", answer.text);
    }
    let foreign = owner
        .posts_from(PATH, &fields(("", "")), "https://evil.example")
        .await;
    assert_eq!(foreign.status, 403);
    assert_eq!(owner.opens(&format!("{PATH}?status=odd")).await.status, 400);
    assert_eq!(revoked(&app).await, 0);
}

#[actix_web::test]
async fn everyone_revokes_what_they_may_change_and_no_more() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, pablo) = (app.person("ana"), app.person("pablo"));
    host.connects(&ana, &search).await;
    let wiki_tokens = host.connects(&ana, &wiki).await;
    host.connects(&pablo, &wiki).await;
    for (person, status) in [
        (app.auditor(), 404),
        (app.person("stranger"), 404),
        (app.owner(), 200),
    ] {
        assert_eq!(person.opens(PATH).await.status, status, "{}", person.email);
    }
    let fields = |csrf| {
        let id: ActId = app.app.secrets.new_id(app.now());
        vec![
            ("csrf".to_owned(), csrf),
            ("act".to_owned(), id.to_string()),
            ("at".to_owned(), app.now().millis().to_string()),
            ("set".to_owned(), "3-0".to_owned()),
            ("count".to_owned(), "3".to_owned()),
        ]
    };
    let auditor = app.auditor();
    let refused = auditor
        .posts(PATH, &fields(auditor.form_token().await))
        .await;
    assert_eq!(refused.status, 404);

    let preview = pablo.opens(PATH).await;
    assert_eq!(preview.all("h1"), ["Revoke 2 connections?"]);
    assert_eq!(revokes_all(&pablo, PATH).await.status, 303);
    assert_eq!(revoked(&app).await, 2);
    assert!(wiki.admits(&wiki_tokens.access).await);
    assert_eq!(revokes_all(&ana, PATH).await.status, 303);
    assert_eq!(revoked(&app).await, 3);
}

#[actix_web::test]
async fn what_is_asked_for_is_named_though_nothing_matches_and_never_by_an_id() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (owner, ana) = (app.owner(), app.person("ana"));
    let host = app.host("Cursor").await;
    host.connects(&ana, &server).await;
    let person = app
        .database
        .texts("SELECT person_id FROM connection")
        .await
        .remove(0);
    let query = format!(
        "status=expired&client={}&person={person}&person={}&idle_days=1&origin=registered",
        host.client_id, host.client_id
    );
    let page = owner.opens(&format!("{PATH}?{query}")).await;
    let words = page.all("main b").remove(0);
    for part in [
        "client Cursor",
        "ana@acme.example",
        "unknown",
        "not used for more than 1 day;",
        "client origin Registered itself",
    ] {
        assert!(format!("{words};").contains(part), "{part}: {words}");
    }
    assert!(
        !words.contains(&person) && !words.contains(&host.client_id),
        "{words}"
    );
}

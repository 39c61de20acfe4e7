//! Attacks by people who are signed in: on what is not theirs, by forms made for another,
//! by ids in odd places (invariants 5 and 9).

use serde_json::Value;

use crate::support::{Page, Person, TestApp, form_fields};

/// Whether two answers say the same, but for the number of the request.
fn alike(one: &Page, other: &Page) -> bool {
    let bare = |page: &Page| {
        let mut headers = page.headers.clone();
        for name in ["date", "x-request-id", "etag"] {
            headers.remove(name);
        }
        (page.status, format!("{headers:?}").len(), page.bare())
    };
    bare(one) == bare(other)
}

/// A column of the only connection of somebody.
async fn of(app: &TestApp, name: &str, column: &str) -> String {
    let query = format!(
        "SELECT connection.{column} FROM connection
         JOIN people ON people.id = connection.person_id
         WHERE people.email = '{name}@acme.example'"
    );
    app.database.texts(&query).await.remove(0)
}

async fn confirms(person: &Person<'_>, connections: &[&str]) -> Page {
    let token = ("csrf".to_owned(), person.form_token().await);
    let ids = connections
        .iter()
        .map(|id| ("id".to_owned(), (*id).to_owned()));
    let fields: Vec<_> = ids.chain([token]).collect();
    person.posts("/connections/revoke", &fields).await
}

#[actix_web::test]
async fn an_id_that_is_not_ones_own_is_answered_like_one_that_never_was() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    app.host("Cursor").await.connects(&ana, &server).await;
    app.host("Claude").await.connects(&bo, &server).await;
    let missing = "01890000-0000-7000-8000-000000000000";
    for (column, paths) in [
        (
            "id",
            &["/connections/{}", "/connections/revoke?id={}", "/acts/{}"][..],
        ),
        (
            "client_id",
            &["/clients/{}", "/connections/revoke-matching?client={}"],
        ),
        (
            "person_id",
            &["/people/{}", "/connections/revoke-matching?person={}"],
        ),
    ] {
        let theirs = &of(&app, "ana", column).await;
        for path in paths {
            let foreign = bo.opens(&path.replace("{}", theirs)).await;
            let unknown = bo.opens(&path.replace("{}", missing)).await;
            let unknown = Page {
                text: unknown.text.replace(missing, theirs),
                ..unknown
            };
            assert!(alike(&foreign, &unknown), "{path}: {}", foreign.text);
            assert!(!foreign.text.contains("Cursor"), "{path}");
        }
    }
}

#[actix_web::test]
async fn an_id_slipped_into_ones_own_form_revokes_nothing() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    let host = app.host("Cursor").await;
    let victim = host.connects(&ana, &server).await;
    let own = host.connects(&bo, &server).await;
    let (theirs, mine) = (&of(&app, "ana", "id").await, &of(&app, "bo", "id").await);
    assert_eq!(confirms(&bo, &[theirs]).await.status, 404);
    assert_eq!(
        confirms(&bo, &[mine, theirs]).await.status,
        409,
        "all or none"
    );
    assert!(server.admits(&victim.access).await && server.admits(&own.access).await);
    assert_eq!(confirms(&app.auditor(), &[theirs, mine]).await.status, 404);
    assert!(server.admits(&victim.access).await && server.admits(&own.access).await);
}

#[actix_web::test]
async fn a_confirmation_made_for_one_person_is_of_no_use_to_another() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let tokens = app.host("Cursor").await.connects(&ana, &server).await;
    let client = of(&app, "ana", "client_id").await;
    let path = format!("/connections/revoke-matching?view=list&client={client}");
    let preview = app.owner().opens(&path).await;
    let mut fields = form_fields(&preview, &path);
    if fields.is_empty() {
        let hidden = |name: &str| {
            let value = preview.attributes(&format!("form input[name={name}]"), "value");
            (name.to_owned(), value[0].clone())
        };
        fields = ["csrf", "act", "at", "set"].map(hidden).to_vec();
    }
    fields.push(("count".to_owned(), "1".to_owned()));
    let stranger = app.person("mallory");
    // With the owner's token, and with their own in its place.
    assert_eq!(stranger.posts(&path, &fields).await.status, 403);
    for person in [&stranger, &app.auditor()] {
        let mut own = fields.clone();
        own.retain(|(name, _)| name != "csrf");
        own.push(("csrf".to_owned(), person.form_token().await));
        assert_eq!(person.posts(&path, &own).await.status, 404);
    }
    assert!(server.admits(&tokens.access).await);
    assert_eq!(app.owner().posts(&path, &fields).await.status, 303);
    assert!(!server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn an_act_that_was_done_is_not_done_again_to_what_came_after() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let host = app.host("Cursor").await;
    host.connects(&ana, &server).await;
    let client = of(&app, "ana", "client_id").await;
    let path = format!("/connections/revoke-matching?view=list&client={client}");
    let owner = app.owner();
    let preview = owner.opens(&path).await;
    let hidden = |name: &str| {
        let value = preview.attributes(&format!("form input[name={name}]"), "value");
        (name.to_owned(), value[0].clone())
    };
    let mut fields = ["csrf", "act", "at", "set"].map(hidden).to_vec();
    fields.push(("count".to_owned(), "1".to_owned()));
    assert_eq!(owner.posts(&path, &fields).await.status, 303);
    let later = host.connects(&ana, &server).await;
    for _ in 0..3 {
        owner.posts(&path, &fields).await;
    }
    assert!(server.admits(&later.access).await);
}

#[actix_web::test]
async fn a_filter_reveals_no_more_than_the_list_does() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    app.host("Cursor").await.connects(&ana, &server).await;
    app.host("Claude").await.connects(&bo, &server).await;
    let [client, person] = [
        of(&app, "ana", "client_id").await,
        of(&app, "ana", "person_id").await,
    ];
    for query in [
        format!("client={client}"),
        format!("person={person}"),
        "q=Cursor".to_owned(),
        "q=ana@acme".to_owned(),
        format!("q={client}"),
    ] {
        for view in ["list", "client", "person", "project"] {
            let page = bo.opens(&format!("/connections?view={view}&{query}")).await;
            assert_eq!(page.status, 200, "{view} {query}");
            let text = page.all("table").join(" ");
            assert!(
                !text.contains("ana@") && !text.contains("Cursor"),
                "{view} {query}"
            );
        }
        let file = bo.opens(&format!("/connections.json?{query}")).await;
        let rows: Vec<Value> = serde_json::from_str(&file.text).unwrap();
        assert!(rows.is_empty(), "{query}");
    }
    // An e-mail is refused alike, whether somebody has it or nobody.
    let known = bo.opens("/connections?person=ana@acme.example").await;
    let unknown = bo.opens("/connections?person=nil@acme.example").await;
    assert_eq!(known.status, 400);
    assert_eq!(known.bare().replace("ana@", "nil@"), unknown.bare());
}

#[actix_web::test]
async fn a_member_of_nothing_is_told_of_no_project() {
    let app = TestApp::spawn().await;
    app.project("secret-merger", &[]).await;
    app.project("wiki", &[]).await;
    app.database
        .execute("UPDATE project SET members = 'nobody@acme.example' WHERE slug = 'secret-merger'")
        .await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let asked = "https://secret-merger.acme.example/mcp";
    for path in [
        host.authorize_path(None),
        host.authorize_path(Some(asked)),
        format!("{}&project=secret-merger", host.authorize_path(None)),
        "/connections?project=secret-merger".to_owned(),
        "/projects/secret-merger/check".to_owned(),
        "/me".to_owned(),
    ] {
        let page = ana.opens(&path).await;
        assert!(!page.text.contains("Project secret-merger"), "{path}");
    }
}

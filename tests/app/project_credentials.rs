//! Introspection credentials: made on the page, several at a time, shown once.

use std::time::Duration;

use crate::support::{Page, Person, TestApp, form_fields};

const MAKE: &str = "/projects/search/credentials";

/// Sends the form on a project's page; returns the answer and what was sent.
async fn makes(person: &Person<'_>, others: &str) -> (Page, Vec<(String, String)>) {
    let page = person.opens("/projects/search").await;
    let mut form = form_fields(&page, MAKE);
    form.push(("others".into(), others.into()));
    (person.posts(MAKE, &form).await, form)
}

/// The id and secret on the page that shows them.
fn shown(page: &Page) -> (String, String) {
    assert_eq!(page.status, 200, "{}", page.text);
    let codes = page.all(".copied code");
    (codes[0].clone(), codes[1].clone())
}

async fn asks(app: &TestApp, (id, secret): &(String, String)) -> u16 {
    let url = format!("{}/oauth/introspect", app.url);
    let request = app.http.post(url).basic_auth(id, Some(secret));
    let answer = request.form(&[("token", "x")]).send().await.unwrap();
    answer.status().as_u16()
}

#[actix_web::test]
async fn a_secret_is_shown_once_and_works() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let pablo = app.person("pablo");
    let (page, form) = makes(&pablo, "keep").await;
    let made = shown(&page);
    assert_eq!(asks(&app, &made).await, 200);
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.headers.get("set-cookie").is_none(), "no cookie has it");
    // Sent again, by a double click or a reload, nothing is made or shown.
    let again = pablo.posts(MAKE, &form).await;
    assert_eq!(again.status, 303);
    let after = pablo.opens("/projects/search").await;
    assert!(after.text.contains("could be shown only once"));
    for page in [again, after, pablo.opens("/projects/search").await] {
        assert!(!page.text.contains(&made.1));
        assert!(!format!("{:?}", page.headers).contains(&made.1));
    }
    assert_eq!(
        app.database
            .texts("SELECT id FROM project_credential")
            .await
            .len(),
        2
    );
    assert!(!app.database.dump().await.contains(&made.1));
    assert!(!crate::secrecy::logs().contains(&made.1));
}

#[actix_web::test]
async fn the_file_holds_what_was_just_shown_for_whoever_shows_it_back() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    let owner = app.owner();
    let (page, _) = makes(&owner, "keep").await;
    let (id, secret) = shown(&page);
    let path = format!("{MAKE}/{id}/file");
    let file = owner.posts(&path, &form_fields(&page, &path)).await;
    assert_eq!(
        file.text,
        format!(
            "UNTETHER_INTROSPECTION_ENDPOINT={}/oauth/introspect\nUNTETHER_CREDENTIAL_ID={id}\n\
             UNTETHER_CREDENTIAL_SECRET={secret}\n",
            app.url
        )
    );
    assert_eq!(
        file.headers["content-disposition"],
        "attachment; filename=\"untether-search.txt\""
    );
    assert_eq!(file.headers["cache-control"], "no-store");
    let csrf = ("csrf".to_owned(), owner.form_token().await);
    let wrong = [csrf.clone(), ("secret".to_owned(), server.secret)];
    assert_eq!(owner.posts(&path, &wrong).await.status, 400);
    let right = [csrf, ("secret".to_owned(), secret)];
    let elsewhere = format!("/projects/wiki/credentials/{id}/file");
    assert_eq!(owner.posts(&elsewhere, &right).await.status, 404);
}

#[actix_web::test]
async fn a_rotated_credential_works_until_the_overlap_has_passed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let old = (server.id.clone(), server.secret.clone());
    let owner = app.owner();
    let new = shown(&makes(&owner, "day").await.0);
    app.advance(Duration::from_secs(86_399));
    assert_eq!(asks(&app, &old).await, 200);
    let page = owner.opens("/projects/search").await;
    assert!(page.text.contains("Works until"), "{}", page.text);
    app.advance(Duration::from_secs(1));
    assert_eq!(asks(&app, &old).await, 401);
    assert_eq!(asks(&app, &new).await, 200);
    assert!(owner.opens("/projects/search").await.text.contains("Ended"));
    // A later overlap brings back nothing and gives no more time.
    makes(&owner, "week").await;
    let third = shown(&makes(&owner, "hour").await.0).0;
    makes(&owner, "week").await;
    let details = "SELECT detail FROM audit_event
                   WHERE action = 'credential.made' AND detail LIKE '%168 hours%'
                   ORDER BY detail";
    let details = app.database.texts(details).await;
    let said = |id: &str| format!("{id} works for 168 hours more.");
    assert!(details.iter().any(|detail| detail.contains(&said(&third))));
    let again = details
        .iter()
        .filter(|detail| detail.contains(&said(&new.0)));
    assert_eq!(again.count(), 1, "not once it ends sooner: {details:?}");
    assert_eq!(asks(&app, &old).await, 401);
    app.advance(Duration::from_secs(3600));
    assert_eq!(asks(&app, &new).await, 401);
}

#[actix_web::test]
async fn a_credential_is_revoked_after_a_question_that_counts_the_others() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let old = (server.id.clone(), server.secret.clone());
    let owner = app.owner();
    let path = format!("{MAKE}/{}/revoke", old.0);
    let page = owner.opens(&path).await;
    assert!(
        page.text
            .contains("No other credential of this project works")
    );
    makes(&owner, "keep").await;
    let page = owner.opens(&path).await;
    assert!(page.text.contains("Another one works."));
    let form = form_fields(&page, &path);
    assert_eq!(owner.posts(&path, &form).await.status, 303);
    assert_eq!(asks(&app, &old).await, 401);
    assert_eq!(owner.posts(&path, &form).await.status, 303);
    assert!(
        owner
            .opens("/projects")
            .await
            .text
            .contains("had been revoked before")
    );
    assert_eq!(
        owner.opens(&path).await.status,
        404,
        "there is nothing left to ask"
    );
    let trail = "SELECT action FROM audit_event WHERE action LIKE 'credential.%' ORDER BY action";
    assert_eq!(
        app.database.texts(trail).await,
        ["credential.made", "credential.revoked"]
    );
}

#[actix_web::test]
async fn nobody_reaches_a_credential_through_another_project() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let wiki = app.project("wiki", &[]).await;
    let pablo = app.person("pablo");
    let csrf = ("csrf".to_owned(), pablo.form_token().await);
    let path = format!("{MAKE}/{}/revoke", wiki.id);
    assert_eq!(pablo.opens(&path).await.status, 404);
    assert_eq!(
        pablo.posts(&path, std::slice::from_ref(&csrf)).await.status,
        404
    );
    // Nor is the id of another's taken for one's own.
    let form = [csrf, ("credential".to_owned(), wiki.id.clone())];
    let answer = pablo.posts(MAKE, &form).await;
    assert_eq!(answer.status, 303);
    assert_eq!(asks(&app, &(wiki.id, wiki.secret)).await, 200);
}

#[actix_web::test]
async fn ten_credentials_are_enough_and_a_wrong_form_makes_none() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    for _ in 0..9 {
        assert_eq!(makes(&owner, "keep").await.0.status, 200);
    }
    assert_eq!(makes(&owner, "keep").await.0.status, 409);
    assert_eq!(makes(&owner, "year").await.0.status, 400);
    let csrf = ("csrf".to_owned(), owner.form_token().await);
    for wrong in ["", "x", "\0"] {
        let form = [csrf.clone(), ("credential".to_owned(), wrong.to_owned())];
        assert_eq!(owner.posts(MAKE, &form).await.status, 400);
    }
    assert_eq!(
        app.database
            .texts("SELECT id FROM project_credential")
            .await
            .len(),
        10
    );
}

#[actix_web::test]
async fn the_last_use_of_a_credential_is_recorded_once_a_minute() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let credential = (server.id.clone(), server.secret.clone());
    let record = async || {
        app.app.asked.record(&app.app.db).await.unwrap();
        let used = "SELECT COALESCE(CAST(last_used_at AS TEXT), 'never') FROM project_credential";
        app.database.texts(used).await.remove(0)
    };
    asks(&app, &(server.id.clone(), "wrong".to_owned())).await;
    assert_eq!(record().await, "never");
    asks(&app, &credential).await;
    let first = record().await;
    assert_eq!(first, app.now().millis().to_string());
    app.advance(Duration::from_secs(59));
    asks(&app, &credential).await;
    assert_eq!(record().await, first);
    app.advance(Duration::from_secs(1));
    asks(&app, &credential).await;
    assert_ne!(record().await, first);
}

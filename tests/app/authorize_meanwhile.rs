//! What a person allows is what they were shown, whatever was changed while they read.

use untether::{
    domain::project::{OfferedScope, Slug},
    flow::project::{self, Edit, Edited},
};

use crate::support::{Page, Person, TestApp, Tokens, form_fields, path_of, query_of};

/// Changes a project as its administrators do.
async fn changes(app: &TestApp, edit: Edit) {
    let mut tx = app.app.db.write().await.unwrap();
    let slug = Slug::parse("search").unwrap();
    let edited = project::edit(&mut tx, &app.context(), &slug, edit).await;
    assert!(matches!(edited.unwrap(), Edited::Done(_)));
    tx.commit().await.unwrap();
}

/// Allows on a page that shows something else by now; the page that asks again.
async fn is_asked_again(person: &Person<'_>, page: &Page) -> Page {
    let mut fields = form_fields(page, "/oauth/authorize");
    let filled = [("decision", "allow"), ("ticked", "write")];
    fields.extend(filled.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let again = person.posts("/oauth/authorize", &fields).await;
    assert_eq!(again.status, 200, "{}", again.text);
    let said = again.all(".flash").join("");
    assert!(said.contains("changed while you read"), "{said}");
    for table in ["people", "connection", "authorization_code"] {
        let rows = format!("SELECT '' FROM {table}");
        assert!(person.app.database.texts(&rows).await.is_empty(), "{table}");
    }
    again
}

#[actix_web::test]
async fn nothing_is_granted_that_was_changed_while_a_person_read() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let shown = |page: &Page| page.all("fieldset li");
    let scope = |name: &str, words: &str, optional| Edit {
        scopes: vec![OfferedScope::parse(name, words, optional).unwrap()],
        ..Edit::default()
    };
    let page = ana.is_asked(&host, &server).await;
    changes(&app, scope("delete", "Use delete", false)).await;
    let page = is_asked_again(&ana, &page).await;
    assert!(shown(&page).join("").contains("Use delete"));
    changes(&app, scope("write", "Use write", false)).await;
    let page = is_asked_again(&ana, &page).await;
    assert!(page.attributes("input[name=ticked]", "value").is_empty());
    changes(&app, scope("read", "Read and tell everyone", false)).await;
    let page = is_asked_again(&ana, &page).await;
    assert!(shown(&page).join("").contains("tell everyone"));
    // What was shown is the same again.
    changes(&app, scope("read", "Use read", false)).await;
    changes(&app, scope("read", "Read and tell everyone", false)).await;
    let code = &query_of(&ana.answers(&page, "allow", &[]).await)["code"];
    let body: serde_json::Value = host.redeems(code).await.json().await.unwrap();
    assert_eq!(body["scope"], "delete read write");
}

#[actix_web::test]
async fn a_no_is_a_no_whatever_was_changed_while_a_person_read() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let scopes = vec![OfferedScope::parse("delete", "Use delete", false).unwrap()];
    let wider = Edit {
        scopes,
        ..Edit::default()
    };
    changes(&app, wider).await;
    let back = query_of(&ana.answers(&page, "deny", &[]).await);
    assert_eq!(back["error"], "access_denied");
}

#[actix_web::test]
async fn another_project_than_was_shown_is_not_what_was_allowed() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.opens(&host.authorize_path(None)).await;
    assert!(page.all("h1").join("").contains("Project search"));
    app.database
        .execute("UPDATE project SET archived_at = 1 WHERE slug = 'search'")
        .await;
    let wiki = app.project("wiki", &[]).await;
    let page = is_asked_again(&ana, &page).await;
    assert!(page.all("h1").join("").contains("Project wiki"));
    let code = &query_of(&ana.answers(&page, "allow", &[]).await)["code"];
    let tokens = Tokens::of(&host.redeems(code).await.json().await.unwrap());
    assert!(wiki.admits(&tokens.access).await);
}

#[actix_web::test]
async fn another_client_than_was_shown_is_not_what_was_allowed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (host, other) = (app.host("Cursor").await, app.host("Zed").await);
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let swapped = page.text.replace(&host.client_id, &other.client_id);
    let page = is_asked_again(
        &ana,
        &Page {
            text: swapped,
            ..page
        },
    )
    .await;
    assert!(page.all("h1")[0].starts_with("Zed asks"));
}

#[actix_web::test]
async fn another_address_or_name_than_was_shown_is_not_what_was_allowed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for (change, shown) in [
        ("UPDATE client SET name = 'Zed'", "Zed"),
        ("UPDATE project SET name = 'Payroll'", "Payroll"),
    ] {
        let page = ana.is_asked(&host, &server).await;
        app.database.execute(change).await;
        let page = is_asked_again(&ana, &page).await;
        assert!(page.text.contains(shown), "{change}");
    }
    // An address that the client did not name is the only one that it has.
    let mut request = host.request(Some(&server.resource));
    request.retain(|(name, _)| *name != "redirect_uri");
    let page = ana.opens(&path_of(&request)).await;
    assert!(page.text.contains("Sends you back to"), "{}", page.text);
    let changed = "UPDATE redirect_uri SET uri = 'https://evil.example/cb'";
    app.database.execute(changed).await;
    let page = is_asked_again(&ana, &page).await;
    assert!(page.text.contains("evil.example"));
}

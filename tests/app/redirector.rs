//! RFC 9700 §4.11: the authorization endpoint sends nobody to an address that anybody
//! could have registered, unless the person has decided so.

use serde_json::json;

use crate::support::{Host, Page, Person, TestApp, path_of, query_of};

const REMOTE: &str = "https://evil.example/landing?a=1";

/// A host whose answers go to this address.
pub async fn host<'a>(app: &'a TestApp, redirect_uri: &str) -> Host<'a> {
    let metadata = json!({
        "client_name": "Cursor",
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "none",
    });
    Host::registered(app, &metadata).await
}

/// Opens a request of the host's in which something is missing.
async fn opens_a_faulty_request(person: &Person<'_>, host: &Host<'_>) -> Page {
    let mut pairs = host.request(None);
    pairs.retain(|(name, _)| *name != "code_challenge");
    person.opens(&path_of(&pairs)).await
}

#[actix_web::test]
async fn a_faulty_request_of_a_stranger_leads_nowhere_without_a_click() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let ana = app.person("ana");
    let stranger = host(&app, REMOTE).await;
    let page = opens_a_faulty_request(&ana, &stranger).await;
    assert_eq!(page.status, 400);
    assert!(!page.headers.contains_key("location"));
    let text = page.all("main").join(" ");
    assert!(
        text.contains("an address that the app chose itself"),
        "{text}"
    );
    assert!(text.contains("code_challenge"), "{text}");
    let href = page.attributes("main a.button", "href").remove(0);
    assert!(
        href.starts_with("https://evil.example/landing?a=1&error="),
        "{href}"
    );
    let query = query_of(&href);
    assert_eq!(query["error"], "invalid_request");
    assert_eq!(query["state"], "a state & more");
    assert_eq!(query["iss"], format!("{}/oauth", app.url));
}

#[actix_web::test]
async fn a_faulty_request_is_told_at_once_where_nobody_can_be_led_astray() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let ana = app.person("ana");
    for own_machine in ["http://127.0.0.1:4/cb", "cursor://anysphere.cursor-mcp/cb"] {
        let page = opens_a_faulty_request(&ana, &host(&app, own_machine).await).await;
        assert_eq!(page.status, 303, "{own_machine}");
    }
    let known = host(&app, REMOTE).await;
    app.database
        .execute(&format!(
            "UPDATE client SET origin = 'console' WHERE id = '{}'",
            known.client_id
        ))
        .await;
    assert_eq!(opens_a_faulty_request(&ana, &known).await.status, 303);
}

#[actix_web::test]
async fn an_answer_of_the_person_leads_anywhere_that_is_registered() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    let stranger = host(&app, REMOTE).await;
    for decision in ["deny", "allow"] {
        let page = ana.is_asked(&stranger, &server).await;
        let location = ana.answers(&page, decision, &[]).await;
        assert!(location.starts_with(REMOTE), "{location}");
    }
}

//! The form of a new client is filled in for hosts, and what was typed stays.

use crate::support::{Page, Person, TestApp};

const CLIENTS: &str = "/projects/search/clients";
const NEW: &str = "/projects/search/clients/new";

type Field = (&'static str, String);

/// What stands in the form, as a browser sends it.
fn typed(page: &Page) -> Vec<Field> {
    let checked = |name| page.attributes(&format!("[name={name}][checked]"), "value");
    let fields = [
        ("name", page.attributes("#name", "value")),
        ("type", checked("type")),
        ("logo", checked("logo")),
        ("redirect_uris", page.raw("#redirect-uris")),
    ];
    fields
        .map(|(name, values)| (name, values.concat()))
        .to_vec()
}

/// Presses the button of a host, with this typed.
async fn turns(person: &Person<'_>, page: &Page, host: &str, typed: &[Field]) -> Page {
    let typed: Vec<_> = typed.iter().map(|(name, text)| (*name, &**text)).collect();
    let place = page
        .all(".chips button")
        .iter()
        .position(|name| name == host);
    let key = &page.attributes(".chips button", "value")[place.unwrap()];
    let typed = [&typed[..], &[("host", key)]].concat();
    let page = person.fills(page, NEW, &typed).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page
}

fn uris(page: &Page) -> String {
    page.raw("#redirect-uris")[0].trim().to_owned()
}

const CHOSEN: &str = ".chips [aria-pressed=true]";

#[actix_web::test]
async fn the_form_is_filled_in_for_the_hosts_that_are_chosen() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let first = owner.opens(NEW).await;
    let local = "http://localhost/callback\nhttp://localhost/oauth/callback";
    assert_eq!(uris(&first), local);
    let one = turns(&owner, &first, "VS Code", &typed(&first)).await;
    let code = "http://127.0.0.1/\nhttps://vscode.dev/redirect";
    assert_eq!(uris(&one), code);
    assert_eq!(one.attributes("#name", "value"), ["VS Code"]);
    assert_eq!(one.attributes("[name=logo][checked]", "value"), ["editor"]);
    assert_eq!(one.all(CHOSEN), ["VS Code"]);
    let both = turns(&owner, &one, "Codex", &typed(&one)).await;
    assert_eq!(both.all(CHOSEN), ["VS Code", "Codex"]);
    assert!(uris(&both).starts_with(&format!("{code}\nhttp://127.0.0.1/callback/")));
    assert_eq!(both.attributes("#name", "value"), [""]);
    assert_eq!(both.attributes("[name=logo][checked]", "value"), ["letter"]);
    assert!(both.all(".note")[0].contains("private address"));
    let one = turns(&owner, &both, "Codex", &typed(&both)).await;
    assert_eq!(uris(&one), code);
    let none = turns(&owner, &one, "VS Code", &typed(&one)).await;
    assert_eq!((uris(&none), none.all(CHOSEN)), (local.to_owned(), vec![]));
    let filled = [("name", "Both"), ("redirect_uris", &*uris(&both))];
    assert_eq!(owner.fills(&both, NEW, &filled).await.status, 200);
    let odd = owner
        .opens(&format!("{NEW}?host=nobody&host=%00&host=codex&host=codex"))
        .await;
    assert_eq!(odd.all(CHOSEN), ["Codex"]);
}

#[actix_web::test]
async fn what_was_typed_stays_when_a_host_is_chosen_and_nothing_is_made() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let first = owner.opens(NEW).await;
    let own = "https://portal.example/cb";
    let lines = format!("http://localhost/callback\r\nhttp://localhost/oauth/callback\r\n{own}");
    let filled = [
        ("name", "  Portal".to_owned()),
        ("type", "confidential".to_owned()),
        ("logo", "web".to_owned()),
        ("redirect_uris", lines),
    ];
    let page = turns(&owner, &first, "VS Code", &filled).await;
    let see = |page: &Page| {
        assert_eq!(page.attributes("#name", "value"), ["  Portal"]);
        let checked = page.attributes("input[checked]", "value");
        assert_eq!(checked, ["web", "confidential"]);
        assert!(page.all("[role=alert]").is_empty());
    };
    see(&page);
    let code = "http://127.0.0.1/\nhttps://vscode.dev/redirect";
    assert_eq!(uris(&page), format!("{own}\n{code}"));
    // A refused form has the choice too, and what is wrong is said when it is sent.
    let mut wrong = typed(&page);
    wrong[3].1 = "ftp://x".to_owned();
    let wrong: Vec<_> = wrong.iter().map(|(name, text)| (*name, &**text)).collect();
    let refused = owner.fills(&page, NEW, &wrong).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.all(CHOSEN), ["VS Code"]);
    let page = turns(&owner, &refused, "VS Code", &typed(&refused)).await;
    see(&page);
    assert_eq!(uris(&page), format!("ftp://x\n{}", uris(&first)));
    let listed = owner.opens(CLIENTS).await;
    assert!(!listed.text.contains("Portal"));
}

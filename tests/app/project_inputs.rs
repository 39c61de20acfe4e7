//! What the form of a project refuses, and what it says then.

use crate::{
    project_edit::{adds, stored},
    support::TestApp,
};

#[actix_web::test]
async fn every_bad_input_has_its_message_and_keeps_what_was_typed() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    let (long, deep) = (
        "x".repeat(129),
        format!("https://a.example/{}", "x".repeat(2048)),
    );
    let many = (0..101)
        .map(|n| format!("p{n}@acme.example"))
        .collect::<Vec<_>>()
        .join("\n");
    let wordy = "x".repeat(201);
    let wide = format!("{}@acme.example", "x".repeat(320));
    let good = [
        ("name", "Wiki"),
        ("slug", "wiki"),
        ("resource", "https://wiki.example/mcp"),
    ];
    for (name, value, at, said) in [
        ("name", "", "name", "A name is needed."),
        ("name", " \t", "name", "A name is needed."),
        ("name", &long, "name", "A name has at most 128 characters."),
        ("name", "a\nb", "name", "control, text-direction"),
        ("name", "\u{202e}evil", "name", "control, text-direction"),
        ("slug", "Wiki!", "slug", "is not a slug"),
        ("slug", "-wiki", "slug", "is not a slug"),
        ("slug", "new", "slug", "cannot be a slug"),
        ("slug", "a\0", "slug", "is not a slug"),
        ("resource", "", "resource", "it is empty"),
        (
            "resource",
            "wiki.example",
            "resource",
            "not a complete address",
        ),
        (
            "resource",
            "http://wiki.example/mcp",
            "resource",
            "use https",
        ),
        (
            "resource",
            "https://wiki.example/mcp#x",
            "resource",
            "has a fragment",
        ),
        (
            "resource",
            "https://u:p@wiki.example/",
            "resource",
            "user name or password",
        ),
        (
            "resource",
            "ftp://wiki.example/",
            "resource",
            "does not begin with https",
        ),
        (
            "resource",
            "https://wiki.example/a b",
            "resource",
            "must be percent-encoded",
        ),
        ("resource", &deep, "resource", "longer than 2048"),
        (
            "administrators",
            "ana",
            "administrators",
            "neither an e-mail nor group:NAME",
        ),
        (
            "administrators",
            "group:",
            "administrators",
            "must be followed",
        ),
        (
            "administrators",
            "a b@acme.example",
            "administrators",
            "neither an e-mail",
        ),
        (
            "administrators",
            "a\0@acme.example",
            "administrators",
            "a character that no name has",
        ),
        (
            "administrators",
            &wide,
            "administrators",
            "at most 320 characters",
        ),
        ("administrators", &many, "administrators", "use a group"),
        ("members", "", "members", "Name at least one"),
        ("members", "nobody", "members", "neither an e-mail"),
        (
            "scope0",
            "two words",
            "scopes",
            "Scope two words: a scope must not contain ' '",
        ),
        (
            "scope0",
            "alone",
            "scopes",
            "the meaning must have 1 to 200 characters",
        ),
        ("meaning0", "A meaning", "scopes", "needs a name"),
        (
            "meaning1",
            &wordy,
            "scopes",
            "the meaning must have 1 to 200 characters",
        ),
        (
            "meaning1",
            "a\u{202e}b",
            "scopes",
            "control, text-direction",
        ),
        ("scope2", "read", "scopes", "more than once"),
        (
            "manage_url",
            "javascript:alert(1)",
            "manage_url",
            "does not begin with https",
        ),
        (
            "manage_url",
            "http://wiki.example",
            "manage_url",
            "use https",
        ),
        ("manage_url", &deep, "manage_url", "longer than 2048"),
    ] {
        let mut typed = good.to_vec();
        if name == "members" {
            typed.push(("who", "named"));
        }
        if matches!(name, "meaning1" | "scope2") {
            typed.extend([
                ("scope1", "read"),
                ("meaning1", "Read"),
                ("meaning2", "Read too"),
            ]);
        }
        typed.retain(|(other, _)| *other != name);
        typed.push((name, value));
        let page = adds(&owner, &typed).await;
        assert_eq!(page.status, 400, "{name} {value:?}");
        let faults = page.all(".fault");
        assert_eq!(
            faults,
            page.all(&format!("#{at}-fault")),
            "{name} {value:?}"
        );
        assert!(faults[0].contains(said), "{name} {value:?}: {faults:?}");
        let kept = value.replace('\0', "\u{fffd}");
        let field = page.attributes(&format!("input[name={name}]"), "value");
        let text = page.raw(&format!("textarea[name={name}]"));
        let seen = [field, text].concat();
        assert!(
            name.starts_with("meaning") || name == "scope2" || seen == [kept.clone()],
            "{name} {seen:?}"
        );
    }
    assert!(stored(&app).await.is_empty());
    // Names beside "Everyone" are not thrown away in silence.
    let both = [&good[..], &[("who", "anyone"), ("members", "group:lab")]].concat();
    let page = adds(&owner, &both).await;
    assert_eq!(page.status, 400);
    assert!(page.all("#members-fault")[0].contains("Everyone is chosen, and names"));
    assert_eq!(page.raw("textarea[name=members]"), ["group:lab"]);
    assert_eq!(page.attributes("[autofocus]", "name"), ["members"]);
    assert!(stored(&app).await.is_empty());
    let twice = [&good[..], &[("name", "Again")]].concat();
    assert_eq!(adds(&owner, &twice).await.status, 400);
}

#[actix_web::test]
async fn more_lines_for_scopes_keep_what_was_typed_and_save_nothing() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    let typed = [
        ("scope0", "a"),
        ("meaning0", "A"),
        ("scope2", "b"),
        ("optional4", "yes"),
        ("more", "scopes"),
    ];
    let page = adds(&owner, &typed).await;
    assert_eq!(page.status, 200);
    let lines = page.attributes("input[name^=scope]", "value");
    assert_eq!(lines, ["a", "b", "", "", "", ""]);
    let ticked = page.attributes("input[name^=optional][checked]", "name");
    assert_eq!(ticked, ["optional2"]);
    assert_eq!(page.attributes("input[autofocus]", "name"), ["scope3"]);
    // And again, with none of those filled in.
    let names: Vec<_> = (0..lines.len()).map(|n| format!("scope{n}")).collect();
    let shown = names.iter().zip(&lines);
    let shown = shown.map(|(name, value)| (name.as_str(), value.as_str()));
    let shown: Vec<_> = shown.chain([("more", "scopes")]).collect();
    let page = adds(&owner, &shown).await;
    assert_eq!(page.attributes("input[name^=scope]", "value").len(), 9);
    assert!(page.all(".fault").is_empty());
    // Until there are as many as there can be.
    assert_eq!(page.all("button[name=more]"), ["More lines"]);
    let names: Vec<_> = (0..50).map(|n| format!("scope{n}")).collect();
    let shown = names.iter().map(|name| (name.as_str(), ""));
    let shown: Vec<_> = shown.chain([("more", "scopes")]).collect();
    let page = adds(&owner, &shown).await;
    assert_eq!(page.attributes("input[name^=scope]", "value").len(), 50);
    assert!(page.all("button[name=more]").is_empty());
    assert!(page.text.contains("A project has at most 50 scopes."));
    assert!(stored(&app).await.is_empty());
}

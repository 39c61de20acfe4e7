//! The logos of clients: what is taken, how it is shown, and what nobody gets to see.

use untether::domain::client::ClientType;

use crate::support::{Host, Page, Person, TestApp};

const CLIENTS: &str = "/projects/search/clients";
const NEW: &str = "/projects/search/clients/new";
pub const LOCAL: &str = "http://localhost/callback";
pub const NOTHING: (&str, &[u8]) = ("", b"");

pub const SMALL: &[u8] = include_bytes!("pictures/small.png");
pub const GIF: &[u8] = include_bytes!("pictures/animated.gif");
const PLACED: &[u8] = include_bytes!("pictures/placed.jpg");
const CMYK: &[u8] = include_bytes!("pictures/cmyk.jpg");
const WEBP: &[u8] = include_bytes!("pictures/still.webp");
const BOMB: &[u8] = include_bytes!("pictures/bomb.png");

/// Makes a client with this picture; returns the path of its page.
pub async fn makes(person: &Person<'_>, name: &str, file: &[u8]) -> String {
    let page = person.opens(NEW).await;
    let filled = [("name", name), ("redirect_uris", LOCAL), ("logo", "letter")];
    let made = person
        .uploads(&page, NEW, &filled, ("logo.png", file))
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    format!("{CLIENTS}/{}", made.all(".copied code")[0])
}

/// The addresses of the logos on a page, those to choose from left out.
pub fn logos(page: &Page) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    let all = page.attributes("img.logo", "src");
    let choices = page.attributes(".logos img.logo", "src").len();
    all[..all.len() - choices].to_vec()
}

#[actix_web::test]
async fn a_picture_of_every_kind_is_drawn_again_and_served_as_nothing_but_a_picture() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let pablo = app.person("pablo");
    for file in [SMALL, GIF, PLACED, CMYK, WEBP] {
        let here = makes(&pablo, "App", file).await;
        let src = logos(&pablo.opens(&here).await).remove(0);
        assert!(src.starts_with("/logos/") && src.len() == 33, "{src}");
        let request = app.http.get(format!("{}{src}", app.url));
        let answer = pablo.answers_to(request).await;
        let head = answer.headers().clone();
        for (name, value) in [
            ("content-type", "image/png"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "private, max-age=31536000, immutable"),
        ] {
            assert_eq!(head[name], value);
        }
        let png = answer.bytes().await.unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() < 8 * 1024);
        let again = app.http.get(format!("{}{src}", app.url));
        let again = again.header("if-none-match", &head["etag"]);
        assert_eq!(pablo.answers_to(again).await.status(), 304);
        let anonymous = app.http.get(format!("{}{src}", app.url));
        assert_eq!(anonymous.send().await.unwrap().status(), 401);
    }
    let kept = app.database.dump().await;
    assert!(!kept.contains("SECRET-PLACE") && !kept.contains("SECRET-COMMENT"));
    for missing in [
        "/logos/x.png",
        "/logos/terminal.png",
        "/logos/terminal",
        "/logos/%00.png",
    ] {
        assert_eq!(pablo.opens(missing).await.status, 404, "{missing}");
    }
}

#[actix_web::test]
async fn a_logo_is_shown_wherever_its_client_is() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let owner = app.owner();
    let here = makes(&owner, "Portal", SMALL).await;
    let (plain, _) = app
        .makes_client("search", "Plain", ClientType::Public, &[LOCAL])
        .await;
    let id = here.rsplit('/').next().unwrap().to_owned();
    let host = |id: &str| Host {
        app: &app,
        client_id: id.to_owned(),
        client_secret: None,
        redirect_uri: "http://localhost:49152/callback".into(),
    };
    let ana = app.person("ana");
    host(&id).connects(&ana, &server).await;
    let src = logos(&owner.opens(&here).await).remove(0);
    let consent = host(&id).authorize_path(Some(&server.resource));
    for page in [
        CLIENTS.to_owned(),
        "/clients".to_owned(),
        "/connections".to_owned(),
        format!("/clients/{id}"),
        consent,
    ] {
        assert_eq!(logos(&owner.opens(&page).await), [&*src], "{page}");
    }
    let group = owner
        .fetches(&format!("/connections/rows?group={id}"))
        .await;
    assert_eq!(logos(&group), [&*src]);
    let letters = owner.opens(&format!("/clients/{}", plain.identifier)).await;
    assert_eq!(letters.attributes("span.logo", "data-letter"), ["P"]);
}

#[actix_web::test]
async fn an_app_that_names_itself_has_no_logo_and_no_mark_where_it_asks() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let answer = app.http.post(format!("{}/oauth/register", app.url));
    let answer = answer.json(&serde_json::json!({
        "client_name": "Claude", "redirect_uris": [LOCAL],
        "token_endpoint_auth_method": "none",
        "logo_uri": "https://evil.example/claude.png",
    }));
    let registered: serde_json::Value = answer.send().await.unwrap().json().await.unwrap();
    let host = Host {
        app: &app,
        client_id: registered["client_id"].as_str().unwrap().to_owned(),
        client_secret: None,
        redirect_uri: "http://localhost:49152/callback".into(),
    };
    let ana = app.person("ana");
    let asked = ana.is_asked(&host, &server).await;
    assert!(asked.all(".logo").is_empty() && asked.attributes("img", "src").is_empty());
    host.connects(&ana, &server).await;
    let owner = app.owner();
    for path in [
        "/clients".to_owned(),
        "/connections".to_owned(),
        format!("/clients/{}", host.client_id),
    ] {
        let page = owner.opens(&path).await;
        assert!(page.attributes("img", "src").is_empty(), "{path}");
        assert!(!page.text.contains("evil.example"));
    }
    let kept = app
        .database
        .texts("SELECT COALESCE(logo, 'none') FROM client")
        .await;
    assert_eq!(kept, ["none"]);
}

#[actix_web::test]
async fn what_is_no_picture_is_named_and_nothing_typed_is_lost() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let (client, _) = app
        .makes_client("search", "Known", ClientType::Public, &[LOCAL])
        .await;
    let here = format!("{CLIENTS}/{}", client.identifier);
    let large = vec![b'x'; 512 * 1024 + 1];
    let cut = &PLACED[..PLACED.len() / 2];
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    for action in [NEW, &*here] {
        let page = owner.opens(action).await;
        let before = app.database.dump().await;
        for (file, said) in [
            (&large[..], "The file has more than 512 KB."),
            (svg, "SVG is not taken"),
            (b"<html><script>", "is not a PNG, JPEG, GIF or WebP picture"),
            (b"MZ\x90\0", "is not a PNG, JPEG, GIF or WebP picture"),
            (cut, "The picture is damaged, or was cut off."),
            (BOMB, "The picture has more than 2048 × 2048 pixels."),
            (b"", "The file is empty."),
        ] {
            let filled = [
                ("name", "Typed name"),
                ("redirect_uris", "http://localhost/typed"),
                ("logo", "chat"),
                ("type", "confidential"),
            ];
            let told = owner
                .uploads(&page, action, &filled, ("logo.png", file))
                .await;
            assert_eq!(told.status, 400, "{said}");
            let faults = told.all("form [role=alert]");
            assert!(faults.len() == 1 && faults[0].contains(said), "{faults:?}");
            assert_eq!(told.attributes("#name", "value"), ["Typed name"]);
            assert_eq!(
                told.raw("#redirect-uris")[0].trim(),
                "http://localhost/typed"
            );
            assert_eq!(told.attributes("[name=logo][checked]", "value"), ["chat"]);
        }
        let filled = [("name", "x"), ("redirect_uris", LOCAL), ("logo", "skull")];
        let told = owner.uploads(&page, action, &filled, NOTHING).await;
        assert_eq!(told.status, 400);
        assert!(told.all("form [role=alert]")[0].contains("Choose one of the logos"));
        assert_eq!(app.database.dump().await, before);
    }
}

#[actix_web::test]
async fn only_so_many_files_are_on_their_way_at_once() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let page = owner.opens(NEW).await;
    let filled = [("name", "App"), ("redirect_uris", LOCAL)];
    let sends = async || {
        owner
            .uploads(&page, NEW, &filled, ("logo.png", SMALL))
            .await
    };
    let turns = &app.app.uploads;
    let before = app.database.dump().await;
    let mine = [(); 2].map(|()| turns.take(&owner.email).unwrap());
    let told = sends().await;
    assert_eq!(told.status, 503);
    assert!(told.text.contains("forms of yours"), "{}", told.text);
    drop(mine);
    let others: Vec<_> = (0..16)
        .map(|n| turns.take(&n.to_string()).unwrap())
        .collect();
    let told = sends().await;
    assert_eq!(told.status, 503);
    assert!(told.text.contains("Too many people"), "{}", told.text);
    assert_eq!(app.database.dump().await, before);
    drop(others);
    assert_ne!(sends().await.status, 503);
}

#[actix_web::test]
async fn a_form_that_is_too_large_or_broken_changes_nothing() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let page = owner.opens(NEW).await;
    let before = app.database.dump().await;
    let filled = [("name", "App"), ("redirect_uris", LOCAL)];
    let huge = vec![0; 9 * 1024 * 1024];
    let text = "x".repeat(129 * 1024);
    let long = [("name", &*text)];
    let told = owner.uploads(&page, NEW, &long, NOTHING).await;
    assert_eq!(told.status, 413);
    let told = owner
        .uploads(&page, NEW, &filled, ("logo.png", &huge))
        .await;
    assert_eq!(told.status, 413);
    assert!(told.text.contains("what you typed is still there"));
    let twice = [(
        "name",
        "App\r\n------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n\
                  Content-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\nx",
    )];
    let told = owner.uploads(&page, NEW, &twice, ("logo.png", SMALL)).await;
    assert_eq!(told.status, 400);
    for (kind, body) in [
        ("multipart/form-data", "--x--\r\n"),
        ("multipart/form-data; boundary=", "----\r\n"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data\r\n\r\n",
        ),
        ("multipart/form-data; boundary=x", "--x\r\n\r\n\0"),
        ("multipart/form-data; boundary=x", ""),
    ] {
        let request = app.http.post(format!("{}{NEW}", app.url));
        let request = request.header("content-type", kind).body(body);
        let told = owner.sends(request).await;
        assert_eq!(told.status, 400, "{kind} {body:?}: {}", told.text);
    }
    // Whole, and without a token: refused like any other form.
    let empty = Page {
        text: String::new(),
        ..owner.opens(NEW).await
    };
    assert_eq!(
        owner
            .uploads(&empty, NEW, &filled, ("a", SMALL))
            .await
            .status,
        403
    );
    assert_eq!(app.database.dump().await, before);
}

#[actix_web::test]
async fn a_picture_that_was_sent_with_a_fault_elsewhere_need_not_be_chosen_again() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let page = owner.opens(NEW).await;
    let filled = [("name", ""), ("redirect_uris", LOCAL), ("logo", "letter")];
    let told = owner
        .uploads(&page, NEW, &filled, ("logo.png", SMALL))
        .await;
    assert_eq!(told.status, 400);
    assert_eq!(
        told.attributes("[name=logo][checked]", "value"),
        ["picture"]
    );
    // Another file that is no picture does not drive it out.
    let worse = [("name", ""), ("redirect_uris", LOCAL), ("logo", "picture")];
    let told = owner
        .uploads(&told, NEW, &worse, ("logo.svg", b"<svg>"))
        .await;
    assert_eq!(told.all("form [role=alert]").len(), 2);
    let filled = [
        ("name", "Portal"),
        ("redirect_uris", LOCAL),
        ("logo", "picture"),
    ];
    let made = owner.uploads(&told, NEW, &filled, NOTHING).await;
    let here = format!("{CLIENTS}/{}", made.all(".copied code")[0]);
    let kept = logos(&owner.opens(&here).await).remove(0);
    let direct = makes(&owner, "Direct", SMALL).await;
    assert_eq!(logos(&owner.opens(&direct).await), [kept]);
    // It is no less looked at than what is chosen.
    let mut forged = filled.to_vec();
    forged.push(("picture_again", "PHN2Zz4="));
    let told = owner
        .uploads(&owner.opens(NEW).await, NEW, &forged, NOTHING)
        .await;
    assert_eq!(told.status, 400);
    assert!(told.all("form [role=alert]")[0].contains("SVG is not taken"));
}

#[actix_web::test]
async fn of_two_who_choose_a_logo_the_second_is_told_and_keeps_the_picture() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let (owner, pablo) = (app.owner(), app.person("pablo"));
    let here = makes(&owner, "Portal", SMALL).await;
    let (early, late) = (owner.opens(&here).await, pablo.opens(&here).await);
    let filled = [
        ("name", "Portal"),
        ("redirect_uris", LOCAL),
        ("logo", "chat"),
    ];
    assert_eq!(
        owner.uploads(&early, &here, &filled, NOTHING).await.status,
        303
    );
    let told = pablo
        .uploads(&late, &here, &filled, ("logo.gif", GIF))
        .await;
    assert_eq!(told.status, 409);
    assert!(told.all("[role=alert] p")[1].contains("It got another logo."));
    let filled = [
        ("name", "Portal"),
        ("redirect_uris", LOCAL),
        ("logo", "picture"),
    ];
    assert_eq!(
        pablo.uploads(&told, &here, &filled, NOTHING).await.status,
        303
    );
    assert!(logos(&owner.opens(&here).await)[0].starts_with("/logos/"));
}

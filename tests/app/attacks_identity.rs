//! Attacks on who is believed to be there: spoofed proxies and headers, names that become
//! another's, cookies of others (RFC 9700 §4.13 and §4.15).

use reqwest::RequestBuilder;
use untether::{config::PublicUrl, domain::role::PrincipalName};

use crate::support::TestApp;

fn page(app: &TestApp, path: &str) -> RequestBuilder {
    app.http.get(format!("{}{path}", app.url))
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn saying_that_one_is_the_proxy_does_not_make_one_it() {
    let app = TestApp::spawn_with(|settings| {
        let proxy = settings.proxy.as_mut().unwrap();
        proxy.trusted = vec!["192.0.2.7/32".parse().unwrap()];
    })
    .await;
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
        ("x-client-ip", "192.0.2.7"),
        ("true-client-ip", "192.0.2.7"),
        ("cf-connecting-ip", "192.0.2.7"),
        ("forwarded", "for=192.0.2.7"),
        ("x-forwarded-host", "192.0.2.7"),
        ("via", "1.1 192.0.2.7"),
    ] {
        let request = page(&app, "/connections")
            .header("x-forwarded-email", "olivia@acme.example")
            .header(name, value);
        assert_eq!(status(request).await, 401, "{name}");
    }
}

/// What other proxies call those whom they let through.
const OTHER_FAMILIES: [&str; 15] = [
    "x-forwarded-user",
    "x-auth-request-email",
    "x-auth-request-user",
    "remote-user",
    "remote-email",
    "x-authentik-email",
    "x-authentik-username",
    "x-webauth-user",
    "cf-access-authenticated-user-email",
    "x-goog-authenticated-user-email",
    "tailscale-user-login",
    "x-pomerium-claim-email",
    "oidc_claim_email",
    "x-remote-user",
    "authorization",
];

#[actix_web::test]
async fn headers_of_other_proxies_name_nobody_and_change_nobody() {
    let app = TestApp::spawn().await;
    for name in OTHER_FAMILIES {
        let request = page(&app, "/connections").header(name, "olivia@acme.example");
        assert_eq!(status(request).await, 401, "{name}");
        let request = page(&app, "/me").header(name, "olivia@acme.example");
        let seen = app.person("ana").sends(request).await;
        assert_eq!(seen.status, 200, "{name}");
        assert!(!seen.text.contains("olivia"), "{name}");
    }
}

#[actix_web::test]
async fn a_header_beside_the_proxys_own_is_refused_in_every_spelling() {
    let app = TestApp::spawn().await;
    for name in [
        "X-Forwarded-Email",
        "x_forwarded_email",
        "x.forwarded.email",
        "X-Forwarded_Email",
        "x-forwarded.email",
        "X_FORWARDED_GROUPS",
        "x.forwarded-groups",
        "x-forwarded_preferred-username",
    ] {
        for value in ["olivia@acme.example", ""] {
            let request = page(&app, "/connections").header(name, value);
            let answer = app.person("ana").sends(request).await;
            assert_eq!(answer.status, 401, "{name}: {value:?}");
        }
    }
}

#[actix_web::test]
async fn an_email_is_one_email_and_nothing_else() {
    let app = TestApp::spawn_with(|settings| {
        settings.owners.push("group:platform".parse().unwrap());
    })
    .await;
    for value in [
        "",
        " ",
        "olivia",
        "@acme.example",
        "olivia@",
        "group:platform",
        "group:platform@acme.example",
        "\u{ff0d}",
        "olivia@acme.example\u{200b}",
        "ol\u{202e}ivia@acme.example",
    ] {
        let request = page(&app, "/connections?view=list").header("x-forwarded-email", value);
        assert_eq!(status(request).await, 401, "{value:?}");
    }
    // A list of two is nobody who owns anything, whoever it begins with.
    for value in [
        "olivia@acme.example, ana@acme.example",
        "olivia@acme.example,ana@acme.example",
        "olivia@acme.example;",
        "<olivia@acme.example>",
        "olivia@acme.example.",
        "olivia@acme.example@evil.example",
    ] {
        let request = page(&app, "/me").header("x-forwarded-email", value);
        let answer = request.send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(!text.contains(">Owner<"), "{value:?}");
    }
}

#[actix_web::test]
async fn letters_that_fold_into_others_name_somebody_else() {
    let app = TestApp::spawn_with(|settings| {
        settings.owners.push("kirk@acme.example".parse().unwrap());
    })
    .await;
    let owns = async |email: &str| {
        let request = page(&app, "/connections?view=client").header("x-forwarded-email", email);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{email}");
        answer.text().await.unwrap().contains("Owner")
    };
    assert!(
        owns("Kirk@ACME.example").await,
        "ASCII letters have no case here"
    );
    // The Kelvin sign becomes k in lower case, the dotted I an i with a dot, and the
    // long s an s in upper case: a mailbox of their own each.
    for email in [
        "\u{212a}irk@acme.example",
        "kir\u{212a}@acme.example",
        "ol\u{130}v\u{130}a@acme.example",
        "oliv\u{131}a@acme.example",
        "\u{ff4f}livia@acme.example",
        "olivia@acme\u{3002}example",
    ] {
        assert!(!owns(email).await, "{email:?}");
    }
}

#[test]
fn folding_makes_no_two_different_people_one() {
    let fold = |text: &str| text.parse::<PrincipalName>().unwrap().to_string();
    assert_eq!(fold("ZOË@Acme.Example"), "zoë@acme.example");
    assert_eq!(fold("kirk@acme.example"), fold("KIRK@ACME.EXAMPLE"));
    assert_eq!(fold("νίκος@acme.example"), fold("ΝΊΚΟΣ@ACME.EXAMPLE"));
    // No e-mail becomes a group by being kept in lower case.
    let group = PrincipalName::Group("staff@acme.example".into());
    assert_eq!("Group:staff@acme.example".parse(), Ok(group));
    for other in ["\u{212a}irk@acme.example", "KIR\u{212a}@ACME.EXAMPLE"] {
        assert_ne!(fold(other), "kirk@acme.example", "{other:?}");
        assert_eq!(fold(&fold(other)), fold(other), "{other:?}");
    }
}

#[actix_web::test]
async fn a_name_from_the_proxy_hides_and_reorders_nothing() {
    let app = TestApp::spawn().await;
    for (sent, shown) in [
        ("An\u{202e}a\u{200b} Ruiz\u{2066}", "Ana Ruiz"),
        ("\u{200b}\u{feff}", "ana@acme.example"),
        ("\u{85}Ana\u{e0041}", "Ana"),
        ("Ζωή 👩‍🔬", "Ζωή 👩🔬"),
    ] {
        let request = page(&app, "/me")
            .header("x-forwarded-email", "ana@acme.example")
            .header("x-forwarded-preferred-username", sent);
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(text.contains(shown), "{sent:?}");
        assert!(!text.contains(sent), "{sent:?}");
    }
}

#[actix_web::test]
async fn a_group_is_a_whole_name() {
    let app = TestApp::spawn_with(|settings| {
        settings.owners = vec!["group:platform".parse().unwrap()];
    })
    .await;
    for groups in [
        "platform-guests",
        "not platform",
        "Platform",
        "group:platform",
        "platform|x",
        "platform;x",
        "\"platform\"",
        "plat\u{200b}form",
        "pl\u{430}tform",
    ] {
        let page = app.person("ana").in_groups(groups).opens("/me").await;
        assert_eq!(page.status, 200, "{groups}");
        assert!(!page.text.contains("Owner"), "{groups}");
    }
    let page = app
        .person("ana")
        .in_groups("a, platform")
        .opens("/me")
        .await;
    assert!(page.text.contains("Owner"));
}

#[actix_web::test]
async fn a_cookie_of_somebody_else_makes_nobody_somebody_else() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let fields = [
        ("csrf".to_owned(), ana.form_token().await),
        ("id".to_owned(), id),
    ];
    let answer = ana.posts("/connections/revoke", &fields).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    assert!(!cookie.contains("Revoked"), "nobody can read it");
    // Planted in another's browser it says who nobody is.
    let planted = page(&app, "/me").header("cookie", cookie);
    assert_eq!(status(planted).await, 401);
    let planted = page(&app, "/me").header("cookie", cookie);
    let seen = app.person("bo").sends(planted).await;
    assert!(seen.text.contains("bo@acme.example") && !seen.text.contains("ana@acme.example"));
    // Changed or made up it is none.
    for forged in [
        &cookie[..cookie.len() - 2],
        "untether=olivia",
        "untether=%7B%22persona%22%3A%22owner%22%7D",
        "untether=",
    ] {
        let request = page(&app, "/me").header("cookie", forged);
        let seen = app.person("bo").sends(request).await;
        assert_eq!(seen.status, 200, "{forged}");
        assert!(seen.all("[role=status] .flash").is_empty(), "{forged}");
    }
}

#[actix_web::test]
async fn a_cookie_is_for_https_where_the_public_url_is() {
    let app = TestApp::spawn_with(|settings| {
        settings.public_url = PublicUrl::parse("https://untether.acme.example").unwrap();
    })
    .await;
    let url = format!("http://{}", app.app.settings.listen);
    let get = app.http.get(format!("{url}/connections"));
    let answer = app.owner().sends(get).await;
    assert_eq!(
        answer.headers["strict-transport-security"],
        "max-age=31536000"
    );
}

#[actix_web::test]
async fn no_spelling_of_an_address_gets_past_the_sign_in() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    for path in [
        "/connections/",
        "//connections",
        "/./connections",
        "/static/../connections",
        "/static/%2e%2e/connections",
        "/healthz/../connections",
        "/healthz/%2e%2e/connections",
        "/.well-known/..%2fconnections",
        "/oauth/token/../../connections",
        "/connections%2f",
        "/connections;.css",
        "/connections.css",
        "/connections%00",
        "/CONNECTIONS",
        "/connections/..;/connections",
        &format!("/connections/{id}/"),
        &format!("/static/../connections/{id}"),
    ] {
        let (status, answer) = app.asks_as_is(path, "").await;
        assert!((400..500).contains(&status), "{path}: {status}");
        assert!(!answer.contains("Cursor"), "{path}");
    }
}

#[actix_web::test]
async fn no_file_is_served_but_those_that_are_meant_to_be() {
    let app = TestApp::spawn().await;
    for path in [
        "/static/",
        "/static/../Cargo.toml",
        "/static/..%2fCargo.toml",
        "/static/%2e%2e%2fCargo.toml",
        "/static/%2fetc%2fpasswd",
        "/static/....//Cargo.toml",
        "/static/app.css%00",
        "/static/..\\Cargo.toml",
        "/static/.htaccess",
        "/.git/config",
        "/untether.db",
        "/untether.db.key",
        "/.env",
    ] {
        let (status, answer) = app.asks_as_is(path, "").await;
        assert!((400..500).contains(&status), "{path}: {answer}");
    }
}

//! What `untether check` finds at Untether's own public address.

use serde_json::json;
use untether::{
    check::{self, Finding, Level},
    config::{PublicUrl, Settings},
    domain::resource::WebAddress,
    outbound::probe::Probe,
};

use crate::support::{Site, TestApp};

/// What is found at this address, by an installation that has it as its public one.
async fn found_at(app: &TestApp, public: &str) -> Vec<Finding> {
    let settings = Settings {
        public_url: PublicUrl::parse(public).unwrap(),
        ..(*app.app.settings).clone()
    };
    check::public::check(&Probe::new(Vec::new()), &settings).await
}

#[actix_web::test]
async fn what_programs_call_must_be_past_the_sign_in_and_the_rest_behind_it() {
    let app = TestApp::spawn().await;
    let site = Site::start().await;
    let metadata = "/.well-known/oauth-authorization-server/oauth";
    let sign_in = "location: https://sso.example/login\r\n";
    let found = || found_at(&app, &site.origin);
    let problem = |finding: &Finding, words: &str| {
        assert_eq!(finding.level, Level::Problem, "{finding:?}");
        assert!(finding.seen.contains(words), "{words}: {finding:?}");
    };
    problem(&found().await[0], "Untether's metadata is not at");
    site.answers(metadata, 302, sign_in, "");
    problem(&found().await[0], "a redirect to sso.example");
    site.publishes(
        metadata,
        &json!({ "issuer": app.app.settings.public_url.issuer() }),
    );
    problem(&found().await[0], "its port is");

    site.publishes(
        metadata,
        &json!({ "issuer": format!("{}/oauth", site.origin) }),
    );
    let called = [
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/introspect",
        "/oauth/register",
        "/mcp",
    ];
    let error = "{\"error\":\"invalid_request\"}";
    site.answers(
        "/oauth/authorize",
        200,
        "content-type: text/html\r\n",
        "Consent",
    );
    // Each of them is asked, and what is in its way said.
    for walled in called {
        for path in called {
            site.answers(path, 400, "", error);
        }
        site.answers(walled, 302, sign_in, "");
        let findings = found().await;
        assert_eq!(findings.len(), 3, "{findings:#?}");
        problem(&findings[1], "a redirect to sso.example");
        assert!(findings[1].seen.contains(walled), "{findings:#?}");
        problem(&findings[2], "as if somebody were signed in");
        site.answers(walled, 200, "", "Hello");
        problem(&found().await[1], "is not Untether's");
        site.answers(walled, 400, "", error);
    }
    site.answers("/oauth/authorize", 302, sign_in, "");
    let findings = found().await;
    let levels: Vec<_> = findings.iter().map(|finding| finding.level).collect();
    assert_eq!(levels, [Level::Ok; 3], "{findings:#?}");
}

#[actix_web::test]
async fn an_identity_header_that_anybody_can_send_is_noticed() {
    let trusting = TestApp::spawn().await;
    let careful = TestApp::spawn_with(|settings| {
        let proxy = settings.proxy.as_mut().unwrap();
        proxy.trusted = vec!["127.0.0.2/32".parse().unwrap()];
    })
    .await;
    for (app, level) in [(&trusting, Level::Problem), (&careful, Level::Ok)] {
        let probe = Probe::new(Vec::new());
        let site = probe.at(&WebAddress::parse(&app.url).unwrap());
        let finding = check::public::identity(&site, &app.app.settings).await;
        assert_eq!(finding.unwrap().level, level);
    }
}

//! What is found wrong with a project's server.

use std::time::Duration;

use serde_json::{Value, json};
use untether::{
    check::{self, Finding, Level},
    config::PublicUrl,
    domain::{
        project::Project,
        resource::{Resource, WebAddress},
    },
    outbound::probe::{Probe, Silence},
};

use crate::support::Site;

const PUBLIC: &str = "http://127.0.0.1:9";
const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

/// A project whose server this is.
fn project(resource: &str) -> Project {
    let offered = untether::domain::project::OfferedScope {
        name: untether::domain::scope::ScopeToken::parse("read").unwrap(),
        description: "Read".into(),
        optional: false,
    };
    Project {
        id: untether::domain::ids::ProjectId::parse("01890000-0000-7000-8000-000000000000")
            .unwrap(),
        slug: untether::domain::project::Slug::parse("search").unwrap(),
        name: "Search".into(),
        resource: Resource::from_stored(resource.to_owned()),
        scopes: vec![offered],
        members: untether::domain::project::Members::Anyone,
        administrators: Vec::new(),
        manage_url: None,
        version: 1,
        created_at: untether::clock::Timestamp::from_millis(0),
        archived_at: None,
    }
}

fn public(url: &str) -> PublicUrl {
    PublicUrl::parse(url).unwrap()
}

pub async fn findings_about(resource: &str) -> Vec<Finding> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let probe = Probe::new(Vec::new()).with_patience(Duration::from_secs(3));
    check::server::check(&probe, &project(resource), &public(PUBLIC)).await
}

/// A server that does everything right.
async fn good() -> Site {
    let site = Site::start().await;
    challenges(
        &site,
        &format!("resource_metadata=\"{}{METADATA}\"", site.origin),
    );
    site.publishes(METADATA, &document(&site));
    site
}

fn challenges(site: &Site, parameters: &str) {
    let header = format!("www-authenticate: Bearer {parameters}\r\n");
    site.answers("/mcp", 401, &header, "");
}

fn document(site: &Site) -> Value {
    json!({
        "resource": format!("{}/mcp", site.origin),
        "authorization_servers": [format!("{PUBLIC}/oauth")],
        "scopes_supported": ["read"],
    })
}

/// What is wrong with it, as level, sentence and advice.
async fn faults(site: &Site) -> Vec<String> {
    let findings = findings_about(&format!("{}/mcp", site.origin)).await;
    let wrong = findings
        .into_iter()
        .filter(|finding| finding.level != Level::Ok);
    let line = |finding: Finding| {
        let advice = finding.advice.expect("a fault without advice");
        let line = format!("{} {} {advice}", finding.level.as_str(), finding.seen);
        line.replace(&site.origin, "SITE")
    };
    wrong.map(line).collect()
}

/// Fails unless there is one fault, of this level, that says all of this.
async fn check_fault(site: &Site, level: &str, words: &[&str]) {
    let faults = faults(site).await;
    assert_eq!(faults.len(), 1, "{words:?}: {faults:#?}");
    assert!(faults[0].starts_with(level), "{}", faults[0]);
    for word in words {
        assert!(faults[0].contains(word), "{word:?}: {}", faults[0]);
    }
}

#[actix_web::test]
async fn nothing_is_wrong_with_a_server_that_does_everything_right() {
    let site = good().await;
    let findings = findings_about(&format!("{}/mcp", site.origin)).await;
    let levels: Vec<_> = findings.iter().map(|finding| finding.level).collect();
    assert_eq!(levels, [Level::Ok; 5], "{findings:#?}");
    let requests = site.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].starts_with("POST /mcp HTTP/1.1\r\n"));
    assert!(requests[0].contains("\"method\":\"initialize\""));
    assert!(requests[1].starts_with(&format!("GET {METADATA} HTTP/1.1\r\n")));
    for request in requests {
        let request = request.to_ascii_lowercase();
        for header in ["authorization", "cookie", "x-forwarded", "referer"] {
            assert!(!request.contains(&format!("\r\n{header}")), "{request}");
        }
    }
}

#[actix_web::test]
async fn an_answer_without_a_token_is_judged_by_what_clients_make_of_it() {
    let site = good().await;
    let html = "content-type: text/html; charset=utf-8\r\n";
    let json = "content-type: application/json\r\n";
    for (status, headers, body, words) in [
        (200, json, "{}", "whoever can reach this server can use it"),
        (200, html, "<h1>Sign in", "a page for people"),
        (
            302,
            "location: https://sso.example/login?x=1\r\n",
            "",
            "a redirect to sso.example",
        ),
        (
            307,
            "location: /mcp/\r\n",
            "",
            "a redirect to another spelling of SITE/mcp",
        ),
        (403, "", "", "refused with 403"),
        (404, "", "", "There is no MCP server at SITE/mcp"),
        (405, "", "", "There is no MCP server at SITE/mcp"),
        (400, "", "", "answers 400"),
        (500, "", "", "nginx answers 500 when it cannot ask Untether"),
    ] {
        site.answers("/mcp", status, headers, body);
        check_fault(&site, "problem", &[words]).await;
    }
}

#[actix_web::test]
async fn a_challenge_must_lead_to_the_metadata() {
    let site = good().await;
    let send = format!("Send WWW-Authenticate: Bearer resource_metadata=\"SITE{METADATA}\"");
    site.answers("/mcp", 401, "", "");
    check_fault(&site, "warning", &["has no WWW-Authenticate", &send]).await;
    challenges(&site, "error=\"invalid_token\"");
    check_fault(
        &site,
        "warning",
        &["does not say where the metadata is", &send],
    )
    .await;
    site.answers("/mcp", 401, "www-authenticate: Basic realm=\"x\"\r\n", "");
    check_fault(&site, "problem", &["asks for Basic"]).await;

    let port = site.origin.rsplit(':').next().unwrap();
    for (named, words) in [
        (
            format!("http://localhost:{port}{METADATA}"),
            "it says localhost and not 127.0.0.1",
        ),
        (
            format!("https://127.0.0.1:{port}{METADATA}"),
            "it begins with https:// and not http://",
        ),
        (
            format!("http://backend.internal:8000{METADATA}"),
            "its host is backend.internal",
        ),
    ] {
        challenges(&site, &format!("resource_metadata=\"{named}\""));
        check_fault(&site, "problem", &[words, &send]).await;
    }
    let asked = site.requests().join("\n");
    assert!(!asked.contains("backend"), "what is elsewhere is not asked");
}

#[actix_web::test]
async fn the_metadata_is_read_where_the_challenge_says() {
    let site = good().await;
    let elsewhere = format!("{}/meta", site.origin);
    challenges(&site, &format!("resource_metadata=\"{elsewhere}\""));
    site.publishes(
        "/meta",
        &json!({ "resource": format!("{}/mcp", site.origin) }),
    );
    let faults = faults(&site).await;
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].starts_with("warning The 401 leads clients to SITE/meta"));
    assert!(faults[1].starts_with("problem The metadata names no authorization server."));
}

#[actix_web::test]
async fn metadata_that_cannot_be_read_is_said_to_be_so() {
    let site = good().await;
    let html = "content-type: text/html\r\n";
    let json = "content-type: application/json\r\n";
    let document = document(&site).to_string();
    let large = format!("\"{}\"", "x".repeat(70_000));
    for (status, headers, body, level, words) in [
        (404, "", "", "problem", "There is no metadata at SITE"),
        (200, html, "<p>", "problem", "a page for people"),
        (
            302,
            "location: /oauth2/start?rd=x\r\n",
            "",
            "problem",
            "It looks like a sign-in",
        ),
        (401, "", "", "problem", "cannot be read without a token"),
        (502, "", "", "problem", "at which clients give up"),
        (200, json, "nonsense", "problem", "is not JSON"),
        (200, json, "[]", "problem", "is not JSON"),
        (200, json, &large, "problem", "larger than 64 KB"),
        (
            200,
            "content-type: text/plain\r\n",
            &document,
            "warning",
            "not sent as application/json",
        ),
    ] {
        site.answers(METADATA, status, headers, body);
        check_fault(&site, level, &[words]).await;
    }
}

#[actix_web::test]
async fn metadata_at_the_root_alone_is_not_found_by_everybody() {
    let site = good().await;
    site.answers(METADATA, 404, "", "");
    site.publishes("/.well-known/oauth-protected-resource", &document(&site));
    let words = format!("Publish it at SITE{METADATA} too.");
    check_fault(&site, "warning", &["not every client looks", &words]).await;
}

#[actix_web::test]
async fn the_resource_must_be_spelled_as_registered() {
    let site = good().await;
    let port = site.origin.rsplit(':').next().unwrap();
    let advice = "Let it be exactly SITE/mcp.";
    for (resource, level, words) in [
        (json!(null), "problem", "has no resource"),
        (json!(7), "problem", "has no resource"),
        (
            json!(format!("{}/mcp/", site.origin)),
            "warning",
            "it has a slash at its end",
        ),
        (
            json!(format!("HTTP://127.0.0.1:{port}/mcp")),
            "warning",
            "it is spelled differently",
        ),
        (
            json!(format!("http://localhost:{port}/mcp")),
            "problem",
            "it says localhost and not 127.0.0.1",
        ),
        (json!(site.origin), "problem", "its path is / and not /mcp"),
        (json!("mcp"), "problem", "it is no address"),
    ] {
        let mut document = document(&site);
        document["resource"] = resource;
        site.publishes(METADATA, &document);
        check_fault(&site, level, &[words, advice]).await;
    }
}

#[actix_web::test]
async fn the_issuer_must_be_spelled_exactly() {
    let site = good().await;
    let advice = format!("Let authorization_servers be exactly [\"{PUBLIC}/oauth\"].");
    for (servers, level, words) in [
        (json!(null), "problem", "names no authorization server"),
        (json!([]), "problem", "names no authorization server"),
        (
            json!([format!("{PUBLIC}/oauth/")]),
            "problem",
            "it has a slash at its end",
        ),
        (json!([PUBLIC]), "problem", "its path is / and not /oauth"),
        (
            json!(["http://localhost:9/oauth"]),
            "problem",
            "it says localhost and not 127.0.0.1",
        ),
        (
            json!(["https://127.0.0.1:9/oauth"]),
            "problem",
            "it begins with https:// and not http://",
        ),
        (
            json!(["https://a.example", format!("{PUBLIC}/oauth")]),
            "warning",
            "clients take the first",
        ),
    ] {
        let mut document = document(&site);
        document["authorization_servers"] = servers;
        site.publishes(METADATA, &document);
        check_fault(&site, level, &[words, &advice]).await;
    }
}

#[actix_web::test]
async fn a_scope_that_no_token_has_is_named() {
    let site = good().await;
    let mut document = document(&site);
    document["scopes_supported"] = json!(["read", "offline_access"]);
    site.publishes(METADATA, &document);
    check_fault(&site, "warning", &["the scope offline_access"]).await;
}

#[actix_web::test]
async fn a_server_that_does_not_answer_is_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/mcp", free.local_addr().unwrap());
    drop(free);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}/mcp", silent.local_addr().unwrap());
    for (url, words) in [
        (nobody.as_str(), "cannot be connected to"),
        (&silent_url, "did not answer within"),
        ("https://no-such-name.invalid/mcp", "cannot be looked up"),
        (
            "https://169.254.169.254/mcp",
            "an address that is not asked",
        ),
        ("https://[fe80::1]/mcp", "an address that is not asked"),
        ("https://0.0.0.0/mcp", "an address that is not asked"),
    ] {
        let findings = findings_about(url).await;
        assert_eq!(findings.len(), 1, "{url}: {findings:#?}");
        assert_eq!(findings[0].level, Level::Problem);
        assert!(
            findings[0].seen.contains(words),
            "{url}: {}",
            findings[0].seen
        );
    }
}

#[actix_web::test]
async fn only_the_registered_origin_is_ever_asked() {
    let (registered, other) = (Site::start().await, Site::start().await);
    let probe = Probe::new(Vec::new());
    let site = probe.at(&WebAddress::parse(&registered.origin).unwrap());
    let port = registered.origin.rsplit(':').next().unwrap();
    for url in [
        format!("{}/mcp", other.origin),
        format!("http://localhost:{port}/mcp"),
        format!("https://127.0.0.1:{port}/mcp"),
        format!("http://127.0.0.1:{port}@localhost/mcp"),
    ] {
        let refused = site.get(&url, None).await.unwrap_err();
        assert_eq!(refused, Silence::Elsewhere, "{url}");
    }
    assert!(registered.requests().is_empty() && other.requests().is_empty());
}

#[actix_web::test]
async fn a_server_on_every_clients_own_machine_is_not_asked() {
    let site = good().await;
    let probe = Probe::new(Vec::new());
    let project = project(&format!("{}/mcp", site.origin));
    let elsewhere = public("https://untether.example.com");
    let findings = check::server::check(&probe, &project, &elsewhere).await;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].level, Level::Warning);
    assert!(site.requests().is_empty());
}

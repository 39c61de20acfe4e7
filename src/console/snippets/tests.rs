use crate::{
    clock::Timestamp,
    domain::{
        ids::ProjectId,
        project::{Members, Slug},
    },
};

use super::*;

fn project(name: &str, resource: &str) -> Project {
    Project {
        id: ProjectId::parse("01890000-0000-7000-8000-00000000a1e1").unwrap(),
        slug: Slug::parse("search").unwrap(),
        name: name.to_owned(),
        resource: Resource::from_stored(resource.to_owned()),
        scopes: vec![
            OfferedScope::parse("search.read", "Search", false).unwrap(),
            OfferedScope::parse("search.write", "Change", true).unwrap(),
        ],
        members: Members::Anyone,
        administrators: Vec::new(),
        manage_url: None,
        version: 1,
        created_at: Timestamp::from_millis(0),
        archived_at: None,
    }
}

fn snippets(name: &str, resource: &str) -> Snippets {
    let public = PublicUrl::parse("https://untether.acme.example").unwrap();
    of(&project(name, resource), &public).unwrap()
}

#[test]
fn the_readme_shows_what_the_page_fills_in() {
    let readme = include_str!("../../../README.md");
    let public = PublicUrl::parse("https://untether.example.com").unwrap();
    let all = of(
        &project("Search", "https://search.example.com/mcp"),
        &public,
    )
    .unwrap();
    assert!(readme.contains(&format!("```nginx\n{}\n```\n", text(&all.proxies, "nginx"))));
}

fn text<'a>(among: &'a [Snippet], name: &str) -> &'a str {
    let snippet = among.iter().find(|snippet| snippet.name == name).unwrap();
    &snippet.text
}

#[test]
fn a_snippet_is_filled_in_and_nothing_is_left_to_fill_in() {
    let all = snippets("Search", "https://search.acme.example/mcp");
    for snippet in all.servers.iter().chain(&all.proxies) {
        assert!(!snippet.text.contains("{{"), "{}", snippet.name);
        assert!(!snippet.text.contains("{%"), "{}", snippet.name);
        assert!(snippet.text.contains("https://untether.acme.example"));
    }
    let nginx = text(&all.proxies, "nginx");
    assert!(
        nginx.starts_with("server {\n    listen 443 ssl;\n    server_name search.acme.example;\n")
    );
    assert!(nginx.contains("proxy_ssl_verify on;"));
    assert!(nginx.contains("location = /.well-known/oauth-protected-resource/mcp {"));
    assert!(text(&all.proxies, "Caddy").starts_with("https://search.acme.example {\n"));
    assert!(text(&all.proxies, "Traefik").contains("      tls: {}\n"));
    let python = text(&all.servers, "Python SDK");
    assert!(python.contains(r#"required_scopes=["search.read"],"#));
    let fast = text(&all.servers, "fastmcp");
    assert!(fast.contains(r#"scopes_supported=["search.read", "search.write"],"#));
    assert!(fast.contains(r#"base_url="https://search.acme.example","#));
}

#[test]
fn a_server_at_the_root_of_its_host_is_protected_whole() {
    for resource in [
        "https://search.acme.example",
        "https://search.acme.example/",
    ] {
        let all = snippets("Search", resource);
        let nginx = text(&all.proxies, "nginx");
        assert_eq!(nginx.matches("location / {").count(), 1, "{nginx}");
        assert!(nginx.contains("location = /.well-known/oauth-protected-resource {"));
        assert!(text(&all.proxies, "Caddy").contains("handle /* {"));
        assert!(text(&all.proxies, "Traefik").contains("PathPrefix(`/`)"));
    }
}

#[test]
fn what_a_name_or_an_address_contains_never_becomes_code() {
    let name = "\"; import os # \\ \u{2028}`${1}`";
    let all = snippets(name, "https://search.acme.example/mcp");
    for name in ["Python SDK", "fastmcp"] {
        let python = text(&all.servers, name);
        assert!(
            python.contains("\"\\\"; import os # \\\\ \u{2028}`${1}`\","),
            "{python}"
        );
    }
    for resource in [
        "https://search.acme.example/mcp?team=a",
        "https://search.acme.example/a;b",
        "https://search.acme.example/$host",
        "https://search.acme.example/%7Bhttp.error%7D",
        "https://[::1]/mcp",
    ] {
        let all = snippets("Search", resource);
        assert!(all.proxies.is_empty(), "{resource}");
        assert_eq!(all.servers.len(), 3);
    }
}

#[test]
fn two_servers_on_one_host_have_no_location_in_common() {
    let public = PublicUrl::parse("https://untether.acme.example").unwrap();
    let locations = |slug: &str| {
        let project = Project {
            slug: Slug::parse(slug).unwrap(),
            ..project(slug, &format!("https://acme.example/{slug}"))
        };
        let all = of(&project, &public).unwrap();
        let lines = text(&all.proxies, "nginx").lines().map(str::trim);
        let lines = lines.filter(|line| line.starts_with("location "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (search, wiki) = (locations("search"), locations("wiki"));
    assert_eq!((search.len(), search.last()), (6, wiki.last()));
    assert!(search[..5].iter().all(|line| !wiki.contains(line)));
}

use serde_json::Value;

use crate::{
    clock::Timestamp,
    domain::{
        ids::{ClientId, ProjectId},
        project::{Members, Slug},
        redirect::RedirectUri,
        resource::Resource,
        scheme::PrivateSchemes,
    },
};

use super::{write::codex_callback, *};

fn client(origin: Origin, client_type: ClientType, redirect_uris: &[&str]) -> Client {
    Client {
        id: ClientId::parse("01890000-0000-7000-8000-00000000c1e1").unwrap(),
        identifier: "01890000-0000-7000-8000-00000000c1e1".into(),
        origin,
        project: None,
        name: "Support portal".into(),
        client_type,
        secret_hash: None,
        created_at: Timestamp::from_millis(0),
        revoked_at: None,
        version: 1,
        logo: None,
        redirect_uris: redirect_uris
            .iter()
            .map(|uri| RedirectUri::from_stored((*uri).to_owned()))
            .collect(),
    }
}

fn endpoint(slug: &str, resource: &str) -> Endpoint {
    Endpoint {
        id: ProjectId::parse("01890000-0000-7000-8000-00000000a1e1").unwrap(),
        slug: Slug::parse(slug).unwrap(),
        name: slug.to_owned(),
        resource: Resource::from_stored(resource.to_owned()),
        members: Members::Anyone,
        archived: false,
    }
}

fn public() -> PublicUrl {
    PublicUrl::parse("https://untether.example").unwrap()
}

fn of(client: &Client, endpoints: &[Endpoint]) -> Vec<Setup> {
    super::of(Some(client), endpoints, &public())
}

const ID: &str = "01890000-0000-7000-8000-00000000c1e1";
const AWKWARD: &str = "https://a.example/mcp?team='x'&say=\"y\"";

fn json(setups: &[Setup], host: &str) -> Value {
    let setup = setups.iter().find(|setup| setup.host == host).unwrap();
    serde_json::from_str(&setup.text).unwrap()
}

#[test]
fn every_file_parses_and_has_the_shape_that_its_host_reads() {
    let confidential = client(Origin::Console, ClientType::Confidential, &[]);
    let endpoints = [
        endpoint("search", AWKWARD),
        endpoint("wiki", "https://w.example/mcp"),
    ];
    let setups = of(&confidential, &endpoints);
    assert_eq!(setups.len(), 8);

    let desktop = json(&setups, "Claude Desktop");
    let search = &desktop["mcpServers"]["search"];
    assert_eq!(search["command"], "npx");
    let args = search["args"].as_array().unwrap();
    assert_eq!(args[..3], ["-y", "mcp-remote", AWKWARD]);
    assert_eq!(args[3], "--static-oauth-client-info");
    let info: Value = serde_json::from_str(args[4].as_str().unwrap()).unwrap();
    assert_eq!(info["client_id"], ID);
    assert_eq!(info["client_secret"], SECRET_PLACEHOLDER);

    let cursor = json(&setups, "Cursor");
    let search = &cursor["mcpServers"]["search"];
    assert_eq!(search["url"], AWKWARD);
    assert_eq!(search["auth"]["CLIENT_ID"], ID);
    assert_eq!(search["auth"]["CLIENT_SECRET"], SECRET_PLACEHOLDER);
    assert!(search.get("type").is_none());

    let code = json(&setups, "VS Code");
    let wiki = &code["servers"]["wiki"];
    assert_eq!(wiki["type"], "http");
    assert_eq!(wiki["url"], "https://w.example/mcp");
    assert_eq!(wiki["oauth"], serde_json::json!({ "clientId": ID }));

    let plain = json(&setups, "Plain JSON");
    assert_eq!(plain["mcpServers"]["search"]["type"], "http");
    assert_eq!(plain["mcpServers"]["search"]["oauth"]["clientId"], ID);
}

#[test]
fn the_command_line_survives_a_shell() {
    let endpoints = [
        endpoint("search", AWKWARD),
        endpoint("wiki", "https://w.example/mcp"),
    ];
    let confidential = client(Origin::Api, ClientType::Confidential, &[]);
    assert_eq!(
        of(&confidential, &endpoints)[0].text,
        format!(
            "claude mcp add --transport http search \
             'https://a.example/mcp?team='\\''x'\\''&say=\"y\"' --client-id {ID} --client-secret\n\
             claude mcp add --transport http wiki https://w.example/mcp \
             --client-id {ID} --client-secret"
        )
    );
    let public = client(Origin::Console, ClientType::Public, &[]);
    assert!(!of(&public, &endpoints)[0].text.contains("--client-secret"));
}

#[test]
fn codex_reads_a_table_for_each_server_and_comes_back_to_a_path_of_its_own() {
    // As its source has it: the first nine bytes of SHA-256 of the parsed URL.
    let endpoints = [endpoint("wiki", "https://w.example/mcp")];
    let callback = codex_callback(&endpoints[0].resource);
    let id = callback.strip_prefix("http://127.0.0.1/callback/").unwrap();
    assert_eq!(id.len(), 12);
    let bare = endpoint("bare", "https://w.example");
    let slash = endpoint("bare", "https://w.example/");
    assert_eq!(
        codex_callback(&bare.resource),
        codex_callback(&slash.resource)
    );

    let known = client(Origin::Console, ClientType::Public, &[&callback]);
    let setups = of(&known, &endpoints);
    let codex = setups.iter().find(|setup| setup.host == "Codex").unwrap();
    assert!(codex.fits);
    assert_eq!(
        codex.text,
        format!(
            "[mcp_servers.wiki]\nurl = \"https://w.example/mcp\"\n\n\
             [mcp_servers.wiki.oauth]\nclient_id = \"{ID}\"\n"
        )
    );
    let elsewhere = of(&known, &[endpoint("wiki", "https://other.example/mcp")]);
    let codex = elsewhere
        .iter()
        .find(|setup| setup.host == "Codex")
        .unwrap();
    assert!(!codex.fits && codex.notes[0].contains("http://127.0.0.1/callback/"));
}

#[test]
fn what_a_preset_fills_in_is_what_its_host_asks_for() {
    let wiki = endpoint("wiki", "https://w.example/mcp");
    for preset in presets(&wiki.resource, &public()) {
        let uris: Vec<_> = preset.redirect_uris.iter().map(String::as_str).collect();
        let known = client(Origin::Console, ClientType::Public, &uris);
        let setups = of(&known, std::slice::from_ref(&wiki));
        let own = setups
            .iter()
            .find(|setup| setup.host == preset.name)
            .unwrap();
        assert!(own.fits, "{}", preset.name);
        for uri in uris {
            assert!(
                RedirectUri::parse(uri, &PrivateSchemes::default()).is_ok(),
                "{uri}"
            );
        }
    }
}

#[test]
fn a_client_that_registered_itself_is_not_named_to_the_host() {
    for origin in [Origin::Registered, Origin::Document] {
        let itself = client(origin, ClientType::Public, &[]);
        for setup in of(&itself, &[endpoint("wiki", "https://w.example/mcp")]) {
            assert!(!setup.text.contains(ID), "{}", setup.host);
            assert!(setup.fits, "{}", setup.host);
            assert!(setup.notes.is_empty(), "{}", setup.host);
        }
    }
}

#[test]
fn a_host_whose_redirect_uri_is_not_registered_is_said_not_to_work() {
    let endpoints = [endpoint("wiki", "https://w.example/mcp")];
    let fitting = |uris: &[&str]| {
        let setups = of(
            &client(Origin::Console, ClientType::Public, uris),
            &endpoints,
        );
        let fitting = setups.iter().filter(|setup| setup.fits);
        fitting.map(|setup| setup.host).collect::<Vec<_>>()
    };
    assert_eq!(
        fitting(&["http://localhost:3118/callback"]),
        ["Claude Code", "Cursor", "Plain JSON"]
    );
    assert_eq!(
        fitting(&["http://localhost/oauth/callback", "http://127.0.0.1:33418/"]),
        ["Claude Desktop", "VS Code", "MCP Inspector", "Plain JSON"]
    );
    assert_eq!(
        fitting(&["cursor://anysphere.cursor-mcp/oauth/callback"]),
        ["Cursor", "Plain JSON"]
    );
    let unfit = &of(
        &client(Origin::Console, ClientType::Public, &[]),
        &endpoints,
    )[0];
    assert!(unfit.notes[0].contains("http://localhost/callback"));
}

#[test]
fn a_host_in_a_cloud_is_said_not_to_reach_a_server_inside() {
    let warned = |resource: &str, public: &str| {
        let client = client(Origin::Registered, ClientType::Public, &[]);
        let public = PublicUrl::parse(public).unwrap();
        let setups = super::of(Some(&client), &[endpoint("wiki", resource)], &public);
        let warned = setups.iter().filter(|setup| !setup.notes.is_empty());
        warned.map(|setup| setup.host).collect::<Vec<_>>()
    };
    let (outside, inside) = ("https://w.example/mcp", "https://wiki.lan/mcp");
    assert!(warned(outside, "https://untether.example").is_empty());
    assert_eq!(warned(inside, "https://untether.example"), ["claude.ai"]);
    assert_eq!(warned(outside, "https://untether"), ["claude.ai", "Codex"]);
}

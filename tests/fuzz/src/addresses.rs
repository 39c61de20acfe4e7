//! Addresses that clients and settings name.

use clap::{Command, FromArgMatches as _};
use serde_json::Value;
use untether::{
    config::RawSettings,
    domain::{
        client::parse_name,
        document::{ClientDocument, DocumentUrl},
        redirect::{REDIRECT_LIMIT, RedirectUri},
        resource::{MAX_ADDRESS_CHARACTERS, Resource, ResourceKey, WebAddress},
        scheme::PrivateSchemes,
    },
};
use url::Url;

use crate::{text, two};

/// What holds of every address that is accepted for the web.
fn is_sound(address: &WebAddress<'_>, whole: &str) {
    assert!(whole.is_ascii() && whole.len() <= MAX_ADDRESS_CHARACTERS);
    assert!(!whole.contains(['#', '\\', ' ', '<', '"']) && !whole.contains(char::is_control));
    assert!(address.is_https() || address.is_loopback());
    // A browser goes where we say that it goes.
    let seen = Url::parse(whole).expect("a browser reads it");
    assert_eq!(
        seen.host_str().map(str::to_owned),
        Some(address.host.to_ascii_lowercase())
    );
    assert_eq!(seen.port(), address.unusual_port());
    assert!(seen.username().is_empty() && seen.password().is_none());
    assert_eq!(seen.origin().ascii_serialization(), address.origin());
}

/// A redirect URI and one that is asked for.
pub fn redirect(data: &[u8]) {
    let Some((registered, requested)) = two(data) else {
        return;
    };
    let schemes = PrivateSchemes::default();
    let Ok(uri) = RedirectUri::parse(registered, &schemes) else {
        return;
    };
    assert_eq!(uri.as_str(), registered);
    assert!(uri.matches(registered), "it matches itself");
    assert!(registered.contains(uri.host_and_port()));
    assert!(!(uri.is_loopback() && uri.is_remote()));
    if let Ok(address) = WebAddress::parse(registered) {
        is_sound(&address, registered);
    }
    let asked = RedirectUri::parse(requested, &schemes);
    if uri.matches(requested) {
        let asked = asked.expect("what matches is acceptable itself");
        assert!(asked.matches(registered), "matching has no direction");
        if registered != requested {
            assert!(uri.is_loopback() && asked.is_loopback());
            let [one, other] = [registered, requested].map(|uri| Url::parse(uri).unwrap());
            assert_eq!(one.host_str(), other.host_str());
            assert_eq!((one.path(), one.query()), (other.path(), other.query()));
        }
    } else if let Ok(asked) = asked {
        assert!(!asked.matches(registered), "matching has no direction");
    }
}

/// Two spellings of a resource.
pub fn resource(data: &[u8]) {
    let Some((one, other)) = two(data) else {
        return;
    };
    let [key, other_key] = [one, other].map(ResourceKey::of);
    let resource = Resource::parse(one);
    assert_eq!(resource.is_ok(), key.is_some());
    let (Ok(resource), Some(key)) = (resource, key) else {
        return;
    };
    assert_eq!((resource.as_str(), resource.key()), (one, key.clone()));
    is_sound(&WebAddress::parse(one).unwrap(), one);
    let metadata = resource.metadata_url();
    let [at, metadata] = [one, &metadata].map(|url| WebAddress::parse(url).unwrap());
    assert_eq!(at.origin(), metadata.origin());
    assert_eq!(at.query, metadata.query);
    if other_key.is_some_and(|other| other == key) {
        let other = WebAddress::parse(other).unwrap();
        assert_eq!((at.origin(), at.query), (other.origin(), other.query));
        let path = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
        assert_eq!(path(at.path), path(other.path));
    }
}

/// The address of a client's document.
pub fn document_url(data: &[u8]) {
    let Some(text) = text(data) else {
        return;
    };
    let Ok(url) = DocumentUrl::parse(text) else {
        return;
    };
    assert_eq!(url.as_str(), text);
    assert!(DocumentUrl::is_meant(text) && text.starts_with("https://"));
    is_sound(&WebAddress::parse(text).unwrap(), text);
    // What is fetched is what is named: nothing is made of the path on the way.
    let seen = Url::parse(text).unwrap();
    let address = WebAddress::parse(text).unwrap();
    assert_eq!(seen.path(), address.path);
    assert_eq!(seen.host_str(), Some(url.host().as_str()));
}

/// A document, at the address in its first line.
pub fn document(data: &[u8]) {
    let Some((address, body)) = two(data) else {
        return;
    };
    let Ok(url) = DocumentUrl::parse(address) else {
        return;
    };
    let schemes = PrivateSchemes::default();
    let Ok(document) = ClientDocument::parse(&url, body.as_bytes(), &schemes) else {
        return;
    };
    let json: Value = serde_json::from_str(body).expect("it is JSON");
    assert_eq!(json["client_id"], address);
    assert!(json.get("client_secret").is_none_or(Value::is_null));
    assert_eq!(
        parse_name(&document.name).as_deref(),
        Ok(document.name.as_str())
    );
    assert!((1..=REDIRECT_LIMIT).contains(&document.redirect_uris.len()));
    for uri in &document.redirect_uris {
        assert_eq!(RedirectUri::parse(uri.as_str(), &schemes).as_ref(), Ok(uri));
    }
}

/// The flags that take text of some form.
const FLAGS: [&str; 14] = [
    "--trusted-proxies",
    "--public-url",
    "--listen",
    "--owners",
    "--email-header",
    "--groups-separator",
    "--sign-out-url",
    "--idle-days",
    "--redirect-schemes",
    "--client-document-hosts",
    "--database-url",
    "--assertion-jwks-url",
    "--unused-client-days",
    "--organization",
];

/// A setting, by the first byte.
pub fn settings(data: &[u8]) {
    let Some((flag, value)) = data.split_first() else {
        return;
    };
    let flag = FLAGS[usize::from(*flag) % FLAGS.len()];
    let Some(value) = text(value) else {
        return;
    };
    use clap::Args as _;
    let command = RawSettings::augment_args(Command::new("untether"));
    let command = command.mut_args(|arg| arg.env(None::<&str>));
    let Ok(matches) = command.try_get_matches_from(["untether", flag, value]) else {
        return;
    };
    let raw = RawSettings::from_arg_matches(&matches).expect("raw settings");
    let Ok(settings) = raw.validate(&matches) else {
        return;
    };
    let proxy = settings.proxy.iter().flat_map(|proxy| &proxy.trusted);
    for network in proxy {
        assert!(
            network.prefix_len() >= 8,
            "a great part of the internet: {network}"
        );
        assert_eq!(*network, network.trunc());
    }
    assert!((1..=3650).contains(&settings.idle_days));
    let address = settings.public_url.as_str().to_owned();
    assert!(WebAddress::parse(&address).is_ok(), "{address}");
    assert_eq!(
        settings.public_url.origin(),
        WebAddress::parse(&address).unwrap().origin()
    );
    if let Some(url) = &settings.sign_out_url {
        assert!(url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/'));
        assert!(!url.starts_with("//") && !url.contains('\\'));
    }
    for owner in &settings.owners {
        assert_eq!(owner.to_string().parse().as_ref(), Ok(owner));
    }
}

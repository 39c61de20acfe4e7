//! Simple values of settings, each parsed from its text. Errors are sentences that
//! follow the name of the setting and a colon.

use std::{
    fmt::Display,
    fs,
    net::{IpAddr, SocketAddr},
    str::FromStr as _,
};

use actix_web::http::header::HeaderName;
use ipnet::{IpNet, Ipv4Net};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::domain::document::Host;

use super::{ClientDocuments, LogFormat, Registration};

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let error = |_| format!("{text:?} is not an address with a port, such as 127.0.0.1:8080");
    text.parse().map_err(error)
}

pub(super) fn organization(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err("it must be a name of 1 to 100 characters on one line".to_owned());
    }
    Ok(name.to_owned())
}

/// A network or a single address. A v4-mapped network becomes the IPv4 network that it
/// stands for, so that `::ffff:0.0.0.0/96` is seen for what it is.
pub(super) fn trusted_proxy(text: &str) -> Result<IpNet, String> {
    let net = IpNet::from_str(text)
        .or_else(|_| text.parse().map(|address: IpAddr| address.into()))
        .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.1.0.0/16"))?;
    let net = match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => v6
            .addr()
            .to_ipv4_mapped()
            .and_then(|v4| Ipv4Net::new(v4, v6.prefix_len() - 96).ok())
            .map_or(net, IpNet::V4),
        _ => net,
    };
    let shortest_prefix = if matches!(net, IpNet::V4(_)) { 8 } else { 16 };
    if net.prefix_len() < shortest_prefix {
        return Err(format!(
            "{text:?} covers far too many addresses: everyone in it could pretend to be \
             anyone. Name only your proxy (no network larger than /{shortest_prefix})"
        ));
    }
    Ok(net.trunc())
}

pub(super) fn header(text: &str) -> Result<HeaderName, String> {
    HeaderName::from_str(text)
        .map_err(|_| format!("{text:?} is not a header name such as X-Forwarded-Email"))
}

pub(super) fn separator(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if !c.is_alphanumeric() && !c.is_control() => Ok(c),
        _ => Err(format!(
            "{text:?} is not a single separating character, such as , or |"
        )),
    }
}

/// What a claim of a token must be. It is compared to the letter, so a space or line end
/// around it would be a trap.
pub(super) fn claim(text: &str) -> Result<String, String> {
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(format!(
            "{text:?} begins or ends with a space, or is not one line; it must be exactly \
             what the tokens say"
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn sign_out_url(text: &str) -> Result<String, String> {
    let error = || format!("{text:?} is neither a URL nor a path such as /oauth2/sign_out");
    let graphic = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = text.starts_with('/') && !text.starts_with("//");
    let web = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if graphic && (path || web) {
        Ok(text.to_owned())
    } else {
        Err(error())
    }
}

pub(super) fn number(text: &str, from: u32, to: u32) -> Result<u32, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (from..=to).contains(number));
    number.ok_or_else(|| format!("{text:?} is not a whole number from {from} to {to}"))
}

pub(super) fn registration(text: &str) -> Result<Registration, String> {
    match text {
        "open" => Ok(Registration::Open),
        "off" => Ok(Registration::Off),
        _ => Err(format!("{text:?} is neither open nor off")),
    }
}

/// The documents that are accepted, with the hosts of the list.
pub(super) fn client_documents(text: &str, hosts: Vec<Host>) -> Result<ClientDocuments, String> {
    match text {
        "any" => Ok(ClientDocuments::Any),
        "list" if hosts.is_empty() => Err("it is list, so UNTETHER_CLIENT_DOCUMENT_HOSTS must \
             name the hosts, such as claude.ai,vscode.dev"
            .to_owned()),
        "list" => Ok(ClientDocuments::List(hosts)),
        "off" => Ok(ClientDocuments::Off),
        _ => Err(format!("{text:?} is neither any nor list nor off")),
    }
}

/// The certificates in a PEM file; at least one.
pub(super) fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path).map_err(|error| format!("cannot read {path:?}: {error}"))?;
    let broken = |error: &dyn Display| format!("{path:?} has a broken certificate: {error}");
    let mut roots = RootCertStore::empty();
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| broken(&error))?;
        roots
            .add(certificate.clone())
            .map_err(|error| broken(&error))?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(format!("{path:?} has no certificate (PEM) in it"));
    }
    Ok(certificates)
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{text:?} is not a log filter such as info,sqlx=warn: {error}"
        )),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err(format!("{text:?} is neither json nor text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_proxy_is_an_address_or_a_small_network() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1/32"),
            ("::1", "::1/128"),
            ("10.1.2.3/16", "10.1.0.0/16"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("fd00::/16", "fd00::/16"),
            ("::ffff:10.1.0.0/112", "10.1.0.0/16"),
        ] {
            assert_eq!(
                trusted_proxy(text).map(|net| net.to_string()),
                Ok(expected.to_owned())
            );
        }
    }

    #[test]
    fn a_network_that_holds_a_great_part_of_the_internet_is_never_trusted() {
        for text in [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/7",
            "2000::/15",
            "::ffff:0.0.0.0/96",
        ] {
            assert!(trusted_proxy(text).is_err(), "{text}");
        }
        for text in ["", "proxy", "10.0.0.0/33", "10.0.0", "*"] {
            assert!(trusted_proxy(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_separator_is_one_character_that_is_no_letter() {
        for (text, expected) in [(",", Some(',')), ("|", Some('|')), (" ", Some(' '))] {
            assert_eq!(separator(text).ok(), expected);
        }
        for text in ["", ",,", "a", "0", "\n"] {
            assert!(separator(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_claim_has_nothing_around_it() {
        assert_eq!(
            claim("/projects/1/apps/x").as_deref(),
            Ok("/projects/1/apps/x")
        );
        for text in ["x ", " x", "x\n", "x\ny"] {
            assert!(claim(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn signing_out_leads_to_a_web_page_or_a_path() {
        for text in ["/oauth2/sign_out?rd=/", "https://sso.example.com/logout"] {
            assert_eq!(sign_out_url(text).as_deref(), Ok(text));
        }
        for text in [
            "javascript:alert(1)",
            "//evil.example/",
            "/\\evil.example",
            "logout",
            "/a b",
        ] {
            assert!(sign_out_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_has_bounds_and_no_sign() {
        assert_eq!(number("1", 1, 3), Ok(1));
        assert_eq!(number("3", 1, 3), Ok(3));
        for text in ["0", "4", "-1", "1.5", " 1", "", "99999999999"] {
            assert!(number(text, 1, 3).is_err(), "{text:?}");
        }
    }
}

//! How two addresses differ, in words, and what of a server's answer is shown.

use url::Url;

/// The most characters of a server's answer that are shown.
const SHOWN: usize = 200;

/// What a server said, fit to be shown: short, and on one line.
pub fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN)
        .collect();
    if text.chars().count() > SHOWN {
        shown.push('…');
    }
    shown
}

/// How the address that was seen differs from the one that was expected: the end of a
/// sentence about "it", the one that was seen.
pub fn difference(expected: &str, seen: &str) -> String {
    let (Ok(want), Ok(have)) = (Url::parse(expected), Url::parse(seen)) else {
        return "it is no address".to_owned();
    };
    let mut differences = Vec::new();
    if want.scheme() != have.scheme() {
        differences.push(format!(
            "it begins with {}:// and not {}://",
            have.scheme(),
            want.scheme()
        ));
    }
    let (want_host, have_host) = (
        want.host_str().unwrap_or_default(),
        have.host_str().unwrap_or_default(),
    );
    if want_host != have_host {
        differences.push(match is_loopback(want_host) && is_loopback(have_host) {
            true => format!(
                "it says {have_host} and not {want_host}, which are two different servers to clients"
            ),
            false => format!("its host is {have_host} and not {want_host}"),
        });
    }
    let port = |url: &Url| url.port_or_known_default();
    // The usual ports differ with the scheme, which has been said.
    if port(&want) != port(&have) && (want.port().is_some() || have.port().is_some()) {
        let number = |url: &Url| port(url).map(|port| port.to_string()).unwrap_or_default();
        differences.push(format!(
            "its port is {} and not {}",
            number(&have),
            number(&want)
        ));
    }
    differences.extend(path_difference(expected, seen, &want, &have));
    if want.query() != have.query() || want.fragment() != have.fragment() {
        differences.push("what follows its path is different".to_owned());
    }
    if differences.is_empty() {
        return "it is spelled differently (capital letters, or a port that goes without saying)"
            .to_owned();
    }
    differences.join(", and ")
}

fn path_difference(expected: &str, seen: &str, want: &Url, have: &Url) -> Option<String> {
    let [want_path, have_path] = [want, have].map(|url| url.path().trim_end_matches('/'));
    if want_path != have_path {
        return Some(format!(
            "its path is {} and not {}",
            have.path(),
            want.path()
        ));
    }
    match (expected.ends_with('/'), seen.ends_with('/')) {
        (false, true) => Some("it has a slash at its end".to_owned()),
        (true, false) => Some("it has no slash at its end".to_owned()),
        _ => None,
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_said_in_words() {
        let expected = "https://h.example/oauth";
        for (seen, words) in [
            ("https://h.example/oauth/", "it has a slash at its end"),
            (
                "http://h.example/oauth",
                "it begins with http:// and not https://",
            ),
            (
                "https://g.example/oauth",
                "its host is g.example and not h.example",
            ),
            (
                "https://h.example:8443/oauth",
                "its port is 8443 and not 443",
            ),
            ("https://h.example", "its path is / and not /oauth"),
            (
                "https://h.example/oauth?a=1",
                "what follows its path is different",
            ),
            (
                "HTTPS://H.example:443/oauth",
                "it is spelled differently (capital letters, or a port that goes without saying)",
            ),
            (
                "http://g.example/oauth/",
                "it begins with http:// and not https://, and its host is g.example and not \
                 h.example, and it has a slash at its end",
            ),
            ("oauth", "it is no address"),
        ] {
            assert_eq!(difference(expected, seen), words, "{seen}");
        }
        assert_eq!(
            difference("http://localhost:8000/mcp", "http://127.0.0.1:8000/mcp"),
            "it says 127.0.0.1 and not localhost, which are two different servers to clients"
        );
        assert_eq!(
            difference("https://h.example/mcp/", "https://h.example/mcp"),
            "it has no slash at its end"
        );
    }

    #[test]
    fn what_a_server_says_is_shown_short_and_on_one_line() {
        assert_eq!(shown("a\r\nb\u{1b}[1m"), "ab[1m");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), SHOWN + 1);
    }
}

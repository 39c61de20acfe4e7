//! The way back from a page to the one that it was reached from.

use actix_web::{HttpRequest, http::header};
use url::{Position, Url};

use crate::web::params::{Params, encode};

/// Pages that lead to others, alone and with an id or name behind them.
const PAGES: [&str; 7] = [
    "connections",
    "clients",
    "people",
    "projects",
    "audit",
    "acts",
    "me",
];

/// What stands where ids do, and is a question or a part of a page.
const NONE: [&str; 5] = ["revoke", "revoke-matching", "rows", "new", "of"];

/// The longest way back; each page on it adds to its length.
const LONGEST: usize = 4000;

/// The page before: the one that the address, or a form, names as `back`, or else the one that
/// the browser says it comes from. `None` when that is no page to go back to.
pub fn page(req: &HttpRequest, params: &Params) -> Option<String> {
    named(params).or_else(|| came_from(req).filter(|page| is_page(page, req.path())))
}

/// The page that the address, or a form, names as `back`.
pub fn named(params: &Params) -> Option<String> {
    let named = params.one("back").ok().flatten();
    named
        .filter(|page| is_page(page, ""))
        .map(ToOwned::to_owned)
}

fn is_page(page: &str, here: &str) -> bool {
    let path = page.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').skip(1);
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    page.len() <= LONGEST
        && local_path(Some(page)) == page
        && path != here
        && PAGES.contains(&first)
        && second.is_none_or(|name| !NONE.contains(&name))
        && parts.next().is_none()
}

/// The address of a page that is to lead back to the one before it.
pub fn address(path: &str, before: Option<&str>) -> String {
    match before {
        Some(before) => format!("{path}?{}", encode([("back", before)])),
        None => path.to_owned(),
    }
}

/// What a link back to a page says; without one it leads to the list of connections.
pub fn label(page: Option<&str>) -> &'static str {
    let path = page.map(|page| page.split('?').next().unwrap_or_default());
    let first = |path: &str| path[1..].split('/').next().unwrap_or_default().to_owned();
    match path {
        None => "All connections",
        Some("/connections") => "Back to the list",
        Some(path) => match &*first(path) {
            "clients" if path == "/clients" => "Back to the clients",
            "clients" => "Back to the client",
            "people" => "Back to the person",
            "projects" => "Back to the project",
            "audit" => "Back to the audit trail",
            "me" => "Back to my connections",
            _ => "Back",
        },
    }
}

/// A path on this site to go back to; the list when `asked` is anything else.
pub fn local_path(asked: Option<&str>) -> String {
    let local = asked.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    });
    local.unwrap_or("/connections").to_owned()
}

/// The path and query of the page whose link was followed, as the browser says.
pub fn came_from(req: &HttpRequest) -> Option<String> {
    let page = Url::parse(req.headers().get(header::REFERER)?.to_str().ok()?).ok()?;
    Some(page[Position::BeforePath..Position::AfterQuery].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        assert_eq!(
            local_path(Some("/connections?per=25")),
            "/connections?per=25"
        );
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a b",
            "/a\r\nb",
        ] {
            assert_eq!(local_path(Some(foreign)), "/connections", "{foreign:?}");
            assert!(!is_page(foreign, ""), "{foreign:?}");
        }
        assert_eq!(local_path(None), "/connections");
    }

    #[test]
    fn pages_that_lead_to_others_are_led_back_to_and_questions_are_not() {
        for (page, said) in [
            ("/connections", "Back to the list"),
            ("/connections?q=a", "Back to the list"),
            ("/connections/1", "Back"),
            ("/clients?q=a", "Back to the clients"),
            ("/clients/1?back=%2Fme", "Back to the client"),
            ("/people/1", "Back to the person"),
            ("/projects/search", "Back to the project"),
            ("/audit?q=a", "Back to the audit trail"),
            ("/me", "Back to my connections"),
        ] {
            assert!(is_page(page, "/clients/2"), "{page}");
            assert_eq!(label(Some(page)), said);
        }
        for other in [
            "/clients/2?back=%2Fme",
            "/connections/revoke?id=1",
            "/connections/revoke-matching",
            "/clients/1/block",
            "/people/of/1",
            "/projects/new",
            "/help",
            "/oauth/authorize",
        ] {
            assert!(!is_page(other, "/clients/2"), "{other}");
        }
        assert!(!is_page(
            &format!("/connections?q={}", "a".repeat(4000)),
            ""
        ));
        assert_eq!(label(None), "All connections");
    }
}

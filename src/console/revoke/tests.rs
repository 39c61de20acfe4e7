//! Tests of where a revocation leads back to.

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
    }
    assert_eq!(local_path(None), "/connections");
}

#[test]
fn everything_that_a_list_shows_has_the_parameters_of_the_list() {
    assert_eq!(
        matching_of("/connections?q=a%26b&per=25"),
        "/connections/revoke-matching?q=a%26b&per=25"
    );
    assert_eq!(matching_of("/people/1"), "/connections/revoke-matching");
}

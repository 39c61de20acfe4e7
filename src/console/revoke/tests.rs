//! Tests of where a revocation leads.

use super::*;

#[test]
fn everything_that_a_list_shows_has_the_parameters_of_the_list() {
    assert_eq!(
        matching_of("/connections?q=a%26b&per=25"),
        "/connections/revoke-matching?q=a%26b&per=25"
    );
    assert_eq!(matching_of("/people/1"), "/connections/revoke-matching");
}

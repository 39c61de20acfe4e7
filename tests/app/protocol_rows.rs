//! What the protocol asks of an authorization server for MCP, and the test that would
//! fail without it. Rows that say MUST or SHOULD; the numbers are those of the project's
//! notes on the MCP specification of 2026-07-28 and the RFCs it stands on. A name
//! without a module is a unit test beside the code; `tests/sdk` holds those with real
//! clients. [`every_row_names_tests_that_exist`] keeps the table honest.
//!
//! | row | what is asked | tests |
//! |---|---|---|
//! | 1 | metadata (RFC 8414) | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it |
//! | 2 | at the path-inserted address; 404 elsewhere | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it |
//! | 3 | `issuer` is what the address was made of | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it |
//! | 4 | endpoints and `response_types_supported` | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it |
//! | 5 | `code_challenge_methods_supported` | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it |
//! | 6 | no half of OpenID Connect discovery | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it |
//! | 7 | https, or loopback | a_public_url_is_needed_where_others_can_reach_the_server |
//! | 8 | exact redirect match | authorize::an_untrusted_client_or_redirect_is_never_redirected_to, a_requested_redirect_uri_must_equal_a_registered_one_but_for_a_loopback_port |
//! | 9 | loopback on any port | protocol::a_loopback_redirect_matches_on_any_port_and_nothing_else |
//! | 10 | redirects are https or loopback | register::unacceptable_metadata_is_refused_by_the_right_code, an_unacceptable_redirect_uri_is_refused_with_its_reason, a_private_scheme_is_accepted_only_when_listed |
//! | 11 | bad client or redirect: no redirect | authorize::an_untrusted_client_or_redirect_is_never_redirected_to |
//! | 12 | PKCE with S256 | authorize::other_faults_are_told_to_the_client, only_s256_with_a_well_formed_challenge_is_accepted |
//! | 13 | `iss` on success and error | authorize::the_answer_goes_back_with_state_and_issuer, authorize::other_faults_are_told_to_the_client |
//! | 14 | `state` unchanged, once | authorize::the_answer_goes_back_with_state_and_issuer |
//! | 15 | no CORS on /authorize | authorize::no_other_origin_may_read_the_consent_page, introspect::browser_based_clients_may_call_what_they_need_and_no_more |
//! | 16 | not framed | authorize::consent_says_who_asks_for_what_as_whom_and_where_it_leads |
//! | 17 | 303 after the form | authorize::the_answer_goes_back_with_state_and_issuer |
//! | 18 | no automatic approval | authorize::consent_is_asked_every_time |
//! | 19 | consent says who and what; CSRF | authorize::consent_says_who_asks_for_what_as_whom_and_where_it_leads, authorize::a_decision_counts_only_from_the_persons_own_page |
//! | 20 | redirect host shown; warning for loopback | document::the_consent_page_says_where_the_app_describes_itself |
//! | 21 | a record of consent per person, client and resource | authorize::a_double_click_on_allow_makes_one_connection |
//! | 22 | code once, short, bound | token::a_code_used_twice_ends_its_connection, token::a_code_is_bound_to_its_client_verifier_redirect_resource_and_minute, races::a_code_that_several_servers_get_at_once_gives_one_pair_that_ends |
//! | 23 | a verifier needs a challenge | authorize::other_faults_are_told_to_the_client |
//! | 24 | `no-store`, JSON, `token_type` | token::a_code_gives_tokens_in_the_shape_the_standard_wants |
//! | 25 | `invalid_client` is 401, with a challenge for Basic | protocol::errors_of_the_token_endpoint_are_exact |
//! | 26 | the secret in the body, and every other form | register::a_confidential_client_must_prove_itself_in_any_form_clients_use, protocol::a_secret_works_in_either_place_whatever_was_registered, every_form_that_real_clients_send_is_read |
//! | 27 | CORS for browser apps | introspect::browser_based_clients_may_call_what_they_need_and_no_more |
//! | 28 | `resource` honoured, audience bound | authorize::other_faults_are_told_to_the_client, introspect::a_token_for_another_project_is_inactive_without_a_reason |
//! | 29 | spellings of a resource | authorize::a_missing_resource_means_the_only_project, spellings_that_mean_the_same_server_match_and_others_do_not |
//! | 30 | a refresh never widens | token::a_refresh_may_narrow_scopes_and_never_widen_them, step_up::the_old_tokens_run_out_with_the_grace_window_and_never_gain_scopes |
//! | 31 | rotation, and replay noticed | races::processes_that_share_a_refresh_token_all_go_on_within_the_window, sweep::a_code_that_comes_back_is_recognized_for_as_long_as_its_connection_lives |
//! | 32 | no refresh of an ended grant | revoke::a_refresh_in_flight_does_not_bring_a_revoked_connection_back, races::nothing_that_was_sent_after_a_revoke_was_answered_succeeds_on_any_server, which_project::a_connection_ends_when_its_person_is_no_member_any_more |
//! | 33 | idle connections expire | token::an_unused_connection_expires_and_says_so_everywhere, token::a_refresh_keeps_a_connection_alive_until_its_maximum_age |
//! | 34 | short-lived access tokens | token::an_access_token_ends_after_its_hour |
//! | 35 | `offline_access` is never refused | token::a_refresh_may_narrow_scopes_and_never_widen_them, protocol::scopes_that_nobody_offers_are_left_out_and_never_refused |
//! | 36 | client documents, advertised | document::a_client_connects_by_its_document_alone, document_refusals::documents_can_be_switched_off |
//! | 37 | what a document's address looks like | document_refusals::an_address_that_breaks_the_rules_is_explained_and_not_fetched, a_document_is_at_an_https_address_with_a_path |
//! | 38 | 200, JSON, same `client_id`, no redirects | document_guard::only_a_small_json_file_is_taken, document_refusals::an_unacceptable_document_is_explained_on_a_page |
//! | 39 | no secrets in documents | a_document_that_describes_no_such_client_is_refused |
//! | 40 | no special-use addresses | document_guard::a_name_that_leads_to_a_special_address_is_not_connected_to, document_guard::the_address_that_was_checked_is_the_one_connected_to |
//! | 41 | size and time limits | document_guard::only_a_small_json_file_is_taken, document_guard::a_server_that_does_not_answer_is_given_up |
//! | 42 | cached by HTTP headers, errors never | document::a_document_is_used_as_long_as_its_server_allows, document_refusals::a_broken_server_is_asked_a_limited_number_of_times |
//! | 43 | the host of the client's id is shown | document::the_consent_page_says_where_the_app_describes_itself |
//! | 44 | changed documents | document::a_change_is_recorded_with_the_next_decision_and_used |
//! | 45 | ids are no addresses | generated_ids_sort_by_age_and_never_look_like_a_url |
//! | 46 | trust by host | document_refusals::documents_can_be_limited_to_some_hosts |
//! | 47 | registration (RFC 7591) | register::a_client_registers_and_reads_back_what_it_is |
//! | 48 | its errors; values replaced | register::unacceptable_metadata_is_refused_by_the_right_code, register::one_unacceptable_redirect_does_not_fail_the_others |
//! | 49 | `client_secret_expires_at` | register::a_client_that_names_no_method_gets_a_secret_that_does_not_expire |
//! | 51 | revocation (RFC 7009), cascading | revoke::a_client_can_hand_back_its_own_tokens_and_no_others |
//! | 52 | 200 for unknown tokens; only one's own | revoke::a_client_can_hand_back_its_own_tokens_and_no_others |
//! | 53 | introspection needs a credential | introspect::only_a_project_may_ask |
//! | 54 | inactive without a reason | introspect::a_token_for_another_project_is_inactive_without_a_reason |
//! | 56 | identity from the proxy alone | identity::headers_from_an_untrusted_peer_are_nobody, introspect::a_working_token_says_whose_it_is |
//! | 57 | resource metadata (RFC 9728) | mcp::it_sends_strangers_to_its_authorization_server |
//! | 58 | 401 with `resource_metadata` | mcp::it_sends_strangers_to_its_authorization_server |
//! | 59 | step-up replaces | step_up::a_client_that_asks_for_more_gets_it_on_the_connection_it_has |

use std::{collections::HashSet, ffi::OsStr, fs, path::Path};

/// The names of the functions in the Rust and Python files under a folder.
fn functions(folder: &Path, found: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("node_modules") {
            continue;
        }
        if path.is_dir() {
            functions(&path, found);
            continue;
        }
        let keyword = match path.extension().and_then(OsStr::to_str) {
            Some("rs") => "fn ",
            Some("py") => "def ",
            _ => continue,
        };
        let module = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (_, rest) in text.lines().filter_map(|line| line.split_once(keyword)) {
            let name = rest.split('(').next().unwrap();
            found.extend([name.to_owned(), format!("{module}::{name}")]);
        }
    }
}

/// The names that a table of tests may have in it.
pub fn known() -> HashSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = HashSet::new();
    functions(&root.join("src"), &mut known);
    functions(&root.join("tests/app"), &mut known);
    functions(&root.join("tests/sdk"), &mut known);
    known
}

#[test]
fn every_row_names_tests_that_exist() {
    let known = known();
    let rows = include_str!("protocol_rows.rs").lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("//! | ")?.split(" | ").collect();
        cells[0].parse::<u32>().ok()?;
        Some(cells[2].trim_end_matches(" |").to_owned())
    });
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), 57);
    for name in rows.iter().flat_map(|row| row.split(", ")) {
        assert!(known.contains(name), "no test is called {name}");
    }
}

//! What Untether decided because of what real clients and servers do, and the habits it
//! must live with; and the test that would fail without each. Those with a module that
//! begins with `test_` are in `tests/sdk`, with the real packages.
//! [`every_decision_and_habit_names_tests_that_exist`] keeps the tables honest.
//!
//! | decision | tests |
//! |---|---|
//! | the issuer has a path and no slash at its end | introspect::the_metadata_is_where_the_path_of_the_issuer_puts_it, test_matrix::test_finds_the_metadata_at_the_first_attempt |
//! | one spelling of the origin, whatever a request says | attacks_code::no_header_of_a_request_changes_what_the_issuer_is, test_quirks::test_who_accepts_another_spelling_of_the_issuer |
//! | opaque tokens, asked about on every call | revoke::a_revoke_is_true_on_the_very_next_call, test_quirks::test_every_request_of_a_tool_call_is_introspected |
//! | a revoked connection is `invalid_grant` and inactive, never `invalid_client` | races::nothing_that_was_sent_after_a_revoke_was_answered_succeeds_on_any_server, test_matrix::test_after_a_revoke_it_asks_a_person |
//! | consent every time, and blocks | authorize::consent_is_asked_every_time, blocking::a_block_is_true_on_the_next_call_and_says_so_to_the_host, test_matrix::test_blocked, test_matrix::test_blocked_consent, test_matrix::test_unblocked |
//! | GET has no effects | audit::get_has_no_effects, test_matrix::test_a_page_fetched_without_a_login_leads_to_the_login |
//! | pages behind the login, everything else outside it | test_proxy::test_without_a_login_a_browser_is_sent_to_sign_in_and_back_to_the_whole_address, test_proxy::test_clients_and_servers_reach_their_endpoints_without_a_login |
//! | no `form-action` on the consent page, and 303 | authorize::consent_says_who_asks_for_what_as_whom_and_where_it_leads, attacks_redirect::a_code_travels_in_one_redirect_that_nobody_keeps |
//! | ids and secrets of letters that every client spells alike | a_secret_holds_256_bits_in_the_alphabet_every_client_agrees_on, every_form_that_real_clients_send_is_read |
//! | Basic, with and without the id in the body, post, none | protocol::a_secret_works_in_either_place_whatever_was_registered, test_quirks::test_a_client_made_beforehand_proves_itself_each_way |
//! | rotation with a window | races::processes_that_share_a_refresh_token_all_go_on_within_the_window, token::an_old_refresh_token_used_again_ends_the_connection_in_plain_words |
//! | loopback redirects on any port | protocol::a_loopback_redirect_matches_on_any_port_and_nothing_else, test_registration::test_a_client_with_a_document_never_registers |
//! | a missing `resource` or `scope` is not fatal | authorize::a_missing_resource_means_the_only_project, which_project::whoever_knows_no_project_is_asked_which_one_and_then_whether, test_judges::test_the_conformance_suite_for_authorization_servers |
//! | `aud` is what was registered | introspect::a_working_token_says_whose_it_is, test_matrix::test_call |
//! | documents, registration with limits, clients made beforehand | document::a_client_connects_by_its_document_alone, register_limit::an_address_that_registers_too_often_is_told_when_to_come_back, unused::a_client_that_never_connected_goes_after_its_days_and_not_before, test_preregistered::test_a_client_made_beforehand_connects_refreshes_and_is_revoked |
//! | unknown well-known addresses are 404 in JSON | protocol::unknown_addresses_under_well_known_are_json_in_every_method |
//!
//! | habit | tests |
//! |---|---|
//! | which revision a client names when it looks for the metadata, and where it looks first | test_matrix::test_finds_the_metadata_at_the_first_attempt |
//! | where a client reads the challenge: rmcp in the answer to a GET, the others to a POST | test_matrix::test_connect |
//! | who compares issuers how | test_quirks::test_who_accepts_another_spelling_of_the_issuer |
//! | who checks `iss` | test_quirks::test_who_checks_that_the_answer_comes_from_this_server |
//! | what a client does where nobody may register | test_registration::test_where_nobody_may_register_a_client_gives_up |
//! | which method and type it registers, and which redirect | test_matrix::test_registers_once_in_its_own_way |
//! | who uses a document | test_registration::test_a_client_with_a_document_never_registers |
//! | `resource` and `scope` as they are sent | test_matrix::test_names_the_server_in_every_request |
//! | scopes nobody offers are asked for anyway | protocol::scopes_that_nobody_offers_are_left_out_and_never_refused, protocol::the_metadata_lists_few_scopes |
//! | how Basic is encoded, and what is in the body besides | test_matrix::test_proves_who_it_is, test_quirks::test_a_client_made_beforehand_proves_itself_each_way |
//! | when a client refreshes | test_matrix::test_refresh, test_matrix::test_call |
//! | what it does after a revoke | test_matrix::test_revoked, test_matrix::test_after_a_revoke_it_asks_a_person |
//! | what it does after `invalid_client` | test_quirks::test_a_client_that_is_no_longer_known_registers_again_or_says_so |
//! | what it does after `access_denied`, from the person and from us | test_matrix::test_revoked, test_matrix::test_blocked, test_hosts::test_a_host_that_is_denied_shows_our_words_and_gets_no_connection |
//! | Python with a secret and no method sends none | test_quirks::test_python_with_a_secret_but_no_method_sends_no_secret_and_is_refused |
//! | any fault of a refresh costs a consent, or is tried again | test_quirks::test_an_outage_at_the_token_endpoint_costs_a_consent_at_most |
//! | an access token that lives for seconds makes Python ask twice | an_access_token_lives_for_a_minute_at_least |
//! | `insufficient_scope` leads to a consent for more | step_up::a_client_that_asks_for_more_gets_it_on_the_connection_it_has |
//! | mcp-remote opens the browser before it listens | test_hosts::test_mcp_remote_is_cut_off_in_the_middle_of_a_session_and_asks_the_person_again |
//! | the Inspector does not look for the metadata again | test_quirks::test_the_inspector_knows_where_everything_is_and_does_not_look_again |
//! | the Inspector hands nothing back when it signs in anew | test_quirks::test_the_inspector_that_signs_in_anew_leaves_its_old_connection_behind |
//! | fastmcp adds a slash to an issuer without a path | test_matrix::test_connect |
//! | three questions about a token in one tool call | test_quirks::test_every_request_of_a_tool_call_is_introspected |
//! | fastmcp answers 401 when a scope is missing, and says which | test_quirks::test_what_a_server_says_to_a_token_without_the_scope_it_needs |
//! | fastmcp's credential raw in Basic, or in the body, with a hint | test_quirks::test_fastmcp_introspects_with_its_credential_either_way |
//! | a server that keeps answers keeps revoked tokens alive | test_quirks::test_a_server_that_keeps_what_it_was_told_lets_a_revoked_token_pass |
//! | a token of one server is worth nothing at another | test_python_sdk::test_a_token_of_one_server_is_worth_nothing_at_the_other |

use crate::protocol_rows::known;

#[test]
fn every_decision_and_habit_names_tests_that_exist() {
    let known = known();
    let rows = include_str!("protocol_decisions.rs").lines();
    let rows = rows.filter_map(|line| {
        line.strip_prefix("//! | ")?
            .strip_suffix(" |")?
            .split_once(" | ")
    });
    let tests: Vec<_> = rows
        .map(|(_, tests)| tests)
        .filter(|tests| *tests != "tests")
        .collect();
    assert_eq!(tests.len(), 16 + 27);
    for name in tests.iter().flat_map(|tests| tests.split(", ")) {
        assert!(known.contains(name), "no test is called {name}");
    }
}

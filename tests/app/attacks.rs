//! Attacks, each with the tests that make it fail. The sections are those of RFC 9700
//! (BCP), OAuth 2.1 (O21, draft 16), Client ID Metadata Documents (CIMD, draft 02) and
//! the security considerations of MCP's authorization of 2026-07-28 (MCP); other RFCs are
//! named, and a dash stands where a program has to know better than its papers. A name
//! without a module is a unit test beside the code. [`every_attack_names_tests_that_exist`]
//! keeps the table honest, and `tests/weakened/run` shows that the tests are able to fail.
//!
//! | section | attack | tests |
//! |---|---|---|
//! | BCP 4.1, O21 7.13.2 | an address near the registered one gets the code | attacks_redirect::no_address_near_the_registered_one_is_sent_an_answer, a_requested_redirect_uri_must_equal_a_registered_one_but_for_a_loopback_port |
//! | BCP 4.1.3, O21 8.5.4 | the loopback exception opens more than a port | attacks_redirect::the_loopback_exception_opens_a_port_and_nothing_else, protocol::a_loopback_redirect_matches_on_any_port_and_nothing_else |
//! | BCP 4.1, O21 7.12 | the form of consent is changed after the request was checked | attacks_redirect::the_form_of_consent_is_checked_like_the_request_before_it |
//! | O21 3.1, 7.12 | a parameter given twice, each part reading another | attacks_redirect::a_parameter_given_twice_is_nobodys_to_choose_from, attacks_endpoint::what_stands_twice_in_a_form_is_refused |
//! | BCP 4.1.2, 2.1.2 | implicit and hybrid answers, tokens in fragments | attacks_redirect::an_answer_is_never_anything_but_a_code_in_a_query |
//! | BCP 4.17 | an answer by a script to any origin | attacks_redirect::an_answer_is_never_anything_but_a_code_in_a_query |
//! | BCP 4.2.2 | the code or state leaks in a Referer header | attacks_redirect::a_code_travels_in_one_redirect_that_nobody_keeps, attacks_redirect::the_consent_page_loads_nothing_from_elsewhere |
//! | BCP 4.3.1 | the code stays in the browser's history | attacks_redirect::a_code_travels_in_one_redirect_that_nobody_keeps, token::a_code_used_twice_ends_its_connection |
//! | BCP 4.3.2, O21 5.1 | a token in an address, a cookie or a body | attacks_code::a_token_counts_in_the_authorization_header_only |
//! | BCP 4.4, O21 7.15, MCP Mix-Up | the client takes an answer for another server's | attacks_code::every_answer_says_who_it_is_from_whatever_the_request_says, authorize::the_answer_goes_back_with_state_and_issuer |
//! | BCP 4.4, RFC 8414 3.3 | a Host header makes the issuer another's | attacks_code::no_header_of_a_request_changes_what_the_issuer_is |
//! | BCP 4.5, O21 7.5.1, MCP Code | a stolen code is put into one's own session | attacks_code::a_code_of_another_session_of_the_same_client_is_refused |
//! | BCP 4.5.3.1, O21 7.5.2 | who read the request redeems its code | attacks_code::whoever_read_the_request_cannot_redeem_its_code |
//! | BCP 4.8, O21 7.5.2 | PKCE is taken out of the request | attacks_code::proof_keys_cannot_be_taken_out_of_a_request, attacks_redirect::the_form_of_consent_is_checked_like_the_request_before_it, only_s256_with_a_well_formed_challenge_is_accepted |
//! | O21 7.5.3 | a code is used twice | token::a_code_used_twice_ends_its_connection, token::of_many_simultaneous_exchanges_at_most_one_succeeds, races::a_code_that_several_servers_get_at_once_gives_one_pair_that_ends |
//! | O21 7.5, 4.1.3 | a code of another client, address, resource or hour | token::a_code_is_bound_to_its_client_verifier_redirect_resource_and_minute |
//! | BCP 4.6, 4.9 | something else in the place of a token | attacks_code::nothing_works_in_the_place_of_something_else |
//! | BCP 4.7, O21 7.10 | consent is forged by another site | authorize::a_decision_counts_only_from_the_persons_own_page, attacks_browser::no_form_of_another_site_changes_anything |
//! | BCP 4.7, O21 7.10 | any other form is forged by another site | attacks_browser::no_form_of_another_site_changes_anything, attacks_browser::every_form_there_is_takes_part_in_these_attacks |
//! | BCP 4.7 | a form's token is stolen, guessed, old or another's | attacks_browser::no_form_without_a_token_of_this_person_and_day_changes_anything, a_form_token_is_good_for_one_person_and_one_day |
//! | BCP 4.9, MCP Audience | a token is used at another server | introspect::a_token_for_another_project_is_inactive_without_a_reason, forward::a_token_that_does_not_work_here_is_refused_without_a_reason, access_machine::programs_get_what_their_credentials_are_for_and_identity_headers_add_nothing |
//! | BCP 4.9.1, RFC 8707 | a resource that looks like another's | attacks_code::a_resource_that_only_looks_alike_is_another, spellings_that_mean_the_same_server_match_and_others_do_not |
//! | BCP 4.10, MCP Token Theft | a stolen access token works for long | token::an_access_token_ends_after_its_hour, revoke::a_revoke_is_true_on_the_very_next_call |
//! | BCP 4.11.2, O21 7.13.2, MCP Open Redirection | a link to here leads to a stranger's page | redirector::a_faulty_request_of_a_stranger_leads_nowhere_without_a_click, authorize::an_untrusted_client_or_redirect_is_never_redirected_to |
//! | BCP 4.11 | pages that go back go elsewhere | attacks_redirect::a_page_goes_back_only_to_a_path_of_its_own, only_paths_of_this_site_are_gone_back_to |
//! | BCP 4.11 | a path with two slashes is another host | attacks_redirect::an_address_with_two_slashes_leads_to_no_other_host |
//! | BCP 4.12, O21 7.5.4 | 307 sends the form on | attacks_redirect::a_code_travels_in_one_redirect_that_nobody_keeps |
//! | BCP 4.13 | identity headers from anybody | identity::headers_from_an_untrusted_peer_are_nobody, attacks_identity::saying_that_one_is_the_proxy_does_not_make_one_it |
//! | BCP 4.13 | identity headers of another proxy pass through | attacks_identity::headers_of_other_proxies_name_nobody_and_change_nobody |
//! | BCP 4.13 | doubled headers, and look-alikes with _ and . | attacks_identity::a_header_beside_the_proxys_own_is_refused_in_every_spelling, identity::doubled_and_look_alike_headers_are_nobody |
//! | BCP 4.13 | who reaches the port is not the proxy | identity::a_configured_proxy_must_prove_itself, a_network_that_holds_a_great_part_of_the_internet_is_never_trusted |
//! | BCP 4.13 | an address that a proxy takes for another than what it guards | attacks_endpoint::an_address_that_spells_out_letters_leads_past_no_proxy |
//! | BCP 4.13 | two people in one header, or a group for a person | attacks_identity::an_email_is_one_email_and_nothing_else |
//! | BCP 4.13 | a signed identity that nobody signed, or for others | assertion::only_a_token_that_a_published_key_signed_is_believed, assertion::issuer_audience_expiry_and_e_mail_must_be_there_and_right |
//! | BCP 4.13 | keys of the attacker's choosing | assertion_keys::keys_are_not_read_where_a_redirect_leads, assertion_keys::a_key_that_is_gone_ends_what_it_signed |
//! | BCP 4.13 | headers that a protected server believes | forward::nothing_that_a_client_can_send_opens_the_door, forward::a_name_that_no_header_can_have_arrives_percent_encoded |
//! | - | Unicode folds one e-mail into another's | attacks_identity::letters_that_fold_into_others_name_somebody_else, attacks_identity::folding_makes_no_two_different_people_one |
//! | - | a group's name is part of another's | attacks_identity::a_group_is_a_whole_name |
//! | BCP 4.14.2, O21 4.3.1 | a stolen refresh token is used beside its owner | token::an_old_refresh_token_used_again_ends_the_connection_in_plain_words, races::processes_that_share_a_refresh_token_all_go_on_within_the_window |
//! | BCP 4.14 | a refresh token of another client | token::a_refresh_token_works_for_its_own_client_only, attacks_oracle::a_token_of_another_client_is_refused_like_one_that_never_was |
//! | BCP 4.14, O21 7.1.4 | a refresh widens scopes or changes the server | token::a_refresh_may_narrow_scopes_and_never_widen_them |
//! | BCP 4.14 | a refresh in flight undoes a revoke | revoke::a_refresh_in_flight_does_not_bring_a_revoked_connection_back, races::nothing_that_was_sent_after_a_revoke_was_answered_succeeds_on_any_server |
//! | BCP 4.14 | an old consent form undoes a revoke | attacks_code::a_consent_answered_again_after_a_revoke_gives_no_access |
//! | BCP 4.15, O21 7.4 | a client passes for a person | attacks_endpoint::a_registration_chooses_nothing_that_is_not_its_to_choose, introspect::a_working_token_says_whose_it_is |
//! | BCP 4.16, O21 7.11 | consent in a frame | attacks_browser::no_page_can_be_framed_sniffed_kept_or_read_by_others |
//! | BCP 2.4, 2.1.2 | grants that are gone | attacks_endpoint::a_registration_chooses_nothing_that_is_not_its_to_choose, token::other_grants_are_refused_by_name |
//! | BCP 2.3, O21 7.1.4 | ticking what was not asked for | attacks_code::ticking_what_was_not_asked_for_gives_nothing |
//! | O21 7.2, 2.4.1 | a secret that is nearly right, or in the address | attacks_endpoint::a_secret_near_the_right_one_proves_nothing |
//! | O21 7.2 | two credentials at once | two_different_credentials_are_refused, register::a_confidential_client_must_prove_itself_in_any_form_clients_use |
//! | O21 7.7 | the time of a comparison tells a secret | secrecy::secrets_are_compared_in_the_same_time_wherever_they_differ |
//! | O21 7.7 | guessing tokens and secrets | a_secret_holds_256_bits_in_the_alphabet_every_client_agrees_on, generated_ids_sort_by_age_and_never_look_like_a_url |
//! | O21 7.1.1 | tokens in the database and the log | secrecy::no_secret_is_stored_or_logged_in_clear, the_hash_depends_on_the_key |
//! | O21 7.3, 7.3.1 | a client passes for another and is approved at once | authorize::consent_is_asked_every_time, attacks_client::a_name_that_looks_like_a_known_ones_is_shown_as_unproven |
//! | O21 7.8, 7.9, CIMD 8.5 | a name that hides or reorders what is around it | attacks_client::no_name_hides_or_reorders_what_stands_around_it, attacks_client::a_deceptive_name_is_refused_however_a_client_comes_to_be_known, attacks_identity::a_name_from_the_proxy_hides_and_reorders_nothing |
//! | O21 7.9, MCP Localhost | a client that looks like one that is known | attacks_client::a_name_that_looks_like_a_known_ones_is_shown_as_unproven, look_alikes::the_list_notes_look_alikes_and_merges_nothing, document::the_consent_page_says_where_the_app_describes_itself |
//! | O21 7.12 | scripts in names, reasons and addresses | attacks_browser::a_name_is_text_wherever_it_is_shown, attacks_browser::no_page_has_a_script_or_a_style_of_its_own |
//! | O21 7.12 | a search that is a pattern or a statement | attacks_browser::a_search_is_text_and_no_pattern_or_statement |
//! | O21 7.12 | response splitting by state, names and paths | attacks_redirect::a_state_cannot_add_a_header_or_a_parameter, attacks_redirect::a_state_that_no_page_could_send_back_as_it_is_is_refused, a_header_value_is_printable_ascii_that_decodes_to_the_text |
//! | O21 7.12 | bodies too large, too deep, not UTF-8, with NUL | attacks_endpoint::no_body_is_too_strange_or_too_large_to_be_refused, revoke::text_that_no_database_takes_is_no_failure_of_ours |
//! | O21 7.12 | an error text with what it may not have | protocol::an_error_text_has_only_characters_that_the_standard_allows |
//! | O21 2.3.1, 7.13 | a redirect URI that hides another address | attacks_client::a_registration_cannot_hide_one_address_behind_another, a_private_scheme_is_accepted_only_when_listed |
//! | O21 7.14, 1.5 | http where somebody listens | a_public_url_is_needed_where_others_can_reach_the_server, attacks_identity::a_cookie_is_for_https_where_the_public_url_is |
//! | CIMD 8.6 | a name that leads into the network | document_guard::a_name_that_leads_to_a_special_address_is_not_connected_to, document_guard::one_special_address_among_others_is_one_too_many |
//! | CIMD 8.6 | an address in disguise | document_guard::an_address_instead_of_a_name_is_checked_too, attacks_client::a_document_makes_no_request_of_a_strangers_choosing |
//! | CIMD 8.6 | the name leads elsewhere after the check (rebinding) | document_guard::the_address_that_was_checked_is_the_one_connected_to |
//! | CIMD 5, 8.6 | a redirect leads into the network | document_guard::only_a_small_json_file_is_taken |
//! | CIMD 8.7 | a document without end, or slow | document_guard::only_a_small_json_file_is_taken, document_guard::a_server_that_does_not_answer_is_given_up |
//! | CIMD 8.6 | many fetches hit another's server | document_refusals::a_broken_server_is_asked_a_limited_number_of_times, document::everybody_who_asks_at_once_waits_for_the_same_fetch |
//! | CIMD 8.6, MCP Abuse | strangers make the server fetch | attacks_client::only_whoever_is_signed_in_makes_the_server_fetch_a_document |
//! | CIMD 8.8, 9.2 | addresses in a document are fetched or shown | attacks_client::nothing_that_a_document_names_is_fetched_or_shown |
//! | CIMD 3, 4 | a document that speaks for another client | attacks_client::a_client_of_a_document_is_known_by_its_exact_address, a_document_that_describes_no_such_client_is_refused |
//! | CIMD 4.1, 8.2 | a secret that everybody can read | a_document_that_describes_no_such_client_is_refused |
//! | CIMD 8.4 | the document changes between question and answer | document::a_document_that_changes_before_the_answer_is_read_again |
//! | CIMD 8.9, MCP Trust | documents of hosts that nobody trusts | document_refusals::documents_can_be_limited_to_some_hosts |
//! | RFC 7591 5 | registration chooses id, secret or origin | attacks_endpoint::a_registration_chooses_nothing_that_is_not_its_to_choose |
//! | RFC 7591 5 | registrations without end | register_limit::an_address_that_registers_too_often_is_told_when_to_come_back, register_limit::nobody_can_make_up_addresses_to_register_more, register::a_body_beyond_all_measure_is_refused |
//! | RFC 7662 4 | introspection tells why a token does not work | attacks_oracle::introspection_says_the_same_of_everything_that_does_not_work |
//! | RFC 7662 4 | anybody scans for tokens | introspect::only_a_project_may_ask, attacks_oracle::a_wrong_credential_learns_nothing_of_a_token |
//! | RFC 7009 5 | revoking what is another's, or testing for it | attacks_oracle::a_token_of_another_client_is_refused_like_one_that_never_was, revoke::a_client_can_hand_back_its_own_tokens_and_no_others |
//! | MCP Confused deputy | a page for one client makes a code for another | attacks_code::a_page_shown_for_one_client_makes_no_code_for_another |
//! | MCP transports | DNS rebinding, and scripts of other origins | attacks_browser::a_request_of_a_script_elsewhere_reads_and_does_nothing |
//! | RFC 9110 15 | a method in a header or a parameter | attacks_endpoint::a_method_is_what_the_request_line_says, access::a_page_answers_to_no_other_method_and_says_to_which |
//! | RFC 9700 4.14.2 | a copied refresh token in a request that is wrong besides, or after a step-up | attacks_code::an_old_refresh_token_is_noticed_whatever_else_is_wrong_with_the_request, step_up::what_was_replaced_before_a_step_up_is_still_known_for_a_copy_after_it |
//! | RFC 9111 | a cache keeps tokens or another's page | attacks_endpoint::no_answer_with_a_token_is_kept_by_a_cache, attacks_browser::no_page_can_be_framed_sniffed_kept_or_read_by_others |
//! | - | the length of a compressed page tells the token in it | attacks_browser::the_length_of_a_page_tells_nothing_of_the_token_in_it |
//! | - | a cookie planted in another's browser | attacks_identity::a_cookie_of_somebody_else_makes_nobody_somebody_else |
//! | - | a spelling of the path past the sign-in | attacks_identity::no_spelling_of_an_address_gets_past_the_sign_in |
//! | - | files outside of those that are served | attacks_identity::no_file_is_served_but_those_that_are_meant_to_be |
//! | - | a spreadsheet runs a name | export::no_name_becomes_a_formula |
//! | - | ids of others tell whether they are there | attacks_access::an_id_that_is_not_ones_own_is_answered_like_one_that_never_was, connection::what_is_not_yours_to_see_or_change_reads_like_what_is_not_there |
//! | - | another's id in one's own form | attacks_access::an_id_slipped_into_ones_own_form_revokes_nothing, step_up::someone_elses_connection_cannot_be_widened |
//! | - | filters and counts tell of others | attacks_access::a_filter_reveals_no_more_than_the_list_does, roles::visibility_is_one_rule_on_every_route |
//! | - | projects that one cannot reach have names | attacks_access::a_member_of_nothing_is_told_of_no_project |
//! | - | a confirmation is replayed by another | attacks_access::a_confirmation_made_for_one_person_is_of_no_use_to_another |
//! | - | a confirmation is replayed for what came later | attacks_access::an_act_that_was_done_is_not_done_again_to_what_came_after, confirmation::a_confirmation_submitted_many_times_acts_once |
//! | - | a set grows between preview and act | matching::a_set_that_has_changed_is_shown_again_instead_of_acted_upon |
//! | - | the auditor changes something of others | access::auditors_change_only_what_is_their_own |
//! | - | a client of one project asks for another | authorize::a_client_of_one_project_cannot_ask_for_another |
//! | - | who was cut off goes on | identity::someone_cut_off_sees_nothing_and_their_tokens_stop, which_project::a_connection_ends_when_its_person_is_no_member_any_more |

use crate::protocol_rows::known;

/// The cells of each row.
fn rows() -> Vec<[&'static str; 3]> {
    let rows = include_str!("attacks.rs").lines().filter_map(|line| {
        let cells = line.strip_prefix("//! | ")?.strip_suffix(" |")?;
        let cells: Vec<_> = cells.split(" | ").collect();
        Some(cells.try_into().expect("three cells"))
    });
    rows.skip(1).collect()
}

#[test]
fn every_attack_names_tests_that_exist() {
    let known = known();
    let rows = rows();
    assert!(rows.len() >= 60, "{}", rows.len());
    for [section, attack, tests] in rows {
        assert!(!section.is_empty() && !attack.is_empty());
        for name in tests.split(", ") {
            assert!(known.contains(name), "no test is called {name}");
        }
    }
}

#[test]
fn every_test_of_an_attack_is_in_the_table() {
    let named: Vec<_> = rows().iter().flat_map(|row| row[2].split(", ")).collect();
    for (module, text) in [
        ("attacks_access", include_str!("attacks_access.rs")),
        ("attacks_browser", include_str!("attacks_browser.rs")),
        ("attacks_client", include_str!("attacks_client.rs")),
        ("attacks_code", include_str!("attacks_code.rs")),
        ("attacks_endpoint", include_str!("attacks_endpoint.rs")),
        ("attacks_identity", include_str!("attacks_identity.rs")),
        ("attacks_oracle", include_str!("attacks_oracle.rs")),
        ("attacks_redirect", include_str!("attacks_redirect.rs")),
    ] {
        let tests = text.split("test]\n").skip(1);
        for name in tests.filter_map(|test| test.split_once("fn ")?.1.split('(').next()) {
            let name = format!("{module}::{name}");
            assert!(named.contains(&name.as_str()), "{name}");
        }
    }
}

//! The program from outside: through HTTP on a port of its own, with a database
//! of its own for each test and a clock that the test moves.
//!
//! Runs on SQLite, or on PostgreSQL when `UNTETHER_TEST_POSTGRES_URL` is set.

mod support;

mod access;
mod access_answer;
mod access_machine;
mod access_rows;
mod access_world;
mod acts;
mod architecture;
mod assertion;
mod assertion_keys;
mod audit;
mod authorize;
mod check;
mod check_command;
mod check_page;
mod client;
mod commands;
mod confirmation;
mod connection;
mod console;
mod counts;
mod dead_client;
mod document;
mod document_guard;
mod document_refusals;
mod export;
mod forward;
mod identity;
mod introspect;
mod list;
mod list_filters;
mod list_groups;
mod look_alikes;
mod matching;
mod mcp;
mod paging;
mod paging_model;
mod person;
mod protocol;
mod protocol_rows;
mod races;
mod redirector;
mod register;
mod register_limit;
mod revoke;
mod roles;
mod secrecy;
mod several;
mod shell;
mod step_up;
mod sweep;
mod token;
mod unused;
mod which_project;

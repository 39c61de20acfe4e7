//! Untether: see and revoke what MCP clients can reach on behalf of people.
//!
//! The map of the program, from the bottom up. A part uses the parts before it
//! and never one after it; `tests/app/architecture.rs` enforces that.
//!
//! | part | what it is |
//! |---|---|
//! | [`clock`] | time, injected |
//! | [`config`], [`domain`] | settings; what things are and what may be done with them: pure |
//! | [`outbound`] | what Untether asks of other servers: client documents, and how they answer clients |
//! | [`store`] | SQL, one body for SQLite and PostgreSQL |
//! | [`flow`] | the verbs, each one transaction with its audit event |
//! | [`check`] | what is wrong with an installation, in words |
//! | [`web`] | HTTP plumbing that knows no business |
//! | [`console`] | the pages |
//! | [`oauth`] | the authorization server's endpoints |
//! | [`mcp`] | Untether's own MCP server |
//! | [`app`] | the parts put together, and the table of routes |
//! | [`demo`], [`cli`] | the commands |

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod app;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod demo;
pub mod domain;
pub mod flow;
pub mod mcp;
pub mod oauth;
pub mod outbound;
pub mod store;
pub mod telemetry;
pub mod turns;
pub mod web;

//! The authorization server's endpoints (OAuth 2.1, MCP authorization
//! revision 2026-07-28), one file each.

pub mod authorize;
pub mod body;
pub mod client_auth;
mod dead_client;
mod document;
pub mod error;
pub mod forward_auth;
pub mod introspect;
pub mod metadata;
mod question;
mod refused;
pub mod register;
pub mod revoke;
pub mod token;

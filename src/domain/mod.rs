//! What things are and what may be done with them: pure, no I/O.

pub mod audit;
pub mod block;
pub mod client;
pub mod connection;
pub mod document;
pub mod fingerprint;
pub mod ids;
pub mod logo;
pub mod look_alike;
pub mod picture;
pub mod pkce;
pub mod project;
pub mod redirect;
pub mod resource;
pub mod retention;
pub mod role;
pub mod scheme;
pub mod scope;
pub mod secret;
pub mod tombstone;
pub mod words;

//! A running program and the actors who use it.

mod chance;
pub mod database;
mod documents;
mod host;
pub mod issuer;
mod person;
mod server;
mod serving;
mod site;
mod statements;

pub use chance::Chance;
pub use documents::DocumentServer;
pub use host::{Host, Tokens, VERIFIER, error_of, path_of};
pub use person::{Page, Person, form_fields};
pub use server::{McpServer, TestApp};
pub use serving::Serving;
pub use site::Site;
pub use statements::Recording;

/// The query parameters of a URL, decoded.
pub fn query_of(url: &str) -> std::collections::HashMap<String, String> {
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

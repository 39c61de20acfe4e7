//! What Untether asks of other servers, and how it keeps from being sent where it
//! should not go.

pub mod address;
pub mod documents;
pub mod fetch;
pub mod probe;
pub mod tls;

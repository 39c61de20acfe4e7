//! HTTP plumbing that knows no business.

pub mod assertion;
pub mod assets;
pub mod attachment;
pub mod body;
pub mod form;
pub mod headers;
pub mod html;
pub mod identity;
pub mod params;
pub mod problem;
pub mod protected;
pub mod rate_limit;
pub mod session;
pub mod state;
pub mod table;
pub mod upload;

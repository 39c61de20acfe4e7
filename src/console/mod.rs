//! The pages for people, one file per family.

pub mod connections;
pub mod demo;
pub mod errors;
pub mod frame;
pub mod moment;
pub mod query;
pub mod revoke;
pub mod view;

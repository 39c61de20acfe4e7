//! The pages for people, one file per family.

pub mod acts;
pub mod check;
pub mod client;
pub mod clients;
pub mod connection;
pub mod connections;
pub mod counts;
pub mod credentials;
pub mod demo;
pub mod errors;
pub mod export;
mod filter_words;
pub mod frame;
mod look_alikes;
pub mod manage;
pub mod moment;
mod number;
pub mod person;
pub mod project;
pub mod project_edit;
mod project_form;
pub mod projects;
pub mod query;
pub mod revoke;
pub mod revoke_matching;
pub mod setup;
pub mod view;

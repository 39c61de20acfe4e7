//! What others may have done while a form was open.

use crate::{
    clock::Timestamp,
    store::audit::Entry,
    web::{params::Params, problem::Problem},
};

use super::{moment, view::When};

/// A change that was made meanwhile.
#[derive(Debug)]
pub struct ChangeView {
    /// Who made it.
    pub who: String,
    /// When.
    pub when: When,
    /// What they changed, in words.
    pub what: String,
}

impl ChangeView {
    /// What the trail says of a change, in these words.
    pub fn of(entry: &Entry, what: String, now: Timestamp) -> Self {
        Self {
            who: entry.actor.clone(),
            when: moment::when(entry.at, now),
            what,
        }
    }
}

/// The version that a form was made of.
///
/// # Errors
/// A page, when the form does not say it.
pub fn version(params: &Params) -> Result<i64, Problem> {
    let version = params.one("version").ok().flatten();
    let version = version.and_then(|text| text.parse().ok());
    version.ok_or_else(|| {
        Problem::bad_request("The form does not say what it changes. Nothing was changed.")
    })
}

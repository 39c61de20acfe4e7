//! What is wrong with an installation, in words: its settings, its public address, and
//! the MCP servers of its projects, asked as clients ask them.

use serde::Serialize;

mod answer;
pub mod challenge;
mod document;
pub mod public;
pub mod server;
pub mod settings;
pub mod spelling;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but not for everybody or not for ever.
    Warning,
    /// It does not work, or is not safe.
    Problem,
}

impl Level {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was seen, in whole sentences.
    pub seen: String,
    /// What to do about it, in whole sentences.
    pub advice: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(seen: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            seen: seen.into(),
            advice: None,
        }
    }

    /// Something that some will stumble over.
    pub fn warning(seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            seen: seen.into(),
            advice: Some(advice.into()),
        }
    }

    /// Something that does not work.
    pub fn problem(seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Problem,
            ..Self::warning(seen, advice)
        }
    }
}

//! An answer that says no, for people: what is wrong and what to do.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};

use crate::store;

/// How many seconds whoever comes while the database is away should wait.
pub const COME_AGAIN: u64 = 2;

/// What a page, or the part of one, shows instead of what was asked for. The
/// console turns it into HTML; a cause is logged there once and never shown.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the person reads.
    pub explanation: Box<Explanation>,
    /// For the log alone.
    pub cause: Option<String>,
}

/// What a person reads when something does not work.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What is wrong, in a few words.
    pub heading: String,
    /// The same in a sentence or two.
    pub text: String,
    /// What to do, one step each.
    pub advice: Vec<String>,
    /// Where to go from here: labels and addresses.
    pub links: Vec<(String, String)>,
    /// The fields of a form that may be sent again as it was, when that is all it takes.
    pub again: Option<Vec<(String, String)>>,
}

impl Problem {
    /// A problem with nothing but a heading and a text.
    pub fn new(status: StatusCode, heading: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            status,
            explanation: Box::new(Explanation {
                heading: heading.into(),
                text: text.into(),
                advice: Vec::new(),
                links: Vec::new(),
                again: None,
            }),
            cause: None,
        }
    }

    /// What cannot be found, or is not this person's to find: the same answer.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not found",
            "There is nothing here that you can open. It may have been removed.",
        )
        .with_link("All connections", "/connections")
    }

    /// A request whose `what` makes no sense.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "This request cannot be understood",
            text,
        )
    }

    /// The same with a next step.
    #[must_use]
    pub fn with_advice(mut self, step: impl Into<String>) -> Self {
        self.explanation.advice.push(step.into());
        self
    }

    /// The same without the form to send again, and this to do instead.
    #[must_use]
    pub fn but_not_again(mut self, step: &str) -> Self {
        if self.explanation.again.take().is_some() {
            self.explanation.advice.push(step.to_owned());
        }
        self
    }

    /// The same with one more way on.
    #[must_use]
    pub fn with_link(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.explanation.links.push((label.into(), href.into()));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.explanation.heading, self.explanation.text)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status)
            .content_type("text/plain; charset=utf-8")
            .body(self.to_string())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let (status, heading, text) = match error.is_out_of_reach() {
            true => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer",
                "Untether could not reach its database in time. Look whether what you asked for \
                 was done, and try again in a moment; if it keeps happening, tell the \
                 administrator the request number below.",
            ),
            false => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke",
                "Untether could not do this. Nothing was changed. Try again; if it keeps \
                 happening, tell the administrator the request number below.",
            ),
        };
        Self {
            cause: Some(error.to_string()),
            ..Self::new(status, heading, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_another_thing_than_one_that_broke() {
        let status = |error: sqlx::Error| Problem::from(store::Error::from(error)).status;
        assert_eq!(status(sqlx::Error::PoolTimedOut), 503);
        let gone = std::io::ErrorKind::ConnectionReset;
        assert_eq!(status(sqlx::Error::Io(gone.into())), 503);
        assert_eq!(status(sqlx::Error::RowNotFound), 500);
    }
}

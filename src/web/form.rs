//! Forms that change something. Their fields can be reached only after the
//! checks that the person's own page sent them.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::{self, Data},
};
use tokio::time::timeout;

use crate::{clock::Timestamp, domain::role::Principal, turns::Taken};

use super::{
    body::WITHIN,
    params::Params,
    problem::Problem,
    state::App,
    upload::{self, Sent},
};

/// The largest form, in bytes.
const LIMIT: usize = 64 * 1024;

/// How long a form with a file may take to arrive.
const FILE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// A posted form that nobody has looked into yet.
#[derive(Debug)]
pub struct Protected {
    params: Params,
    /// `Origin` and `Sec-Fetch-Site`, as the browser sent them.
    origin: Option<String>,
    fetch_site: Option<String>,
}

impl Protected {
    /// What the request says of a form whose fields have not been read.
    fn empty(req: &HttpRequest) -> Self {
        let text = |name| {
            let value = req.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Self {
            params: Params::default(),
            origin: text(header::ORIGIN),
            fetch_site: text(header::HeaderName::from_static("sec-fetch-site")),
        }
    }

    /// The fields, if this person's own page sent the form.
    ///
    /// The identity comes with every request, whichever page made it (an SSO
    /// proxy is ambient authority), so it takes all three walls: the browser's
    /// word on where the form came from, twice, and a token for this person.
    ///
    /// # Errors
    /// A page that says to load the form again.
    pub fn verify(
        self,
        app: &App,
        principal: &Principal,
        now: Timestamp,
    ) -> Result<Params, Problem> {
        let public = &app.settings.public_url;
        let foreign_origin = self
            .origin
            .as_deref()
            .is_some_and(|origin| origin != public.origin());
        let foreign_site = self
            .fetch_site
            .as_deref()
            .is_some_and(|site| !matches!(site, "same-origin" | "none"));
        if foreign_origin || foreign_site {
            tracing::warn!("refused a form from another site");
            return Err(
                refused().with_advice(format!("Open {} and try again there.", public.as_str()))
            );
        }
        let token = self.params.one("csrf").ok().flatten().unwrap_or_default();
        if !app
            .secrets
            .accepts_form_token(token, &principal.identity.subject, now)
        {
            tracing::warn!("refused a form without a valid token");
            return Err(self.out_of_date(public.origin()));
        }
        Ok(self.params)
    }
}

impl Protected {
    /// The answer to a token that is too old, or none. A form that the browser vouches for is
    /// shown again to whoever is there now, so that nothing typed is lost.
    fn out_of_date(&self, own: &str) -> Problem {
        let vouched = self.origin.as_deref() == Some(own)
            || self.fetch_site.as_deref() == Some("same-origin");
        if !vouched {
            return refused().with_advice(RELOAD);
        }
        let fields = self.params.pairs().filter(|(name, _)| *name != "csrf");
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut problem = refused();
        problem.explanation.again = Some(fields.collect());
        problem
    }
}

/// What to do where a form is not simply sent again.
const RELOAD: &str = "Reload the page that it was on, and try again.";

fn refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "This form is out of date",
        "It was not sent by a page that you opened here recently. Nothing was changed.",
    )
}

impl FromRequest for Protected {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = Self::empty(req);
        let body = web::Payload::from_request(req, payload);
        Box::pin(async move {
            let body = body
                .await
                .map_err(|_| Problem::bad_request("The form has no body."))?;
            let body = timeout(WITHIN, body.to_bytes_limited(LIMIT)).await;
            let body = body
                .map_err(|_| too_slow("30 seconds"))?
                .map_err(|_| too_large("The form has more than 64 KB."))?;
            let body = body.map_err(|_| Problem::bad_request("The form did not arrive whole."))?;
            Ok(Self {
                params: Params::parse(&body),
                ..form
            })
        })
    }
}

/// A posted form with a file, or without one: then it may also come like any other form.
#[derive(Debug)]
pub struct ProtectedUpload {
    form: Protected,
    file: Sent,
}

impl ProtectedUpload {
    /// The fields and the file, as [`Protected::verify`] gives them.
    ///
    /// # Errors
    /// A page that says to load the form again.
    pub fn verify(
        self,
        app: &App,
        principal: &Principal,
        now: Timestamp,
    ) -> Result<(Params, Sent), Problem> {
        let params = self.form.verify(app, principal, now);
        // A file would have to be chosen again.
        let params = params.map_err(|problem| problem.but_not_again(RELOAD))?;
        Ok((params, self.file))
    }
}

impl FromRequest for ProtectedUpload {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !upload::is_multipart(req.headers()) {
            let form = Protected::from_request(req, payload);
            let file = Sent::Nothing;
            return Box::pin(async move { form.await.map(|form| Self { form, file }) });
        }
        let form = Protected::empty(req);
        let app = req.app_data::<Data<App>>().cloned();
        let principal = Principal::from_request(req, payload);
        let read = upload::read(req.headers(), payload.take());
        Box::pin(async move {
            let app = app.ok_or_else(Problem::not_found)?;
            let person = principal.await?.identity.subject;
            let _turn = app.uploads.take(&person).map_err(busy)?;
            let read = timeout(FILE_WITHIN, read).await;
            let read = read.map_err(|_| too_slow("5 minutes"))?;
            let (params, file) = read.map_err(|fault| match fault {
                upload::Fault::TooLarge => too_large(&fault.to_string()),
                _ => Problem::bad_request(fault.to_string()),
            })?;
            let form = Protected { params, ..form };
            Ok(Self { form, file })
        })
    }
}

fn too_slow(limit: &str) -> Problem {
    let text = format!("The form took more than {limit} to arrive. Nothing was changed.");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "This took too long", text)
}

fn busy(taken: Taken) -> Problem {
    let text = match taken {
        Taken::ByThem => "Other forms of yours with a file are still arriving.",
        Taken::ByAll => "Too many people are sending a file at the moment.",
    };
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This form has to wait",
        format!("{text} Nothing was changed."),
    )
    .with_advice("Go back, where what you typed still is, and send it again in a minute.")
}

fn too_large(text: &str) -> Problem {
    let heading = "This form is too large";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, heading, text)
        .with_advice("Go back: what you typed is still there.")
}

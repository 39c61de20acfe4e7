//! What every handler of a page begins with: who is there, with what request, and when.

use std::pin::Pin;

use actix_session::Session;
use actix_web::{
    FromRequest, HttpRequest, HttpResponse, dev::Payload, http::StatusCode, web::Data,
};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{audit::Actor, role::Principal},
    flow::Context,
    web::{
        form::{Protected, ProtectedUpload},
        html,
        params::Params,
        problem::Problem,
        session::{self, Flash},
        state::App,
        upload::Sent,
    },
};

use super::{frame, revoke::see_other, view::Frame};

/// A person, before us with a request.
pub struct Visit {
    /// The program.
    pub app: Data<App>,
    /// The person.
    pub principal: Principal,
    /// What their browser remembers.
    pub session: Session,
    /// What it sent.
    pub req: HttpRequest,
    /// When: the one time that everything goes by.
    pub now: Timestamp,
}

impl FromRequest for Visit {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = <(Data<App>, Principal, Session)>::from_request(req, payload);
        let req = req.clone();
        Box::pin(async move {
            let (app, principal, session) = parts.await?;
            Ok(Self {
                now: app.clock.now(),
                app,
                principal,
                session,
                req,
            })
        })
    }
}

impl Visit {
    /// The fields of a form, if this person's own page sent it.
    ///
    /// # Errors
    /// A page that says to load the form again.
    pub fn fields(&self, form: Protected) -> Result<Params, Problem> {
        form.verify(&self.app, &self.principal, self.now)
    }

    /// The same with the file of the form.
    ///
    /// # Errors
    /// A page that says to load the form again.
    pub fn fields_and_file(&self, form: ProtectedUpload) -> Result<(Params, Sent), Problem> {
        form.verify(&self.app, &self.principal, self.now)
    }

    /// What a verb needs to know, when this person acts.
    pub fn context(&self) -> Context<'_> {
        let actor = Actor::Person(self.principal.identity.email.clone());
        self.app.context(self.now, actor, &self.req)
    }

    /// What surrounds the page. Takes the message kept for it.
    pub fn frame(&self) -> Frame {
        let Self {
            app,
            principal,
            session,
            req,
            now,
        } = self;
        frame::build(app, principal, session, req, *now)
    }

    /// The answer that is this page.
    ///
    /// # Errors
    /// A 500 when it cannot be rendered.
    pub fn page(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        Ok(html::page(&self.req, status, frame::render(page)?))
    }

    /// The answer that is this page, or the part of it that htmx swaps in.
    ///
    /// # Errors
    /// A 500 when it cannot be rendered.
    pub fn page_or_part(
        &self,
        page: &impl Template,
        part: impl Template,
    ) -> Result<HttpResponse, Problem> {
        match html::is_fragment(&self.req) {
            true => self.page(StatusCode::OK, &part),
            false => self.page(StatusCode::OK, page),
        }
    }

    /// The answer that is this page, of which nothing may be kept on the way.
    ///
    /// # Errors
    /// A 500 when it cannot be rendered.
    pub fn page_no_store(&self, page: &impl Template) -> Result<HttpResponse, Problem> {
        let body = frame::render(page)?;
        Ok(html::page_no_store(&self.req, StatusCode::OK, body))
    }

    /// Keeps a message for this person's next page.
    pub fn keep_flash(&self, flash: Flash) {
        session::keep_flash(&self.session, &self.principal.identity.subject, flash);
    }

    /// Sends the browser on to another page, with a message for it.
    pub fn go_on(&self, path: &str, flash: Flash) -> HttpResponse {
        self.keep_flash(flash);
        see_other(path)
    }
}

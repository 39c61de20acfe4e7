//! What the browser remembers between two pages: a message, and in the demo
//! who to look as. The cookie is encrypted and holds nothing else.

use actix_session::{
    Session, SessionMiddleware,
    config::{CookieContentSecurity, SessionLifecycle},
    storage::CookieSessionStore,
};
use actix_web::cookie::{Key, SameSite};
use serde::{Deserialize, Serialize};

use crate::domain::secret::Secrets;

const FLASH: &str = "flash";
const PERSONA: &str = "persona";

/// What the last act did, to be said on the next page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Flash {
    /// It worked.
    Done(String),
    /// It worked; and what a link says, and where it leads.
    DoneAt(String, (String, String)),
    /// It did not.
    Problem(String),
}

/// The session cookie.
pub fn middleware(secrets: &Secrets, https: bool) -> SessionMiddleware<CookieSessionStore> {
    let key = Key::from(secrets.cookie_key());
    SessionMiddleware::builder(CookieSessionStore::default(), key)
        .cookie_name("untether".to_owned())
        .cookie_secure(https)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Private)
        .session_lifecycle(SessionLifecycle::BrowserSession(Default::default()))
        .build()
}

/// Keeps a message for the next page of the person with this subject, and of nobody who signs
/// in at the same browser before that.
pub fn keep_flash(session: &Session, subject: &str, flash: Flash) {
    if let Err(error) = session.insert(FLASH, (subject, flash)) {
        tracing::warn!(%error, "could not keep a message for the next page");
    }
}

/// The message kept for this page of the person with this subject, once.
pub fn take_flash(session: &Session, subject: &str) -> Option<Flash> {
    // Looking first leaves a session without a message untouched, so that most
    // pages set no cookie.
    session.get::<(String, Flash)>(FLASH).ok().flatten()?;
    let (whose, flash): (String, Flash) = session.remove_as(FLASH)?.ok()?;
    Some(flash).filter(|_| whose == subject)
}

/// Remembers who to look as in the demo.
pub fn keep_persona(session: &Session, key: &str) {
    if let Err(error) = session.insert(PERSONA, key) {
        tracing::warn!(%error, "could not remember the persona");
    }
}

/// Who to look as in the demo.
pub fn persona(session: &Session) -> Option<String> {
    session.get(PERSONA).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{App, HttpResponse, http::header::SET_COOKIE, test, web};

    use crate::domain::secret::SystemRandomness;

    use super::*;

    #[actix_web::test]
    async fn the_cookie_is_for_https_where_the_program_is() {
        for https in [true, false] {
            let keeps = |session: Session| async move {
                keep_flash(&session, "ana", Flash::Done("Done.".to_owned()));
                HttpResponse::Ok().finish()
            };
            let secrets = Secrets::new(&[7; 32], Arc::new(SystemRandomness));
            let app = App::new().wrap(middleware(&secrets, https));
            let app = test::init_service(app.route("/", web::get().to(keeps))).await;
            let answer = test::call_service(&app, test::TestRequest::get().to_request()).await;
            let cookie = answer.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            assert_eq!(cookie.contains("; Secure"), https, "{cookie}");
        }
    }
}

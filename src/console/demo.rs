//! The demo's persona switcher. Outside the demo it does not exist.

use actix_session::Session;
use actix_web::{HttpResponse, http::header, web::Data};

use crate::{
    domain::role::Principal,
    web::{form::Protected, identity::IdentitySource, problem::Problem, session, state::App},
};

use super::back::local_path;

/// `POST /demo/persona`.
///
/// # Errors
/// A page, when the form is not acceptable or this is no demo.
pub async fn choose(
    app: Data<App>,
    principal: Principal,
    browser: Session,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let IdentitySource::Demo(personas) = app.identities.as_ref() else {
        return Err(Problem::not_found());
    };
    let params = form.verify(&app, &principal, app.clock.now())?;
    let chosen = params.one("persona").ok().flatten();
    let Some(persona) = personas.iter().find(|persona| Some(persona.key) == chosen) else {
        return Err(Problem::bad_request(
            "Choose one of the personas at the top of the page.",
        ));
    };
    session::keep_persona(&browser, persona.key);
    let back = local_path(params.one("back").ok().flatten());
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, back))
        .finish())
}

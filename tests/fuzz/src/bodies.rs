//! What stands in the body of a request, and in its cookie.

use std::{cell::OnceCell, sync::Arc};

use actix_session::Session;
use actix_web::{
    App, HttpResponse,
    http::{StatusCode, header},
    rt::System,
    test::{TestRequest, call_service, init_service},
    web,
};
use untether::{
    domain::{
        client::{NAME_LIMIT, parse_name},
        redirect::{REDIRECT_LIMIT, RedirectUri},
        scheme::PrivateSchemes,
        secret::{Secrets, SystemRandomness},
    },
    oauth::register::Metadata,
    web::{
        params::{Params, encode},
        session,
    },
};

/// What a client says of itself when it registers.
pub fn registration(data: &[u8]) {
    let Ok(metadata) = Metadata::parse(data) else {
        return;
    };
    if let Ok(name) = metadata.name() {
        assert!((1..=NAME_LIMIT).contains(&name.chars().count()));
        assert_eq!(parse_name(&name).as_deref(), Ok(name.as_str()));
    }
    let private = PrivateSchemes::default();
    if let Ok(parted) = metadata.redirect_uris(&private) {
        assert!(!parted.accepted.is_empty());
        assert!(parted.accepted.len() + parted.dropped.len() <= REDIRECT_LIMIT);
        for uri in &parted.accepted {
            let again = RedirectUri::parse(uri.as_str(), &private);
            assert_eq!(again.as_ref().map(RedirectUri::as_str), Ok(uri.as_str()));
            assert!(uri.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}

/// A form.
pub fn form(data: &[u8]) {
    let params = Params::parse(data);
    let again = Params::parse(encode(params.pairs()).as_bytes());
    assert_eq!(again, params, "printed and parsed, it is the same");
    for (name, value) in params.pairs() {
        assert!(!value.contains('\0'));
        let (all, one) = (params.all(name), params.one(name));
        assert!(value.is_empty() || all.contains(&value));
        let times = params.pairs().filter(|(other, _)| *other == name).count();
        assert_eq!(one.is_err(), times > 1);
        if let Ok(one) = one {
            assert_eq!(one, all.first().copied());
        }
    }
}

/// The cookie of a browser: what Untether did not write says nothing.
pub fn cookie(data: &[u8]) {
    thread_local! {
        // Never dropped: a runtime cannot be while its thread ends.
        static PAGES: OnceCell<&'static Pages> = const { OnceCell::new() };
    }
    let named = [b"untether=", data].concat();
    for value in [data, &named] {
        let Ok(value) = header::HeaderValue::from_bytes(value) else {
            return;
        };
        let req = TestRequest::get().insert_header((header::COOKIE, value));
        let status = PAGES
            .with(|pages| pages.get_or_init(|| Box::leak(Box::new(pages_with_sessions())))(req));
        assert_eq!(status, StatusCode::NO_CONTENT, "nothing is remembered");
    }
}

/// Answers a request, within a runtime of its own.
type Pages = Box<dyn Fn(TestRequest) -> StatusCode>;

fn pages_with_sessions() -> Pages {
    let runner = System::new();
    let secrets = Secrets::new(&[7; 32], Arc::new(SystemRandomness));
    let app = App::new()
        .wrap(session::middleware(&secrets, true))
        .default_service(web::to(remembered));
    let service = runner.block_on(init_service(app));
    Box::new(move |req| {
        let answer = runner.block_on(call_service(&service, req.to_request()));
        answer.status()
    })
}

async fn remembered(kept: Session) -> HttpResponse {
    // Looking for a message removes one that is for somebody else.
    let has_entries = !kept.entries().is_empty();
    let knows = session::persona(&kept).is_some() || session::take_flash(&kept, "").is_some();
    match knows || has_entries {
        true => HttpResponse::Ok().finish(),
        false => HttpResponse::NoContent().finish(),
    }
}

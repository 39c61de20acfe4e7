//! Short texts that a browser saves instead of showing them.

use actix_web::{HttpResponse, http::header};

/// A text file of this name, which has nothing but ASCII letters, digits and `-`. Nothing
/// keeps it on the way.
pub fn text(name: &str, text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.txt\""),
        ))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; charset=utf-8")
        .body(text)
}

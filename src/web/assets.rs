//! The style sheet, scripts and icon, from memory.
//!
//! `build.rs` puts a hash of the content into each name, so an answer never changes and
//! browsers keep it for a year without asking (RFC 8246); it also compresses them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web,
};
use rust_embed::RustEmbed;

use super::html::{Coding, is_known};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/static/"]
struct Files;

/// `GET /static/{name}`.
pub async fn serve(req: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let name = path.into_inner();
    // The compressed files are variants of a name, not names.
    let Some(content_type) = content_type(&name) else {
        return HttpResponse::NotFound().finish();
    };
    let coding = Coding::of(&req);
    let Some(file) = Files::get(&format!("{name}{}", coding.suffix())) else {
        return HttpResponse::NotFound().finish();
    };

    let tag = EntityTag::new_strong(format!("{name}{}", coding.suffix()));
    let known = is_known(&req, &tag);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header(header::ETag(tag));
    if known {
        return response.finish();
    }
    if let Some(encoding) = coding.header() {
        response.insert_header(encoding);
    }
    response
        .content_type(content_type)
        .body(file.data.into_owned())
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, body::to_bytes, http::StatusCode, test};

    use super::*;

    async fn get(url: &str, headers: &[(&str, &str)]) -> HttpResponse {
        let app = App::new().route("/static/{name}", web::get().to(serve));
        let app = test::init_service(app).await;
        let mut req = test::TestRequest::get().uri(url);
        for header in headers {
            req = req.insert_header(*header);
        }
        let response = test::call_service(&app, req.to_request()).await;
        response.into_parts().1
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).unwrap().to_str().unwrap()
    }

    #[actix_web::test]
    async fn files_are_kept_for_good_and_answer_conditional_requests() {
        for url in [APP_CSS, APP_JS, HTMX_MIN_JS, ICON_SVG] {
            let first = get(url, &[("Accept-Encoding", "gzip, br")]).await;
            assert_eq!(first.status(), StatusCode::OK, "{url}");
            assert_eq!(header(&first, "content-encoding"), "br");
            assert_eq!(
                header(&first, "cache-control"),
                "public, max-age=31536000, immutable"
            );
            assert_eq!(header(&first, "vary"), "Accept-Encoding");
            let tag = header(&first, "etag");

            let again = get(url, &[("Accept-Encoding", "br"), ("If-None-Match", tag)]).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
    }

    #[actix_web::test]
    async fn the_smaller_the_coding_the_fewer_the_bytes() {
        let mut sizes = Vec::new();
        for accept in ["br", "gzip", "identity"] {
            let response = get(HTMX_MIN_JS, &[("Accept-Encoding", accept)]).await;
            sizes.push(to_bytes(response.into_body()).await.unwrap().len());
        }
        assert!(sizes.is_sorted(), "{sizes:?}");
    }

    #[actix_web::test]
    async fn a_name_that_was_not_built_is_not_found() {
        let compressed = format!("{APP_CSS}.br");
        for url in [
            "/static/app.css",
            "/static/..%2fCargo.toml",
            "/static/app",
            &compressed,
        ] {
            assert_eq!(get(url, &[]).await.status(), StatusCode::NOT_FOUND, "{url}");
        }
    }

    /// One initial congestion window holds a first page and its style sheet; scripts come after.
    #[actix_web::test]
    async fn static_files_stay_within_their_weight() {
        let mut sizes = Vec::new();
        for url in [APP_CSS, APP_JS, HTMX_MIN_JS] {
            let response = get(url, &[("Accept-Encoding", "br")]).await;
            sizes.push(to_bytes(response.into_body()).await.unwrap().len());
        }
        assert!(sizes[0] <= 5 * 1024, "style sheet: {} bytes", sizes[0]);
        assert!(sizes[1] + sizes[2] <= 20 * 1024, "scripts: {sizes:?} bytes");
    }
}

//! Answers with HTML: content coding, conditional requests and the choice between a
//! whole page and the part of it that htmx swaps in.
//!
//! A page is compressed here, as one string with one length, and not by a middleware
//! that streams: a page then leaves in a single write (RFC 9110 §8.4, §12.5.3, §13.1.2).

use std::io::{self, Write};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, ContentEncoding, EntityTag, Header, IfNoneMatch},
    },
};
use brotlic::{CompressionMode, Quality, WindowSize};
use sha2::{Digest, Sha256};

/// Bodies up to this size fit in one packet anyway.
const SMALL: usize = 1024;

/// How long brotli looks for what repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    /// A tenth smaller than at quality 4 for a third more time.
    Usual,
    /// A twentieth smaller again for many times as long: some milliseconds for 25 KB.
    Great,
}

impl Effort {
    fn brotli(self, body: &[u8]) -> io::Result<Vec<u8>> {
        let quality = match self {
            Self::Usual => Quality::new(5),
            Self::Great => Quality::new(10),
        }
        .map_err(io::Error::other)?;
        // It looks back for 64 KB, about a page.
        let window = WindowSize::new(16).map_err(io::Error::other)?;
        let mut out = vec![0; brotlic::compress_bound(body.len(), quality).unwrap_or_default()];
        let size = brotlic::compress(body, &mut out, quality, window, CompressionMode::Text)?;
        out.truncate(size);
        Ok(out)
    }
}

/// A content coding that this server can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The best coding that the request accepts: brotli, unless gzip is asked for by a higher
    /// weight.
    pub(crate) fn of(req: &HttpRequest) -> Self {
        let values = req.headers().get_all(header::ACCEPT_ENCODING);
        Self::negotiate(values.filter_map(|value| value.to_str().ok()))
    }

    fn negotiate<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let (mut brotli, mut gzip, mut any) = (None, None, None);
        for item in values.flat_map(|value| value.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            match coding.to_ascii_lowercase().as_str() {
                "br" => brotli = Some(weight),
                "gzip" | "x-gzip" => gzip = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
        let brotli = brotli.or(any).unwrap_or(0.0);
        let gzip = gzip.or(any).unwrap_or(0.0);
        if brotli > 0.0 && brotli >= gzip {
            Self::Brotli
        } else if gzip > 0.0 {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// What a stored file of this coding has after its name, and an entity tag after its hash.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    /// The `Content-Encoding` to send, if any.
    pub(crate) fn header(self) -> Option<ContentEncoding> {
        match self {
            Self::Brotli => Some(ContentEncoding::Brotli),
            Self::Gzip => Some(ContentEncoding::Gzip),
            Self::Identity => None,
        }
    }

    fn encode(self, body: String, effort: Effort) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli => effort.brotli(body.as_bytes()),
            Self::Gzip => {
                let out = Vec::with_capacity(body.len() / 5);
                let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(6));
                encoder.write_all(body.as_bytes())?;
                encoder.finish()
            }
            Self::Identity => Ok(body.into_bytes()),
        }
    }
}

/// Whether the answer should be the part that htmx asked for instead of the whole page.
///
/// A boosted link and a step back in the history both replace the body.
pub fn is_fragment(req: &HttpRequest) -> bool {
    let has = |name| req.headers().contains_key(name);
    has("hx-request") && !has("hx-history-restore-request") && !has("hx-boosted")
}

/// Answers with a page that the browser keeps but asks about each time; an unchanged one
/// costs a 304. A fragment is kept nowhere, so that none can turn up as a page.
pub fn page(req: &HttpRequest, status: StatusCode, body: String) -> HttpResponse {
    packed(req, status, body, Effort::Usual)
}

/// The same for a small part that people wait for on a bad link: packed tighter, for longer.
pub fn part(req: &HttpRequest, body: String) -> HttpResponse {
    packed(req, StatusCode::OK, body, Effort::Great)
}

fn packed(req: &HttpRequest, status: StatusCode, body: String, effort: Effort) -> HttpResponse {
    let coding = if body.len() > SMALL {
        Coding::of(req)
    } else {
        Coding::Identity
    };
    let mut response = HttpResponse::build(status);
    let is_kept = !is_fragment(req);
    if is_kept {
        response
            .insert_header((header::VARY, "HX-Request, Accept-Encoding"))
            .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    } else {
        response.insert_header((header::CACHE_CONTROL, "no-store"));
    }

    let is_read = matches!(*req.method(), Method::GET | Method::HEAD);
    if status == StatusCode::OK && is_kept && is_read {
        // A strong tag names exact bytes, so each coding has its own.
        let hash = &Sha256::digest(body.as_bytes())[..8];
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let tag = EntityTag::new_strong(hash + coding.suffix());
        if is_known(req, &tag) {
            return response
                .status(StatusCode::NOT_MODIFIED)
                .insert_header(header::ETag(tag))
                .finish();
        }
        response.insert_header(header::ETag(tag));
    }

    response.content_type("text/html; charset=utf-8");
    match coding.encode(body, effort) {
        Ok(bytes) => {
            if let Some(encoding) = coding.header() {
                response.insert_header(encoding);
            }
            response.body(bytes)
        }
        Err(error) => {
            tracing::error!(%error, "could not compress a page");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Answers with a page that no cache and no history may keep, such as the consent page.
///
/// It is not compressed: it holds a secret (the CSRF token) beside text that whoever sent
/// the person here has chosen, and the compressed length would leak one through the other.
pub fn page_no_store(_req: &HttpRequest, status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::VARY, "HX-Request, Accept-Encoding"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(body)
}

/// Whether the client says in `If-None-Match` that it holds this very answer.
pub(crate) fn is_known(req: &HttpRequest, tag: &EntityTag) -> bool {
    if !req.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match IfNoneMatch::parse(req) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::{body::to_bytes, test::TestRequest};

    use super::*;

    fn negotiated(header: &str) -> Coding {
        Coding::negotiate([header].into_iter())
    }

    fn long() -> String {
        "<p>A row like the others</p>\n".repeat(100)
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    #[test]
    fn browsers_get_brotli() {
        assert_eq!(negotiated("gzip, deflate, br, zstd"), Coding::Brotli);
        assert_eq!(negotiated("BR"), Coding::Brotli);
        assert_eq!(negotiated("*"), Coding::Brotli);
    }

    #[test]
    fn weights_decide_which_coding_is_sent() {
        assert_eq!(negotiated("br;q=0.5, gzip"), Coding::Gzip);
        assert_eq!(negotiated("br; q=0, gzip;q=0.1"), Coding::Gzip);
        assert_eq!(negotiated("gzip;q=0, *;q=0.5"), Coding::Brotli);
        assert_eq!(negotiated("br;q=0, *"), Coding::Gzip);
    }

    #[test]
    fn nothing_is_compressed_for_those_who_do_not_ask() {
        assert_eq!(Coding::negotiate([].into_iter()), Coding::Identity);
        assert_eq!(negotiated("identity"), Coding::Identity);
        assert_eq!(negotiated("br;q=0, gzip;q=0"), Coding::Identity);
        assert_eq!(negotiated("br;q=nonsense"), Coding::Identity);
    }

    #[test]
    fn a_fragment_is_sent_only_for_a_targeted_swap() {
        let plain = TestRequest::get();
        assert!(!is_fragment(&plain.to_http_request()));
        let swap = || TestRequest::get().insert_header(("HX-Request", "true"));
        assert!(is_fragment(&swap().to_http_request()));
        let back = swap().insert_header(("HX-History-Restore-Request", "true"));
        assert!(!is_fragment(&back.to_http_request()));
        let boosted = swap().insert_header(("HX-Boosted", "true"));
        assert!(!is_fragment(&boosted.to_http_request()));
    }

    #[actix_web::test]
    async fn a_page_arrives_whole_in_either_coding() {
        for accept in ["br", "gzip"] {
            let req = TestRequest::get()
                .insert_header(("Accept-Encoding", accept))
                .to_http_request();
            let response = page(&req, StatusCode::OK, long());
            assert_eq!(header(&response, "content-encoding"), Some(accept));
            assert_eq!(
                header(&response, "vary"),
                Some("HX-Request, Accept-Encoding")
            );
            let sent = to_bytes(response.into_body()).await.unwrap();
            let mut read = String::new();
            if accept == "br" {
                brotlic::DecompressorReader::new(&sent[..])
                    .read_to_string(&mut read)
                    .unwrap();
            } else {
                flate2::read::GzDecoder::new(&sent[..])
                    .read_to_string(&mut read)
                    .unwrap();
            }
            assert_eq!(read, long());
        }
    }

    #[actix_web::test]
    async fn a_small_page_is_not_compressed() {
        let req = TestRequest::get()
            .insert_header(("Accept-Encoding", "br"))
            .to_http_request();
        let response = page(&req, StatusCode::OK, "<p>Short</p>".into());
        assert_eq!(header(&response, "content-encoding"), None);
        assert_eq!(
            to_bytes(response.into_body()).await.unwrap(),
            "<p>Short</p>"
        );
    }

    #[actix_web::test]
    async fn an_unchanged_page_is_answered_with_304() {
        let ask = || TestRequest::get().insert_header(("Accept-Encoding", "br"));
        let first = page(&ask().to_http_request(), StatusCode::OK, long());
        let tag = header(&first, "etag").unwrap().to_owned();
        assert!(!tag.starts_with("W/"));

        let again = ask()
            .insert_header(("If-None-Match", tag.clone()))
            .to_http_request();
        let second = page(&again, StatusCode::OK, long());
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&second, "etag"), Some(&*tag));
        assert_eq!(header(&second, "vary"), Some("HX-Request, Accept-Encoding"));
        assert!(to_bytes(second.into_body()).await.unwrap().is_empty());

        let changed = page(&again, StatusCode::OK, long() + "<p>New</p>");
        assert_eq!(changed.status(), StatusCode::OK);
        let other_coding = TestRequest::get()
            .insert_header(("If-None-Match", tag))
            .to_http_request();
        assert_eq!(
            page(&other_coding, StatusCode::OK, long()).status(),
            StatusCode::OK
        );
    }

    #[test]
    fn only_a_good_answer_to_a_get_has_an_entity_tag() {
        let get = TestRequest::get().to_http_request();
        assert_eq!(
            header(&page(&get, StatusCode::NOT_FOUND, long()), "etag"),
            None
        );
        let post = TestRequest::post().to_http_request();
        assert_eq!(header(&page(&post, StatusCode::OK, long()), "etag"), None);
    }

    #[test]
    fn the_consent_page_is_neither_stored_nor_compressed() {
        let req = TestRequest::get()
            .insert_header(("Accept-Encoding", "br"))
            .to_http_request();
        let response = page_no_store(&req, StatusCode::OK, long());
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(header(&response, "content-encoding"), None);
        assert_eq!(header(&response, "etag"), None);
    }
}

//! Forms with files, and the pictures in them.

use actix_web::{
    error::PayloadError,
    http::header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    rt::Runtime,
    web::Bytes,
};
use futures_util::stream;
use untether::{
    domain::picture::Picture,
    web::{
        params::Params,
        upload::{self, FILE_LIMIT, Fault, Sent},
    },
};

/// A form: its content type, a line's end, and its body.
pub fn form(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (kind, body) = (&data[..end], &data[end + 1..]);
    let Ok(kind) = HeaderValue::from_bytes(kind) else {
        return;
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
    if !upload::is_multipart(&headers) {
        return;
    }
    let whole = read(&headers, body, body.len().max(1));
    if let Ok((params, sent)) = &whole {
        assert!(params.pairs().all(|(_, value)| !value.contains('\0')));
        assert!(!matches!(sent, Sent::File(file) if file.len() > FILE_LIMIT));
    }
    // How it arrives makes no difference to what is read.
    assert_eq!(read(&headers, body, 7).ok(), whole.ok());
}

fn read(headers: &HeaderMap, body: &[u8], piece: usize) -> Result<(Params, Sent), Fault> {
    thread_local! {
        static RUNTIME: Runtime = Runtime::new().expect("a runtime");
    }
    let pieces: Vec<Result<Bytes, PayloadError>> = body
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let reading = upload::read(headers, stream::iter(pieces));
    RUNTIME.with(|runtime| runtime.block_on(reading))
}

/// A file that says that it is a picture.
pub fn picture(data: &[u8]) {
    let Ok(picture) = Picture::draw(data) else {
        return;
    };
    assert_eq!(Picture::draw(picture.png()).as_ref(), Ok(&picture));
}

//! Forms with a file in them, as browsers send them without scripts (RFC 7578). What is
//! too large is counted and let go while it arrives; it is never held.

use actix_multipart::Multipart;
use actix_web::{
    error::PayloadError,
    http::header::{self, HeaderMap},
    web::Bytes,
};
use futures_util::{Stream, StreamExt};

use crate::domain::picture;

use super::params::Params;

/// The largest file, in bytes.
pub const FILE_LIMIT: usize = picture::UPLOAD_LIMIT;

/// The most that the fields may have together, in bytes.
const TEXT_LIMIT: usize = 128 * 1024;

/// The most that is read at all, in bytes, so that whoever chose too large a file gets an
/// answer that their browser waits for.
const READ_LIMIT: usize = 16 * FILE_LIMIT;

/// The most fields.
const FIELD_LIMIT: usize = 64;

/// The file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// None was chosen.
    Nothing,
    /// One with more than [`FILE_LIMIT`] bytes.
    TooLarge,
    /// This one.
    File(Vec<u8>),
}

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has more than is read.
    #[error("The form has more than 8 MB, or too much text. Nothing was changed.")]
    TooLarge,
    /// It has more than one file, or too many fields.
    #[error("The form has more in it than its page has fields. Nothing was changed.")]
    TooMany,
    /// It does not follow the format, or ends early.
    #[error("The form did not arrive whole. Nothing was changed.")]
    Broken,
}

/// Whether a request says that its body is such a form.
pub fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data")
}

/// Reads a form: its fields, and its file.
///
/// # Errors
/// Why it cannot be read.
pub fn read(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin + 'static,
) -> impl Future<Output = Result<(Params, Sent), Fault>> + 'static {
    let mut left = READ_LIMIT;
    let counted = body.map(move |chunk| {
        let chunk = chunk?;
        left = left
            .checked_sub(chunk.len())
            .ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    });
    collect(Multipart::new(headers, counted))
}

async fn collect(mut form: Multipart) -> Result<(Params, Sent), Fault> {
    let mut fields = Vec::new();
    let mut sent = None;
    let mut text_left = TEXT_LIMIT;
    while let Some(field) = form.next().await {
        let mut field = field.map_err(|error| fault(&error))?;
        if fields.len() == FIELD_LIMIT {
            return Err(Fault::TooMany);
        }
        let name = field.name().unwrap_or_default().to_owned();
        let disposition = field.content_disposition();
        let file = disposition.and_then(|disposition| disposition.get_filename());
        if let Some(file_name) = file.map(str::to_owned) {
            let content = match field.bytes(FILE_LIMIT).await {
                Err(_) => Sent::TooLarge,
                Ok(content) => Sent::File(content.map_err(|error| fault(&error))?.to_vec()),
            };
            // A field in which no file was chosen has no name and no content.
            let nothing = file_name.is_empty() && content == Sent::File(Vec::new());
            if !nothing && sent.replace(content).is_some() {
                return Err(Fault::TooMany);
            }
            continue;
        }
        let value = field.bytes(text_left).await.map_err(|_| Fault::TooLarge)?;
        let value = value.map_err(|error| fault(&error))?;
        text_left -= value.len();
        fields.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok((fields.into_iter().collect(), sent.unwrap_or(Sent::Nothing)))
}

fn fault(error: &actix_multipart::MultipartError) -> Fault {
    match error {
        actix_multipart::MultipartError::Payload(PayloadError::Overflow) => Fault::TooLarge,
        _ => Fault::Broken,
    }
}

//! Reading a key set where it is published.

use std::{error::Error, fs::File, io::Read, path::Path, time::Duration};

use reqwest::{StatusCode, redirect::Policy};
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::{config::KeyLocation, outbound::tls};

/// The largest key set that is read, in bytes.
const LIMIT: usize = 256 * 1024;

/// The text of the key set, from a server that these authorities, or the system's, vouch
/// for.
///
/// # Errors
/// A sentence, when it cannot be read within `patience` and [`LIMIT`].
pub async fn key_set(
    location: &KeyLocation,
    authorities: &[CertificateDer<'static>],
    patience: Duration,
) -> Result<Vec<u8>, String> {
    match location {
        KeyLocation::Web(url) => from_web(url, authorities, patience).await,
        KeyLocation::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || from_file(&path)).await;
            read.map_err(|error| error.to_string())?
        }
    }
}

async fn from_web(
    url: &Url,
    authorities: &[CertificateDer<'static>],
    patience: Duration,
) -> Result<Vec<u8>, String> {
    let client = tls::client(authorities).map_err(causes)?;
    // No redirects: they would let whoever can make one choose the keys.
    let client = client.redirect(Policy::none()).timeout(patience);
    // Plain HTTP is for this machine only, so it must not leave it through a proxy.
    let client = match url.scheme() {
        "https" => client,
        _ => client.no_proxy(),
    };
    let request = client.build().map_err(causes)?.get(url.clone());
    let mut response = request.send().await.map_err(causes)?;
    if response.status() != StatusCode::OK {
        return Err(format!("the answer is {}", response.status()));
    }
    let mut text = Vec::new();
    while let Some(part) = response.chunk().await.map_err(causes)? {
        text.extend_from_slice(&part);
        if text.len() > LIMIT {
            return Err(too_large());
        }
    }
    Ok(text)
}

fn from_file(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let mut text = Vec::new();
        let file = File::open(path)?;
        file.take(LIMIT as u64 + 1).read_to_end(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error: std::io::Error| error.to_string())?;
    if text.len() > LIMIT {
        return Err(too_large());
    }
    Ok(text)
}

fn too_large() -> String {
    format!("it is larger than {} KiB", LIMIT / 1024)
}

/// An error and what caused it; reqwest says the useful part last.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

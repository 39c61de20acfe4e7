//! What other servers answer.

use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use untether::{check::challenge::parameter, clock::Timestamp, outbound::documents};

use crate::text;

/// A `WWW-Authenticate` header.
pub fn challenge(data: &[u8]) {
    // Only such a value is looked at.
    let Some(sent) = text(data).filter(|sent| sent.bytes().all(|byte| (32..127).contains(&byte)))
    else {
        return;
    };
    if let Some(value) = parameter(sent, "resource_metadata") {
        assert!(sent.contains(value) && !value.contains('"'));
    }
    // Behind anything that leaves no quote open, the parameter is found.
    let named = sent.to_ascii_lowercase().contains("resource_metadata");
    if !named && !sent.contains(['"', '\\']) {
        let more = format!("{sent} , resource_metadata=\"https://a.example/b\"");
        assert_eq!(
            parameter(&more, "resource_metadata"),
            Some("https://a.example/b")
        );
        let hidden = format!("Bearer realm=\"{sent} resource_metadata=x\"");
        assert_eq!(parameter(&hidden, "resource_metadata"), None);
    }
}

/// Headers that say for how long a document is fresh, one in each line.
pub fn freshness(data: &[u8]) {
    const NAMES: [HeaderName; 4] = [
        header::CACHE_CONTROL,
        header::AGE,
        header::EXPIRES,
        header::DATE,
    ];
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some((which, value)) = line.split_first() else {
            continue;
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(NAMES[usize::from(*which) % NAMES.len()].clone(), value);
        }
    }
    let now = Timestamp::from_millis(1_780_315_200_000);
    let fresh = documents::freshness(&headers, now);
    let (least, most) = (Duration::from_secs(60), Duration::from_secs(86_400));
    assert!((least..=most).contains(&fresh), "{fresh:?}");
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    assert_eq!(documents::freshness(&headers, now), least);
}

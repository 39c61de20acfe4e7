//! What a request is answered, made comparable.

use reqwest::RequestBuilder;

/// What came back, without what differs from request to request.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    headers: Vec<String>,
    body: String,
}

impl Answer {
    /// Sends the request, and blanks what of it the answer repeats.
    pub async fn to(request: RequestBuilder, sent: &[&str]) -> Self {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let changing = [
            "date",
            "x-request-id",
            "set-cookie",
            "content-length",
            "etag",
        ];
        let headers = response.headers().iter();
        let headers = headers.filter(|(name, _)| !changing.contains(&name.as_str()));
        let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        let mut body = response.text().await.unwrap();
        for name in ["csrf", "act", "nonce"] {
            body = without_value(&body, name);
        }
        let lines = body.lines().filter(|line| !line.contains("Request <code>"));
        body = lines.collect::<Vec<_>>().join("\n");
        for sent in sent {
            let blank = |text: &String| text.replace(sent, "(sent)");
            headers = headers.iter().map(blank).collect();
            body = blank(&body);
        }
        Self {
            status,
            headers,
            body,
        }
    }
}

impl Answer {
    /// Everything that was said.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.headers.join("\n"), self.body)
    }

    /// Fails unless both say the same.
    pub fn is_like(&self, other: &Self, what: &str) {
        let (left, right) = (self.text(), other.text());
        let lines = left.lines().zip(right.lines());
        let differing: Vec<_> = lines.filter(|(left, right)| left != right).collect();
        let same = self == other;
        assert!(
            same,
            "{what}: {} {}\n{differing:#?}",
            self.status, other.status
        );
    }
}

/// A page without the value of a hidden field.
fn without_value(page: &str, field: &str) -> String {
    let start = format!("name=\"{field}\" value=\"");
    let mut parts = page.split(&start);
    let mut left = parts.next().unwrap().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('"').unwrap();
        left += &start;
        left += rest;
    }
    left
}

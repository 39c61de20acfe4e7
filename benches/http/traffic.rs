//! What the virtual clients say, and how they tell a wrong answer.

use std::sync::Arc;

use untether::web::params::encode;

use crate::{
    load::{Answer, Traffic},
    organization::Grant,
};

/// Connections that each refreshing client looks after.
const HELD: usize = 64;

/// The same request over and over.
#[derive(Clone)]
pub struct Same {
    request: String,
    /// What the body must contain.
    expected: &'static str,
}

impl Same {
    pub fn new(path: &str, expected: &'static str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
        Self { request, expected }
    }
}

impl Traffic for Same {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.request.as_bytes());
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        let found = contains(answer.body, self.expected);
        if answer.status != 200 || !found {
            return Err(answer.wrong(&format!("200 with {}", self.expected)));
        }
        Ok(())
    }
}

/// Asks whether tokens work, in an order of its own.
pub struct Introspect {
    requests: Arc<[Vec<u8>]>,
    next: usize,
}

impl Introspect {
    /// `clients` of them, which share the prepared requests.
    pub fn crowd(requests: Vec<Vec<u8>>, clients: usize) -> Vec<Self> {
        let requests: Arc<[_]> = requests.into();
        let step = requests.len() / clients;
        let begin = |n| n * step;
        (0..clients)
            .map(|n| Self {
                requests: requests.clone(),
                next: begin(n),
            })
            .collect()
    }
}

impl Traffic for Introspect {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.requests[self.next]);
        // Far apart, so that neighbours in the table are not asked about in a row.
        self.next = (self.next + 7919) % self.requests.len();
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 200 || !contains(answer.body, "\"active\":true") {
            return Err(answer.wrong("200 with \"active\":true"));
        }
        Ok(())
    }
}

/// Keeps some connections alive, each with its newest refresh token.
pub struct Refresh {
    /// Client identifier and refresh token of each connection.
    held: Vec<(String, String)>,
    next: usize,
}

impl Refresh {
    /// `clients` of them, each with connections of its own.
    pub fn crowd(grants: &[&Grant], clients: usize) -> Vec<Self> {
        let held = |n| {
            let grants = grants.iter().skip(n).step_by(clients).take(HELD);
            grants
                .map(|grant| (grant.client.clone(), grant.refresh.clone()))
                .collect()
        };
        (0..clients)
            .map(|n| Self {
                held: held(n),
                next: 0,
            })
            .collect()
    }
}

impl Traffic for Refresh {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        let (client, token) = &self.held[self.next];
        let body = encode([
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", client),
        ]);
        out.extend_from_slice(&form("/oauth/token", "", &body));
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        self.held[self.next].1 = issued(answer)?;
        self.next = (self.next + 1) % self.held.len();
        Ok(())
    }
}

/// Redeems codes, each once.
pub struct Exchange {
    /// Client identifier and code.
    pub codes: Vec<(String, String)>,
    pub verifier: &'static str,
}

impl Traffic for Exchange {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        let Some((client, code)) = self.codes.pop() else {
            return false;
        };
        let body = encode([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", self.verifier),
            ("client_id", &client),
        ]);
        out.extend_from_slice(&form("/oauth/token", "", &body));
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        issued(answer).map(drop)
    }
}

/// Looks at a page of the console.
#[derive(Clone)]
pub struct Look {
    request: String,
    coding: Option<&'static str>,
    /// The answer's length on the wire, once there was one.
    pub bytes: usize,
    /// Rows in the table; counted only when it is not compressed.
    pub rows: usize,
}

impl Look {
    pub fn new(path: &str, email: &str, coding: Option<&'static str>) -> Self {
        let accept = coding.map(|coding| format!("Accept-Encoding: {coding}\r\n"));
        let accept = accept.unwrap_or_default();
        Self {
            request: format!(
                "GET {path} HTTP/1.1\r\nHost: bench\r\nX-Forwarded-Email: {email}\r\n{accept}\r\n"
            ),
            coding,
            bytes: 0,
            rows: 0,
        }
    }
}

impl Traffic for Look {
    fn request(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.request.as_bytes());
        true
    }

    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 200 || answer.header("content-encoding") != self.coding {
            return Err(answer.wrong("200 in the coding asked for"));
        }
        if self.coding.is_none() {
            let page = String::from_utf8_lossy(answer.body);
            self.rows = page.matches("<tr id=").count();
        }
        self.bytes = answer.len();
        Ok(())
    }
}

/// A form, posted; `headers` end with a line break each.
pub fn form(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}\
         Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The refresh token in an answer of the token endpoint.
fn issued(answer: &Answer<'_>) -> Result<String, String> {
    let wrong = || answer.wrong("200 with tokens");
    if answer.status != 200 || !contains(answer.body, "\"access_token\":\"uta_") {
        return Err(wrong());
    }
    let body = str::from_utf8(answer.body).map_err(|_| wrong())?;
    let (_, rest) = body.split_once("\"refresh_token\":\"").ok_or_else(wrong)?;
    let (token, _) = rest.split_once('"').ok_or_else(wrong)?;
    Ok(token.to_owned())
}

fn contains(body: &[u8], text: &str) -> bool {
    text.is_empty() || body.windows(text.len()).any(|part| part == text.as_bytes())
}

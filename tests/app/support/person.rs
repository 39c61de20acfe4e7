//! People with a browser, behind the SSO proxy.

use std::sync::Mutex;

use reqwest::{RequestBuilder, Response};
use scraper::{Html, Selector};

use super::{Host, McpServer, TestApp};

pub struct Person<'a> {
    pub app: &'a TestApp,
    pub email: String,
    pub groups: Option<String>,
    /// A signed statement that the proxy sends besides.
    pub assertion: Option<String>,
    cookie: Mutex<Option<String>>,
}

/// A page that a person looks at.
pub struct Page {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Page {
    /// The text of every element that the selector finds, spaces folded.
    pub fn all(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.text);
        let found = Selector::parse(selector).unwrap();
        let text = |element: scraper::ElementRef<'_>| {
            let text: String = element.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        html.select(&found).map(text).collect()
    }

    /// The text of every element that the selector finds, as it is.
    pub fn raw(&self, selector: &str) -> Vec<String> {
        let html = Html::parse_document(&self.text);
        let found = Selector::parse(selector).unwrap();
        html.select(&found)
            .map(|element| element.text().collect())
            .collect()
    }

    /// The page without what differs from request to request.
    pub fn bare(&self) -> String {
        let mut lines: Vec<_> = self.text.lines().collect();
        lines.retain(|line| !line.contains("Request <code>"));
        lines.join("\n")
    }

    /// An attribute of every element that the selector finds.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let html = Html::parse_document(&self.text);
        let found = Selector::parse(selector).unwrap();
        let attribute = |element: scraper::ElementRef<'_>| element.attr(name).map(str::to_owned);
        html.select(&found).filter_map(attribute).collect()
    }

    /// The names of the connections in the list.
    pub fn connections(&self) -> Vec<String> {
        self.all("#list table tbody th, body > table tbody th, table tbody th")
    }
}

/// The hidden fields of the first form that posts to `action`.
pub fn form_fields(page: &Page, action: &str) -> Vec<(String, String)> {
    let html = Html::parse_document(&page.text);
    let fields = format!("form[method=post][action='{action}'] input[type=hidden]");
    let fields = Selector::parse(&fields).unwrap();
    html.select(&fields)
        .map(|input| {
            let attribute = |name| input.attr(name).unwrap_or_default().to_owned();
            (attribute("name"), attribute("value"))
        })
        .collect()
}

impl<'a> Person<'a> {
    pub fn new(app: &'a TestApp, name: &str) -> Self {
        Self {
            app,
            email: format!("{name}@acme.example"),
            groups: None,
            assertion: None,
            cookie: Mutex::new(None),
        }
    }

    /// The same person in another browser, reported in these groups.
    pub fn in_groups(mut self, groups: &str) -> Self {
        self.groups = Some(groups.to_owned());
        self
    }

    /// The same person in another browser, with this token.
    pub fn with_assertion(mut self, token: String) -> Self {
        self.assertion = Some(token);
        self
    }

    /// Sends a request as this person, and looks at the answer as a page.
    pub async fn sends(&self, request: RequestBuilder) -> Page {
        Self::look(self.send(request).await).await
    }

    /// Sends a request as this person.
    pub async fn answers_to(&self, request: RequestBuilder) -> Response {
        self.send(request).await
    }

    async fn send(&self, request: RequestBuilder) -> Response {
        let mut request = request.header("x-forwarded-email", &self.email);
        if let Some(groups) = &self.groups {
            request = request.header("x-forwarded-groups", groups);
        }
        if let Some(token) = &self.assertion {
            request = request.header(super::issuer::HEADER, token);
        }
        if let Some(cookie) = self.cookie.lock().unwrap().as_deref() {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.unwrap();
        if let Some(set) = response.headers().get("set-cookie") {
            let cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            *self.cookie.lock().unwrap() = Some(cookie);
        }
        response
    }

    async fn look(response: Response) -> Page {
        Page {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn opens(&self, path: &str) -> Page {
        let url = format!("{}{path}", self.app.url);
        Self::look(self.send(self.app.http.get(url)).await).await
    }

    /// Opens a path, and what it leads on to.
    pub async fn follows(&self, path: &str) -> Page {
        let page = self.opens(path).await;
        match page.headers.get("location") {
            Some(to) => self.opens(to.to_str().unwrap()).await,
            None => page,
        }
    }

    /// Opens a path the way htmx does.
    pub async fn fetches(&self, path: &str) -> Page {
        let url = format!("{}{path}", self.app.url);
        let request = self.app.http.get(url).header("hx-request", "true");
        Self::look(self.send(request).await).await
    }

    /// How many bytes of body a browser gets for a path, as a page or the way htmx asks.
    pub async fn weighs(&self, path: &str, fragment: bool) -> usize {
        let url = format!("{}{path}", self.app.url);
        let mut request = self.app.http.get(url).header("accept-encoding", "br");
        if fragment {
            request = request.header("hx-request", "true");
        }
        let response = self.send(request).await;
        assert_eq!(response.headers()["content-encoding"], "br");
        response.bytes().await.unwrap().len()
    }

    /// Posts a form from a page of Untether's.
    pub async fn posts(&self, path: &str, fields: &[(String, String)]) -> Page {
        self.posts_from(path, fields, &self.app.url).await
    }

    /// Posts a form the way htmx does.
    pub async fn submits(&self, path: &str, fields: &[(String, String)]) -> Page {
        let url = format!("{}{path}", self.app.url);
        let request = self.app.http.post(url).header("origin", &self.app.url);
        let request = request.header("hx-request", "true").form(fields);
        Self::look(self.send(request).await).await
    }

    /// Posts a form from a page of some origin.
    pub async fn posts_from(&self, path: &str, fields: &[(String, String)], origin: &str) -> Page {
        let url = format!("{}{path}", self.app.url);
        let request = self
            .app
            .http
            .post(url)
            .header("origin", origin)
            .form(fields);
        Self::look(self.send(request).await).await
    }

    /// Opens the consent page that a host asks for.
    pub async fn is_asked(&self, host: &Host<'_>, server: &McpServer<'_>) -> Page {
        self.opens(&host.authorize_path(Some(&server.resource)))
            .await
    }

    /// Answers a consent page; returns where the browser is sent.
    pub async fn answers(&self, page: &Page, decision: &str, ticked: &[&str]) -> String {
        let ticked = ticked.iter().map(|scope| ("ticked", *scope));
        let fields: Vec<_> = ticked.chain([("decision", decision)]).collect();
        self.submits_consent(page, &fields).await
    }

    /// Allows on a consent page, with these fields filled in besides.
    pub async fn answers_with(&self, page: &Page, filled: &[(&str, &str)]) -> String {
        let fields = [filled, &[("decision", "allow")]].concat();
        self.submits_consent(page, &fields).await
    }

    async fn submits_consent(&self, page: &Page, filled: &[(&str, &str)]) -> String {
        let mut fields = form_fields(page, "/oauth/authorize");
        let filled = filled.iter().copied();
        fields.extend(filled.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let answer = self.posts("/oauth/authorize", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.headers["location"].to_str().unwrap().to_owned()
    }

    /// Allows a host, everything ticked; returns the code.
    pub async fn allows(&self, host: &Host<'_>, server: &McpServer<'_>) -> String {
        let page = self.is_asked(host, server).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let location = self.answers(&page, "allow", &["write"]).await;
        super::query_of(&location)["code"].clone()
    }

    /// The id of the newest connection in this person's list.
    pub async fn newest_connection(&self) -> String {
        let page = self
            .opens("/connections?view=list&status=active&status=expired&status=revoked")
            .await;
        page.attributes("table tbody tr", "id")
            .into_iter()
            .next()
            .expect("a connection")
    }

    /// The id of the newest connection of this person that is active.
    pub async fn newest_active(&self) -> String {
        let page = self.opens("/connections?view=list&status=active").await;
        let mut ids = page.attributes("table tbody tr", "id");
        ids.remove(0)
    }

    /// Revokes connections through the confirmation page.
    pub async fn revokes(&self, ids: &[&str], reason: &str) -> Page {
        let query: Vec<_> = ids.iter().map(|id| format!("id={id}")).collect();
        let asked = self
            .opens(&format!("/connections/revoke?{}", query.join("&")))
            .await;
        if asked.status != 200 {
            return asked;
        }
        let mut fields = form_fields(&asked, "/connections/revoke");
        fields.push(("reason".into(), reason.into()));
        self.posts("/connections/revoke", &fields).await
    }

    /// Ends a client on its page, with what is typed to confirm it.
    pub async fn revokes_client(&self, path: &str, typed: &str) -> Page {
        let page = self.opens(path).await;
        self.fills(&page, &format!("{path}/revoke"), &[("confirm", typed)])
            .await
    }

    /// Posts a form of a page with these fields filled in.
    pub async fn fills(&self, page: &Page, action: &str, filled: &[(&str, &str)]) -> Page {
        let mut fields = form_fields(page, action);
        let filled = filled.iter().copied();
        fields.extend(filled.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.posts(action, &fields).await
    }

    /// Posts a form of a page with these fields filled in and this file chosen, the way
    /// browsers send a file.
    pub async fn uploads(
        &self,
        page: &Page,
        action: &str,
        filled: &[(&str, &str)],
        (file_name, file): (&str, &[u8]),
    ) -> Page {
        const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
        let mut body = Vec::new();
        let fields = form_fields(page, action);
        let fields = fields.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in fields.chain(filled.iter().copied()) {
            let head = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend(format!("--{BOUNDARY}\r\n{head}{value}\r\n").bytes());
        }
        let head = format!(
            "Content-Disposition: form-data; name=\"picture\"; filename=\"{file_name}\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        body.extend(format!("--{BOUNDARY}\r\n{head}").bytes());
        body.extend(file);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
        let request = self.app.http.post(format!("{}{action}", self.app.url));
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = request
            .header("origin", &self.app.url)
            .header("content-type", kind);
        self.sends(request.body(body)).await
    }

    /// A form token of this person's.
    pub async fn form_token(&self) -> String {
        let identity = &self.email;
        self.app.app.secrets.form_token(identity, self.app.now())
    }
}

//! AI hosts: OAuth clients.

use reqwest::Response;
use serde_json::{Value, json};
use untether::{
    domain::{
        client::{Client, ClientType, Origin},
        logo::LogoChoice,
        project::Slug,
        redirect::RedirectUri,
        scheme::PrivateSchemes,
    },
    flow::register::{self, NewClient},
    store,
    web::params::encode,
};

use super::{McpServer, Person, TestApp};

/// A PKCE verifier, and its challenge below.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn challenge() -> &'static str {
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
}

pub struct Host<'a> {
    pub app: &'a TestApp,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub redirect_uri: String,
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(body: &Value) -> Self {
        let text = |name: &str| {
            body[name]
                .as_str()
                .unwrap_or_else(|| panic!("{body}"))
                .to_owned()
        };
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

impl TestApp {
    /// A client that someone made for a project, and its secret if it has one.
    pub async fn makes_client(
        &self,
        slug: &str,
        name: &str,
        client_type: ClientType,
        uris: &[&str],
    ) -> (Client, Option<String>) {
        let mut tx = self.app.db.write().await.unwrap();
        let slug = Slug::parse(slug).unwrap();
        let project = store::project::by_slug(&mut tx, &slug).await.unwrap();
        let new = NewClient {
            id: None,
            origin: Origin::Console,
            project: project.as_ref(),
            name: name.to_owned(),
            client_type,
            logo: LogoChoice::Letter,
            redirect_uris: uris
                .iter()
                .map(|uri| RedirectUri::parse(uri, &PrivateSchemes::default()).unwrap())
                .collect(),
        };
        let (client, secret) = register::client(&mut tx, &self.context(), new)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        (client, secret.map(|secret| secret.expose().to_owned()))
    }
}

impl<'a> Host<'a> {
    /// The host that uses a client that someone made.
    pub fn of(app: &'a TestApp, client: &Client, secret: Option<String>) -> Self {
        Self {
            app,
            client_id: client.identifier.clone(),
            client_secret: secret,
            redirect_uri: "http://localhost:49152/callback".into(),
        }
    }

    pub async fn register(app: &'a TestApp, name: &str) -> Self {
        let public = json!({
            "client_name": name,
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        });
        let host = Self::registered(app, &public).await;
        Self {
            redirect_uri: "http://127.0.0.1:49152/callback".into(),
            ..host
        }
    }

    /// A host that registers with this metadata, and uses its first redirect URI.
    pub async fn registered(app: &'a TestApp, metadata: &Value) -> Self {
        let url = format!("{}/oauth/register", app.url);
        let response = app.http.post(url).json(metadata).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let body: Value = response.json().await.unwrap();
        Self {
            app,
            client_id: body["client_id"].as_str().unwrap().to_owned(),
            client_secret: body["client_secret"].as_str().map(str::to_owned),
            redirect_uri: body["redirect_uris"][0].as_str().unwrap().to_owned(),
        }
    }

    /// The parameters of an authorization request.
    pub fn request(&self, resource: Option<&str>) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
            ("state", "a state & more".to_owned()),
            ("code_challenge", challenge().to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        pairs.extend(resource.map(|resource| ("resource", resource.to_owned())));
        pairs
    }

    pub fn authorize_path(&self, resource: Option<&str>) -> String {
        path_of(&self.request(resource))
    }

    /// Posts to the token endpoint with this client's id added.
    pub async fn asks(&self, form: &[(&str, &str)]) -> Response {
        let mut form = form.to_vec();
        form.push(("client_id", &self.client_id));
        if let Some(secret) = &self.client_secret {
            form.push(("client_secret", secret));
        }
        self.app.post("/oauth/token", &form).await
    }

    pub async fn redeems(&self, code: &str) -> Response {
        self.asks(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", &self.redirect_uri),
        ])
        .await
    }

    pub async fn refreshes(&self, refresh_token: &str) -> Response {
        self.asks(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ])
        .await
    }

    /// The whole way: consent, code, tokens.
    pub async fn connects(&self, person: &Person<'_>, server: &McpServer<'_>) -> Tokens {
        let code = person.allows(self, server).await;
        let response = self.redeems(&code).await;
        assert_eq!(response.status(), 200);
        Tokens::of(&response.json().await.unwrap())
    }

    /// New tokens for old.
    pub async fn renews(&self, tokens: &Tokens) -> Tokens {
        let response = self.refreshes(&tokens.refresh).await;
        assert_eq!(response.status(), 200);
        Tokens::of(&response.json().await.unwrap())
    }

    /// The error code with which a refresh is refused.
    pub async fn is_refused(&self, refresh_token: &str) -> String {
        error_of(self.refreshes(refresh_token).await, 400).await
    }
}

pub fn path_of(pairs: &[(&'static str, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    format!("/oauth/authorize?{}", encode(pairs))
}

/// The OAuth error code of an answer with this status.
pub async fn error_of(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert!(body["error_description"].is_string(), "{body}");
    body["error"].as_str().unwrap().to_owned()
}

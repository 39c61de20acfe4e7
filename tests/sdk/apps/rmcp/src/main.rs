//! An application on rmcp, the Rust SDK. It takes its orders like the others: `../lines.py`.

use std::{
    error::Error,
    io::{BufRead, Lines, StdinLock, stdin},
};

use reqwest::{Client, Url};
use rmcp::{
    ServiceExt,
    model::CallToolRequestParams,
    service::ClientInitializeError,
    transport::{
        StreamableHttpClientTransport,
        auth::{
            AuthClient, AuthorizationManager, AuthorizationRequest, CredentialStore,
            InMemoryCredentialStore, OAuthState,
        },
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};

const REDIRECT: &str = "http://127.0.0.1:49155/callback";

type Failure = Box<dyn Error + Send + Sync>;

/// The tests, on the other end of standard input and output.
struct Tests(Lines<StdinLock<'static>>);

impl Tests {
    fn tell(&self, message: Value) {
        println!("{message}");
    }

    fn hear(&mut self) -> Option<Value> {
        let line = self.0.next()?.ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Sends the person to this address; answers where the browser was sent back to.
    fn browse(&mut self, address: &str) -> Result<String, Failure> {
        self.tell(json!({ "open": address }));
        let answer = self.hear().ok_or("nobody is at the browser")?;
        Ok(text(&answer, "landed"))
    }
}

fn text(message: &Value, name: &str) -> String {
    message[name].as_str().unwrap_or_default().to_owned()
}

/// What outlives a session: the tokens, with the client that they were issued to.
struct App {
    url: String,
    name: String,
    document: Option<String>,
    store: InMemoryCredentialStore,
    http: AuthClient<Client>,
}

impl App {
    async fn start(with: &Value) -> Result<Self, Failure> {
        let url = text(with, "url");
        let store = InMemoryCredentialStore::new();
        let http = AuthClient::new(Client::new(), manager(&url, &store).await?);
        Ok(Self {
            url,
            name: text(with, "name"),
            document: with["document"].as_str().map(str::to_owned),
            store,
            http,
        })
    }

    async fn call(&mut self, tool: String, tests: &mut Tests) -> Result<String, Failure> {
        if let Err(error) = self.connect().await {
            let challenge = error.auth_challenge().map(str::to_owned);
            let challenge = challenge.ok_or_else(|| chain(&error))?;
            self.authorize(challenge, tests).await?;
        }
        let session = self.connect().await?;
        let result = session.call_tool(CallToolRequestParams::new(tool)).await;
        session.cancel().await?;
        let content = result?.content;
        Ok(content
            .iter()
            .filter_map(|block| block.as_text())
            .map(|block| block.text.as_str())
            .collect())
    }

    async fn connect(
        &self,
    ) -> Result<rmcp::service::RunningService<rmcp::RoleClient, ()>, ClientInitializeError> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.clone());
        let transport = StreamableHttpClientTransport::with_client(self.http.clone(), config);
        ().serve(transport).await
    }

    async fn authorize(&mut self, challenge: String, tests: &mut Tests) -> Result<(), Failure> {
        let mut request = AuthorizationRequest::new(REDIRECT)
            .with_client_name(self.name.clone())
            .with_challenge(challenge);
        if let Some(known) = self.store.load().await? {
            request = request.with_preregistered_client(known.client_id);
        } else if let Some(document) = &self.document {
            request = request.with_client_metadata_url(document.clone());
        }
        let mut state = OAuthState::Unauthorized(manager(&self.url, &self.store).await?);
        state.start_authorization(request).await?;
        let landed = tests.browse(&state.get_authorization_url().await?)?;
        // rmcp leaves what an error says to the application.
        let answer = |name| {
            let landed = Url::parse(&landed).ok()?;
            let found = landed.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        if let Some(error) = answer("error") {
            let description = answer("error_description").unwrap_or_default();
            return Err(format!("{error}: {description}").into());
        }
        state.handle_callback_url(&landed).await?;
        let manager = state.into_authorization_manager();
        self.http = AuthClient::new(Client::new(), manager.ok_or("not authorized")?);
        Ok(())
    }

    /// The access token has run out, as far as rmcp knows.
    async fn wear_out(&self) -> Result<(), Failure> {
        let mut kept = self.store.load().await?.ok_or("nothing is kept")?;
        kept.token_received_at = Some(0);
        Ok(self.store.save(kept).await?)
    }

    /// The tokens are lost, and the client is not.
    async fn forget(&self) -> Result<(), Failure> {
        let mut kept = self.store.load().await?.ok_or("nothing is kept")?;
        kept.token_response = None;
        Ok(self.store.save(kept).await?)
    }

    async fn kept(&self) -> Result<Value, Failure> {
        let kept = self.store.load().await?.ok_or("nothing is kept")?;
        let tokens = serde_json::to_value(kept.token_response)?;
        Ok(json!({
            "client_id": kept.client_id,
            "access_token": tokens["access_token"],
            "refresh_token": tokens["refresh_token"],
        }))
    }
}

async fn manager(
    url: &str,
    store: &InMemoryCredentialStore,
) -> Result<AuthorizationManager, Failure> {
    let mut manager = AuthorizationManager::new(url).await?;
    manager.set_credential_store(store.clone());
    Ok(manager)
}

/// An error with everything behind it.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

async fn obey(order: &Value, app: &mut Option<App>, tests: &mut Tests) -> Result<Value, Failure> {
    let with = &order["with"];
    if order["do"] == "start" {
        *app = Some(App::start(with).await?);
        return Ok(Value::Null);
    }
    let app = app.as_mut().ok_or("not started")?;
    match order["do"].as_str() {
        Some("call") => Ok(app.call(text(with, "tool"), tests).await?.into()),
        Some("wear_out") => app.wear_out().await.map(Value::from),
        Some("forget") => app.forget().await.map(Value::from),
        Some("kept") => app.kept().await,
        _ => Err("an unknown order".into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut tests = Tests(stdin().lock().lines());
    let mut app = None;
    while let Some(order) = tests.hear() {
        match obey(&order, &mut app, &mut tests).await {
            Ok(done) => tests.tell(json!({ "done": done })),
            Err(error) => tests.tell(json!({ "failed": chain(&*error) })),
        }
    }
}

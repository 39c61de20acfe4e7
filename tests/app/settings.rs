//! Settings do what they say.

use std::time::Duration;

use serde_json::Value;

use crate::support::{TestApp, Tokens};

#[actix_web::test]
async fn the_life_of_tokens_and_the_grace_of_a_refresh_are_as_set() {
    let app = TestApp::spawn_with(|settings| {
        settings.access_token_minutes = 7;
        settings.refresh_grace_seconds = 20;
    })
    .await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let code = app.person("ana").allows(&host, &server).await;
    let body: Value = host.redeems(&code).await.json().await.unwrap();
    assert_eq!(body["expires_in"], 7 * 60);
    let tokens = Tokens::of(&body);
    app.advance(Duration::from_secs(7 * 60 - 1));
    assert!(server.admits(&tokens.access).await);
    app.advance(Duration::from_secs(1));
    assert!(!server.admits(&tokens.access).await);

    host.renews(&tokens).await;
    app.advance(Duration::from_secs(19));
    let again = host.renews(&tokens).await;
    assert!(server.admits(&again.access).await);
    app.advance(Duration::from_secs(2));
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
    assert!(!server.admits(&again.access).await);
}

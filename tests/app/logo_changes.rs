//! How logos change, and how they go.

use std::time::Duration;

use untether::domain::logo::{Logo, Shape};

use crate::{
    logos::{GIF, LOCAL, NOTHING, SMALL, logos, makes},
    support::TestApp,
};

#[actix_web::test]
async fn a_logo_is_changed_and_removed_with_the_rest_and_the_trail_says_so() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let here = makes(&owner, "Portal", SMALL).await;
    let first = logos(&owner.opens(&here).await).remove(0);
    let edit = async |logo: &str, file: (&str, &[u8])| {
        app.advance(Duration::from_secs(1));
        let page = owner.opens(&here).await;
        let filled = [("name", "Portal"), ("redirect_uris", LOCAL), ("logo", logo)];
        assert_eq!(owner.uploads(&page, &here, &filled, file).await.status, 303);
        logos(&owner.opens(&here).await)
    };
    assert_eq!(edit("picture", NOTHING).await, [&*first]);
    assert_eq!(edit("", NOTHING).await, [&*first]);
    assert_eq!(edit("picture", ("same.png", SMALL)).await, [&*first]);
    let second = edit("letter", ("other.gif", GIF)).await.remove(0);
    assert_ne!(second, first);
    assert_eq!(
        owner.opens(&first).await.status,
        404,
        "nobody has it any more"
    );
    let shape = edit("terminal", NOTHING).await.remove(0);
    assert!(shape.starts_with("/static/terminal."), "{shape}");
    assert_eq!(owner.opens(&second).await.status, 404);
    assert!(edit("letter", NOTHING).await.is_empty());
    let trail = "SELECT detail FROM audit_event WHERE action = 'client.changed' ORDER BY at";
    assert_eq!(
        app.database.texts(trail).await,
        [
            "It got another logo.",
            "It got another logo.",
            "The logo was removed."
        ]
    );
    let pictures = app
        .database
        .texts("SELECT client_id FROM client_picture")
        .await;
    assert!(pictures.is_empty());
    assert_eq!(Logo::from(Shape::Terminal).as_str(), "terminal");
}

#[actix_web::test]
async fn a_picture_goes_with_its_client() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let here = makes(&owner, "Portal", SMALL).await;
    let src = logos(&owner.opens(&here).await).remove(0);
    assert_eq!(owner.revokes_client(&here, "Portal").await.status, 303);
    assert_eq!(
        logos(&owner.opens(&here).await),
        [&*src],
        "it is still listed"
    );
    let page = owner.opens(&here).await;
    let delete = format!("{here}/delete");
    assert_eq!(owner.fills(&page, &delete, &[]).await.status, 303);
    assert_eq!(owner.opens(&src).await.status, 404);
    let pictures = app
        .database
        .texts("SELECT client_id FROM client_picture")
        .await;
    assert!(pictures.is_empty());
}

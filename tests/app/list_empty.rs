//! The list when nothing is in it, and what keeps it from being empty for no reason.

use crate::support::TestApp;

#[actix_web::test]
async fn an_empty_list_says_why_and_what_to_do() {
    let app = TestApp::spawn().await;
    let (owner, ana) = (app.owner(), app.person("ana"));
    assert_eq!(
        owner.opens("/connections").await.all("h2"),
        ["Nothing is connected yet"]
    );
    assert_eq!(
        ana.opens("/connections").await.all("h2"),
        ["You have no connections"]
    );
    let filtered = owner.opens("/connections?q=nothing").await;
    assert_eq!(filtered.all("h2"), ["Nothing matches"]);
    assert_eq!(filtered.attributes(".empty a", "href"), ["/connections"]);
    let server = app.project("search", &[]).await;
    app.host("Cursor").await.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    let searched = owner.opens("/connections?q=cursor&view=list").await;
    assert_eq!(searched.all("h2"), ["Nothing of this status matches"]);
    let told = "In other statuses there is 1 connection that meets all other filters.";
    assert_eq!(searched.all(".empty p")[0], told);
    let shown = owner
        .opens(&searched.attributes(".empty a", "href")[0])
        .await;
    assert_eq!(shown.connections().len(), 1);
    let revoked = ana.opens("/connections").await;
    assert_eq!(revoked.all("h2"), ["Nothing is connected now"]);
    let shown = ana.opens(&revoked.attributes(".empty a", "href")[0]).await;
    assert_eq!(shown.connections().len(), 1);
}

#[actix_web::test]
async fn the_only_status_that_is_shown_stays() {
    let app = TestApp::spawn().await;
    let page = app.owner().opens("/connections?status=expired").await;
    assert_eq!(
        page.all(".chips a[aria-current]:not([href])"),
        ["Expired 0"]
    );
    let others = ["/connections", "/connections?status=expired&status=revoked"];
    assert_eq!(page.attributes(".chips a", "href"), others);
}

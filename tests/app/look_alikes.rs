//! Registrations that look alike are shown as what they are: several, and each its own.

use std::time::Duration;

use crate::support::{Person, TestApp};

async fn page_of(person: &Person<'_>, client_id: &str) -> String {
    let page = person.opens(&format!("/clients/{client_id}")).await;
    assert_eq!(page.status, 200);
    page.all("main").join(" ")
}

#[actix_web::test]
async fn a_client_names_the_others_that_look_like_it_with_their_connections() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let one = app.host("Claude Code").await;
    let two = app.host("claude  code").await;
    app.advance(Duration::from_secs(60));
    let three = app.host("Claude Code").await;
    let other = app.host("Cursor").await;
    let ana = app.person("ana");
    two.connects(&ana, &server).await;
    two.connects(&ana, &server).await;
    for reader in [app.owner(), app.auditor()] {
        let page = reader.opens(&format!("/clients/{}", one.client_id)).await;
        let text = page.all("main").join(" ");
        assert!(
            text.contains("2 other registrations look like this one"),
            "{text}"
        );
        assert!(text.contains("2 connections") && text.contains("no connections"));
        let links = page.attributes("main li a", "href");
        let expected = [&three, &two].map(|host| format!("/clients/{}", host.client_id));
        assert_eq!(links, expected);
    }
    let cursor = page_of(&app.owner(), &other.client_id).await;
    assert!(!cursor.contains("look like this one"), "{cursor}");
    // Who does not see all clients is not told how many there are.
    let hers = page_of(&ana, &two.client_id).await;
    assert!(!hers.contains("look like this one"), "{hers}");
}

#[actix_web::test]
async fn the_list_notes_look_alikes_and_merges_nothing() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    for _ in 0..3 {
        app.host("Claude Code").await.connects(&ana, &server).await;
    }
    app.host("Cursor").await.connects(&ana, &server).await;
    let page = app.owner().opens("/connections?view=client").await;
    let notes = page.all("tr.group small");
    let alike = |notes: &[String]| {
        notes
            .iter()
            .filter(|note| note.contains("look alike"))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(alike(&notes), vec!["1 of 3 that look alike".to_owned(); 3]);
    assert_eq!(page.all("tr.group").len(), 4);
    let hers = ana.opens("/connections?view=client").await;
    assert!(alike(&hers.all("tr.group small")).is_empty());
    let by_person = app.owner().opens("/connections?view=person").await;
    assert!(alike(&by_person.all("tr.group small")).is_empty());
}

#[actix_web::test]
async fn of_very_many_the_newest_are_shown_and_all_are_counted() {
    let app = TestApp::spawn().await;
    let mut hosts = Vec::new();
    for _ in 0..14 {
        hosts.push(app.host("Claude Code").await.client_id);
    }
    let page = app.owner().opens(&format!("/clients/{}", hosts[0])).await;
    let text = page.all("main").join(" ");
    assert!(
        text.contains("13 other registrations look like this one"),
        "{text}"
    );
    assert!(text.contains("and 3 more that are older"), "{text}");
    assert_eq!(page.attributes("main li a", "href").len(), 10);
}

#[actix_web::test]
async fn clients_of_an_earlier_version_are_compared_once_the_sweep_has_come_by() {
    let app = TestApp::spawn().await;
    let one = app.host("Claude Code").await;
    app.host("Claude Code").await;
    app.database
        .execute("UPDATE client SET look_alike = NULL")
        .await;
    assert_eq!(app.sweeps().await.looks_recorded, 2);
    assert_eq!(app.sweeps().await.looks_recorded, 0);
    let text = page_of(&app.owner(), &one.client_id).await;
    assert!(
        text.contains("1 other registration looks like this one"),
        "{text}"
    );
}

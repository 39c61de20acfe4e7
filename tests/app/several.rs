//! Whatever changes several connections takes turns, so that none of it waits for ever.

use untether::{
    domain::document::{ClientDocument, DocumentUrl},
    flow::register,
};

use crate::{
    acts::confirms_everything,
    matching::{revoked, revoked_events},
    support::{Person, TestApp, form_fields},
};

const COPIES: usize = 3000;

/// Someone with so many connections, in the opposite order by age and by id.
async fn furnish(app: &TestApp) {
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    app.database.multiply(&id, COPIES).await;
}

/// Declines a consent under another name.
pub async fn declines_as(app: &TestApp, ana: &Person<'_>, path: &str, name: &str) -> u16 {
    let page = ana.opens(path).await;
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.push(("decision".into(), "deny".into()));
    let request = app.http.post(format!("{}/oauth/authorize", app.url));
    let request = request.header("x-forwarded-preferred-username", name);
    ana.sends(request.form(&fields)).await.status
}

#[actix_web::test]
async fn people_and_clients_change_their_names_while_their_connections_are_revoked() {
    let app = TestApp::spawn().await;
    furnish(&app).await;
    let wiki = app.project("wiki", &[]).await;
    let other = app.host("Claude").await;
    let ana = app.person("ana");
    let consent = other.authorize_path(Some(&wiki.resource));
    let address = "https://cursor.example/client.json";
    let describe = "UPDATE client SET origin = 'document', identifier = ";
    let describe = format!("{describe}'{address}' WHERE name = 'Cursor'");
    app.database.execute(&describe).await;
    let act = confirms_everything(&app).await;

    let revoking = app.app.worker();
    let revoking = revoking.run(&act);
    let people = async {
        for turn in 0..15 {
            let name = format!("Ana {turn}");
            assert_eq!(
                declines_as(&app, &ana, &consent, &name).await,
                303,
                "{name}"
            );
        }
    };
    let clients = async {
        for turn in 0..15 {
            let document = ClientDocument {
                url: DocumentUrl::parse(address).unwrap(),
                name: format!("Cursor {turn}"),
                redirect_uris: Vec::new(),
            };
            let mut tx = app.app.db.write().await.unwrap();
            let context = app.context();
            register::document(&mut tx, &context, &document)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    };
    let (revoking, (), ()) = futures_util::future::join3(revoking, people, clients).await;
    revoking.unwrap();
    assert_eq!(revoked(&app).await, COPIES + 1);
    assert_eq!(revoked_events(&app).await, COPIES + 1);
    let sorted = "SELECT DISTINCT person_folded || ' ' || client_folded FROM connection";
    let sorted = app.database.texts(sorted).await;
    assert_eq!(sorted.len(), 1, "{sorted:?}");
    assert!(
        sorted[0].starts_with("ana 14\nana@acme.example cursor 14\n"),
        "{sorted:?}"
    );
}

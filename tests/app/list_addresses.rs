//! What an address of a list can ask for without harm, and where one comes back to.

use reqwest::Method;
use untether::domain::ids::ActId;

use crate::{
    matching::{PATH, confirmation, revoked},
    support::{TestApp, form_fields},
};

const MISSING: &str = "01890000-0000-7000-8000-999999999999";

#[actix_web::test]
async fn what_is_asked_for_more_than_a_hundred_times_is_refused() {
    let app = TestApp::spawn().await;
    let (owner, ana) = (app.owner(), app.person("ana"));
    for name in ["client", "project"] {
        let id = |n: usize| format!("{name}=01890000-0000-7000-8000-{n:012}");
        let ids = |count| (0..count).map(id).collect::<Vec<_>>().join("&");
        for person in [&owner, &ana] {
            let page = person.opens(&format!("/connections?{}", ids(101))).await;
            assert_eq!(page.status, 400, "{name}");
            let said = page.all(".lead").join("");
            assert!(said.contains(name) && said.contains("101 times"), "{said}");
            let page = person.opens(&format!("/connections?{}", ids(100))).await;
            assert_eq!(page.status, 200, "{name}: {}", page.text);
            assert!(page.text.len() < 2_000_000, "{name}: {}", page.text.len());
        }
    }
    // Fewer of each, and as many together.
    let of = |n: usize| {
        let id = format!("01890000-0000-7000-8000-{n:012}");
        format!("client={id}&project={id}&person={id}")
    };
    let many = |count| (0..count).map(of).collect::<Vec<_>>().join("&");
    for person in [&owner, &ana] {
        let page = person.opens(&format!("/connections?{}", many(34))).await;
        assert_eq!(page.status, 400);
        assert!(page.all(".lead")[0].contains("102 conditions"));
        let page = person.opens(&format!("/connections?{}", many(33))).await;
        assert_eq!(page.status, 200);
        assert!(page.text.len() < 2_000_000, "{}", page.text.len());
    }
    // A list at the limit leads to no other that is refused.
    let page = owner
        .opens(&format!(
            "/connections?view=list&{}&client={MISSING}",
            many(33)
        ))
        .await;
    assert_eq!(page.status, 200);
    let chips = page.attributes(".chips a", "href");
    assert_eq!(chips.len(), 3);
    for chip in chips {
        assert_eq!(owner.opens(&chip).await.status, 200, "{chip}");
    }
    let statuses = vec!["status=active"; 21].join("&");
    let page = owner.opens(&format!("/connections?{statuses}")).await;
    assert!(page.all(".lead")[0].contains("21 conditions besides"));
    let typed = vec!["person=x%40acme.example"; 101].join("&");
    let page = owner.opens(&format!("/connections.csv?{typed}")).await;
    assert!(page.text.contains("101 times"), "{}", page.text);
}

#[actix_web::test]
async fn the_address_that_a_form_was_sent_to_leads_to_the_page_that_it_is_on() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let connection = format!("/connections/{}", ana.newest_connection().await);
    // The same for whoever cannot see what is there.
    for who in [&ana, &app.person("stranger")] {
        for (form, page) in [
            (format!("{connection}/rename"), connection.as_str()),
            (format!("{connection}/delete?x=1"), &connection),
            ("/projects/search/credentials".into(), "/projects/search"),
            (
                "/projects/search/clients/x/rotate".into(),
                "/projects/search/clients/x",
            ),
        ] {
            let answer = who.opens(&form).await;
            assert_eq!(answer.status, 303, "{form}");
            assert_eq!(answer.headers["location"], page, "{form}");
        }
    }
    assert_eq!(
        ana.follows(&format!("{connection}/rename")).await.status,
        200
    );
    let headless = app.http.head(format!("{}{connection}/rename", app.url));
    assert_eq!(ana.sends(headless).await.status, 303);
    for nothing in [
        "/blocks/x/lift",
        "/nothing/rename",
        "//x/connections/y/rename",
    ] {
        assert_eq!(ana.opens(nothing).await.status, 404, "{nothing}");
    }
}

#[actix_web::test]
async fn an_email_finds_its_person_among_any_number_with_longer_ones() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let lee = app.person("lee");
    host.connects(&lee, &server).await;
    let id = lee.newest_connection().await;
    app.database.multiply(&id, 101).await;
    app.database.add_bystanders(101).await;
    let others = "
        UPDATE people SET name = 'Aaron', email = subject || '.lee@acme.example',
                          folded = 'aaron ' || subject || '.lee@acme.example'
        WHERE subject LIKE 'bystander%';
        UPDATE connection SET person_id = '01890000-0000-7000-9000-' || substr(id, 25)
        WHERE id LIKE '01890000-0000-7000-8000-%'";
    app.database.execute(others).await;
    app.database.recount().await;
    let page = app
        .owner()
        .follows("/connections?view=list&person=Lee%40acme.example")
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.connections().len(), 1);
}

#[actix_web::test]
async fn whoever_names_nobody_keeps_the_other_conditions() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    let asked = "/connections?view=list&idle_days=30&person=nobody%40acme.example";
    let page = owner.opens(asked).await;
    assert_eq!(page.status, 400);
    let way = page.attributes(".prose a.button", "href");
    assert_eq!(way, ["/connections?view=list&idle_days=30"]);
}

#[actix_web::test]
async fn a_preview_leads_back_to_where_it_was_asked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let owner = app.owner();
    let list = "/connections?view=list&q=curs&sort=name&per=25";
    let shown = owner.opens(list).await;
    let limit = shown.text.split("revoke-matching?").nth(1).unwrap();
    let query = limit.split('"').next().unwrap().replace("&#38;", "&");
    let preview = owner.opens(&format!("{PATH}?{query}")).await;
    assert_eq!(preview.attributes(".actions a", "href"), [list]);
    let all = ana
        .opens("/me")
        .await
        .attributes(".all a", "href")
        .remove(0);
    let preview = ana.opens(&all).await;
    assert_eq!(preview.attributes(".actions a", "href"), ["/me"]);
    let action = preview.attributes("form[method=post]", "action");
    let action = action
        .iter()
        .find(|action| action.starts_with(PATH))
        .unwrap();
    let fields = confirmation(&preview, action, "1", "");
    let done = ana.posts(action, &fields).await;
    assert_eq!(done.status, 303);
    assert_eq!(done.headers["location"], "/me");
    let elsewhere = ana
        .opens(&format!("{PATH}?back=https%3A%2F%2Fevil.example"))
        .await;
    assert_eq!(
        elsewhere.attributes("main a.button", "href"),
        ["/connections"]
    );
}

#[actix_web::test]
async fn whoever_archives_a_project_comes_back_to_it_and_reads_what_was_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    let (owner, archive) = (app.owner(), "/projects/search/archive");
    let links = owner.opens(archive).await.attributes(".actions a", "href");
    let preview = owner.opens(&links[1]).await;
    let actions = preview.attributes("form[method=post]", "action");
    let action = actions.iter().find(|action| action.starts_with(PATH));
    let action = action.unwrap();
    let fields = confirmation(&preview, action, "1", "");
    assert_eq!(
        owner.posts(action, &fields).await.headers["location"],
        archive
    );
    let said = owner.opens(archive).await.all("#flash .flash").join("");
    assert!(said.starts_with("Revoked 1 connection."), "{said}");
}

#[actix_web::test]
async fn nothing_is_no_act_and_a_breakdown_has_what_is_revoked_alone() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    app.database.multiply(&id, 3).await;
    let lapse = "UPDATE connection SET last_used_at = 0, authorized_at = 0 WHERE name LIKE '%1'";
    app.database.execute(lapse).await;
    let owner = app.owner();
    let preview = owner.opens(&format!("{PATH}?status=active")).await;
    let tallies = preview.all(".breakdown section");
    assert!(
        tallies[0].contains("Active") && !tallies[0].contains("Expired"),
        "{tallies:?}"
    );
    let action = format!("{PATH}?q=nothing");
    let mut fields = form_fields(&preview, &format!("{PATH}?status=active"));
    for (name, value) in &mut fields {
        if name == "set" {
            *value = "0-00000000000000000000000000000000".to_owned();
        }
    }
    let act = fields
        .iter()
        .find(|(name, _)| name == "act")
        .unwrap()
        .1
        .clone();
    assert!(ActId::parse(&act).is_some());
    fields.push(("count".into(), "0".into()));
    let page = owner.posts(&action, &fields).await;
    assert_eq!(page.status, 409);
    assert_eq!(revoked(&app).await, 0);
    let acts = app.database.texts("SELECT id FROM bulk_act").await;
    assert_eq!(acts, Vec::<String>::new());
}

#[actix_web::test]
async fn a_message_is_for_the_person_who_acted_alone() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    for (next, seen) in [("ana", 1), ("ben", 0)] {
        let mut person = app.person("ana");
        host.connects(&person, &server).await;
        let id = person.newest_active().await;
        person.revokes(&[&id], "").await;
        // The browser is the same.
        person.email = format!("{next}@acme.example");
        let page = person.opens("/me").await;
        assert_eq!(page.all("#flash .flash").len(), seen, "{next}");
    }
}

#[actix_web::test]
async fn a_head_is_answered_like_the_page_without_its_body() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    for path in [
        "/connections",
        "/me",
        "/connections.csv",
        "/healthz",
        "/help",
    ] {
        let url = format!("{}{path}", app.url);
        let answer = owner.answers_to(app.http.request(Method::HEAD, url)).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.bytes().await.unwrap().len(), 0, "{path}");
    }
}

#[actix_web::test]
async fn a_place_among_projects_tells_nothing_of_those_out_of_reach() {
    let app = TestApp::spawn().await;
    for slug in ["alpha", "gamma"] {
        app.project(slug, &["pablo@acme.example"]).await;
    }
    app.project("beta", &[]).await;
    let hidden = "SELECT id FROM project WHERE slug = 'beta'";
    let hidden = app.database.texts(hidden).await.remove(0);
    let pablo = app.person("pablo");
    assert_eq!(pablo.opens("/projects").await.all("tbody tr").len(), 2);
    for place in ["after", "before"] {
        let page = pablo.opens(&format!("/projects?{place}={hidden}")).await;
        assert_eq!(page.all("tbody tr").len(), 0, "{place}");
    }
}

#[actix_web::test]
async fn a_filter_for_what_somebody_cannot_see_is_kept_by_the_form_of_the_others() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let payroll = app.project("payroll", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &payroll).await;
    let ids = "SELECT project_id || ' ' || person_id FROM connection";
    let ids = app.database.texts(ids).await.remove(0);
    let (project, person) = ids.split_once(' ').unwrap();
    for (who, name, id) in [
        (app.person("pablo"), "project", project),
        (app.person("stranger"), "person", person),
        (
            app.owner(),
            "project",
            "01890000-0000-7000-8000-000000000000",
        ),
    ] {
        let page = who
            .opens(&format!("/connections?view=list&{name}={id}"))
            .await;
        let field = format!("details input[type=hidden][name={name}]");
        assert_eq!(page.attributes(&field, "value"), [id], "{name}");
    }
    // What has a tick is in the form once.
    let page = app
        .owner()
        .opens(&format!("/connections?project={project}"))
        .await;
    let fields = page.attributes("details input[name=project]", "value");
    assert_eq!(fields.iter().filter(|id| *id == project).count(), 1);
    assert!(
        page.attributes("details input[type=hidden][name=project]", "value")
            .is_empty()
    );
}

#[actix_web::test]
async fn a_condition_that_nobody_knows_is_named_however_long_its_name_is() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    let owner = app.owner();
    let long = "x".repeat(6_000);
    for address in [
        format!("/connections?{long}=1"),
        format!("/connections?person=ana@acme.example&{long}=1"),
        format!("/audit?{long}=1"),
    ] {
        let page = owner.follows(&address).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let said = page.all(".flash").join("");
        assert!(said.contains("xxx…") && said.len() < 250, "{said}");
    }
}

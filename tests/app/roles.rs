//! Invariant 5: who may see and who may change what, on every route. What is
//! not theirs is answered exactly like what is not there.

use crate::support::{Person, TestApp};

const MISSING: &str = "01890000-0000-7000-8000-000000000000";

struct Case<'a, 'b> {
    who: &'a Person<'b>,
    sees: [bool; 3],
    changes: [bool; 3],
}

#[actix_web::test]
async fn visibility_is_one_rule_on_every_route() {
    let app = TestApp::spawn_with(|settings| {
        settings.owners.push("group:owners".parse().unwrap());
    })
    .await;
    let search = app
        .project("search", &["pablo@acme.example", "group:search-admins"])
        .await;
    let wiki = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let (pablo, ana) = (app.person("pablo"), app.person("ana"));
    // The same three connections for all: Pablo's own, one in the project he
    // administers, one that is neither.
    host.connects(&pablo, &wiki).await;
    let own = pablo.newest_connection().await;
    app.advance(std::time::Duration::from_secs(1));
    host.connects(&ana, &search).await;
    let administered = app.owner().newest_connection().await;
    app.advance(std::time::Duration::from_secs(1));
    host.connects(&ana, &wiki).await;
    let foreign = app.owner().newest_connection().await;
    let targets = [own.as_str(), &administered, &foreign];

    let (owner, auditor) = (app.owner(), app.auditor());
    let by_group = app.person("gabi").in_groups("staff,owners");
    let group_admin = app.person("greta").in_groups("search-admins");
    let (member, stranger) = (app.person("ana"), app.person("stranger"));
    let cases = [
        Case {
            who: &owner,
            sees: [true; 3],
            changes: [true; 3],
        },
        Case {
            who: &by_group,
            sees: [true; 3],
            changes: [true; 3],
        },
        Case {
            who: &auditor,
            sees: [true; 3],
            changes: [false; 3],
        },
        Case {
            who: &pablo,
            sees: [true, true, false],
            changes: [true, true, false],
        },
        Case {
            who: &group_admin,
            sees: [false, true, false],
            changes: [false, true, false],
        },
        Case {
            who: &member,
            sees: [false, true, true],
            changes: [false, true, true],
        },
        Case {
            who: &stranger,
            sees: [false; 3],
            changes: [false; 3],
        },
    ];
    for case in &cases {
        check(case, targets).await;
    }
}

async fn check(case: &Case<'_, '_>, targets: [&str; 3]) {
    let who = &case.who;
    let list = who
        .opens("/connections?view=list&status=active&status=expired&status=revoked")
        .await;
    let listed = list.attributes("table tbody tr", "id");
    let seen = targets.map(|id| listed.iter().any(|row| row == id));
    assert_eq!(seen, case.sees, "{} sees", who.email);
    let total = case.sees.iter().filter(|sees| **sees).count();
    assert_eq!(
        list.all(".chips b")[0],
        total.to_string(),
        "{} counts",
        who.email
    );

    let missing = who
        .opens(&format!("/connections/revoke?id={MISSING}"))
        .await;
    assert_eq!(missing.status, 404);
    let token = who.form_token().await;
    let form = |id: &str| {
        vec![
            ("csrf".to_owned(), token.clone()),
            ("id".to_owned(), id.to_owned()),
        ]
    };
    let act_on_missing = who.posts("/connections/revoke", &form(MISSING)).await;
    assert_eq!(act_on_missing.status, 404);
    for (id, changes) in targets.into_iter().zip(case.changes) {
        let asked = who.opens(&format!("/connections/revoke?id={id}")).await;
        let fragment = who.fetches(&format!("/connections/revoke?id={id}")).await;
        let offered = list
            .attributes("table tbody a[aria-label]", "href")
            .iter()
            .any(|href| href.contains(id));
        assert_eq!(offered, changes, "{} is offered to revoke", who.email);
        if changes {
            assert_eq!((asked.status, fragment.status), (200, 200), "{}", who.email);
            continue;
        }
        assert_eq!((asked.status, fragment.status), (404, 404), "{}", who.email);
        assert_eq!(asked.bare(), missing.bare(), "{}", who.email);
        let acted = who.posts("/connections/revoke", &form(id)).await;
        assert_eq!(acted.status, 404, "{}", who.email);
        assert_eq!(acted.bare(), act_on_missing.bare(), "{}", who.email);
    }
}

#[actix_web::test]
async fn each_role_reads_its_own_name() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    for (person, role, heading) in [
        (app.owner(), "Owner", "Application connections"),
        (app.auditor(), "Auditor", "Application connections"),
        (
            app.person("pablo"),
            "Project administrator",
            "Application connections",
        ),
        (app.person("ana"), "Member", "My connections"),
    ] {
        let page = person.opens("/connections").await;
        assert_eq!(page.all(".role"), [role]);
        assert_eq!(page.all("h1"), [heading]);
    }
}

#[actix_web::test]
async fn auditors_look_after_their_own_connections_like_everyone() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, auditor) = (app.person("ana"), app.auditor());
    let hers = host.connects(&ana, &server).await;
    let his = host.connects(&auditor, &server).await;
    let mine = auditor.opens("/me").await;
    let own = mine.attributes("table tbody tr", "id").remove(0);

    let list = auditor.opens("/connections?view=list").await;
    assert_eq!(list.connections().len(), 2);
    let offered = [format!("/connections/revoke?id={own}")];
    assert_eq!(list.attributes("td.act a", "href"), offered);
    assert!(list.all(".tick").is_empty(), "nearly nothing can be ticked");
    assert_eq!(mine.attributes("td.act a", "href"), offered);
    assert_eq!(mine.all(".all a"), ["Revoke all"]);
    let all = mine.attributes(".all a", "href").remove(0);
    let every = auditor.opens(&all).await;
    assert_eq!(every.all("h1"), ["Revoke 1 connection?"]);
    let everyone = auditor.opens("/connections/revoke-matching").await;
    assert_eq!(everyone.all("h1"), ["Revoke 1 connection?"]);

    assert_eq!(auditor.revokes(&[&own], "").await.status, 303);
    assert!(!server.admits(&his.access).await);
    assert!(server.admits(&hers.access).await);
}

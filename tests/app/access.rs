//! Invariants 5, 8 and 12 on every page: who may open it, as a page and as a fragment,
//! and on whose things. A route that the program has and this table has not is a fault.

use reqwest::{Method, RequestBuilder};
use untether::app::{PAGE_ROUTES, Verb};

use crate::{
    access_answer::Answer,
    access_role::{COLUMNS, Role, Whose},
    access_rows::{ROWS, Row},
    access_world::{Thing, World},
};

/// What else a form carries.
enum Seal {
    Token,
    NoToken,
    TokenOfAnother,
    FromElsewhere,
}

impl World {
    fn request(&self, row: &Row, thing: &Thing, fragment: bool, seal: Seal) -> RequestBuilder {
        let url = format!("{}{}", self.app.url, thing.fill(row.path));
        let mut request = match row.verb {
            Verb::Get => self.app.http.get(url),
            Verb::Post => {
                let secrets = &self.app.app.secrets;
                let person = self.person().email;
                let (token, origin) = match seal {
                    Seal::Token => (secrets.form_token(&person, self.app.now()), &*self.app.url),
                    Seal::NoToken => (String::new(), &*self.app.url),
                    Seal::TokenOfAnother => (
                        secrets.form_token("x@acme.example", self.app.now()),
                        &*self.app.url,
                    ),
                    Seal::FromElsewhere => (
                        secrets.form_token(&person, self.app.now()),
                        "https://evil.example",
                    ),
                };
                let form = thing
                    .fill(row.form)
                    .replace('#', "%23")
                    .replace("App ", "App+");
                let request = self.app.http.post(url).header("origin", origin);
                request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(format!("{form}&csrf={token}"))
            }
            Verb::Any => unreachable!("no page has such a route"),
        };
        if self.role != Role::Nobody {
            request = request.header("x-forwarded-email", self.person().email);
        }
        if fragment {
            request = request.header("hx-request", "true");
        }
        request
    }

    async fn ask(&self, row: &Row, thing: &Thing, fragment: bool, seal: Seal) -> Answer {
        let sent = thing.fill(&format!("{} {}", row.path, row.form));
        let sent: Vec<_> = thing.secrets().filter(|fact| sent.contains(fact)).collect();
        let answer = Answer::to(self.request(row, thing, fragment, seal), &sent).await;
        let what = format!(
            "{:?} {:?} {} {:?}",
            self.role, row.verb, row.path, thing.whose
        );
        assert_ne!(answer.status, 500, "{what}");
        self.check_secrets(row, thing, &answer, &what);
        answer
    }

    /// Nothing is said of what is not in sight, whatever was asked.
    fn check_secrets(&self, row: &Row, asked: &Thing, answer: &Answer, what: &str) {
        let said = answer.text();
        let hidden = self.things[..3].iter().flatten();
        for thing in hidden.filter(|thing| !self.role.sees(thing.whose)) {
            for secret in thing.secrets() {
                // To be asked for consent one needs to know for which project.
                let told = row.route == "/oauth/authorize" && *asked.project_name == *secret;
                assert!(
                    told || !said.contains(secret),
                    "{what} tells {secret}:\n{said}"
                );
            }
        }
    }
}

/// Opens everything that can be opened.
async fn reads(role: Role) {
    let world = World::new(role).await;
    let before = world.dump().await;
    for row in ROWS.iter().filter(|row| row.verb == Verb::Get) {
        for fragment in [false, true] {
            let mut answers = Vec::new();
            for (column, whose) in COLUMNS.into_iter().enumerate() {
                let answer = world
                    .ask(row, &world.things[column][0], fragment, Seal::Token)
                    .await;
                let expected = row.answers(role, fragment)[column];
                let path = row.path;
                assert_eq!(
                    answer.status, expected,
                    "{role:?} GET {path} {whose:?}\n{answer:?}"
                );
                answers.push(answer);
            }
            compare(role, row, &answers);
        }
        // To know which one it was, at least once.
        if role == Role::Owner {
            assert_eq!(world.dump().await, before, "GET {} has effects", row.path);
        }
    }
    assert_eq!(world.dump().await, before, "a GET has effects");
}

/// What is not in sight is answered like what is not there.
fn compare(role: Role, row: &Row, answers: &[Answer]) {
    for (column, whose) in COLUMNS.into_iter().enumerate() {
        // Consent is asked for every project that there is, and shows the client's logo.
        let asks = ["/oauth/authorize", "/logos/{name}"].contains(&row.route);
        let alike = role == Role::Nobody || !asks;
        if alike && !role.sees(whose) {
            assert_eq!(
                answers[column], answers[3],
                "{role:?} {} {whose:?}",
                row.path
            );
        }
    }
}

/// Whether someone may do what is answered so. That it cannot be done now (409) is not said
/// to those who may not.
fn may(row: &Row, status: u16) -> bool {
    status < 400 || (row.only_asks && status == 409)
}

/// Sends every form: first those that are refused, and which change nothing.
async fn changes(role: Role) {
    let mut world = World::new(role).await;
    for row in ROWS.iter().filter(|row| row.verb == Verb::Post) {
        let expected = row.answers(role, true);
        if row.ended {
            world.revoke_all().await;
        }
        let before = world.dump().await;
        refuses_unsealed(&world, row).await;
        for fragment in [false, true] {
            let mut answers = Vec::new();
            for column in (0..4).filter(|column| !may(row, expected[*column])) {
                let thing = &world.things[column][usize::from(fragment)];
                let answer = world.ask(row, thing, fragment, Seal::Token).await;
                let (path, whose) = (row.path, thing.whose);
                assert_eq!(
                    answer.status, expected[column],
                    "{role:?} POST {path} {whose:?}"
                );
                answers.push((whose, answer));
            }
            let missing = answers.iter().find(|(whose, _)| *whose == Whose::Missing);
            for (whose, answer) in &answers {
                assert_eq!(
                    answer,
                    &missing.unwrap().1,
                    "{role:?} {} {whose:?}",
                    row.path
                );
            }
        }
        assert_eq!(world.dump().await, before, "{role:?} {}", row.path);
        let mut before = before;
        for column in (0..4).filter(|column| may(row, expected[*column])) {
            for fragment in [false, true] {
                let thing = &world.things[column][usize::from(fragment)];
                let answer = world.ask(row, thing, fragment, Seal::Token).await;
                let (path, whose) = (row.path, thing.whose);
                assert_eq!(
                    answer.status,
                    row.answers(role, fragment)[column],
                    "{role:?} POST {path} {whose:?}"
                );
                let after = world.dump().await;
                if row.only_asks {
                    assert_eq!(after, before, "{path} has effects");
                } else {
                    assert!(
                        whose == Whose::Missing || after != before,
                        "{path} did nothing"
                    );
                }
                before = after;
            }
        }
        if row.ended || expected.iter().any(|status| may(row, *status)) {
            world = World::new(role).await;
        }
    }
}

/// Without the token of one's own page, or from a page elsewhere, nothing is done.
async fn refuses_unsealed(world: &World, row: &Row) {
    for seal in [Seal::NoToken, Seal::TokenOfAnother, Seal::FromElsewhere] {
        let answer = world.ask(row, &world.things[0][0], false, seal).await;
        let expected = match (world.role, row.route) {
            (Role::Nobody, _) => 401,
            (_, "/demo/persona") => 404,
            _ => 403,
        };
        assert_eq!(answer.status, expected, "{:?} {}", world.role, row.path);
    }
}

#[actix_web::test]
async fn owners_open_everything_that_there_is() {
    reads(Role::Owner).await;
}

#[actix_web::test]
async fn auditors_open_everything_but_the_questions_before_changes() {
    reads(Role::Auditor).await;
}

#[actix_web::test]
async fn administrators_open_what_is_their_own_or_in_their_projects() {
    reads(Role::Administrator).await;
}

#[actix_web::test]
async fn members_open_what_is_their_own() {
    reads(Role::Member).await;
}

#[actix_web::test]
async fn strangers_open_nothing_of_others() {
    reads(Role::Stranger).await;
}

#[actix_web::test]
async fn nobody_opens_anything() {
    reads(Role::Nobody).await;
}

#[actix_web::test]
async fn owners_change_everything_that_there_is() {
    changes(Role::Owner).await;
}

#[actix_web::test]
async fn auditors_change_only_what_is_their_own() {
    let posts = ROWS.iter().filter(|row| row.verb == Verb::Post);
    for row in posts.filter(|row| row.route != "/oauth/authorize") {
        let [_, others @ ..] = row.answers(Role::Auditor, false);
        assert!(others.iter().all(|status| *status >= 400), "{}", row.route);
    }
    changes(Role::Auditor).await;
}

#[actix_web::test]
async fn administrators_change_what_is_their_own_or_in_their_projects() {
    changes(Role::Administrator).await;
}

#[actix_web::test]
async fn members_change_what_is_their_own() {
    changes(Role::Member).await;
}

#[actix_web::test]
async fn strangers_change_nothing_of_others() {
    changes(Role::Stranger).await;
}

#[actix_web::test]
async fn nobody_changes_anything() {
    changes(Role::Nobody).await;
}

#[actix_web::test]
async fn a_page_answers_to_no_other_method_and_says_to_which() {
    let world = World::new(Role::Owner).await;
    let before = world.dump().await;
    for row in ROWS {
        let url = format!("{}{}", world.app.url, world.things[0][0].fill(row.path));
        let entries = PAGE_ROUTES.iter().filter(|entry| entry.path == row.route);
        let verbs: Vec<_> = entries.map(|entry| entry.verb).collect();
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
            if method == Method::POST && verbs.contains(&Verb::Post) {
                continue;
            }
            let request = world.app.http.request(method, &url);
            let email = world.person().email;
            let answer = request.header("x-forwarded-email", email).send().await;
            let answer = answer.unwrap();
            assert_eq!(answer.status(), 405, "{url}");
            // RFC 9110 §15.5.6
            let allow = answer.headers()["allow"].to_str().unwrap();
            let allowed: Vec<_> = allow.split(", ").collect();
            for (verb, name) in [
                (Verb::Get, "GET"),
                (Verb::Get, "HEAD"),
                (Verb::Post, "POST"),
            ] {
                let is_said = allowed.contains(&name);
                assert_eq!(is_said, verbs.contains(&verb), "{url}: {allow}");
            }
        }
    }
    assert_eq!(world.dump().await, before);
}

#[test]
fn every_page_of_the_program_is_in_this_table_and_every_row_is_a_page() {
    let program: Vec<_> = PAGE_ROUTES
        .iter()
        .map(|entry| (entry.verb, entry.path))
        .collect();
    let table: Vec<_> = ROWS.iter().map(|row| (row.verb, row.route)).collect();
    for route in &program {
        assert!(table.contains(route), "who may {route:?}? Say so in ROWS");
    }
    for route in &table {
        assert!(program.contains(route), "no such page: {route:?}");
    }
}

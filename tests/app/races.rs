//! Races between servers that share a database, and between requests for the same
//! thing. Each server has its own connections to the database, as on another machine.

use std::{
    collections::HashSet,
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{LocalBoxFuture, join_all};
use reqwest::Response;
use serde_json::Value;
use untether::{
    domain::ids::ConnectionId,
    flow::revoke,
    store::{self, Held, Tx},
};

use crate::{
    blocking::revokes_and_blocks,
    support::{Host, McpServer, Person, TestApp, Tokens, form_fields},
};

/// Three servers: the first, and two replicas of it.
async fn replicas(app: &TestApp) -> [TestApp; 2] {
    [app.replica(|_| {}).await, app.replica(|_| {}).await]
}

/// The same client, talking to another server.
fn at<'a>(host: &Host<'_>, app: &'a TestApp) -> Host<'a> {
    Host {
        app,
        client_id: host.client_id.clone(),
        client_secret: None,
        redirect_uri: host.redirect_uri.clone(),
    }
}

/// The same MCP server, asking another server.
async fn admits(app: &TestApp, server: &McpServer<'_>, token: &str) -> bool {
    let url = format!("{}/oauth/introspect", app.url);
    let request = app
        .http
        .post(url)
        .basic_auth(&server.id, Some(&server.secret));
    let answer = request.form(&[("token", token)]).send().await.unwrap();
    let said: Value = answer.json().await.unwrap();
    said["active"] == true
}

/// The pair in an answer, if it is one.
async fn pair(answer: Response) -> Option<Tokens> {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    if status != 200 {
        assert_eq!((status, &body["error"]), (400, &"invalid_grant".into()));
        return None;
    }
    Some(Tokens::of(&body))
}

/// A request, by the order in which requests were sent and answers arrived.
struct Call {
    what: &'static str,
    sent: u64,
    answered: u64,
    succeeded: bool,
}

#[derive(Default)]
struct History {
    order: AtomicU64,
    calls: Mutex<Vec<Call>>,
}

impl History {
    async fn note<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = T>,
        succeeded: impl FnOnce(&T) -> bool,
    ) -> T {
        let sent = self.order.fetch_add(1, Ordering::SeqCst);
        let answer = call.await;
        let answered = self.order.fetch_add(1, Ordering::SeqCst);
        self.calls.lock().unwrap().push(Call {
            what,
            sent,
            answered,
            succeeded: succeeded(&answer),
        });
        answer
    }

    fn has_succeeded(&self, what: &str) -> bool {
        let calls = self.calls.lock().unwrap();
        calls.iter().any(|call| call.what == what && call.succeeded)
    }

    /// How many calls of this kind were sent after the revoke had been answered.
    fn after_the_revoke(&self, what: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        let revoked = calls.iter().find(|call| call.what == "revoke");
        let Some(revoked) = revoked.map(|call| call.answered) else {
            return 0;
        };
        let after = calls.iter().filter(|call| call.what == what);
        after.filter(|call| call.sent > revoked).count()
    }
}

/// Introspects until it has done so three times after the revoke.
async fn keeps_introspecting(
    app: &TestApp,
    server: &McpServer<'_>,
    token: &str,
    history: &History,
) {
    while history.after_the_revoke("introspect") < 3 {
        let call = admits(app, server, token);
        history.note("introspect", call, |active| *active).await;
    }
}

/// Refreshes until it has done so three times after the revoke.
async fn keeps_refreshing(host: &Host<'_>, mut tokens: Tokens, history: &History) {
    while history.after_the_revoke("refresh") < 3 {
        let call = async { pair(host.refreshes(&tokens.refresh).await).await };
        let renewed = history.note("refresh", call, Option::is_some).await;
        tokens = renewed.unwrap_or(tokens);
    }
}

/// Redeems a code after so many introspections, then again until after the revoke.
async fn keeps_exchanging(
    host: &Host<'_>,
    server: &McpServer<'_>,
    code: &str,
    wait: usize,
    history: &History,
) {
    for _ in 0..wait {
        admits(host.app, server, "unknown").await;
    }
    while history.after_the_revoke("exchange") < 3 {
        let call = async { pair(host.redeems(code).await).await };
        history.note("exchange", call, Option::is_some).await;
    }
}

/// Invariant 1, read from what was really sent and answered.
#[actix_web::test]
async fn nothing_that_was_sent_after_a_revoke_was_answered_succeeds_on_any_server() {
    let first = TestApp::spawn().await;
    let others = replicas(&first).await;
    let apps = [&first, &others[0], &others[1]];
    let server = first.project("search", &[]).await;
    let host = first.host("Cursor").await;
    let hosts = apps.map(|app| at(&host, app));
    let ana = first.person("ana");
    for round in 0..4 {
        let tokens = host.connects(&ana, &server).await;
        let chains = join_all(hosts.iter().map(|host| host.refreshes(&tokens.refresh))).await;
        let chains = join_all(chains.into_iter().map(pair)).await;
        let mut codes = Vec::new();
        for _ in &hosts {
            codes.push(ana.allows(&host, &server).await);
        }
        let live = "SELECT id FROM connection WHERE revoked_at IS NULL";
        let ids = first.database.texts(live).await;
        let history = History::default();
        let olivia = Person::new(apps[round % 3], "olivia");
        let mut tasks: Vec<LocalBoxFuture<'_, ()>> = Vec::new();
        for (n, host) in hosts.iter().enumerate() {
            let chain = chains[n].clone().unwrap();
            let introspects = keeps_introspecting(host.app, &server, &tokens.access, &history);
            tasks.push(Box::pin(introspects));
            tasks.push(Box::pin(keeps_refreshing(host, chain, &history)));
            let exchanges = keeps_exchanging(host, &server, &codes[n], n * 4, &history);
            tasks.push(Box::pin(exchanges));
        }
        tasks.push(Box::pin(async {
            let query: Vec<_> = ids.iter().map(|id| format!("id={id}")).collect();
            let path = format!("/connections/revoke?{}", query.join("&"));
            let fields = form_fields(&olivia.opens(&path).await, "/connections/revoke");
            // The others are well under way by then.
            while !history.has_succeeded("introspect") || !history.has_succeeded("refresh") {
                admits(&first, &server, "unknown").await;
            }
            let call = olivia.posts("/connections/revoke", &fields);
            let answer = history.note("revoke", call, |page| page.status == 303);
            assert_eq!(answer.await.status, 303);
        }));
        join_all(tasks).await;
        check(&history.calls.into_inner().unwrap());
        first.database.check_counts().await;
    }
}

fn check(calls: &[Call]) {
    let revoked = calls.iter().find(|call| call.what == "revoke").unwrap();
    for call in calls {
        assert!(
            call.sent < revoked.answered || !call.succeeded,
            "{} succeeded, sent at {} after the revoke was answered at {}",
            call.what,
            call.sent,
            revoked.answered
        );
    }
}

#[actix_web::test]
async fn processes_that_share_a_refresh_token_all_go_on_within_the_window() {
    let first = TestApp::spawn().await;
    let others = replicas(&first).await;
    let server = first.project("search", &[]).await;
    let host = first.host("Cursor").await;
    let hosts = [&first, &others[0], &others[1]].map(|app| at(&host, app));
    let tokens = host.connects(&first.person("ana"), &server).await;
    let everywhere = || (0..9).map(|n| hosts[n % 3].refreshes(&tokens.refresh));
    let mut pairs = Vec::new();
    for answer in join_all(everywhere()).await {
        pairs.push(pair(answer).await.expect("a pair of its own"));
    }
    first.advance(Duration::from_secs(120));
    pairs.push(
        pair(hosts[1].refreshes(&tokens.refresh).await)
            .await
            .unwrap(),
    );
    let different: HashSet<_> = pairs.iter().map(|pair| &pair.refresh).collect();
    assert_eq!(different.len(), 10);
    for (n, pair) in pairs.iter().enumerate() {
        assert!(admits(hosts[n % 3].app, &server, &pair.access).await);
        hosts[(n + 1) % 3].renews(pair).await;
    }

    // One process wakes up after the window: nobody can tell it from a thief.
    first.advance(Duration::from_millis(1));
    for answer in join_all(everywhere()).await {
        assert!(pair(answer).await.is_none());
    }
    for pair in &pairs {
        assert!(!admits(&first, &server, &pair.access).await);
    }
    let reasons = "SELECT actor || ': ' || reason FROM audit_event
                   WHERE action = 'connection.revoked'";
    assert_eq!(
        first.database.texts(reasons).await,
        ["Untether: The client used an old refresh token again."]
    );
}

#[actix_web::test]
async fn a_code_that_several_servers_get_at_once_gives_one_pair_that_ends() {
    let first = TestApp::spawn().await;
    let others = replicas(&first).await;
    let server = first.project("search", &[]).await;
    let host = first.host("Cursor").await;
    let hosts = [&first, &others[0], &others[1]].map(|app| at(&host, app));
    let ana = first.person("ana");
    for _ in 0..4 {
        let code = ana.allows(&host, &server).await;
        let answers = join_all((0..6).map(|n| hosts[n % 3].redeems(&code))).await;
        let pairs: Vec<_> = join_all(answers.into_iter().map(pair)).await;
        let pairs: Vec<_> = pairs.into_iter().flatten().collect();
        assert_eq!(pairs.len(), 1);
        assert!(!admits(&others[1], &server, &pairs[0].access).await);
        assert!(
            pair(hosts[1].refreshes(&pairs[0].refresh).await)
                .await
                .is_none()
        );
    }
}

#[actix_web::test]
async fn two_administrators_who_revoke_the_same_at_once_do_it_once() {
    let first = TestApp::spawn().await;
    let [second, third] = replicas(&first).await;
    let server = first.project("search", &["adam@acme.example"]).await;
    let host = first.host("Cursor").await;
    let ana = first.person("ana");
    let mut tokens = Vec::new();
    for _ in 0..12 {
        tokens.push(host.connects(&ana, &server).await);
    }
    let ids = first
        .database
        .texts("SELECT id FROM connection ORDER BY id")
        .await;
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let backwards: Vec<_> = ids.iter().rev().copied().collect();
    let (olivia, adam) = (Person::new(&second, "olivia"), Person::new(&third, "adam"));
    let (one, other) = tokio::join!(olivia.revokes(&ids, ""), adam.revokes(&backwards, ""));
    assert_eq!((one.status, other.status), (303, 303));
    for pair in &tokens {
        assert!(!server.admits(&pair.access).await);
    }
    let events = "SELECT connection_id FROM audit_event WHERE action = 'connection.revoked'
                  ORDER BY connection_id";
    assert_eq!(first.database.texts(events).await, ids);
    let actors = "SELECT DISTINCT actor FROM audit_event WHERE action = 'connection.revoked'";
    assert_eq!(first.database.texts(actors).await.len(), 1, "all or none");
    first.database.check_counts().await;
}

/// Until another transaction waits for this one; on SQLite it then waits already.
pub async fn is_waited_for(app: &TestApp, tx: &mut Tx) {
    let Tx::Postgres(Held::Transaction(held)) = tx else {
        return;
    };
    let own = sqlx::query_scalar("SELECT pg_backend_pid()");
    let own: i32 = own.fetch_one(&mut **held).await.unwrap();
    let waiting = format!(
        "SELECT CAST(pid AS TEXT) FROM pg_stat_activity WHERE {own} = ANY(pg_blocking_pids(pid))"
    );
    while app.database.texts(&waiting).await.is_empty() {}
}

#[actix_web::test]
async fn what_is_revoked_while_its_person_connects_anew_stays_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let expired = ConnectionId::parse(&ana.newest_connection().await).unwrap();
    app.advance(Duration::from_secs(31 * 86_400));
    let asked = ana.is_asked(&host, &server).await;
    let mut tx = app.app.db.write().await.unwrap();
    revoke::one(&mut tx, &app.context(), &expired, None)
        .await
        .unwrap();
    let (location, ()) = tokio::join!(ana.answers(&asked, "allow", &[]), async {
        is_waited_for(&app, &mut tx).await;
        tx.commit().await.unwrap();
    });
    assert!(location.contains("code="), "{location}");
    let all = "SELECT id FROM connection WHERE revoked_at IS NOT NULL";
    assert_eq!(app.database.texts(all).await, [expired.as_str()]);
    let recorded = "SELECT id FROM connection_revocation";
    assert_eq!(app.database.texts(recorded).await, [expired.as_str()]);
    app.database.check_counts().await;
}

#[actix_web::test]
async fn a_connection_that_its_client_ends_while_a_block_ends_it_too_waits_for_nobody() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let covered = ConnectionId::parse(&ana.newest_connection().await).unwrap();
    app.advance(Duration::from_secs(60));
    host.connects(&ana, &server).await;
    let chosen = ana.newest_connection().await;
    let olivia = app.owner();
    let mut tx = app.app.db.write().await.unwrap();
    store::connection::hold(&mut tx, &covered).await.unwrap();
    let (blocked, ()) = tokio::join!(revokes_and_blocks(&olivia, &chosen), async {
        is_waited_for(&app, &mut tx).await;
        let context = app.context();
        let ended = revoke::one(&mut tx, &context, &covered, None).await;
        ended.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!(blocked.status, 303, "{}", blocked.text);
    let ended = "SELECT id FROM connection WHERE revoked_at IS NOT NULL";
    assert_eq!(app.database.texts(ended).await.len(), 2);
    let events = "SELECT id FROM audit_event WHERE action = 'connection.revoked'";
    assert_eq!(app.database.texts(events).await.len(), 2, "each once");
    app.database.check_counts().await;
}

//! Revoking everything that matches a filter: a preview with the exact count, which
//! must be typed, and the act on exactly what the preview counted.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};

use crate::{
    clock::Timestamp,
    domain::{audit::Actor, fingerprint::Fingerprint, ids::ActId, role::Principal},
    flow::revoke_matching::{self, Confirmed, Matching},
    store::bulk_act,
    web::{
        form::Protected,
        html,
        params::Params,
        problem::Problem,
        session::{Flash, keep_flash},
        state::App,
    },
};

use super::{
    acts, frame, number,
    revoke::{reason, see_other, typed_reason},
};

mod preview;

use preview::Asked;

/// Up to so many are ended before the answer; more with a page that shows progress.
const AT_ONCE: u64 = 1000;

/// `GET /connections/revoke-matching`: the preview.
///
/// # Errors
/// A page, when the query makes no sense or this person can revoke nothing at all.
pub async fn ask(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let asked = Asked::parse(&principal, &req)?;
    let preview = asked.preview(&app, now).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    let page = preview.page(frame, app.secrets.new_id(now));
    Ok(html::page(&req, StatusCode::OK, frame::render(&page)?))
}

/// `POST /connections/revoke-matching`: acts on what the preview counted, or shows what
/// matches now.
///
/// # Errors
/// A page, when the form makes no sense or this person can revoke nothing at all.
pub async fn act(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let asked = Asked::parse(&principal, &req)?;
    let typed = Typed::parse(&params)?;
    if was_begun(&app, &principal, &typed.act).await? {
        return Ok(see_other(&acts::path(&typed.act)));
    }
    let (status, note) = match typed.check() {
        Err(note) => (StatusCode::BAD_REQUEST, note),
        Ok(reason) => {
            let matching = asked.matching(&app, typed.at).await?;
            if matching.fingerprint.to_string() == typed.set {
                begin(&app, &principal, &req, (&asked, &typed, reason), &matching).await?;
                let few = matching.fingerprint.count() <= AT_ONCE;
                return carry_out(app, session, &asked, typed.act, few).await;
            }
            // The same form, sent twice: the first has changed what matches by now.
            if was_begun(&app, &principal, &typed.act).await? {
                return Ok(see_other(&acts::path(&typed.act)));
            }
            (StatusCode::CONFLICT, typed.changed(&matching.fingerprint))
        }
    };
    let preview = asked.preview(&app, now).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    let mut page = preview.page(frame, app.secrets.new_id(now));
    page.reason = typed.reason;
    page.note = Some(note);
    if status == StatusCode::BAD_REQUEST {
        // Another set must be counted anew.
        page.typed = typed.count;
    }
    Ok(html::page(&req, status, frame::render(&page)?))
}

/// Keeps what was confirmed, so that it can be carried out.
async fn begin(
    app: &App,
    principal: &Principal,
    req: &HttpRequest,
    (asked, typed, reason): (&Asked, &Typed, Option<String>),
    matching: &Matching,
) -> Result<(), Problem> {
    let now = app.clock.now();
    let confirmed = Confirmed {
        act: typed.act.clone(),
        subject: principal.identity.subject.clone(),
        filter: asked.words(app, now).await?,
        reason,
    };
    let actor = Actor::Person(principal.identity.email.clone());
    let context = app.context(now, actor, req);
    let mut tx = app.db.write().await?;
    revoke_matching::begin(&mut tx, &context, confirmed, matching).await?;
    Ok(tx.commit().await?)
}

/// Ends what was confirmed, whether or not the browser waits: a few before the answer.
async fn carry_out(
    app: Data<App>,
    session: Session,
    asked: &Asked,
    id: ActId,
    few: bool,
) -> Result<HttpResponse, Problem> {
    let task = actix_web::rt::spawn(acts::run(app.clone(), id.clone()));
    if !few || task.await.is_err() {
        return Ok(see_other(&acts::path(&id)));
    }
    let mut tx = app.db.read().await?;
    let act = bulk_act::find(&mut tx, &id).await?;
    match act.filter(|act| act.finished_at.is_some()) {
        None => Ok(see_other(&acts::path(&id))),
        Some(act) => {
            keep_flash(&session, Flash::Done(acts::outcome(&act)));
            Ok(see_other(&asked.list()))
        }
    }
}

/// Whether this person has confirmed this act before. Another's is not there.
async fn was_begun(app: &App, principal: &Principal, id: &ActId) -> Result<bool, Problem> {
    let mut tx = app.db.read().await?;
    match bulk_act::find(&mut tx, id).await? {
        None => Ok(false),
        Some(act) if act.subject == principal.identity.subject => Ok(true),
        Some(_) => Err(Problem::not_found()),
    }
}

/// What the form carries.
struct Typed {
    act: ActId,
    /// When the preview was made.
    at: Timestamp,
    /// The fingerprint of what it counted.
    set: String,
    count: String,
    reason: String,
}

impl Typed {
    fn parse(params: &Params) -> Result<Self, Problem> {
        let unusable = || {
            Problem::bad_request("The form does not say what it confirms. Nothing was revoked.")
                .with_link("All connections", "/connections")
        };
        let one = |name| params.one(name).ok().flatten();
        let at = one("at").and_then(|text| text.parse().ok());
        Ok(Self {
            act: one("act").and_then(ActId::parse).ok_or_else(unusable)?,
            at: at.map(Timestamp::from_millis).ok_or_else(unusable)?,
            set: one("set").ok_or_else(unusable)?.to_owned(),
            count: one("count").unwrap_or_default().to_owned(),
            reason: typed_reason(params)?,
        })
    }

    /// The reason, if it and the count are as they must be.
    fn check(&self) -> Result<Option<String>, String> {
        let reason = reason(&self.reason)?;
        let (count, _) = self.set.split_once('-').unwrap_or_default();
        // People may set thousands apart as the page does.
        let typed = self.count.replace([',', ' ', '\u{a0}'], "");
        if typed == count {
            return Ok(reason);
        }
        Err(
            "The number that you typed is not the number of connections. Nothing was revoked."
                .to_owned(),
        )
    }

    fn changed(&self, found: &Fingerprint) -> String {
        let (counted, _) = self.set.split_once('-').unwrap_or_default();
        let change = match counted.parse::<u64>() {
            Ok(counted) if counted == found.count() => {
                "as many as before, but not the same ones".to_owned()
            }
            Ok(counted) => format!(
                "{} now, {} before",
                number::connections(found.count()),
                number::grouped(counted)
            ),
            Err(_) => number::connections(found.count()),
        };
        format!(
            "What matches has changed since you looked: {change}. Nothing was revoked. Look \
             again, and confirm."
        )
    }
}

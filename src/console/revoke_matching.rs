//! Revoking everything that matches a filter: a preview with the exact count, which
//! must be typed, and the act on exactly what the preview counted.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode};

use crate::{
    clock::Timestamp,
    domain::{fingerprint::Fingerprint, ids::ActId},
    flow::revoke_matching::{self, Confirmed, Matching},
    store::bulk_act,
    web::{form::Protected, params::Params, problem::Problem, session::Flash},
};

use super::{
    acts, number,
    revoke::{reason, see_other, typed_reason},
    visit::Visit,
};

mod preview;

use preview::{Asked, Faults};

/// The address of the preview.
pub const PATH: &str = "/connections/revoke-matching";

/// Up to so many are ended before the answer; more with a page that shows progress.
const AT_ONCE: u64 = 1000;

/// For how long what a preview counted can be confirmed.
const FRESH: Duration = Duration::from_secs(3600);

/// By how much the clocks of two servers may differ.
const SKEW: Duration = Duration::from_secs(60);

/// `GET /connections/revoke-matching`: the preview.
///
/// # Errors
/// A page, when the query makes no sense or this person can revoke nothing at all.
pub async fn ask(visit: Visit) -> Result<HttpResponse, Problem> {
    let asked = Asked::parse(&visit.principal, &visit.req)?;
    let preview = asked.preview(&visit.app, visit.now).await?;
    visit.page(StatusCode::OK, &preview.page(&visit))
}

/// `POST /connections/revoke-matching`: acts on what the preview counted, or shows what
/// matches now.
///
/// # Errors
/// A page, when the form makes no sense or this person can revoke nothing at all.
pub async fn act(visit: Visit, form: Protected) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let asked = Asked::parse(&visit.principal, &visit.req)?;
    let typed = Typed::parse(&params)?;
    if was_begun(&visit, &typed.act).await? {
        return Ok(see_other(&acts::path(&typed.act)));
    }
    let note = match typed.check() {
        Err(faults) => {
            let mut page = asked.preview(&visit.app, visit.now).await?.page(&visit);
            page.reason = typed.reason;
            page.typed = typed.count;
            page.faults = faults;
            return visit.page(StatusCode::BAD_REQUEST, &page);
        }
        Ok(_) if !typed.is_fresh(visit.now) => STALE.to_owned(),
        Ok(reason) => {
            let matching = asked.matching(&visit.app, typed.at).await?;
            let count = matching.fingerprint.count();
            if count > 0 && matching.fingerprint.to_string() == typed.set {
                begin(&visit, (&asked, &typed, reason), &matching).await?;
                return carry_out(&visit, &asked, typed.act, count <= AT_ONCE).await;
            }
            // The same form, sent twice: the first has changed what matches by now.
            if was_begun(&visit, &typed.act).await? {
                return Ok(see_other(&acts::path(&typed.act)));
            }
            typed.changed(&matching.fingerprint)
        }
    };
    // Another set must be counted anew.
    let mut page = asked.preview(&visit.app, visit.now).await?.page(&visit);
    page.reason = typed.reason;
    page.note = Some(note);
    visit.page(StatusCode::CONFLICT, &page)
}

/// Keeps what was confirmed, so that it can be carried out.
async fn begin(
    visit: &Visit,
    (asked, typed, reason): (&Asked, &Typed, Option<String>),
    matching: &Matching,
) -> Result<(), Problem> {
    let confirmed = Confirmed {
        act: typed.act.clone(),
        subject: visit.principal.identity.subject.clone(),
        filter: asked.words(&visit.app, visit.now).await?,
        reason,
    };
    let mut tx = visit.app.db.write().await?;
    revoke_matching::begin(&mut tx, &visit.context(), confirmed, matching).await?;
    Ok(tx.commit().await?)
}

/// Ends what was confirmed, whether or not the browser waits: a few before the answer.
async fn carry_out(
    visit: &Visit,
    asked: &Asked,
    id: ActId,
    few: bool,
) -> Result<HttpResponse, Problem> {
    let task = actix_web::rt::spawn(acts::run(visit.app.clone(), id.clone()));
    if !few || task.await.is_err() {
        return Ok(see_other(&acts::path(&id)));
    }
    let mut tx = visit.app.db.read().await?;
    let act = bulk_act::find(&mut tx, &id).await?;
    Ok(match act.filter(|act| act.finished_at.is_some()) {
        None => see_other(&acts::path(&id)),
        Some(act) => visit.go_on(&asked.back(), Flash::Done(acts::outcome(&act))),
    })
}

/// Whether this person has confirmed this act before. Another's is not there.
async fn was_begun(visit: &Visit, id: &ActId) -> Result<bool, Problem> {
    let mut tx = visit.app.db.read().await?;
    match bulk_act::find(&mut tx, id).await? {
        None => Ok(false),
        Some(act) if act.subject == visit.principal.identity.subject => Ok(true),
        Some(_) => Err(Problem::not_found()),
    }
}

const STALE: &str = "What you confirm must have been looked at within an hour. Nothing was revoked. Look again, and \
     confirm.";

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

    /// Whether the preview is of now: statuses are those of its moment, and one of another time
    /// would end what nobody means by them.
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.minus(FRESH) <= self.at && self.at <= now.plus(SKEW)
    }

    /// The reason, if it and the count are as they must be.
    fn check(&self) -> Result<Option<String>, Faults> {
        let reason = reason(&self.reason).map_err(|fault| Faults {
            reason: Some(fault),
            count: None,
        })?;
        let (count, _) = self.set.split_once('-').unwrap_or_default();
        // People may set thousands apart as the page does.
        let typed = self.count.replace([',', ' ', '\u{a0}'], "");
        if typed == count {
            return Ok(reason);
        }
        Err(Faults {
            reason: None,
            count: Some(
                "The number that you typed is not the number of connections. Nothing was revoked."
                    .to_owned(),
            ),
        })
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

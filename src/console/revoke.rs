//! Revoking connections: the question, and the act.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};

use crate::{
    clock::Timestamp,
    domain::ids::ConnectionId,
    flow::{
        block,
        revoke::{self, REASON_LIMIT, tidy_reason},
    },
    store::connection_list::{self, Listed},
    web::{
        form::Protected,
        html,
        params::{Params, encode},
        problem::Problem,
        session::Flash,
    },
};

use super::{
    back::{came_from, local_path},
    connections::after_act,
    moment, number, revoke_matching,
    view::{BlockChoice, RevokePage, RevokeTarget, below_name},
    visit::Visit,
};

/// `GET /connections/revoke`: asks. A hundred ids make an address of 4 KB, half of
/// what proxies take.
///
/// # Errors
/// A page, when no target is there for this person to revoke.
pub async fn ask(visit: Visit) -> Result<HttpResponse, Problem> {
    let params = Params::parse(visit.req.query_string().as_bytes());
    let asked = Asked::parse(&params, &visit.req)?;
    let listed = asked.listed(&visit).await?;
    let missing = asked.ids.len() - listed.rows.len();
    let note = (missing > 0).then(|| format!("{} Here are the others.", words::gone(missing)));
    asked.show(&visit, StatusCode::OK, listed, note)
}

/// `POST /connections/revoke`: acts on exactly what was asked about.
///
/// # Errors
/// A page, when no target is there for this person to revoke.
pub async fn act(visit: Visit, form: Protected) -> Result<HttpResponse, Problem> {
    let asked = Asked::parse(&visit.fields(form)?, &visit.req)?;
    let problem = match reason(&asked.reason) {
        Ok(reason) => {
            if let Some(said) = asked.end(&visit, reason.as_deref()).await? {
                visit.keep_flash(said);
                let list = after_act(&visit, &asked.back).await;
                return Ok(list.unwrap_or_else(|| see_other(&asked.back)));
            }
            None
        }
        Err(too_long) => Some(too_long),
    };
    let listed = asked.listed(&visit).await?;
    let (status, note) = match problem {
        Some(text) => (StatusCode::BAD_REQUEST, text),
        None => {
            let gone = words::gone(asked.ids.len() - listed.rows.len());
            let text = format!("{gone} Nothing was revoked. Look again, and confirm.");
            (StatusCode::CONFLICT, text)
        }
    };
    asked.show(&visit, status, listed, Some(note))
}

/// What the person chose and typed.
struct Asked {
    ids: Vec<ConnectionId>,
    reason: String,
    /// Whether the clients are to be blocked for these people too.
    blocks: bool,
    back: String,
}

/// The connections that were chosen.
struct Chosen {
    rows: Vec<Listed>,
    /// The others that end if their clients are blocked, and how many these are, where that is
    /// this person's to do: everything at the projects is theirs to change.
    blockable: Option<(Vec<Listed>, usize)>,
}

impl Asked {
    fn parse(params: &Params, req: &HttpRequest) -> Result<Self, Problem> {
        let back = params.one("back").ok().flatten();
        let back = local_path(back.or(came_from(req).as_deref()));
        let mut ids: Vec<_> = params
            .all("id")
            .into_iter()
            .map(|id| ConnectionId::parse(id).ok_or_else(Problem::not_found))
            .collect::<Result<_, _>>()?;
        ids.sort();
        ids.dedup();
        match ids.len() {
            0 => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "Nothing is chosen",
                "Choose at least one connection to revoke.",
            )
            .with_link("Back to the connections", back)),
            count if count > revoke::LIMIT => Err(Problem::bad_request(format!(
                "{count} connections were chosen, and at most {} can be revoked at once.",
                revoke::LIMIT
            ))
            .with_link("Back to the connections", back.clone())
            .with_link("Revoke everything that matches", matching_of(&back))),
            _ => Ok(Self {
                ids,
                reason: typed_reason(params)?,
                blocks: params.one("block").ok().flatten() == Some("1"),
                back,
            }),
        }
    }

    /// Ends the connections, and says so; `None` when one of them is not there to be ended.
    async fn end(&self, visit: &Visit, reason: Option<&str>) -> Result<Option<Flash>, Problem> {
        let (context, now) = (&visit.context(), visit.now);
        let reach = &visit.principal.changes();
        let mut tx = visit.app.db.write().await?;
        let (count, said) = if self.blocks {
            let done = block::with_connections(&mut tx, context, reach, &self.ids, reason).await?;
            let Some(done) = done else { return Ok(None) };
            let count = done.revoked.now.len() + done.ended;
            let said = words::revoked_and_blocked(&done, now);
            let flash = match words::page_of_one(&done.revoked) {
                Some(link) => Flash::DoneAt(said, link),
                None => Flash::Done(said),
            };
            (count, flash)
        } else {
            let done = revoke::connections(&mut tx, context, reach, &self.ids, reason).await?;
            let Some(done) = done else { return Ok(None) };
            (done.now.len(), Flash::Done(words::revoked(&done, now)))
        };
        tx.commit().await?;
        tracing::info!(count, "revoked connections");
        Ok(Some(said))
    }

    /// The connections as they are now; a page when there are none.
    async fn listed(&self, visit: &Visit) -> Result<Chosen, Problem> {
        let reach = visit.principal.changes();
        let mut tx = visit.app.db.snapshot().await?;
        let rows = connection_list::by_ids(&mut tx, &reach, &self.ids).await?;
        if rows.is_empty() {
            return Err(Problem::not_found());
        }
        let governed = rows.iter().all(|row| reach.covers_project(&row.project));
        let blockable = match governed {
            true => {
                let ids = block::besides(&mut tx, &reach, &rows).await?;
                let named = &ids[..ids.len().min(revoke::LIMIT)];
                let named = connection_list::by_ids(&mut tx, &reach, named).await?;
                Some((named, ids.len()))
            }
            false => None,
        };
        Ok(Chosen { rows, blockable })
    }

    fn show(
        self,
        visit: &Visit,
        status: StatusCode,
        Chosen { rows, blockable }: Chosen,
        note: Option<String>,
    ) -> Result<HttpResponse, Problem> {
        let rest = rows.iter().filter(|row| row.life.revoked.is_none());
        let rest: Vec<_> = rest.collect();
        let is_over = rest.is_empty();
        // What has been revoked can still be kept from coming back: a block is for all of them.
        let block = blockable.map(|(named, count)| BlockChoice {
            label: words::block_label(&rows.iter().collect::<Vec<_>>(), is_over),
            also: words::besides(count, rows.len()),
            unnamed: count - named.len(),
            besides: named
                .into_iter()
                .map(|row| words::besides_name(&row))
                .collect(),
        });
        let page = RevokePage {
            frame: visit.frame(),
            title: match rest.len() {
                0 => "Nothing is left to revoke".to_owned(),
                count => format!("Revoke {}?", number::connections(count as i64)),
            },
            is_done: is_over && block.is_none(),
            blocks_alone: is_over,
            sentence: match is_over {
                true => words::REVOKED.to_owned(),
                false => words::consequence(&rest, &visit.principal, block.is_some()),
            },
            targets: rows.iter().map(|row| target(row, visit.now)).collect(),
            block,
            blocks: self.blocks,
            reason: self.reason,
            back: self.back,
            note,
        };
        if !html::is_fragment(&visit.req) {
            return visit.page(status, &page);
        }
        let mut answer = visit.page(status, &page.as_dialog())?;
        if status != StatusCode::OK {
            // The form swaps the list; what is said here belongs into the dialog.
            for (name, value) in [("hx-retarget", "#dialog"), ("hx-push-url", "false")] {
                answer.headers_mut().insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
        }
        Ok(answer)
    }
}

/// Sends the browser on to a path of this site.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .finish()
}

/// What was typed as a reason.
///
/// # Errors
/// A page, when it is given more than once.
pub fn typed_reason(params: &Params) -> Result<String, Problem> {
    let text = params
        .one("reason")
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    // Browsers count a line's end as one character and send two.
    Ok(text.unwrap_or_default().replace("\r\n", "\n"))
}

/// The reason as it is kept; `None` when there is none.
///
/// # Errors
/// A sentence, when it is too long.
pub fn reason(typed: &str) -> Result<Option<String>, String> {
    let reason = typed.trim();
    let length = reason.chars().count();
    if length > REASON_LIMIT {
        return Err(format!(
            "The reason has {length} characters, and at most {REASON_LIMIT} fit. Nothing was \
             changed. Shorten it, and confirm again."
        ));
    }
    Ok(tidy_reason(reason))
}

/// Where everything that a list shows can be revoked.
fn matching_of(list: &str) -> String {
    let query = list.strip_prefix("/connections?").unwrap_or_default();
    let params = Params::parse(query.as_bytes());
    // Which group is ticked is no condition.
    let pairs = params.pairs().filter(|(name, _)| *name != "select");
    match encode(pairs) {
        query if query.is_empty() => revoke_matching::PATH.to_owned(),
        query => format!("{}?{query}", revoke_matching::PATH),
    }
}

/// A row of the table of connections to revoke.
pub fn target(row: &Listed, now: Timestamp) -> RevokeTarget {
    RevokeTarget {
        id: row.id.to_string(),
        name: row.name.clone(),
        client: row.client_name.clone(),
        project: row.project_name.clone(),
        person_name: row.person_name.clone(),
        person_note: below_name(&row.person_name, &row.person_email),
        last_used: row
            .connected_at
            .map(|_| moment::when(row.life.last_used_at, now)),
        revoked: row.life.revoked.as_ref().map(|revocation| {
            let when = moment::when(revocation.at, now);
            (when, revocation.by.clone())
        }),
    }
}

mod words;

#[cfg(test)]
mod tests;

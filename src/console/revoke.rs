//! Revoking connections: the question, and the act.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    clock::Timestamp,
    domain::{audit::Actor, ids::ConnectionId, role::Principal},
    flow::revoke::{self, Revoked},
    store::connection_list::{self, Listed},
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
    frame, moment,
    view::{RevokePage, RevokeTarget},
};

/// The longest reason, in characters.
const REASON_LIMIT: usize = 500;

/// `GET /connections/revoke`: asks.
///
/// # Errors
/// A page, when a target is not there for this person to revoke.
pub async fn ask(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = Params::parse(req.query_string().as_bytes());
    let ids = targets(&params)?;
    let mut tx = app.db.read().await?;
    let listed = connection_list::by_ids(&mut tx, &principal.changes(), &ids).await?;
    if listed.len() != ids.len() {
        return Err(Problem::not_found());
    }
    let page = RevokePage {
        frame: frame::build(&app, &principal, &session, &req, now),
        title: question(&listed),
        sentence: consequence(&listed),
        targets: listed.iter().map(|row| target(row, now)).collect(),
        reason: String::new(),
        back: local_path(params.one("back").ok().flatten()),
        note: None,
    };
    let body = if html::is_fragment(&req) {
        frame::render(&page.as_dialog())?
    } else {
        frame::render(&page)?
    };
    Ok(html::page(&req, StatusCode::OK, body))
}

/// `POST /connections/revoke`: acts on exactly what was asked about.
///
/// # Errors
/// A page, when a target is not there for this person to revoke.
pub async fn act(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let ids = targets(&params)?;
    let reason = reason(&params)?;
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let mut tx = app.db.write().await?;
    let revoked = revoke::connections(
        &mut tx,
        &context,
        &principal.changes(),
        &ids,
        reason.as_deref(),
    )
    .await?
    .ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    tracing::info!(count = revoked.now.len(), "revoked connections");
    keep_flash(&session, Flash::Done(sentence(&revoked)));
    let back = local_path(params.one("back").ok().flatten());
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, back))
        .finish())
}

fn targets(params: &Params) -> Result<Vec<ConnectionId>, Problem> {
    let mut ids: Vec<_> = params
        .all("id")
        .into_iter()
        .map(|id| ConnectionId::parse(id).ok_or_else(Problem::not_found))
        .collect::<Result<_, _>>()?;
    ids.sort();
    ids.dedup();
    match ids.len() {
        0 => Err(
            Problem::bad_request("Choose at least one connection to revoke.")
                .with_link("All connections", "/connections"),
        ),
        count if count > revoke::LIMIT => Err(Problem::bad_request(format!(
            "{count} connections were chosen, and at most {} can be revoked at once.",
            revoke::LIMIT
        ))),
        _ => Ok(ids),
    }
}

fn reason(params: &Params) -> Result<Option<String>, Problem> {
    let text = params
        .one("reason")
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    // Browsers count a line's end as one character and send two.
    let text = text.map(|text| text.replace("\r\n", "\n"));
    let reason = text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    if reason.is_some_and(|text| text.chars().count() > REASON_LIMIT) {
        return Err(Problem::bad_request(format!(
            "The reason is longer than {REASON_LIMIT} characters. Nothing was revoked."
        ))
        .with_advice("Go back and shorten it: what you typed is still there."));
    }
    Ok(reason.map(str::to_owned))
}

/// A path on this site to go back to; the list when `asked` is anything else.
pub fn local_path(asked: Option<&str>) -> String {
    let local = asked.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    });
    local.unwrap_or("/connections").to_owned()
}

fn question(listed: &[Listed]) -> String {
    match listed.len() {
        1 => "Revoke 1 connection?".to_owned(),
        count => format!("Revoke {count} connections?"),
    }
}

fn consequence(listed: &[Listed]) -> String {
    match listed {
        [only] => format!(
            "Only this connection is removed, at once. {} stays registered, and {} can connect \
             it again.",
            only.client_name, only.person_name
        ),
        _ => "Only these connections are removed, at once. Their clients stay registered, and \
              people can connect them again."
            .to_owned(),
    }
}

fn sentence(revoked: &Revoked) -> String {
    let stays = |rows: &[Listed]| {
        let first = rows
            .first()
            .map(|row| (&row.client, row.client_name.as_str()));
        match first {
            Some((client, name)) if rows.iter().all(|row| row.client == *client) => {
                format!("{name} stays registered.")
            }
            _ => "Their clients stay registered.".to_owned(),
        }
    };
    let before = match revoked.before.len() {
        0 => String::new(),
        1 => " 1 had been revoked before.".to_owned(),
        count => format!(" {count} had been revoked before."),
    };
    match revoked.now.as_slice() {
        [] if revoked.before.len() == 1 => "This connection had been revoked before.".to_owned(),
        [] => "These connections had been revoked before.".to_owned(),
        [only] => format!("Revoked {}. {}{before}", only.name, stays(&revoked.now)),
        rows => format!(
            "Revoked {} connections. {}{before}",
            rows.len(),
            stays(rows)
        ),
    }
}

fn target(row: &Listed, now: Timestamp) -> RevokeTarget {
    RevokeTarget {
        id: row.id.to_string(),
        name: row.name.clone(),
        client: row.client_name.clone(),
        project: row.project_name.clone(),
        person_name: row.person_name.clone(),
        person_email: row.person_email.clone(),
        last_used: row
            .connected_at
            .map(|_| moment::when(row.life.last_used_at, now)),
        note: row.life.revoked.as_ref().map(|revocation| {
            format!(
                "already revoked {} by {}",
                moment::text(revocation.at, now),
                revocation.by
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        assert_eq!(
            local_path(Some("/connections?per=25")),
            "/connections?per=25"
        );
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a b",
            "/a\r\nb",
        ] {
            assert_eq!(local_path(Some(foreign)), "/connections", "{foreign:?}");
        }
        assert_eq!(local_path(None), "/connections");
    }
}

//! Who is there: the SSO proxy's word, believed when it comes from the SSO proxy, when it
//! is signed, or when it is both.

use std::{collections::HashSet, future::Future, net::IpAddr, pin::Pin};

use actix_session::SessionExt;
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName},
    },
    web::Data,
};

use crate::{
    clock::Timestamp,
    config::{ProxySettings, Settings},
    domain::{
        audit::Actor,
        ids::PersonId,
        role::{
            Identity, OrganizationRole, Principal, PrincipalName, fold_email, shown_name, trim,
        },
    },
    flow::{self, Context},
    store::{self, Tx, person::Person},
};

use super::{
    assertion::{Assertions, Refused},
    problem::Problem,
    session,
    state::App,
};

/// The header in which the proxy proves itself when a secret is configured.
pub const PROXY_SECRET_HEADER: HeaderName = HeaderName::from_static("x-untether-proxy-secret");

/// Where identities come from.
#[derive(Debug)]
pub enum IdentitySource {
    /// Headers that the SSO proxy sets.
    Proxy(ProxySettings),
    /// A signed header; when a proxy is given, only from that one.
    Signed(Box<Assertions>, Option<ProxySettings>),
    /// The demo's personas, the first unless the browser chose another.
    Demo(Vec<Persona>),
}

/// Someone to look as in the demo.
#[derive(Clone, Debug)]
pub struct Persona {
    /// What the switcher sends.
    pub key: &'static str,
    /// What the switcher shows.
    pub label: &'static str,
    /// Who it is.
    pub identity: Identity,
}

impl IdentitySource {
    /// What the settings say; `None` when they leave no way to know who is there.
    pub fn of(settings: &Settings) -> Option<Self> {
        let proxy = settings.proxy.clone();
        match settings.assertion.clone() {
            Some(assertion) => {
                let assertions = Assertions::new(assertion, settings.certificates.clone());
                Some(Self::Signed(Box::new(assertions), proxy))
            }
            None => proxy.map(Self::Proxy),
        }
    }

    /// Whether this peer is the SSO proxy.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        match self {
            Self::Proxy(settings) | Self::Signed(_, Some(settings)) => {
                settings.trusted.iter().any(|range| range.contains(&peer))
            }
            Self::Signed(_, None) | Self::Demo(_) => false,
        }
    }

    /// Reads again what may have changed elsewhere: the keys of signed identities.
    pub async fn refresh(&self, now: Timestamp) {
        if let Self::Signed(assertions, _) = self {
            assertions.refresh(now).await;
        }
    }

    async fn identify(&self, req: &HttpRequest, now: Timestamp) -> Result<Identity, Rejected> {
        match self {
            Self::Proxy(settings) => {
                self.check_peer(req)?;
                from_headers(req.headers(), settings)
            }
            Self::Signed(assertions, proxy) => {
                if let Some(settings) = proxy {
                    self.check_peer(req)?;
                    check_sender(req.headers(), settings)?;
                }
                let header = &assertions.settings().header;
                refuse_look_alikes(req.headers(), &[header])?;
                let sent = required(req.headers(), header)?;
                // So it comes when the header is Authorization (RFC 6750 §2.1).
                let token = match sent.split_once(' ') {
                    Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
                    _ => &sent,
                };
                let identity = assertions.identify(token, now).await?;
                match proxy {
                    Some(settings) => confirm(identity, req.headers(), settings),
                    None => Ok(identity),
                }
            }
            Self::Demo(personas) => {
                let chosen = session::persona(&req.get_session());
                let chosen = personas
                    .iter()
                    .find(|persona| Some(persona.key) == chosen.as_deref());
                let persona = chosen
                    .or(personas.first())
                    .ok_or(Rejected::Missing("persona".into()))?;
                Ok(persona.identity.clone())
            }
        }
    }

    fn check_peer(&self, req: &HttpRequest) -> Result<(), Rejected> {
        let peer = req.peer_addr().map(|peer| peer.ip().to_canonical());
        if peer.is_some_and(|peer| self.trusts(peer)) {
            Ok(())
        } else {
            Err(Rejected::UntrustedPeer)
        }
    }
}

/// Why nobody is believed to be there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The request did not come from the proxy.
    #[error("the peer is not in UNTETHER_TRUSTED_PROXIES; identity headers, if any, were ignored")]
    UntrustedPeer,
    /// The proxy did not prove itself.
    #[error("the proxy secret is missing or wrong")]
    ProxySecret,
    /// The proxy did not say who it is.
    #[error("the header {0} is missing or empty")]
    Missing(String),
    /// Someone added a second value; only one can be the proxy's.
    #[error("the header {0} has more than one value")]
    Repeated(String),
    /// Someone added a header that software in between may take for the real one.
    #[error("a look-alike of the header {0} was sent")]
    LookAlike(String),
    /// A value that is no text, or no e-mail.
    #[error("the header {0} is malformed")]
    Malformed(String),
    /// The signed statement is not to be believed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The signed statement and the plain header are about different people.
    #[error("the header {0} and the assertion name different people")]
    Disagree(String),
}

/// The identity of a signed statement, if the plain header does not contradict it.
fn confirm(
    identity: Identity,
    headers: &HeaderMap,
    settings: &ProxySettings,
) -> Result<Identity, Rejected> {
    match single(headers, &settings.email_header)? {
        Some(email) if fold_email(&email) != identity.email => {
            Err(Rejected::Disagree(settings.email_header.to_string()))
        }
        _ => Ok(identity),
    }
}

/// Who a request's headers name, wherever it came from.
///
/// # Errors
/// When they name nobody, or not one person alone.
pub fn from_headers(headers: &HeaderMap, settings: &ProxySettings) -> Result<Identity, Rejected> {
    check_sender(headers, settings)?;
    let email = fold_email(&required(headers, &settings.email_header)?);
    if !matches!(email.parse(), Ok(PrincipalName::Email(_))) {
        return Err(Rejected::Malformed(settings.email_header.to_string()));
    }
    let subject = match &settings.subject_header {
        Some(header) => required(headers, header)?,
        None => email.clone(),
    };
    // Proxies that know of none send an empty list; those that know nothing send no list.
    let groups = only(headers, &settings.groups_header)?.map(|list| {
        let groups = list
            .split(settings.groups_separator)
            .map(|group| trim(group).to_owned());
        groups.filter(|group| !group.is_empty()).collect()
    });
    Ok(Identity {
        subject,
        name: single(headers, &settings.name_header)?
            .and_then(|name| shown_name(&name))
            .unwrap_or_else(|| email.clone()),
        email,
        groups,
    })
}

/// Checks that the proxy, and nobody through it, set the headers.
fn check_sender(headers: &HeaderMap, settings: &ProxySettings) -> Result<(), Rejected> {
    let secret_header = PROXY_SECRET_HEADER;
    let mut known = vec![
        &secret_header,
        &settings.email_header,
        &settings.name_header,
        &settings.groups_header,
    ];
    known.extend(&settings.subject_header);
    refuse_look_alikes(headers, &known)?;
    let Some(secret) = &settings.secret else {
        return Ok(());
    };
    match single(headers, &secret_header)? {
        Some(sent) if secret.matches(sent.as_bytes()) => Ok(()),
        _ => Err(Rejected::ProxySecret),
    }
}

fn refuse_look_alikes(headers: &HeaderMap, known: &[&HeaderName]) -> Result<(), Rejected> {
    for name in headers.keys() {
        let canonical = name.as_str().replace(['_', '.'], "-");
        let mimicked = known.iter().find(|known| known.as_str() == canonical);
        if let Some(known) = mimicked.filter(|known| known.as_str() != name.as_str()) {
            return Err(Rejected::LookAlike(known.to_string()));
        }
    }
    Ok(())
}

/// The only value of a header, `None` when it is absent or empty.
fn single(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Rejected> {
    Ok(only(headers, name)?.filter(|text| !text.is_empty()))
}

/// The only value of a header, which may be empty; `None` when it is absent.
fn only(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Rejected> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Rejected::Repeated(name.to_string()));
    }
    let text =
        std::str::from_utf8(value.as_bytes()).map_err(|_| Rejected::Malformed(name.to_string()))?;
    Ok(Some(trim(text).to_owned()))
}

fn required(headers: &HeaderMap, name: &HeaderName) -> Result<String, Rejected> {
    single(headers, name)?.ok_or_else(|| Rejected::Missing(name.to_string()))
}

/// What an identity may do, by the settings, the projects and its record.
///
/// # Errors
/// A page, when the person was cut off or the database failed.
pub async fn principal(app: &App, identity: Identity) -> Result<Principal, Problem> {
    let mut tx = app.db.read().await?;
    let person = store::person::find(&mut tx, &identity.subject).await?;
    if person
        .as_ref()
        .is_some_and(|person| person.deactivated_at.is_some())
    {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "Your access has ended",
            "The organization has deactivated your account here.",
        ));
    }
    if let Some((person, renewed)) = person.as_ref().and_then(|known| renewed(known, &identity)) {
        drop(tx);
        note(app, person, &renewed).await?;
        tx = app.db.read().await?;
    }
    let person = person.map(|person| person.id);
    Ok(authorize(app, &mut tx, identity, person).await?)
}

/// Who a person is now, if that is more than was known of them.
fn renewed<'a>(known: &'a Person, now: &Identity) -> Option<(&'a PersonId, Identity)> {
    let before = &known.identity;
    // Some proxies list them in another order each time.
    let set = |groups: &[String]| groups.iter().cloned().collect::<HashSet<_>>();
    let (had, has) = (
        before.groups.as_deref().map(set),
        now.groups.as_deref().map(set),
    );
    let renewed = now.called_as(before);
    let is_new = renewed.email != before.email || renewed.name != before.name;
    (is_new || (has.is_some() && has != had)).then_some((&known.id, renewed))
}

/// Notes that a person is called something else than before, or is in other groups. That is no
/// effect of what they ask for, so it happens when they open a page, too.
async fn note(app: &App, person: &PersonId, identity: &Identity) -> Result<(), Problem> {
    let context = Context {
        now: app.clock.now(),
        rules: &app.rules,
        secrets: &app.secrets,
        actor: Actor::Untether,
        address: None,
    };
    let mut tx = app.db.write().await?;
    flow::seen::again(&mut tx, &context, person, identity).await?;
    Ok(tx.commit().await?)
}

/// The roles of an identity, by the settings and the projects.
///
/// # Errors
/// When the database fails.
pub async fn authorize(
    app: &App,
    tx: &mut Tx,
    identity: Identity,
    person: Option<PersonId>,
) -> store::Result<Principal> {
    let administers = store::project::administered_by(tx, &identity.principal_names()).await?;
    let named = |names: &[PrincipalName]| names.iter().any(|name| identity.is_named_by(name));
    let role = if named(&app.settings.owners) {
        OrganizationRole::Owner
    } else if named(&app.settings.auditors) {
        OrganizationRole::Auditor
    } else {
        OrganizationRole::Member
    };
    Ok(Principal {
        identity,
        person,
        role,
        administers,
    })
}

impl FromRequest for Principal {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let Some(app) = req.app_data::<Data<App>>() else {
                return Err(Problem::not_found());
            };
            match app.identities.identify(&req, app.clock.now()).await {
                Ok(identity) => {
                    let principal = principal(app, identity).await?;
                    // For the page that says no, should the handler do so.
                    req.extensions_mut().insert(principal.clone());
                    Ok(principal)
                }
                Err(rejected) => {
                    tracing::warn!(
                        reason = %rejected,
                        peer = req.peer_addr().map(|peer| peer.ip().to_canonical().to_string()),
                        "refused a request without an identity"
                    );
                    Err(nobody())
                }
            }
        })
    }
}

/// The answer when nobody is there: it does not say which check failed.
fn nobody() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "You are not signed in",
        "Untether learns who you are from your organization's sign-in proxy, and this \
         request did not carry an identity that it can trust.",
    )
    .with_advice("Open Untether through your organization's usual address.")
    .with_advice("If you did, tell the administrator the request number below: the log says why.")
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;

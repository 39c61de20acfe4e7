//! What the screens show: plain text that is ready to print, and the templates that print it.
//!
//! Nothing here knows the database or decides anything. A page struct renders the whole page;
//! its `as_list()` or `as_dialog()` renders the same template's part that htmx swaps in.

#![expect(missing_docs, reason = "fields are named after what they print")]

use askama::Template;

use crate::web::{problem::Explanation, session};

mod breakable;
pub mod list;

pub use breakable::breakable;

/// What surrounds every console page.
#[derive(Clone, Debug)]
pub struct Frame {
    pub organization: String,
    /// Who is signed in; `None` where nobody is known, as on some error pages.
    pub person: Option<Who>,
    /// The places this person may open.
    pub nav: Vec<NavItem>,
    /// The demo's roles to look through; empty outside of it.
    pub personas: Vec<PersonaOption>,
    pub csrf: String,
    pub flash: Option<Flash>,
    pub sign_out_url: Option<String>,
    /// Path and query of this page, to come back to after a form.
    pub here: String,
    pub version: &'static str,
    /// Where help is; no link when `None`.
    pub help_href: Option<String>,
    /// Only on error pages.
    pub request_id: Option<String>,
}

/// The person who looks.
#[derive(Clone, Debug)]
pub struct Who {
    pub name: String,
    pub email: String,
    /// In words: "Owner", "Auditor", "Project administrator", "Member".
    pub role: &'static str,
}

/// A link of the main navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    pub label: &'static str,
    pub href: &'static str,
    pub current: bool,
}

/// A role of the demo's switcher, posted as `persona` to `/demo/persona`.
#[derive(Clone, Debug)]
pub struct PersonaOption {
    pub key: &'static str,
    pub label: &'static str,
    pub current: bool,
}

/// What the last act did, said once.
#[derive(Clone, Debug)]
pub struct Flash {
    /// `done` or `problem`.
    pub kind: &'static str,
    pub text: String,
    /// What a link after it says, and where it leads.
    pub link: Option<(String, String)>,
}

impl From<session::Flash> for Flash {
    fn from(flash: session::Flash) -> Self {
        let (kind, text, link) = match flash {
            session::Flash::Done(text) => ("done", text, None),
            session::Flash::DoneAt(text, link) => ("done", text, Some(link)),
            session::Flash::Problem(text) => ("problem", text, None),
        };
        Self { kind, text, link }
    }
}

/// What a client is recognized by; without `src`, by its first letter.
#[derive(Clone, Debug)]
pub struct LogoView {
    pub letter: String,
    pub src: Option<String>,
}

/// A moment: `<time datetime=iso title=exact>text</time>`.
#[derive(Clone, Debug)]
pub struct When {
    pub iso: String,
    /// With date, time and zone; `None` where app.js says it.
    pub exact: Option<String>,
    /// "3 days ago", or the date.
    pub text: String,
}

/// What stands below a person's name: the e-mail, where that is not the name itself, and for
/// someone of whom there is nothing but an identifier the words that say so.
pub fn below_name(name: &str, email: &str) -> Option<String> {
    match name == email {
        false => Some(email.to_owned()),
        true if email.contains('@') => None,
        true => Some("unknown person".to_owned()),
    }
}

/// A connection's status as word, dot and explanation.
#[derive(Clone, Debug)]
pub struct StatusView {
    /// "Active", "Expired" or "Revoked".
    pub word: &'static str,
    /// `active`, `expired` or `revoked`.
    pub class: &'static str,
    /// What stands before the time: "until ".
    pub before: &'static str,
    /// Until or since when.
    pub when: Option<When>,
    /// What stands after it: who revoked it and why.
    pub after: String,
}

/// A connection about to be revoked.
#[derive(Clone, Debug)]
pub struct RevokeTarget {
    pub id: String,
    pub name: String,
    pub client: String,
    pub project: String,
    pub person_name: String,
    /// See [`below_name`].
    pub person_note: Option<String>,
    /// `None` reads "Never".
    pub last_used: Option<When>,
    /// What changed since it was listed: when it was revoked, and by whom.
    pub revoked: Option<(When, String)>,
}

/// A scope on the consent page.
#[derive(Clone, Debug)]
pub struct ScopeChoice {
    pub name: String,
    /// In plain words.
    pub description: String,
    /// Can be unticked.
    pub optional: bool,
}

/// Scopes under a heading of their own.
#[derive(Clone, Debug)]
pub struct ScopeGroup {
    pub legend: &'static str,
    pub scopes: Vec<ScopeChoice>,
}

/// A connection that may be meant to get more scopes.
#[derive(Clone, Debug)]
pub struct WidenChoice {
    pub id: String,
    pub name: String,
    pub last_used: When,
    /// Chosen at first.
    pub likely: bool,
}

/// A project to choose.
#[derive(Clone, Debug)]
pub struct ProjectChoice {
    pub name: String,
    pub resource: String,
    pub href: String,
}

/// What a person is asked on the consent page.
#[derive(Clone, Debug)]
pub struct ConsentView {
    pub client: String,
    /// What the client is recognized by, when its name is proven.
    pub logo: Option<LogoView>,
    /// Who vouches for the name, when nobody does: "This name was chosen by the app…".
    pub client_unproven: Option<String>,
    /// Host of the document that the client's id is the address of.
    pub client_host: Option<String>,
    pub project: String,
    /// The project's MCP server URL.
    pub resource: String,
    pub person: Who,
    /// Where to sign in as someone else.
    pub not_you: Option<String>,
    pub scopes: Vec<ScopeGroup>,
    /// What the app asked for instead of them, which the project does not offer.
    pub in_vain: Option<String>,
    /// The connection that may be meant to get more, rather than another one made.
    pub widens: Option<WidenChoice>,
    /// Host and port of the redirect.
    pub sent_back_to: String,
    /// "until 30 days unused".
    pub lifetime: String,
    /// Where the connection can be revoked later.
    pub manage_href: String,
    /// Names and values of the authorization request, to post again.
    pub hidden: Vec<(String, String)>,
    pub csrf: String,
}

/// The question before revoking; `as_dialog()` is the same as a `<dialog>` alone.
#[derive(Clone, Debug, Template)]
#[template(path = "revoke.html", blocks = ["dialog"])]
pub struct RevokePage {
    pub frame: Frame,
    /// "Revoke 3 connections?".
    pub title: String,
    /// Whether all of them have been revoked, and nothing can be blocked either.
    pub is_done: bool,
    /// Whether nothing but a block is left to be made.
    pub blocks_alone: bool,
    pub targets: Vec<RevokeTarget>,
    /// What this will and will not do.
    pub sentence: String,
    /// What the person may tick to block the clients too; `None` when it is not theirs to.
    pub block: Option<BlockChoice>,
    /// Whether it was ticked before, when the page is shown again.
    pub blocks: bool,
    /// What was typed before, when the page is shown again.
    pub reason: String,
    /// The list to go back to.
    pub back: String,
    /// What the person must know before deciding again.
    pub note: Option<String>,
}

/// That the clients of connections can be blocked too.
#[derive(Clone, Debug)]
pub struct BlockChoice {
    pub label: String,
    /// How many connections that ends besides, in words; empty when none.
    pub also: String,
    /// What those are: name, project, person.
    pub besides: Vec<String>,
    /// How many more there are than are named.
    pub unnamed: usize,
}

/// The consent page.
#[derive(Clone, Debug, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    pub frame: Frame,
    pub consent: ConsentView,
}

/// The question which project a client is to use, when it does not say it.
#[derive(Clone, Debug, Template)]
#[template(path = "choice.html")]
pub struct ChoicePage {
    pub frame: Frame,
    pub client: String,
    pub email: String,
    pub projects: Vec<ProjectChoice>,
}

/// Any page that says no.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub frame: Frame,
    /// Path and query that were asked for.
    pub asked: String,
    pub error: Explanation,
}

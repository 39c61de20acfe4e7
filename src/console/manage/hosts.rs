//! The hosts for which the form of a new client can be filled in, and those that are chosen.
//! What was typed stays: a host brings its addresses and takes them along, and gives the
//! client its name and logo while nobody has said another.

use crate::{
    console::{
        setup::{self, Preset},
        visit::Visit,
    },
    domain::project::Project,
};

use super::{form::Typed, logo::TypedLogo};

/// The field that carries a host that is chosen.
pub const CHOSEN: &str = "chosen";

/// Where hosts that run on people's own machines often listen.
const LOCAL_DEFAULTS: [&str; 2] = [
    "http://localhost/callback",
    "http://localhost/oauth/callback",
];

/// The hosts that there are, and which of them are chosen.
#[derive(Clone, Debug)]
pub struct HostChoice {
    known: Vec<Preset>,
    chosen: Vec<&'static str>,
    /// The one whose button was pressed.
    pressed: Option<&'static str>,
}

/// A host to choose, or to leave out again.
#[derive(Clone, Debug)]
pub struct HostButton {
    pub key: &'static str,
    pub name: &'static str,
    pub chosen: bool,
    /// Whether this is what was pressed: the focus is there.
    pub pressed: bool,
    /// What keeps a chosen one from working with this MCP server.
    pub reach: Option<&'static str>,
}

impl HostChoice {
    /// The hosts of these words for an MCP server; other words are none.
    pub fn new(visit: &Visit, project: &Project, words: &[&str]) -> Self {
        let known = setup::presets(&project.resource, &visit.app.settings.public_url);
        let keys = known.iter().map(|preset| preset.key);
        let chosen = keys.filter(|key| words.contains(key)).collect();
        Self {
            known,
            chosen,
            pressed: None,
        }
    }

    /// The choice after a press on the button of a host, and the form as it is then.
    pub fn turned(self, host: &str, typed: Typed) -> (Self, Typed) {
        let mut keys = self.known.iter().map(|preset| preset.key);
        let chosen = keys.clone();
        let chosen = chosen.filter(|key| self.chosen.contains(key) != (*key == host));
        let after = Self {
            chosen: chosen.collect(),
            pressed: keys.find(|key| *key == host),
            known: self.known.clone(),
        };
        let typed = after.fill_in(&self, typed);
        (after, typed)
    }

    /// What the form holds at first.
    pub fn filled_in(&self) -> Typed {
        let (name, shape) = match self.chosen().collect::<Vec<_>>().as_slice() {
            [only] => (only.name.to_owned(), Some(only.logo.into())),
            _ => (String::new(), None),
        };
        Typed {
            name,
            redirect_uris: self.redirect_uris().join("\n"),
            confidential: false,
            logo: TypedLogo::from_logo(shape.as_ref()),
        }
    }

    /// What was typed while another choice was made, for this one.
    fn fill_in(&self, before: &Self, typed: Typed) -> Typed {
        let (was, will) = (before.filled_in(), self.filled_in());
        let (brought, wanted) = (before.redirect_uris(), self.redirect_uris());
        let lines = typed.redirect_uris.lines().map(str::trim);
        let kept = lines.filter(|line| wanted.contains(line) || !brought.contains(line));
        let mut uris: Vec<&str> = kept.filter(|line| !line.is_empty()).collect();
        for uri in wanted {
            if !uris.contains(&uri) {
                uris.push(uri);
            }
        }
        Typed {
            redirect_uris: uris.join("\n"),
            name: match typed.name.trim() {
                name if name.is_empty() || name == was.name => will.name,
                _ => typed.name,
            },
            logo: match typed.logo == was.logo {
                true => will.logo,
                false => typed.logo,
            },
            ..typed
        }
    }

    fn chosen(&self) -> impl Iterator<Item = &Preset> {
        let known = self.known.iter();
        known.filter(|preset| self.chosen.contains(&preset.key))
    }

    /// Where the chosen hosts ask to be sent back to, each address once.
    fn redirect_uris(&self) -> Vec<&str> {
        let mut uris: Vec<&str> = Vec::new();
        for uri in self.chosen().flat_map(|preset| &preset.redirect_uris) {
            if !uris.contains(&uri.as_str()) {
                uris.push(uri);
            }
        }
        match uris.is_empty() {
            true => LOCAL_DEFAULTS.to_vec(),
            false => uris,
        }
    }

    /// The choice as fields of the form.
    pub fn hidden(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.chosen.iter().map(|key| (CHOSEN, (*key).to_owned()))
    }

    /// What the form shows of them.
    pub fn buttons(&self) -> Vec<HostButton> {
        let button = |preset: &Preset| {
            let chosen = self.chosen.contains(&preset.key);
            HostButton {
                key: preset.key,
                name: preset.name,
                chosen,
                pressed: self.pressed == Some(preset.key),
                reach: preset.reach.filter(|_| chosen),
            }
        };
        self.known.iter().map(button).collect()
    }
}

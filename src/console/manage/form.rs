//! What is typed about a client, and what is wrong with it.

use crate::{
    domain::{
        client::{self, Client, NAME_LIMIT},
        redirect::{REDIRECT_LIMIT, RedirectUri},
        resource::MAX_ADDRESS_CHARACTERS,
        scheme::PrivateSchemes,
    },
    flow::client::Edit,
    web::params::{Params, shortened},
};

use crate::console::view::LogoView;

use super::{
    hosts::HostButton,
    logo::{LogoOption, TypedLogo},
};

/// The fields as they were typed.
#[derive(Clone, Debug)]
pub struct Typed {
    pub name: String,
    /// One in a line.
    pub redirect_uris: String,
    pub confidential: bool,
    pub logo: TypedLogo,
}

/// What is wrong, at each field.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub name: Option<String>,
    pub logo: Option<String>,
    pub redirect_uris: Vec<String>,
}

impl Typed {
    /// What a form carries, with the logo that was made out of it.
    pub fn of(params: &Params, logo: TypedLogo) -> Self {
        let one = |name| params.one(name).ok().flatten().unwrap_or_default();
        Self {
            name: one("name").to_owned(),
            redirect_uris: one("redirect_uris").replace("\r\n", "\n"),
            confidential: one("type") == "confidential",
            logo,
        }
    }

    /// What a client is now.
    pub fn from_client(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            redirect_uris: lines(&client.redirect_uris),
            confidential: client.secret_hash.is_some(),
            logo: TypedLogo::from_logo(client.logo.as_ref()),
        }
    }

    /// The client that is meant.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, private: &PrivateSchemes) -> Result<Edit, Faults> {
        let name = client::parse_name(&self.name).and_then(|name| match strange(&name) {
            true => Err("a name cannot have a character that is no text".to_owned()),
            false => Ok(name),
        });
        let redirect_uris = self.parse_redirect_uris(private);
        match (name, self.logo.choice(), redirect_uris) {
            (Ok(name), Ok(logo), Ok(redirect_uris)) => Ok(Edit {
                name,
                logo,
                redirect_uris,
            }),
            (name, logo, redirect_uris) => Err(Faults {
                name: name.err().map(|fault| sentence(&fault)),
                logo: logo.err(),
                redirect_uris: redirect_uris.err().unwrap_or_default(),
            }),
        }
    }

    fn parse_redirect_uris(
        &self,
        private: &PrivateSchemes,
    ) -> Result<Vec<RedirectUri>, Vec<String>> {
        let mut uris: Vec<RedirectUri> = Vec::new();
        let mut faults = Vec::new();
        for (place, line) in self.redirect_uris.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            match RedirectUri::parse(line, private) {
                Ok(uri) if uris.contains(&uri) => {}
                Ok(uri) => uris.push(uri),
                Err(error) => {
                    let number = place + 1;
                    faults.push(format!("Line {number}, {}: {error}.", shortened(line)));
                }
            }
        }
        if uris.is_empty() && faults.is_empty() {
            faults.push("At least one redirect URI is needed.".to_owned());
        }
        let count = uris.len() + faults.len();
        if count > REDIRECT_LIMIT {
            let text = format!("These are {count}, and a client has at most {REDIRECT_LIMIT}.");
            faults.insert(0, text);
        }
        match faults.is_empty() {
            true => Ok(uris),
            false => Err(faults),
        }
    }
}

/// One in a line.
pub fn lines(uris: &[RedirectUri]) -> String {
    let uris: Vec<_> = uris.iter().map(RedirectUri::as_str).collect();
    uris.join("\n")
}

/// Stands where there was a NUL, or bytes that are no text.
fn strange(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

fn sentence(fault: &str) -> String {
    let mut letters = fault.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// The form of a client, to be printed.
#[derive(Clone, Debug)]
pub struct FormView {
    pub action: String,
    pub hidden: Vec<(&'static str, String)>,
    pub typed: Typed,
    pub faults: Faults,
    pub logos: Vec<LogoOption>,
    /// A picture that was chosen before, for the form to send again.
    pub picture: Option<String>,
    /// Hosts for which it can be filled in.
    pub hosts: Vec<HostButton>,
    /// Whether it is asked whether the client has a secret.
    pub asks_type: bool,
    pub button: &'static str,
    pub name_limit: usize,
    pub uri_limit: usize,
    pub uri_length: usize,
}

impl FormView {
    /// A form in which this is typed, and what is wrong with it.
    pub fn new(
        action: String,
        hidden: Vec<(&'static str, String)>,
        (typed, faults): (Typed, Faults),
        logo: &LogoView,
    ) -> Self {
        Self {
            action,
            hidden,
            logos: typed.logo.options(logo),
            picture: typed.logo.picture_again(),
            typed,
            faults,
            hosts: Vec::new(),
            asks_type: false,
            button: "Save",
            name_limit: NAME_LIMIT,
            uri_limit: REDIRECT_LIMIT,
            uri_length: MAX_ADDRESS_CHARACTERS,
        }
    }
}

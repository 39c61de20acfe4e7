//! What the address of the audit trail asks for.

use std::time::Duration;

use time::Date;

use crate::{
    console::query::{address, day, midnight, search_term},
    store::audit_list::{Key, Kind, Part, Place, Wanted},
    web::{params::Params, problem::Problem},
};

use super::PATH;

const DAY: Duration = Duration::from_secs(86_400);

/// What events can be about: the word in the address, and what it means.
pub(super) const KINDS: [(&str, Kind); 3] = [
    ("connections", Kind::Connections),
    ("clients", Kind::Clients),
    ("projects", Kind::Projects),
];

/// What an address can ask for.
const PARAMETERS: [&str; 6] = ["q", "about", "from", "to", "after", "before"];

/// The first parameter of an address that the trail does not know.
pub(super) fn unknown(params: &Params) -> Option<&str> {
    params.unknown(&PARAMETERS)
}

/// The state of the list, as its address has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) text: Option<String>,
    pub(super) kind: Option<Kind>,
    pub(super) from: Option<Date>,
    pub(super) to: Option<Date>,
    pub(super) place: Place,
}

impl Asked {
    /// # Errors
    /// Like [`Self::parse`], and when it asks for something unknown: a file would have more
    /// events than were meant.
    pub(super) fn parse_strictly(params: &Params) -> Result<Self, Problem> {
        if let Some(name) = unknown(params) {
            let (last, others) = PARAMETERS.split_last().unwrap_or((&"", &[]));
            return Err(wrong(format!(
                "The audit trail knows no \"{name}\". It can be asked for {} and {last}.",
                others.join(", ")
            )));
        }
        Self::parse(params)
    }

    /// # Errors
    /// A page that names the parameter and what it may be.
    pub(super) fn parse(params: &Params) -> Result<Self, Problem> {
        let one = |name| params.one(name).map_err(|error| wrong(format!("{error}.")));
        let date = |name| match one(name)? {
            None => Ok(None),
            Some(text) => day(text).map(Some).ok_or_else(|| {
                wrong(format!(
                    "{name} is \"{text}\", and must be a day such as 2026-03-12."
                ))
            }),
        };
        let key = |text| {
            Key::parse(text)
                .ok_or_else(|| wrong("This page of the audit trail cannot be found.".to_owned()))
        };
        let asked = Self {
            text: search_term(one("q")?).map_err(wrong)?,
            kind: one("about")?.map(kind).transpose()?,
            from: date("from")?,
            to: date("to")?,
            place: match (one("after")?, one("before")?) {
                (None, None) => Place::Start,
                (Some(text), None) => Place::After(key(text)?),
                (None, Some(text)) => Place::Before(key(text)?),
                (Some(_), Some(_)) => {
                    return Err(wrong("Give after or before, not both.".to_owned()));
                }
            },
        };
        if asked.from.zip(asked.to).is_some_and(|(from, to)| from > to) {
            return Err(wrong(
                "It ends before it begins: from is a later day than to.".to_owned(),
            ));
        }
        Ok(asked)
    }

    /// The events that it asks for, whatever the page.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            kind: self.kind,
            text: self.text.clone(),
            from: self.from.map(midnight),
            until: self.to.map(|day| midnight(day).plus(DAY)),
        }
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.wanted() != Wanted::default()
    }

    /// What its files are asked for with.
    pub(super) fn export_query(&self) -> String {
        address("", &self.begun().pairs())
    }

    /// The page of the newest events; `None` when it is this one.
    pub(super) fn newest(&self) -> Option<String> {
        (self.place != Place::Start).then(|| address(PATH, &self.begun().pairs()))
    }

    /// The same filters from the beginning.
    fn begun(&self) -> Self {
        Self {
            place: Place::Start,
            ..self.clone()
        }
    }

    /// The addresses of the pages before and after the one that has this.
    pub(super) fn neighbours(&self, part: &Part) -> [Option<String>; 2] {
        let (first, last) = (part.entries.first(), part.entries.last());
        let onward = part.onward.clone();
        let (newer, older) = match self.place {
            Place::Start => (None, onward),
            Place::After(_) => (first.map(Key::of), onward),
            Place::Before(_) => (onward, last.map(Key::of)),
        };
        let beside = |place| {
            let page = Self {
                place,
                ..self.clone()
            };
            address(PATH, &page.pairs())
        };
        [
            newer.map(|key| beside(Place::Before(key))),
            older.map(|key| beside(Place::After(key))),
        ]
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.text.clone().map(|text| ("q", text)));
        let word = KINDS.iter().find(|(_, kind)| self.kind == Some(*kind));
        pairs.extend(word.map(|(word, _)| ("about", (*word).to_owned())));
        pairs.extend(self.from.map(|day| ("from", day.to_string())));
        pairs.extend(self.to.map(|day| ("to", day.to_string())));
        match &self.place {
            Place::Start => {}
            Place::After(key) => pairs.push(("after", key.to_string())),
            Place::Before(key) => pairs.push(("before", key.to_string())),
        }
        pairs
    }
}

fn kind(word: &str) -> Result<Kind, Problem> {
    let known = KINDS.iter().find(|(known, _)| *known == word);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        wrong(format!(
            "about is \"{word}\", and must be connections, clients or projects."
        ))
    })
}

fn wrong(text: String) -> Problem {
    Problem::bad_request(text).with_link("The audit trail", PATH)
}

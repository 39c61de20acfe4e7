//! Reading the state of a list from its address.

use time::{Date, format_description::FormatItem, macros::format_description};

use crate::{
    clock::Timestamp,
    domain::{
        client::{ClientType, Origin},
        ids::{ClientId, PersonId, ProjectId},
        role::Principal,
    },
    store::{
        connection_filter::Statuses,
        connection_groups::{GroupBy, GroupColumn, GroupKey, GroupOrder, GroupPlace},
        connection_list::{Column, Key, Order, Place},
    },
    web::{params::Params, problem::Problem},
};

use super::{
    BLOCKED, IDLE_LIMIT, Layout, ListQuery, Opened, STATUS_WORDS, STATUSES_DEFAULT, TEXT_LIMIT,
    View, open::OPEN_LIMIT,
};

/// The parameters that say which connections are wanted.
const CONDITIONS: [&str; 11] = [
    "q",
    "status",
    "project",
    "person",
    "client",
    "origin",
    "type",
    "blocked",
    "idle_days",
    "from",
    "to",
];

/// Those that say how they are shown, and the page that a preview goes back to.
const LOOKS: [&str; 10] = [
    "view", "sort", "dir", "after", "before", "per", "open", "rows", "rows_dir", "back",
];

/// How often a condition may stand in an address, and all those on projects, people and clients
/// together. Each is in most links of a page, so that a page of many would be their square.
const REPEATED: usize = 100;

/// How many others there may be. They are not counted with those, so that no list is without room
/// for one more status: all that there are, are fewer.
const OTHERS: usize = 20;

/// # Errors
/// A page, when conditions stand in the address too often.
pub fn check_repeated(params: &Params) -> Result<(), Problem> {
    let (mut conditions, mut others) = (0, 0);
    for name in CONDITIONS {
        let count = params.all(name).len();
        if count > REPEATED {
            return Err(wrong(&format!(
                "{name} is given {count} times, and at most {REPEATED} are understood."
            )));
        }
        if ["project", "person", "client"].contains(&name) {
            conditions += count;
        } else {
            others += count;
        }
    }
    match (conditions, others) {
        (0..=REPEATED, 0..=OTHERS) => Ok(()),
        (0..=REPEATED, count) => Err(wrong(&format!(
            "The address has {count} conditions besides projects, people and clients, and at \
             most {OTHERS} are understood."
        ))),
        (count, _) => Err(wrong(&format!(
            "The address has {count} conditions on projects, people and clients, and at most \
             {REPEATED} are understood."
        ))),
    }
}

/// The first parameter that says nothing about connections, and is not among `besides`.
pub fn unknown_condition<'a>(params: &'a Params, besides: &[&str]) -> Option<&'a str> {
    params.unknown(&[&CONDITIONS, &LOOKS[..], besides].concat())
}

impl ListQuery {
    /// What the parameters of an address ask for, where more than was meant would do harm:
    /// a misspelt condition is not left out.
    ///
    /// # Errors
    /// Like [`Self::parse`], and a page that names the parameter that is unknown.
    pub fn parse_strictly(params: &Params, principal: &Principal) -> Result<Self, Problem> {
        if let Some(name) = unknown_condition(params, &[]) {
            let (last, others) = CONDITIONS.split_last().unwrap_or((&"", &[]));
            return Err(wrong(&format!(
                "\"{name}\" is no condition. The conditions are {} and {last}.",
                others.join(", ")
            )));
        }
        Self::parse(params, principal)
    }

    /// What the parameters of an address ask for.
    ///
    /// # Errors
    /// A page that names the parameter and the allowed values, with a link to
    /// the clean list.
    pub fn parse(params: &Params, principal: &Principal) -> Result<Self, Problem> {
        check_repeated(params)?;
        let start = Self::of(principal);
        let layout = match one(params, "view")? {
            None => start.default,
            Some(word) => word_among("view", word, &LAYOUTS)?,
        };
        let query = Self {
            view: view(params, layout)?,
            text: text(params)?,
            statuses: statuses(&params.all("status"))?,
            projects: ids(params, "project", ProjectId::parse)?,
            people: ids(params, "person", PersonId::parse)?,
            clients: ids(params, "client", ClientId::parse)?,
            origins: words(params, "origin", &ORIGINS)?,
            types: words(params, "type", &TYPES)?,
            blocked: !words(params, "blocked", &[(BLOCKED, ())])?.is_empty(),
            idle_days: idle_days(params)?,
            from: date(params, "from")?,
            to: date(params, "to")?,
            per: per(params)?.unwrap_or(layout.per()),
            ..start
        };
        let backwards = "It ends before it begins: from is a later day than to.";
        match query.from.zip(query.to) {
            Some((from, to)) if from > to => Err(wrong(backwards)),
            _ => Ok(query),
        }
    }
}

pub(super) const LAYOUTS: [(&str, Layout); 4] = [
    ("client", Layout::Groups(GroupBy::Client)),
    ("person", Layout::Groups(GroupBy::Person)),
    ("project", Layout::Groups(GroupBy::Project)),
    ("list", Layout::List),
];

pub(super) const COLUMNS: [(&str, Column); 7] = [
    ("name", Column::Name),
    ("client", Column::Client),
    ("project", Column::Project),
    ("authorized", Column::Authorized),
    ("person", Column::Person),
    ("status", Column::Status),
    ("used", Column::LastUsed),
];

pub(super) const GROUP_COLUMNS: [(&str, GroupColumn); 4] = [
    ("name", GroupColumn::Name),
    ("project", GroupColumn::Project),
    ("connections", GroupColumn::Connections),
    ("used", GroupColumn::LastUsed),
];

const ORIGINS: [(&str, Origin); 4] = [
    (Origin::Console.as_str(), Origin::Console),
    (Origin::Api.as_str(), Origin::Api),
    (Origin::Registered.as_str(), Origin::Registered),
    (Origin::Document.as_str(), Origin::Document),
];

const TYPES: [(&str, ClientType); 2] = [
    (ClientType::Public.as_str(), ClientType::Public),
    (ClientType::Confidential.as_str(), ClientType::Confidential),
];

const DIRECTIONS: [(&str, bool); 2] = [("asc", false), ("desc", true)];

fn wrong(text: &str) -> Problem {
    Problem::bad_request(text).with_link("All connections", "/connections")
}

fn one<'a>(params: &'a Params, name: &'static str) -> Result<Option<&'a str>, Problem> {
    params
        .one(name)
        .map_err(|error| wrong(&format!("{error}.")))
}

fn word_among<T: Copy>(name: &str, word: &str, words: &[(&str, T)]) -> Result<T, Problem> {
    let known = words.iter().find(|(known, _)| *known == word);
    known.map(|(_, value)| *value).ok_or_else(|| {
        let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let (last, others) = all.split_last().unwrap_or((&"", &[]));
        let allowed = match others {
            [] => (*last).to_owned(),
            others => format!("{} or {last}", others.join(", ")),
        };
        wrong(&format!("{name} is \"{word}\", and must be {allowed}."))
    })
}

pub(super) fn word_for<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let known = words.iter().find(|(_, known)| *known == value);
    known.map_or("", |(word, _)| word)
}

fn words<T: Copy + PartialEq>(
    params: &Params,
    name: &str,
    allowed: &[(&str, T)],
) -> Result<Vec<T>, Problem> {
    let mut found = Vec::new();
    for word in params.all(name) {
        let value = word_among(name, word, allowed)?;
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Ok(found)
}

fn ids<T: Ord>(
    params: &Params,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Problem> {
    let parsed = params.all(name).into_iter().map(|text| {
        parse(text).ok_or_else(|| wrong(&format!("{name} is \"{text}\", which is not an id.")))
    });
    let mut ids: Vec<_> = parsed.collect::<Result<_, _>>()?;
    ids.sort();
    ids.dedup();
    Ok(ids)
}

fn statuses(wanted: &[&str]) -> Result<Statuses, Problem> {
    if wanted.is_empty() {
        return Ok(STATUSES_DEFAULT);
    }
    let known = STATUS_WORDS.map(|word| (word, ()));
    for word in wanted {
        word_among("status", word, &known)?;
    }
    let [active, expired, revoked] = STATUS_WORDS.map(|word| wanted.contains(&word));
    Ok(Statuses {
        active,
        expired,
        revoked,
    })
}

fn text(params: &Params) -> Result<Option<String>, Problem> {
    search_term(one(params, "q")?).map_err(|error| wrong(&error))
}

/// A search term as it was typed; `None` when there is nothing in it.
///
/// # Errors
/// Says that it is too long.
pub fn search_term(typed: Option<&str>) -> Result<Option<String>, String> {
    let text = typed.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > TEXT_LIMIT) {
        return Err(format!(
            "The search term is longer than {TEXT_LIMIT} characters."
        ));
    }
    Ok(text.map(str::to_owned))
}

fn idle_days(params: &Params) -> Result<Option<u16>, Problem> {
    one(params, "idle_days")?
        .map(|text| {
            let days = text.trim().parse().ok();
            days.filter(|days| (1..=IDLE_LIMIT).contains(days))
                .ok_or_else(|| {
                    wrong(&format!(
                        "idle_days is \"{text}\", and must be a number from 1 to {IDLE_LIMIT}."
                    ))
                })
        })
        .transpose()
}

const DATE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A day such as 2026-03-12.
pub(in crate::console) fn day(text: &str) -> Option<Date> {
    Date::parse(text.trim(), DATE).ok()
}

fn date(params: &Params, name: &'static str) -> Result<Option<Date>, Problem> {
    one(params, name)?
        .map(|text| {
            day(text).ok_or_else(|| {
                wrong(&format!(
                    "{name} is \"{text}\", and must be a day such as 2026-03-12."
                ))
            })
        })
        .transpose()
}

/// The beginning of a day, in UTC.
pub(in crate::console) fn midnight(day: Date) -> Timestamp {
    Timestamp::from_millis(day.midnight().assume_utc().unix_timestamp() * 1000)
}

fn per(params: &Params) -> Result<Option<u32>, Problem> {
    one(params, "per")?
        .map(|text| word_among("per", text, &PER_WORDS))
        .transpose()
}

const PER_WORDS: [(&str, u32); 3] = [("25", 25), ("50", 50), ("100", 100)];

fn view(params: &Params, layout: Layout) -> Result<View, Problem> {
    let (after, before) = (one(params, "after")?, one(params, "before")?);
    if after.is_some() && before.is_some() {
        return Err(wrong("Give after or before, not both."));
    }
    let descending = descends(params, "dir")?;
    let sort = one(params, "sort")?;
    let lost = || wrong("This page of the list cannot be found.");
    match layout {
        Layout::List => {
            let column = match sort {
                None => Order::NEWEST.column,
                Some(word) => word_among("sort", word, &COLUMNS)?,
            };
            let key = |text| Key::parse(text, column).ok_or_else(lost);
            let place = match (after, before) {
                (Some(text), _) => Place::After(key(text)?),
                (_, Some(text)) => Place::Before(key(text)?),
                (None, None) => Place::Start,
            };
            let order = Order {
                column,
                descending: descending.unwrap_or(column.usually_descends()),
            };
            Ok(View::List { order, place })
        }
        Layout::Groups(by) => {
            let column = match sort {
                None => GroupOrder::RECENT.column,
                Some(word) => word_among("sort", word, &GROUP_COLUMNS)?,
            };
            let key = |text| GroupKey::parse(text, column).ok_or_else(lost);
            let place = match (after, before) {
                (Some(text), _) => GroupPlace::After(key(text)?),
                (_, Some(text)) => GroupPlace::Before(key(text)?),
                (None, None) => GroupPlace::Start,
            };
            let order = GroupOrder {
                column,
                descending: descending.unwrap_or(column.usually_descends()),
            };
            Ok(View::Groups {
                by,
                order,
                place,
                open: open(params)?,
                rows: rows(params)?,
            })
        }
    }
}

fn descends(params: &Params, name: &'static str) -> Result<Option<bool>, Problem> {
    one(params, name)?
        .map(|word| word_among(name, word, &DIRECTIONS))
        .transpose()
}

/// The order of the rows in groups.
fn rows(params: &Params) -> Result<Order, Problem> {
    let column = match one(params, "rows")? {
        None => Order::NEWEST.column,
        Some(word) => word_among("rows", word, &COLUMNS)?,
    };
    let descending = descends(params, "rows_dir")?;
    Ok(Order {
        column,
        descending: descending.unwrap_or(column.usually_descends()),
    })
}

fn open(params: &Params) -> Result<Vec<Opened>, Problem> {
    let mut open = ids(params, "open", Opened::parse)?;
    open.dedup_by(|one, other| one.id == other.id);
    if open.len() > OPEN_LIMIT {
        return Err(wrong(&format!(
            "At most {OPEN_LIMIT} groups can be open at once."
        )));
    }
    Ok(open)
}

pub(super) fn direction(descending: bool, usual: bool) -> Option<(&'static str, String)> {
    (descending != usual).then(|| ("dir", word_for(&DIRECTIONS, descending).to_owned()))
}

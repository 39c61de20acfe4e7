//! What is asked before everything that matches is revoked.

use actix_web::HttpRequest;
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        fingerprint::Fingerprint,
        ids::ActId,
        role::{Principal, Reach},
    },
    flow::revoke_matching::{self, Matching},
    store::{
        self, Tx,
        connection_filter::{Filter, Statuses},
        connection_groups::{
            self, Group, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping, WithEmpty,
        },
        connection_list::{self, Counts, Order, Place},
    },
    web::{params::Params, problem::Problem, state::App},
};

use super::PATH;
use crate::console::{
    back::local_path,
    block,
    filter_words::{self, Names},
    number,
    query::{ListQuery, address},
    revoke::target,
    view::{Frame, RevokeTarget},
    visit::Visit,
};

/// How many of the connections a preview shows.
const SHOWN: u32 = 100;

/// How many clients and projects a preview shows.
const GROUPS_SHOWN: u32 = 10;

/// What someone wants to revoke.
pub(super) struct Asked {
    principal: Principal,
    query: ListQuery,
    reach: Reach,
    /// The page that asked, if it is not the list of what matches.
    back: Option<String>,
}

/// What matches.
pub(super) struct Preview {
    asked_at: Timestamp,
    action: String,
    back: String,
    fingerprint: Fingerprint,
    words: String,
    in_part: bool,
    /// Whether all of it is the reader's own.
    own: bool,
    statuses: Counts,
    clients: Vec<Tally>,
    projects: Vec<Tally>,
    targets: Vec<RevokeTarget>,
    block_href: Option<String>,
}

impl Asked {
    /// What the address asks for, within what this person may change.
    pub(super) fn parse(principal: &Principal, req: &HttpRequest) -> Result<Self, Problem> {
        let reach = principal.changes();
        if reach.is_empty() {
            return Err(Problem::not_found());
        }
        let params = Params::parse(req.query_string().as_bytes());
        let query = ListQuery::parse_strictly(&params, principal)?;
        Ok(Self {
            principal: principal.clone(),
            query,
            reach,
            back: params.one("back").ok().flatten().map(str::to_owned),
        })
    }

    /// The page to go back to: the list of what matches, unless another asked.
    pub(super) fn back(&self) -> String {
        match &self.back {
            Some(back) => local_path(Some(back)),
            None => self.query.href(),
        }
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        let mut pairs = self.query.pairs();
        pairs.extend(self.back.clone().map(|back| ("back", back)));
        address(PATH, &pairs)
    }

    /// What matched at the moment `at` and is still as it was.
    pub(super) async fn matching(&self, app: &App, at: Timestamp) -> Result<Matching, Problem> {
        let mut tx = app.db.snapshot().await?;
        Ok(revoke_matching::matching(&mut tx, &self.filter(app, at)).await?)
    }

    /// The filter in words.
    pub(super) async fn words(&self, app: &App, now: Timestamp) -> Result<String, Problem> {
        let mut tx = app.db.snapshot().await?;
        let names = self.names(&mut tx, app, now).await?;
        Ok(filter_words::words(&self.query, &names))
    }

    /// What matches now.
    pub(super) async fn preview(&self, app: &App, now: Timestamp) -> Result<Preview, Problem> {
        let mut tx = app.db.snapshot().await?;
        let filter = self.filter(app, now);
        let newest = Order::NEWEST;
        let rows = connection_list::page(&mut tx, &filter, newest, &Place::Start, SHOWN).await?;
        let names = self.names(&mut tx, app, now).await?;
        Ok(Preview {
            asked_at: now,
            action: self.action(),
            back: self.back(),
            fingerprint: revoke_matching::fingerprint(&mut tx, &filter).await?,
            words: filter_words::words(&self.query, &names),
            in_part: self.reach != self.principal.sees(),
            own: self.is_own(),
            statuses: wanted(
                connection_list::counts(&mut tx, &filter).await?,
                filter.statuses,
            ),
            clients: biggest(&mut tx, &filter, GroupBy::Client).await?,
            projects: biggest(&mut tx, &filter, GroupBy::Project).await?,
            targets: rows.iter().map(|row| target(row, now)).collect(),
            block_href: self.block_href(&mut tx, now).await?,
        })
    }

    /// Whether it asks for what this person has connected, and nothing else.
    fn is_own(&self) -> bool {
        let only_they = match &self.reach {
            Reach::Some { person, projects } if projects.is_empty() => person.as_ref(),
            _ => match self.query.people.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        };
        only_they.is_some() && only_they == self.principal.person.as_ref()
    }

    /// Where the only client that is asked for is blocked, if it is this person's to block.
    async fn block_href(&self, tx: &mut Tx, now: Timestamp) -> Result<Option<String>, Problem> {
        let [only] = self.query.clients.as_slice() else {
            return Ok(None);
        };
        let Some(client) = store::client::by_id(tx, only).await? else {
            return Ok(None);
        };
        let blocks = block::of_client(tx, &client, &self.principal, now).await?;
        Ok(block::href_for(&client, &blocks, &self.principal))
    }

    /// What is not revoked and matches at the moment `at`.
    fn filter(&self, app: &App, at: Timestamp) -> Filter {
        let cutoffs = app.rules.lifetimes.cutoffs(at);
        let filter = self.query.filter(self.reach.clone(), cutoffs, at);
        Filter {
            statuses: filter.statuses.unrevoked(),
            ..filter
        }
    }

    /// What the ids stand for, whether or not anything of theirs matches, within what this
    /// person may change.
    async fn names(&self, tx: &mut Tx, app: &App, at: Timestamp) -> Result<Names, Problem> {
        let cutoffs = app.rules.lifetimes.cutoffs(at);
        let everything = || Filter::all(self.reach.clone(), cutoffs);
        let projects = Filter {
            projects: self.query.projects.clone(),
            ..everything()
        };
        let people = Filter {
            people: self.query.people.clone(),
            ..everything()
        };
        let clients = Filter {
            clients: self.query.clients.clone(),
            ..everything()
        };
        Ok(Names {
            projects: named(tx, &projects, GroupBy::Project, projects.projects.len()).await?,
            people: named(tx, &people, GroupBy::Person, people.people.len()).await?,
            clients: named(tx, &clients, GroupBy::Client, clients.clients.len()).await?,
        })
    }
}

async fn named(
    tx: &mut Tx,
    filter: &Filter,
    by: GroupBy,
    count: usize,
) -> Result<Vec<Group>, Problem> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let limit = u32::try_from(count).unwrap_or(u32::MAX);
    Ok(connection_groups::page(tx, filter, &grouping(by), &GroupPlace::Start, limit).await?)
}

/// The groups with the most connections, and how many groups more there are.
async fn biggest(tx: &mut Tx, filter: &Filter, by: GroupBy) -> Result<Vec<Tally>, Problem> {
    let grouping = grouping(by);
    let start = GroupPlace::Start;
    let mut groups =
        connection_groups::page(tx, filter, &grouping, &start, GROUPS_SHOWN + 1).await?;
    let total = connection_groups::count(tx, filter, &grouping).await?;
    // "1 more" would take the line of the one.
    if total > i64::from(GROUPS_SHOWN) + 1 {
        groups.truncate(GROUPS_SHOWN as usize);
    }
    let others = total - groups.len() as i64;
    let shown = groups.into_iter().map(|group| Tally {
        name: group.name,
        count: number::grouped(group.wanted),
    });
    let mut tallies: Vec<_> = shown.collect();
    if others > 0 {
        tallies.push(Tally {
            name: format!("{} more", number::grouped(others)),
            count: String::new(),
        });
    }
    Ok(tallies)
}

const fn grouping(by: GroupBy) -> Grouping {
    Grouping {
        by,
        order: GroupOrder {
            column: GroupColumn::Connections,
            descending: true,
        },
        with_empty: WithEmpty::No,
    }
}

/// A part of what matches, and how many are in it.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    name: String,
    count: String,
}

/// The preview page.
#[derive(Debug, Template)]
#[template(path = "revoke_matching.html")]
pub(super) struct MatchingPage {
    frame: Frame,
    title: String,
    action: String,
    back: String,
    /// The filter in words.
    words: String,
    /// Whether others than this person may revoke match, too.
    in_part: bool,
    /// What this will and will not do.
    sentence: String,
    /// Where the reason is shown.
    rows: &'static str,
    /// How many there are, with thousands apart; `None` when nothing matches.
    total: Option<String>,
    /// By status, client and project.
    breakdown: Vec<(&'static str, Vec<Tally>)>,
    /// Which of them the table has.
    shown: String,
    targets: Vec<RevokeTarget>,
    block_href: Option<String>,
    act: String,
    at: i64,
    set: String,
    /// What was typed before, when the page is shown again.
    pub(super) reason: String,
    pub(super) typed: String,
    /// What the person must know before deciding again.
    pub(super) note: Option<String>,
    pub(super) faults: Faults,
}

/// What is wrong with what was typed, at each field.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) reason: Option<String>,
    pub(super) count: Option<String>,
}

impl Preview {
    /// The page that asks for an act.
    pub(super) fn page(self, visit: &Visit) -> MatchingPage {
        let count = self.fingerprint.count();
        let act: ActId = visit.app.secrets.new_id(visit.now);
        let statuses = [
            ("Active", self.statuses.active),
            ("Expired", self.statuses.expired),
        ];
        MatchingPage {
            frame: visit.frame(),
            title: match count {
                0 => "Nothing to revoke".to_owned(),
                count => format!("Revoke {}?", number::connections(count)),
            },
            action: self.action,
            back: self.back,
            words: self.words,
            in_part: self.in_part,
            sentence: sentence(count, &self.clients, self.own),
            rows: if count == 1 { "row" } else { "rows" },
            total: (count > 0).then(|| number::grouped(count)),
            breakdown: vec![
                ("Status", tallies(statuses)),
                ("MCP client", self.clients),
                ("Project", self.projects),
            ],
            shown: match count {
                1 => "This one".to_owned(),
                count if count > u64::from(SHOWN) => format!("The newest {SHOWN} of them"),
                _ => "All of them".to_owned(),
            },
            targets: self.targets,
            block_href: self.block_href,
            act: act.to_string(),
            at: self.asked_at.millis(),
            set: self.fingerprint.to_string(),
            reason: String::new(),
            typed: String::new(),
            note: None,
            faults: Faults::default(),
        }
    }
}

/// What revoking so many connections, of these clients, will and will not do.
fn sentence(count: u64, clients: &[Tally], own: bool) -> String {
    let who = if own { "you" } else { "people" };
    let only = match count {
        1 => "Only this connection is removed, at once.",
        _ => "Only these connections are removed, at once.",
    };
    match clients {
        [client] => format!(
            "{only} {} stays registered, and {who} can connect it again.",
            client.name
        ),
        _ => format!("{only} Their clients stay registered, and {who} can connect them again."),
    }
}

/// Of the counts, those of the statuses that are to be revoked.
fn wanted(counts: Counts, statuses: Statuses) -> Counts {
    let kept = |wanted, count| if wanted { count } else { 0 };
    Counts {
        active: kept(statuses.active, counts.active),
        expired: kept(statuses.expired, counts.expired),
        revoked: 0,
    }
}

fn tallies(statuses: [(&str, i64); 2]) -> Vec<Tally> {
    let present = statuses.into_iter().filter(|(_, count)| *count > 0);
    let tally = |(name, count): (&str, i64)| Tally {
        name: name.to_owned(),
        count: number::grouped(count),
    };
    present.map(tally).collect()
}

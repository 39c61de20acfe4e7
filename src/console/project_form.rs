//! The form in which a project is described: what was typed, and what is wrong with it.

use crate::{
    domain::{
        client::parse_name,
        project::{
            ManageUrl, Members, NAMES_LIMIT, OfferedScope, Project, SCOPES_LIMIT, Slug, repeated,
        },
        resource::Resource,
        role::PrincipalName,
    },
    flow::project::{Facts, NewProject},
    web::{params::Params, problem::Problem},
};

/// How many empty lines for scopes there are besides those that are filled in.
const SPARE: usize = 3;

/// What is wrong with names beside everyone: which of the two is meant, nobody can tell.
const BOTH: &str = "Everyone is chosen, and names stand here too: choose “Only these”, or take \
                    the names away.";

/// What stands in the form.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub name: String,
    pub slug: String,
    pub resource: String,
    /// Names, one a line.
    pub administrators: String,
    pub anyone: bool,
    /// The same for those who may connect.
    pub members: String,
    pub scopes: Vec<TypedScope>,
    /// How many of these are filled in: the first ones.
    pub filled: usize,
    pub manage_url: String,
    /// Whether more lines for scopes were asked for, and nothing else.
    pub more: bool,
}

/// A line for a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedScope {
    pub name: String,
    pub meaning: String,
    pub optional: bool,
}

/// What is wrong with each field; `None` when nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub resource: Option<String>,
    pub administrators: Option<String>,
    pub members: Option<String>,
    pub scopes: Option<String>,
    pub manage_url: Option<String>,
}

impl Typed {
    /// An empty form, with lines to fill in.
    pub fn empty() -> Self {
        Self {
            anyone: true,
            ..Self::default()
        }
        .with_spare_lines(0)
    }

    /// What is to be changed.
    pub fn of(project: &Project) -> Self {
        let lines = |names: &[PrincipalName]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            names.join("\n")
        };
        let scope = |scope: &OfferedScope| TypedScope {
            name: scope.name.to_string(),
            meaning: scope.description.clone(),
            optional: scope.optional,
        };
        let manage_url = project.manage_url.as_ref().map(ManageUrl::as_str);
        Self {
            name: project.name.clone(),
            slug: project.slug.to_string(),
            resource: project.resource.as_str().to_owned(),
            administrators: lines(&project.administrators),
            anyone: project.members == Members::Anyone,
            members: match &project.members {
                Members::Anyone => String::new(),
                Members::Only(names) => lines(names),
            },
            scopes: project.scopes.iter().map(scope).collect(),
            filled: 0,
            manage_url: manage_url.unwrap_or_default().to_owned(),
            more: false,
        }
        .with_spare_lines(0)
    }

    /// What was typed.
    ///
    /// # Errors
    /// When a field is there twice, which no form of ours sends.
    pub fn read(params: &Params) -> Result<Self, Problem> {
        let one = |name: &str| match params.one(name) {
            Ok(value) => Ok(value.unwrap_or_default().to_owned()),
            Err(error) => Err(Problem::bad_request(format!("{error}."))),
        };
        let more = !one("more")?.is_empty();
        let (mut scopes, mut lines) = (Vec::new(), 0);
        let has = |line: &usize| params.has(&format!("scope{line}"));
        for line in (0..).take_while(|line| *line < SCOPES_LIMIT || has(line)) {
            lines += usize::from(params.has(&format!("scope{line}")));
            let scope = TypedScope {
                name: one(&format!("scope{line}"))?,
                meaning: one(&format!("meaning{line}"))?,
                optional: !one(&format!("optional{line}"))?.is_empty(),
            };
            // Whoever asks for more has not written all yet: a tick may be the first of a line.
            let ticked = more && scope.optional;
            if ticked || !scope.name.is_empty() || !scope.meaning.is_empty() {
                scopes.push(scope);
            }
        }
        let typed = Self {
            name: one("name")?,
            slug: one("slug")?,
            resource: one("resource")?,
            administrators: one("administrators")?,
            anyone: one("who")? != "named",
            members: one("members")?,
            scopes,
            filled: 0,
            manage_url: one("manage_url")?,
            more,
        };
        // Whoever asks for more has seen those that were there, filled in or not.
        let lines = if typed.more { lines } else { 0 };
        Ok(typed.with_spare_lines(lines))
    }

    /// The same with some empty lines besides those that are filled in, or so many.
    fn with_spare_lines(mut self, besides: usize) -> Self {
        self.filled = self.scopes.len();
        let lines = self.filled.max(besides) + SPARE;
        self.scopes.resize_with(
            lines.min(SCOPES_LIMIT).max(self.filled),
            TypedScope::default,
        );
        self
    }

    /// Whether there are as many lines for scopes as a project can have.
    pub fn has_all_lines(&self) -> bool {
        self.scopes.len() >= SCOPES_LIMIT
    }

    /// What of a project this describes that can be changed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn facts(&self) -> Result<Facts, Box<Faults>> {
        let name = parse_name(&self.name).map_err(|error| sentence(&error));
        let administrators = names(&self.administrators);
        let members = self.parse_members();
        let scopes = self.parse_scopes();
        let manage_url = match self.manage_url.trim() {
            "" => Ok(None),
            url => ManageUrl::parse(url)
                .map(Some)
                .map_err(|error| format!("This cannot be the address of a page, because {error}.")),
        };
        match (name, administrators, members, scopes, manage_url) {
            (Ok(name), Ok(administrators), Ok(members), Ok(scopes), Ok(manage_url)) => Ok(Facts {
                name,
                scopes,
                administrators,
                members,
                manage_url,
            }),
            (name, administrators, members, scopes, manage_url) => Err(Box::new(Faults {
                name: name.err(),
                administrators: administrators.err(),
                members: members.err(),
                scopes: scopes.err(),
                manage_url: manage_url.err(),
                ..Faults::default()
            })),
        }
    }

    /// The new project that this describes. Without a slug it gets one like its name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new_project(&self) -> Result<NewProject, Box<Faults>> {
        let slug = match self.slug.trim() {
            "" => Slug::like(&self.name).ok_or_else(|| {
                "A slug is needed: nothing of the name can stand in an address.".to_owned()
            }),
            slug => Slug::parse_new(slug).map_err(|error| format!("{error}.")),
        };
        let resource = Resource::parse(self.resource.trim()).map_err(|error| {
            format!("This cannot be the address of an MCP server, because {error}.")
        });
        match (slug, resource, self.facts()) {
            (Ok(slug), Ok(resource), Ok(facts)) => Ok(NewProject {
                slug,
                resource,
                facts,
            }),
            (slug, resource, facts) => Err(Box::new(Faults {
                slug: slug.err(),
                resource: resource.err(),
                ..*facts.err().unwrap_or_default()
            })),
        }
    }

    fn parse_members(&self) -> Result<Members, String> {
        if self.anyone {
            return match self.members.trim() {
                "" => Ok(Members::Anyone),
                _ => Err(BOTH.to_owned()),
            };
        }
        match names(&self.members)? {
            names if names.is_empty() => {
                Err("Name at least one person or group, or choose everyone.".to_owned())
            }
            names => Ok(Members::Only(names)),
        }
    }

    fn parse_scopes(&self) -> Result<Vec<OfferedScope>, String> {
        let written = self
            .scopes
            .iter()
            .filter(|line| **line != TypedScope::default());
        let scopes = written.map(|line| {
            let scope = OfferedScope::parse(&line.name, &line.meaning, line.optional);
            scope.map_err(|error| match line.name.trim() {
                "" => format!("A scope with a meaning needs a name: {}.", line.meaning),
                name => format!("Scope {name}: {error}."),
            })
        });
        let scopes: Vec<_> = scopes.collect::<Result<_, _>>()?;
        match repeated(&scopes) {
            None => Ok(scopes),
            Some(twice) => Err(format!("The scope {twice} is there more than once.")),
        }
    }
}

/// People and groups, one a line or with commas between.
fn names(text: &str) -> Result<Vec<PrincipalName>, String> {
    let mut names = Vec::new();
    for name in text.split(['\n', ',']).map(str::trim) {
        if name.is_empty() {
            continue;
        }
        let name: PrincipalName = name.parse().map_err(|error| format!("{error}."))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > NAMES_LIMIT {
        return Err(format!(
            "These are {} names, and {NAMES_LIMIT} are the most: use a group.",
            names.len()
        ));
    }
    Ok(names)
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).chain(['.']).collect()
}

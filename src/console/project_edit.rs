//! Adding a project, and changing it while others may be changing it too.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    domain::{
        project::{Project, Slug},
        resource::Resource,
        role::Principal,
    },
    flow::{
        Context,
        project::{self as verbs, Edited, Facts, NewProject},
    },
    store::{self, audit::Entry},
    web::{form::Protected, problem::Problem, session::Flash, state::App},
};

use super::{
    credentials,
    meanwhile::{ChangeView, version},
    project::{self, path},
    project_form::{Faults, Typed},
    view::Frame,
    visit::Visit,
};

/// How many changes of others are told at most.
const CHANGES_SHOWN: i64 = 10;

/// The form, for a new project or one that is there.
#[derive(Debug, Template)]
#[template(path = "project_form.html")]
struct FormPage {
    frame: Frame,
    title: String,
    action: String,
    /// The project that is changed; `None` for a new one.
    edited: Option<EditedView>,
    typed: Typed,
    faults: Faults,
    /// What stands above the form when it comes back.
    note: Option<String>,
    /// What others have changed meanwhile, the latest first.
    changes: Vec<ChangeView>,
    /// Where Cancel leads.
    back: String,
}

#[derive(Debug)]
struct EditedView {
    slug: String,
    resource: String,
    version: i64,
}

/// `GET /projects/new`, for owners.
///
/// # Errors
/// A page, for everyone else.
pub async fn ask_new(visit: Visit) -> Result<HttpResponse, Problem> {
    may_add(&visit.principal)?;
    FormPage::new(visit.frame(), Typed::empty()).show(&visit)
}

/// `POST /projects`: adds a project, and shows its first credential.
///
/// # Errors
/// Like [`ask_new`].
pub async fn add(visit: Visit, form: Protected) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    may_add(&visit.principal)?;
    let typed = Typed::read(&params)?;
    if typed.more {
        return FormPage::new(visit.frame(), typed).show(&visit);
    }
    let new = match typed.new_project() {
        Ok(new) => new,
        Err(faults) => return FormPage::new(visit.frame(), typed).refused(&visit, *faults),
    };
    match insert(&visit.app, &visit.context(), &new).await? {
        Added::Done(project, made) => {
            tracing::info!(project.id = %project.id, "added a project");
            credentials::shown_once(&visit, &project, made)
        }
        Added::Before(slug) => {
            let said = format!(
                "{} has been added. The secret of its first introspection credential was shown \
                 then, and only once: if you have not kept it, make another one here.",
                new.facts.name
            );
            Ok(visit.go_on(&path(&slug), Flash::Done(said)))
        }
        Added::Taken(faults) => {
            FormPage::new(visit.frame(), typed).answer(&visit, StatusCode::CONFLICT, faults)
        }
    }
}

fn may_add(principal: &Principal) -> Result<(), Problem> {
    match principal.adds_projects() {
        true => Ok(()),
        false => Err(Problem::not_found()),
    }
}

/// What came of adding one.
enum Added {
    Done(Project, credentials::Made),
    /// The very same project is there: the form was sent twice.
    Before(Slug),
    Taken(Faults),
}

async fn insert(app: &App, context: &Context<'_>, new: &NewProject) -> store::Result<Added> {
    let mut tx = app.db.write().await?;
    match verbs::add(&mut tx, context, new.clone()).await {
        Ok((project, id, secret)) => {
            tx.commit().await?;
            Ok(Added::Done(project, credentials::Made { id, secret }))
        }
        Err(error) if error.is_duplicate() => {
            drop(tx);
            taken(app, new).await
        }
        Err(error) => Err(error),
    }
}

/// By which of them a new project is refused.
async fn taken(app: &App, new: &NewProject) -> store::Result<Added> {
    let mut tx = app.db.snapshot().await?;
    let by_slug = store::project::by_slug(&mut tx, &new.slug).await?;
    let by_resource = store::project::by_resource(&mut tx, &new.resource.key()).await?;
    if let Some(there) = &by_slug
        && there.resource == new.resource
        && Facts::of(there) == new.facts.clone().in_order()
    {
        return Ok(Added::Before(there.slug.clone()));
    }
    let slug = by_slug.map(|there| {
        format!(
            "The project {} has the slug {} already: take another.",
            there.name, there.slug
        )
    });
    let resource = by_resource.map(|there| {
        format!(
            "The project {} is at this address already ({}).",
            there.name,
            Resource::as_str(&there.resource)
        )
    });
    Ok(Added::Taken(Faults {
        slug,
        resource,
        ..Faults::default()
    }))
}

/// `GET /projects/{slug}/edit`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn ask(visit: Visit, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    let project = project::find(&mut tx, &visit.principal.changes(), &slug).await?;
    FormPage::of(visit.frame(), &project, Typed::of(&project)).show(&visit)
}

/// `POST /projects/{slug}/edit`.
///
/// # Errors
/// Like [`ask`].
pub async fn save(
    visit: Visit,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let there = project::changed(&visit, &slug).await?;
    let typed = Typed::read(&params)?;
    let seen = version(&params)?;
    if typed.more {
        return FormPage::of(visit.frame(), &there, typed)
            .seen(seen)
            .show(&visit);
    }
    let facts = match typed
        .facts()
        .and_then(|facts| keeps(&visit.principal, facts))
    {
        Ok(facts) => facts,
        Err(faults) => {
            let page = FormPage::of(visit.frame(), &there, typed).seen(seen);
            return page.refused(&visit, *faults);
        }
    };
    let mut tx = visit.app.db.write().await?;
    match verbs::save(&mut tx, &visit.context(), &there.slug, seen, facts).await? {
        Edited::NotThere | Edited::NotOffered(_) => Err(Problem::not_found()),
        Edited::Done(project) => {
            tx.commit().await?;
            let said = Flash::Done(format!("Saved {}.", project.name));
            Ok(visit.go_on(&path(&project.slug), said))
        }
        Edited::Otherwise(project) => {
            let since = project.version.saturating_sub(seen).clamp(1, CHANGES_SHOWN);
            let changes = store::audit::changes(&mut tx, &project.id, since).await?;
            FormPage::of(visit.frame(), &project, typed).changed(&visit, changes)
        }
    }
}

/// Who administers a project by its own list alone cannot leave it: nobody could give
/// it back to them but an owner.
fn keeps(principal: &Principal, facts: Facts) -> Result<Facts, Box<Faults>> {
    match principal.keeps_administering(&facts.administrators) {
        true => Ok(facts),
        false => Err(Box::new(Faults {
            administrators: Some(
                "You would lose this project: keep yourself, or a group of yours, among its \
                 administrators, or ask an owner."
                    .to_owned(),
            ),
            ..Faults::default()
        })),
    }
}

impl FormPage {
    fn new(frame: Frame, typed: Typed) -> Self {
        Self {
            frame,
            title: "Add a project".to_owned(),
            action: "/projects".to_owned(),
            edited: None,
            typed,
            faults: Faults::default(),
            note: None,
            changes: Vec::new(),
            back: "/projects".to_owned(),
        }
    }

    fn of(frame: Frame, project: &Project, typed: Typed) -> Self {
        Self {
            title: format!("Edit {}", project.name),
            action: format!("{}/edit", path(&project.slug)),
            edited: Some(EditedView {
                slug: project.slug.to_string(),
                resource: project.resource.as_str().to_owned(),
                version: project.version,
            }),
            back: path(&project.slug),
            ..Self::new(frame, typed)
        }
    }

    /// The same, still about the version that the person saw.
    fn seen(mut self, version: i64) -> Self {
        if let Some(edited) = &mut self.edited {
            edited.version = version;
        }
        self
    }

    fn show(self, visit: &Visit) -> Result<HttpResponse, Problem> {
        visit.page(StatusCode::OK, &self)
    }

    fn refused(self, visit: &Visit, faults: Faults) -> Result<HttpResponse, Problem> {
        self.answer(visit, StatusCode::BAD_REQUEST, faults)
    }

    fn answer(
        mut self,
        visit: &Visit,
        status: StatusCode,
        faults: Faults,
    ) -> Result<HttpResponse, Problem> {
        let what = if self.edited.is_some() {
            "saved"
        } else {
            "added"
        };
        self.note = Some(format!(
            "Nothing was {what}. Look at what is marked below; what you typed is kept."
        ));
        self.faults = faults;
        visit.page(status, &self)
    }

    fn changed(mut self, visit: &Visit, changes: Vec<Entry>) -> Result<HttpResponse, Problem> {
        self.note = Some(
            "This project was changed while you had it open. Nothing of yours was saved, and \
             what you typed is kept below. Saving it now replaces what is there."
                .to_owned(),
        );
        let view = |change: &Entry| {
            let what = change.detail.clone().unwrap_or_default();
            ChangeView::of(change, what, visit.now)
        };
        self.changes = changes.iter().map(view).collect();
        visit.page(StatusCode::CONFLICT, &self)
    }
}

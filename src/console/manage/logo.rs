//! The part of a client's form that is about its logo. A picture that was sent is drawn at
//! once, and goes back and forth in the form while there is something wrong with the rest:
//! browsers do not choose a file again by themselves.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    console::{logo, view::LogoView, visit::Visit},
    domain::{
        logo::{Logo, LogoChoice, Shape},
        picture::{Fault, Picture},
    },
    web::{params::Params, problem::Problem, upload::Sent},
};

use super::changed_project;

/// The first letter of the name, in forms.
const LETTER: &str = "letter";

/// The picture that the client has, or the one that was sent before.
const PICTURE: &str = "picture";

/// The field of that one.
pub const PICTURE_AGAIN: &str = "picture_again";

/// What is chosen in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedLogo {
    /// The word of the choice; empty when the form does not ask.
    word: String,
    /// The picture that was sent with the form, now or before.
    picture: Option<Picture>,
    /// What is wrong with the file.
    fault: Option<String>,
}

/// A logo to choose.
#[derive(Clone, Debug)]
pub struct LogoOption {
    pub word: &'static str,
    pub label: &'static str,
    /// `None` when the picture cannot be shown yet.
    pub view: Option<LogoView>,
    pub chosen: bool,
}

impl TypedLogo {
    /// What a form carries. Its picture is drawn if the person may change what belongs to
    /// the project.
    ///
    /// # Errors
    /// A page, when there is no such project for this person to change.
    pub async fn read(
        visit: &Visit,
        slug: &str,
        params: &Params,
        file: Sent,
    ) -> Result<Self, Problem> {
        let one = |name| params.one(name).ok().flatten().unwrap_or_default();
        let mut typed = Self {
            word: one("logo").to_owned(),
            ..Self::default()
        };
        let again = STANDARD.decode(one(PICTURE_AGAIN)).unwrap_or_default();
        if file == Sent::Nothing && again.is_empty() {
            return Ok(typed);
        }
        let mut tx = visit.app.db.snapshot().await?;
        changed_project(&mut tx, &visit.principal, slug).await?;
        drop(tx);
        match file {
            Sent::Nothing => {}
            Sent::TooLarge => typed.fault = Some(Fault::TooLarge.to_string()),
            Sent::File(file) => match logo::draw(&visit.app, file).await {
                Ok(picture) => {
                    typed.picture = Some(picture);
                    PICTURE.clone_into(&mut typed.word);
                }
                Err(fault) => typed.fault = Some(fault),
            },
        }
        if typed.picture.is_none() && !again.is_empty() {
            match logo::draw(&visit.app, again).await {
                Ok(picture) => typed.picture = Some(picture),
                Err(fault) => typed.fault = Some(fault),
            }
        }
        Ok(typed)
    }

    /// What a client has now.
    pub fn from_logo(logo: Option<&Logo>) -> Self {
        let word = match logo.map(Logo::shape) {
            None => LETTER,
            Some(None) => PICTURE,
            Some(Some(shape)) => shape.as_str(),
        };
        Self {
            word: word.to_owned(),
            ..Self::default()
        }
    }

    /// The logo that is meant.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn choice(&self) -> Result<LogoChoice, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        match (&*self.word, &self.picture) {
            (LETTER, _) => Ok(LogoChoice::Letter),
            (PICTURE, Some(picture)) => Ok(LogoChoice::Picture(picture.clone())),
            ("" | PICTURE, _) => Ok(LogoChoice::Same),
            (word, _) => match Shape::parse(word) {
                Some(shape) => Ok(LogoChoice::Shape(shape)),
                None => Err("Choose one of the logos below, or a picture.".to_owned()),
            },
        }
    }

    /// What there is to choose for a client that is shown like this.
    pub fn options(&self, now: &LogoView) -> Vec<LogoOption> {
        let option = |word, label, view| LogoOption {
            word,
            label,
            view,
            chosen: self.word == word,
        };
        let letter = LogoView {
            src: None,
            ..now.clone()
        };
        let shapes = Shape::ALL.into_iter().map(|shape| {
            let view = LogoView {
                src: Some(logo::file(shape).to_owned()),
                ..now.clone()
            };
            option(shape.as_str(), label(shape), Some(view))
        });
        let is_shape = |src: &&String| Shape::ALL.iter().any(|shape| logo::file(*shape) == **src);
        let own = now.src.as_ref().filter(|src| !is_shape(src));
        let picture = match (&self.picture, own) {
            (Some(_), _) => Some(option(PICTURE, "The picture that you chose", None)),
            (None, Some(_)) => Some(option(PICTURE, "Its picture", Some(now.clone()))),
            (None, None) => None,
        };
        let first = option(LETTER, "First letter", Some(letter));
        picture.into_iter().chain([first]).chain(shapes).collect()
    }

    /// The picture, for the form to send again.
    pub fn picture_again(&self) -> Option<String> {
        let picture = self.picture.as_ref();
        picture.map(|picture| STANDARD.encode(picture.png()))
    }
}

fn label(shape: Shape) -> &'static str {
    match shape {
        Shape::Terminal => "Terminal",
        Shape::Editor => "Editor",
        Shape::Chat => "Chat",
        Shape::Desktop => "Desktop app",
        Shape::Web => "Web app",
        Shape::Service => "Service",
    }
}

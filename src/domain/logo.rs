//! What people recognize a client by, besides its name. Only clients that someone of the
//! organization made have one: a picture that an app chose for itself would say nothing of
//! what it is, and much of what it wants to be taken for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::picture::Picture;

/// A drawing that comes with Untether. They are nobody's trademark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A prompt.
    Terminal,
    /// Angle brackets.
    Editor,
    /// A speech bubble.
    Chat,
    /// A window.
    Desktop,
    /// A globe.
    Web,
    /// A gear.
    Service,
}

impl Shape {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Terminal,
        Self::Editor,
        Self::Chat,
        Self::Desktop,
        Self::Web,
        Self::Service,
    ];

    /// The word kept in the database and used in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Editor => "editor",
            Self::Chat => "chat",
            Self::Desktop => "desktop",
            Self::Web => "web",
            Self::Service => "service",
        }
    }

    /// The shape of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == word)
    }
}

/// Bytes of the hash that is a picture's name: as many as a UUID has.
const HASH_BYTES: usize = 16;

/// The logo that a client has: one of the shapes, or a picture of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Logo(String);

impl Logo {
    /// The picture of this name; `None` when no picture can have it.
    pub fn of_picture(name: &str) -> Option<Self> {
        let hash = URL_SAFE_NO_PAD.decode(name).ok()?;
        (hash.len() == HASH_BYTES).then(|| Self(name.to_owned()))
    }

    /// As it is kept: the word for a shape, or 22 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shape, if it is one.
    pub fn shape(&self) -> Option<Shape> {
        Shape::parse(&self.0)
    }
}

impl From<Shape> for Logo {
    fn from(shape: Shape) -> Self {
        Self(shape.as_str().to_owned())
    }
}

impl From<&Picture> for Logo {
    fn from(picture: &Picture) -> Self {
        let hash = Sha256::digest(picture.png());
        Self(URL_SAFE_NO_PAD.encode(&hash[..HASH_BYTES]))
    }
}

/// What someone wants a client's logo to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogoChoice {
    /// As it is.
    #[default]
    Same,
    /// None.
    Letter,
    /// One of the shapes.
    Shape(Shape),
    /// This picture.
    Picture(Picture),
}

impl LogoChoice {
    /// The logo that a client then has which has this one now.
    pub fn instead_of(&self, now: Option<&Logo>) -> Option<Logo> {
        match self {
            Self::Same => now.cloned(),
            Self::Letter => None,
            Self::Shape(shape) => Some((*shape).into()),
            Self::Picture(picture) => Some(picture.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_told_from_a_picture_by_its_word() {
        for shape in Shape::ALL {
            assert_eq!(Logo::from(shape).shape(), Some(shape));
        }
        let picture = Picture::draw(include_bytes!("../../tests/app/pictures/small.png")).unwrap();
        let logo = Logo::from(&picture);
        assert_eq!((logo.as_str().len(), logo.shape()), (22, None));
        assert_eq!(Logo::of_picture(logo.as_str()), Some(logo));
        for other in [
            "",
            "terminal",
            "AAAAAAAAAAAAAAAAAAAAA\0",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(Logo::of_picture(other), None, "{other:?}");
        }
    }
}

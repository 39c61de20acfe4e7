//! The logos of clients: which there are to choose from, how they are shown, and the
//! pictures themselves.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::{Data, Path},
};

use crate::{
    domain::{
        logo::{Logo, Shape},
        picture::{Fault, Picture},
        role::Principal,
    },
    store,
    web::{assets, html, problem::Problem, state::App},
};

use super::view::LogoView;

/// How long someone waits for a picture to be drawn.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a picture may do when it is opened as a page: nothing.
const PICTURE_POLICY: &str = "default-src 'none'; sandbox";

/// `GET /logos/{name}`: a picture that someone gave to a client. Its name is a hash of it,
/// so that it never changes, and can only be known from a page that shows it: the consent
/// page, which shows every client to everyone, is one.
///
/// # Errors
/// A page, when no client has such a logo.
pub async fn show(
    app: Data<App>,
    _principal: Principal,
    req: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let logo = name.strip_suffix(".png").and_then(Logo::of_picture);
    let logo = logo.ok_or_else(Problem::not_found)?;
    let mut tx = app.db.snapshot().await?;
    let png = store::logo::picture(&mut tx, &logo).await?;
    let png = png.ok_or_else(Problem::not_found)?;
    let tag = EntityTag::new_strong(logo.as_str().to_owned());
    let known = html::is_known(&req, &tag);
    let mut response = match known {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header((
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ))
        .insert_header((header::CONTENT_SECURITY_POLICY, PICTURE_POLICY))
        .insert_header(("cross-origin-resource-policy", "same-origin"))
        .insert_header(header::ETag(tag))
        .content_type("image/png");
    Ok(match known {
        true => response.finish(),
        false => response.body(png),
    })
}

/// How a client is shown that has this name and this logo.
pub fn view(name: &str, logo: Option<&Logo>) -> LogoView {
    LogoView {
        letter: name.chars().take(1).flat_map(char::to_uppercase).collect(),
        src: logo.map(src),
    }
}

fn src(logo: &Logo) -> String {
    match logo.shape() {
        Some(shape) => file(shape).to_owned(),
        None => format!("/logos/{}.png", logo.as_str()),
    }
}

/// Where a shape is, and what it is called.
pub const fn file(shape: Shape) -> &'static str {
    match shape {
        Shape::Terminal => assets::TERMINAL_SVG,
        Shape::Editor => assets::EDITOR_SVG,
        Shape::Chat => assets::CHAT_SVG,
        Shape::Desktop => assets::DESKTOP_SVG,
        Shape::Web => assets::WEB_SVG,
        Shape::Service => assets::SERVICE_SVG,
    }
}

/// Draws the picture of a file, one at a time and on a thread of its own.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub async fn draw(app: &App, file: Vec<u8>) -> Result<Picture, String> {
    let right = app.drawings.clone();
    let drawing = async move {
        // Nobody closes it. The right is given back when the picture is drawn, even if
        // nobody waits for it any more.
        let right = right.acquire_owned().await;
        let drawing = tokio::task::spawn_blocking(move || {
            let _right = right;
            Picture::draw(&file)
        });
        // A decoder that panics has met a file that is no picture.
        drawing.await.unwrap_or(Err(Fault::Broken))
    };
    match tokio::time::timeout(PATIENCE, drawing).await {
        Ok(drawn) => drawn.map_err(|fault| fault.to_string()),
        Err(_) => Err("It takes too long to draw this picture. Choose a simpler one.".to_owned()),
    }
}

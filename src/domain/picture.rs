//! Pictures that people send, as small squares that Untether draws itself. Of what was
//! sent nothing is kept but what can be seen: no place, no time, no camera, no text, and
//! nothing that is a picture to one program and a script to another.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbaImage, imageops,
};

/// Width and height of a drawn picture, in pixels.
pub const SIDE: u32 = 64;

/// The most that is taken, in bytes: half of what nginx lets through if it is not told.
pub const UPLOAD_LIMIT: usize = 512 * 1024;

/// The most pixels in width and height, told from the head of a file.
pub const PIXEL_LIMIT: u32 = 2048;

/// The most memory that a decoder may take, in bytes: a picture of the largest size
/// with 16 bits a channel has 32 MB.
const MEMORY_LIMIT: u64 = 48 * 1024 * 1024;

/// How far into a file it is looked for what makes it an SVG, in bytes.
const SVG_HEAD: usize = 4096;

/// Why a file is no picture that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing is in it.
    #[error("The file is empty.")]
    Empty,
    /// It has more bytes than are taken.
    #[error("The file has more than 512 KB. A logo is shown small: 128 × 128 pixels are plenty.")]
    TooLarge,
    /// It is an SVG.
    #[error(
        "SVG is not taken, because such a file can do more than be looked at. Save the logo as \
         PNG, JPEG, GIF or WebP."
    )]
    Svg,
    /// It is something else.
    #[error("The file is not a PNG, JPEG, GIF or WebP picture, whatever its name says.")]
    Unknown,
    /// Its head announces more than is decoded.
    #[error("The picture has more than {0} × {0} pixels.", PIXEL_LIMIT)]
    TooManyPixels,
    /// It begins like a picture, and does not go on like one.
    #[error("The picture is damaged, or was cut off.")]
    Broken,
}

/// A square PNG of [`SIDE`] pixels that this program has drawn.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture(Vec<u8>);

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} bytes)", self.0.len())
    }
}

impl Picture {
    /// Draws what a file shows, of animations the first frame. It takes long for large
    /// ones, up to some tenths of a second: not for the threads that answer requests.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn draw(file: &[u8]) -> Result<Self, Fault> {
        if file.is_empty() {
            return Err(Fault::Empty);
        }
        if file.len() > UPLOAD_LIMIT {
            return Err(Fault::TooLarge);
        }
        let format = match image::guess_format(file) {
            Ok(
                format @ (ImageFormat::Png
                | ImageFormat::Jpeg
                | ImageFormat::Gif
                | ImageFormat::WebP),
            ) => format,
            _ if is_svg(file) => return Err(Fault::Svg),
            _ => return Err(Fault::Unknown),
        };
        // The decoder draws the rest of a JPEG that was cut off in grey.
        if format == ImageFormat::Jpeg && !is_whole_jpeg(file) {
            return Err(Fault::Broken);
        }
        let image = decode(file, format).map_err(|error| match error {
            ImageError::Limits(_) => Fault::TooManyPixels,
            _ => Fault::Broken,
        })?;
        let mut png = Vec::new();
        square(&image)
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .map_err(|_| Fault::Broken)?;
        Ok(Self(png))
    }

    /// The PNG.
    pub fn png(&self) -> &[u8] {
        &self.0
    }
}

/// The picture the right way up.
fn decode(file: &[u8], format: ImageFormat) -> Result<DynamicImage, ImageError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(PIXEL_LIMIT);
    limits.max_image_height = Some(PIXEL_LIMIT);
    limits.max_alloc = Some(MEMORY_LIMIT);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The whole picture in the middle of a square that can be seen through.
fn square(image: &DynamicImage) -> RgbaImage {
    let small = image.thumbnail(SIDE, SIDE).to_rgba8();
    let mut square = RgbaImage::new(SIDE, SIDE);
    let left = (SIDE - small.width()) / 2;
    let top = (SIDE - small.height()) / 2;
    imageops::replace(&mut square, &small, left.into(), top.into());
    square
}

fn is_svg(file: &[u8]) -> bool {
    let head = &file[..file.len().min(SVG_HEAD)];
    let mut words = head.windows(4);
    words.any(|word| word.eq_ignore_ascii_case(b"<svg"))
}

/// Whether a JPEG goes on until its end is marked (ITU-T T.81, annex B).
fn is_whole_jpeg(file: &[u8]) -> bool {
    const END: u8 = 0xd9;
    let mut at = 2;
    loop {
        // In what is drawn, the byte before a marker is followed by something else.
        while let Some([first, second]) = file.get(at..at + 2)
            && (*first != 0xff || matches!(second, 0x00 | 0xff | 0xd0..=0xd7))
        {
            at += 1;
        }
        let Some(marker) = file.get(at + 1) else {
            return false;
        };
        if *marker == END {
            return true;
        }
        let Some([high, low]) = file.get(at + 2..at + 4) else {
            return false;
        };
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
}

#[cfg(test)]
mod tests;

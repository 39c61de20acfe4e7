use super::*;

const SMALL: &[u8] = include_bytes!("../../../tests/app/pictures/small.png");
const LARGEST: &[u8] = include_bytes!("../../../tests/app/pictures/largest.png");
const DEEP: &[u8] = include_bytes!("../../../tests/app/pictures/deep.png");
const BOMB: &[u8] = include_bytes!("../../../tests/app/pictures/bomb.png");
const PROFILE: &[u8] = include_bytes!("../../../tests/app/pictures/profile.png");
const PLACED: &[u8] = include_bytes!("../../../tests/app/pictures/placed.jpg");
const CMYK: &[u8] = include_bytes!("../../../tests/app/pictures/cmyk.jpg");
const GREY: &[u8] = include_bytes!("../../../tests/app/pictures/grey.jpg");
const ANIMATED_GIF: &[u8] = include_bytes!("../../../tests/app/pictures/animated.gif");
const ANIMATED_WEBP: &[u8] = include_bytes!("../../../tests/app/pictures/animated.webp");
const STILL_WEBP: &[u8] = include_bytes!("../../../tests/app/pictures/still.webp");

/// What was drawn, decoded again.
fn drawn(file: &[u8]) -> RgbaImage {
    let picture = Picture::draw(file).unwrap();
    assert!(picture.png().len() <= 20 * 1024, "{}", picture.png().len());
    let image = image::load_from_memory_with_format(picture.png(), ImageFormat::Png).unwrap();
    assert_eq!((image.width(), image.height()), (SIDE, SIDE));
    image.to_rgba8()
}

fn is_red(image: &RgbaImage, x: u32, y: u32) -> bool {
    let [red, green, blue, alpha] = image.get_pixel(x, y).0;
    red > 180 && green < 60 && blue < 60 && alpha == 255
}

#[test]
fn every_kind_of_picture_becomes_a_small_square() {
    for file in [
        SMALL,
        DEEP,
        PLACED,
        CMYK,
        GREY,
        ANIMATED_GIF,
        ANIMATED_WEBP,
        STILL_WEBP,
        LARGEST,
    ] {
        drawn(file);
    }
}

#[test]
fn a_picture_that_is_no_square_stands_in_the_middle_of_one_and_stays_transparent() {
    let image = drawn(SMALL);
    for (x, y) in [(0, 0), (32, 8), (32, 56), (2, 32)] {
        assert_eq!(image.get_pixel(x, y).0[3], 0, "{x} {y}");
    }
    assert!(is_red(&image, 32, 32));
}

#[test]
fn of_an_animation_the_first_frame_is_drawn() {
    for file in [ANIMATED_GIF, ANIMATED_WEBP] {
        assert!(is_red(&drawn(file), 32, 32));
    }
}

#[test]
fn the_inks_of_print_are_drawn_as_the_colours_that_they_mean() {
    assert!(is_red(&drawn(CMYK), 32, 32));
}

#[test]
fn a_picture_that_lies_on_its_side_is_set_upright() {
    let image = drawn(PLACED);
    assert!(is_red(&image, 32, 10) && !is_red(&image, 32, 54));
    assert_eq!(image.get_pixel(2, 32).0[3], 0);
}

#[test]
fn nothing_but_what_is_seen_survives() {
    let has = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|found| found == word);
    for word in [
        &b"Exif"[..],
        b"SECRET-PLACE",
        b"SECRET-COMMENT",
        b"2026:01:02",
    ] {
        assert!(has(PLACED, word), "the file tells nothing");
        let picture = Picture::draw(PLACED).unwrap();
        assert!(!has(picture.png(), word), "{word:?}");
    }
    let script = b"<script>alert(1)</script>PK\x03\x04";
    for file in [SMALL, PLACED, ANIMATED_GIF, STILL_WEBP] {
        let both = [file, script].concat();
        let picture = Picture::draw(&both).unwrap();
        assert_eq!(picture, Picture::draw(file).unwrap());
        assert!(!has(picture.png(), b"script"));
    }
}

#[test]
fn what_would_grow_beyond_measure_is_refused_by_its_head() {
    let start = std::time::Instant::now();
    assert_eq!(Picture::draw(BOMB), Err(Fault::TooManyPixels));
    let mut wide = ANIMATED_GIF.to_vec();
    wide[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(Picture::draw(&wide), Err(Fault::TooManyPixels));
    let mut high = GREY.to_vec();
    let size = high.windows(2).position(|marker| marker == [0xff, 0xc2]);
    let size = size.unwrap() + 5;
    high[size..size + 4].copy_from_slice(&[0xff; 4]);
    assert_eq!(Picture::draw(&high), Err(Fault::TooManyPixels));
    // A colour profile of 60 MB in 58 KB is not unpacked.
    let _ = Picture::draw(PROFILE);
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn a_picture_that_was_cut_off_is_no_picture_wherever_the_cut_is() {
    for file in [SMALL, DEEP, PLACED, CMYK, GREY, STILL_WEBP] {
        // Of a PNG, the mark of the end may be missing, and of a WebP a byte that fills up.
        for length in 12..file.len() - 16 {
            let fault = Picture::draw(&file[..length]);
            assert!(fault.is_err(), "{length} of {}", file.len());
        }
    }
}

#[test]
fn what_is_no_picture_is_told_apart() {
    let svg = br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>"#;
    let large = vec![0; UPLOAD_LIMIT + 1];
    for (file, fault) in [
        (&b""[..], Fault::Empty),
        (&large, Fault::TooLarge),
        (svg, Fault::Svg),
        (b"\xef\xbb\xbf \n<SVG onload='x'>", Fault::Svg),
        (b"<html>", Fault::Unknown),
        (b"BM\x00\x00", Fault::Unknown),
        (b"\x00\x00\x01\x00", Fault::Unknown),
        (b"\x89PNG\r\n\x1a\n", Fault::Broken),
        (b"\x89PNG\r\n\x1a\n<svg>", Fault::Broken),
        (b"GIF89a", Fault::Broken),
        (b"\xff\xd8\xff\xd9", Fault::Broken),
        (b"\xff\xd8\xff\xe0\xff\xff", Fault::Broken),
    ] {
        assert_eq!(Picture::draw(file), Err(fault), "{file:?}");
    }
}

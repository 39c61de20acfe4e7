//! Names, compresses and lists the files of `static/`, so that the program serves
//! them from memory, forever cacheable and without compressing anything at run time.
//!
//! Each file becomes `name.<hash>.ext` with `.br` and `.gz` beside it in
//! `$OUT_DIR/static/`; `$OUT_DIR/assets.rs` holds one URL constant per file.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use brotlic::{CompressionMode, Quality, WindowSize};
use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=static");

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let served = out.join("static");
    fs::create_dir_all(&served)?;

    let mut sources: Vec<PathBuf> = fs::read_dir("static")?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<_>>()?;
    sources.sort();

    let mut constants = String::new();
    let mut kept = BTreeSet::new();
    for source in sources {
        let Some((stem, extension)) = web_file(&source) else {
            continue;
        };
        let mut bytes = fs::read(&source)?;
        if extension == "css" {
            bytes = tidy_css(&String::from_utf8(bytes).expect("style sheets are UTF-8")).into();
        }
        let hash: String = Sha256::digest(&bytes)[..5]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let name = format!("{stem}.{hash}.{extension}");
        let constant = format!("{stem}_{extension}")
            .to_uppercase()
            .replace(['.', '-'], "_");
        constants.push_str(&format!(
            "/// URL of `static/{stem}.{extension}`.\npub const {constant}: &str = \"/static/{name}\";\n"
        ));
        write_new(&served.join(&name), || Ok(bytes.clone()))?;
        write_new(&served.join(format!("{name}.br")), || brotli(&bytes))?;
        write_new(&served.join(format!("{name}.gz")), || gzip(&bytes))?;
        kept.extend([name.clone(), format!("{name}.br"), format!("{name}.gz")]);
    }
    // What an earlier build left must not be embedded.
    for entry in fs::read_dir(&served)? {
        let entry = entry?;
        if !kept.contains(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    fs::write(out.join("assets.rs"), constants)
}

/// Stem and extension of a file that browsers load; `None` for licence notes and the like.
fn web_file(path: &Path) -> Option<(String, String)> {
    let extension = path.extension()?.to_str()?;
    ["css", "js", "svg"]
        .contains(&extension)
        .then(|| Some((path.file_stem()?.to_str()?.to_owned(), extension.to_owned())))?
}

/// The same rules without comments, indentation and empty lines, and without spaces where
/// nothing needs them. Elsewhere line ends stay: a selector may need them as a space. Text in
/// quotes is left alone.
fn tidy_css(css: &str) -> String {
    let mut bare = String::with_capacity(css.len());
    let mut quote = None;
    let mut rest = css;
    while let Some(c) = rest.chars().next() {
        if quote.is_none() && rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
            continue;
        }
        match quote {
            Some(open) if open == c => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '{' || c == '}' => bare.truncate(bare.trim_end().len()),
            None if c.is_whitespace() && bare.ends_with(['{', '}', ';', ':', ',']) => {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            _ => {}
        }
        bare.push(c);
        rest = &rest[c.len_utf8()..];
    }
    let lines: Vec<&str> = bare
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// Writes a file whose name already tells its content, unless it is there: brotli at its
/// highest quality takes seconds in an unoptimized build script.
fn write_new(path: &Path, content: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    // Renamed into place, so that an interrupted build leaves no half-written file.
    let partial = path.with_extension("partial");
    fs::write(&partial, content()?)?;
    fs::rename(partial, path)
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let quality = Quality::best();
    let mut out = vec![0; brotlic::compress_bound(bytes.len(), quality).unwrap_or_default()];
    let window = WindowSize::default();
    let size = brotlic::compress(bytes, &mut out, quality, window, CompressionMode::Text)?;
    out.truncate(size);
    Ok(out)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

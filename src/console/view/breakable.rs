//! Long words that may go on in the next line where a reader would break them.

use std::fmt;

use askama::filters::{Escaper, Html, HtmlSafe};

/// A connection's name, which may go on in the next line after its `#`, or an e-mail, before
/// its `@`, as HTML: browsers would break them anywhere.
pub fn breakable(text: &str) -> impl HtmlSafe {
    Breakable(text)
}

struct Breakable<'a>(&'a str);

impl HtmlSafe for Breakable<'_> {}

impl fmt::Display for Breakable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, part) in self.0.split_inclusive('#').enumerate() {
            f.write_str(if n == 0 { "" } else { "<wbr>" })?;
            for (n, piece) in part.split('@').enumerate() {
                f.write_str(if n == 0 { "" } else { "<wbr>@" })?;
                Html.write_escaped_str(&mut *f, piece)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_after_a_number_sign_and_before_an_at_sign_and_nothing_is_markup() {
        for (text, html) in [
            ("", ""),
            ("Cursor#brave-otter", "Cursor#<wbr>brave-otter"),
            ("C# & F##x", "C#<wbr> &#38; F#<wbr>#<wbr>x"),
            ("ana@acme.example", "ana<wbr>@acme.example"),
            ("@#@", "<wbr>@#<wbr><wbr>@"),
            ("<wbr>\"'", "&#60;wbr&#62;&#34;&#39;"),
        ] {
            assert_eq!(breakable(text).to_string(), html);
        }
    }
}

//! Private-use URI schemes (RFC 8252 §7.1): how an app on the person's own machine can
//! be sent an answer when it cannot listen on a loopback port. Any app can claim any of
//! them, so only those on a list are accepted.

/// Those of well-known hosts.
const KNOWN: [&str; 6] = [
    "cursor",
    "claude",
    "vscode",
    "vscode-insiders",
    "windsurf",
    "zed",
];

/// Schemes with a meaning of their own, to which an answer must never go.
const TAKEN: [&str; 14] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "javascript",
    "mailto",
    "vbscript",
    "ws",
    "wss",
];

/// The private-use schemes that redirect URIs may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateSchemes(Vec<String>);

impl Default for PrivateSchemes {
    /// Those of well-known hosts: Cursor, Claude, VS Code, Windsurf and Zed.
    fn default() -> Self {
        Self(KNOWN.map(str::to_owned).to_vec())
    }
}

impl PrivateSchemes {
    /// No scheme at all.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// These schemes.
    pub const fn of(schemes: Vec<String>) -> Self {
        Self(schemes)
    }

    /// A scheme as it may stand in the list, without its colon, in lower case.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<String, String> {
        let scheme = text.to_ascii_lowercase();
        let spelled = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !spelled {
            return Err(format!(
                "{text:?} is not a scheme such as cursor, without ://"
            ));
        }
        if TAKEN.contains(&scheme.as_str()) {
            return Err(format!("{text:?} is no app's own scheme"));
        }
        Ok(scheme)
    }

    /// Whether a scheme, however spelled, is one of them.
    pub fn contain(&self, scheme: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_a_name_that_is_not_taken() {
        for text in ["cursor", "VSCode-Insiders", "com.example.app"] {
            assert_eq!(PrivateSchemes::parse(text), Ok(text.to_ascii_lowercase()));
        }
        for text in ["", "cursor:", "cursor://", "1app", "a b", "-a", "é"] {
            assert!(PrivateSchemes::parse(text).is_err(), "{text:?}");
        }
        for text in TAKEN {
            let spelled = text.to_ascii_uppercase();
            assert!(PrivateSchemes::parse(&spelled).is_err(), "{spelled}");
        }
    }

    #[test]
    fn only_listed_schemes_are_accepted_in_any_spelling() {
        let schemes = PrivateSchemes::of(vec!["zed".to_owned()]);
        assert!(schemes.contain("zed") && schemes.contain("ZED"));
        assert!(!schemes.contain("cursor") && PrivateSchemes::default().contain("cursor"));
        assert!(!PrivateSchemes::none().contain("zed"));
    }
}

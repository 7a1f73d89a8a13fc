//! Addresses and names that a person configures: the bank's URLs, the redirect, the client id, who may do what.
//!
//! Each keeps the text it was written as, since the bank compares the redirect URL letter by letter.

use reqwest::Url;
use toml::de::DeValue;

use super::value::{Setting, quoted};

/// An address of the bank: https, or plain http on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankUrl {
    text: String,
    url: Url,
}

impl BankUrl {
    /// Parses an address of the bank, or says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text)
            .map_err(|_| "expected an address such as \"https://api.monzo.com\"".to_owned())?;
        bare(&url)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(
                    "must begin with https://: http:// is only for a bank on this machine (127.0.0.1)".into(),
                );
            }
            _ => return Err("must begin with https://".into()),
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// Returns the parsed address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the address as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the address is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

/// Where the bank sends the browser back to: a page on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUrl {
    text: String,
    url: Url,
    port: u16,
}

impl RedirectUrl {
    /// Parses a redirect address, or says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = "such as \"http://localhost:21853/oauth/callback\"";
        let url = Url::parse(text).map_err(|_| format!("expected an address on this machine, {wanted}"))?;
        bare(&url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("must begin with http:// or https://, {wanted}"));
        }
        if !matches!(url.host_str(), Some("localhost" | "127.0.0.1")) {
            return Err(format!("must be on this machine, localhost or 127.0.0.1, {wanted}"));
        }
        // `Url::port` hides a port that is the scheme's own, so a written `:80` counts as none; such a port could
        // not be bound by an unprivileged daemon anyway.
        let port = url.port().filter(|port| *port != 0).ok_or_else(|| format!("needs a port, {wanted}"))?;
        if url.path() == "/" {
            return Err(format!("needs a path, {wanted}"));
        }
        Ok(Self { text: text.to_owned(), url, port })
    }

    /// Returns the address as it was written, which is what the bank compares.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the port to listen on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path that the browser asks for.
    pub fn path(&self) -> &str {
        self.url.path()
    }
}

fn bare(url: &Url) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a `?` or `#` part".into());
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The id of the OAuth client made at Monzo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// Parses a client id, or says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tail = text.strip_prefix("oauth2client_").filter(|tail| !tail.is_empty());
        match tail {
            Some(tail) if tail.len() <= 100 && tail.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                Ok(Self(text.to_owned()))
            }
            _ => {
                Err("expected the client's id as Monzo's developer site shows it: \"oauth2client_\u{2026}\""
                    .into())
            }
        }
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who a role is given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A user of this machine, by name or number.
    User(String),
    /// A group of this machine, by name or number.
    Group(String),
}

impl Principal {
    /// Parses `name` or `@group`, or says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (group, name) = text.strip_prefix('@').map_or((false, text), |name| (true, name));
        let sound = |b: u8| b.is_ascii_alphanumeric() || b"_-.$".contains(&b);
        if name.is_empty() || name.len() > 32 || name.starts_with('-') || !name.bytes().all(sound) {
            return Err("expected a user's name such as \"alice\", or a group's such as \"@monzod\"".into());
        }
        Ok(if group { Self::Group(name.to_owned()) } else { Self::User(name.to_owned()) })
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => f.write_str(name),
            Self::Group(name) => write!(f, "@{name}"),
        }
    }
}

macro_rules! setting_by_text {
    ($type:ty, $print:expr) => {
        impl Setting for $type {
            fn read(value: &DeValue<'_>) -> Result<Self, String> {
                Self::parse(&String::read(value)?)
            }
            fn print(&self) -> String {
                quoted($print(self).as_ref())
            }
        }
    };
}

setting_by_text!(BankUrl, BankUrl::as_str);
setting_by_text!(RedirectUrl, RedirectUrl::as_str);
setting_by_text!(ClientId, ClientId::as_str);
setting_by_text!(Principal, Principal::to_string);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bank_is_reached_by_https_or_on_this_machine() {
        for right in
            ["https://api.monzo.com", "http://127.0.0.1:8080", "http://[::1]:80/x", "http://localhost:1"]
        {
            assert_eq!(BankUrl::parse(right).map(|url| url.as_str().to_owned()), Ok(right.to_owned()));
        }
        for (wrong, why) in [
            ("http://api.monzo.com", "https://"),
            ("ftp://127.0.0.1", "https://"),
            ("api.monzo.com", "such as"),
            ("https://me:hunter2@api.monzo.com", "password"),
            ("https://api.monzo.com?x=1", "`?`"),
            ("http://localhost.example.com", "https://"),
            ("http://127.0.0.1.example.com", "https://"),
        ] {
            let refusal = BankUrl::parse(wrong).expect_err(wrong);
            assert!(refusal.contains(why), "{wrong}: {refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn the_redirect_is_a_page_on_this_machine_with_port_and_path() {
        let url = RedirectUrl::parse("http://localhost:21853/oauth/callback").expect("the default");
        assert_eq!((url.port(), url.path()), (21_853, "/oauth/callback"));
        for (wrong, why) in [
            ("http://localhost/oauth/callback", "port"),
            ("http://localhost:0/oauth", "port"),
            ("http://localhost:21853", "path"),
            ("http://example.com:21853/x", "this machine"),
            ("monzod://callback", "http://"),
            ("http://localhost:1/x?state=1", "`?`"),
        ] {
            let refusal = RedirectUrl::parse(wrong).expect_err(wrong);
            assert!(refusal.contains(why), "{wrong}: {refusal}");
        }
    }

    #[test]
    fn a_client_id_has_the_shape_that_monzo_gives() {
        assert!(ClientId::parse("oauth2client_00009PtmA7IRbNmX6PsWKz").is_ok());
        for wrong in ["oauth2client_", "mnzconf.abc", "oauth2client_a b", "00009PtmA7IRbNmX6PsWKz"] {
            assert!(ClientId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn roles_are_given_to_users_and_groups() {
        assert_eq!(Principal::parse("alice"), Ok(Principal::User("alice".into())));
        assert_eq!(Principal::parse("@monzod"), Ok(Principal::Group("monzod".into())));
        assert_eq!(Principal::parse("@monzod").map(|who| who.to_string()), Ok("@monzod".into()));
        for wrong in ["", "@", "-x", "a b", "root;", "@@x"] {
            assert!(Principal::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! The page where a person signs in: `auth.monzo.com`, as far as a client sees it
//! (monzo/README.md, Clients and sign-in).

use form_urlencoded::{Serializer, parse};

use crate::bank::{Answer, Bank};

/// Why there is no sign-in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// An argument is absent or unknown.
    #[error("the address to sign in at has no good `{0}`")]
    Argument(&'static str),
    /// Nobody has this name.
    #[error("there is no user `{0}`; there are `ada` and `sam`")]
    User(String),
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    redirect: String,
    state: Option<String>,
}

impl Bank {
    /// Signs `user` in at the address that a client opened, and answers with the address to go back to.
    ///
    /// With `error`, the person refuses: `access_denied`.
    ///
    /// # Errors
    /// [`SignInError`], which the page would show.
    pub fn sign_in(
        &mut self,
        address: &str,
        user: Option<&str>,
        error: Option<&str>,
    ) -> Result<String, SignInError> {
        let query = address.split_once('?').map_or(address, |(_, query)| query);
        let asked = self.read(query.split('#').next().unwrap_or_default())?;
        let user = self.user(user.unwrap_or("ada"))?;
        let mut answer = Serializer::new(String::new());
        match error {
            Some(error) => answer.append_pair("error", error),
            None => answer.append_pair("code", &self.give_code(user, &asked.redirect)),
        };
        if let Some(state) = &asked.state {
            answer.append_pair("state", state);
        }
        let join = if asked.redirect.contains('?') { '&' } else { '?' };
        Ok(format!("{}{join}{}", asked.redirect, answer.finish()))
    }

    /// Signs `user` in, trades the code and approves, all at once; answers with the access token.
    ///
    /// # Errors
    /// When nobody has this name.
    pub fn log_in_approved(&mut self, user: &str) -> Result<String, SignInError> {
        let user = self.user(user)?;
        let access = self.log_in(user);
        self.approve();
        Ok(access)
    }

    /// The page that shows a button.
    pub fn sign_in_page(&self, query: &str) -> Answer {
        match self.read(query) {
            Ok(_) => {
                let link = |extra: &str, words: &str| {
                    format!("<p><a href=\"/sign-in?{}{extra}\">{words}</a></p>", escape(query))
                };
                let page = format!(
                    "<!doctype html><title>Sign in</title><h1>The simulated bank</h1>\
                     <p>A client asks for access. Then approve it: <code>POST /sandbox/approve</code>.</p>{}{}{}",
                    link("", "Sign in"),
                    link("&amp;user=sam", "Sign in as Sam"),
                    link("&amp;error=access_denied", "Refuse")
                );
                Answer::html(200, page)
            }
            Err(error) => Answer::html(
                400,
                format!("<!doctype html><title>Sign in</title><p>{}</p>", escape(&error.to_string())),
            ),
        }
    }

    /// What the button leads to.
    pub fn sign_in_pressed(&mut self, query: &str) -> Answer {
        let value = |key: &str| {
            parse(query.as_bytes()).find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
        };
        match self.sign_in(query, value("user").as_deref(), value("error").as_deref()) {
            Ok(location) => Answer { location: Some(location), ..Answer::html(302, "") },
            Err(error) => Answer::html(400, escape(&error.to_string())),
        }
    }

    fn read(&self, query: &str) -> Result<Asked, SignInError> {
        let value = |key: &'static str| {
            let found =
                parse(query.as_bytes()).find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
            found.filter(|value| !value.is_empty()).ok_or(SignInError::Argument(key))
        };
        if value("client_id")? != self.settings.client_id {
            return Err(SignInError::Argument("client_id"));
        }
        if value("response_type")? != "code" {
            return Err(SignInError::Argument("response_type"));
        }
        let redirect = value("redirect_uri")?;
        let registered = &self.settings.redirect_urls;
        if !registered.is_empty() && !registered.contains(&redirect) {
            return Err(SignInError::Argument("redirect_uri"));
        }
        Ok(Asked { redirect, state: value("state").ok() })
    }

    /// A user by first name or id.
    fn user(&self, name: &str) -> Result<usize, SignInError> {
        let named =
            |user: &crate::bank::world::User| user.id == name || user.first_name.eq_ignore_ascii_case(name);
        self.world.users.iter().position(named).ok_or_else(|| SignInError::User(name.to_owned()))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::Settings;

    fn bank() -> Bank {
        Bank::new(Settings::minimal("2026-11-24T12:00:00Z".parse().expect("an instant")))
    }

    fn address(client: &str) -> String {
        format!(
            "http://127.0.0.1:1/?client_id={client}&response_type=code&state=x%2Fy&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcb"
        )
    }

    #[test]
    fn signing_in_leads_back_with_a_code_and_the_state() {
        let back = bank().sign_in(&address(crate::bank::CLIENT_ID), None, None).expect("signed in");
        assert!(
            back.starts_with("http://localhost:9/cb?code=code_") && back.ends_with("&state=x%2Fy"),
            "{back}"
        );
    }

    #[test]
    fn refusing_leads_back_with_an_error() {
        let refused = Some("access_denied");
        let back = bank().sign_in(&address(crate::bank::CLIENT_ID), None, refused).expect("led back");
        assert_eq!(back, "http://localhost:9/cb?error=access_denied&state=x%2Fy");
    }

    #[test]
    fn a_stranger_client_sees_an_error_and_no_link() {
        let mut bank = bank();
        let address = address("oauth2client_other");
        assert_eq!(bank.sign_in(&address, None, None), Err(SignInError::Argument("client_id")));
        let page = bank.sign_in_page(&address);
        assert_eq!(page.status, 400);
        assert!(!String::from_utf8_lossy(&page.body).contains("href"));
    }
}

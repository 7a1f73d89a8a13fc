//! `POST /feed`, and `PATCH /transactions/{id}` (monzo/README.md, The feed).

use serde_json::json;

use super::Bank;
use super::message::{Refusal, Reply, Request};
use super::oauth::Caller;

/// An item of the app's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// In the feed of this account.
    pub account_id: String,
    /// What it says in bold.
    pub title: String,
    /// What it says below.
    pub body: String,
    /// Where it leads.
    pub url: String,
}

impl Bank {
    /// `POST /feed`: no id, and no key that would keep a repeat from showing twice.
    pub(super) fn post_feed(&mut self, caller: Caller, request: &Request) -> Reply {
        let required = |field: &str| request.given(field).ok_or_else(|| Refusal::missing(field));
        let account_id = required("account_id")?;
        self.account_of(caller, account_id)?;
        if required("type")? != "basic" {
            return Err(Refusal::bad("type", "must be basic"));
        }
        let title = required("params[title]")?;
        required("params[image_url]")?;
        let text = |field: &str| request.given(field).unwrap_or_default().to_owned();
        let item = Item {
            account_id: account_id.to_owned(),
            title: title.to_owned(),
            body: text("params[body]"),
            url: text("url"),
        };
        self.feed.push(item);
        Ok(json!({}))
    }

    /// `PATCH /transactions/{id}`: an empty value deletes, `notes` sets the person's note.
    pub(super) fn annotate(&mut self, caller: Caller, id: &str, request: &Request) -> Reply {
        let row = self.row_of(caller, id)?;
        let now = self.now;
        let line = &mut self.world.rows[row];
        for (key, value) in &request.form {
            let Some(key) = key.strip_prefix("metadata[").and_then(|key| key.strip_suffix(']')) else {
                continue;
            };
            if key == "notes" {
                line.notes = Some(value.as_str().into());
                continue;
            }
            let own = line.own.get_or_insert_default();
            own.retain(|(known, _)| known != key);
            if !value.is_empty() {
                own.push((key.to_owned(), value.clone()));
            }
        }
        line.updated = line.updated.max(now);
        Ok(json!({"transaction": self.world.render(row, request.expands_merchants())}))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Till, refused};
    use super::super::message::{Method, Request};

    #[test]
    fn a_feed_item_needs_its_title_and_picture_and_a_repeat_shows_twice() {
        let mut till = Till::small();
        let account = till.bank.world.accounts[0].id.clone();
        let bare =
            Request::new(Method::Post, "/feed").bearer(till.access.clone()).form("account_id", account);
        refused(&till.send(&bare), 400, "bad_request.missing_param.type");
        let titled = bare.form("type", "basic").form("params[title]", "Payday");
        refused(&till.send(&titled), 400, "bad_request.missing_param.params[image_url]");
        let whole =
            titled.form("params[image_url]", "https://example.org/i.png").form("params[body]", "Sorted");
        for count in 1..=2 {
            assert_eq!(till.send(&whole).0, 200);
            assert_eq!(till.bank.feed.len(), count);
        }
        assert_eq!((till.bank.feed[0].title.as_str(), till.bank.feed[0].body.as_str()), ("Payday", "Sorted"));
    }

    #[test]
    fn notes_and_keys_of_ones_own_are_set_and_an_empty_value_deletes() {
        let mut till = Till::small();
        let personal = till.bank.life.cast.personal;
        let id = till.page(personal, &[])[0]["id"].as_str().expect("an id").to_owned();
        let patch = Request::new(Method::Patch, format!("/transactions/{id}")).bearer(till.access.clone());
        let (status, body) =
            till.send(&patch.clone().form("metadata[mine]", "1").form("metadata[notes]", "for Ada"));
        let row = &body["transaction"];
        assert_eq!(
            (status, row["notes"].as_str(), row["metadata"]["mine"].as_str()),
            (200, Some("for Ada"), Some("1"))
        );
        let (_, body) = till.send(&patch.form("metadata[mine]", ""));
        assert!(body["transaction"]["metadata"].get("mine").is_none(), "{body}");
        assert_eq!(body["transaction"]["notes"], "for Ada");
    }
}

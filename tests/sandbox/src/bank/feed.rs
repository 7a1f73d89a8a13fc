//! `POST /feed`, and `PATCH /transactions/{id}` (monzo-api.md 8).

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

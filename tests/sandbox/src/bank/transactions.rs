//! `GET /transactions` and `/transactions/{id}`: windows, pages and the ninety days (monzo-api.md 5.7 and 2.5).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Bank;
use super::clock::{DAY, HOUR, Ms};
use super::message::{Refusal, Reply, Request};
use super::oauth::{Caller, HISTORY_OPEN};
use super::world::AccountKind;

/// The longest window (monzo-api.md 5.7.8).
const LONGEST: Ms = 8_760 * HOUR;

/// History as old as this needs a fresh approval (monzo-api.md 2.5.2).
const HORIZON: Ms = 90 * DAY;

/// Without `since`, no further back than this (monzo-api.md 5.7.7).
const DEFAULT_WINDOW: Ms = 30 * DAY;

/// Lines of a page, unless another number is asked for (monzo-api.md 5.7.1).
const PAGE: usize = 30;

/// The largest page (monzo-api.md 5.7.1).
const LARGEST_PAGE: usize = 100;

impl Bank {
    /// `GET /transactions`.
    pub(super) fn transactions(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("account_id").ok_or_else(|| Refusal::missing("account_id"))?;
        let account = self.account_of(caller, id)?;
        if self.world.accounts[account].kind == AccountKind::BackingLoan {
            return Err(self.no_permission(caller.user));
        }
        let limit = self.limit(request)?;
        let before = request.asked("before").map(|text| time("before", text)).transpose()?;
        let (since, first) = self.since(account, request)?;
        let until = before.unwrap_or(self.now);
        // Which check comes first is unknown: the range (monzo-api.md 5.7.10).
        if until.saturating_sub(since) > LONGEST {
            let message =
                "The time range you have requested is too large, please use the since and before arguments";
            return Err(Refusal::new(400, "bad_request.invalid_time_range", message));
        }
        if before.is_some_and(|before| before < since) {
            let message = "Error listing hydrated transactions by account";
            return Err(Refusal::new(400, "bad_request.bad_time_range", message));
        }
        self.within_horizon(caller, account, since)?;
        let rest = self.world.list(account).get(first..).unwrap_or_default();
        let rows: Vec<Value> = rest
            .iter()
            .take_while(|row| before.is_none_or(|before| self.world.rows[**row].created < before))
            .filter(|row| self.listed(**row))
            .take(limit)
            .map(|row| self.world.render(*row, request.expands_merchants()))
            .collect();
        Ok(json!({"transactions": rows}))
    }

    /// `GET /transactions/{id}`.
    pub(super) fn transaction(&self, caller: Caller, id: &str, request: &Request) -> Reply {
        let row = self.row_of(caller, id)?;
        Ok(json!({"transaction": self.world.render(row, request.expands_merchants())}))
    }

    /// The line with this id, if the caller may read it.
    pub(super) fn row_of(&self, caller: Caller, id: &str) -> Result<usize, Refusal> {
        let unknown = || Refusal::not_found("transaction");
        let row = self.world.row(id).filter(|row| self.listed(*row)).ok_or_else(unknown)?;
        let line = &self.world.rows[row];
        if !self.world.accounts[line.account].owners.contains(&caller.user) {
            return Err(unknown());
        }
        self.within_horizon(caller, line.account, line.created)?;
        Ok(row)
    }

    /// The line is in the lists now.
    pub(crate) fn listed(&self, row: usize) -> bool {
        let line = &self.world.rows[row];
        let card_hidden = line.of_virtual_card() && !self.switches.virtual_cards_listed;
        !line.gone && line.visible <= self.now && line.created <= self.now && !card_hidden
    }

    /// Where to begin: an instant, and the place in the list. A time includes its rows, an id excludes its own.
    fn since(&self, account: usize, request: &Request) -> Result<(Ms, usize), Refusal> {
        let list = self.world.list(account);
        let from = |at: Ms| (at, list.partition_point(|row| self.world.rows[*row].created < at));
        let Some(text) = request.asked("since") else {
            return Ok(from(self.now.saturating_sub(DEFAULT_WINDOW)));
        };
        if !text.starts_with("tx_") {
            return Ok(from(time("since", text)?));
        }
        let unknown = || Refusal::bad("since", "There is no such transaction in this account");
        let place = self.world.place(account, text).ok_or_else(unknown)?;
        let row = *list.get(place).ok_or_else(unknown)?;
        if !self.listed(row) {
            return Err(unknown());
        }
        Ok((self.world.rows[row].created, place + 1))
    }

    fn limit(&self, request: &Request) -> Result<usize, Refusal> {
        let Some(text) = request.asked("limit") else { return Ok(PAGE) };
        let bad = || Refusal::bad("limit", "must be a number from 1 to 100");
        let limit: usize = text.parse().map_err(|_| bad())?;
        if limit == 0 || (limit > LARGEST_PAGE && self.switches.strict_limit) {
            return Err(bad());
        }
        Ok(limit.min(LARGEST_PAGE))
    }

    /// Hidden accounts are never open beyond the horizon (monzo-api.md 2.5.6).
    fn within_horizon(&self, caller: Caller, account: usize, since: Ms) -> Result<(), Refusal> {
        let hidden = self.world.accounts[account].kind == AccountKind::Hidden;
        let open = !hidden && self.now.saturating_sub(caller.approved) < HISTORY_OPEN;
        if !open && self.now.saturating_sub(since) >= HORIZON {
            return Err(Refusal::verification_required());
        }
        Ok(())
    }
}

fn time(field: &str, text: &str) -> Result<Ms, Refusal> {
    let at: Timestamp = text.parse().map_err(|_| Refusal::bad(field, "must be an RFC 3339 time or an id"))?;
    // Rows have milliseconds: a finer bound lies behind the row of its millisecond.
    let ms = at.as_millisecond();
    Ok(if at.subsec_nanosecond() % 1_000_000 > 0 { ms.saturating_add(1) } else { ms })
}

//! `GET /transactions` and `/transactions/{id}`: windows, pages and the ninety days
//! (monzo/README.md, Windows and pages).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Bank;
use super::clock::{DAY, HOUR, Ms};
use super::message::{Refusal, Reply, Request};
use super::oauth::{Caller, HISTORY_OPEN};
use super::world::AccountKind;

/// The longest window (monzo/README.md, Windows and pages).
const LONGEST: Ms = 8_760 * HOUR;

/// History as old as this needs a fresh approval (monzo/README.md, How far back).
const HORIZON: Ms = 90 * DAY;

/// Without `since`, no further back than this (monzo/README.md, Windows and pages).
const DEFAULT_WINDOW: Ms = 30 * DAY;

/// Lines of a page, unless another number is asked for (monzo/README.md, Windows and pages).
const PAGE: usize = 30;

/// The largest page (monzo/README.md, Windows and pages).
const LARGEST_PAGE: usize = 100;

impl Bank {
    /// `GET /transactions`.
    pub(super) fn transactions(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("account_id").ok_or_else(|| Refusal::missing("account_id"))?;
        let account = self.account_to_read(caller, id)?;
        if self.world.accounts[account].kind == AccountKind::BackingLoan {
            return Err(self.no_permission(caller.user));
        }
        let limit = self.limit(request)?;
        let before = request.asked("before").map(|text| time("before", text)).transpose()?;
        let (since, first) = self.since(account, request)?;
        let until = before.unwrap_or(self.now);
        // Which check comes first is unknown: the range (monzo/README.md, Windows and pages).
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
        let largest = usize::try_from(self.switches.largest_page).unwrap_or(LARGEST_PAGE);
        Ok(limit.min(LARGEST_PAGE).min(largest.max(1)))
    }

    /// Hidden accounts are never open beyond the horizon (monzo/README.md, How far back).
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

#[cfg(test)]
mod tests {
    use super::super::clock::{instant, text};
    use super::super::fixture::{Till, refused, start};
    use super::*;
    use crate::control::Spend;
    use jiff::SignedDuration;

    fn ago(till: &Till, ms: Ms) -> String {
        text(till.now.as_millisecond() - ms)
    }

    #[test]
    fn pages_are_thirty_lines_unless_told_and_a_hundred_at_most() {
        let mut till = Till::whole();
        let personal = till.bank.life.cast.personal;
        let since = ago(&till, 80 * DAY);
        let check = |till: &mut Till, limit: &[(&str, &str)], expected: usize| {
            let query = [&[("since", since.as_str())], limit].concat();
            assert_eq!(till.page(personal, &query).len(), expected, "{limit:?}");
        };
        check(&mut till, &[], 30);
        check(&mut till, &[("limit", "7")], 7);
        check(&mut till, &[("limit", "100")], 100);
        check(&mut till, &[("limit", "500")], 100);
        till.bank.switches.strict_limit = true;
        for limit in ["101", "0", "-1", "many"] {
            let query = [("since", since.as_str()), ("limit", limit)];
            refused(&till.list(personal, &query), 400, "bad_request.bad_param.limit");
        }
    }

    #[test]
    fn paging_by_id_gives_every_line_once_in_order_whatever_the_ties() {
        let mut till = Till::whole();
        let personal = till.bank.life.cast.personal;
        let order = Spend { amount: Some(101), count: Some(250), ..Spend::default() };
        till.bank.spend(&order).expect("bought");
        let since = ago(&till, 60 * DAY);
        let mut found = till.page(personal, &[("since", &since), ("limit", "100")]);
        let mut last = found.len();
        while last == 100 {
            let id = found.last().and_then(|row| row["id"].as_str()).expect("an id").to_owned();
            let page = till.page(personal, &[("since", &id), ("limit", "100")]);
            last = page.len();
            found.extend(page);
        }
        let expected: Vec<_> = till
            .bank
            .world
            .list(personal)
            .iter()
            .filter(|row| text(till.bank.world.rows[**row].created) >= since && till.bank.listed(**row))
            .map(|row| till.bank.world.row_id(*row))
            .collect();
        let found: Vec<_> = found.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect();
        assert!(found.len() > 400, "{}", found.len());
        assert_eq!(found, expected);
    }

    #[test]
    fn a_time_includes_its_lines_an_id_excludes_its_own_and_before_is_exclusive() {
        let mut till = Till::small();
        let personal = till.bank.life.cast.personal;
        let all = till.page(personal, &[]);
        let field = |place: usize, key: &str| all[place][key].as_str().expect("text").to_owned();
        let (id, created) = (field(1, "id"), field(1, "created"));
        let first = |rows: Vec<Value>| rows.first().map(|row| row["id"].clone());
        assert_eq!(first(till.page(personal, &[("since", &created)])), Some(all[1]["id"].clone()));
        assert_eq!(first(till.page(personal, &[("since", &id)])), Some(all[2]["id"].clone()));
        let later = text(created.parse::<Timestamp>().expect("a time").as_millisecond() + 1);
        assert_eq!(first(till.page(personal, &[("since", &later)])), Some(all[2]["id"].clone()));
        assert_eq!(till.page(personal, &[("before", &created)]).len(), 1);
        assert_eq!(till.page(personal, &[("before", &later)]).len(), 2);
    }

    #[test]
    fn without_since_only_thirty_days_come() {
        let mut till = Till::whole();
        let personal = till.bank.life.cast.personal;
        let first = till.page(personal, &[("limit", "1")]).remove(0);
        assert!(first["created"].as_str().expect("a time") >= ago(&till, 30 * DAY).as_str(), "{first}");
    }

    #[test]
    fn windows_are_at_most_a_year_long_and_the_range_is_checked_first() {
        let mut till = Till::whole();
        let personal = till.bank.life.cast.personal;
        let list = |till: &mut Till, since: Ms, before: Ms| {
            let (since, before) = (ago(till, since), ago(till, before));
            till.list(personal, &[("since", &since), ("before", &before)])
        };
        let before = 400 * DAY;
        assert_eq!(list(&mut till, before + LONGEST, before).0, 200);
        refused(&list(&mut till, before + LONGEST + 1, before), 400, "bad_request.invalid_time_range");
        refused(&list(&mut till, 5, 10), 400, "bad_request.bad_time_range");
        till.pass(SignedDuration::from_secs(300));
        refused(&list(&mut till, before + LONGEST + 1, before), 400, "bad_request.invalid_time_range");
        refused(&list(&mut till, before + LONGEST, before), 403, "forbidden.verification_required");
        for (key, value) in
            [("since", "yesterday"), ("before", "tx_0000"), ("since", "tx_0000000000000000000000")]
        {
            refused(&till.list(personal, &[(key, value)]), 400, &format!("bad_request.bad_param.{key}"));
        }
    }

    #[test]
    fn the_history_is_open_for_three_hundred_seconds_and_never_for_hidden_accounts() {
        let mut till = Till::whole();
        let personal = till.bank.life.cast.personal;
        let hidden = till.bank.world.pots[till.bank.life.cast.bills].hidden;
        let check = |till: &mut Till, account: usize, days: i64, expected: u16| {
            let since = ago(till, days * DAY);
            let (status, body) = till.list(account, &[("since", &since)]);
            assert_eq!(status, expected, "{days} days: {body}");
        };
        check(&mut till, personal, 300, 200);
        check(&mut till, hidden, 89, 200);
        check(&mut till, hidden, 90, 403);
        till.pass(SignedDuration::from_millis(299_999));
        check(&mut till, personal, 300, 200);
        till.pass(SignedDuration::from_millis(1));
        check(&mut till, personal, 300, 403);
        check(&mut till, personal, 90, 403);
        check(&mut till, personal, 89, 200);
        assert_eq!(till.get("/accounts", &[]).0, 200, "other calls go on");
        let (_, body) = till.renew();
        till.keep(&body);
        check(&mut till, personal, 90, 403);
        till.sign_in();
        till.bank.approve();
        check(&mut till, personal, 300, 200);
    }

    #[test]
    fn an_id_stands_for_its_instant_at_the_horizon() {
        let mut till = Till::whole();
        let personal = till.bank.life.cast.personal;
        let since = ago(&till, 120 * DAY);
        let id = till.page(personal, &[("since", &since), ("limit", "1")])[0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        till.bank.close_history();
        refused(&till.list(personal, &[("since", &id)]), 403, "forbidden.verification_required");
        refused(&till.get(&format!("/transactions/{id}"), &[]), 403, "forbidden.verification_required");
    }

    #[test]
    fn merchants_are_ids_unless_they_are_asked_for() {
        let mut till = Till::small();
        let personal = till.bank.life.cast.personal;
        let row = till.page(personal, &[]).pop().expect("a card payment");
        assert!(row["merchant"].is_string(), "{row}");
        let row = till.page(personal, &[("expand[]", "merchant")]).pop().expect("a card payment");
        assert!(row["merchant"]["name"].is_string(), "{row}");
        let path = format!("/transactions/{}", row["id"].as_str().expect("an id"));
        let (_, body) = till.get(&path, &[("expand[]", "merchant")]);
        assert_eq!(body["transaction"], row);
        refused(&till.get("/transactions/tx_none", &[]), 404, "not_found.transaction");
    }

    #[test]
    fn a_finer_bound_lies_behind_the_line_of_its_millisecond() {
        let at = instant(1_000);
        assert_eq!(time("since", &at.to_string()).ok(), Some(1_000));
        let finer = at.checked_add(SignedDuration::from_nanos(1)).expect("in range");
        assert_eq!(time("since", &finer.to_string()).ok(), Some(1_001));
        assert!(start() > at);
    }
}

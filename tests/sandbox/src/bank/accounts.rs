//! `GET /accounts`, `/balance` and `/pots` (monzo/README.md, Accounts).

use serde_json::{Value, json};

use super::Bank;
use super::clock;
use super::message::{Refusal, Reply, Request};
use super::oauth::Caller;
use super::row::Kind;
use super::world::{Account, AccountKind};

/// The bank's.
pub(super) const SORT_CODE: &str = "040004";

/// The number of an account, by its place in the books.
pub(super) fn account_number(index: usize) -> String {
    (12_345_678 + index * 101).to_string()
}

impl AccountKind {
    /// The bank's word for it; nothing for what is not listed.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Retail => Some("uk_retail"),
            Self::Joint => Some("uk_retail_joint"),
            Self::Flex => Some("uk_monzo_flex"),
            Self::BackingLoan => Some("uk_monzo_flex_backing_loan"),
            Self::Rewards => Some("uk_rewards"),
            Self::Loan => Some("uk_loan"),
            Self::Hidden => None,
        }
    }

    const fn product(self) -> &'static str {
        match self {
            Self::Retail | Self::Joint | Self::Hidden => "standard",
            Self::Flex => "flex",
            Self::Rewards => "rewards",
            Self::BackingLoan | Self::Loan => "loan",
        }
    }
}

impl Bank {
    /// `GET /accounts`: closed ones too, hidden ones not.
    pub(super) fn accounts(&self, caller: Caller, request: &Request) -> Reply {
        let wanted = request.asked("account_type");
        let accounts: Vec<Value> = (0..self.world.accounts.len())
            .filter(|index| self.world.accounts[*index].owners.contains(&caller.user))
            .filter_map(|index| self.account_object(index))
            .filter(|account| wanted.is_none_or(|wanted| account["type"] == wanted))
            .collect();
        Ok(json!({"accounts": accounts}))
    }

    fn account_object(&self, index: usize) -> Option<Value> {
        let account = &self.world.accounts[index];
        let kind = account.kind.word()?;
        let owner = |user: &usize| {
            let user = &self.world.users[*user];
            json!({"user_id": user.id, "preferred_name": user.name, "preferred_first_name": user.first_name})
        };
        let mut object = json!({
            "id": account.id,
            "closed": account.closed,
            "created": clock::text(account.created),
            "description": self.account_description(account, index),
            "type": kind,
            "owner_type": if account.kind == AccountKind::Loan { "unknown" } else { "personal" },
            "is_flex": account.kind == AccountKind::Flex,
            "product_type": account.kind.product(),
            "closed_account_app_access": false,
            "currency": "GBP",
            "legal_entity": "monzo_uk",
            "country_code": "GB",
            "country_code_alpha3": "GBR",
            "owners": account.owners.iter().map(owner).collect::<Vec<_>>(),
        });
        if matches!(account.kind, AccountKind::Retail | AccountKind::Joint) {
            let number = account_number(index);
            let iban = format!("GB00MONZ{SORT_CODE}{number}");
            let iban = json!({"unformatted": iban, "formatted": iban, "bic": "MONZGB2L"});
            object["account_number"] = json!(number);
            object["sort_code"] = json!(SORT_CODE);
            let locale = json!({"account_number": number, "sort_code": SORT_CODE});
            object["payment_details"] = json!({"locale_uk": locale, "iban": iban});
            object["monzo_branch_address_formatted"] = json!("1 Sandbox Street, London");
        }
        if !matches!(account.kind, AccountKind::Rewards | AccountKind::Loan) {
            object["assets"] = json!({"image_url": ""});
        }
        if let (AccountKind::Joint, Some(told)) = (account.kind, &self.switches.joint_type) {
            object["type"] = if told.is_empty() { Value::Null } else { json!(told) };
        }
        Some(object)
    }

    fn account_description(&self, account: &Account, index: usize) -> String {
        let users: Vec<&str> =
            account.owners.iter().map(|user| self.world.users[*user].id.as_str()).collect();
        let prefix = match account.kind {
            AccountKind::Joint => return format!("Joint account between {}", users.join(" and ")),
            AccountKind::Retail | AccountKind::Hidden => return users.concat(),
            AccountKind::Flex => "monzoflex",
            AccountKind::BackingLoan => "monzoflexbackingloan",
            AccountKind::Rewards => "rewardsoptin",
            AccountKind::Loan => "loan",
        };
        self.world.id(prefix, account.created, index)
    }

    /// The account that an argument names, if the caller may know of it.
    pub(super) fn account_of(&self, caller: Caller, id: &str) -> Result<usize, Refusal> {
        let known = self.world.account(id);
        let unlisted =
            |index: &usize| self.world.accounts[*index].pot.is_some_and(|pot| self.world.pots[pot].unlisted);
        known
            .filter(|index| self.world.accounts[*index].owners.contains(&caller.user) && !unlisted(index))
            .ok_or_else(|| Refusal::not_found("account"))
    }

    /// The same, if its data can be read: of closed accounts nobody knows that they always can.
    pub(super) fn account_to_read(&self, caller: Caller, id: &str) -> Result<usize, Refusal> {
        let index = self.account_of(caller, id)?;
        match self.switches.closed_refused {
            404 if self.world.accounts[index].closed => Err(Refusal::not_found("account")),
            403 if self.world.accounts[index].closed => Err(self.no_permission(caller.user)),
            _ => Ok(index),
        }
    }

    /// `GET /balance`.
    pub(super) fn balance(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("account_id").ok_or_else(|| Refusal::missing("account_id"))?;
        let index = self.account_to_read(caller, id)?;
        let account = &self.world.accounts[index];
        // Nobody reports what hidden accounts answer (monzo/README.md, The account behind a pot); the backing loan
        // refuses.
        if matches!(account.kind, AccountKind::BackingLoan | AccountKind::Hidden) {
            return Err(self.no_permission(caller.user));
        }
        let pots = (0..self.world.pots.len()).filter(|pot| self.world.pots[*pot].account == index);
        let total = account.balance + pots.map(|pot| self.world.pot_balance(pot)).sum::<i64>();
        let spent = self.spent_today(index);
        Ok(json!({
            "balance": account.balance,
            "total_balance": total,
            "balance_including_flexible_savings": total,
            "currency": "GBP",
            "spend_today": spent,
            "local_currency": "",
            "local_exchange_rate": 0,
            "local_spend": [{"spend_today": spent, "currency": "GBP"}]
        }))
    }

    /// Zero or negative (monzo/README.md, Balances).
    fn spent_today(&self, account: usize) -> i64 {
        let began = self.life.london.spending_day(self.now);
        let rows = self.world.list(account).iter().rev().map(|row| &self.world.rows[*row]);
        let today = rows.take_while(|row| row.created >= began).filter(|row| row.counts());
        today.filter(|row| !matches!(row.kind, Kind::Pot(_))).map(|row| row.amount.min(0)).sum()
    }

    /// `GET /pots`: deleted ones too.
    pub(super) fn pots(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("current_account_id").ok_or_else(|| Refusal::missing("current_account_id"))?;
        let account = self.account_to_read(caller, id)?;
        let pots: Vec<Value> = (0..self.world.pots.len())
            .filter(|pot| self.world.pots[*pot].account == account && !self.world.pots[*pot].unlisted)
            .map(|pot| self.pot_object(pot))
            .collect();
        Ok(json!({"pots": pots}))
    }

    /// A pot as it is now; nothing in it names the hidden account (monzo/README.md, Pots).
    pub(crate) fn pot_object(&self, index: usize) -> Value {
        let pot = &self.world.pots[index];
        let locked = pot.locked(self.now);
        let mut object = json!({
            "id": pot.id,
            "name": pot.name,
            "style": pot.style,
            "balance": self.world.pot_balance(index),
            "currency": "GBP",
            "type": pot.kind,
            "product_id": if pot.kind == "default" { "default" } else { "savings_0000" },
            "current_account_id": self.world.accounts[pot.account].id,
            "cover_image_url": "",
            "isa_wrapper": if pot.isa { "ISA" } else { "" },
            "round_up": pot.round_up,
            "round_up_multiplier": if pot.round_up { json!(1) } else { Value::Null },
            "is_tax_pot": false,
            "created": clock::text(pot.created),
            "updated": clock::text(pot.updated),
            "deleted": pot.deleted,
            "locked": locked,
            "charity_id": "",
            "available_for_bills": pot.for_bills,
            "has_virtual_cards": pot.virtual_card
        });
        if let Some(goal) = pot.goal {
            object["goal_amount"] = json!(goal);
        }
        if let Some(until) = pot.locked_until.filter(|_| locked) {
            object["locked_until"] = json!(clock::text(until));
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Till, refused};
    use serde_json::Value;

    #[test]
    fn closed_accounts_and_deleted_pots_stay_listed_and_hidden_accounts_never_are() {
        let mut till = Till::whole();
        let (_, body) = till.get("/accounts", &[]);
        let accounts = body["accounts"].as_array().expect("a list").clone();
        let mut kinds: Vec<&str> = accounts.iter().filter_map(|account| account["type"].as_str()).collect();
        kinds.sort_unstable();
        let expected = [
            "uk_loan",
            "uk_monzo_flex",
            "uk_monzo_flex_backing_loan",
            "uk_retail",
            "uk_retail",
            "uk_retail_joint",
            "uk_rewards",
        ];
        assert_eq!(kinds, expected);
        assert_eq!(accounts.iter().filter(|account| account["closed"] == true).count(), 1);
        for account in &accounts {
            let has_number = account.get("account_number").is_some();
            assert_eq!(
                has_number,
                account["type"].as_str().is_some_and(|kind| kind.starts_with("uk_retail")),
                "{account}"
            );
        }
        let joint =
            accounts.iter().find(|account| account["type"] == "uk_retail_joint").expect("a joint one");
        assert_eq!(joint["owners"].as_array().map(Vec::len), Some(2));
        let (_, body) =
            till.get("/pots", &[("current_account_id", accounts[0]["id"].as_str().expect("an id"))]);
        let pots = body["pots"].as_array().expect("a list");
        let named = |name: &str| {
            pots.iter().find(|pot| pot["name"] == name).unwrap_or_else(|| panic!("no {name}: {body}"))
        };
        assert_eq!(named("New bicycle")["deleted"], true);
        assert_eq!(
            (named("House deposit")["locked"].as_bool(), named("House deposit")["locked_until"].is_string()),
            (Some(true), true)
        );
        assert!(
            named("Rainy day").get("goal_amount").is_none()
                && named("Rainy day").get("locked_until").is_none()
        );
        assert_eq!(named("ISA")["isa_wrapper"], "ISA");
        assert!(pots.iter().all(|pot| pot["current_account_id"] == accounts[0]["id"]));
    }

    #[test]
    fn arguments_that_are_missing_or_of_somebody_else_are_refused() {
        let mut till = Till::small();
        let found = till.get("/pots", &[]);
        refused(&found, 400, "bad_request.missing_param.current_account_id");
        assert_eq!(found.1["message"], "The field 'current_account_id' is required");
        assert_eq!(found.1["retryable"], serde_json::json!({}));
        refused(&till.get("/balance", &[]), 400, "bad_request.missing_param.account_id");
        let other = till.bank.world.accounts[till.bank.life.cast.other].id.clone();
        refused(&till.get("/balance", &[("account_id", &other)]), 404, "not_found.account");
        refused(&till.get("/pots", &[("current_account_id", &other)]), 404, "not_found.account");
    }

    #[test]
    fn a_closed_account_is_refused_and_a_joint_one_is_of_another_type_where_the_switches_say_so() {
        let mut till = Till::whole();
        let closed = till.bank.world.accounts.iter().find(|account| account.closed).expect("one").id.clone();
        assert_eq!(till.get("/balance", &[("account_id", &closed)]).0, 200);
        for status in [403, 404] {
            till.bank.switches.closed_refused = status;
            for (path, key) in
                [("/balance", "account_id"), ("/transactions", "account_id"), ("/pots", "current_account_id")]
            {
                assert_eq!(till.get(path, &[(key, &closed)]).0, status, "{path}");
            }
        }
        for (told, expected) in [("uk_young", Value::from("uk_young")), ("", Value::Null)] {
            till.bank.switches.joint_type = Some(told.to_owned());
            let (_, body) = till.get("/accounts", &[]);
            let accounts = body["accounts"].as_array().expect("a list");
            assert!(accounts.iter().any(|account| account["type"] == expected), "{body}");
            assert!(accounts.iter().all(|account| account["type"] != "uk_retail_joint"), "{body}");
        }
    }

    #[test]
    fn the_backing_loan_cannot_be_read() {
        let mut till = Till::whole();
        let loan =
            till.bank.world.accounts.iter().find(|account| account.kind == super::AccountKind::BackingLoan);
        let id = loan.expect("it is there").id.clone();
        for path in ["/balance", "/transactions"] {
            refused(&till.get(path, &[("account_id", &id)]), 403, "forbidden.insufficient_permissions");
        }
    }

    #[test]
    fn the_balance_is_the_sum_of_the_lines_and_the_total_adds_the_pots() {
        let mut till = Till::whole();
        let world = &till.bank.world;
        let personal = till.bank.life.cast.personal;
        let pots: i64 = (0..world.pots.len())
            .filter(|pot| world.pots[*pot].account == personal)
            .map(|pot| world.pot_balance(pot))
            .sum();
        let rows = world.list(personal).iter().map(|row| &world.rows[*row]);
        let sum: i64 = rows.filter(|row| row.counts()).map(|row| row.amount).sum();
        let id = world.accounts[personal].id.clone();
        let (_, body) = till.get("/balance", &[("account_id", &id)]);
        assert_eq!((body["balance"].as_i64(), body["total_balance"].as_i64()), (Some(sum), Some(sum + pots)));
        assert!(body["spend_today"].as_i64().is_some_and(|spent| spent <= 0), "{body}");
        assert_eq!(body["local_currency"], Value::from(""));
    }
}

//! `GET /accounts`, `/balance` and `/pots` (monzo-api.md 3 and 4.1).

use serde_json::{Value, json};

use super::Bank;
use super::clock;
use super::message::{Refusal, Reply, Request};
use super::oauth::Caller;
use super::row::Kind;
use super::world::{Account, AccountKind};

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
            let number = (12_345_678 + index * 101).to_string();
            let iban = format!("GB00MONZ040004{number}");
            let iban = json!({"unformatted": iban, "formatted": iban, "bic": "MONZGB2L"});
            object["account_number"] = json!(number);
            object["sort_code"] = json!("040004");
            let locale = json!({"account_number": number, "sort_code": "040004"});
            object["payment_details"] = json!({"locale_uk": locale, "iban": iban});
            object["monzo_branch_address_formatted"] = json!("1 Sandbox Street, London");
        }
        if !matches!(account.kind, AccountKind::Rewards | AccountKind::Loan) {
            object["assets"] = json!({"image_url": ""});
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
        known
            .filter(|index| self.world.accounts[*index].owners.contains(&caller.user))
            .ok_or_else(|| Refusal::not_found("account"))
    }

    /// `GET /balance`.
    pub(super) fn balance(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("account_id").ok_or_else(|| Refusal::missing("account_id"))?;
        let index = self.account_of(caller, id)?;
        let account = &self.world.accounts[index];
        // Nobody reports what hidden accounts answer (monzo-api.md 6.2.3); the backing loan refuses.
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

    /// Zero or negative (monzo-api.md 3.3.2).
    fn spent_today(&self, account: usize) -> i64 {
        let began = self.life.london.spending_day(self.now);
        let rows = self.world.list(account).iter().rev().map(|row| &self.world.rows[*row]);
        let today = rows.take_while(|row| row.created >= began).filter(|row| row.counts());
        today.filter(|row| !matches!(row.kind, Kind::Pot(_))).map(|row| row.amount.min(0)).sum()
    }

    /// `GET /pots`: deleted ones too.
    pub(super) fn pots(&self, caller: Caller, request: &Request) -> Reply {
        let id = request.asked("current_account_id").ok_or_else(|| Refusal::missing("current_account_id"))?;
        let account = self.account_of(caller, id)?;
        let pots: Vec<Value> = (0..self.world.pots.len())
            .filter(|pot| self.world.pots[*pot].account == account)
            .map(|pot| self.pot_object(pot))
            .collect();
        Ok(json!({"pots": pots}))
    }

    /// A pot as it is now; nothing in it names the hidden account (monzo-api.md 4.1.4).
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

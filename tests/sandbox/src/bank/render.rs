//! A line of the ledger as the bank's JSON (monzo/README.md, Rows).

use serde_json::{Map, Value, json};

use super::accounts::{SORT_CODE, account_number};
use super::clock::{self, Ms};
use super::people::{Merchant, merchant, party_of};
use super::row::{Card, Kind, OwnMark, Row};
use super::world::World;

impl World {
    /// A line, with its merchant whole or as an id.
    pub fn render(&self, index: usize, expand: bool) -> Value {
        let row = &self.rows[index];
        let flags = Flags::of(row);
        let category = row.category.as_deref().unwrap_or_else(|| category(&row.kind));
        let (local_amount, local_currency) = row.local.unwrap_or((row.amount, "GBP"));
        let mut object = json!({
            "id": self.row_id(index),
            "account_id": self.accounts[row.account].id,
            "parent_account_id": "",
            "created": clock::text(row.created),
            "updated": clock::text(row.updated),
            "settled": row.settled.map_or_else(String::new, clock::text),
            "amount": row.amount,
            "currency": "GBP",
            "local_amount": local_amount,
            "local_currency": local_currency,
            "amount_is_pending": row.amount_pending,
            "description": self.description(row),
            "notes": row.notes.as_deref().unwrap_or_else(|| notes(&row.kind)),
            "category": category,
            "categories": categories(row, category),
            "merchant": self.merchant(row, expand),
            "merchant_feedback_uri": "",
            "counterparty": self.counterparty(row),
            "scheme": scheme(&row.kind),
            "dedupe_id": self.dedupe_id(row, index),
            "metadata": self.metadata(row, index),
            "labels": null,
            "attachments": null,
            "fees": {},
            "international": null,
            "atm_fees_detailed": null,
            "is_load": false,
            "originator": flags.originator,
            "include_in_spending": flags.spending,
            "can_be_excluded_from_breakdown": flags.spending,
            "can_be_made_subscription": flags.spending,
            "can_split_the_bill": flags.spending,
            "can_add_to_tab": flags.spending,
            "can_match_transactions_in_categorization": flags.spending,
            "user_id": self.cardholder(row),
        });
        if let Some(reason) = row.declined {
            object["decline_reason"] = json!(reason);
        }
        if let Some(patch) = &row.patch {
            merge(&mut object, patch);
        }
        object
    }

    fn cardholder(&self, row: &Row) -> &str {
        match &row.kind {
            Kind::Card(card) => &self.users[card.holder].id,
            _ => "",
        }
    }

    fn description(&self, row: &Row) -> String {
        match &row.kind {
            Kind::Card(card) => {
                let shop = merchant(card.merchant);
                let city = shop.city.unwrap_or("INTERNET");
                format!("{:<22}{city:<14}{}", shop.name.to_uppercase(), country(shop))
            }
            Kind::Pot(transfer) => self.pots[self.transfers[*transfer].pot].id.clone(),
            Kind::DirectDebit { payee, .. } => party_of(*payee).name.to_owned(),
            Kind::Bank { party, .. } | Kind::Salary { party } => party_of(*party).reference.to_owned(),
            Kind::OwnMoney(_) => "From myself".to_owned(),
            Kind::Interest => "Interest".to_owned(),
            Kind::FlexRepayment => "Monzo Flex".to_owned(),
            Kind::Cashback => "Cashback".to_owned(),
        }
    }

    fn merchant(&self, row: &Row, expand: bool) -> Value {
        let Kind::Card(card) = &row.kind else { return Value::Null };
        let shop = merchant(card.merchant);
        let opened: Ms = 1_500_000_000_000;
        let id = self.id("merch", opened, usize::from(card.merchant));
        if !expand {
            return json!(id);
        }
        let city = shop.city.unwrap_or_default();
        let address = json!({
            "short_formatted": city, "formatted": format!("{}, {city}", shop.name), "address": "", "city": city,
            "region": "", "country": if shop.city.is_some() { country(shop) } else { "GLO" }, "postcode": "",
            "latitude": 0, "longitude": 0, "zoom_level": 17, "approximate": shop.city.is_none()
        });
        json!({
            "id": id,
            "group_id": self.id("grp", opened, usize::from(card.merchant)),
            "name": shop.name,
            "logo": "",
            "emoji": shop.emoji,
            "category": shop.category,
            "online": shop.city.is_none(),
            "atm": false,
            "disable_feedback": false,
            "address": address,
            "metadata": {"created_for_merchant": "", "suggested_tags": ""}
        })
    }

    fn counterparty(&self, row: &Row) -> Value {
        let (party, debit) = match &row.kind {
            Kind::Bank { party, .. } | Kind::Salary { party } => (*party, false),
            Kind::DirectDebit { payee, .. } => (*payee, true),
            Kind::OwnMoney(mark) => return self.own_counterparty(row, *mark),
            _ => return json!({}),
        };
        let number = 10_000_000 + u32::from(party) * 7_919;
        let mut other = json!({
            "name": party_of(party).name,
            "account_number": number.to_string(),
            "sort_code": "200000",
        });
        if debit {
            other["service_user_number"] = json!((400_000 + u32::from(party)).to_string());
        } else {
            other["user_id"] = json!(format!("anonuser_{:016x}", crate::random::mix(u64::from(party))));
        }
        other
    }

    fn own_counterparty(&self, row: &Row, mark: OwnMark) -> Value {
        let account = &self.accounts[row.account];
        let owner = &self.users[account.owners[0]];
        let mut other = json!({"name": owner.name, "preferred_name": owner.name});
        match mark {
            OwnMark::UserId => other["user_id"] = json!(owner.id),
            OwnMark::AccountId => other["account_id"] = json!(account.id),
            OwnMark::Number => {
                other["user_id"] = json!("anonuser_00000000000000aa");
                other["sort_code"] = json!(SORT_CODE);
                other["account_number"] = json!(account_number(row.account));
            }
            OwnMark::ToSelf => {}
        }
        other
    }

    fn dedupe_id(&self, row: &Row, index: usize) -> String {
        match &row.kind {
            Kind::Card(_) => format!(
                "mclifecycle:{}:MASTERCARD_CLEARING:{}",
                self.id("mclifecycle", row.created, index),
                self.id("mcclearingmsg", row.created, index)
            ),
            Kind::Pot(transfer) => self.transfers[*transfer].dedupe_id.clone(),
            Kind::Bank { .. } => format!("com.monzo.fps:{index}:FP{index:012}:INBOUND"),
            _ => self.id("entryset", row.created, index),
        }
    }

    fn metadata(&self, row: &Row, index: usize) -> Value {
        let mut data = Map::new();
        let mut put = |key: &str, value: String| drop(data.insert(key.to_owned(), Value::String(value)));
        let at = clock::text(row.created);
        let entry = match &row.kind {
            Kind::Pot(transfer) => *transfer,
            _ => index,
        };
        put("ledger_insertion_id", self.id("entryset", row.created, entry));
        put("ledger_committed_timestamp_earliest", at.clone());
        put("ledger_committed_timestamp_latest", at);
        match &row.kind {
            Kind::Card(card) => self.card_metadata(row, card, index, &mut put),
            Kind::Pot(transfer) => self.pot_metadata(row, *transfer, &mut put),
            Kind::DirectDebit { payee, bills_pot } => {
                put(
                    "bacs_direct_debit_instruction_id",
                    self.id("bacsddi", 1_500_000_000_000, usize::from(*payee)),
                );
                put("bacs_payment_id", self.id("bacspayment", row.created, index));
                put("bacs_record_id", self.id("bacsrcd", row.created, index));
                put("subscription_id", self.id("sub", 1_500_000_000_000, usize::from(*payee)));
                put("notes", party_of(*payee).reference.to_owned());
                if let Some(pot) = bills_pot {
                    put("bills_pot_id", self.pots[*pot].id.clone());
                }
            }
            Kind::Bank { party, iteration } => {
                put("faster_payment", "true".to_owned());
                put("fps_fpid", format!("FP{index:012}"));
                put("fps_payment_id", format!("FP{index:012}{}", row.created));
                put("notes", party_of(*party).reference.to_owned());
                put("trn", format!("FP{index:012}"));
                if let Some(iteration) = iteration {
                    put("series_id", self.id("series", 1_600_000_000_000, usize::from(*party)));
                    put("series_iteration_count", iteration.to_string());
                }
            }
            Kind::Salary { party } => {
                put("bacs_payment_id", self.id("bacspayment", row.created, index));
                put("bacs_record_id", self.id("bacsrcd", row.created, index));
                put("notes", party_of(*party).reference.to_owned());
            }
            Kind::FlexRepayment => {
                put("flex_transaction_type", "repayment".to_owned());
                put("monzo_flex_id", self.id("monzoflex", 1_600_000_000_000, 0));
            }
            Kind::OwnMoney(OwnMark::ToSelf) => put("p2p_is_to_self", "true".to_owned()),
            Kind::OwnMoney(_) | Kind::Interest | Kind::Cashback => {}
        }
        for (key, value) in row.own.iter().flat_map(|own| own.iter()) {
            put(key, value.clone());
        }
        Value::Object(data)
    }

    fn card_metadata(&self, row: &Row, card: &Card, index: usize, put: &mut impl FnMut(&str, String)) {
        put("mcc", merchant(card.merchant).mcc.to_owned());
        put("mastercard_approval_type", "full".to_owned());
        put("mastercard_auth_message_id", self.id("mcauthmsg", row.created, index));
        put("mastercard_card_id", self.id("mccard", 1_500_000_000_000, card.holder));
        put("mastercard_lifecycle_id", self.id("mclifecycle", row.created, index));
        if row.settled.is_some() {
            put("mastercard_clearing_message_id", self.id("mcclearingmsg", row.created, index));
        }
        if let Some(round_up) = card.round_up {
            put("coin_jar_transaction", self.row_id(round_up));
        }
        if let Some(original) = card.original {
            put("original_transaction_id", self.row_id(original));
        }
        if card.reversed {
            put("is_reversal", "true".to_owned());
        }
        if let Some(pot) = card.covered_by {
            put("retroactive_pot_id", self.pots[pot].id.clone());
        }
        if card.flex {
            put("monzo_flex_id", self.id("monzoflex", row.created, index));
        }
    }

    fn pot_metadata(&self, row: &Row, number: usize, put: &mut impl FnMut(&str, String)) {
        let transfer = &self.transfers[number];
        let pot = &self.pots[transfer.pot];
        put("pot_id", pot.id.clone());
        put("pot_account_id", self.accounts[pot.hidden].id.clone());
        if transfer.withdraw {
            put("pot_withdrawal_id", self.id("potwdr", row.created, number));
        } else {
            put("pot_deposit_id", self.id("potdep", row.created, number));
        }
        put("external_id", transfer.external_id.clone());
        put("trigger", transfer.trigger.to_owned());
        put("move_money_transfer_id", self.id("mmt", row.created, number));
        put("user_id", self.users[self.accounts[pot.account].owners[0]].id.clone());
    }
}

/// Lays one JSON value over another: objects are merged, and null takes a key out.
fn merge(value: &mut Value, patch: &Value) {
    let (Value::Object(members), Value::Object(patches)) = (&mut *value, patch) else {
        *value = patch.clone();
        return;
    };
    for (key, patch) in patches {
        if patch.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.clone()).or_insert(Value::Null), patch);
        }
    }
}

struct Flags {
    originator: bool,
    spending: bool,
}

impl Flags {
    fn of(row: &Row) -> Self {
        let out = row.amount < 0;
        match row.kind {
            Kind::Card(_) => Self { originator: false, spending: true },
            Kind::Pot(_) => Self { originator: true, spending: false },
            Kind::DirectDebit { .. } => Self { originator: false, spending: true },
            Kind::Bank { .. } => Self { originator: out, spending: out },
            Kind::Salary { .. }
            | Kind::OwnMoney(_)
            | Kind::Interest
            | Kind::FlexRepayment
            | Kind::Cashback => Self { originator: false, spending: false },
        }
    }
}

fn country(shop: &Merchant) -> &'static str {
    shop.currency.map_or("GBR", |(_, country, _)| country)
}

fn category(kind: &Kind) -> &'static str {
    match kind {
        Kind::Card(card) => merchant(card.merchant).category,
        Kind::Pot(_) => "savings",
        Kind::DirectDebit { payee, .. } => party_of(*payee).category,
        Kind::Bank { party, .. } | Kind::Salary { party } => party_of(*party).category,
        Kind::Interest | Kind::Cashback => "income",
        Kind::OwnMoney(_) | Kind::FlexRepayment => "transfers",
    }
}

/// Null on incoming transfers (monzo/README.md, Kinds of rows).
fn categories(row: &Row, category: &str) -> Value {
    match row.kind {
        Kind::Bank { .. } if row.amount > 0 => Value::Null,
        _ => json!({category: row.amount}),
    }
}

fn notes(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bank { party, .. } | Kind::Salary { party } => party_of(*party).reference,
        Kind::DirectDebit { payee, .. } => party_of(*payee).reference,
        _ => "",
    }
}

fn scheme(kind: &Kind) -> &'static str {
    match kind {
        Kind::Card(_) => "mastercard",
        Kind::Pot(_) => "uk_retail_pot",
        Kind::DirectDebit { .. } | Kind::Salary { .. } => "bacs",
        Kind::Bank { .. } | Kind::OwnMoney(OwnMark::Number) => "payport_faster_payments",
        Kind::OwnMoney(_) => "p2p_payment",
        Kind::Interest => "account_interest",
        Kind::FlexRepayment => "monzo_flex",
        Kind::Cashback => "monzo_paid",
    }
}

//! The bank's JSON as facts: total and tolerant.
//!
//! Only what a fact cannot be without makes a record unreadable; anything else that is absent, null, empty or of an
//! unexpected type counts as not given (monzo/README.md, Requests and values). A list with one bad record yields the
//! good ones and that one. Each fact keeps its object's JSON byte for byte, also where it holds half a character
//! (`facts::record`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::id::{AccountId, TransactionId};
use monzo_common::money::Currency;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::facts::record::decodable;
use crate::facts::{Account, Balance, Merchant, Page, Pot, PotLink, PotList, Row, Unreadable, Whoami};

/// An answer that should have been a success and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its answer lacks what was asked for: {0}")]
pub struct Broken(String);

/// Takes a value of the expected type, and nothing for any other.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
    // Often null, of which the decoder would make an error.
    let given = Some(raw.get()).filter(|text| *text != "null");
    Ok(given.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
}

/// One record of a list.
fn decoded<T: DeserializeOwned>(raw: &str) -> serde_json::Result<T> {
    serde_json::from_str(&decodable(raw))
}

fn text(body: &[u8]) -> Result<&str, Broken> {
    std::str::from_utf8(body).map_err(|_| Broken("it is not text".to_owned()))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Broken> {
    serde_json::from_str(text(body)?).map_err(|error| Broken(reason(&error)))
}

/// What is wrong, without any content: serde quotes what it met.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Io => "it could not be read",
        serde_json::error::Category::Data => match message.split('`').nth(1) {
            Some(field) if message.starts_with("missing field") => return format!("there is no `{field}`"),
            _ => "a value is of another type than expected",
        },
    };
    kind.to_owned()
}

fn instant(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok()?;
    // The bank's precision is what the database keeps.
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

/// A time that may be absent, null or empty.
fn maybe_instant(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(instant)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Those that can be read; that others could not is told without their content.
fn each<T>(what: &'static str, listed: Vec<&RawValue>, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let all = listed.len();
    let read: Vec<T> = listed.into_iter().filter_map(|raw| read(raw.get())).collect();
    if read.len() < all {
        tracing::warn!(
            what,
            unreadable = all - read.len(),
            "the bank's list holds what cannot be understood"
        );
    }
    read
}

#[derive(Deserialize)]
struct AccountsBody<'a> {
    #[serde(borrow)]
    accounts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct AccountBody {
    id: String,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: String,
    #[serde(default, deserialize_with = "lenient")]
    closed: bool,
    #[serde(default, deserialize_with = "lenient")]
    created: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    owners: Vec<OwnerBody>,
}

#[derive(Deserialize)]
struct OwnerBody {
    #[serde(default, deserialize_with = "lenient")]
    preferred_first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    preferred_name: Option<String>,
}

/// The bank's list of accounts; one that cannot be read is left out.
///
/// # Errors
/// [`Broken`] if there is no list.
pub fn accounts(body: &[u8]) -> Result<Vec<Account>, Broken> {
    let listed: AccountsBody<'_> = parse(body)?;
    Ok(each("account", listed.accounts, account))
}

fn account(raw: &str) -> Option<Account> {
    let body: AccountBody = decoded(raw).ok()?;
    let owners = body.owners.into_iter();
    Some(Account {
        id: body.id.into(),
        kind: body.kind,
        owners: owners
            .filter_map(|owner| filled(owner.preferred_first_name).or(filled(owner.preferred_name)))
            .collect(),
        currency: currency(body.currency.as_deref()),
        closed: body.closed,
        created_at: maybe_instant(body.created.as_deref()),
        raw: raw.into(),
    })
}

/// Where the bank gives none, the currency is the bank's.
fn currency(code: Option<&str>) -> Currency {
    code.and_then(|code| code.parse().ok()).unwrap_or(Currency::GBP)
}

#[derive(Deserialize)]
struct BalanceBody {
    balance: i64,
    #[serde(default, deserialize_with = "lenient")]
    total_balance: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    spend_today: i64,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<String>,
}

/// An account's balance.
///
/// # Errors
/// [`Broken`] if there is none.
pub fn balance(body: &[u8]) -> Result<Balance, Broken> {
    let body: BalanceBody = parse(body)?;
    Ok(Balance {
        balance: body.balance,
        total_balance: body.total_balance.unwrap_or(body.balance),
        spend_today: body.spend_today,
        currency: currency(body.currency.as_deref()),
    })
}

#[derive(Deserialize)]
struct PotsBody<'a> {
    #[serde(borrow)]
    pots: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct PotBody {
    id: String,
    balance: i64,
    #[serde(default, deserialize_with = "lenient")]
    name: String,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    goal_amount: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    locked: bool,
    #[serde(default, deserialize_with = "lenient")]
    deleted: bool,
    #[serde(default, deserialize_with = "lenient")]
    available_for_bills: bool,
    #[serde(default, deserialize_with = "lenient")]
    has_virtual_cards: bool,
    #[serde(default, deserialize_with = "lenient")]
    isa_wrapper: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    charity_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    created: Option<String>,
}

/// The pots of `account`; one that cannot be read is left out.
///
/// # Errors
/// [`Broken`] if there is no list.
pub fn pots(account: &AccountId, body: &[u8]) -> Result<PotList, Broken> {
    let listed: PotsBody<'_> = parse(body)?;
    let count = listed.pots.len();
    let pots = each("pot", listed.pots, |raw| pot(account, raw));
    Ok(PotList { complete: pots.len() == count, pots })
}

/// The pot that answers a move, if that is what the answer is.
pub fn moved(account: &AccountId, body: &[u8]) -> Option<Pot> {
    pot(account, text(body).ok()?)
}

fn pot(account: &AccountId, raw: &str) -> Option<Pot> {
    let body: PotBody = decoded(raw).ok()?;
    Some(Pot {
        id: body.id.into(),
        account_id: account.clone(),
        name: body.name,
        kind: filled(body.kind).unwrap_or_else(|| "default".to_owned()),
        balance: body.balance,
        currency: currency(body.currency.as_deref()),
        goal: body.goal_amount.filter(|goal| *goal > 0),
        locked: body.locked,
        deleted: body.deleted,
        available_for_bills: body.available_for_bills,
        has_virtual_cards: body.has_virtual_cards,
        isa: filled(body.isa_wrapper).is_some(),
        charity: filled(body.charity_id).is_some(),
        created_at: maybe_instant(body.created.as_deref()),
        raw: raw.into(),
    })
}

#[derive(Deserialize)]
struct TransactionsBody<'a> {
    #[serde(borrow)]
    transactions: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct RowBody {
    id: String,
    created: String,
    amount: i64,
    currency: String,
    #[serde(default, deserialize_with = "lenient")]
    settled: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    updated: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    local_amount: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    local_currency: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    description: String,
    #[serde(default, deserialize_with = "lenient")]
    notes: String,
    #[serde(default, deserialize_with = "lenient")]
    category: String,
    #[serde(default, deserialize_with = "lenient")]
    categories: Option<BTreeMap<String, i64>>,
    #[serde(default, deserialize_with = "expanded")]
    merchant: Option<MerchantBody>,
    #[serde(default, deserialize_with = "lenient")]
    counterparty: Option<CounterpartyBody>,
    #[serde(default, deserialize_with = "lenient")]
    scheme: String,
    #[serde(default, deserialize_with = "lenient")]
    amount_is_pending: bool,
    #[serde(default, deserialize_with = "lenient")]
    decline_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    metadata: MetadataBody,
}

/// Takes a merchant, or its id alone where the bank does not expand it.
fn expanded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MerchantBody>, D::Error> {
    let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str(text).ok().map(|id| MerchantBody { id, ..MerchantBody::default() })
        }
        Some(b'n') => None,
        _ => serde_json::from_str(text).ok(),
    })
}

#[derive(Default, Deserialize)]
struct MerchantBody {
    #[serde(default, deserialize_with = "lenient")]
    id: String,
    #[serde(default, deserialize_with = "lenient")]
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    group_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    emoji: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    category: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    logo: Option<String>,
}

#[derive(Deserialize)]
struct CounterpartyBody {
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    preferred_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MetadataBody {
    #[serde(deserialize_with = "lenient")]
    pot_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pot_account_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    external_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    trigger: Option<String>,
    #[serde(deserialize_with = "lenient")]
    bills_pot_id: Option<String>,
}

/// A page of the list of `account`: the rows that can be read, and the records that cannot.
///
/// # Errors
/// [`Broken`] if there is no list.
pub fn transactions(account: &AccountId, body: &[u8]) -> Result<Page, Broken> {
    let listed: TransactionsBody<'_> = parse(body)?;
    let mut page = Page { rows: Vec::with_capacity(listed.transactions.len()), unreadable: Vec::new() };
    for raw in listed.transactions {
        match row(account, raw.get()) {
            Ok(row) => page.rows.push(row),
            Err(unreadable) => page.unreadable.push(unreadable),
        }
    }
    Ok(page)
}

/// One record of the list of `account`, also to try again what an older version could not read.
///
/// # Errors
/// [`Unreadable`], which keeps it whole.
pub fn row(account: &AccountId, raw: &str) -> Result<Row, Unreadable> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let unreadable = |reason: String| Unreadable {
        account_id: account.clone(),
        id: decoded::<Id>(raw).ok().map(|found| TransactionId::from(found.id)),
        reason,
        raw: raw.into(),
    };
    let body: RowBody = decoded(raw).map_err(|error| unreadable(reason(&error)))?;
    let created_at =
        instant(&body.created).ok_or_else(|| unreadable("`created` is not a time".to_owned()))?;
    let settled_at = match body.settled.as_deref() {
        None | Some("") => None,
        Some(text) => Some(instant(text).ok_or_else(|| unreadable("`settled` is not a time".to_owned()))?),
    };
    let currency: Currency =
        body.currency.parse().map_err(|_| unreadable("`currency` is not a currency".to_owned()))?;
    let pot = filled(body.metadata.pot_id).map(|pot_id| PotLink {
        pot_id: pot_id.into(),
        pot_account_id: filled(body.metadata.pot_account_id).map(AccountId::from),
    });
    let local_currency = body.local_currency.as_deref().and_then(|code| code.parse().ok());
    Ok(Row {
        account_id: account.clone(),
        id: body.id.into(),
        created_at,
        settled_at,
        updated_at: maybe_instant(body.updated.as_deref()),
        amount: body.amount,
        currency,
        local_amount: body.local_amount.unwrap_or(body.amount),
        local_currency: local_currency.unwrap_or(currency),
        description: body.description,
        notes: body.notes,
        category: body.category,
        categories: body.categories.unwrap_or_default().into_iter().collect(),
        merchant: body.merchant.filter(|merchant| !merchant.id.is_empty()).map(|merchant| Merchant {
            id: merchant.id.into(),
            group_id: filled(merchant.group_id),
            name: merchant.name,
            emoji: filled(merchant.emoji),
            category: filled(merchant.category),
            logo: filled(merchant.logo),
        }),
        counterparty: body.counterparty.and_then(|other| filled(other.preferred_name).or(filled(other.name))),
        scheme: body.scheme,
        amount_is_pending: body.amount_is_pending,
        decline_reason: filled(body.decline_reason),
        pot,
        external_id: filled(body.metadata.external_id),
        trigger: filled(body.metadata.trigger),
        bills_pot_id: filled(body.metadata.bills_pot_id).map(Into::into),
        raw: raw.into(),
    })
}

/// The amount of a record that could otherwise not be understood, if it is a whole number, in quotes or not.
pub fn amount(raw: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Amount {
        amount: serde_json::Value,
    }
    let found: Amount = serde_json::from_str(raw).ok()?;
    found.amount.as_i64().or_else(|| found.amount.as_str()?.parse().ok())
}

#[derive(Deserialize)]
struct WhoamiBody {
    authenticated: bool,
    #[serde(default, deserialize_with = "lenient")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    client_id: Option<String>,
}

/// Whose token it is.
///
/// # Errors
/// [`Broken`] if it does not say.
pub fn whoami(body: &[u8]) -> Result<Whoami, Broken> {
    let body: WhoamiBody = parse(body)?;
    Ok(Whoami {
        authenticated: body.authenticated,
        user_id: filled(body.user_id).map(Into::into),
        client_id: filled(body.client_id),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plain() -> Value {
        json!({
            "id": "tx_1", "created": "2026-08-01T00:31:36.0356Z", "amount": -1234, "currency": "GBP",
            "settled": "", "updated": "2026-08-01T00:31:36.206Z", "local_amount": -1500, "local_currency": "EUR",
            "description": "SHOP", "notes": "", "category": "groceries", "categories": {"groceries": -1234},
            "merchant": {"id": "merch_1", "name": "Shop", "emoji": "🛒", "logo": "", "address": {"city": "Leeds"}},
            "counterparty": {}, "scheme": "mastercard", "amount_is_pending": true, "is_load": false,
            "metadata": {"mcc": "5411"}, "labels": null, "international": null
        })
    }

    fn read(value: &Value) -> Result<Row, Unreadable> {
        row(&"acc_1".into(), &value.to_string())
    }

    fn with(key: &str, value: Value) -> Value {
        let mut row = plain();
        row[key] = value;
        row
    }

    #[test]
    fn a_card_payment_is_read_to_the_millisecond() {
        let row = read(&plain()).expect("it is readable");
        assert_eq!(row.created_at.to_string(), "2026-08-01T00:31:36.035Z");
        assert_eq!((row.amount, row.local_amount, row.local_currency.code()), (-1234, -1500, "EUR"));
        assert_eq!(row.merchant.map(|merchant| (merchant.name, merchant.logo)), Some(("Shop".into(), None)));
        assert!(row.settled_at.is_none() && row.amount_is_pending && row.pot.is_none());
    }

    #[test]
    fn what_is_absent_null_empty_or_of_another_type_counts_as_not_given() {
        let optional = [
            "settled",
            "updated",
            "local_amount",
            "local_currency",
            "description",
            "notes",
            "category",
            "categories",
            "merchant",
            "counterparty",
            "scheme",
            "amount_is_pending",
            "metadata",
            "decline_reason",
            "labels",
        ];
        for key in optional {
            for value in [Value::Null, json!(""), json!(7), json!("merch_1"), json!([1]), json!({"a": 1})] {
                if key == "settled" && value == "merch_1" {
                    continue;
                }
                let changed = with(key, value.clone());
                assert!(read(&changed).is_ok(), "{key} = {value}: {:?}", read(&changed));
            }
            let mut absent = plain();
            absent.as_object_mut().expect("an object").remove(key);
            assert!(read(&absent).is_ok(), "without {key}");
        }
    }

    #[test]
    fn every_key_of_a_merchant_may_be_missing_but_its_id() {
        let merchant = |value: Value| read(&with("merchant", value)).expect("it is readable").merchant;
        let known = |found: Option<Merchant>| found.map(|merchant| (merchant.id.to_string(), merchant.name));
        let only = Some(("merch_7".to_owned(), String::new()));
        assert_eq!(known(merchant(json!({"id": "merch_7"}))), only);
        assert_eq!(known(merchant(json!("merch_7"))), only);
        assert_eq!(known(merchant(json!({"id": "merch_7", "name": 5, "address": []}))), only);
        for nobody in [json!(null), json!({}), json!({"name": "Shop"}), json!("")] {
            assert_eq!(merchant(nobody.clone()), None, "{nobody}");
        }
    }

    #[test]
    fn a_pot_move_names_the_hidden_account() {
        let metadata = json!({"pot_id": "pot_1", "pot_account_id": "acc_hidden", "external_id": "user_1:key",
            "trigger": "user", "move_money_transfer_id": 5, "hold": null});
        let row = read(&with("metadata", metadata)).expect("it is readable");
        let pot = row.pot.expect("a pot");
        assert_eq!((pot.pot_id.as_str(), pot.pot_account_id), ("pot_1", Some("acc_hidden".into())));
        assert_eq!(row.external_id.as_deref(), Some("user_1:key"));
    }

    #[test]
    fn a_record_without_its_heart_is_kept_and_says_why_without_content() {
        let check = |value: Value, expected: &str| {
            let unreadable = read(&value).expect_err("it is not readable");
            assert_eq!(
                (unreadable.reason.as_str(), &*unreadable.raw),
                (expected, value.to_string().as_str())
            );
        };
        check(with("amount", json!("12.34")), "a value is of another type than expected");
        check(with("created", json!("yesterday")), "`created` is not a time");
        check(with("currency", json!("POUNDS")), "`currency` is not a currency");
        check(with("settled", json!("later")), "`settled` is not a time");
        check(json!({"id": "tx_2"}), "there is no `created`");
        check(json!(7), "a value is of another type than expected");
    }

    #[test]
    fn a_page_with_one_bad_record_yields_the_good_ones_and_that_record() {
        let body = json!({"transactions": [plain(), {"id": "tx_2"}, plain()], "more": true}).to_string();
        let page = transactions(&"acc_1".into(), body.as_bytes()).expect("a page");
        assert_eq!((page.rows.len(), page.unreadable.len(), page.len()), (2, 1, 3));
        assert_eq!(page.unreadable[0].id, Some("tx_2".into()));
    }

    #[test]
    fn an_answer_without_its_key_is_broken_and_not_empty() {
        for body in ["{}", "", "[]", "{\"transactions\":null}", "<html>", "{\"transactions\":[{\"id\":"] {
            assert!(transactions(&"acc_1".into(), body.as_bytes()).is_err(), "{body}");
            assert!(accounts(body.as_bytes()).is_err(), "{body}");
            assert!(pots(&"acc_1".into(), body.as_bytes()).is_err(), "{body}");
            assert!(balance(body.as_bytes()).is_err(), "{body}");
            assert!(whoami(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_raw_json_is_kept_byte_for_byte() {
        let raw = r#"{ "id":"tx_1" , "created":"2026-08-01T00:31:36Z","amount":1,"currency":"GBP", "new\u0020key" : [1.50] }"#;
        let body = format!(r#"{{"transactions":[{raw}]}}"#);
        let page = transactions(&"acc_1".into(), body.as_bytes()).expect("a page");
        assert_eq!(&*page.rows[0].raw, raw);
    }

    #[test]
    fn accounts_without_optional_keys_are_read() {
        let body = json!({"accounts": [
            {"id": "acc_1", "type": "uk_retail", "created": "2021-06-12T09:30:00Z", "owners": [{"preferred_first_name": "Ada"}]},
            {"id": "acc_2", "type": "uk_loan", "closed": null},
            {"description": "no id"}
        ]});
        let accounts = accounts(body.to_string().as_bytes()).expect("a list");
        assert_eq!(accounts.len(), 2);
        assert_eq!(accounts[0].owners, ["Ada"]);
    }

    #[test]
    fn a_pot_without_a_goal_has_none() {
        let body = json!({"pots": [{"id": "pot_1", "name": "Bills", "balance": 5, "type": "default", "locked": true}]});
        let pots = pots(&"acc_1".into(), body.to_string().as_bytes()).expect("a list").pots;
        assert_eq!((pots[0].goal, pots[0].locked), (None, true));
    }
}

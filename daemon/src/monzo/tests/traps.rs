//! The traps of the bank's rows (monzo/README.md, Rows), as a page over the wire.

use serde_json::{Value, json};

use super::*;
use crate::facts::{Page, Row};

/// A settled card payment in the shape of today.
fn card() -> Value {
    json!({
        "id": "tx_1", "account_id": "acc_1", "parent_account_id": "", "created": "2026-08-01T14:15:16.035Z",
        "updated": "2026-08-02T00:30:00.206Z", "settled": "2026-08-02T00:30:00.056Z", "amount": -1234, "currency": "GBP",
        "local_amount": -1234, "local_currency": "GBP", "amount_is_pending": false,
        "description": "CORNER SHOP            LEEDS         GBR", "notes": "", "category": "groceries",
        "categories": {"groceries": -1234}, "merchant": {"id": "merch_1", "group_id": "grp_1", "name": "Corner Shop",
            "logo": "", "emoji": "🛒", "category": "groceries", "online": false, "atm": false, "address": {"country": "GBR"}},
        "merchant_feedback_uri": "", "counterparty": {}, "scheme": "mastercard", "dedupe_id": "mclifecycle:1",
        "metadata": {"mcc": "5411", "mastercard_clearing_message_id": "mcclearingmsg_1"}, "labels": null,
        "attachments": null, "fees": {}, "international": null, "atm_fees_detailed": null, "is_load": false,
        "originator": false, "include_in_spending": true, "can_split_the_bill": true, "user_id": "user_1"
    })
}

async fn page(rows: Vec<Value>) -> Page {
    let mut rig = Rig::new().await;
    rig.get("/transactions").with_body(json!({"transactions": rows}).to_string()).create_async().await;
    let since = Since::Time(Timestamp::UNIX_EPOCH);
    rig.client.transactions(&"acc_1".into(), since, None, Lane::Capture).await.expect("a page")
}

/// The card payment with some keys replaced, and those that are null in `changes` removed.
async fn with(changes: Value) -> Row {
    let mut row = card();
    for (key, value) in changes.as_object().expect("an object") {
        if value == "absent" {
            row.as_object_mut().expect("an object").remove(key);
        } else {
            row[key] = value.clone();
        }
    }
    let mut page = page(vec![row]).await;
    assert!(page.unreadable.is_empty(), "{:?}", page.unreadable);
    page.rows.pop().expect("a row")
}

#[tokio::test]
async fn a_pending_payment_has_an_empty_time_and_not_null() {
    let row = with(json!({"settled": "", "amount_is_pending": true})).await;
    assert_eq!((row.settled_at, row.amount_is_pending), (None, true));
    assert_eq!(with(json!({"settled": "absent"})).await.settled_at, None);
    assert_eq!(with(json!({"settled": null})).await.settled_at, None);
}

#[tokio::test]
async fn times_come_with_and_without_fractions() {
    let row =
        with(json!({"created": "2026-08-01T14:15:16Z", "settled": "2026-08-02T00:30:00.1234567Z"})).await;
    assert_eq!(row.created_at.to_string(), "2026-08-01T14:15:16Z");
    assert_eq!(row.settled_at.map(|at| at.to_string()), Some("2026-08-02T00:30:00.123Z".into()));
}

#[tokio::test]
async fn a_payment_in_settles_after_it_is_there_and_has_no_categories() {
    let row = with(json!({
        "amount": 250_000, "scheme": "payport_faster_payments", "merchant": null, "categories": null,
        "counterparty": {"name": "ACME LTD", "account_number": "12345678", "sort_code": "040004", "user_id": "anonuser_1"},
        "settled": "2026-08-02T06:00:00Z", "include_in_spending": false
    }));
    let row = row.await;
    assert_eq!((row.merchant, row.categories.len(), row.counterparty), (None, 0, Some("ACME LTD".into())));
}

#[tokio::test]
async fn a_friend_is_called_what_they_prefer() {
    let row = with(json!({"scheme": "p2p_payment", "merchant": null,
        "counterparty": {"account_id": "acc_9", "user_id": "user_9", "name": "Grace B Example", "preferred_name": "Grace"}}));
    assert_eq!(row.await.counterparty.as_deref(), Some("Grace"));
}

#[tokio::test]
async fn a_merchant_is_null_an_id_or_an_object_with_any_keys() {
    assert_eq!(with(json!({"merchant": null})).await.merchant, None);
    assert_eq!(with(json!({"merchant": ""})).await.merchant, None);
    let id = with(json!({"merchant": "merch_9"})).await.merchant.expect("a merchant");
    assert_eq!((id.id.as_str(), id.name.as_str()), ("merch_9", ""));
    let bare = with(json!({"merchant": {"id": "merch_9"}})).await.merchant.expect("a merchant");
    assert_eq!((bare.id.as_str(), bare.logo), ("merch_9", None));
}

#[tokio::test]
async fn only_a_declined_row_has_the_key() {
    assert_eq!(with(json!({})).await.decline_reason, None);
    assert_eq!(with(json!({"decline_reason": ""})).await.decline_reason, None);
    let declined = with(json!({"decline_reason": "SOMETHING_NEW", "settled": ""})).await;
    assert_eq!(declined.decline_reason.as_deref(), Some("SOMETHING_NEW"));
}

#[tokio::test]
async fn a_pot_move_is_described_by_the_pots_id_and_names_the_hidden_account() {
    let row = with(json!({
        "description": "pot_1", "amount": 3000, "scheme": "uk_retail_pot", "merchant": null, "categories": {"transfers": 3000},
        "metadata": {"external_id": "user_1:mz-1-w", "pot_account_id": "acc_hidden", "pot_id": "pot_1",
            "pot_withdrawal_id": "potwdr_1", "trigger": "user", "ledger_insertion_id": "entryset_1"}
    }));
    let row = row.await;
    let pot = row.pot.expect("a pot");
    assert_eq!((pot.pot_id.as_str(), pot.pot_account_id), ("pot_1", Some("acc_hidden".into())));
    assert_eq!((row.external_id.as_deref(), row.trigger.as_deref()), (Some("user_1:mz-1-w"), Some("user")));
}

#[tokio::test]
async fn a_bill_names_the_pot_that_paid_it() {
    let row =
        with(json!({"scheme": "bacs", "metadata": {"bills_pot_id": "pot_1", "bacs_record_id": "1"}})).await;
    assert_eq!((row.bills_pot_id, row.pot), (Some("pot_1".into()), None));
}

#[tokio::test]
async fn metadata_of_odd_types_costs_the_row_nothing() {
    for metadata in
        [json!(null), json!([]), json!("x"), json!({"pot_id": 7, "trigger": null, "hold": {"a": 1}})]
    {
        let row = with(json!({"metadata": metadata})).await;
        assert_eq!((row.pot, row.trigger), (None, None));
    }
}

#[tokio::test]
async fn a_foreign_payment_keeps_both_amounts_and_yen_are_whole() {
    let row = with(json!({"local_amount": -2000, "local_currency": "JPY", "amount": -1040})).await;
    assert_eq!((row.amount, row.local_amount, row.local_currency.code()), (-1040, -2000, "JPY"));
    let row = with(json!({"local_amount": null, "local_currency": ""})).await;
    assert_eq!((row.local_amount, row.local_currency.code()), (-1234, "GBP"));
}

#[tokio::test]
async fn amounts_are_whole_64_bit_numbers_and_zero_is_one() {
    assert_eq!(with(json!({"amount": i64::MIN})).await.amount, i64::MIN);
    assert_eq!(with(json!({"amount": 0, "notes": "Active card check"})).await.amount, 0);
    let mut row = card();
    row["amount"] = json!(-12.34);
    let page = page(vec![row]).await;
    assert_eq!((page.rows.len(), page.unreadable.len()), (0, 1), "no float is ever taken for money");
}

#[tokio::test]
async fn unknown_words_and_keys_of_old_and_new_versions_are_no_trouble() {
    let row = with(json!({
        "scheme": "teleport", "category": "category_0000abc", "account_balance": 55, "merchant_feedback_uri": "absent",
        "suggested_tags": "#x", "international": {"anything": [1]}, "labels": ["a"], "parent_account_id": "absent", "brand_new": 1
    }));
    let row = row.await;
    assert_eq!((row.scheme.as_str(), row.category.as_str()), ("teleport", "category_0000abc"));
    assert!(row.raw.contains("brand_new"));
}

#[tokio::test]
async fn one_bad_record_costs_only_itself() {
    let bad = json!({"id": "tx_bad", "created": "yesterday", "amount": 1, "currency": "GBP"});
    let page = page(vec![card(), bad, json!("not even an object"), card()]).await;
    assert_eq!((page.rows.len(), page.unreadable.len()), (2, 2));
    assert_eq!(page.unreadable[0].id, Some("tx_bad".into()));
    assert!(
        page.unreadable.iter().all(|record| !record.reason.contains("yesterday")),
        "a reason holds no content"
    );
}

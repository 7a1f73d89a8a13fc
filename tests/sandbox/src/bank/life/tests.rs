//! The life as a whole: nothing gets lost in it, and what monzo/README.md describes happens in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Fate, Purchase};
use crate::bank::clock::{DAY, MINUTE, instant};
use crate::bank::fixture::{Till, start};
use crate::bank::row::Kind;
use crate::bank::world::World;
use crate::bank::{Bank, Settings};
use crate::control::Spend;

fn assert_conserved(world: &World) {
    for (index, account) in world.accounts.iter().enumerate() {
        let rows = world.list(index).iter().map(|row| &world.rows[*row]);
        let sum: i64 = rows.clone().filter(|row| row.counts()).map(|row| row.amount).sum();
        assert_eq!(account.balance, sum, "{} {:?}", account.id, account.kind);
        let order: Vec<_> =
            world.list(index).iter().map(|row| (world.rows[*row].created, world.row_id(*row))).collect();
        assert!(order.is_sorted(), "{} is out of order", account.id);
        assert!(
            rows.clone().all(|row| row.created >= account.created),
            "{} has older lines than itself",
            account.id
        );
    }
    assert_eq!(
        world.rows.len(),
        (0..world.accounts.len()).map(|account| world.list(account).len()).sum::<usize>()
    );
    for transfer in &world.transfers {
        let [main, hidden] = transfer.halves.map(|row| &world.rows[row]);
        assert_eq!(main.amount, -hidden.amount);
        assert_eq!(
            (main.account, hidden.account),
            (world.pots[transfer.pot].account, world.pots[transfer.pot].hidden)
        );
        assert_eq!((main.created, main.settled), (hidden.created, Some(main.created)));
    }
    let halves = world.rows.iter().filter(|row| matches!(row.kind, Kind::Pot(_))).count();
    assert_eq!(halves, 2 * world.transfers.len());
}

fn text(bank: &Bank) -> String {
    serde_json::to_string(&bank.ledger(None)).expect("it is JSON")
}

#[test]
fn money_is_conserved_through_three_years_and_two_months_more() {
    let mut bank = Bank::new(Settings { lively: true, ..Settings::new(start()) });
    assert_conserved(&bank.world);
    let before = bank.world.rows.len();
    for day in 1..=60 {
        bank.pass(instant(start().as_millisecond() + day * DAY));
    }
    assert_conserved(&bank.world);
    assert!(bank.world.rows.len() > before + 200, "life goes on: {} then {}", before, bank.world.rows.len());
}

#[test]
fn a_seed_gives_the_same_books_and_another_seed_others() {
    let books = |seed| text(&Bank::new(Settings { seed, years: 1, ..Settings::new(start()) }));
    assert_eq!(books(1), books(1));
    assert_ne!(books(1), books(2));
}

#[test]
fn time_passes_the_same_in_one_step_as_in_many() {
    let books = |steps: i64| {
        let mut bank = Bank::new(Settings { years: 1, lively: true, ..Settings::new(start()) });
        for step in 1..=steps {
            bank.pass(instant(start().as_millisecond() + 40 * DAY * step / steps));
        }
        text(&bank)
    };
    assert_eq!(books(1), books(977));
}

#[test]
fn a_still_bank_begins_nothing_but_ends_what_was_begun() {
    let mut bank = Bank::new(Settings::new(start()));
    let count = |bank: &Bank| bank.world.rows.iter().filter(|row| row.amount_pending && !row.gone).count();
    let (rows, pending) = (bank.world.rows.len(), count(&bank));
    assert!(pending >= 5, "{pending}");
    bank.pass(instant(start().as_millisecond() + 30 * DAY));
    assert_eq!(count(&bank), 0);
    let refunds =
        bank.world.rows[rows..].iter().filter(|row| row.amount > 0 || matches!(row.kind, Kind::Card(_)));
    assert_eq!(refunds.count(), bank.world.rows.len() - rows, "only refunds and copies are new");
}

#[test]
fn a_bill_paid_from_a_pot_is_three_lines_and_the_pot_may_fall_short() {
    let mut till = Till::whole();
    let cast = till.bank.life.cast;
    let world = &till.bank.world;
    let bills_pot = world.pots[cast.bills].id.clone();
    let covers: Vec<_> =
        world.transfers.iter().filter(|transfer| transfer.trigger == "committed_spending").collect();
    let standing =
        covers.iter().filter(|cover| cover.external_id.starts_with("standing-order-withdrawal:series_"));
    assert!(covers.len() > 200 && standing.count() > 30, "{}", covers.len());
    assert!(covers.iter().all(|cover| cover.withdraw && cover.pot == cast.bills));
    let debits = world.rows.iter().filter_map(|row| match row.kind {
        Kind::DirectDebit { bills_pot: Some(pot), .. } => Some((row, pot)),
        _ => None,
    });
    let (mut whole, mut part) = (0, 0);
    for (bill, pot) in debits {
        assert_eq!((pot, bill.account), (cast.bills, cast.personal));
        let night = bill.created - 3 * 60 * MINUTE..bill.created;
        let cover = covers.iter().filter(|cover| night.contains(&cover.at) && cover.amount <= -bill.amount);
        assert!(cover.clone().count() > 0, "nothing covers {}", instant(bill.created));
        if cover.clone().any(|cover| cover.amount == -bill.amount) {
            whole += 1;
        } else {
            part += 1;
        }
    }
    assert!(whole > 150 && part > 0, "{whole} whole, {part} in part");
    let (_, body) = till.list(cast.personal, &[("limit", "100")]);
    let rows = body["transactions"].as_array().expect("a list").clone();
    let bill = rows.iter().find(|row| row["metadata"]["bills_pot_id"] == bills_pot.as_str()).expect("a bill");
    assert_eq!((bill["scheme"].as_str(), bill["settled"] == bill["created"]), (Some("bacs"), true));
    assert!(bill["counterparty"]["service_user_number"].is_string());
}

#[test]
fn every_kind_of_line_is_there() {
    let bank = Bank::new(Settings::new(start()));
    let ledger = bank.ledger(None);
    let rows = || {
        ledger.accounts.iter().flat_map(|account| account.transactions.iter().map(move |row| (account, row)))
    };
    let of = |scheme: &str| rows().filter(|(_, row)| row["scheme"] == scheme).count();
    for scheme in [
        "mastercard",
        "bacs",
        "payport_faster_payments",
        "uk_retail_pot",
        "monzo_flex",
        "account_interest",
        "monzo_paid",
    ] {
        assert!(of(scheme) > 5, "{scheme}: {}", of(scheme));
    }
    let count = |what: &str, found: usize, least: usize| assert!(found >= least, "{what}: {found}");
    let with = |key: &str| rows().filter(|(_, row)| row["metadata"].get(key).is_some()).count();
    count("round-ups", with("coin_jar_transaction"), 100);
    count("refunds", with("original_transaction_id"), 5);
    count("reversals", with("is_reversal"), 3);
    count("covered afterwards", with("retroactive_pot_id"), 2);
    count("declined", rows().filter(|(_, row)| row.get("decline_reason").is_some()).count(), 10);
    count("active card checks", rows().filter(|(_, row)| row["notes"] == "Active card check").count(), 3);
    count("foreign", rows().filter(|(_, row)| row["local_currency"] != "GBP").count(), 10);
    count("pending", rows().filter(|(_, row)| row["amount_is_pending"] == true).count(), 5);
    count(
        "settled later",
        rows()
            .filter(|(_, row)| {
                row["scheme"] == "payport_faster_payments"
                    && row["settled"].as_str() > row["created"].as_str()
            })
            .count(),
        2,
    );
    let hidden = rows().filter(|(account, _)| account.kind == "hidden");
    count("virtual card", hidden.clone().filter(|(_, row)| row["scheme"] == "mastercard").count(), 60);
    assert!(
        rows()
            .filter(|(account, _)| account.kind != "hidden")
            .all(|(_, row)| row["scheme"] != "account_interest")
    );
    let flex =
        rows().filter(|(account, row)| account.kind == "uk_monzo_flex" && row["scheme"] == "mastercard");
    assert!(flex.clone().count() > 10 && flex.clone().all(|(_, row)| row["settled"] == ""));
    let mut instants = BTreeMap::<_, u32>::new();
    for (account, row) in rows() {
        *instants.entry((account.id.as_str(), row["created"].as_str())).or_default() += 1;
    }
    count("ties", instants.values().filter(|count| **count > 1).count(), 30);
    let ids: BTreeSet<_> = rows().map(|(_, row)| row["id"].as_str()).collect();
    assert_eq!(ids.len(), rows().count(), "an id is given once");
}

#[test]
fn a_card_payment_ends_as_fated() {
    let find = |till: &mut Till, id: &str| {
        let (status, body) = till.get(&format!("/transactions/{id}"), &[]);
        if status == 200 { body["transaction"].clone() } else { Value::Null }
    };
    let check = |fate, amount: Option<i64>| {
        let mut till = Till::small();
        let balance = till.bank.world.accounts[0].balance;
        let id = till.buy(1_000, fate);
        let row = find(&mut till, &id);
        assert_eq!((row["settled"].as_str(), row["amount_is_pending"].as_bool()), (Some(""), Some(true)));
        assert!(row["metadata"].get("mastercard_clearing_message_id").is_none());
        assert!(row.get("decline_reason").is_none());
        assert_eq!(till.bank.world.accounts[0].balance, balance - 1_000, "pending counts");
        let updated = row["updated"].clone();
        till.bank.settings.token_life = std::time::Duration::from_secs(1 << 30);
        let (_, body) = till.renew();
        till.keep(&body);
        till.days(3);
        let row = find(&mut till, &id);
        assert_eq!(row["amount"].as_i64(), amount, "{fate:?}");
        assert_conserved(&till.bank.world);
        if amount.is_some() && fate != Fate::Copied && fate != Fate::Never {
            assert_eq!(row["amount_is_pending"], false);
            assert!(row["settled"].as_str().is_some_and(|at| at.contains("T00:3")), "{row}");
            assert!(row["updated"].as_str() > updated.as_str());
            assert!(row["metadata"]["mastercard_clearing_message_id"].is_string());
        }
        till
    };
    check(Fate::Settles, Some(-1_000));
    check(Fate::Changes { per_cent: 112 }, Some(-1_120));
    check(Fate::Reverses, Some(0));
    check(Fate::Vanishes, None);
    check(Fate::Never, Some(-1_000));
    let mut till = check(Fate::Copied, Some(-1_000));
    let twins = |till: &mut Till| till.page(0, &[]).iter().filter(|row| row["amount"] == -1_000).count();
    assert_eq!(twins(&mut till), 2, "a settled copy beside the pending line");
    till.days(8);
    assert_eq!(twins(&mut till), 1);
}

#[test]
fn a_purchase_beyond_the_balance_is_declined_and_moves_nothing() {
    let mut till = Till::small();
    let order = Spend { amount: Some(500), decline: Some("INVALID_PIN".into()), ..Spend::default() };
    let balance = till.bank.world.accounts[0].balance;
    till.bank.spend(&order).expect("declined");
    let at = till.now.as_millisecond();
    till.bank.life.buy(&mut till.bank.world, at, &Purchase::of(0, 1, 99_999_999));
    let rows = till.page(0, &[]);
    let reasons: Vec<_> = rows.iter().filter_map(|row| row["decline_reason"].as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons.contains(&"INSUFFICIENT_FUNDS") && reasons.contains(&"INVALID_PIN"));
    assert_eq!(till.bank.world.accounts[0].balance, balance);
}

#[test]
fn virtual_card_purchases_are_listed_only_where_the_bank_lists_them() {
    let mut till = Till::whole();
    let hidden = till.bank.world.pots[till.bank.life.cast.bills].hidden;
    let cards = |till: &mut Till| {
        till.page(hidden, &[("limit", "100")]).iter().filter(|row| row["scheme"] == "mastercard").count()
    };
    assert!(cards(&mut till) >= 2);
    till.bank.switches.virtual_cards_listed = false;
    assert_eq!(cards(&mut till), 0);
}

#[test]
fn pots_that_something_else_fills_are_not_filled_by_hand_on_payday() {
    let filled = |by_hand| {
        let mut bank = Bank::new(Settings { years: 1, lively: true, ..Settings::new(start()) });
        let switches = crate::bank::Switches { by_hand, ..bank.switches.clone() };
        bank.switch(switches);
        let before = bank.world.transfers.len();
        bank.pass(instant(start().as_millisecond() + 10 * DAY));
        let (house, since) = (bank.life.cast.house, &bank.world.transfers[before..]);
        since.iter().filter(|transfer| transfer.pot == house).count()
    };
    assert_eq!((filled(true), filled(false)), (1, 0));
}

#[test]
fn a_wanted_number_of_lines_is_reached() {
    let bank = Bank::new(Settings { rows: Some(20_000), years: 1, ..Settings::new(start()) });
    assert!((20_000..22_000).contains(&bank.world.rows.len()), "{}", bank.world.rows.len());
    assert_conserved(&bank.world);
}

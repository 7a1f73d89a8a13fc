//! Rows as banks really have them, each with what it does to spending, income and transfers.

use monzo_sandbox::bank::Settings;
use monzo_sandbox::bank::people;
use monzo_sandbox::bank::row::{Card, Kind, Row};
use monzo_sandbox::bank::world::AccountKind;
use serde_json::{Value, json};

use crate::rig::{self, Rig};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What the figures of the period are, in pence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    spending: i64,
    income: i64,
    left_out: i64,
    provisional: i64,
}

/// A bank with one account, one pot and a few rows, read by a daemon that looks only when it is told to.
fn bank(more: &str) -> Rig {
    let rig = Rig::with(rig::small(), &format!("[sync]\npoll = \"\"\n{more}"));
    rig.login();
    rig
}

fn said(rig: &Rig) -> Said {
    let period = ["--since", "2026-10-01", "--until", "2026-12-31"];
    let figure = |noun: &str| rig.json(&[&[noun], &period[..]].concat())[noun].clone();
    let (spending, income) = (figure("spending"), figure("income"));
    let number = |value: &Value| value.as_i64().expect("an amount");
    Said {
        spending: number(&spending["total"]),
        income: number(&income["total"]),
        left_out: number(&spending["left_out"]["amount"]),
        provisional: number(&spending["provisional"]),
    }
}

/// Posts a row `ago` before the bank's present, with this over its JSON.
fn post(rig: &Rig, account: usize, ago: i64, amount: i64, kind: Kind, patch: Value) -> usize {
    let mut bank = rig.bank.bank();
    let at = bank.now().as_millisecond() - ago;
    bank.world.post(Row { patch: Some(Box::new(patch)), ..Row::settled(account, at, amount, kind) })
}

/// Posts a row, syncs, and says by how much each figure changed.
fn change(rig: &Rig, account: usize, amount: i64, kind: Kind, patch: Value) -> Said {
    let before = said(rig);
    post(rig, account, 2 * HOUR, amount, kind, patch);
    rig.sync();
    let after = said(rig);
    Said {
        spending: after.spending - before.spending,
        income: after.income - before.income,
        left_out: after.left_out - before.left_out,
        provisional: after.provisional - before.provisional,
    }
}

fn card() -> Kind {
    Kind::Card(Card::default())
}

fn bank_transfer(party: u16) -> Kind {
    Kind::Bank { party, iteration: None }
}

#[test]
fn each_row_changes_the_figures_as_a_person_would_expect() {
    let rig = bank("");
    let nothing = Said { spending: 0, income: 0, left_out: 0, provisional: 0 };
    let spent = |amount| Said { spending: amount, ..nothing };
    let cases: Vec<(&str, i64, Kind, Value, Said)> = vec![
        (
            "a refund months later",
            2_500,
            card(),
            json!({"metadata": {"original_transaction_id": "tx_1"}}),
            spent(-2_500),
        ),
        ("a reversal", 999, card(), json!({"metadata": {"is_reversal": "true"}}), spent(-999)),
        (
            "a direct debit that came back",
            3_000,
            Kind::DirectDebit { payee: 6, bills_pot: None },
            json!({}),
            spent(-3_000),
        ),
        ("a friend who pays back", 1_250, bank_transfer(3), json!({"category": "eating_out"}), spent(-1_250)),
        (
            "a friend's present",
            1_250,
            bank_transfer(3),
            json!({"category": "general"}),
            Said { income: 1_250, ..nothing },
        ),
        (
            "a fare of ten pence that is pending",
            -10,
            card(),
            json!({"settled": "", "amount_is_pending": true}),
            Said { spending: 10, provisional: 10, ..nothing },
        ),
        ("a declined payment", -5_000, card(), json!({"decline_reason": "INVALID_CVC"}), nothing),
        ("a card check", 0, card(), json!({"notes": "Active card check"}), nothing),
        (
            "a payment that the person keeps out of the app's figures",
            -4_200,
            card(),
            json!({"metadata": {"exclude_from_breakdown": "true"}}),
            Said { left_out: 4_200, ..nothing },
        ),
        (
            "a payment that the bank does not call spending",
            -700,
            bank_transfer(3),
            json!({"include_in_spending": false}),
            Said { left_out: 700, ..nothing },
        ),
        (
            "yen, which have no decimals",
            -1_234,
            card(),
            json!({"local_amount": -2_300, "local_currency": "JPY"}),
            spent(1_234),
        ),
        (
            "dinars, which have three",
            -1_234,
            card(),
            json!({"local_amount": -4_721, "local_currency": "KWD"}),
            spent(1_234),
        ),
        ("a top-up of old", 5_000, card(), json!({"is_load": true, "scheme": "topup"}), nothing),
        ("a fee of the bank", -300, Kind::Cashback, json!({"include_in_spending": true}), spent(300)),
        (
            "overdraft interest",
            -45,
            Kind::Interest,
            json!({"scheme": "overdraft", "include_in_spending": true}),
            spent(45),
        ),
        (
            "money to oneself by the bank's word",
            -8_000,
            bank_transfer(5),
            json!({"metadata": {"p2p_is_to_self": "true"}}),
            nothing,
        ),
    ];
    for (what, amount, kind, patch, expected) in cases {
        let changed = change(&rig, 0, amount, kind, patch);
        assert_eq!(changed, expected, "{what}");
    }
}

#[test]
fn twins_are_two_and_a_fare_counts_once_at_its_last_amount() {
    let rig = bank("");
    let before = said(&rig).spending;
    post(&rig, 0, HOUR, -310, card(), json!({}));
    post(&rig, 0, HOUR - 20_000, -310, card(), json!({}));
    rig.sync();
    assert_eq!(said(&rig).spending - before, 620);
    let fare = post(&rig, 0, HOUR, -10, card(), json!({"settled": ""}));
    rig.sync();
    assert_eq!((said(&rig).spending - before, said(&rig).provisional), (630, 490));
    {
        let mut bank = rig.bank.bank();
        let now = bank.now().as_millisecond();
        let row = &mut bank.world.rows[fare];
        (row.amount, row.settled, row.updated, row.patch) = (-680, Some(now), now, None);
    }
    rig.sync();
    assert_eq!((said(&rig).spending - before, said(&rig).provisional), (1_300, 480));
}

#[test]
fn a_split_that_does_not_add_up_leaves_the_rest_in_the_rows_own_category() {
    let rig = bank("");
    let of = |category: &str| -> i64 {
        let said = rig.json(&["spending", "--since", "2026-10-01", "--until", "2026-12-31"]);
        let rows = said["spending"]["rows"].as_array().expect("a list").clone();
        let row = rows.iter().find(|row| row["key"] == category).cloned();
        row.map_or(0, |row| row["amount"].as_i64().expect("pence"))
    };
    let before = (of("groceries"), of("gifts"));
    let usual = people::merchant(0).category;
    let patch = json!({"category": "groceries", "categories": {usual: null, "gifts": -400}});
    post(&rig, 0, HOUR, -1_000, card(), patch);
    rig.sync();
    assert_eq!((of("groceries") - before.0, of("gifts") - before.1), (600, 400));
}

#[test]
fn a_day_begins_at_local_midnight_also_in_the_tax_year_and_when_the_clocks_change() {
    let rig = Rig::with(Settings { years: 1, ..rig::year() }, "[sync]\npoll = \"\"\n");
    {
        let mut bank = rig.bank.bank();
        let at = |text: &str| text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond();
        for (instant, pence) in [
            // 5 April 23:30 in London is the last day of the old tax year; half an hour later begins the new one.
            ("2026-04-05T22:30:00Z", 101),
            ("2026-04-05T23:00:00Z", 103),
            // The last day of March ends an hour early in UTC; the clocks went forward on the 29th.
            ("2026-03-31T22:59:59.999Z", 107),
            ("2026-03-31T23:00:00Z", 109),
            ("2026-10-25T00:30:00Z", 113),
            ("2026-10-24T23:00:00Z", 127),
        ] {
            let patch = json!({"category": "gifts", "categories": null});
            bank.world
                .post(Row { patch: Some(Box::new(patch)), ..Row::settled(0, at(instant), -pence, card()) });
        }
    }
    rig.login();
    let gifts = |period: &str| -> i64 {
        let said = rig.json(&["spending", "-p", period, "--category", "gifts"]);
        said["spending"]["total"].as_i64().expect("pence")
    };
    for (period, pence) in [
        ("2026-04-05", 101),
        ("2026-04-06", 103),
        ("2026-03-31", 107),
        ("2026-04-01", 109),
        ("2026-03", 107),
        ("2026-10-25", 113 + 127),
        ("2026/27", 103 + 113 + 127),
    ] {
        assert_eq!(gifts(period), pence, "{period}");
    }
}

#[test]
fn money_between_two_own_accounts_hours_apart_is_no_spending_and_no_income() {
    let rig = Rig::with(rig::small(), "[sync]\npoll = \"\"\n");
    let joint = {
        let mut bank = rig.bank.bank();
        let at = bank.now().as_millisecond() - 20 * DAY;
        bank.world.open(AccountKind::Joint, &[0, 1], at)
    };
    rig.login();
    let before = said(&rig);
    // Out in the evening, in the next morning, and neither side says whose account the other is.
    post(&rig, 0, 30 * HOUR, -20_000, bank_transfer(4), json!({"counterparty": {"name": "Home"}}));
    post(&rig, joint, 14 * HOUR, 20_000, bank_transfer(2), json!({"category": "income"}));
    rig.sync();
    assert_eq!(said(&rig), before);
    // The same amount once more, with nothing on the other side, is spent.
    post(&rig, 0, 3 * HOUR, -20_000, bank_transfer(4), json!({}));
    rig.sync();
    assert_eq!(said(&rig).spending - before.spending, 20_000);
    let flow = rig.json(&["cashflow", "--since", "2026-11-01", "--until", "2026-12-31"])["cashflow"].clone();
    assert_eq!(flow["total"]["transfers"], 0, "{flow}");
    assert_eq!(flow["total"]["unexplained"], 0, "{flow}");
}

#[test]
fn a_bill_that_a_pot_pays_is_spent_once_whether_the_pot_pays_all_a_part_or_afterwards() {
    let rig = bank("");
    let pot = 0;
    let before = said(&rig);
    let pays = |amount: i64, external_id: &str| {
        let mut bank = rig.bank.bank();
        let at = bank.now().as_millisecond() - 2 * HOUR;
        bank.world.transfer(&monzo_sandbox::bank::world::Move {
            pot,
            withdraw: true,
            amount,
            at,
            lag: 0,
            trigger: "committed_spending",
            external_id,
        });
    };
    let by_pot = |rig: &Rig| -> i64 {
        let said = rig.json(&["spending", "--by", "pot", "--since", "2026-10-01", "--until", "2026-12-31"]);
        let rows = said["spending"]["rows"].as_array().expect("a list").clone();
        rows.iter().find(|row| row["name"] == "Bills").map_or(0, |row| row["amount"].as_i64().expect("pence"))
    };
    // All of a direct debit, and a part of another.
    pays(3_000, "bills:1");
    post(&rig, 0, 2 * HOUR, -3_000, Kind::DirectDebit { payee: 6, bills_pot: Some(pot) }, json!({}));
    pays(1_000, "bills:2");
    post(&rig, 0, 2 * HOUR, -4_000, Kind::DirectDebit { payee: 7, bills_pot: Some(pot) }, json!({}));
    rig.sync();
    assert_eq!((said(&rig).spending - before.spending, by_pot(&rig)), (7_000, 7_000));
    assert_eq!(said(&rig).income, before.income);
    // A card payment that the person covers from the pot afterwards.
    pays(555, "cover:1");
    let covered = Kind::Card(Card { covered_by: Some(pot), ..Card::default() });
    post(&rig, 0, 2 * HOUR, -555, covered, json!({}));
    rig.sync();
    assert_eq!((said(&rig).spending - before.spending, by_pot(&rig)), (7_555, 7_555));
    // A standing order, which itself does not say that the pot paid.
    let series = {
        let index = post(&rig, 0, 2 * HOUR, -9_000, Kind::Bank { party: 1, iteration: Some(3) }, json!({}));
        let bank = rig.bank.bank();
        bank.world.render(index, true)["metadata"]["series_id"].as_str().expect("a series").to_owned()
    };
    pays(9_000, &format!("standing-order-withdrawal:{series}:3:pot_1"));
    rig.sync();
    assert_eq!((said(&rig).spending - before.spending, by_pot(&rig)), (16_555, 16_555));
    // The pot's virtual card pays from the account behind it, where interest comes in too.
    let hidden = rig.bank.bank().world.pots[pot].hidden;
    post(&rig, hidden, HOUR, -777, Kind::Card(Card { virtual_card: true, ..Card::default() }), json!({}));
    post(&rig, hidden, HOUR, 31, Kind::Interest, json!({}));
    rig.sync();
    let after = said(&rig);
    assert_eq!((after.spending - before.spending, by_pot(&rig)), (17_332, 17_332));
    assert_eq!(after.income - before.income, 31);
}

#[test]
fn flex_counts_when_something_is_bought_where_it_is_synced_and_else_when_it_is_repaid() {
    for synced in [false, true] {
        let more = if synced { "[monzo]\naccounts = [\"uk_retail\", \"uk_monzo_flex\"]\n" } else { "" };
        let rig = Rig::with(rig::small(), &format!("[sync]\npoll = \"\"\n{more}"));
        let flex = {
            let mut bank = rig.bank.bank();
            let at = bank.now().as_millisecond() - 20 * DAY;
            bank.world.open(AccountKind::Flex, &[0], at)
        };
        rig.login();
        let before = said(&rig);
        post(
            &rig,
            flex,
            9 * HOUR,
            -12_000,
            Kind::Card(Card { flex: true, ..Card::default() }),
            json!({"settled": ""}),
        );
        post(&rig, 0, 2 * HOUR, -4_000, Kind::FlexRepayment, json!({}));
        post(&rig, flex, 2 * HOUR, 4_000, Kind::FlexRepayment, json!({}));
        rig.sync();
        let after = said(&rig);
        let expected = if synced { 12_000 } else { 4_000 };
        assert_eq!(after.spending - before.spending, expected, "Flex is synced: {synced}");
        assert_eq!((after.income, after.provisional), (before.income, before.provisional));
    }
}

#[test]
fn a_joint_account_is_divided_by_whose_card_paid() {
    let rig = bank("");
    for (name, pence) in [("Ada", 400), ("Sam", 900), ("Ada", 150)] {
        post(
            &rig,
            0,
            HOUR,
            -pence,
            card(),
            json!({"category": "gifts", "categories": null, "metadata": {"spender_first_name": name}}),
        );
    }
    rig.sync();
    let said = rig.json(&[
        "spending",
        "--by",
        "person",
        "--category",
        "gifts",
        "--since",
        "2026-10-01",
        "--until",
        "2026-12-31",
    ]);
    let rows = said["spending"]["rows"].as_array().expect("a list").clone();
    let of: Vec<(&str, i64)> = rows
        .iter()
        .map(|row| (row["name"].as_str().expect("a name"), row["amount"].as_i64().expect("pence")))
        .collect();
    assert_eq!(of, [("Sam", 900), ("Ada", 550)]);
}

//! The person's word and where bills stand, on a ledger of a few bills.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use monzo_common::model::{BillOrigin, BillState, NewBill, RhythmUnit};

use super::*;
use crate::insight::recurring::{Row, Standing};
use crate::store::BillWord;

const TODAY: Date = date(2026, 11, 24);
const PAYDAY: Date = date(2026, 12, 18);

fn working(day: Date) -> bool {
    !matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday)
}

/// Payments of a name on a day of each month of this year up to November.
fn paid(name: &str, day: i8, amount: i64, scheme: &str, key: Option<&str>) -> Vec<Row> {
    let row = |month: i8| Row {
        account: "acc_1".into(),
        id: format!("tx_{name}_{day}_{month:02}").into(),
        date: date(2026, month, day),
        amount: -amount,
        description: name.to_uppercase(),
        counterparty: None,
        merchant: Some(name.into()),
        group: None,
        category: "bills".into(),
        scheme: scheme.into(),
        series: key.map(str::to_owned),
        pot: None,
    };
    (1..=11).map(row).collect()
}

fn ledger() -> Vec<Row> {
    let mut rows = paid("Gym", 5, 2_150, "mastercard", None);
    rows.extend(paid("Water", 12, 3_000, "bacs", Some("mandate_1")));
    rows
}

fn all(rows: &[Row], words: &[StoredBillWord]) -> Vec<Known> {
    let horizon = TODAY.checked_add(62.days()).expect("a date");
    known(rows, words, (TODAY, horizon), &working)
}

fn named<'a>(all: &'a [Known], name: &str) -> &'a Known {
    all.iter().find(|known| known.bill.name == name).unwrap_or_else(|| panic!("no {name}: {all:#?}"))
}

/// Says something of a bill, as the daemon stores it; `true` if that changed anything.
fn say(rows: &[Row], words: &mut Vec<StoredBillWord>, name: &str, said: &Said) -> bool {
    let before = all(rows, words);
    let change = change(named(&before, name), words, said);
    let changed = !change.is_nothing();
    words.retain(|stored| !change.remove.contains(&stored.id));
    let id = words.iter().map(|stored| stored.id).max().unwrap_or(0) + 1;
    words.extend(change.add.map(|(keys, word)| StoredBillWord { id, keys, word }));
    changed
}

#[test]
fn each_word_counts_once_and_the_opposite_word_takes_it_back() {
    let rows = ledger();
    let plain = all(&rows, &[]);
    let next = named(&plain, "Gym").bill.next.expect("a next one");
    assert_eq!((next.date, next.amount), (date(2026, 12, 5), 2_150));
    for (word, back) in [
        (Said::Ignore, Said::Confirm(None)),
        (Said::Amount(Some(9_900)), Said::Amount(None)),
        (Said::Skip(next.date), Said::Unskip(next.date)),
    ] {
        let mut words = Vec::new();
        assert!(say(&rows, &mut words, "Gym", &word), "{word:?}");
        assert!(!say(&rows, &mut words, "Gym", &word), "a repeat of {word:?} changes nothing");
        assert_ne!(all(&rows, &words), plain, "{word:?}");
        assert!(say(&rows, &mut words, "Gym", &back), "{back:?}");
        let gym = all(&rows, &words);
        let gym = named(&gym, "Gym");
        assert_eq!((gym.bill.next, gym.ignored, gym.skipped.len()), (Some(next), false, 0), "{back:?}");
    }
    let mut words = Vec::new();
    assert!(say(&rows, &mut words, "Gym", &Said::Rename(Some("Club".into()))));
    let renamed = all(&rows, &words);
    assert_eq!((named(&renamed, "Club").payee.as_str(), renamed.len()), ("Gym", 2));
    assert!(say(&rows, &mut words, "Club", &Said::Rename(None)));
    assert_eq!(words, []);
}

#[test]
fn a_payment_that_was_skipped_is_neither_late_nor_missed_and_no_end() {
    let check = |rows: &[Row], on: Date, today: Date, next: Date| {
        let keys = all(rows, &[])[0].bill.keys.iter().map(|key| key.0.clone()).collect();
        let words = [StoredBillWord { id: 1, keys, word: BillWord::Skip { on } }];
        let horizon = today.checked_add(62.days()).expect("a date");
        let plain = known(rows, &[], (today, horizon), &working);
        let found = known(rows, &words, (today, horizon), &working);
        let bill = &found[0].bill;
        assert_ne!(plain[0].bill.standing, bill.standing, "{today}");
        assert_eq!((bill.standing, bill.ended), (Standing::Good, false), "{today}");
        assert_eq!(bill.next.map(|next| next.date), Some(next), "{today}");
        assert_eq!(
            bill.due.first().map(|due| due.date),
            Some(next).filter(|next| *next < horizon),
            "{today}"
        );
    };
    let monthly = paid("Water", 12, 3_000, "bacs", Some("mandate_1"));
    for day in [14, 17, 18, 28] {
        check(&monthly, date(2026, 12, 12), date(2026, 12, day), date(2027, 1, 12));
    }
    let quarterly: Vec<Row> = monthly.into_iter().filter(|row| row.date.month() % 3 == 2).collect();
    check(&quarterly, date(2027, 2, 12), date(2027, 3, 10), date(2027, 5, 12));
}

#[test]
fn what_is_ignored_skipped_or_has_an_amount_is_so_for_all_who_ask() {
    let mut rows = ledger();
    rows.iter_mut().for_each(|row| row.pot = Some("pot_1".into()));
    let pot = PotId::from("pot_1");
    let mut words = Vec::new();
    say(&rows, &mut words, "Gym", &Said::Ignore);
    say(&rows, &mut words, "Water", &Said::Amount(Some(4_000)));
    say(&rows, &mut words, "Water", &Said::Skip(date(2026, 12, 14)));
    let found = all(&rows, &words);
    let of_pot: Vec<&Bill> = of_pot(&found, &pot).collect();
    assert_eq!(of_pot.len(), 1);
    let next = of_pot[0].next.expect("a next one");
    assert_eq!((next.date, next.amount), (date(2027, 1, 12), 4_000));
}

#[test]
fn a_word_outlives_new_payments_and_the_id_stays() {
    let mut rows = ledger();
    let early: Vec<Row> = rows.iter().filter(|row| row.date < date(2026, 7, 1)).cloned().collect();
    let mut words = Vec::new();
    let horizon = date(2026, 9, 1);
    let then = known(&early, &words, (date(2026, 7, 1), horizon), &working);
    let ids: Vec<String> = then.iter().map(Known::id).collect();
    let change = change(named(&then, "Gym"), &words, &Said::Rename(Some("Club".into())));
    words.extend(change.add.map(|(keys, word)| StoredBillWord { id: 1, keys, word }));
    // A new price, too.
    rows.iter_mut().filter(|row| row.date > date(2026, 9, 1)).for_each(|row| row.amount -= 100);
    let now = all(&rows, &words);
    let club = named(&now, "Club");
    assert!(ids.contains(&club.id()), "{ids:?} {}", club.id());
    assert_eq!(club.bill.payments, 11);
}

#[test]
fn two_contracts_that_look_like_one_are_split_and_put_together_again() {
    // The same amount at one company, twice a month, and by one mandate.
    let mut rows = paid("Beacon", 3, 1_000, "bacs", Some("mandate_1"));
    rows.extend(paid("Beacon", 20, 1_000, "bacs", Some("mandate_1")));
    let mut words = Vec::new();
    let one = all(&rows, &words);
    assert_eq!(one.len(), 1, "{one:#?}");
    let second = rows[11].id.clone();
    assert!(say(&rows, &mut words, "Beacon", &Said::Split(vec![second])));
    let two = all(&rows, &words);
    let mut next: Vec<Date> = two.iter().filter_map(|known| Some(known.bill.next?.date)).collect();
    next.sort();
    assert_eq!(next, [date(2026, 12, 3), date(2026, 12, 20)], "{two:#?}");
    // Merging what was split takes the split back.
    let change = change(&two[0], &words, &Said::Merge(vec![two[1].clone()]));
    assert_eq!((change.remove, change.add), (vec![words[0].id], None));
}

#[test]
fn one_bill_in_two_parts_is_merged_and_taken_apart_again() {
    let mut rows = paid("Oak Lettings", 1, 40_000, "payport_faster_payments", Some("order_1"));
    rows.extend(paid("Oak Lettings", 3, 35_000, "payport_faster_payments", Some("order_2")));
    let mut words = Vec::new();
    let two = all(&rows, &words);
    assert_eq!(two.len(), 2);
    let merge = change(&two[0], &words, &Said::Merge(vec![two[1].clone()]));
    words.extend(merge.add.map(|(keys, word)| StoredBillWord { id: 7, keys, word }));
    let one = all(&rows, &words);
    assert_eq!(one.len(), 1, "{one:#?}");
    let next = one[0].bill.next.expect("a next one");
    assert_eq!((next.date, next.amount), (date(2026, 12, 1), 75_000));
    assert_eq!(change(&one[0], &words, &Said::Split(Vec::new())).remove, [7]);
}

fn boiler() -> NewBill {
    NewBill {
        name: "Boiler cover".into(),
        amount: 1_850,
        every: RhythmUnit::Month,
        count: 1,
        on: date(2026, 12, 31),
        account_id: "acc_1".into(),
        pot_id: Some("pot_1".into()),
    }
}

#[test]
fn an_added_bill_is_due_from_its_day_on_and_its_payments_count_for_it() {
    let word = BillWord::Add { bill: boiler() };
    let words = [StoredBillWord { id: 3, keys: Vec::new(), word }];
    let known_on = |rows: &[Row], today: Date| {
        known(rows, &words, (today, today.checked_add(95.days()).expect("a date")), &working)
    };
    let before = known_on(&[], TODAY);
    let days: Vec<Date> = before[0].bill.due.iter().map(|due| due.date).collect();
    // The 31st of January is a Sunday.
    assert_eq!(days, [date(2026, 12, 31), date(2027, 2, 1)]);
    assert_eq!((before[0].id().as_str(), before[0].bill.confidence), ("bill_0003", 100));
    let first = Row {
        date: date(2026, 12, 31),
        ..paid("BOILER COVER LTD", 1, 1_850, "bacs", Some("m_9"))[0].clone()
    };
    let after = known_on(&[first], date(2027, 1, 4));
    assert_eq!(after.len(), 1, "{after:#?}");
    assert_eq!(
        (after[0].bill.payments, after[0].bill.next.map(|next| next.date)),
        (1, Some(date(2027, 2, 1)))
    );
    let told = told(&after, &Holdings::default(), date(2027, 1, 4), date(2027, 2, 1));
    assert_eq!((told[0].origin, told[0].covered), (BillOrigin::Person, None));
    assert_eq!(change(&after[0], &words, &Said::Ignore).remove, [3]);
}

#[test]
fn cover_counts_all_that_is_due_before_and_states_are_told() {
    let rows = ledger();
    let found = all(&rows, &[]);
    let covered = |held: i64| {
        let holdings = Holdings { accounts: [("acc_1".into(), held)].into(), ..Holdings::default() };
        let told = told(&found, &holdings, TODAY, PAYDAY);
        told.iter().map(|bill| (bill.name.clone(), bill.covered)).collect::<Vec<_>>()
    };
    let both = |gym, water| vec![("Gym".to_owned(), gym), ("Water".to_owned(), water)];
    assert_eq!(covered(5_150), both(Some(true), Some(true)));
    assert_eq!(covered(5_149), both(Some(true), Some(false)));
    assert_eq!(covered(2_149), both(Some(false), Some(false)));
    let state = |rows: &[Row], today: Date, payday: Date| {
        let horizon = today.checked_add(62.days()).expect("a date");
        let known = known(rows, &[], (today, horizon), &working);
        told(&known, &Holdings::default(), today, payday)[0].state
    };
    let water = paid("Water", 12, 3_000, "bacs", Some("mandate_1"));
    assert_eq!(state(&water, TODAY, PAYDAY), BillState::Due);
    assert_eq!(state(&water, TODAY, date(2026, 11, 30)), BillState::Paid);
    assert_eq!(state(&water, date(2026, 12, 16), PAYDAY), BillState::Late);
    assert_eq!(state(&water, date(2026, 12, 22), PAYDAY), BillState::Missed);
    assert_eq!(state(&water, date(2027, 2, 22), PAYDAY), BillState::Ended);
    let mut dearer = water.clone();
    dearer[10].amount = -3_300;
    assert_eq!(state(&dearer, TODAY, PAYDAY), BillState::PriceChanged);
    let mut twice = water;
    let again = Row { id: "tx_again".into(), ..twice[10].clone() };
    twice.push(again);
    assert_eq!(state(&twice, TODAY, PAYDAY), BillState::Doubled);
}

#[test]
fn a_bill_of_so_many_payments_ends_with_the_last() {
    let rows = ledger();
    let with = |instalments: u32| {
        let mut words = Vec::new();
        say(&rows, &mut words, "Water", &Said::Confirm(Some(instalments)));
        let found = all(&rows, &words);
        told(&found, &Holdings::default(), TODAY, PAYDAY)
            .into_iter()
            .find(|bill| bill.name == "Water")
            .expect("it")
    };
    let bill = with(12);
    let instalments = bill.instalments.expect("instalments");
    assert_eq!((instalments.paid, instalments.of, instalments.left), (11, 12, 3_000));
    assert_eq!((bill.due.len(), bill.confidence.percent()), (1, 100));
    let line = "11 of 12 payments are made, £30.00 left";
    assert!(bill.evidence.iter().any(|said| said == line), "{:?}", bill.evidence);
    assert_eq!(with(11).state, BillState::Ended);
}

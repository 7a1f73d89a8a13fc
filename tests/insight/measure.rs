//! How well bills and pay are found in lives that the detector was not made on, as one table.
//!
//! `MONZOD_LIVES="1 2 3"` measures other lives, and names what is wrong in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use monzo_sandbox::bank::clock::is_working;
use monzod::insight::accuracy::{Accuracy, Contract, Figures, Mean, Share, Truth, measured};
use monzod::insight::payday;
use monzod::insight::recurring::{Bill, LIKELY, bills};

use super::lives::Life;

/// The lives that the figures are asserted on. The detector was made on others (those under 100).
const LIVES: [u64; 12] = [101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112];

fn truth(life: &Life) -> Truth {
    let contracts = life.bills.iter().map(|bill| Contract {
        keyed: bill.keyed,
        least: if bill.yearly { 2 } else { 3 },
        ended: bill.cancelled,
    });
    let rows = life.rows.iter().filter_map(|row| Some((row.id.clone(), *life.of.get(&row.id)?)));
    Truth { of: rows.collect(), contracts: contracts.collect() }
}

fn of_bills(life: &Life) -> Accuracy {
    let predict = |asof: Date, horizon: Date| bills(&life.rows, asof, horizon, &is_working);
    measured(&life.rows, &truth(life), &life.paydays, &is_working, &predict)
}

fn share(share: Share) -> String {
    format!("{}.{:02} % of {}", share.basis_points() / 100, share.basis_points() % 100, share.of)
}

fn mean(mean: Mean, unit: &str) -> String {
    mean.tenths().map_or("–".to_owned(), |tenths| format!("{}.{} {unit}", tenths / 10, tenths % 10))
}

fn table(all: &Accuracy, lives: usize) -> String {
    let mut text = format!("{lives} lives, {} paydays\n", all.paydays);
    let years = i64::from(all.days.max(1));
    let line = |text: &mut String, name: &str, of: &dyn Fn(&Figures) -> String, aim: &str| {
        let _ = writeln!(text, "{name:<34} {:>20} {:>20}   {aim}", of(&all.keyed), of(&all.found));
    };
    let _ = writeln!(text, "{:<34} {:>20} {:>20}   to reach", "", "by mandate", "others");
    line(&mut text, "streams: precision", &|f| share(f.streams), "1.00, 0.97");
    line(&mut text, "streams: recall", &|f| share(f.contracts), "1.00, 0.95");
    line(&mut text, "payments: precision", &|f| share(f.predicted), "0.97");
    line(&mut text, "payments: recall", &|f| share(f.came), "0.95");
    line(&mut text, "detection delay", &|f| mean(f.delay, "payments"), "");
    line(&mut text, "next date: the very day", &|f| share(f.on_the_day), "");
    line(&mut text, "next date: ±1 working day", &|f| share(f.within_one), "0.97");
    line(&mut text, "next date: ±3 working days", &|f| share(f.within_three), "");
    line(&mut text, "under the upper estimate", &|f| share(f.covered), "0.97");
    let percent = |m: Mean| mean(Mean { sum: m.sum / 100, of: m.of }, "%");
    line(&mut text, "mean excess", &|f| percent(f.excess), "at most 8 %");
    line(&mut text, "until ended", &|f| mean(f.until_ended, "days"), "");
    let alarms = |f: &Figures| {
        let hundredths = i64::from(f.false_alarms) * 36_525 / years;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    };
    line(&mut text, "false alarms a year and life", &alarms, "");
    text
}

#[test]
fn bills_of_lives_that_the_detector_was_not_made_on_are_found_and_predicted() {
    let chosen = std::env::var("MONZOD_LIVES").ok();
    let seeds: Vec<u64> = chosen.as_ref().map_or(LIVES.to_vec(), |text| {
        text.split_whitespace().map(|seed| seed.parse().expect("a number")).collect()
    });
    let mut all = Accuracy::default();
    for seed in &seeds {
        let life = Life::new(*seed);
        all.add(&of_bills(&life));
        if chosen.is_some() {
            println!("{}", wrong(*seed, &life));
        }
    }
    let table = table(&all, seeds.len());
    println!("{table}");
    if chosen.is_none() {
        reached(&all, &table);
    }
}

/// The figures that are to be reached.
#[track_caller]
fn reached(all: &Accuracy, table: &str) {
    assert_eq!(all.keyed.streams.basis_points(), 10_000, "a bill by mandate that is none:\n{table}");
    assert_eq!(all.keyed.contracts.basis_points(), 10_000, "a mandate that was not found:\n{table}");
    let least = |what: &str, share: Share, least: u32| {
        assert!(share.of > 1_000, "{what}: too few to say anything:\n{table}");
        assert!(share.basis_points() >= least, "{what} is under {} %:\n{table}", least / 100);
    };
    least("precision of streams", all.found.streams, 9_700);
    least("recall of streams", all.found.contracts, 9_500);
    for figures in [&all.keyed, &all.found] {
        least("precision of payments", figures.predicted, 9_700);
        least("recall of payments", figures.came, 9_500);
        least("next date within a working day", figures.within_one, 9_700);
        least("share under the upper estimate", figures.covered, 9_700);
        let excess = figures.excess.sum / i64::from(figures.excess.of.max(1));
        assert!(
            excess <= 800,
            "the upper estimates are too high by {excess} hundredths of a per cent:\n{table}"
        );
    }
    assert!(all.found.false_alarms * 365 <= all.days, "more than one false alarm a year:\n{table}");
}

#[test]
fn pay_and_benefits_of_these_lives_are_found_and_friends_are_not() {
    let (mut told, mut had_to, mut next_dates) = (Share::default(), Share::default(), Share::default());
    let note = |share: &mut Share, held: bool| {
        share.of += 1;
        share.held += u32::from(held);
    };
    for seed in LIVES {
        let life = Life::new(seed);
        for asof in life.paydays.windows(2).map(|pair| pair[0]) {
            let found = payday::found(&life.credits, asof, &is_working);
            let payer = |pay: &payday::Pay| {
                let of =
                    |truth: &super::lives::Truth| pay.payer.trim_end_matches('*').starts_with(&truth.name);
                life.incomes.iter().position(of)
            };
            found.iter().for_each(|pay| note(&mut told, payer(pay).is_some()));
            for number in 0..life.incomes.len() {
                let own = |credit: &&payday::Credit| life.of.get(&credit.id) == Some(&number);
                let dates: Vec<Date> = life.credits.iter().filter(own).map(|credit| credit.date).collect();
                let before = dates.iter().filter(|date| **date <= asof).count();
                let Some(came) = dates.get(before).filter(|_| before >= 3) else { continue };
                let pay = found.iter().find(|pay| payer(pay) == Some(number));
                note(&mut had_to, pay.is_some());
                if let Some((next, _)) = pay.and_then(|pay| pay.next.iter().find(|(day, _)| *day > asof)) {
                    note(&mut next_dates, next == came);
                }
            }
        }
    }
    let table = format!(
        "incomes told that are one  {}\nincomes known              {}\nnext date: the very day    {}",
        share(told),
        share(had_to),
        share(next_dates)
    );
    println!("{table}");
    for (share, least) in [(told, 9_700), (had_to, 9_500), (next_dates, 9_500)] {
        assert!(share.of > 500 && share.basis_points() >= least, "under {least}:\n{table}");
    }
}

/// What is wrong at the end of a life.
fn wrong(seed: u64, life: &Life) -> String {
    let mut text = String::new();
    let mut seen: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for pair in life.paydays.windows(2) {
        let all = bills(&life.rows, pair[0], pair[1], &is_working);
        for (number, truth) in life.bills.iter().enumerate() {
            let paid: Vec<_> = life.rows.iter().filter(|row| life.of.get(&row.id) == Some(&number)).collect();
            let before = paid.iter().filter(|row| row.date <= pair[0]).count();
            if before < if truth.yearly { 2 } else { 3 } || before == paid.len() {
                continue;
            }
            let own = |bill: &&Bill| {
                let of = bill.transactions.iter().filter(|id| life.of.get(*id) == Some(&number)).count();
                !bill.ended && bill.confidence >= LIKELY && of * 5 >= bill.transactions.len() * 4
            };
            let key = format!("{} {}", truth.name, if truth.keyed { "keyed" } else { "found" });
            match all.iter().find(own) {
                None => seen.entry(format!("{key}: not found at {before}")).or_default().0 += 1,
                Some(bill) => {
                    let (next, came) = (bill.next.expect("it has not ended"), paid[before]);
                    if (next.date.duration_since(came.date).as_hours() / 24).abs() > 3 {
                        let what = format!("{key}: {} for {} ({:?})", next.date, came.date, bill.rhythm);
                        seen.entry(what).or_default().1 += 1;
                    }
                    if next.amount < -came.amount {
                        seen.entry(format!(
                            "{key}: {} under {} on {}",
                            next.amount, -came.amount, came.date
                        ))
                        .or_default()
                        .1 += 1;
                    }
                }
            }
        }
        for bill in all.iter().filter(|bill| !bill.ended && bill.confidence >= LIKELY) {
            if bill.transactions.iter().filter(|id| life.of.contains_key(*id)).count() * 5
                < bill.transactions.len() * 4
            {
                let key = format!(
                    "FALSE {} {:?} {} {}",
                    bill.name, bill.rhythm.period, bill.payments, bill.last.amount
                );
                seen.entry(key).or_default().0 += 1;
            }
        }
    }
    for (what, (one, two)) in seen {
        let _ = writeln!(text, "{seed} {what} ×{}", one + two);
    }
    text
}

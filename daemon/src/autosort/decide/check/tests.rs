//! The requirements on pots, exclusions and floors (autosort/README.md, What may give and take); and that no plan holds what the judge forbids.

use super::*;
use crate::autosort::decide::fixtures::{account, pot_of, refusal, world};

fn transfer(kind: TransferKind, pot: &str, amount: i64) -> PlannedTransfer {
    let (pot_id, account_id) = (PotId::new(format!("pot_{pot}")), AccountId::from("acc_Personal"));
    PlannedTransfer { kind, pot_id, account_id, amount }
}

fn into(amount: i64) -> PlannedTransfer {
    transfer(TransferKind::Deposit, "Rent", amount)
}

fn out(amount: i64) -> PlannedTransfer {
    transfer(TransferKind::Withdraw, "Rent", amount)
}

fn judge(world: &World, transfers: &[PlannedTransfer]) -> Vec<Guard> {
    check(transfers, world, &Limits::default()).into_iter().map(|found| found.guard).collect()
}

/// What may be done with a pot of £5 in an account of £10, one being changed.
#[track_caller]
fn pot(change: impl Fn(&mut Pot), may_enter: bool, may_leave: bool) {
    let mut world = world(1_000, &[("Rent", 500)]);
    change(&mut world.pots[0]);
    let found = (judge(&world, &[into(1)]).is_empty(), judge(&world, &[out(1)]).is_empty());
    assert_eq!(found, (may_enter, may_leave), "{:?}", world.pots[0]);
}

#[test]
fn what_a_pot_is_decides_whether_money_may_enter_or_leave_it() {
    pot(|_| {}, true, true);
    pot(|pot| pot.locked = true, true, false);
    pot(|pot| pot.kind = "flexible_savings".to_owned(), true, false);
    pot(|pot| (pot.kind, pot.withdraw_listed) = ("flexible_savings".to_owned(), true), true, true);
    pot(|pot| pot.isa = true, false, false);
    pot(|pot| (pot.isa, pot.withdraw_listed) = (true, true), false, true);
    pot(|pot| pot.charity = true, false, true);
    pot(|pot| pot.refuses_deposits = Some(refusal()), false, true);
    pot(|pot| pot.refuses_withdrawals = Some(refusal()), true, false);
    pot(|pot| pot.excluded = true, false, false);
    pot(|pot| pot.deleted = true, false, false);
    pot(|pot| pot.unlisted_at = Some(jiff::Timestamp::UNIX_EPOCH), false, false);
    pot(|pot| pot.currency = "EUR".parse().expect("a currency"), false, false);
    pot(|pot| pot.account_id = AccountId::from("acc_Joint"), false, false);
}

#[test]
fn what_an_account_is_decides_for_all_of_its_pots() {
    type Change = fn(&mut Account);
    let changes: [Change; 5] = [
        |account| account.closed = true,
        |account| account.excluded = true,
        |account| account.balance = None,
        |account| account.kind = "uk_monzo_flex".to_owned(),
        |account| account.currency = "EUR".parse().expect("a currency"),
    ];
    for change in changes {
        let mut world = world(1_000, &[("Rent", 500)]);
        change(&mut world.accounts[0]);
        assert_eq!(judge(&world, &[into(1)]), [Guard::Exclusion], "{:?}", world.accounts[0]);
        assert_eq!(judge(&world, &[out(1)]), [Guard::Exclusion], "{:?}", world.accounts[0]);
    }
}

#[test]
fn the_floor_of_a_run_holds_from_its_first_transfer_to_its_last() {
    let mut world = world(1_000, &[("Rent", 500)]);
    world.accounts[0].floor = 600;
    assert_eq!(judge(&world, &[into(400)]), []);
    assert_eq!(judge(&world, &[into(401)]), [Guard::Floor]);
    assert_eq!(judge(&world, &[out(500), into(900)]), []);
    // An account that is below its floor gets no worse, and what came in on the way may not leave twice.
    world.accounts[0].balance = Some(100);
    assert_eq!(judge(&world, &[into(1)]), [Guard::Floor]);
    assert_eq!(judge(&world, &[out(50), into(50)]), []);
    assert_eq!(judge(&world, &[out(50), into(40), into(20)]), [Guard::Floor]);
    // A run that has begun keeps the floor that it began with, whatever the balance is by now.
    let begun = Limits { run_floor: Some(80), sending: true };
    assert_eq!(check(&[into(20)], &world, &begun), []);
    assert_eq!(check(&[into(21)], &world, &begun).len(), 1);
}

#[test]
fn a_pot_gives_what_it_holds_and_the_bank_has_the_last_word_about_that() {
    let world = world(1_000, &[("Rent", 500)]);
    assert_eq!(judge(&world, &[out(500)]), []);
    assert_eq!(judge(&world, &[out(501)]), [Guard::Lock]);
    assert_eq!(judge(&world, &[out(300), out(201)]), [Guard::Lock]);
    assert_eq!(judge(&world, &[into(100), out(600)]), []);
    let sending = Limits { sending: true, ..Limits::default() };
    assert_eq!(check(&[out(501)], &world, &sending), []);
}

#[test]
fn what_is_not_known_or_makes_no_sense_is_not_moved() {
    let world = world(1_000, &[("Rent", 500)]);
    assert_eq!(judge(&world, &[transfer(TransferKind::Deposit, "Other", 1)]), [Guard::Exclusion]);
    let elsewhere = PlannedTransfer { account_id: AccountId::from("acc_Joint"), ..into(1) };
    assert_eq!(judge(&world, &[elsewhere]), [Guard::Exclusion]);
    assert_eq!(judge(&world, &[into(0)]), [Guard::Lock]);
    assert_eq!(judge(&world, &[out(-1)]), [Guard::Lock]);
    assert_eq!(judge(&world, &[]), []);
}

#[test]
fn each_reason_is_said_once_and_with_the_name() {
    let mut world = world(1_000, &[("Rent", 500)]);
    world.accounts.push(account("Joint", 0));
    world.pots.push(pot_of("Joint", "Bills", 0));
    world.pots[0].locked = true;
    let found = check(&[out(1), out(1)], &world, &Limits::default());
    let reasons: Vec<&str> = found.iter().map(|found| found.reason.as_str()).collect();
    assert_eq!(reasons, ["Rent is locked: money may go in but not out"]);
    let bills = PlannedTransfer { pot_id: PotId::from("pot_Bills"), ..into(1) };
    assert_eq!(check(&[bills], &world, &Limits::default())[0].reason, "Bills is no pot of Personal");
}

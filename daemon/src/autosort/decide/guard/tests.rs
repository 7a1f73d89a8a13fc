//! The requirements on guardrails (autosort/README.md, Limits), and what holds for every plan and limit.

use jiff::civil::time;
use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Currency;
use proptest::prelude::*;

use super::*;
use crate::autosort::decide::check;
use crate::autosort::decide::world::{Account, Pot, World};

fn transfer(kind: TransferKind, pot: &str, amount: i64) -> PlannedTransfer {
    PlannedTransfer { kind, pot_id: PotId::from(pot), account_id: AccountId::from("acc"), amount }
}

fn deposit(amount: i64) -> PlannedTransfer {
    transfer(TransferKind::Deposit, "pot_A", amount)
}

fn withdraw(amount: i64) -> PlannedTransfer {
    transfer(TransferKind::Withdraw, "pot_B", amount)
}

fn plan(transfers: Vec<PlannedTransfer>) -> Plan {
    Plan {
        rule: "payday".to_owned(),
        as_of: Timestamp::UNIX_EPOCH,
        hash: String::new(),
        available: 0,
        currency: Currency::GBP,
        keep: 0,
        left: 0,
        steps: Vec::new(),
        transfers,
        after: Vec::new(),
        guards: Vec::new(),
        one_way: Vec::new(),
    }
}

/// Limits under which a run of £5 is allowed.
fn limits() -> Limits {
    Limits {
        mode: RuleMode::Auto,
        approved: false,
        propose: Vec::new(),
        max_per_run: Some(500),
        max_per_day: None,
        moved_today: 0,
        frozen: None,
        local: time(12, 0, 0, 0),
        quiet_hours: Some((time(0, 0, 0, 0), time(7, 0, 0, 0))),
        move_deadline: SignedDuration::from_mins(15),
        now: Timestamp::UNIX_EPOCH,
        synced_at: Some(Timestamp::UNIX_EPOCH),
        max_staleness: SignedDuration::from_mins(15),
        skew: Some(SignedDuration::ZERO),
    }
}

/// An account that holds £10, with a pot that is empty and one that holds £8.
fn world() -> World {
    let account = || AccountId::from("acc");
    World {
        accounts: vec![Account::open(account(), "Personal", 1_000)],
        pots: vec![
            Pot::open(PotId::from("pot_A"), account(), "A", 0),
            Pot::open(PotId::from("pot_B"), account(), "B", 800),
        ],
        ..World::default()
    }
}

/// The same with another balance and floor of the account.
fn world_with(balance: i64, floor: i64) -> World {
    let mut world = world();
    (world.accounts[0].balance, world.accounts[0].floor) = (Some(balance), floor);
    world
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Allowed,
    Proposed(Vec<Guard>),
    Withheld(Vec<Guard>),
    Other,
}
use Answer::{Allowed, Proposed, Withheld};

fn answer(plan: &Plan, world: &World, limits: &Limits) -> Answer {
    let guards = |held: Vec<Violation>| held.into_iter().map(|held| held.guard).collect();
    match guard(plan, world, limits) {
        Verdict::Allowed => Allowed,
        Verdict::Proposed(held) => Proposed(guards(held)),
        Verdict::Withheld(held) => Withheld(guards(held)),
        Verdict::Nothing | Verdict::Impossible(_) => Answer::Other,
    }
}

#[track_caller]
fn under(change: impl FnOnce(&mut Limits), expected: &Answer) {
    let mut limits = limits();
    change(&mut limits);
    assert_eq!(answer(&plan(vec![deposit(500)]), &world(), &limits), *expected);
}

#[test]
fn a_plan_within_the_guardrails_is_allowed() {
    under(|_| {}, &Allowed);
}

#[test]
fn a_plan_that_moves_nothing_makes_no_run_and_one_that_failed_is_impossible() {
    assert_eq!(guard(&plan(Vec::new()), &world(), &limits()), Verdict::Nothing);
}

#[test]
fn a_run_over_a_cap_is_proposed_with_the_guard_named_and_a_person_may_approve_it() {
    under(|limits| limits.max_per_run = Some(499), &Proposed(vec![Guard::MaxPerRun]));
    under(|limits| limits.max_per_run = None, &Proposed(vec![Guard::MaxPerRun]));
    under(
        |limits| (limits.max_per_day, limits.moved_today) = (Some(900), 401),
        &Proposed(vec![Guard::MaxPerDay]),
    );
    under(|limits| (limits.max_per_day, limits.moved_today) = (Some(900), 400), &Allowed);
    under(|limits| (limits.max_per_run, limits.approved) = (Some(499), true), &Allowed);
}

#[test]
fn what_asks_for_a_look_is_proposed_even_in_auto() {
    under(|limits| limits.mode = RuleMode::Propose, &Proposed(vec![Guard::Mode]));
    under(|limits| limits.propose = vec!["its first run".to_owned()], &Proposed(vec![Guard::Look]));
    under(|limits| (limits.mode, limits.approved) = (RuleMode::Propose, true), &Allowed);
    let skipped = Plan { guards: vec!["a pot is gone".to_owned()], ..plan(vec![deposit(500)]) };
    assert_eq!(answer(&skipped, &world(), &limits()), Proposed(vec![Guard::Skipped]));
}

#[test]
fn floor_exclusions_freeze_and_locks_cannot_be_overridden() {
    let approve = |change: fn(&mut Limits), guard: Guard| {
        under(
            |limits| {
                limits.approved = true;
                change(limits);
            },
            &Withheld(vec![guard]),
        );
    };
    approve(|limits| limits.frozen = Some("by hand".to_owned()), Guard::Freeze);
    approve(|limits| limits.mode = RuleMode::Off, Guard::Mode);
    type Change = fn(&mut World);
    let cases: [(Change, Guard); 5] = [
        (|world| world.accounts[0].floor = 501, Guard::Floor),
        (|world| world.accounts[0].excluded = true, Guard::Exclusion),
        (|world| world.pots.clear(), Guard::Exclusion),
        (|world| world.pots[0].excluded = true, Guard::Exclusion),
        (|world| world.pots[0].isa = true, Guard::Lock),
    ];
    for (change, guard) in cases {
        let mut world = world();
        change(&mut world);
        let approved = Limits { approved: true, ..limits() };
        assert_eq!(answer(&plan(vec![deposit(500)]), &world, &approved), Withheld(vec![guard]));
    }
}

#[test]
fn the_floor_is_never_above_what_the_run_began_with() {
    // From a pot through an account that is below its floor already: no worse at any point.
    let low = world_with(100, 5_000);
    let answer = |transfers| answer(&plan(transfers), &low, &limits());
    assert_eq!(answer(vec![withdraw(500), deposit(500)]), Allowed);
    assert_eq!(answer(vec![withdraw(400), deposit(401)]), Withheld(vec![Guard::Floor]));
    assert_eq!(answer(vec![deposit(500), withdraw(500)]), Withheld(vec![Guard::Floor]));
    assert_eq!(check::floor(&low.accounts[0]), 100);
}

#[test]
fn a_pot_gives_no_more_than_it_holds() {
    assert_eq!(answer(&plan(vec![withdraw(801)]), &world(), &limits()), Withheld(vec![Guard::Lock]));
}

#[test]
fn each_penny_counts_once_where_it_arrives() {
    for (transfers, amount) in [
        (vec![deposit(300), deposit(200)], 500),
        (vec![withdraw(500), deposit(300), deposit(200)], 500),
        (vec![withdraw(500), deposit(300)], 500),
        (vec![withdraw(500)], 500),
    ] {
        assert_eq!(moved(&transfers), amount);
    }
}

#[test]
fn quiet_hours_keep_runs_from_beginning_and_may_wrap() {
    let night = Some((time(22, 0, 0, 0), time(7, 0, 0, 0)));
    let early = Some((time(0, 0, 0, 0), time(7, 0, 0, 0)));
    let withheld = || Withheld(vec![Guard::QuietHours]);
    for (hours, at, expected) in [
        (early, time(0, 0, 0, 0), withheld()),
        (early, time(6, 59, 59, 0), withheld()),
        (early, time(7, 0, 0, 0), Allowed),
        (early, time(23, 44, 59, 0), Allowed),
        (early, time(23, 45, 0, 0), withheld()),
        (night, time(21, 44, 0, 0), Allowed),
        (night, time(21, 45, 0, 0), withheld()),
        (night, time(3, 0, 0, 0), withheld()),
        (night, time(7, 0, 0, 0), Allowed),
        (None, time(3, 0, 0, 0), Allowed),
    ] {
        under(|limits| (limits.quiet_hours, limits.local) = (hours, at), &expected);
    }
    let three = time(3, 0, 0, 0);
    under(|limits| (limits.local, limits.approved) = (three, true), &withheld());
}

#[test]
fn no_run_begins_on_old_facts_or_with_clocks_apart() {
    let ago = |minutes| Some(Timestamp::UNIX_EPOCH - SignedDuration::from_mins(minutes));
    under(|limits| limits.synced_at = ago(15), &Allowed);
    under(|limits| limits.synced_at = ago(16), &Withheld(vec![Guard::Staleness]));
    under(|limits| limits.synced_at = None, &Withheld(vec![Guard::Staleness]));
    for (seconds, expected) in
        [(120, Allowed), (121, Withheld(vec![Guard::Clock])), (-121, Withheld(vec![Guard::Clock]))]
    {
        under(|limits| limits.skew = Some(SignedDuration::from_secs(seconds)), &expected);
    }
}

#[test]
fn the_text_of_the_guardrails_is_the_same_for_the_same_guardrails() {
    let one = Autosort::default();
    assert_eq!(text(&one), text(&one.clone()));
    assert_ne!(text(&one), text(&Autosort { max_per_run: Some(1), ..Autosort::default() }));
    assert_ne!(text(&one), text(&Autosort { account_floor: 1, ..Autosort::default() }));
}

#[test]
fn a_plan_that_only_asks_for_a_payment_is_a_run_like_any_other() {
    use monzo_common::model::{PlanStep, PlannedTarget, StepKind};
    let target =
        |amount| PlannedTarget { id: None, name: "Joint".to_owned(), amount, before: None, after: None };
    let asking = |amount| Plan {
        steps: vec![PlanStep {
            index: 1,
            kind: StepKind::Ask,
            targets: vec![target(amount)],
            inputs: Vec::new(),
            bills: Vec::new(),
            amount,
            short: 0,
            caps: Vec::new(),
            explanation: String::new(),
            error: None,
        }],
        ..plan(Vec::new())
    };
    assert_eq!(guard(&asking(0), &world(), &limits()), Verdict::Nothing);
    assert_eq!(guard(&asking(1), &world(), &limits()), Verdict::Allowed);
    let proposes = Limits { mode: RuleMode::Propose, ..limits() };
    assert!(matches!(guard(&asking(1), &world(), &proposes), Verdict::Proposed(_)));
    let frozen = Limits { frozen: Some("holidays".to_owned()), ..limits() };
    assert!(matches!(guard(&asking(1), &world(), &frozen), Verdict::Withheld(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn what_is_allowed_keeps_floor_and_caps_at_every_point(
        balance in -1_000_i64..5_000, floor in -500_i64..3_000, most in 0_i64..3_000, today in 0_i64..3_000,
        per_day in proptest::option::of(0_i64..5_000), out in 0_i64..900, into in prop::collection::vec(1_i64..1_500, 1..4),
        approved: bool,
    ) {
        let mut transfers: Vec<PlannedTransfer> = (out > 0).then(|| withdraw(out)).into_iter().collect();
        transfers.extend(into.into_iter().map(deposit));
        let limits = Limits {
            approved, max_per_run: Some(most), max_per_day: per_day, moved_today: today, ..limits()
        };
        let world = world_with(balance, floor);
        let verdict = guard(&plan(transfers.clone()), &world, &limits);
        let moved = moved(&transfers);
        let mut at = balance;
        let mut held = true;
        for transfer in &transfers {
            at += if transfer.kind == TransferKind::Withdraw { transfer.amount } else { -transfer.amount };
            held &= at >= floor.min(balance);
        }
        let fits = held && out <= 800;
        let within = moved <= most && per_day.is_none_or(|most| today + moved <= most);
        prop_assert_eq!(matches!(verdict, Verdict::Withheld(_)), !fits);
        prop_assert_eq!(verdict == Verdict::Allowed, fits && (within || approved));
        prop_assert_eq!(&verdict, &guard(&plan(transfers), &world, &limits));
    }
}

#[test]
fn caps_of_the_day_and_of_a_run_are_told_apart() {
    let over = |figures, most| caps(figures, most).into_iter().map(|held| held.guard).collect::<Vec<_>>();
    assert_eq!(over((100, 200), (Some(100), Some(200))), []);
    assert_eq!(over((101, 101), (Some(100), Some(200))), [Guard::MaxPerRun]);
    assert_eq!(over((100, 201), (Some(100), Some(200))), [Guard::MaxPerDay]);
    assert_eq!(over((i64::MAX, i64::MAX), (None, None)), []);
}

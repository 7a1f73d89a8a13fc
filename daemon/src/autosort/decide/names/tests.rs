//! The requirements on names, pots and the two kinds of trouble (autosort/README.md, Names and trouble).

use std::collections::BTreeMap;

use monzo_common::id::PotId;

use super::*;
use crate::autosort::decide::fixtures::{
    account, fixed, personal, pot, pot_of, refusal, rest, rule, with, world,
};
use crate::autosort::decide::trouble::needs_app;
use crate::autosort::decide::world::{Account, AccountOrPot, Pot};
use crate::rule::Step;
use monzo_common::model::StepKind;

/// What is the matter with the only step of a rule that gives to a place.
#[track_caller]
fn check(world: &World, place: AccountOrPotName, trouble: Option<&Trouble>) {
    let resolved = resolve(
        &rule(
            0,
            vec![Step::Pot {
                written: StepKind::Rest,
                target: place,
                amount: None,
                up_to: None,
                by: None,
                max: None,
            }],
        ),
        world,
    );
    assert_eq!(resolved.targets[0][0].held.as_ref(), trouble, "{:?}", resolved.problems);
}

fn two() -> World {
    let mut world = world(1_000, &[("Bills", 5), ("Rent", 0)]);
    world.accounts.push(account("Joint", 500));
    world.pots.push(Pot { id: PotId::from("pot_JointBills"), ..pot_of("Joint", "Bills", 7) });
    world
}

fn app(out: bool) -> Trouble {
    Trouble::NeedsApp { what: needs_app(&refusal(), out), thaw: "monzoctl sort thaw Rent".to_owned() }
}

/// What a rule's places meant, as the world remembers it.
fn remembered(rule: &Rule, resolved: &Resolved) -> BTreeMap<String, String> {
    resolved.bound.iter().map(|(place, id)| (bound_name(&rule.name, place), id.clone())).collect()
}

fn of(account: &str, name: &str) -> AccountOrPotName {
    AccountOrPotName::Pot { account: Some(account.to_owned()), name: name.to_owned() }
}

fn found(world: &World, source: AccountOrPotName, target: AccountOrPotName) -> Option<String> {
    let rule = Rule {
        source,
        ..rule(
            0,
            vec![Step::Pot {
                written: StepKind::Rest,
                target,
                amount: None,
                up_to: None,
                by: None,
                max: None,
            }],
        )
    };
    let resolved = resolve(&rule, world);
    resolved.targets[0][0].holder.as_ref().map(|holder| holder.id().to_owned())
}

#[test]
fn a_bare_name_is_a_pot_of_the_sources_account_and_an_account_qualifies() {
    let joint = AccountOrPotName::Account("Joint".to_owned());
    assert_eq!(found(&two(), personal(), pot("Bills")).as_deref(), Some("pot_Bills"));
    assert_eq!(found(&two(), joint.clone(), pot("Bills")).as_deref(), Some("pot_JointBills"));
    assert_eq!(found(&two(), joint, of("Joint", "Bills")).as_deref(), Some("pot_JointBills"));
    assert_eq!(found(&two(), of("Joint", "Bills"), pot("Bills")).as_deref(), Some("pot_JointBills"));
    assert_eq!(found(&two(), personal(), pot("bILLS")).as_deref(), Some("pot_Bills"), "whatever the case");
    assert_eq!(found(&two(), personal(), pot("pot_Rent")).as_deref(), Some("pot_Rent"), "by id");
}

#[test]
fn all_of_a_rule_belongs_to_one_account_or_the_rule_is_refused() {
    check(&two(), of("Joint", "Bills"), Some(&Trouble::OtherAccount { owner: "Joint".to_owned() }));
    let resolved = resolve(
        &rule(
            0,
            vec![
                rest("Rent"),
                Step::Pot {
                    written: StepKind::Rest,
                    target: of("Joint", "Bills"),
                    amount: None,
                    up_to: None,
                    by: None,
                    max: None,
                },
            ],
        ),
        &two(),
    );
    assert_eq!(resolved.refusals().count(), 1);
    let account = Step::Pot {
        written: StepKind::Account,
        target: AccountOrPotName::Account("Joint".to_owned()),
        amount: None,
        up_to: None,
        by: None,
        max: None,
    };
    assert_eq!(resolve(&rule(0, vec![account]), &two()).refusals().count(), 1);
    assert_eq!(resolve(&rule(0, vec![rest("Rent")]), &two()).refusals().count(), 0);
}

#[test]
fn names_that_mean_nothing_or_too_much_are_told_with_what_there_is() {
    let there = vec!["Bills".to_owned(), "Rent".to_owned()];
    check(&two(), pot("Savings"), Some(&Trouble::Unknown { there }));
    let mut twice = two();
    twice.pots.push(Pot { id: PotId::from("pot_Rent2"), ..pot_of("Personal", "Rent", 0) });
    let ids = vec!["pot_Rent".to_owned(), "pot_Rent2".to_owned()];
    check(&twice, pot("Rent"), Some(&Trouble::Ambiguous { ids }));
}

#[test]
fn money_goes_into_any_open_pot_but_isa_and_charity_ones() {
    type Change = fn(&mut Pot);
    let cases: [(Change, Option<Trouble>); 9] = [
        (|_| {}, None),
        (|pot| pot.locked = true, None),
        (|pot| pot.kind = "flexible_savings".to_owned(), None),
        (|pot| pot.refuses_withdrawals = Some(refusal()), None),
        (|pot| pot.isa = true, Some(Trouble::Isa)),
        (|pot| pot.charity = true, Some(Trouble::Charity)),
        (|pot| pot.deleted = true, Some(Trouble::Deleted { namesake: None })),
        (|pot| pot.excluded = true, Some(Trouble::Excluded)),
        (|pot| pot.refuses_deposits = Some(refusal()), Some(app(false))),
    ];
    for (change, trouble) in cases {
        check(&with(two(), "Rent", change), pot("Rent"), trouble.as_ref());
    }
}

#[test]
fn money_leaves_default_pots_that_are_not_locked_and_others_that_are_listed() {
    type Change = fn(&mut Pot);
    let savings = || Some(Trouble::Savings { kind: "flexible_savings".to_owned() });
    let cases: [(Change, bool, Option<Trouble>); 9] = [
        (|_| {}, false, None),
        (|pot| pot.kind = "flexible_savings".to_owned(), false, savings()),
        (|pot| pot.kind = "flexible_savings".to_owned(), true, None),
        (|pot| pot.isa = true, false, Some(Trouble::Savings { kind: "ISA".to_owned() })),
        (|pot| pot.locked = true, false, Some(Trouble::Locked)),
        (|pot| pot.locked = true, true, Some(Trouble::Locked)),
        (|pot| pot.excluded = true, true, Some(Trouble::Excluded)),
        (|pot| pot.deleted = true, true, Some(Trouble::Deleted { namesake: None })),
        (|pot| pot.refuses_withdrawals = Some(refusal()), false, Some(app(true))),
    ];
    for (change, listed, trouble) in cases {
        let mut world = with(two(), "Rent", change);
        let places = if listed { vec![of("Personal", "Rent")] } else { Vec::new() };
        let may_give = withdraw_listed(&world, &places);
        world.pots.iter_mut().for_each(|pot| pot.withdraw_listed = may_give.contains(&pot.id));
        let rule = Rule { source: pot("pot_Rent"), ..rule(0, vec![rest("Bills")]) };
        let resolved = resolve(&rule, &world);
        assert_eq!(resolved.problems.first().map(|problem| problem.trouble.clone()), trouble);
        assert_eq!(resolved.source.is_none(), trouble.is_some());
    }
}

#[test]
fn a_source_that_cannot_be_used_refuses_the_rule() {
    type Change = fn(&mut Account);
    let cases: [(Change, Trouble); 4] = [
        (|account| account.closed = true, Trouble::Closed),
        (|account| account.excluded = true, Trouble::Excluded),
        (|account| account.balance = None, Trouble::Unread),
        (
            |account| account.kind = "uk_monzo_flex".to_owned(),
            Trouble::Unsupported { what: "an account of the kind uk_monzo_flex".to_owned() },
        ),
    ];
    for (change, trouble) in cases {
        let mut world = two();
        change(&mut world.accounts[0]);
        let resolved = resolve(&rule(0, vec![rest("Rent")]), &world);
        assert_eq!(resolved.problems[0].trouble, trouble);
        assert!(resolved.source.is_none());
    }
}

#[test]
fn a_name_is_bound_the_first_time_and_a_rename_in_the_app_is_a_note() {
    let first = resolve(&rule(0, vec![rest("Rent")]), &two());
    let bound = remembered(&rule(0, Vec::new()), &first);
    assert_eq!(first.notes, Vec::<String>::new());
    let mut renamed = World { bound, ..with(two(), "Rent", |pot| pot.name = "Home".to_owned()) };
    // Another pot that takes the name later does not take the money.
    renamed.pots.push(Pot { id: PotId::from("pot_Rent2"), ..pot_of("Personal", "Rent", 0) });
    let later = resolve(&rule(0, vec![rest("Rent")]), &renamed);
    assert_eq!(later.targets[0][0].holder.as_ref().map(Holder::id), Some("pot_Rent"));
    assert_eq!(later.notes, ["pot:Rent is called Home now; the rule goes on with it"]);
    assert_eq!(later.problems, []);
}

#[test]
fn a_bound_pot_that_is_gone_is_not_replaced_by_one_of_its_name() {
    let first = resolve(&rule(0, vec![rest("Rent")]), &two());
    let bound = remembered(&rule(0, Vec::new()), &first);
    let mut gone = World { bound, ..with(two(), "Rent", |pot| pot.deleted = true) };
    gone.pots.push(Pot { id: PotId::from("pot_Rent2"), ..pot_of("Personal", "Rent", 0) });
    check(&gone, pot("Rent"), Some(&Trouble::Deleted { namesake: Some("pot_Rent2".to_owned()) }));
    gone.pots.remove(1);
    check(&gone, pot("Rent"), Some(&Trouble::Deleted { namesake: None }));
}

#[test]
fn a_rule_does_not_give_to_its_own_source() {
    let rule = Rule { source: pot("pot_Rent"), ..rule(0, vec![rest("Rent")]) };
    assert_eq!(resolve(&rule, &two()).targets[0][0].held, Some(Trouble::Itself));
}

#[test]
fn a_problem_names_rule_step_file_and_line() {
    let resolved = resolve(&rule(0, vec![fixed("Rent", 1), rest("Saving")]), &two());
    assert_eq!(
        resolved.problems[0].message,
        "rule \"payday\", step 2, pot:Saving: there is none of that name; there are Bills, Rent (monzod.toml:7)"
    );
    assert_eq!(resolved.problems[0].step, Some(2));
}

#[test]
fn a_savings_pot_may_be_a_source_only_under_a_name_that_fits_it_alone() {
    let mut world = two();
    let listed = |world: &World, place| withdraw_listed(world, &[place]).into_iter().collect::<Vec<_>>();
    assert_eq!(listed(&world, pot("Rent")), [PotId::from("pot_Rent")]);
    assert_eq!(listed(&world, pot("pot_Rent")), [PotId::from("pot_Rent")], "by id");
    assert_eq!(listed(&world, pot("pot_Ren")), [], "the beginning of an id is no name");
    assert_eq!(listed(&world, pot("Bills")), [], "two pots have the name");
    assert_eq!(listed(&world, of("Joint", "Bills")), [PotId::from("pot_JointBills")]);
    world.accounts.push(account("Joint", 0));
    assert_eq!(listed(&world, of("Joint", "Bills")), [], "two accounts have the name");
}

#[test]
fn a_person_finds_by_name_by_id_and_by_the_beginning_of_one() {
    let world = with(two(), "Rent", |pot| pot.deleted = true);
    let pot = |id: &str| Ok(AccountOrPot::Pot(PotId::from(id)));
    for (text, expected) in [
        ("pot:Joint/Bills", pot("pot_JointBills")),
        ("Personal/bills", pot("pot_Bills")),
        ("pot_Joint", pot("pot_JointBills")),
        ("account:joint", Ok(AccountOrPot::Account("acc_Joint".into()))),
        ("Savings", Err(NameError::Unknown("Savings".to_owned()))),
        (
            "Bills",
            Err(NameError::Ambiguous(
                "Bills".to_owned(),
                "pot:Personal/Bills and of pot:Joint/Bills".to_owned(),
            )),
        ),
        ("Rent", Err(NameError::Gone("Rent was deleted in the app".to_owned()))),
    ] {
        assert_eq!(find(&world, text), expected, "{text}");
    }
    assert_eq!(find_any(&world, "Rent"), pot("pot_Rent"));
}

#[test]
fn a_floor_holds_for_each_account_that_its_name_or_id_fits() {
    let mut world = two();
    world.accounts.push(Account { id: "acc_other".into(), ..account("Joint", 1) });
    let called = |text: &str| accounts_called(&world, text).len();
    assert_eq!([called("Personal"), called("personal"), called("Joint"), called("acc_other")], [1, 1, 2, 1]);
    assert_eq!(called("Personl"), 0, "nothing is guessed");
}

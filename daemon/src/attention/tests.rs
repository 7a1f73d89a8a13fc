//! Each reason for attention, by its inputs.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{
    Account, AccountStatus, Login, LoginState, RuleMode, RunState, SorterStatus, SyncStatus,
};
use monzo_common::money::Currency;

use super::*;
use crate::autosort::query::rule_issues::{RuleIssue, RuleIssues};
use crate::store::{Health, LeftOut};

fn day(days: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days)
}

fn account() -> AccountStatus {
    AccountStatus {
        account: Account {
            id: "acc_1".into(),
            name: "Personal".to_owned(),
            kind: "uk_retail".to_owned(),
            currency: Currency::GBP,
            closed: false,
            excluded: false,
            balance: Some(0),
            total_balance: Some(0),
            pot_id: None,
            left_out: false,
        },
        last_success_at: Some(day(100)),
        covered_from: None,
        covered_to: None,
        error: None,
        difference: Some(0),
    }
}

/// Everything is as it should be.
fn inputs() -> Inputs {
    Inputs {
        now: day(100),
        zone: TimeZone::UTC,
        login: Login {
            state: LoginState::Ready,
            user_id: None,
            token_expires_at: None,
            refreshes: Some(true),
            access_ends_at: Some(day(180)),
            error: None,
        },
        configured: true,
        client_refused: false,
        unsaved_login: false,
        refresh_trouble: None,
        left_alone_until: None,
        sync: SyncStatus {
            state: "idle".to_owned(),
            last_success_at: Some(day(100)),
            last_attempt_at: Some(day(100)),
            next_due_at: Some(day(100) + SignedDuration::from_mins(5)),
            stale: false,
            error: None,
        },
        sync_overdue: false,
        accounts: vec![account()],
        missing_histories: Vec::new(),
        left_out: Vec::new(),
        differences: Vec::new(),
        quarantined: 0,
        store: Health::Good,
        skew: None,
        troubles: Troubles::default(),
        sorter: SorterStatus {
            mode: RuleMode::Propose,
            frozen: false,
            next: Some(day(104)),
            proposed: 0,
            unsettled: 0,
        },
        runs: Vec::new(),
        frozen: Vec::new(),
        rule_issues: RuleIssues::default(),
    }
}

/// What needs a person after `change`, each id with a `!` if it is a problem.
fn check(change: impl FnOnce(&mut Inputs), wanted: &[&str]) {
    let mut inputs = inputs();
    change(&mut inputs);
    let all = attention(&inputs);
    let mark =
        |one: &Attention| format!("{}{}", if one.severity == Severity::Problem { "!" } else { "" }, one.id);
    assert_eq!(all.iter().map(mark).collect::<Vec<_>>(), wanted, "{all:#?}");
    assert!(all.iter().all(|one| !one.hint.is_empty()), "each says what mends it: {all:#?}");
}

#[test]
fn nothing_needs_a_person_while_all_is_well() {
    check(|_| (), &[]);
}

#[test]
fn the_ninety_days_are_told_ahead_and_at_once_if_a_rule_is_due_after_them() {
    check(|inputs| inputs.login.access_ends_at = Some(day(131)), &[]);
    check(|inputs| inputs.login.access_ends_at = Some(day(106)), &["access_ends:7"]);
    check(|inputs| inputs.login.access_ends_at = Some(day(101)), &["!access_ends:1", "access_ends:rule"]);
    let far = |inputs: &mut Inputs| {
        inputs.login.access_ends_at = Some(day(150));
        inputs.sorter.next = Some(day(151));
    };
    check(far, &["access_ends:rule"]);
    check(|inputs| inputs.login.access_ends_at = Some(day(99)), &["access_ends:1"]);
}

#[test]
fn a_login_that_cannot_be_refreshed_names_the_kind_of_client_and_not_another_login() {
    let cannot = |inputs: &mut Inputs| {
        inputs.login.refreshes = Some(false);
        inputs.login.token_expires_at = Some(day(101));
    };
    check(cannot, &["!not_refreshable"]);
    let over = |inputs: &mut Inputs| {
        cannot(inputs);
        inputs.login.state = LoginState::LoginNeeded;
    };
    check(over, &["!login_needed"]);
    let mut inputs = inputs();
    over(&mut inputs);
    assert!(attention(&inputs)[0].hint.contains("confidential"), "{:?}", attention(&inputs));
}

#[test]
fn problems_stand_before_notes() {
    let change = |inputs: &mut Inputs| {
        inputs.quarantined = 2;
        inputs.login.state = LoginState::LoginNeeded;
        inputs.skew = Some(SignedDuration::from_secs(-300));
    };
    check(change, &["!login_needed", "!clock_skewed", "quarantine"]);
}

#[test]
fn a_sync_that_is_overdue_is_a_problem_also_where_none_has_succeeded() {
    check(|inputs| inputs.sync_overdue = true, &["!sync_stale"]);
    let never = |inputs: &mut Inputs| (inputs.sync_overdue, inputs.sync.last_success_at) = (true, None);
    check(never, &["!sync_stale"]);
}

#[test]
fn how_far_a_clock_is_off_is_told_in_a_unit_that_a_person_reads() {
    for (seconds, words) in [
        (-31_534_018, "this machine's clock is 364 days behind the bank's"),
        (7_300, "this machine's clock is 2 hours ahead of the bank's"),
        (300, "this machine's clock is 5 minutes ahead of the bank's"),
        (61, "this machine's clock is 61 seconds ahead of the bank's"),
    ] {
        let inputs = Inputs { skew: Some(SignedDuration::from_secs(seconds)), ..inputs() };
        let told = attention(&inputs).into_iter().find(|one| one.code == "clock_skewed");
        assert_eq!(told.map(|one| one.message).as_deref(), Some(words));
    }
}

#[test]
fn an_account_of_an_unfamiliar_type_is_noted_and_no_account_at_all_is_a_problem() {
    let left_out = |kind: &str, closed| LeftOut { id: "acc_2".into(), kind: kind.to_owned(), closed };
    check(|inputs| inputs.left_out = vec![left_out("uk_young", false)], &["account_left_out:acc_2"]);
    check(|inputs| inputs.left_out = vec![left_out("", false)], &["account_left_out:acc_2"]);
    check(|inputs| inputs.left_out = vec![left_out("uk_rewards", false), left_out("", true)], &[]);
    check(|inputs| inputs.accounts.clear(), &["!no_account"]);
    let unread = |inputs: &mut Inputs| {
        inputs.accounts.clear();
        inputs.sync.last_success_at = None;
    };
    check(unread, &[]);
}

#[test]
fn a_difference_is_a_problem_unless_what_could_not_be_understood_explains_it() {
    let told =
        |explained| Difference { account_id: "acc_1".into(), amount: 500, because: String::new(), explained };
    check(|inputs| inputs.differences = vec![told(false)], &["!difference:acc_1"]);
    check(|inputs| inputs.differences = vec![told(true)], &["difference:acc_1"]);
}

#[test]
fn a_run_needs_a_person_by_its_state() {
    let run = |state| OpenRun { id: "run_1".to_owned(), rule: "payday".to_owned(), state, reason: None };
    for (state, wanted) in [
        (RunState::Proposed, "run_proposed:run_1"),
        (RunState::Withheld, "run_withheld:run_1"),
        (RunState::Waiting, "run_waiting:run_1"),
        (RunState::Partial, "!run_partial:run_1"),
        (RunState::Failed, "!run_failed:run_1"),
    ] {
        check(|inputs| inputs.runs = vec![run(state)], &[wanted]);
    }
    check(|inputs| inputs.runs = vec![run(RunState::Executing)], &[]);
}

#[test]
fn hints_name_the_run_rule_and_attention_that_they_are_about() {
    let mut inputs = inputs();
    inputs.frozen = vec![(Some("big pay".to_owned()), "away".to_owned())];
    inputs.runs =
        [RunState::Proposed, RunState::Withheld, RunState::Waiting, RunState::Partial, RunState::Failed]
            .map(|state| OpenRun { id: "run_1".to_owned(), rule: "payday".to_owned(), state, reason: None })
            .to_vec();
    inputs.rule_issues.incomes =
        vec![RuleIssue { subject: "main:2026-11-27".to_owned(), message: "late".to_owned() }];
    inputs.rule_issues.asks = vec![RuleIssue { subject: "run_1/2".to_owned(), message: "pay".to_owned() }];
    for one in attention(&inputs) {
        let named = match one.code.as_str() {
            "sorter_frozen" => "`monzoctl sort thaw 'big pay'`".to_owned(),
            "run_proposed" => "`monzoctl sort approve run_1`".to_owned(),
            "run_withheld" => "`monzoctl why run_1`".to_owned(),
            "run_waiting" => "`monzoctl show run_1`".to_owned(),
            _ => format!("`monzoctl ack {}`", one.id),
        };
        assert!(one.hint.contains(&named), "{named} is not in: {one:?}");
    }
}

#[test]
fn a_frozen_sorter_is_a_problem_and_a_frozen_rule_a_note() {
    check(|inputs| inputs.frozen = vec![(None, "a restore".to_owned())], &["!sorter_frozen"]);
    let rule = |inputs: &mut Inputs| inputs.frozen = vec![(Some("sweep".to_owned()), "away".to_owned())];
    check(rule, &["sorter_frozen:sweep"]);
}

//! Values that views and commands are tested with.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{
    Account, AccountStatus, Login, LoginState, Mode, Outcome, Plan, PlanStep, PlannedBill, PlannedInput,
    PlannedTarget, PlannedTransfer, Pot, Rule, RuleMode, Run, RunState, SorterStatus, Status, StepKind,
    SyncStatus, Transaction, Transfer, TransferKind, TransferState,
};
use monzo_common::money::Currency;

use super::Style;
use crate::daemon_time::DaemonTime;

/// A summer morning.
pub(crate) fn now() -> Timestamp {
    "2026-07-22T10:00:00Z".parse().expect("an instant")
}

/// That morning in London, without colour.
pub(crate) fn style(width: Option<usize>) -> Style {
    Style { colour: false, width, time: DaemonTime::new(now(), "Europe/London", None) }
}

/// An open account.
pub(crate) fn account(id: &str, name: &str, balance: Option<i64>) -> Account {
    Account {
        id: id.into(),
        name: name.into(),
        kind: "uk_retail".into(),
        currency: Currency::GBP,
        closed: false,
        excluded: false,
        balance,
        total_balance: balance,
        pot_id: None,
        left_out: false,
    }
}

/// A pot of `acc_1`.
pub(crate) fn pot(id: &str, name: &str, balance: i64) -> Pot {
    Pot {
        id: id.into(),
        name: name.into(),
        account_id: "acc_1".into(),
        pot_current_id: None,
        kind: "default".into(),
        balance,
        currency: Currency::GBP,
        goal: None,
        locked: false,
        deleted: false,
        unlisted_at: None,
        excluded: false,
        available_for_bills: false,
        needs_app: Vec::new(),
    }
}

/// A settled payment an hour ago.
pub(crate) fn transaction(id: &str, amount: i64, description: &str) -> Transaction {
    let at = now() - SignedDuration::from_hours(1);
    Transaction {
        account_id: "acc_1".into(),
        id: id.into(),
        created_at: at,
        settled_at: Some(at),
        updated_at: None,
        amount,
        currency: Currency::GBP,
        local_amount: amount,
        local_currency: Currency::GBP,
        description: description.into(),
        merchant: None,
        counterparty: None,
        category: "groceries".into(),
        categories: Default::default(),
        notes: String::new(),
        tags: Vec::new(),
        scheme: "mastercard".into(),
        pot_id: None,
        pending: false,
        declined: false,
        decline_reason: None,
        withdrawn_at: None,
        raw: None,
    }
}

/// All is well with two accounts and a hidden one.
pub(crate) fn status() -> Status {
    let hour = SignedDuration::from_hours(1);
    let known = |account: Account| AccountStatus {
        account,
        last_success_at: Some(now() - hour * 2),
        covered_from: Some(now() - hour * 24 * 1000),
        covered_to: Some(now() - hour * 2),
        error: None,
        difference: Some(0),
    };
    let mut hidden = account("acc_h", "Bills", Some(5_000));
    hidden.pot_id = Some("pot_1".into());
    Status {
        healthy: true,
        version: monzo_common::VERSION.into(),
        mode: Mode::Normal,
        started_at: now() - hour * 30,
        login: Login {
            state: LoginState::Ready,
            user_id: Some("user_1".into()),
            token_expires_at: Some(now() + hour * 20),
            refreshes: Some(true),
            access_ends_at: Some(now() + hour * 24 * 80),
            error: None,
        },
        sync: SyncStatus {
            state: "idle".into(),
            last_success_at: Some(now() - hour * 2),
            last_attempt_at: Some(now() - hour * 2),
            next_due_at: Some(now() + hour * 4),
            stale: false,
            error: None,
        },
        accounts: vec![
            known(account("acc_1", "Current", Some(123_456))),
            known(account("acc_2", "Joint", Some(-1_205))),
            known(hidden),
        ],
        sorter: SorterStatus { mode: RuleMode::Off, frozen: false, next: None, proposed: 0, unsettled: 0 },
        quarantined: 0,
        attention: Vec::new(),
    }
}

/// One step with one target.
fn step(index: u32, kind: StepKind, id: &str, name: &str, amount: i64, before: i64) -> PlanStep {
    PlanStep {
        index,
        kind,
        targets: vec![PlannedTarget {
            id: Some(id.into()),
            name: name.into(),
            amount,
            before: Some(before),
            after: Some(before + amount),
        }],
        inputs: Vec::new(),
        bills: Vec::new(),
        amount,
        short: 0,
        caps: Vec::new(),
        explanation: String::new(),
        error: None,
    }
}

/// A payday with bills, rent, a level, two goals of which one is full, and something to ask for.
pub(crate) fn plan() -> Plan {
    let mut bills = step(1, StepKind::Bills, "pot_1", "Bills", 39_450, 1_800);
    bills.explanation = "bills until 28 Aug, plus 5 %, less what is there".into();
    bills.inputs = vec![
        PlannedInput { name: "bills".into(), amount: 39_285 },
        PlannedInput { name: "balance".into(), amount: 1_800 },
    ];
    let bill = |name: &str, day, amount, note: Option<&str>| PlannedBill {
        name: name.into(),
        date: date(2026, 8, day),
        amount,
        note: note.map(Into::into),
    };
    bills.bills = vec![
        bill("Council Tax", 1, 15_000, None),
        bill("Car insurance", 14, 24_285, Some("a twelfth of £2,914.20")),
    ];
    let rent = step(2, StepKind::Pot, "pot_2", "Rent", 85_000, 0);
    let mut goals = step(3, StepKind::Goals, "pot_3", "Holiday", 6_670, 43_330);
    let car = step(3, StepKind::Goals, "pot_4", "Car", 10_000, 0);
    goals.targets.extend(car.targets);
    goals.amount = 16_670;
    goals.short = 90_000;
    goals.explanation = "the rest in equal parts, each up to its goal".into();
    goals.caps = vec!["Holiday reaches its goal of £500.00".into()];
    let mut ask = step(4, StepKind::Ask, "", "Joint", 60_000, 0);
    ask.targets[0] =
        PlannedTarget { id: None, name: "Joint".into(), amount: 60_000, before: None, after: None };
    let deposit = |pot: &str, amount| PlannedTransfer {
        kind: TransferKind::Deposit,
        pot_id: pot.into(),
        account_id: "acc_1".into(),
        amount,
    };
    let outcome =
        |id: &str, name: &str, before, after| Outcome { id: id.into(), name: name.into(), before, after };
    Plan {
        rule: "payday".into(),
        as_of: now() - SignedDuration::from_mins(5),
        hash: "5f2c77".into(),
        available: 201_120,
        currency: Currency::GBP,
        keep: 60_000,
        left: 120_000,
        steps: vec![bills, rent, goals, ask],
        transfers: vec![
            deposit("pot_1", 39_450),
            deposit("pot_2", 85_000),
            deposit("pot_3", 6_670),
            deposit("pot_4", 10_000),
        ],
        after: vec![
            outcome("acc_1", "Personal", 261_120, 120_000),
            outcome("pot_1", "Bills", 1_800, 41_250),
            outcome("pot_2", "Rent", 0, 85_000),
            outcome("pot_3", "Holiday", 43_330, 50_000),
            outcome("pot_4", "Car", 0, 10_000),
        ],
        guards: Vec::new(),
        one_way: Vec::new(),
    }
}

/// A run of that plan; its transfers are as sent as its state says.
pub(crate) fn run(state: RunState) -> Run {
    let (sent, begun, ended) = match state {
        RunState::Done | RunState::Partial => (TransferState::Confirmed, true, true),
        RunState::Failed => (TransferState::Failed, true, true),
        RunState::Executing => (TransferState::Planned, true, false),
        _ => (TransferState::Planned, false, false),
    };
    let plan = plan();
    let transfers = (1..).zip(&plan.transfers).map(|(place, planned)| Transfer {
        run_id: "run_7k".into(),
        place,
        kind: planned.kind,
        pot_id: planned.pot_id.clone(),
        account_id: planned.account_id.clone(),
        amount: planned.amount,
        currency: Currency::GBP,
        state: sent,
        dedupe_id: format!("mz-abc-{place}d"),
        requested_at: (sent != TransferState::Planned).then(now),
        confirmed_at: (sent == TransferState::Confirmed).then(now),
        reconciled_at: None,
        transaction_id: None,
        error: None,
    });
    Run {
        id: "run_7k".into(),
        rule: plan.rule.clone(),
        cause: monzo_common::model::RunCause::Occurrence,
        occurrence: Some("2026-07-22".into()),
        state,
        reason: None,
        plan_hash: plan.hash.clone(),
        created_at: now(),
        expires_at: (state == RunState::Proposed).then(|| now() + SignedDuration::from_hours(72)),
        started_at: begun.then(now),
        ended_at: ended.then(|| now() + SignedDuration::from_secs(4)),
        undoes: None,
        transfers: transfers.collect(),
        plan,
    }
}

/// A rule that runs by itself in nine days.
pub(crate) fn rule(name: &str) -> Rule {
    Rule {
        name: name.into(),
        mode: RuleMode::Auto,
        enabled: true,
        frozen: false,
        trigger: "on payday".into(),
        source: "account:Personal".into(),
        next_at: Some(now() + SignedDuration::from_hours(24 * 9)),
        left: Some(60_000),
        last_at: Some(now() - SignedDuration::from_hours(24 * 22)),
        result: Some(RunState::Done),
        problems: Vec::new(),
        origin: "monzod.toml:12".into(),
    }
}

pub(crate) fn bill(name: &str) -> monzo_common::model::Bill {
    use monzo_common::model::{
        Bill, BillDue, BillOrigin, BillRhythm, BillState, Confidence, RhythmAdjust, RhythmUnit,
    };
    let on = date(2026, 12, 3);
    Bill {
        id: "bill_1".into(),
        name: name.into(),
        payee: "IRONWORKS".into(),
        account_id: "acc_1".into(),
        pot_id: Some("pot_1".into()),
        category: "bills".into(),
        rhythm: BillRhythm {
            every: RhythmUnit::Month,
            count: 1,
            day: Some("3".into()),
            months: Vec::new(),
            adjust: RhythmAdjust::After,
        },
        text: "on day 3 of the month, or the working day after".into(),
        next_on: Some(on),
        next_from: Some(on),
        next_to: Some(on),
        due: vec![BillDue { on, upper: 2_150 }],
        estimate: 2_150,
        upper: 2_150,
        currency: Currency::GBP,
        last: None,
        state: BillState::Due,
        covered: None,
        cost_a_year: 25_800,
        price_changes: Vec::new(),
        instalments: None,
        confidence: Confidence::from_percent(90),
        origin: BillOrigin::Mandate,
        transaction_ids: vec!["tx_1".into()],
        confirmed: false,
        ignored: false,
        evidence: vec!["its payments have one direct debit mandate".into()],
    }
}

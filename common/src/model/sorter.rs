//! The autosorter: rules as they stand, plans, runs and their transfers, and the pay calendar (autosort/README.md).

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::words;
use crate::id::{AccountId, PotId, TransactionId};
use crate::money::Currency;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for a person's approval.
    Proposed,
    /// Held back by a guard.
    Withheld,
    /// Approved, and not begun.
    Approved,
    /// Waits for something, until then.
    Waiting,
    /// Under way.
    Executing,
    /// Every transfer was confirmed.
    Done,
    /// Some were.
    Partial,
    /// None was.
    Failed,
    /// Not approved in time, or overtaken.
    Expired,
    /// A person said no.
    Rejected,
    /// A person ended it.
    Cancelled,
}

words!(
    RunState, "state of a run",
    Proposed => "proposed", Withheld => "withheld", Approved => "approved", Waiting => "waiting",
    Executing => "executing", Done => "done", Partial => "partial", Failed => "failed", Expired => "expired",
    Rejected => "rejected", Cancelled => "cancelled",
);

/// Why a run was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunCause {
    /// The rule itself proposed it.
    Occurrence,
    /// A person asked for it.
    Hand,
    /// A person asked for it although its occurrence was used.
    Again,
    /// A person asked to take a run back.
    Undo,
    /// A person asked for the account behind a pot.
    Discover,
}

words!(
    RunCause, "cause of a run",
    Occurrence => "occurrence", Hand => "hand", Again => "again", Undo => "undo", Discover => "discover",
);

impl RunCause {
    /// A person asked for it; no rule proposed it by itself.
    pub fn by_hand(self) -> bool {
        self != Self::Occurrence
    }
}

/// How runs of a rule begin.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RuleMode {
    /// Never.
    Off,
    /// A person approves each.
    #[default]
    Propose,
    /// By themselves, within the guardrails.
    Auto,
}

words!(RuleMode, "mode of a rule", Off => "off", Propose => "propose", Auto => "auto");

/// What a step of a plan is: the word that makes a step of a rule what it is, or the command of what is made by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// What the bills of a pot need.
    Bills,
    /// A pot.
    Pot,
    /// An account, for rules whose source is a pot.
    Account,
    /// Several pots equally, each up to the bank's goal.
    Goals,
    /// Several pots by shares.
    Split,
    /// What the bank's API cannot move: asked of the person.
    Ask,
    /// All that is left.
    Rest,
    /// A move that a person asked for.
    Move,
    /// What takes a run back.
    Undo,
    /// A penny in and out of a pot, for the account behind it.
    Discover,
}

words!(
    StepKind, "kind of step",
    Bills => "bills", Pot => "pot", Account => "account", Goals => "goals", Split => "split", Ask => "ask",
    Rest => "rest", Move => "move", Undo => "undo", Discover => "discover",
);

/// Who approved a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// The mode `auto`, within the guardrails.
    Auto,
    /// A person.
    Person,
}

words!(Approver, "approver", Auto => "auto", Person => "person");

/// How an occurrence of a rule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OccurrenceState {
    /// It may still have its run.
    Open,
    /// It has had its run.
    Used,
    /// It was before the rule, or read too late.
    Missed,
    /// Its window has ended.
    Over,
}

words!(
    OccurrenceState, "state of an occurrence",
    Open => "open", Used => "used", Missed => "missed", Over => "over",
);

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Not sent.
    Planned,
    /// Sent; whether it happened is not known yet.
    Requested,
    /// The bank did it.
    Confirmed,
    /// The bank refused it.
    Failed,
    /// Never sent, and will not be.
    Cancelled,
}

words!(
    TransferState, "state of a transfer",
    Planned => "planned", Requested => "requested", Confirmed => "confirmed", Failed => "failed",
    Cancelled => "cancelled",
);

/// Which way a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// From a pot into the account.
    Withdraw,
    /// From the account into a pot.
    Deposit,
    /// What could not be placed, back where it came from.
    Return,
}

words!(
    TransferKind, "kind of transfer",
    Withdraw => "withdraw", Deposit => "deposit", Return => "return",
);

/// One transfer between an account and a pot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transfer {
    /// The run that it belongs to.
    pub run_id: String,
    /// Its number in the run; the return is the last.
    pub place: u32,
    /// Which way.
    pub kind: TransferKind,
    /// The pot.
    pub pot_id: PotId,
    /// The account.
    pub account_id: AccountId,
    /// Minor units, more than zero.
    pub amount: i64,
    /// Currency of `amount`.
    pub currency: Currency,
    /// Where it stands.
    pub state: TransferState,
    /// The idempotency key that the bank knows it by.
    pub dedupe_id: String,
    /// When it was first sent.
    pub requested_at: Option<Timestamp>,
    /// When the bank confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// When its row was seen in the ledger.
    pub reconciled_at: Option<Timestamp>,
    /// That row.
    pub transaction_id: Option<TransactionId>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A transfer that a plan would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedTransfer {
    /// Which way.
    pub kind: TransferKind,
    /// The pot.
    pub pot_id: PotId,
    /// The account.
    pub account_id: AccountId,
    /// Minor units, more than zero.
    pub amount: i64,
}

/// What one target of a step gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedTarget {
    /// The pot's or account's id; nothing for what is only asked for.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Minor units.
    pub amount: i64,
    /// Balance before, in minor units, where it has one.
    pub before: Option<i64>,
    /// Balance after.
    pub after: Option<i64>,
}

/// A bill that made up the amount of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedBill {
    /// Whom it pays.
    pub name: String,
    /// The day on which it is due, or was paid.
    pub date: Date,
    /// Minor units that it counts for.
    pub amount: i64,
    /// Why it counts for this much, where that is not its whole.
    pub note: Option<String>,
}

/// A figure that went into a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedInput {
    /// What.
    pub name: String,
    /// Minor units.
    pub amount: i64,
}

/// One step of a plan, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanStep {
    /// Its number in the rule, from 1.
    pub index: u32,
    /// What it is.
    pub kind: StepKind,
    /// What each target gets.
    pub targets: Vec<PlannedTarget>,
    /// The figures that went in.
    pub inputs: Vec<PlannedInput>,
    /// The bills that made it up.
    pub bills: Vec<PlannedBill>,
    /// Minor units in all.
    pub amount: i64,
    /// By how much it falls short of what it asked for.
    pub short: i64,
    /// The caps that bit, each in words.
    pub caps: Vec<String>,
    /// The formula, in words; and why it was skipped, where it was.
    pub explanation: String,
    /// Why nothing could be planned, with what to do.
    pub error: Option<String>,
}

/// A balance as a plan would leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The account's or pot's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Minor units.
    pub before: i64,
    /// Minor units.
    pub after: i64,
}

/// What a rule would do at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The rule; `move`, `undo` or `discover` for what is made by hand.
    pub rule: String,
    /// The instant of the facts.
    pub as_of: Timestamp,
    /// Covers the rule's text, the guardrails and the moves, not the balances.
    pub hash: String,
    /// Minor units that may be moved.
    pub available: i64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// What stays at the source, in minor units.
    pub keep: i64,
    /// What stays at the source after all steps.
    pub left: i64,
    /// Its steps.
    pub steps: Vec<PlanStep>,
    /// What would be sent to the bank.
    pub transfers: Vec<PlannedTransfer>,
    /// Balances before and after.
    pub after: Vec<Outcome>,
    /// The guards that hold it back, each in words.
    pub guards: Vec<String>,
    /// The moves that `sort undo` could not take back, each with its reason.
    #[serde(default)]
    pub one_way: Vec<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Random, never a counter.
    pub id: String,
    /// The rule; `move`, `undo` or `discover` for what is made by hand.
    pub rule: String,
    /// Why it was made: `occurrence` if the rule itself proposed it; else a person asked for it.
    pub cause: RunCause,
    /// The occurrence's key.
    pub occurrence: Option<String>,
    /// Where it stands.
    pub state: RunState,
    /// Why it stands there, in words.
    pub reason: Option<String>,
    /// The plan's hash.
    pub plan_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a proposal, or a wait, ends.
    pub expires_at: Option<Timestamp>,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The run that it undoes.
    pub undoes: Option<String>,
    /// What was, or will be, sent.
    pub transfers: Vec<Transfer>,
    /// Why these.
    pub plan: Plan,
}

impl Run {
    /// A person asked for it; no rule proposed it by itself.
    pub fn by_hand(&self) -> bool {
        self.cause.by_hand()
    }
}

/// A rule as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// How its runs begin.
    pub mode: RuleMode,
    /// It fires.
    pub enabled: bool,
    /// Nothing of it moves until it is thawed.
    pub frozen: bool,
    /// When it fires, in words.
    pub trigger: String,
    /// From where.
    pub source: String,
    /// When it is next due, where that is known.
    pub next_at: Option<Timestamp>,
    /// What would stay at its source after the next run, in minor units.
    pub left: Option<i64>,
    /// When it last ran.
    pub last_at: Option<Timestamp>,
    /// How that ended.
    pub result: Option<RunState>,
    /// What is the matter with it at the bank: a pot that is gone, and the like.
    pub problems: Vec<String>,
    /// File and line.
    pub origin: String,
}

/// The sorter's freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freeze {
    /// The rule; all of them, if nothing.
    pub rule: Option<String>,
    /// Since when.
    pub at: Timestamp,
    /// Until when, if not for good.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// What a freeze or thaw did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezeChange {
    /// The freezes that hold now.
    pub freezes: Vec<Freeze>,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
}

/// What asking for a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The run; nothing where nothing is to be moved.
    pub run: Option<Run>,
    /// What was done, in words.
    pub message: String,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
    /// Of an undo: the moves that it does not take back, each with its reason.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunPage {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Where to go on; empty on the last page.
    pub cursor: Option<String>,
}

/// A payday to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaydayDate {
    /// The day on which pay comes.
    pub date: Date,
    /// The day before it was moved over a weekend or bank holiday, where it was.
    pub moved_from: Option<Date>,
    /// Why it was moved.
    pub reason: Option<String>,
}

/// A pay calendar: configured, or found in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaydayCalendar {
    /// Its name.
    pub name: String,
    /// `config`, or `ledger` for one that was found and is only a suggestion.
    pub origin: String,
    /// Its rhythm in words.
    pub rhythm: String,
    /// The paydays to come.
    pub next: Vec<PaydayDate>,
    /// The block to paste, for one that was found.
    pub toml: Option<String>,
}

/// Why a rule, run or pot stands as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// What was asked about.
    pub subject: String,
    /// Sentences, the most important first.
    pub reasons: Vec<String>,
    /// The plan that shows the figures, where there is one.
    pub plan: Option<Plan>,
}

/// One run of a backtest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestRun {
    /// When it would have run.
    pub at: Timestamp,
    /// Which trigger would have made it run, in words.
    pub cause: String,
    /// What it would have moved, in minor units.
    pub moved: i64,
    /// The plan.
    pub plan: Plan,
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backtest {
    /// The rule.
    pub rule: String,
    /// From this day on the data are whole.
    pub whole_from: Option<Timestamp>,
    /// Its runs, oldest first.
    pub runs: Vec<BacktestRun>,
    /// The lowest balance of the account and of each pot of the rule, in minor units: as it was, and with the rule.
    pub lowest: Vec<Outcome>,
    /// Bills that would have failed, and what a pot's card would have been declined.
    pub failed_bills: Vec<PlannedBill>,
    /// Bills that their pot would have paid in part or not at all, and the account for it.
    pub part_paid: Vec<PlannedBill>,
    /// What else is to be known of the replay, in sentences.
    pub notes: Vec<String>,
    /// Currency of all amounts.
    pub currency: Currency,
}

/// A page of transfers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransferPage {
    /// Newest first.
    pub transfers: Vec<Transfer>,
    /// Where to go on; empty on the last page.
    pub cursor: Option<String>,
}

/// Rules that the ledger suggests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// Commented TOML.
    pub toml: String,
    /// The file to save it in.
    pub save_as: String,
}

//! What an evaluation of triggers is told, and what it says: values, whose makers read store and clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use monzo_common::id::{AccountId, TransactionId};

use crate::rule::{Payday, Rule};
use monzo_common::model::RuleMode;

/// What is the same for all rules at one evaluation, which follows a sync (or a start, or a change of the rules).
#[derive(Debug, Clone, Copy)]
pub struct OccurrenceInputs<'a> {
    /// The present.
    pub now: Timestamp,
    /// The person's zone, `time.zone`.
    pub zone: &'a TimeZone,
    /// The pay calendars, the first being the default; with none, cycles are calendar months.
    pub paydays: &'a [Payday],
    /// The sync that was just completed; nothing outside of one, when balances cannot fire.
    pub sync: Option<Synced<'a>>,
    /// Rows with more than zero that are neither declined nor withdrawn, of all accounts, back to the beginning of
    /// the cycle before the last: in any order.
    pub credits: &'a [CreditRow],
}

/// A completed sync.
#[derive(Debug, Clone, Copy)]
pub struct Synced<'a> {
    /// Its id.
    pub id: &'a str,
    /// A run made it, so that it yields no occurrences; balances that are no longer past their level re-arm.
    pub by_run: bool,
}

/// A credit as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditRow {
    /// The bank's id.
    pub id: TransactionId,
    /// The account in whose list it is.
    pub account: AccountId,
    /// When the bank made it.
    pub created_at: Timestamp,
    /// When a sync first read it.
    pub first_read_at: Timestamp,
    /// Minor units, more than zero.
    pub amount: i64,
    /// Name of the other side; the description where the bank gives none.
    pub from: String,
    /// What it is.
    pub kind: CreditKind,
}

/// What a credit is, as far as triggers care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreditKind {
    /// A Bacs credit, a bank transfer or a Monzo-to-Monzo payment.
    Income,
    /// A transfer between own accounts.
    Own,
    /// Card refunds, reversals, interest, Flex, pot moves and all that is not known to be income.
    Other,
}

/// What tells a credit's kind (monzo/README.md, Kinds of rows).
#[derive(Debug, Clone, Copy, Default)]
pub struct CreditMarks<'a> {
    /// The payment rail.
    pub scheme: &'a str,
    /// The account's type.
    pub account_kind: &'a str,
    /// It takes back another row: `is_reversal`, `original_transaction_id`.
    pub reversal: bool,
    /// It belongs to a direct debit: `bacs_direct_debit_instruction_id`, `mandate_id`.
    pub direct_debit: bool,
    /// `flex_transaction_type` or `monzo_flex_id` is there.
    pub flex: bool,
    /// The other side is this person, or an account of theirs.
    pub own: bool,
}

/// A rule and what is known of its past.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Its mode, or the sorter's where it says nothing.
    pub mode: RuleMode,
    /// When its name was first accepted, or it was enabled again: what is earlier is missed.
    pub since: Timestamp,
    /// Which of its texts has run.
    pub history: History,
    /// The one account of its places; nothing while it cannot be resolved, when no income fires.
    pub account: Option<AccountId>,
    /// The accounts of its `income` triggers that name one, by the trigger's index; one that is missing never fires.
    pub income_accounts: BTreeMap<usize, AccountId>,
    /// The balances of its `balance` triggers, by the trigger's index; one that is missing is not evaluated.
    pub watches: BTreeMap<usize, Watch>,
    /// Keys of which a run has left `proposed`, in the database or in the ledger.
    pub used: &'a BTreeSet<String>,
}

/// Which of a rule's texts has run: left `proposed`, that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum History {
    /// None yet.
    Never,
    /// Only others than the present one.
    OtherText,
    /// The present one.
    ThisText,
}

/// A balance that a trigger looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// What the last evaluation left.
    pub memory: Memory,
    /// The balance after this sync, in minor units; nothing where it was not read.
    pub balance: Option<i64>,
    /// A pot that changed by something its rows do not explain; it is not evaluated.
    pub unexplained: bool,
    /// When the last run moved money in or out of it.
    pub moved_at: Option<Timestamp>,
}

/// What is kept of a balance trigger from one evaluation to the next, by rule name and place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// The balance at the last evaluated sync; nothing before the first.
    pub balance: Option<i64>,
    /// The occurrence that is open.
    pub edge: Option<Edge>,
}

/// A balance that passed its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The sync's id.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// What an evaluation of a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// Each key once, by moment.
    pub occurrences: Vec<Occurrence>,
    /// What to keep of its balance triggers, by the trigger's index.
    pub memories: BTreeMap<usize, Memory>,
    /// What its balance triggers wait for, in words.
    pub waits: Vec<String>,
}

/// One time that a rule is, was or will be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Unique among those of the rule.
    pub key: String,
    /// The trigger's index.
    pub trigger: usize,
    /// When it is due.
    pub at: Timestamp,
    /// When its window ends; for a balance, when it is no longer past its level.
    pub until: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// How a run of it begins.
    pub begin: Begin,
    /// The credit that fired, or that proves the payday.
    pub credit: Option<Fired>,
}

/// The credit behind an occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The bank's id.
    pub id: TransactionId,
    /// Where it came in; `take = "income"` only means something in the rule's own account.
    pub account: AccountId,
    /// Minor units.
    pub amount: i64,
}

/// Where an occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Not due yet.
    Coming,
    /// Its day has come, and the income that proves it has not.
    Waiting,
    /// Due: to be planned.
    Open,
    /// A run of it has left `proposed`.
    Used,
    /// Before the rule was, or read too late: only by hand.
    Missed,
    /// Its window ended.
    Over,
}

/// How a run of an occurrence begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// By itself.
    Run,
    /// When a person approves it; for these reasons.
    Propose(Vec<Why>),
    /// The rule is off.
    Never,
}

/// Why a run is only proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The rule's mode says so.
    Mode,
    /// The rule has never run.
    FirstRun,
    /// The rule's text has changed since it last ran.
    ChangedText,
    /// It is later than `catch_up`.
    Late,
    /// A further match within the cycle.
    Further,
}

//! A rule as it was written: when, from where, what stays, and where to. Values without behaviour.
//!
//! The configuration makes these and has judged their shape; nothing here knows the bank's ids. Amounts are minor
//! units of pounds, shares are basis points, and no amount is guessed from its size (autosorter.md 1).

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, Weekday};

/// Ten thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BasisPoints(pub u32);

impl BasisPoints {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);
}

/// An account or a pot by the person's name for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `account:Personal`, or an id.
    Account(String),
    /// `pot:Bills`, `pot:Joint/Bills`, a bare pot name, or an id.
    Pot {
        /// The account that owns it, where it was named; else the one of the rule's source.
        account: Option<String>,
        /// Its name.
        name: String,
    },
}

impl Place {
    /// The name alone, or the id.
    pub fn name(&self) -> &str {
        match self {
            Self::Account(name) | Self::Pot { name, .. } => name,
        }
    }
}

/// Prints it as it is written: `account:Personal`, `pot:Joint/Bills`, `pot:Bills`.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(name) => write!(f, "account:{name}"),
            Self::Pot { account: Some(account), name } => write!(f, "pot:{account}/{name}"),
            Self::Pot { account: None, name } => write!(f, "pot:{name}"),
        }
    }
}

/// How runs of a rule begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Mode {
    /// Never.
    Off,
    /// A person approves each.
    #[default]
    Propose,
    /// By themselves, within the guardrails.
    Auto,
}

/// A day of the month; past the month's end its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Day {
    /// 1 to 31.
    Of(i8),
    /// The last day that is no weekend and no bank holiday.
    LastWorking,
    /// The last of a weekday in the month.
    Last(Weekday),
}

/// Where a day goes that is a weekend or a bank holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Adjust {
    /// To the working day before.
    #[default]
    Before,
    /// To the working day after.
    After,
    /// Nowhere.
    None,
}

/// Whose bank holidays count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Nation {
    /// England and Wales.
    #[default]
    EnglandAndWales,
    /// Scotland.
    Scotland,
    /// Northern Ireland.
    NorthernIreland,
}

/// How paydays follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rhythm {
    /// Once a month.
    Monthly(Day),
    /// On a weekday, each week.
    Weekly(Weekday),
    /// Every so many weeks from a date on, both ways.
    Every {
        /// One to 52.
        weeks: u8,
        /// One of the days.
        starting: Date,
    },
}

/// `[[payday]]`: a pay calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payday {
    /// Its name.
    pub name: String,
    /// Its rhythm.
    pub rhythm: Rhythm,
    /// Over weekends and bank holidays.
    pub adjust: Adjust,
    /// Whose bank holidays.
    pub nation: Nation,
    /// One-off holidays that are not computed.
    pub extra_holidays: Vec<Date>,
    /// The credit that proves that it came.
    pub income: Option<Credit>,
}

/// Which credits are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credit {
    /// Name of the other side, with `*` for any text; whatever the case. Any, if nothing.
    pub from: Option<String>,
    /// Minor units.
    pub at_least: Option<i64>,
    /// Minor units.
    pub at_most: Option<i64>,
}

/// `[autosort]`: what holds for all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autosort {
    /// For rules that say nothing.
    pub mode: Mode,
    /// Minor units; must be set when anything is `auto`.
    pub max_per_run: Option<i64>,
    /// Minor units over all runs of a London date.
    pub max_per_day: Option<i64>,
    /// Minor units, for accounts that have none of their own.
    pub account_floor: i64,
    /// Minor units by account name.
    pub floors: BTreeMap<String, i64>,
    /// No run begins between these local times; may wrap.
    pub quiet_hours: Option<(Time, Time)>,
    /// What is known may be so old when a run is planned.
    pub max_staleness: SignedDuration,
    /// A proposal lasts so long.
    pub plan_ttl: SignedDuration,
    /// One transfer is pressed so long before the run waits for the next sync.
    pub move_deadline: SignedDuration,
    /// From approval; then what is unsent is cancelled.
    pub run_deadline: SignedDuration,
    /// Savings-type pots that may be a source.
    pub withdraw_from: Vec<Place>,
    /// The rules, in the order of the files.
    pub rules: Vec<Rule>,
}

impl Default for Autosort {
    fn default() -> Self {
        Self {
            mode: Mode::Propose,
            max_per_run: None,
            max_per_day: None,
            account_floor: 0,
            floors: BTreeMap::new(),
            quiet_hours: Some((Time::constant(0, 0, 0, 0), Time::constant(7, 0, 0, 0))),
            max_staleness: SignedDuration::from_mins(15),
            plan_ttl: SignedDuration::from_hours(72),
            move_deadline: SignedDuration::from_mins(15),
            run_deadline: SignedDuration::from_hours(24),
            withdraw_from: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// `[[autosort.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Unique among the rules.
    pub name: String,
    /// Any of them.
    pub triggers: Vec<Trigger>,
    /// From where.
    pub source: Place,
    /// What stays at the source: the largest of these; nothing for a pot that says nothing.
    pub keep: Vec<Keep>,
    /// What of the rest may be taken.
    pub take: Take,
    /// Instead of `[autosort]`'s.
    pub mode: Option<Mode>,
    /// It fires.
    pub enabled: bool,
    /// An occurrence later than this is proposed, not run.
    pub catch_up: SignedDuration,
    /// What becomes of money that could not be placed.
    pub on_failure: OnFailure,
    /// Where to, in order.
    pub steps: Vec<Step>,
    /// Examples that `config check` runs.
    pub tests: Vec<Example>,
    /// The rule in one canonical text, for its hash: the same rule gives the same text.
    pub text: String,
    /// File and line where it begins.
    pub origin: String,
}

/// When a rule fires (autosorter.md 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// On a payday.
    Payday {
        /// Which calendar; the first, if nothing.
        payday: Option<String>,
        /// Days after it, or before it.
        offset_days: i32,
        /// Local time.
        at: Option<Time>,
    },
    /// When money comes in.
    Income {
        /// Which credits.
        credit: Credit,
        /// The account's name; the rule's own, if nothing.
        account: Option<String>,
        /// Transfers between own accounts count too.
        own: bool,
        /// `once = "cycle"`: the first of a cycle fires, further ones are only proposed.
        once_a_cycle: bool,
    },
    /// On a day of each month.
    Monthly {
        /// Which.
        day: Day,
        /// Local time.
        at: Option<Time>,
        /// Over weekends and bank holidays.
        adjust: Adjust,
    },
    /// On a day of each week.
    Weekly {
        /// Which.
        weekday: Weekday,
        /// Local time.
        at: Option<Time>,
    },
    /// Each day.
    Daily {
        /// Local time.
        at: Option<Time>,
    },
    /// When a balance passes a level.
    Balance {
        /// Whose.
        of: Place,
        /// Which way.
        level: Level,
        /// After the last run that moved money in or out of it.
        cooldown: SignedDuration,
    },
    /// Only by hand.
    Manual,
}

/// A level and its side, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Fires under it.
    Below(i64),
    /// Fires over it.
    Above(i64),
}

/// What stays at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    /// Minor units.
    Amount(i64),
    /// Of the balance.
    Share(BasisPoints),
}

/// What of a balance may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Take {
    /// All above what stays.
    #[default]
    All,
    /// Never more than the credit that fired.
    Income,
    /// What was there without it.
    Leftover,
}

/// What becomes of money that could not be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFailure {
    /// Back to the source.
    #[default]
    Return,
    /// It stays in the account.
    Leave,
}

/// An amount that a step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Amount {
    /// Minor units.
    Fixed(i64),
    /// Of the credit that fired.
    OfIncome(BasisPoints),
}

/// A cap of a step or of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cap {
    /// Minor units.
    Amount(i64),
    /// Of what the step began with.
    Share(BasisPoints),
}

/// The day by which a sinking fund must be full; without a year it comes every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct By {
    /// Once, if given.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31; past the month's end its last day.
    pub day: i8,
}

/// How much a bills step looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Basis {
    /// Bills that are predicted.
    #[default]
    Upcoming,
    /// What the last complete cycle cost.
    LastCycle,
}

/// Where money goes (autosorter.md 1, 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What the bills of a pot need.
    Bills {
        /// The pot.
        pot: Place,
        /// Looked at how.
        basis: Basis,
        /// On top.
        buffer: BasisPoints,
        /// Bills due within this, instead of until the payday after; makes a bill guard.
        horizon: Option<SignedDuration>,
        /// Minor units, while the last cycle is not known.
        until_known: Option<i64>,
    },
    /// A pot.
    Pot {
        /// The pot.
        pot: Place,
        /// How much; all that is left, if neither this nor `up_to` says.
        amount: Option<Amount>,
        /// Minor units to which it is filled.
        up_to: Option<i64>,
        /// Filled by then, payday by payday.
        by: Option<By>,
        /// At most.
        max: Option<Cap>,
    },
    /// An account, for rules whose source is a pot.
    Account {
        /// The account.
        account: Place,
        /// How much.
        amount: Option<Amount>,
        /// Minor units to which it is filled.
        up_to: Option<i64>,
        /// At most.
        max: Option<Cap>,
    },
    /// Several pots equally, each up to the bank's goal.
    Goals {
        /// The pots.
        pots: Vec<Place>,
        /// Most that one gets.
        max: Option<Cap>,
    },
    /// Several pots by shares.
    Split {
        /// The parts.
        parts: Vec<Part>,
        /// What capped parts leave goes to the others, or stays.
        redistribute: bool,
    },
    /// What the bank's API cannot move: set aside, and asked of the person.
    Ask {
        /// Minor units.
        amount: i64,
        /// To whom.
        to: String,
    },
    /// All that is left.
    Rest {
        /// The pot.
        pot: Place,
        /// At most.
        max: Option<Cap>,
    },
}

/// A part of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The pot.
    pub pot: Place,
    /// Its share.
    pub share: BasisPoints,
    /// At most.
    pub max: Option<Cap>,
    /// Minor units to which it is filled.
    pub up_to: Option<i64>,
}

/// `[[autosort.rule.test]]`: what a rule should do in a made-up state; amounts in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Local time.
    pub at: DateTime,
    /// The credit that fires.
    pub income: Option<i64>,
    /// What has to be in pots for their bills, buffer included, by pot name.
    pub bills: BTreeMap<String, i64>,
    /// Balances by place.
    pub given: BTreeMap<Place, i64>,
    /// What each pot or account gets, by name; `left` is what stays at the source.
    pub expect: BTreeMap<String, i64>,
    /// File and line.
    pub origin: String,
}

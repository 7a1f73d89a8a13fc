//! What a rule would have done: the ledger replayed, with the rule's plans in place of what was moved by hand.
//!
//! Pure: what happened and a function that plans go in. Income and spending are as they were; what went into and out of
//! the rule's own pots by hand is left out, because the rule takes its place (what was put into the pot that it takes from
//! stays, because it does not); bills are paid anew as the bank pays them,
//! from what the pot then holds and else from the account, and a pot's card is declined where the pot has too little, so
//! that the replay shows which of them would have failed.

mod edges;
mod inputs;
pub(crate) mod moments;
pub mod replay;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::id::PotId;
use monzo_common::model::{Backtest, BacktestRun, Outcome, Plan, PlannedBill, TransferKind};
use monzo_common::money::Currency;

use crate::autosort::decide::plan::words::money;
use crate::autosort::study::backtest::replay::Whole;
use edges::Edges;

pub use edges::Watched;
pub use inputs::of_rule;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Its local date.
    pub date: Date,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Money came into the account or left it; minor units, negative is out.
    Account(i64),
    /// Money came into a pot by itself: interest, or a refund to its card.
    Pot(PotId, i64),
    /// A pot's virtual card paid; minor units, positive.
    Card {
        /// The pot.
        pot: PotId,
        /// Whom it pays.
        name: String,
        /// All of it.
        amount: i64,
    },
    /// Money went from the account into a pot, or back where negative.
    Moved(PotId, i64),
    /// A bill was taken from the account, and a pot was to pay it; minor units, positive.
    Bill {
        /// The pot.
        pot: PotId,
        /// Whom it pays.
        name: String,
        /// All of it.
        amount: i64,
    },
}

/// What the account and the pots held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balances {
    /// The account, in minor units.
    pub account: i64,
    /// Pots, in minor units.
    pub pots: BTreeMap<PotId, i64>,
}

impl Balances {
    fn pot(&self, pot: &PotId) -> i64 {
        self.pots.get(pot).copied().unwrap_or(0)
    }

    /// Lowers what is higher here than there, of pots those that count.
    pub(crate) fn lower(&mut self, other: &Self, counts: impl Fn(&PotId) -> bool) {
        self.account = self.account.min(other.account);
        for (pot, held) in other.pots.iter().filter(|(pot, _)| counts(pot)) {
            let least = self.pots.entry(pot.clone()).or_insert(*held);
            *least = (*least).min(*held);
        }
    }

    pub(crate) fn add(&mut self, pot: &PotId, amount: i64) {
        let held = self.pots.entry(pot.clone()).or_default();
        *held = held.saturating_add(amount);
    }
}

/// When a rule runs, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// When.
    pub at: Timestamp,
    /// Why, in words.
    pub cause: String,
}

/// A ledger to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The rule.
    pub rule: String,
    /// The account's id and name.
    pub account: (String, String),
    /// Names of pots, and which the rule uses: of those nothing that was moved by hand counts, except into its source.
    pub pots: BTreeMap<PotId, (String, bool)>,
    /// The pot that the rule takes from, if it is no account: what was put into it by hand stays, since the rule does
    /// not do that.
    pub source: Option<PotId>,
    /// From when on no row of the account and of the rule's pots is missing; the lowest balance of a pot is told from
    /// then on.
    pub whole: Whole,
    /// What was held when the replay begins.
    pub began: Balances,
    /// The least that was held since, as it really was.
    pub least: Balances,
    /// What happened since, in any order.
    pub events: Vec<Event>,
    /// When the calendar or a credit would have had the rule run, oldest first.
    pub runs: Vec<When>,
    /// The balances that would have had it run.
    pub watched: Vec<Watched>,
    /// What is to be said of it, in sentences.
    pub notes: Vec<String>,
}

/// Replays a ledger until `now`; `plan` is asked what the rule would do at each of its moments (nothing for one that a
/// balance made), given what would then be held, and `begins` when a run that is due at an instant may begin.
pub fn backtest(
    replay: &Replay,
    now: Timestamp,
    begins: impl Fn(Timestamp) -> Timestamp,
    mut plan: impl FnMut(Timestamp, Option<usize>, &Balances) -> Plan,
) -> Backtest {
    let mut events: Vec<&Event> = replay.events.iter().collect();
    // Stable: what happened at one instant stays in the order in which it was told.
    events.sort_by_key(|event| event.at);
    let mut due: Vec<(Timestamp, usize)> = replay.runs.iter().map(|when| begins(when.at)).zip(0..).collect();
    due.sort_unstable();
    let mut state = State::new(replay);
    let mut edges = Edges::new(&replay.watched, &state.now);
    let mut runs = Vec::new();
    let (mut events, mut due) = (events.into_iter().peekable(), due.into_iter().peekable());
    loop {
        let next_run = [due.peek().map(|(at, _)| *at), edges.next()].into_iter().flatten().min();
        let next_run = next_run.filter(|at| *at <= now);
        // A run is planned after the sync that has read what came before it, its own credit too.
        if let Some(event) = events.next_if(|event| next_run.is_none_or(|at| event.at <= at)) {
            state.happen(event);
            if events.peek().is_none_or(|next| next.at > event.at) {
                edges.look(event.at, &state.now, &begins);
            }
            continue;
        }
        let Some(at) = next_run else { break };
        let (cause, moment) = match due.next_if(|(due, _)| *due == at) {
            Some((_, moment)) => (replay.runs[moment].cause.clone(), Some(moment)),
            None => match edges.take(at, &state.now) {
                Some(when) => (when.cause, None),
                None => break,
            },
        };
        let plan = plan(at, moment, &state.now);
        let moved = state.execute(at, &plan);
        edges.ran(at, &plan.transfers, &state.now);
        runs.push(BacktestRun { at, cause, moved, plan });
    }
    Backtest {
        rule: replay.rule.clone(),
        whole_from: replay.whole.from(),
        runs,
        lowest: state.lowest(),
        failed_bills: state.failed,
        part_paid: state.partly,
        notes: replay.notes.clone(),
        currency: Currency::GBP,
    }
}

struct State<'r> {
    replay: &'r Replay,
    now: Balances,
    least: Balances,
    failed: Vec<PlannedBill>,
    partly: Vec<PlannedBill>,
}

impl<'r> State<'r> {
    fn new(replay: &'r Replay) -> Self {
        let now = replay.began.clone();
        let least = Balances { account: now.account, pots: BTreeMap::new() };
        Self { replay, now, least, failed: Vec::new(), partly: Vec::new() }
    }

    /// Minor units to which the bank lets the account fall for a bill: an overdraft shows in what was.
    fn bottom(&self) -> i64 {
        self.replay.least.account.min(0)
    }

    fn note(&mut self, at: Timestamp) {
        self.least.lower(&self.now, |pot| self.replay.whole.knows(pot, at));
    }

    fn happen(&mut self, event: &Event) {
        match &event.what {
            What::Account(amount) => self.now.account = self.now.account.saturating_add(*amount),
            What::Pot(pot, amount) => self.now.add(pot, *amount),
            What::Card { pot, name, amount } => self.card(event.date, pot, name, *amount),
            What::Moved(pot, amount) => self.moved(pot, *amount),
            What::Bill { pot, name, amount } => self.bill(event.date, pot, name, *amount),
        }
        self.note(event.at);
    }

    /// By hand, and never more than there is.
    fn moved(&mut self, pot: &PotId, amount: i64) {
        let used = self.replay.pots.get(pot).is_some_and(|(_, used)| *used);
        let fills_source = amount > 0 && self.replay.source.as_ref() == Some(pot);
        if used && !fills_source {
            return;
        }
        let amount = amount.max(self.now.pot(pot).max(0).saturating_neg()).min(self.now.account.max(0));
        self.now.add(pot, amount);
        self.now.account = self.now.account.saturating_sub(amount);
    }

    /// The pot gives what it can, the account the rest; where that is not there the bill fails, and nothing moves.
    fn bill(&mut self, date: Date, pot: &PotId, name: &str, amount: i64) {
        let given = self.now.pot(pot).clamp(0, amount.max(0));
        let rest = amount.saturating_sub(given);
        let bill = |note: String| PlannedBill { name: name.to_owned(), date, amount, note: Some(note) };
        let left = self.now.account.saturating_sub(rest);
        if rest > 0 && left < self.bottom() {
            let short = rest.saturating_sub(self.now.account.saturating_sub(self.bottom()).max(0));
            self.failed.push(bill(format!("{} short", money(short))));
            return;
        }
        if rest > 0 {
            let whole = format!("{} of it from {}", money(rest), self.replay.account.1);
            self.partly.push(bill(whole));
        }
        self.now.add(pot, given.saturating_neg());
        self.now.account = left;
    }

    /// A pot's card pays with what the pot holds, or is declined.
    fn card(&mut self, date: Date, pot: &PotId, name: &str, amount: i64) {
        let held = self.now.pot(pot);
        if held < amount {
            let pot = self.replay.pots.get(pot).map_or_else(|| pot.to_string(), |(name, _)| name.clone());
            let note = format!("declined: {pot} would have held {}", money(held));
            self.failed.push(PlannedBill { name: name.to_owned(), date, amount, note: Some(note) });
            return;
        }
        self.now.add(pot, amount.saturating_neg());
    }

    /// What arrives, in minor units; each penny counts once.
    fn execute(&mut self, at: Timestamp, plan: &Plan) -> i64 {
        let (mut given, mut taken) = (0_i64, 0_i64);
        for transfer in &plan.transfers {
            let amount = transfer.amount.max(0);
            match transfer.kind {
                TransferKind::Deposit => {
                    self.now.add(&transfer.pot_id, amount);
                    self.now.account = self.now.account.saturating_sub(amount);
                    given = given.saturating_add(amount);
                }
                TransferKind::Withdraw => {
                    self.now.add(&transfer.pot_id, amount.saturating_neg());
                    self.now.account = self.now.account.saturating_add(amount);
                    taken = taken.saturating_add(amount);
                }
                TransferKind::Return => {}
            }
        }
        self.note(at);
        given.max(taken)
    }

    /// The account's lowest balance, then that of each pot of the rule: as it was, and with the rule.
    fn lowest(&self) -> Vec<Outcome> {
        let (id, name) = self.replay.account.clone();
        let was = &self.replay.least;
        let account = Outcome { id, name, before: was.account, after: self.least.account };
        let ruled = self.replay.pots.iter().filter(|(_, (_, ruled))| *ruled);
        let pots = ruled.map(|(pot, (name, _))| Outcome {
            id: pot.to_string(),
            name: name.clone(),
            before: was.pot(pot),
            after: self.least.pots.get(pot).copied().unwrap_or_else(|| self.now.pot(pot)),
        });
        std::iter::once(account).chain(pots).collect()
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::PlannedTransfer;
    use proptest::prelude::*;

    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::constant(1_767_225_600, 0)
            .checked_add(jiff::SignedDuration::from_hours(24 * day))
            .expect("in range")
    }

    fn event(day: i64, what: What) -> Event {
        Event { at: at(day), date: at(day).to_zoned(jiff::tz::TimeZone::UTC).date(), what }
    }

    fn bill(day: i64, amount: i64) -> Event {
        event(day, What::Bill { pot: "pot_bills".into(), name: "Rent".into(), amount })
    }

    fn replay(account: i64, pot: i64, events: Vec<Event>, runs: &[i64]) -> Replay {
        Replay {
            rule: "payday".into(),
            account: ("acc_1".into(), "Personal".into()),
            pots: BTreeMap::from([
                ("pot_bills".into(), ("Bills".into(), true)),
                ("pot_fun".into(), ("Fun".into(), false)),
            ]),
            source: None,
            whole: Whole { account: Some(at(0)), ..Whole::default() },
            began: Balances { account, pots: BTreeMap::from([("pot_bills".into(), pot)]) },
            least: Balances { account: 0, pots: BTreeMap::from([("pot_bills".into(), pot)]) },
            events,
            runs: runs.iter().map(|day| When { at: at(*day), cause: "on payday".to_owned() }).collect(),
            watched: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn replayed(replay: &Replay, plan: impl FnMut(Timestamp, Option<usize>, &Balances) -> Plan) -> Backtest {
        backtest(replay, Timestamp::MAX, |at| at, plan)
    }

    /// Fills the pot up to a level from what is above nothing.
    fn up_to(level: i64) -> impl FnMut(Timestamp, Option<usize>, &Balances) -> Plan {
        move |as_of, _, held| {
            let pot: PotId = "pot_bills".into();
            let amount = (level - held.pot(&pot)).max(0).min(held.account.max(0));
            let transfer = PlannedTransfer {
                kind: TransferKind::Deposit,
                pot_id: pot,
                account_id: "acc_1".into(),
                amount,
            };
            Plan {
                rule: "payday".into(),
                as_of,
                hash: String::new(),
                available: held.account,
                currency: Currency::GBP,
                keep: 0,
                left: held.account - amount,
                steps: Vec::new(),
                transfers: vec![transfer].into_iter().filter(|transfer| transfer.amount > 0).collect(),
                after: Vec::new(),
                guards: Vec::new(),
                one_way: Vec::new(),
            }
        }
    }

    #[test]
    fn pay_fills_the_pot_and_the_pot_pays_the_bills() {
        let events = vec![
            event(1, What::Account(200_000)),
            // By hand at the time; the rule takes its place.
            event(2, What::Moved("pot_bills".into(), 150_000)),
            bill(5, 90_000),
            event(7, What::Moved("pot_fun".into(), 20_000)),
            event(8, What::Account(-60_000)),
            event(31, What::Account(200_000)),
            bill(35, 95_000),
        ];
        let found = replayed(&replay(10_000, 0, events, &[2, 32]), up_to(92_000));
        assert_eq!(found.runs.iter().map(|run| run.moved).collect::<Vec<_>>(), [92_000, 90_000]);
        assert_eq!(found.failed_bills, []);
        let lowest: Vec<(&str, i64)> =
            found.lowest.iter().map(|lowest| (lowest.name.as_str(), lowest.after)).collect();
        assert_eq!(lowest, [("Personal", 10_000), ("Bills", 0)], "only what the rule touches");
        let partly: Vec<(i64, Option<&str>)> =
            found.part_paid.iter().map(|bill| (bill.amount, bill.note.as_deref())).collect();
        assert_eq!(partly, [(95_000, Some("£30.00 of it from Personal"))]);
    }

    #[test]
    fn what_was_put_by_hand_into_the_pot_that_a_rule_takes_from_stays() {
        let moves = [(1, 50_000), (2, -20_000), (3, 10_000)];
        let events = moves.map(|(day, amount)| event(day, What::Moved("pot_bills".into(), amount)));
        let replay = Replay { source: Some("pot_bills".into()), ..replay(100_000, 0, events.into(), &[]) };
        let found = replayed(&replay, up_to(0));
        assert_eq!(found.lowest[0].after, 40_000, "the rule takes the place of what was taken out by hand");
    }

    #[test]
    fn a_bill_that_neither_pot_nor_account_could_pay_has_failed() {
        let events = vec![bill(5, 90_000), bill(6, 4_000)];
        let found = replayed(&replay(10_000, 5_000, events, &[]), up_to(0));
        let failed: Vec<(i64, Option<&str>)> =
            found.failed_bills.iter().map(|bill| (bill.amount, bill.note.as_deref())).collect();
        assert_eq!(failed, [(90_000, Some("£750.00 short"))]);
        assert_eq!(found.lowest[1].after, 1_000);
    }

    #[test]
    fn a_card_of_a_pot_that_holds_too_little_is_declined() {
        let card =
            |day, amount| event(day, What::Card { pot: "pot_bills".into(), name: "Storage".into(), amount });
        let found = replayed(&replay(10_000, 300, vec![card(1, 249), card(2, 249)], &[]), up_to(0));
        let failed: Vec<(i64, Option<&str>)> =
            found.failed_bills.iter().map(|bill| (bill.amount, bill.note.as_deref())).collect();
        assert_eq!(failed, [(249, Some("declined: Bills would have held £0.51"))]);
        assert_eq!(found.lowest[1].after, 51);
    }

    #[test]
    fn a_credit_is_there_when_the_rule_runs_that_it_fires() {
        let found = replayed(&replay(0, 0, vec![event(2, What::Account(5_000))], &[2]), up_to(4_000));
        assert_eq!(found.runs[0].moved, 4_000);
    }

    /// Takes from the pot what the account lacks of £10.00.
    fn top_up(as_of: Timestamp, _: Option<usize>, held: &Balances) -> Plan {
        let amount = (1_000 - held.account).clamp(0, held.pot(&"pot_bills".into()).max(0));
        let mut plan = up_to(0)(as_of, None, held);
        plan.transfers.extend((amount > 0).then(|| PlannedTransfer {
            kind: TransferKind::Withdraw,
            pot_id: "pot_bills".into(),
            account_id: "acc_1".into(),
            amount,
        }));
        plan
    }

    fn watched(cooldown_days: i64) -> Watched {
        Watched {
            pot: None,
            name: "Personal".to_owned(),
            level: crate::rule::Level::Below(500),
            cooldown: jiff::SignedDuration::from_hours(24 * cooldown_days),
        }
    }

    #[test]
    fn a_balance_fires_on_each_edge_not_while_it_stays_past_and_not_before_it_has_cooled_down() {
        let spend = |day, amount: i64| event(day, What::Account(-amount));
        let check = |cooldown, events: Vec<Event>, wanted: &[(i64, i64)]| {
            let replay = Replay { watched: vec![watched(cooldown)], ..replay(2_000, 10_000, events, &[]) };
            let found = backtest(&replay, at(90), |at| at, top_up);
            let runs: Vec<(i64, i64)> = found
                .runs
                .iter()
                .map(|run| (run.at.duration_since(at(0)).as_hours() / 24, run.moved))
                .collect();
            assert_eq!(runs, wanted);
            found
        };
        // £20.00, then £4.00: filled to £10.00, which £7.00 are taken of.
        let events = vec![spend(1, 1_600), spend(2, 700), spend(3, 100)];
        let found = check(0, events.clone(), &[(1, 600), (2, 700)]);
        assert_eq!(found.runs[0].cause, "Personal held £4.00, below £5.00");
        check(3, events, &[(1, 600), (4, 800)]);
        // Past from the beginning is no edge; back and past again is.
        let below = vec![spend(1, 1_900), event(2, What::Account(600)), spend(3, 300)];
        let replay = Replay { watched: vec![watched(0)], ..replay(400, 10_000, below[1..].to_vec(), &[]) };
        let found = backtest(&replay, at(90), |at| at, top_up);
        assert_eq!(found.runs.len(), 0, "£4.00 to £10.00 and down to £7.00");
        check(0, below, &[(1, 900)]);
    }

    #[test]
    fn what_a_balance_makes_due_in_the_quiet_hours_runs_when_they_end_if_it_is_still_past_its_level() {
        let events = vec![
            event(1, What::Account(-1_900)),
            event(2, What::Account(1_900)),
            event(5, What::Account(-1_900)),
        ];
        let replay = Replay { watched: vec![watched(0)], ..replay(2_000, 10_000, events, &[]) };
        let found = backtest(&replay, at(90), |from| from.max(at(3)), top_up);
        assert_eq!(found.runs.iter().map(|run| run.at).collect::<Vec<_>>(), [at(5)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn money_is_conserved_and_nothing_is_paid_that_is_not_there(
            account in 0..5_000_i64, pot in 0..5_000_i64,
            all in prop::collection::vec((0..90_i64, 0..4_u8, -2_000..2_000_i64), 0..20),
            runs in prop::collection::btree_set(0..90_i64, 0..5), level in 0..5_000_i64,
        ) {
            let events: Vec<Event> = all.iter().map(|(day, kind, amount)| match kind {
                0 => event(*day, What::Account(amount.abs())),
                1 => bill(*day, amount.abs()),
                2 => event(*day, What::Moved("pot_fun".into(), *amount)),
                3 if *amount < 0 => {
                    event(*day, What::Card { pot: "pot_bills".into(), name: "X".into(), amount: -amount })
                }
                _ => event(*day, What::Moved("pot_bills".into(), *amount)),
            }).collect();
            let runs: Vec<i64> = runs.into_iter().collect();
            let replay = replay(account, pot, events, &runs);
            let found = replayed(&replay, up_to(level));
            // Only income comes in and only bills go out, so that nothing falls under nothing.
            prop_assert!(found.lowest.iter().all(|lowest| lowest.after >= 0), "{:?}", found.lowest);
            prop_assert_eq!(found.runs.len(), runs.len());
            let mut turned = replay;
            turned.events.sort_by_key(|event| event.at);
            prop_assert_eq!(replayed(&turned, up_to(level)), found);
        }
    }
}

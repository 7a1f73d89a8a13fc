//! What must hold when the year is over, and what is told of it.

use std::collections::BTreeMap;

use monzo_sandbox::bank::clock::instant;
use serde_json::Value;

use super::Year;
use super::bills::{self, Excuse};
use super::eye::Transfer;
use crate::rig;

impl Year {
    /// What must hold when all is over.
    pub fn end(&mut self, seed: u64) {
        self.sync();
        self.check();
        self.agree();
        let (runs, transfers) = (self.eye.runs(), self.eye.transfers());
        let (of_year, missed) = {
            let bank = self.rig.bank.bank();
            bills::judge(&bank, self.since, &runs, &transfers, &self.asleep)
        };
        self.report(seed, of_year.len(), &missed);
        let unmet =
            |one: &&Transfer| one.state == "confirmed" && (one.reconciled.is_none() || one.row.is_none());
        let unmet: Vec<_> = transfers.iter().filter(unmet).collect();
        assert!(unmet.is_empty(), "never seen in the ledger: {unmet:#?}");
        let unended: Vec<_> = self.unfinished().into_iter().filter(|run| run.started.is_some()).collect();
        assert!(unended.is_empty(), "never ended: {unended:#?}");
        assert_eq!(self.eye.quarantined(), 0, "records in quarantine");
        let attention = self.status()["attention"].clone();
        let known = |one: &&Value| self.unlisted && one["code"] == "unexplained_spending";
        let wanted: Vec<_> = attention.as_array().expect("a list").iter().filter(|one| !known(one)).collect();
        assert!(wanted.is_empty(), "still wants a person: {wanted:#?}");
        let unexcused: Vec<_> = missed.iter().filter(|(_, excuse)| excuse.is_none()).collect();
        assert!(unexcused.is_empty(), "could have been covered: {unexcused:#?}");
    }

    /// Tells what the year was, for whoever lives one by hand.
    fn report(&self, seed: u64, bills: usize, missed: &[(bills::Bill, Option<Excuse>)]) {
        let mut states: BTreeMap<(String, String), usize> = BTreeMap::new();
        for run in self.eye.runs() {
            *states.entry((run.rule, run.state)).or_default() += 1;
        }
        let mut excuses: BTreeMap<Option<Excuse>, usize> = BTreeMap::new();
        for (_, excuse) in missed {
            *excuses.entry(*excuse).or_default() += 1;
        }
        let (now, transfers, syncs) = (self.now(), self.eye.transfers().len(), self.eye.syncs());
        rig::tell(&format!(
            "seed {seed}, {} steps until {now}, {bills} bills, not covered {excuses:?}, {transfers} transfers, runs \
             {states:?}, syncs {syncs:?}, time {:?}",
            self.steps, self.spent
        ));
        for (bill, excuse) in missed {
            let at = instant(bill.at);
            rig::tell(&format!("  {at} {} {} covered {}: {excuse:?}", bill.payee, bill.amount, bill.covered));
        }
    }
}

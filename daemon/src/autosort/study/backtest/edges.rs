//! Balances that fire a rule within a replay: on the edge, as after each sync ([`occurrence`](crate::autosort::decide::occurrence)).

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::PotId;
use monzo_common::model::PlannedTransfer;

use super::{Balances, When};
use crate::autosort::decide::plan::words::money;
use crate::rule::Level;

/// A balance that a trigger looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The pot; the account, if nothing.
    pub pot: Option<PotId>,
    /// What it is called.
    pub name: String,
    /// Which way it fires.
    pub level: Level,
    /// After the last run that moved money in or out of it.
    pub cooldown: SignedDuration,
}

impl Watched {
    fn balance(&self, held: &Balances) -> i64 {
        self.pot.as_ref().map_or(held.account, |pot| held.pot(pot))
    }

    fn passed(&self, held: &Balances) -> bool {
        match self.level {
            Level::Below(level) => self.balance(held) < level,
            Level::Above(level) => self.balance(held) > level,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Edge {
    /// It was not past its level when it was last looked at.
    armed: bool,
    due: Option<Timestamp>,
    moved_at: Option<Timestamp>,
}

/// All balances that a rule looks at, from the beginning of a replay on.
pub(super) struct Edges<'r> {
    watched: &'r [Watched],
    edges: Vec<Edge>,
}

impl<'r> Edges<'r> {
    pub(super) fn new(watched: &'r [Watched], began: &Balances) -> Self {
        let edge = |one: &Watched| Edge { armed: !one.passed(began), ..Edge::default() };
        Self { watched, edges: watched.iter().map(edge).collect() }
    }

    /// Looks at the balances after rows; `begins` is when what is due at an instant may begin.
    pub(super) fn look(&mut self, at: Timestamp, held: &Balances, begins: impl Fn(Timestamp) -> Timestamp) {
        for (one, edge) in self.watched.iter().zip(&mut self.edges) {
            if !one.passed(held) {
                *edge = Edge { armed: true, due: None, moved_at: edge.moved_at };
            } else if edge.armed && edge.due.is_none() {
                let cool = edge.moved_at.and_then(|moved| moved.checked_add(one.cooldown).ok());
                edge.due = Some(begins(cool.map_or(at, |cool| cool.max(at))));
            }
        }
    }

    /// The next run that is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.edges.iter().filter_map(|edge| edge.due).min()
    }

    /// Takes the run that is due at an instant.
    pub(super) fn take(&mut self, at: Timestamp, held: &Balances) -> Option<When> {
        let (one, edge) = self.watched.iter().zip(&mut self.edges).find(|(_, edge)| edge.due == Some(at))?;
        *edge = Edge { armed: false, due: None, moved_at: edge.moved_at };
        let level = match one.level {
            Level::Below(level) => format!("below {}", money(level)),
            Level::Above(level) => format!("above {}", money(level)),
        };
        Some(When { at, cause: format!("{} held {}, {level}", one.name, money(one.balance(held))) })
    }

    /// Notes what a run moved; what it brought back is armed again, and what it brought past its level fires with the
    /// next row.
    pub(super) fn ran(&mut self, at: Timestamp, transfers: &[PlannedTransfer], held: &Balances) {
        for (one, edge) in self.watched.iter().zip(&mut self.edges) {
            let moves =
                |transfer: &PlannedTransfer| one.pot.as_ref().is_none_or(|pot| *pot == transfer.pot_id);
            if transfers.iter().any(moves) {
                edge.moved_at = Some(at);
            }
            if !one.passed(held) {
                *edge = Edge { armed: true, due: None, moved_at: edge.moved_at };
            }
        }
    }
}

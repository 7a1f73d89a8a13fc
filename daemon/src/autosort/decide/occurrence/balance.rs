//! Balances that pass a level: on the edge, once, and armed again when they are back.

use jiff::SignedDuration;

use super::inputs::{Edge, Memory, OccurrenceInputs, Subject, Watch};
use crate::rule::Level;

/// What a look at a balance found.
pub(super) struct Look {
    pub(super) memory: Memory,
    /// What holds an edge back, in words.
    pub(super) wait: Option<String>,
}

/// Looks at a balance after a sync.
pub(super) fn look(
    subject: &Subject<'_>,
    facts: &OccurrenceInputs<'_>,
    watch: &Watch,
    level: Level,
    cooldown: SignedDuration,
) -> Look {
    let passed = |balance: i64| match level {
        Level::Below(level) => balance < level,
        Level::Above(level) => balance > level,
    };
    let mut memory = watch.memory.clone();
    let stays =
        |memory: Memory, wait: &str| Look { memory, wait: (!wait.is_empty()).then(|| wait.to_owned()) };
    if memory.edge.as_ref().is_some_and(|edge| subject.used.contains(&edge.key)) {
        memory.edge = None;
    }
    let (Some(sync), Some(balance)) = (facts.sync, watch.balance) else { return stays(memory, "") };
    if !passed(balance) {
        return Look { memory: Memory { balance: Some(balance), edge: None }, wait: None };
    }
    if sync.by_run {
        return stays(memory, "");
    }
    if watch.unexplained {
        return stays(
            memory,
            "the pot changed by something its rows do not explain; the next sync looks again",
        );
    }
    let edge = memory.balance.is_some_and(|before| !passed(before));
    if edge && memory.edge.is_none() {
        let cool = watch.moved_at.and_then(|moved| moved.checked_add(cooldown).ok());
        if let Some(cool) = cool.filter(|cool| *cool > facts.now) {
            return stays(memory, &format!("the balance is past its level; the cooldown lasts until {cool}"));
        }
        memory.edge = Some(Edge { key: sync.id.to_owned(), at: facts.now });
    }
    memory.balance = Some(balance);
    Look { memory, wait: None }
}

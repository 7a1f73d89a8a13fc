//! What a person asks of the sorter, at any time and in any order; what comes of it is noted.

use std::time::Duration;

use jiff::SignedDuration;
use monzo_common::model::{Excluded, RunStarted, RunState, SyncCause};
use monzo_sandbox::random::Random;
use monzod::autosort::SorterError;
use monzod::autosort::query::rules;
use monzod::services::Services;
use monzod::store::{StoreError, StoredRun};

use crate::notes::Notes;

/// Where money can be asked to come from and go to.
const ENDS: [&str; 8] =
    ["account:Personal", "Bills", "Holiday", "Buffer", "Gifts", "Rainy", "Vault", "Locked"];

const RULES: [&str; 4] = ["payday", "spread", "top-up", "wages"];

/// A person's wish.
#[derive(Debug, Clone)]
pub enum Wish {
    Move { amount: i64, from: &'static str, to: &'static str, approve: bool },
    Approve(u64),
    Refuse(u64),
    Undo { which: u64, approve: bool },
    Run { rule: &'static str, again: bool, hash: bool, approve: bool },
    Freeze { rule: Option<&'static str>, hours: Option<i64> },
    Thaw(Option<&'static str>),
    Exclude(&'static str),
    Include(&'static str),
    Sync,
}

impl Wish {
    /// Any wish.
    pub fn any(random: &mut Random) -> Self {
        let approve = random.chance(800);
        let (rule, end) = (*random.pick(&RULES), *random.pick(&ENDS));
        match random.below(100) {
            0..25 => {
                let (from, to) = (*random.pick(&ENDS), *random.pick(&ENDS));
                let largest = *random.pick(&[100, 5_000, 60_000]);
                Self::Move { amount: random.between(1, largest), from, to, approve }
            }
            25..42 => Self::Approve(random.number()),
            42..50 => Self::Refuse(random.number()),
            50..60 => Self::Undo { which: random.number(), approve },
            60..72 => Self::Run { rule, again: random.chance(300), hash: random.chance(400), approve },
            72..75 => {
                let hours = random.chance(500).then(|| random.between(1, 30));
                Self::Freeze { rule: random.chance(500).then_some(rule), hours }
            }
            75..80 => Self::Thaw(random.chance(400).then_some(rule)),
            80..83 => Self::Exclude(end),
            83..87 => Self::Include(end),
            _ => Self::Sync,
        }
    }

    /// It can leave the sorter frozen.
    pub const fn freezes(&self) -> bool {
        matches!(self, Self::Freeze { .. })
    }

    /// Asks for it, and notes the answer.
    pub async fn ask(self, services: Services, notes: Notes) {
        let now = || services.sorter.clock.now();
        notes.note(now(), &format!("asked: {self:?}"));
        let answer = tokio::time::timeout(Duration::from_secs(3 * 3600), self.clone().done(&services)).await;
        match answer {
            Ok(Ok(told)) => notes.note(now(), &format!("answered: {told}")),
            Ok(Err(SorterError::Store(error))) if !passing(&error) => {
                notes.wrong(format!("{self:?}: {error:?}"));
            }
            Ok(Err(error)) => notes.note(now(), &format!("refused: {error}")),
            Err(_) => notes.wrong(format!("{self:?} is not answered")),
        }
    }

    async fn done(self, services: &Services) -> Result<String, SorterError> {
        let sorter = &services.sorter;
        match self {
            Self::Move { amount, from, to, approve } => {
                proposed(services, sorter.move_money(amount, from, to).await?, approve).await
            }
            Self::Approve(which) => {
                let waits = |run: &StoredRun| matches!(run.state, RunState::Proposed | RunState::Withheld);
                match any_run(services, which, waits).await? {
                    Some(run) => Ok(sorter.approve(Some(&run)).await?.message),
                    None => Ok("nothing waits".to_owned()),
                }
            }
            Self::Refuse(which) => match any_run(services, which, |_| true).await? {
                Some(run) if which.is_multiple_of(2) => Ok(sorter.cancel(&run).await?.message),
                Some(run) => Ok(sorter.reject(&run).await?.message),
                None => Ok("there is no run".to_owned()),
            },
            Self::Undo { which, approve } => match any_run(services, which, |_| true).await? {
                Some(run) => proposed(services, sorter.undo(&run).await?, approve).await,
                None => Ok("there is no run".to_owned()),
            },
            Self::Run { rule, again, hash, approve } => {
                let hash = if hash { Some(rules::plan(sorter, rule, None).await?.hash) } else { None };
                proposed(services, sorter.run_rule(rule, hash.as_deref(), again).await?, approve).await
            }
            Self::Freeze { rule, hours } => {
                let until = hours
                    .and_then(|hours| sorter.clock.now().checked_add(SignedDuration::from_hours(hours)).ok());
                let change = sorter.freeze(rule.map(str::to_owned), until, None).await?;
                Ok(format!("{change:?}"))
            }
            Self::Thaw(rule) => Ok(format!("{:?}", sorter.thaw(rule.map(str::to_owned)).await?)),
            Self::Exclude(name) => excluded(services, name, true).await,
            Self::Include(name) => excluded(services, name, false).await,
            Self::Sync => Ok(format!("{:?}", services.sync.finish_for(SyncCause::Request).await?.state)),
        }
    }
}

/// A failure of the database that a person can bring about.
fn passing(error: &StoreError) -> bool {
    matches!(error, StoreError::Missing(_) | StoreError::Ambiguous(..) | StoreError::Stopping)
}

async fn proposed(services: &Services, started: RunStarted, approve: bool) -> Result<String, SorterError> {
    match started.run {
        Some(run) if approve => Ok(services.sorter.approve(Some(&run.id)).await?.message),
        _ => Ok(started.message),
    }
}

/// One of the last runs that are like this.
async fn any_run(
    services: &Services,
    which: u64,
    like: impl Fn(&StoredRun) -> bool,
) -> Result<Option<String>, SorterError> {
    let (runs, _) = services.store.read(|reader| reader.runs(None, None, 12)).await?;
    let like: Vec<String> = runs.into_iter().filter(|run| like(run)).map(|run| run.id).collect();
    let index = usize::try_from(which % (like.len().max(1) as u64)).unwrap_or(0);
    Ok(like.get(index).cloned())
}

async fn excluded(services: &Services, name: &'static str, on: bool) -> Result<String, SorterError> {
    let now = services.sorter.clock.now();
    let changed = services.store.write(move |writer| {
        let pots = writer.pots()?;
        match pots.iter().find(|pot| pot.name == name) {
            Some(pot) if on => writer.exclude(Excluded::Pot, pot.id.as_str(), now),
            Some(pot) => writer.include(pot.id.as_str()),
            None => Ok(false),
        }
    });
    Ok(format!("changed: {}", changed.await?))
}

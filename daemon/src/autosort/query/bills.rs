//! Bills and recurring income as clients ask for them, and what the person says of bills.

use jiff::civil::Date;
use monzo_common::id::TransactionId;
use monzo_common::model::{self, BillAccuracy, BillAccuracyRow, BillChange, NewBill};

use crate::autosort::decide::calendar;
use crate::autosort::run::error::SorterError;
use crate::autosort::study::learnt::{Learnt, learn, own_calendar};
use crate::autosort::{Services, Settings};
use crate::insight::accuracy::{self, Contract, Figures, Truth};
use crate::insight::bills::{self, Holdings, Known, Said};
use crate::insight::recurring::LIKELY;
use crate::store::BillWord;

/// What a person says of a bill, with other bills by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// As it is.
    Said(Said),
    /// The payment of a day, else the next one, will not come; or will.
    Skip {
        /// The day.
        on: Option<Date>,
        /// It will come after all.
        undo: bool,
    },
    /// It is one with these bills.
    Merge(Vec<String>),
}

/// The bills, the next one first; those that are over only with `all`.
pub async fn bills(services: &Services, all: bool) -> Result<Vec<model::Bill>, SorterError> {
    let learnt = learn(services).await?;
    let mut told = told(services, &learnt).await?;
    told.retain(|bill| all || !bill.ignored && bill.next_on.is_some());
    Ok(told)
}

/// Income that recurs, the next one first.
pub async fn incomes(services: &Services) -> Result<Vec<model::Bill>, SorterError> {
    let learnt = learn(services).await?;
    let next_payday = learnt.next_payday(&services.settings());
    Ok(bills::incomes(&learnt.pays, learnt.today, next_payday))
}

async fn told(services: &Services, learnt: &Learnt) -> Result<Vec<model::Bill>, SorterError> {
    let world = services.world().await?;
    let holdings = Holdings {
        accounts: world.accounts.iter().filter_map(|one| Some((one.id.clone(), one.balance?))).collect(),
        pots: world.pots.iter().map(|pot| (pot.id.clone(), pot.balance)).collect(),
    };
    let next_payday = learnt.next_payday(&services.settings());
    Ok(bills::told(&learnt.known, &holdings, learnt.today, next_payday))
}

/// Keeps what a person says of a bill.
pub async fn say(services: &Services, id: &str, word: Word) -> Result<BillChange, SorterError> {
    let learnt = learn(services).await?;
    let find =
        |id: &str| bills::find(&learnt.known, id).cloned().ok_or_else(|| SorterError::NoBill(id.to_owned()));
    let known = find(id)?;
    let said = match word {
        Word::Said(said) => said,
        Word::Skip { on, undo } => {
            let usual =
                if undo { known.skipped.last().copied() } else { known.bill.next.map(|next| next.date) };
            let none = || SorterError::Bill(format!("{} has no payment to come", known.bill.name));
            let on = on.or(usual).ok_or_else(none)?;
            if undo { Said::Unskip(on) } else { Said::Skip(on) }
        }
        Word::Merge(others) => {
            let others: Vec<Known> = others.iter().map(|id| find(id)).collect::<Result<_, _>>()?;
            if others.is_empty() || others.contains(&known) {
                return Err(SorterError::Bill("only different bills can be merged".to_owned()));
            }
            Said::Merge(others)
        }
    };
    if let Said::Split(transactions) = &said {
        splittable(&known, transactions)?;
    }
    let change = bills::change(&known, &learnt.words, &said);
    let changed = !change.is_nothing();
    let now = services.clock.now();
    let added = services.store.write(move |writer| {
        writer.remove_bill_words(&change.remove)?;
        let add = change.add.map(|(keys, word)| writer.add_bill_word(&keys, &word, now));
        add.transpose()
    });
    let number = added.await?;
    Ok(BillChange { bill: now_told(services, &known, number).await?, changed })
}

/// What a bill became: of the same id, else of the group that a word has made, else what has its latest payment.
async fn now_told(
    services: &Services,
    before: &Known,
    number: Option<i64>,
) -> Result<Option<model::Bill>, SorterError> {
    let learnt = learn(services).await?;
    let place = learnt
        .known
        .iter()
        .position(|known| known.id() == before.id())
        .or_else(|| {
            learnt.known.iter().position(|known| known.bill.group().is_some() && known.bill.group() == number)
        })
        .or_else(|| {
            let last = before.bill.transactions.last()?;
            learnt.known.iter().position(|known| known.bill.transactions.contains(last))
        });
    let Some(place) = place else { return Ok(None) };
    Ok(told(services, &learnt).await?.into_iter().nth(place))
}

/// Whether some of a bill's payments are named, and not all; without any, whether it was merged.
fn splittable(known: &Known, transactions: &[TransactionId]) -> Result<(), SorterError> {
    let conflict = |what: &str| Err(SorterError::Bill(format!("{}: {what}", known.bill.name)));
    if let Some(other) = transactions.iter().find(|id| !known.bill.transactions.contains(id)) {
        return conflict(&format!("{other} is none of its payments; `monzoctl bills --json` lists them"));
    }
    if transactions.is_empty() && known.bill.group().is_none() {
        return conflict("it was not merged; name the payments that are a bill of their own");
    }
    if transactions.len() == known.bill.transactions.len() {
        return conflict("these are all its payments; name those that are a bill of their own");
    }
    Ok(())
}

/// Adds a bill that the ledger does not show yet; the same one again changes nothing.
pub async fn add(services: &Services, bill: NewBill) -> Result<BillChange, SorterError> {
    let learnt = learn(services).await?;
    let word = BillWord::Add { bill };
    let same = learnt.words.iter().find(|stored| stored.word == word).map(|stored| stored.id);
    let now = services.clock.now();
    let (number, changed) = match same {
        Some(number) => (number, false),
        None => {
            let added = services.store.write(move |writer| writer.add_bill_word(&[], &word, now));
            (added.await?, true)
        }
    };
    let learnt = learn(services).await?;
    let place = learnt.known.iter().position(|known| known.added == Some(number));
    let told = told(services, &learnt).await?;
    Ok(BillChange { bill: place.and_then(|place| told.into_iter().nth(place)), changed })
}

/// Bills with so many payments are taken for true in hindsight. Taste.
const PROVEN: u32 = 3;

/// How well bills would have been predicted at each past payday, as the whole ledger shows in hindsight.
pub async fn accuracy(services: &Services) -> Result<BillAccuracy, SorterError> {
    let (learnt, settings) = (learn(services).await?, services.settings());
    let work = tokio::task::spawn_blocking(move || measured(&learnt, &settings));
    work.await.map_err(|_| SorterError::Bill("the comparison was broken off".to_owned()))
}

fn measured(learnt: &Learnt, settings: &Settings) -> BillAccuracy {
    let own = own_calendar(settings);
    let rhythm = calendar::Rhythmic::of(&own);
    let working = |day: Date| rhythm.is_working(day);
    let truth = hindsight(learnt);
    let first = learnt.payments.iter().map(|row| row.date).min().unwrap_or(learnt.today);
    let paydays: Vec<Date> = match (settings.paydays.first(), learnt.pays.first()) {
        (None, Some(pay)) => pay.history.iter().map(|paid| paid.date).filter(|day| *day >= first).collect(),
        _ => rhythm.from(first).map(|payday| payday.date).take_while(|day| *day <= learnt.today).collect(),
    };
    let predict = |asof: Date, horizon: Date| {
        let known = bills::known(&learnt.payments, &learnt.words, (asof, horizon), &working);
        known.into_iter().filter(|known| !known.ignored).map(|known| known.bill).collect()
    };
    let all = accuracy::measured(&learnt.payments, &truth, &paydays, &working, &predict);
    let mut both = all.keyed;
    both.add(&all.found);
    BillAccuracy {
        paydays: all.paydays,
        since: paydays.first().copied(),
        until: paydays.last().copied(),
        rows: vec![row("mandate", &all.keyed), row("found", &all.found), row("all", &both)],
    }
}

/// What the whole ledger shows to be bills.
fn hindsight(learnt: &Learnt) -> Truth {
    let mut truth = Truth::default();
    let proven = |known: &&Known| {
        let yearly = known.bill.rhythm.period.is_yearly();
        let least = if yearly { PROVEN - 1 } else { PROVEN };
        known.confirmed || !known.ignored && known.bill.confidence >= LIKELY && known.bill.payments >= least
    };
    for known in learnt.known.iter().filter(proven) {
        let number = truth.contracts.len();
        let yearly = known.bill.rhythm.period.is_yearly();
        truth.contracts.push(Contract {
            keyed: known.bill.series.is_some(),
            least: if yearly { 2 } else { 3 },
            ended: known.bill.ended,
        });
        truth.of.extend(known.bill.transactions.iter().map(|id| (id.clone(), number)));
    }
    truth
}

fn row(kind: &str, figures: &Figures) -> BillAccuracyRow {
    let share = |share: accuracy::Share| (share.of > 0).then(|| share.basis_points());
    let mean = |mean: accuracy::Mean| mean.tenths().and_then(|tenths| u32::try_from(tenths).ok());
    BillAccuracyRow {
        kind: kind.to_owned(),
        payments: figures.came.of,
        stream_precision: share(figures.streams),
        stream_recall: share(figures.contracts),
        payment_precision: share(figures.predicted),
        payment_recall: share(figures.came),
        on_the_day: share(figures.on_the_day),
        within_one: share(figures.within_one),
        within_three: share(figures.within_three),
        under_upper: share(figures.covered),
        excess: mean(figures.excess).map(|tenths| tenths / 10),
        delay: mean(figures.delay),
        until_ended: mean(figures.until_ended),
        false_alarms: figures.false_alarms,
    }
}

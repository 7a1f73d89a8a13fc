//! Balances of accounts and pots, read before and after the rows, and what the rows leave unexplained.
//!
//! The bank's answers are no snapshot: a balance that moved while the rows were read proves nothing,
//! so only one that stood still is compared with them.

use std::collections::HashMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::money::Money;

use super::failure::Failure;
use super::page;
use super::quarantined::quarantined;
use super::reconcile::{self, Anchor, Finding};
use super::run::{Run, Target};
use crate::events::{Happened, Kind};
use crate::facts;
use crate::monzo;
use crate::store::StoreError;

/// What accounts and pots held at one moment, in minor units.
#[derive(Debug, Default, Clone)]
pub struct Held {
    accounts: HashMap<AccountId, i64>,
    pots: HashMap<PotId, i64>,
}

/// Asks for the balances and pots of the listed accounts and keeps them; an account that refuses is left out.
pub async fn read(run: &Run, listed: &[Target], held: &mut Held) -> Result<(), Failure> {
    for target in listed.iter().filter(|target| !target.hidden()) {
        match read_one(run, target, held).await {
            Ok(()) => {}
            Err(Failure::Bank(monzo::Error::NotApproved | monzo::Error::TooOld)) => {
                let failure = page::forbidden(run, target).await;
                run.close(target, Err(failure)).await?;
            }
            failed => run.close(target, failed).await?,
        }
    }
    Ok(())
}

async fn read_one(run: &Run, target: &Target, held: &mut Held) -> Result<(), Failure> {
    let client = &run.services.client;
    let list = async {
        match target.flex {
            true => Ok(facts::PotList::default()),
            false => run.ask(client.pots(&target.id, run.lane())).await,
        }
    };
    // Side by side where the lane lets them: a capture waits for both.
    let (balance, list) = tokio::try_join!(run.ask(client.balance(&target.id, run.lane())), list)?;
    held.accounts.insert(target.id.clone(), balance.balance);
    held.pots.extend(list.pots.iter().map(|pot| (pot.id.clone(), pot.balance)));
    let (id, now) = (target.id.clone(), run.services.clock.now());
    let kept = run.services.store.write(move |writer| {
        writer.record_balance(&id, &balance, now)?;
        writer.keep_pot_list(&id, &list, now)
    });
    for change in kept.await? {
        let (kind, what) = match change.listed {
            true => (Kind::PotListed, "is listed by the bank again"),
            false => (Kind::PotUnlisted, "is no longer listed by the bank: it is taken to be gone"),
        };
        let happened = Happened::new(kind, format!("the pot {} {what}", change.name));
        run.happened(happened.account(target.id.as_str()).pot(change.id.as_str())).await;
    }
    Ok(())
}

/// Reads the balances again and tells of differences that stay.
pub async fn reconcile(run: &Run, targets: &[Target], before: Held) -> Result<(), Failure> {
    let healthy: Vec<Target> = targets.iter().filter(|target| !run.failed(&target.id)).cloned().collect();
    let mut after = Held::default();
    read(run, &healthy, &mut after).await?;
    for target in healthy.iter().filter(|target| !target.flex) {
        let balance = match &target.pot_id {
            Some(pot) => still(before.pots.get(pot), after.pots.get(pot)),
            None => still(before.accounts.get(&target.id), after.accounts.get(&target.id)),
        };
        if let Some(balance) = balance {
            compare(run, target, balance).await?;
        }
    }
    Ok(())
}

fn still(before: Option<&i64>, after: Option<&i64>) -> Option<i64> {
    (before == after).then(|| after.copied()).flatten()
}

async fn compare(run: &Run, target: &Target, balance: i64) -> Result<(), Failure> {
    let (id, opened_at, now) = (target.id.clone(), target.opened_at, run.services.clock.now());
    let compared = run
        .services
        .store
        .write(move |writer| {
            let Some((from, _)) = writer.covered(&id)? else { return Ok(None) };
            let account = writer.account(&id)?;
            let kept = account.anchor.map(|(at, balance)| Anchor { at, balance });
            let explained = || {
                let sum = writer.sum(&id, from)?;
                let anchor = reconcile::anchor(kept, from, from <= opened_at, balance, sum);
                Ok::<_, StoreError>((anchor, reconcile::difference(anchor, balance, sum)))
            };
            let (mut anchor, mut difference) = explained()?;
            // Before an anchor is believed, or a difference told, every row is counted.
            let news =
                kept != Some(anchor) || ![Some(0), account.told_difference].contains(&Some(difference));
            let mut corrected = None;
            if news || reconcile::recount_due(writer.counted_at(&id)?, now) {
                corrected = writer.recount(&id, now)?;
                (anchor, difference) = explained()?;
            }
            let finding = reconcile::finding(account.difference, difference, account.told_difference);
            let told = match finding {
                Finding::Nothing => account.told_difference,
                Finding::Found(difference) => Some(difference),
                Finding::Gone => None,
            };
            writer.reconciled(&id, (anchor.at, anchor.balance), difference, told)?;
            let spends = |pot: &PotId| {
                let mut pots = writer.pots()?.into_iter();
                Ok::<_, StoreError>(pots.any(|known| known.id == *pot && known.has_virtual_cards))
            };
            let spends = account.pot_id.as_ref().map(spends).transpose()?.unwrap_or_default();
            let because = quarantined(writer, &id)?.because(difference);
            Ok(Some((finding, account.currency, spends, because, corrected)))
        })
        .await?;
    let Some((finding, currency, spends, because, corrected)) = compared else { return Ok(()) };
    if let Some(off) = corrected {
        let message = format!(
            "{}: the stored sum of its transactions was wrong by {}; all of them were counted again, and it is right now",
            target.name,
            Money::new(off, currency)
        );
        run.happened(Happened::new(Kind::SumCorrected, message).account(target.id.as_str())).await;
    }
    let happened = match finding {
        Finding::Nothing => return Ok(()),
        Finding::Found(difference) if spends && difference < 0 => Happened::new(
            Kind::DifferenceFound,
            format!(
                "{}: {} of spending from the pot is not among the rows that the bank lists{because}",
                target.name,
                Money::new(difference.saturating_neg(), currency)
            ),
        ),
        Finding::Found(difference) => Happened::new(
            Kind::DifferenceFound,
            format!(
                "{}: the bank's balance and the rows differ by {}{because}",
                target.name,
                Money::new(difference, currency)
            ),
        ),
        Finding::Gone => Happened::new(
            Kind::DifferenceGone,
            format!("{}: the bank's balance and the rows agree again", target.name),
        ),
    };
    run.happened(happened.account(target.id.as_str())).await;
    Ok(())
}

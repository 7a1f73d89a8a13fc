//! What a person asks for by hand: a move, the undoing of a run, the discovery of a pot. Each becomes a plan like any
//! other, takes the same way out, and is refused for the same reasons.

use std::collections::BTreeMap;

use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{
    Outcome, Plan, PlanStep, PlannedInput, PlannedTarget, PlannedTransfer, TransferKind, TransferState,
};
use monzo_common::money::{Currency, Money};
use sha2::{Digest, Sha256};

use crate::autosort::decide::{balances, guard};
use crate::autosort::snapshot::books::{Books, End};
use crate::rule::Autosort;
use crate::store::{PlannedMove, StoredTransfer};

/// Why a move that was asked for makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMove {
    /// Not more than nothing.
    #[error("an amount must be more than nothing")]
    Nothing,
    /// From an account to an account, or from a thing to itself.
    #[error("the bank's API moves money only between an account and its own pots")]
    Impossible,
    /// Pot and account, or both pots, do not belong together.
    #[error("{0} and {1} belong to different accounts")]
    Apart(String, String),
}

fn made(
    kind: TransferKind,
    pot_id: PotId,
    account_id: AccountId,
    amount: i64,
    needs: Option<u32>,
) -> PlannedMove {
    PlannedMove { transfer: PlannedTransfer { kind, pot_id, account_id, amount }, needs, undoes: None }
}

/// The transfers of a move.
///
/// # Errors
/// [`NoMove`].
pub fn transfers(books: &Books, amount: i64, from: &End, to: &End) -> Result<Vec<PlannedMove>, NoMove> {
    if amount <= 0 {
        return Err(NoMove::Nothing);
    }
    let owner = |pot: &PotId| books.pot(pot).map(|pot| pot.account_id.clone());
    let apart = |one: String, other: String| Err(NoMove::Apart(one, other));
    match (from, to) {
        (End::Account(account), End::Pot(pot)) => match owner(pot) {
            Some(owner) if owner == *account => {
                Ok(vec![made(TransferKind::Deposit, pot.clone(), owner, amount, None)])
            }
            _ => apart(books.account_name(account), books.pot_name(pot)),
        },
        (End::Pot(pot), End::Account(account)) => match owner(pot) {
            Some(owner) if owner == *account => {
                Ok(vec![made(TransferKind::Withdraw, pot.clone(), owner, amount, None)])
            }
            _ => apart(books.pot_name(pot), books.account_name(account)),
        },
        (End::Pot(source), End::Pot(target)) if source != target => match (owner(source), owner(target)) {
            (Some(one), Some(other)) if one == other => Ok(vec![
                made(TransferKind::Withdraw, source.clone(), one.clone(), amount, None),
                made(TransferKind::Deposit, target.clone(), one, amount, Some(1)),
            ]),
            _ => apart(books.pot_name(source), books.pot_name(target)),
        },
        _ => Err(NoMove::Impossible),
    }
}

/// A penny in and out again, after which the bank's rows name the account behind the pot (monzo-api.md 6.1).
pub fn discovery(books: &Books, pot: &PotId) -> Option<Vec<PlannedMove>> {
    let account = books.pot(pot)?.account_id.clone();
    Some(vec![
        made(TransferKind::Deposit, pot.clone(), account.clone(), 1, None),
        made(TransferKind::Withdraw, pot.clone(), account, 1, Some(1)),
    ])
}

/// What reverses the confirmed transfers that are not undone yet, last first, each limited by what its pot may give and
/// by the floor of the account.
///
/// Also what is not reversed, each with its reason in a sentence.
pub fn undoing(
    books: &Books,
    settings: &Autosort,
    done: &[StoredTransfer],
    undone: &[StoredTransfer],
) -> (Vec<PlannedMove>, Vec<String>) {
    let mut all: Vec<PlannedMove> = Vec::new();
    let mut left_out = Vec::new();
    let mut held: BTreeMap<PotId, i64> = books.pots.iter().map(|pot| (pot.id.clone(), pot.balance)).collect();
    // What may leave each account without taking it under its floor.
    let mut spare: BTreeMap<AccountId, i64> = BTreeMap::new();
    for account in books.accounts.iter().filter(|account| account.pot_id.is_none()) {
        let spares =
            account.balance.map(|balance| balance.saturating_sub(books.floor(&account.id, settings)));
        spare.insert(account.id.clone(), spares.unwrap_or(0).max(0));
    }
    let remaining = |one: &StoredTransfer| {
        let back = undone.iter().filter(|other| {
            other.undoes.as_deref() == Some(one.transfer.dedupe_id.as_str())
                && !matches!(other.transfer.state, TransferState::Failed | TransferState::Cancelled)
        });
        back.map(|other| other.transfer.amount).fold(one.transfer.amount, i64::saturating_sub)
    };
    let confirmed =
        |one: &&StoredTransfer| one.transfer.state == TransferState::Confirmed && remaining(one) > 0;
    // What came out of a pot can go back only as far as what it paid for comes back first.
    let mut back: i64 = 0;
    for one in done.iter().rev().filter(confirmed) {
        let (pot, account) = (one.transfer.pot_id.clone(), one.transfer.account_id.clone());
        let want = remaining(one);
        let mut rest = |kind, amount: i64, why: String| {
            let transfer = PlannedTransfer { kind, pot_id: pot.clone(), account_id: account.clone(), amount };
            left_out.push(format!("{} is not undone: {why}", balances::words(books, &transfer, amount)));
        };
        match one.transfer.kind {
            TransferKind::Return => {}
            TransferKind::Deposit => {
                let holds = held.get(&pot).copied().unwrap_or(0);
                if let Some(why) = books.no_withdrawal(&pot, settings) {
                    rest(TransferKind::Deposit, want, why);
                    continue;
                }
                let amount = want.min(holds).max(0);
                if amount < want {
                    let name = books.pot_name(&pot);
                    let holds = if amount == 0 {
                        "nothing".to_owned()
                    } else {
                        format!("only {}", Money::gbp(holds))
                    };
                    rest(TransferKind::Deposit, want - amount, format!("{name} holds {holds}"));
                }
                if amount == 0 {
                    continue;
                }
                held.insert(pot.clone(), holds - amount);
                // A deposit that a withdrawal paid for gives that money back to it.
                if one.needs.is_some() {
                    back = back.saturating_add(amount);
                } else if let Some(spare) = spare.get_mut(&account) {
                    *spare = spare.saturating_add(amount);
                }
                let mut reverse = made(TransferKind::Withdraw, pot, account, amount, None);
                reverse.undoes = Some(one.transfer.dedupe_id.clone());
                all.push(reverse);
            }
            TransferKind::Withdraw => {
                // What a return brought back is back already.
                let returned = confirmed_sum(done, |other| other.transfer.kind == TransferKind::Return);
                let want = want.saturating_sub(returned).max(0);
                if let Some(why) = books.no_deposit(&pot) {
                    rest(TransferKind::Withdraw, want, why);
                    continue;
                }
                // Each part is paid by the withdrawal that brings it, so that nothing is paid out of the account.
                let paid = confirmed_sum(done, |other| other.needs == Some(one.transfer.place));
                let own = want.saturating_sub(paid).max(0);
                let parts: Vec<(u32, i64)> = all
                    .iter()
                    .zip(1_u32..)
                    .filter(|(other, _)| other.transfer.kind == TransferKind::Withdraw)
                    .map(|(other, place)| (place, other.transfer.amount))
                    .collect();
                let mut given = 0_i64;
                for (needs, part) in parts {
                    let amount = part.min(back);
                    if amount <= 0 {
                        continue;
                    }
                    back -= amount;
                    given = given.saturating_add(amount);
                    let mut reverse =
                        made(TransferKind::Deposit, pot.clone(), account.clone(), amount, Some(needs));
                    reverse.undoes = Some(one.transfer.dedupe_id.clone());
                    all.push(reverse);
                }
                let short = want.saturating_sub(own).saturating_sub(given);
                if short > 0 {
                    rest(TransferKind::Withdraw, short, "what it paid for does not come back".to_owned());
                }
                let spare = spare.entry(account.clone()).or_default();
                let amount = own.min(*spare);
                *spare -= amount;
                if amount < own {
                    let floor = Money::gbp(books.floor(&account, settings));
                    let why =
                        format!("{} would fall under its floor of {floor}", books.account_name(&account));
                    rest(TransferKind::Withdraw, own - amount, why);
                }
                if amount > 0 {
                    let mut reverse = made(TransferKind::Deposit, pot.clone(), account.clone(), amount, None);
                    reverse.undoes = Some(one.transfer.dedupe_id.clone());
                    all.push(reverse);
                }
            }
        }
    }
    (all, left_out)
}

/// The sum of the confirmed transfers that `counts`.
fn confirmed_sum(done: &[StoredTransfer], counts: impl Fn(&StoredTransfer) -> bool) -> i64 {
    let confirmed = done.iter().filter(|one| one.transfer.state == TransferState::Confirmed && counts(one));
    confirmed.map(|one| one.transfer.amount).fold(0, i64::saturating_add)
}

/// Why transfers cannot be made as things stand, each in a sentence; nothing if they can.
///
/// Balances are followed from one to the next: what is withdrawn can be deposited.
pub fn hindrances(books: &Books, settings: &Autosort, transfers: &[PlannedTransfer]) -> Vec<String> {
    let mut found = Vec::new();
    let mut pots: BTreeMap<&PotId, i64> = books.pots.iter().map(|pot| (&pot.id, pot.balance)).collect();
    let mut accounts: BTreeMap<&AccountId, i64> =
        books.accounts.iter().filter_map(|account| Some((&account.id, account.balance?))).collect();
    for one in transfers {
        let Some(balance) = accounts.get_mut(&one.account_id) else {
            found.push("the account's balance is not known".to_owned());
            continue;
        };
        if books.exclusions.account(&one.account_id) {
            found.push(format!("{} is excluded", books.account_name(&one.account_id)));
        }
        let floor = books.floor(&one.account_id, settings).min(*balance);
        let Some(held) = pots.get_mut(&one.pot_id) else {
            found.push("the bank no longer lists the pot".to_owned());
            continue;
        };
        match one.kind {
            TransferKind::Withdraw => {
                found.extend(books.no_withdrawal(&one.pot_id, settings));
                if *held < one.amount {
                    let (name, money) = (books.pot_name(&one.pot_id), Money::gbp(*held));
                    found.push(format!("{name} holds {money}, less than {}", Money::gbp(one.amount)));
                }
                *held -= one.amount;
                *balance = balance.saturating_add(one.amount);
            }
            TransferKind::Deposit | TransferKind::Return => {
                found.extend(books.no_deposit(&one.pot_id));
                let after = balance.saturating_sub(one.amount);
                if after < floor {
                    let name = books.account_name(&one.account_id);
                    let (left, floor) = (Money::gbp(after), Money::gbp(floor));
                    found.push(format!("{name} would be left with {left}, under its floor of {floor}"));
                }
                *balance = after;
                *held = held.saturating_add(one.amount);
            }
        }
    }
    found.dedup();
    found
}

/// A plan of one step that says what is made by hand.
pub fn plan(books: &Books, settings: &Autosort, word: &str, explanation: &str, made: &[PlannedMove]) -> Plan {
    let transfers: Vec<PlannedTransfer> = made.iter().map(|one| one.transfer.clone()).collect();
    let mut after: Vec<Outcome> = Vec::new();
    let mut change = |id: String, name: String, before: i64, by: i64| match after
        .iter_mut()
        .find(|outcome| outcome.id == id)
    {
        Some(outcome) => outcome.after = outcome.after.saturating_add(by),
        None => after.push(Outcome { id, name, before, after: before.saturating_add(by) }),
    };
    for one in &transfers {
        let signed =
            if one.kind == TransferKind::Withdraw { one.amount } else { one.amount.saturating_neg() };
        let balance = books.account(&one.account_id).and_then(|account| account.balance).unwrap_or(0);
        change(one.account_id.to_string(), books.account_name(&one.account_id), balance, signed);
        let held = books.pot(&one.pot_id).map_or(0, |pot| pot.balance);
        change(one.pot_id.to_string(), books.pot_name(&one.pot_id), held, signed.saturating_neg());
    }
    let amount = guard::moved(&transfers);
    let targets = after
        .iter()
        .filter(|outcome| outcome.after > outcome.before)
        .map(|outcome| PlannedTarget {
            id: Some(outcome.id.clone()),
            name: outcome.name.clone(),
            amount: outcome.after - outcome.before,
            before: Some(outcome.before),
            after: Some(outcome.after),
        })
        .collect();
    // What gives; where everything comes back, all that is touched.
    let gives: Vec<&Outcome> = after.iter().filter(|outcome| outcome.after < outcome.before).collect();
    let gives = if gives.is_empty() { after.iter().collect() } else { gives };
    let available = gives.iter().map(|outcome| outcome.before.max(0)).fold(0, i64::saturating_add);
    let left = gives.iter().map(|outcome| outcome.after).fold(0, i64::saturating_add);
    let step = PlanStep {
        index: 1,
        kind: word.to_owned(),
        targets,
        inputs: vec![PlannedInput { name: "asked for".to_owned(), amount }],
        bills: Vec::new(),
        amount,
        short: 0,
        caps: Vec::new(),
        explanation: explanation.to_owned(),
        error: None,
    };
    Plan {
        rule: word.to_owned(),
        as_of: books.as_of,
        hash: hash(word, &transfers),
        one_way: balances::one_way(books, settings, &transfers),
        available,
        currency: Currency::GBP,
        keep: 0,
        left,
        steps: vec![step],
        transfers,
        after,
        guards: Vec::new(),
    }
}

/// Covers what is moved, and not the balances.
fn hash(word: &str, transfers: &[PlannedTransfer]) -> String {
    let mut hash = Sha256::new();
    hash.update(word);
    for one in transfers {
        hash.update(format!("\n{:?} {} {} {}", one.kind, one.pot_id, one.account_id, one.amount));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

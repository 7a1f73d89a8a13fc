//! Values that views and commands are tested with.

use jiff::{SignedDuration, Timestamp};
use monzo_common::model::{
    Account, AccountStatus, Login, LoginState, Mode, Pot, SorterStatus, Status, SyncStatus, Transaction,
};
use monzo_common::money::Currency;

use super::Look;
use crate::here::Here;

/// A summer morning.
pub(crate) fn now() -> Timestamp {
    "2026-07-22T10:00:00Z".parse().expect("an instant")
}

/// That morning in London, without colour.
pub(crate) fn look(width: Option<usize>) -> Look {
    Look { colour: false, width, here: Here::new(now(), "Europe/London") }
}

/// An open account.
pub(crate) fn account(id: &str, name: &str, balance: Option<i64>) -> Account {
    Account {
        id: id.into(),
        name: name.into(),
        kind: "uk_retail".into(),
        currency: Currency::GBP,
        closed: false,
        excluded: false,
        balance,
        total_balance: balance,
        pot_id: None,
    }
}

/// A pot of `acc_1`.
pub(crate) fn pot(id: &str, name: &str, balance: i64) -> Pot {
    Pot {
        id: id.into(),
        name: name.into(),
        account_id: "acc_1".into(),
        pot_current_id: None,
        kind: "default".into(),
        balance,
        currency: Currency::GBP,
        goal: None,
        locked: false,
        deleted: false,
        excluded: false,
        available_for_bills: false,
    }
}

/// A settled payment an hour ago.
pub(crate) fn transaction(id: &str, amount: i64, description: &str) -> Transaction {
    let at = now() - SignedDuration::from_hours(1);
    Transaction {
        account_id: "acc_1".into(),
        id: id.into(),
        created_at: at,
        settled_at: Some(at),
        updated_at: None,
        amount,
        currency: Currency::GBP,
        local_amount: amount,
        local_currency: Currency::GBP,
        description: description.into(),
        merchant: None,
        counterparty: None,
        category: "groceries".into(),
        categories: Default::default(),
        notes: String::new(),
        tags: Vec::new(),
        scheme: "mastercard".into(),
        pot_id: None,
        pending: false,
        declined: false,
        decline_reason: None,
        withdrawn_at: None,
        raw: None,
    }
}

/// All is well with two accounts and a hidden one.
pub(crate) fn status() -> Status {
    let hour = SignedDuration::from_hours(1);
    let known = |account: Account| AccountStatus {
        account,
        last_success_at: Some(now() - hour * 2),
        covered_from: Some(now() - hour * 24 * 1000),
        covered_to: Some(now() - hour * 2),
        error: None,
        difference: Some(0),
    };
    let mut hidden = account("acc_h", "Bills", Some(5_000));
    hidden.pot_id = Some("pot_1".into());
    Status {
        healthy: true,
        version: monzo_common::VERSION.into(),
        mode: Mode::Normal,
        started_at: now() - hour * 30,
        login: Login {
            state: LoginState::Ready,
            user_id: Some("user_1".into()),
            token_expires_at: Some(now() + hour * 20),
            access_ends_at: Some(now() + hour * 24 * 80),
            error: None,
        },
        sync: SyncStatus {
            state: "idle".into(),
            last_success_at: Some(now() - hour * 2),
            last_attempt_at: Some(now() - hour * 2),
            next_due_at: Some(now() + hour * 4),
            stale: false,
        },
        accounts: vec![
            known(account("acc_1", "Current", Some(123_456))),
            known(account("acc_2", "Joint", Some(-1_205))),
            known(hidden),
        ],
        sorter: SorterStatus { mode: "off".into(), frozen: false, next: None, proposed: 0, unsettled: 0 },
        quarantined: 0,
        attention: Vec::new(),
    }
}

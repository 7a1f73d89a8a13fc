//! The open books: what the bank would list now, for every account, hidden ones included.

use serde::Serialize;
use serde_json::Value;

use crate::bank::Bank;
use crate::bank::clock;
use crate::bank::world::{AccountKind, Transfer};

/// The books at an instant.
#[derive(Debug, Clone, Serialize)]
pub struct Ledger {
    /// The bank's time.
    pub now: String,
    /// Every account, hidden ones too.
    pub accounts: Vec<LedgerAccount>,
    /// Every pot, as `/pots` shows it.
    pub pots: Vec<Value>,
    /// Every move between an account and a pot, oldest first.
    pub transfers: Vec<LedgerTransfer>,
}

/// An account and its lines.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerAccount {
    /// `acc_…`.
    pub id: String,
    /// The bank's word; `hidden` for what is in no list.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The pot that it is behind.
    pub pot_id: Option<String>,
    /// Ids of its owners.
    pub owners: Vec<String>,
    /// It is closed.
    pub closed: bool,
    /// Its lines can be read by a client.
    pub readable: bool,
    /// Pence.
    pub balance: i64,
    /// Its lines, as the bank lists them now, with merchants.
    pub transactions: Vec<Value>,
}

/// A move, from the books.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerTransfer {
    /// The pot.
    pub pot_id: String,
    /// Its account.
    pub account_id: String,
    /// `withdraw` or `deposit`.
    pub kind: &'static str,
    /// Pence, positive.
    pub amount: i64,
    /// When.
    pub at: String,
    /// What caused it.
    pub trigger: &'static str,
    /// `metadata.external_id` of both halves.
    pub external_id: String,
    /// The line in the account.
    pub transaction_id: String,
    /// The line in the hidden account.
    pub hidden_transaction_id: String,
}

impl Bank {
    /// The books, of one account or of all.
    pub fn ledger(&self, account: Option<&str>) -> Ledger {
        let world = &self.world;
        let wanted = |index: &usize| account.is_none_or(|id| world.accounts[*index].id == id);
        Ledger {
            now: clock::text(self.now().as_millisecond()),
            accounts: (0..world.accounts.len())
                .filter(wanted)
                .map(|index| self.account_lines(index))
                .collect(),
            pots: (0..world.pots.len())
                .filter(|pot| wanted(&world.pots[*pot].account) || wanted(&world.pots[*pot].hidden))
                .map(|pot| self.pot_object(pot))
                .collect(),
            transfers: world
                .transfers
                .iter()
                .filter(|transfer| wanted(&world.pots[transfer.pot].account))
                .map(|transfer| self.audit(transfer))
                .collect(),
        }
    }

    fn account_lines(&self, index: usize) -> LedgerAccount {
        let world = &self.world;
        let account = &world.accounts[index];
        let listed = world.list(index).iter().filter(|row| self.listed(**row));
        LedgerAccount {
            id: account.id.clone(),
            kind: account.kind.word().unwrap_or("hidden"),
            pot_id: account.pot.map(|pot| world.pots[pot].id.clone()),
            owners: account.owners.iter().map(|user| world.users[*user].id.clone()).collect(),
            closed: account.closed,
            readable: account.kind != AccountKind::BackingLoan,
            balance: account.balance,
            transactions: listed.map(|row| world.render(*row, true)).collect(),
        }
    }

    fn audit(&self, transfer: &Transfer) -> LedgerTransfer {
        let world = &self.world;
        let pot = &world.pots[transfer.pot];
        LedgerTransfer {
            pot_id: pot.id.clone(),
            account_id: world.accounts[pot.account].id.clone(),
            kind: if transfer.withdraw { "withdraw" } else { "deposit" },
            amount: transfer.amount,
            at: clock::text(transfer.at),
            trigger: transfer.trigger,
            external_id: transfer.external_id.clone(),
            transaction_id: world.row_id(transfer.halves[0]),
            hidden_transaction_id: world.row_id(transfer.halves[1]),
        }
    }
}

//! The books: accounts, pots with their hidden accounts, and lines that always add up to the balances.
//!
//! Lists are in the bank's order: by `created`, then by id.

use std::collections::HashMap;

use super::clock::Ms;
use super::ids::{self, id};
use super::row::{Kind, Row};

/// A person with a login.
#[derive(Debug, Clone)]
pub struct User {
    /// `user_…`.
    pub id: String,
    /// The name that the app shows.
    pub name: &'static str,
    /// The first name.
    pub first_name: &'static str,
}

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// A current account.
    Retail,
    /// A current account of two.
    Joint,
    /// Flex: purchases that never settle.
    Flex,
    /// The loan behind Flex: nothing of it can be read.
    BackingLoan,
    /// Cashback.
    Rewards,
    /// A loan: no lines.
    Loan,
    /// Behind a pot: in no list.
    Hidden,
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// `acc_…`.
    pub id: String,
    /// What it is.
    pub kind: AccountKind,
    /// Whose it is.
    pub owners: Vec<usize>,
    /// When it was opened.
    pub created: Ms,
    /// It stays listed.
    pub closed: bool,
    /// The pot that it is behind.
    pub pot: Option<usize>,
    /// The sum of its lines that count.
    pub balance: i64,
    list: Vec<usize>,
}

/// A pot.
#[derive(Debug, Clone)]
pub struct Pot {
    /// `pot_…`.
    pub id: String,
    /// Its name.
    pub name: &'static str,
    /// Its picture.
    pub style: &'static str,
    /// The account that it belongs to.
    pub account: usize,
    /// The account that it is made of.
    pub hidden: usize,
    /// What the person saves for, in pence.
    pub goal: Option<i64>,
    /// The bank's word for what it is.
    pub kind: &'static str,
    /// A tax-free one.
    pub isa: bool,
    /// When it was made.
    pub created: Ms,
    /// When something about it last changed.
    pub updated: Ms,
    /// It stays listed.
    pub deleted: bool,
    /// The bank does not list it, and knows nothing of it or of the account behind it.
    pub unlisted: bool,
    /// Nothing can be taken out before.
    pub locked_until: Option<Ms>,
    /// Round-ups go here.
    pub round_up: bool,
    /// It can pay direct debits.
    pub for_bills: bool,
    /// It has a card of its own.
    pub virtual_card: bool,
    /// Taking out needs the app.
    pub added_security: bool,
}

impl Pot {
    /// Nothing can be taken out at `now`.
    pub fn locked(&self, now: Ms) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
}

/// A move between an account and one of its pots.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// The pot.
    pub pot: usize,
    /// Out of the pot.
    pub withdraw: bool,
    /// Pence, positive.
    pub amount: i64,
    /// When.
    pub at: Ms,
    /// The bank's word for what caused it.
    pub trigger: &'static str,
    /// `metadata.external_id` of both halves.
    pub external_id: String,
    /// The ledger's key.
    pub dedupe_id: String,
    /// The line in the account, and the one in the hidden account.
    pub halves: [usize; 2],
}

/// Everything that the bank keeps, but logins.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// People.
    pub users: Vec<User>,
    /// Accounts, hidden ones too.
    pub accounts: Vec<Account>,
    /// Pots.
    pub pots: Vec<Pot>,
    /// All lines, in the order in which they came.
    pub rows: Vec<Row>,
    /// All moves.
    pub transfers: Vec<Transfer>,
    keys: HashMap<String, usize>,
    salt: u64,
}

impl World {
    /// Empty books whose ids come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { salt: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), ..Self::default() }
    }

    /// A new id of any kind.
    pub fn id(&self, prefix: &str, at: Ms, number: usize) -> String {
        let kind = prefix.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        id(prefix, at, self.salt ^ (kind << 40) ^ number as u64)
    }

    /// Opens an account.
    pub fn open(&mut self, kind: AccountKind, owners: &[usize], at: Ms) -> usize {
        let index = self.accounts.len();
        let id = self.id("acc", at, index);
        let owners = owners.to_vec();
        self.accounts.push(Account {
            id,
            kind,
            owners,
            created: at,
            closed: false,
            pot: None,
            balance: 0,
            list: Vec::new(),
        });
        index
    }

    /// Makes a pot, and the account behind it.
    pub fn open_pot(&mut self, account: usize, name: &'static str, style: &'static str, at: Ms) -> usize {
        let index = self.pots.len();
        let owners = self.accounts[account].owners.clone();
        let hidden = self.open(AccountKind::Hidden, &owners, at);
        self.accounts[hidden].pot = Some(index);
        self.pots.push(Pot {
            id: self.id("pot", at, index),
            name,
            style,
            account,
            hidden,
            goal: None,
            kind: "default",
            isa: false,
            created: at,
            updated: at,
            deleted: false,
            unlisted: false,
            locked_until: None,
            round_up: false,
            for_bills: true,
            virtual_card: false,
            added_security: false,
        });
        index
    }

    /// Writes a line and answers with its number.
    pub fn post(&mut self, row: Row) -> usize {
        let index = self.rows.len();
        let account = row.account;
        if row.counts() {
            self.accounts[account].balance += row.amount;
        }
        let created = row.created;
        self.rows.push(row);
        let list = &self.accounts[account].list;
        let place = if list.last().is_none_or(|last| self.rows[*last].created < created) {
            list.len()
        } else {
            let id = self.row_id(index);
            list.partition_point(|other| {
                (self.rows[*other].created, self.row_id(*other)) < (created, id.clone())
            })
        };
        self.accounts[account].list.insert(place, index);
        index
    }

    /// Gives a line another amount.
    pub fn change(&mut self, row: usize, amount: i64) {
        let line = &mut self.rows[row];
        if line.counts() {
            self.accounts[line.account].balance += amount - line.amount;
        }
        line.amount = amount;
    }

    /// Takes a line off the list.
    pub fn vanish(&mut self, row: usize) {
        let line = &mut self.rows[row];
        if line.counts() {
            self.accounts[line.account].balance -= line.amount;
        }
        line.gone = true;
    }

    /// Moves money between a pot and its account: two lines, always.
    pub fn transfer(&mut self, order: &Move<'_>) -> usize {
        let index = self.transfers.len();
        let pot = &self.pots[order.pot];
        let (account, hidden) = (pot.account, pot.hidden);
        let into_account = if order.withdraw { order.amount } else { -order.amount };
        let half = |account, amount| Row {
            visible: order.at.saturating_add(order.lag),
            ..Row::settled(account, order.at, amount, Kind::Pot(index))
        };
        let dedupe_id = self.key(order.pot, order.withdraw, order.external_id);
        self.keys.insert(dedupe_id.clone(), index);
        self.transfers.push(Transfer {
            pot: order.pot,
            withdraw: order.withdraw,
            amount: order.amount,
            at: order.at,
            trigger: order.trigger,
            external_id: order.external_id.to_owned(),
            dedupe_id,
            halves: [0, 0],
        });
        let halves = [self.post(half(account, into_account)), self.post(half(hidden, -into_account))];
        self.transfers[index].halves = halves;
        self.pots[order.pot].updated = order.at;
        index
    }

    /// The ledger's key of a move (monzo/README.md, The key of a move).
    fn key(&self, pot: usize, withdraw: bool, external_id: &str) -> String {
        let direction = if withdraw { "withdraw" } else { "deposit" };
        let pot = &self.pots[pot];
        format!("{}:{}:{direction}:{external_id}", pot.id, self.accounts[pot.account].id)
    }

    /// A move that was made with this key before.
    pub fn made(&self, pot: usize, withdraw: bool, external_id: &str) -> Option<&Transfer> {
        self.keys.get(&self.key(pot, withdraw, external_id)).map(|index| &self.transfers[*index])
    }

    /// What is in a pot.
    pub fn pot_balance(&self, pot: usize) -> i64 {
        self.accounts[self.pots[pot].hidden].balance
    }

    /// The numbers of an account's lines, in the bank's order.
    pub fn list(&self, account: usize) -> &[usize] {
        &self.accounts[account].list
    }

    /// `tx_…` of a line.
    pub fn row_id(&self, row: usize) -> String {
        self.id("tx", self.rows[row].created, row)
    }

    /// The account with this id.
    pub fn account(&self, id: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.id == id)
    }

    /// The pot with this id.
    pub fn pot(&self, id: &str) -> Option<usize> {
        self.pots.iter().position(|pot| pot.id == id)
    }

    /// The place in an account's list of the line with this id.
    pub fn place(&self, account: usize, id: &str) -> Option<usize> {
        let created = ids::made_at(id)?;
        let list = self.list(account);
        let first = list.partition_point(|row| self.rows[*row].created < created);
        let ties = list.get(first..)?.iter().take_while(|row| self.rows[**row].created == created);
        ties.enumerate().find(|(_, row)| self.row_id(**row) == id).map(|(offset, _)| first + offset)
    }

    /// The line with this id, in whichever account.
    pub fn row(&self, id: &str) -> Option<usize> {
        (0..self.accounts.len()).find_map(|account| {
            let place = self.place(account, id)?;
            self.list(account).get(place).copied()
        })
    }
}

/// A move to be made.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The pot.
    pub pot: usize,
    /// Out of the pot.
    pub withdraw: bool,
    /// Pence, positive.
    pub amount: i64,
    /// When.
    pub at: Ms,
    /// How much later its lines are listed.
    pub lag: Ms,
    /// The bank's word for what causes it.
    pub trigger: &'static str,
    /// `metadata.external_id`.
    pub external_id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (World, usize, usize) {
        let mut world = World::new(1);
        world.users.push(User { id: "user_1".into(), name: "Ada Example", first_name: "Ada" });
        let account = world.open(AccountKind::Retail, &[0], 1_000);
        let pot = world.open_pot(account, "Bills", "teal", 1_000);
        (world, account, pot)
    }

    #[test]
    fn a_move_is_two_lines_that_cancel_out() {
        let (mut world, account, pot) = world();
        world.post(Row::settled(account, 2_000, 5_000, Kind::Cashback));
        let order = Move {
            pot,
            withdraw: false,
            amount: 1_500,
            at: 3_000,
            lag: 0,
            trigger: "user",
            external_id: "user_1:a",
        };
        let index = world.transfer(&order);
        let halves = world.transfers[index].halves.map(|row| world.rows[row].amount);
        assert_eq!(halves, [-1_500, 1_500]);
        assert_eq!((world.accounts[account].balance, world.pot_balance(pot)), (3_500, 1_500));
        assert!(world.made(pot, false, "user_1:a").is_some());
        assert!(world.made(pot, true, "user_1:a").is_none(), "the other direction is another key");
    }

    #[test]
    fn lists_are_by_instant_then_id_however_the_lines_came() {
        let (mut world, account, _) = world();
        for at in [5, 3, 5, 5, 4, 1, 5] {
            world.post(Row::settled(account, at, 1, Kind::Cashback));
        }
        let listed: Vec<_> =
            world.list(account).iter().map(|row| (world.rows[*row].created, world.row_id(*row))).collect();
        assert!(listed.is_sorted(), "{listed:?}");
        for (place, (_, id)) in listed.iter().enumerate() {
            assert_eq!(world.place(account, id), Some(place));
        }
    }

    #[test]
    fn a_line_that_changes_or_vanishes_takes_the_balance_with_it() {
        let (mut world, account, _) = world();
        let row = world.post(Row::pending(account, 10, -700, Kind::Cashback));
        world.change(row, -900);
        assert_eq!(world.accounts[account].balance, -900);
        world.vanish(row);
        assert_eq!(world.accounts[account].balance, 0);
        let declined = Row { declined: Some("OTHER"), ..Row::pending(account, 11, -50, Kind::Cashback) };
        world.post(declined);
        assert_eq!(world.accounts[account].balance, 0);
    }
}

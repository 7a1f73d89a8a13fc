//! One line of an account, kept small: its JSON is made when it is asked for.

use serde::Deserialize;

use super::clock::Ms;

/// A line of one account.
#[derive(Debug, Clone)]
pub struct Row {
    /// The account in whose list it is.
    pub account: usize,
    /// Authorised or posted.
    pub created: Ms,
    /// Complete; nothing while it is not.
    pub settled: Option<Ms>,
    /// Last changed.
    pub updated: Ms,
    /// Pence; negative is out.
    pub amount: i64,
    /// What the merchant charged, where in another currency.
    pub local: Option<(i64, &'static str)>,
    /// The amount may still change.
    pub amount_pending: bool,
    /// Why it was declined; such a row moves no money.
    pub declined: Option<&'static str>,
    /// The category, where the person chose another than comes by itself.
    pub category: Option<Box<str>>,
    /// The person's note, where there is one.
    pub notes: Option<Box<str>>,
    /// What the client wrote with PATCH.
    pub own: Option<Box<Vec<(String, String)>>>,
    /// What its JSON has instead, for rows that no life has by itself: objects are merged, and null takes a key out.
    pub patch: Option<Box<serde_json::Value>>,
    /// Not listed before this instant.
    pub visible: Ms,
    /// No longer listed: it moves no money.
    pub gone: bool,
    /// What it is.
    pub kind: Kind,
}

/// What a line is (monzo/README.md, Kinds of rows).
#[derive(Debug, Clone)]
pub enum Kind {
    /// A card payment, refund, or check of a card.
    Card(Card),
    /// One half of a pot move; the number of the transfer.
    Pot(usize),
    /// A direct debit.
    DirectDebit {
        /// Who collects.
        payee: u16,
        /// The pot that paid, or a part.
        bills_pot: Option<usize>,
    },
    /// Money by bank transfer, in or out.
    Bank {
        /// Who is on the other side.
        party: u16,
        /// Which payment of a standing order.
        iteration: Option<u32>,
    },
    /// A Bacs credit.
    Salary {
        /// Who pays.
        party: u16,
    },
    /// Money that the person sends to themselves.
    OwnMoney(OwnMark),
    /// Interest of a savings pot, in its hidden account only.
    Interest,
    /// The monthly payment to Flex, seen from the account that pays or from Flex.
    FlexRepayment,
    /// Cashback.
    Cashback,
}

/// What alone tells that money is the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnMark {
    /// `counterparty.user_id`.
    UserId,
    /// `counterparty.sort_code` and `account_number`.
    Number,
    /// `counterparty.account_id`.
    AccountId,
    /// `metadata.p2p_is_to_self`.
    ToSelf,
}

/// What is particular to cards.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// The shop.
    pub merchant: u16,
    /// Which owner's card.
    pub holder: usize,
    /// A virtual card of the pot whose hidden account this row is in.
    pub virtual_card: bool,
    /// Bought with Flex: never settles.
    pub flex: bool,
    /// A look whether the card is good, of nothing.
    pub check: bool,
    /// The round-up that it caused.
    pub round_up: Option<usize>,
    /// The payment that this gives back.
    pub original: Option<usize>,
    /// Reversed: the shop never took the money.
    pub reversed: bool,
    /// The pot that paid for it afterwards.
    pub covered_by: Option<usize>,
}

impl Row {
    /// A line that is complete as it comes.
    pub fn settled(account: usize, at: Ms, amount: i64, kind: Kind) -> Self {
        Self { settled: Some(at), ..Self::pending(account, at, amount, kind) }
    }

    /// A line that is not complete.
    pub fn pending(account: usize, at: Ms, amount: i64, kind: Kind) -> Self {
        Self {
            account,
            created: at,
            settled: None,
            updated: at.saturating_add(171),
            amount,
            local: None,
            amount_pending: false,
            declined: None,
            category: None,
            notes: None,
            own: None,
            patch: None,
            visible: at,
            gone: false,
            kind,
        }
    }

    /// It is part of its account's balance.
    pub fn counts(&self) -> bool {
        !self.gone && self.declined.is_none()
    }

    /// A purchase with a pot's virtual card, which the bank may not list (monzo/README.md, The account behind a pot).
    pub fn of_virtual_card(&self) -> bool {
        matches!(&self.kind, Kind::Card(card) if card.virtual_card)
    }
}

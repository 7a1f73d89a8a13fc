//! Payments out and money in, as far as recurring bills and pay are learnt from them.
//!
//! Everyday shopping is most of a history and no bill: of card payments only those come that could recur, so that a
//! long history costs little memory.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId, TransactionId};
use rusqlite::{Row, params};

use super::raw::inflate;
use super::time::{at, ms};
use super::{Reader, StoreError};
use crate::facts::INCOME_SCHEMES;

/// A payment, or what came back of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayment {
    /// The account in whose list it is; a pot's hidden account for what its virtual card paid.
    pub account_id: AccountId,
    /// Unique within the account.
    pub id: TransactionId,
    /// When.
    pub created_at: Timestamp,
    /// Minor units; negative is out.
    pub amount: i64,
    /// The bank's text.
    pub description: String,
    /// Name of the other side.
    pub counterparty: Option<String>,
    /// Name of the shop.
    pub merchant: Option<String>,
    /// What the bank says is the same brand.
    pub group: Option<String>,
    /// The category.
    pub category: String,
    /// The payment rail.
    pub scheme: String,
    /// What the bank says belongs together.
    pub series: Option<String>,
    /// The pot that paid, or a part.
    pub pot: Option<PotId>,
}

/// Money that came in from somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredit {
    /// To this account.
    pub account_id: AccountId,
    /// Unique within the account.
    pub id: TransactionId,
    /// When.
    pub created_at: Timestamp,
    /// Minor units, more than zero.
    pub amount: i64,
    /// Who sent it, else the bank's text.
    pub name: String,
    /// The payment rail.
    pub scheme: String,
}

/// Counted rows that are no pot moves; of cards only what does not come more often than every five days: a shop's
/// whole list, or else the very same amount at a shop. (432,000,000 ms are five days.)
const PAYMENTS: &str = "WITH shops AS ( \
       SELECT account_id, merchant_id FROM transactions WHERE scheme = 'mastercard' AND created_at >= ?1 AND created_at < ?2 \
       AND merchant_id IS NOT NULL AND decline_reason IS NULL AND withdrawn_at IS NULL AND amount <> 0 \
       GROUP BY account_id, merchant_id \
       HAVING count(*) > 1 AND max(created_at) - min(created_at) >= 432000000 * (count(*) - 1)), \
     prices AS ( \
       SELECT account_id, merchant_id, amount FROM transactions WHERE scheme = 'mastercard' AND created_at >= ?1 AND created_at < ?2 \
       AND merchant_id IS NOT NULL AND decline_reason IS NULL AND withdrawn_at IS NULL AND amount < 0 \
       GROUP BY account_id, merchant_id, amount \
       HAVING count(*) > 2 AND max(created_at) - min(created_at) >= 432000000 * (count(*) - 1)) \
     SELECT t.account_id, t.id, t.created_at, t.amount, t.description, t.counterparty, m.name, t.scheme, \
       coalesce(t.bills_pot_id, a.pot_id), iif(t.scheme = 'mastercard', NULL, t.raw), m.group_id, t.category \
     FROM transactions t JOIN accounts a ON a.id = t.account_id LEFT JOIN merchants m ON m.id = t.merchant_id \
     WHERE t.created_at >= ?1 AND t.created_at < ?2 AND t.decline_reason IS NULL AND t.withdrawn_at IS NULL \
       AND t.amount <> 0 AND t.pot_id IS NULL AND t.scheme NOT IN ('uk_retail_pot', 'uk_business_pot') \
       AND (t.scheme <> 'mastercard' OR (t.account_id, t.merchant_id) IN shops \
            OR (t.account_id, t.merchant_id, t.amount) IN prices) \
     ORDER BY t.created_at, t.id, t.account_id";

fn payment(row: &Row<'_>) -> rusqlite::Result<(StoredPayment, Option<Vec<u8>>)> {
    let merchant: Option<String> = row.get(6)?;
    let payment = StoredPayment {
        account_id: row.get::<_, String>(0)?.into(),
        id: row.get::<_, String>(1)?.into(),
        created_at: at(row, 2)?,
        amount: row.get(3)?,
        description: row.get(4)?,
        counterparty: row.get(5)?,
        merchant: merchant.filter(|name| !name.is_empty()),
        group: row.get(10)?,
        category: row.get(11)?,
        scheme: row.get(7)?,
        series: None,
        pot: row.get::<_, Option<String>>(8)?.map(PotId::from),
    };
    Ok((payment, row.get(9)?))
}

impl Reader<'_> {
    /// The payments of a span that could recur, oldest first; `series` reads the bank's own key from a kept record.
    ///
    /// A standing order that a pot paid does not say so itself: the pot's move does, by the order's key.
    pub fn payments(
        &self,
        since: Timestamp,
        until: Timestamp,
        series: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<StoredPayment>, StoreError> {
        let mut query = self.0.prepare_cached(PAYMENTS)?;
        let mut rows = query.query(params![ms(since), ms(until)])?;
        let mut payments = Vec::new();
        while let Some(row) = rows.next()? {
            let (mut payment, raw) = payment(row)?;
            if let Some(raw) = raw {
                payment.series = series(&inflate(&raw));
            }
            payments.push(payment);
        }
        let orders = self.standing_orders(since, until)?;
        for payment in payments.iter_mut().filter(|payment| payment.pot.is_none()) {
            let key = payment.series.as_deref();
            let paid =
                |order: &&(String, PotId)| key.is_some_and(|key| order.0.split(':').any(|part| part == key));
            payment.pot = orders.iter().rev().find(paid).map(|order| order.1.clone());
        }
        Ok(payments)
    }

    /// What pots gave for standing orders: the bank's key of the move (monzo/README.md, A bill that a pot pays), and
    /// the pot; oldest first.
    fn standing_orders(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(String, PotId)>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT external_id, pot_id, max(created_at) FROM transactions \
             WHERE pot_id IS NOT NULL AND created_at >= ?1 AND created_at < ?2 AND amount > 0 AND withdrawn_at IS NULL \
             AND external_id LIKE 'standing-order-withdrawal:%' \
             GROUP BY substr(external_id, 1, instr(substr(external_id, 27), ':') + 26), pot_id ORDER BY 3, 1",
        )?;
        let found = query.query_map(params![ms(since), ms(until)], |row| {
            Ok((row.get(0)?, PotId::from(row.get::<_, String>(1)?)))
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// What a person, or this program for them, moved into pots in a span, as rows of the paying accounts.
    pub fn deposits(&self, since: Timestamp, until: Timestamp) -> Result<Vec<StoredPayment>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT t.account_id, t.id, t.created_at, t.amount, t.description, NULL, NULL, t.scheme, t.pot_id, NULL, NULL, t.category \
             FROM transactions t JOIN accounts a ON a.id = t.account_id \
             WHERE t.pot_id IS NOT NULL AND t.created_at >= ?1 AND t.created_at < ?2 AND t.amount < 0 \
             AND a.pot_id IS NULL AND t.trigger = 'user' AND t.decline_reason IS NULL AND t.withdrawn_at IS NULL \
             ORDER BY t.created_at, t.id, t.account_id",
        )?;
        let deposits = query.query_map(params![ms(since), ms(until)], |row| Ok(payment(row)?.0))?;
        Ok(deposits.collect::<Result<_, _>>()?)
    }

    /// What left an account in a span by other ways than into pots, in positive minor units.
    pub fn spent(&self, account: &AccountId, since: Timestamp, until: Timestamp) -> Result<i64, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT -coalesce(sum(amount), 0) FROM transactions WHERE account_id = ?1 AND created_at >= ?2 \
             AND created_at < ?3 AND amount < 0 AND pot_id IS NULL AND decline_reason IS NULL AND withdrawn_at IS NULL",
        )?;
        Ok(query.query_row(params![account.as_str(), ms(since), ms(until)], |row| row.get(0))?)
    }

    /// What came into listed accounts in a span on a rail of income; `own` tells by the kept record what came from the
    /// person, which is left out.
    pub fn credits(
        &self,
        since: Timestamp,
        until: Timestamp,
        own: impl Fn(&str) -> bool,
    ) -> Result<Vec<StoredCredit>, StoreError> {
        let schemes = INCOME_SCHEMES.map(|scheme| format!("'{scheme}'")).join(", ");
        let mut query = self.0.prepare_cached(&format!(
            "SELECT t.account_id, t.id, t.created_at, t.amount, coalesce(nullif(t.counterparty, ''), t.description), \
             t.scheme, t.raw \
             FROM transactions t JOIN accounts a ON a.id = t.account_id \
             WHERE t.created_at >= ?1 AND t.created_at < ?2 AND t.amount > 0 AND a.pot_id IS NULL AND t.pot_id IS NULL \
             AND t.decline_reason IS NULL AND t.withdrawn_at IS NULL \
             AND t.scheme IN ({schemes}) ORDER BY t.created_at, t.id, t.account_id",
        ))?;
        let kept = query.query_map(params![ms(since), ms(until)], |row| {
            let credit = StoredCredit {
                account_id: row.get::<_, String>(0)?.into(),
                id: row.get::<_, String>(1)?.into(),
                created_at: at(row, 2)?,
                amount: row.get(3)?,
                name: row.get(4)?,
                scheme: row.get(5)?,
            };
            Ok((credit, row.get::<_, Vec<u8>>(6)?))
        })?;
        let mut credits = Vec::new();
        for one in kept {
            let (credit, raw) = one?;
            if !own(&inflate(&raw)) {
                credits.push(credit);
            }
        }
        Ok(credits)
    }
}

//! Rules as they were first accepted, the occurrences of each, and what triggers on balances saw last.

use jiff::Timestamp;
use monzo_common::id::{AccountId, PotId, TransactionId};
use monzo_common::model::OccurrenceState;
use rusqlite::params;

use super::time::{at, maybe_at, maybe_ms, ms, optional, parsed};
use super::{Reader, StoreError, Writer};

/// A rule's name as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its name.
    pub name: String,
    /// What came earlier never fires it.
    pub since: Timestamp,
    /// The hash of its text when it was last looked at.
    pub text_hash: String,
    /// The text whose first run a person let go.
    pub proven_hash: Option<String>,
    /// It fires.
    pub enabled: bool,
}

/// What a trigger on a balance saw at the last sync that counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredWatch {
    /// Minor units.
    pub balance: Option<i64>,
    /// The open occurrence: its key, and when the balance passed its level.
    pub edge: Option<(String, Timestamp)>,
}

/// An occurrence: a time that a rule is due, as far as a person can look it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOccurrence {
    /// The rule.
    pub rule: String,
    /// Unique among those of the rule.
    pub key: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// When its window ends.
    pub ends_at: Option<Timestamp>,
    /// The credit that fired it, in minor units.
    pub credit: Option<i64>,
    /// That credit.
    pub transaction_id: Option<String>,
    /// A run of it is only ever proposed.
    pub only_proposed: bool,
    /// How it stands.
    pub state: OccurrenceState,
    /// Why it stands there.
    pub reason: Option<String>,
}

/// A credit that may fire a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiringCredit {
    /// The account in whose list it is.
    pub account_id: AccountId,
    /// The bank's id.
    pub id: TransactionId,
    /// When the bank made it.
    pub created_at: Timestamp,
    /// When a sync first read it.
    pub first_seen_at: Timestamp,
    /// Minor units.
    pub amount: i64,
    /// Name of the other side; the description where there is none.
    pub name: String,
    /// The payment rail.
    pub scheme: String,
    /// The account's kind.
    pub account_kind: String,
    /// The bank's JSON.
    pub raw: String,
}

/// A row of an account's list, as far as bills are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRow {
    /// When.
    pub at: Timestamp,
    /// Minor units.
    pub amount: i64,
    /// The other side.
    pub name: String,
    /// The payment rail.
    pub scheme: String,
    /// Who caused a pot move.
    pub trigger: Option<String>,
    /// The pot that a bill was paid from.
    pub bills_pot_id: Option<PotId>,
    /// The bank's key of the move.
    pub external_id: Option<String>,
    /// The bank's JSON, of rows behind pots alone: nobody looks at that of others, and there are thousands.
    pub raw: Option<String>,
}

impl Reader<'_> {
    /// The rows of an account in a span that are neither declined nor withdrawn, oldest first.
    pub fn plain_rows(
        &self,
        account: &AccountId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<PlainRow>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT t.created_at, t.amount, coalesce(m.name, t.counterparty, t.description), t.scheme, t.trigger, \
             t.bills_pot_id, t.external_id, iif(a.pot_id IS NULL, NULL, t.raw) FROM transactions t \
             JOIN accounts a ON a.id = t.account_id LEFT JOIN merchants m ON m.id = t.merchant_id \
             WHERE t.account_id = ?1 AND t.created_at >= ?2 AND t.created_at <= ?3 AND t.decline_reason IS NULL \
             AND t.withdrawn_at IS NULL ORDER BY t.created_at, t.id",
        )?;
        let found = query.query_map(params![account.as_str(), ms(since), ms(until)], |row| {
            let plain = PlainRow {
                at: at(row, 0)?,
                amount: row.get(1)?,
                name: row.get(2)?,
                scheme: row.get(3)?,
                trigger: row.get(4)?,
                bills_pot_id: row.get::<_, Option<String>>(5)?.map(PotId::from),
                external_id: row.get(6)?,
                raw: None,
            };
            Ok((plain, row.get::<_, Option<Vec<u8>>>(7)?))
        })?;
        let mut rows = Vec::new();
        for one in found {
            let (plain, raw) = one?;
            rows.push(PlainRow { raw: raw.map(|raw| super::raw::inflate(&raw)), ..plain });
        }
        Ok(rows)
    }

    /// The rules that were ever accepted.
    pub fn accepted_rules(&self) -> Result<Vec<StoredRule>, StoreError> {
        let mut query = self
            .0
            .prepare_cached("SELECT name, since, text_hash, proven_hash, enabled FROM rules ORDER BY name")?;
        let rules = query.query_map([], |row| {
            Ok(StoredRule {
                name: row.get(0)?,
                since: at(row, 1)?,
                text_hash: row.get(2)?,
                proven_hash: row.get(3)?,
                enabled: row.get(4)?,
            })
        })?;
        Ok(rules.collect::<Result<_, _>>()?)
    }

    /// What a trigger on a balance saw last.
    pub fn watch(&self, rule: &str, place: &str) -> Result<StoredWatch, StoreError> {
        let one = "SELECT balance, edge_key, edge_at FROM balance_triggers WHERE rule = ?1 AND place = ?2";
        let found = self.0.prepare_cached(one)?.query_row([rule, place], |row| {
            let key: Option<String> = row.get(1)?;
            Ok(StoredWatch { balance: row.get(0)?, edge: key.zip(maybe_at(row, 2)?) })
        });
        Ok(optional(found)?.unwrap_or_default())
    }

    /// The occurrences of a rule, newest first.
    pub fn occurrences(&self, rule: &str) -> Result<Vec<StoredOccurrence>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT rule, key, due_at, ends_at, credit, transaction_id, only_proposed, state, reason FROM occurrences \
             WHERE rule = ?1 ORDER BY due_at DESC, key LIMIT 200",
        )?;
        let found = query.query_map([rule], |row| {
            Ok(StoredOccurrence {
                rule: row.get(0)?,
                key: row.get(1)?,
                due_at: at(row, 2)?,
                ends_at: maybe_at(row, 3)?,
                credit: row.get(4)?,
                transaction_id: row.get(5)?,
                only_proposed: row.get(6)?,
                state: parsed(row, 7)?,
                reason: row.get(8)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Keys of a rule's occurrences of which a run has left the proposals.
    pub fn used_keys(&self, rule: &str) -> Result<Vec<String>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT DISTINCT occurrence FROM runs WHERE rule = ?1 AND occurrence IS NOT NULL \
             AND state NOT IN ('proposed', 'withheld', 'expired')",
        )?;
        Ok(query.query_map([rule], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Credits since an instant that are neither declined nor withdrawn, of listed accounts.
    pub fn firing_credits(&self, since: Timestamp) -> Result<Vec<FiringCredit>, StoreError> {
        let mut query = self.0.prepare_cached(
            "SELECT t.account_id, t.id, t.created_at, t.first_seen_at, t.amount, t.counterparty, t.description, t.scheme, \
             a.kind, t.raw FROM transactions t JOIN accounts a ON a.id = t.account_id WHERE t.created_at >= ?1 \
             AND t.amount > 0 AND t.decline_reason IS NULL AND t.withdrawn_at IS NULL AND a.pot_id IS NULL \
             AND t.pot_id IS NULL ORDER BY t.created_at, t.id",
        )?;
        let found = query.query_map([ms(since)], |row| {
            let name: Option<String> = row.get(5)?;
            let description: String = row.get(6)?;
            let credit = FiringCredit {
                account_id: row.get::<_, String>(0)?.into(),
                id: row.get::<_, String>(1)?.into(),
                created_at: at(row, 2)?,
                first_seen_at: at(row, 3)?,
                amount: row.get(4)?,
                name: name.filter(|name| !name.is_empty()).unwrap_or(description),
                scheme: row.get(7)?,
                account_kind: row.get(8)?,
                raw: String::new(),
            };
            Ok((credit, row.get::<_, Vec<u8>>(9)?))
        })?;
        let mut credits = Vec::new();
        for one in found {
            let (credit, raw) = one?;
            credits.push(FiringCredit { raw: super::raw::inflate(&raw), ..credit });
        }
        Ok(credits)
    }
}

impl Writer<'_> {
    /// Accepts a rule, or notes its present text; what was off and is on again begins anew, and so does what is kept as
    /// accepted after `future`. Answers it as it is kept.
    pub fn accept_rule(
        &self,
        name: &str,
        text_hash: &str,
        enabled: bool,
        (now, future): (Timestamp, Timestamp),
    ) -> Result<StoredRule, StoreError> {
        let upsert = "INSERT INTO rules (name, since, text_hash, enabled) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (name) DO UPDATE SET \
             since = iif((enabled = 0 AND excluded.enabled = 1) OR since > ?5, excluded.since, since), \
             text_hash = excluded.text_hash, enabled = excluded.enabled";
        let values = params![name, ms(now), text_hash, enabled, ms(future)];
        self.0.0.prepare_cached(upsert)?.execute(values)?;
        let found = self.accepted_rules()?.into_iter().find(|rule| rule.name == name);
        found.ok_or_else(|| StoreError::Missing(name.to_owned()))
    }

    /// Notes that rules which the configuration no longer has are off.
    pub fn retire_rules(&self, present: &[String]) -> Result<(), StoreError> {
        for rule in self.accepted_rules()?.iter().filter(|rule| rule.enabled && !present.contains(&rule.name))
        {
            self.0.0.prepare_cached("UPDATE rules SET enabled = 0 WHERE name = ?1")?.execute([&rule.name])?;
        }
        Ok(())
    }

    /// Notes that a run of a rule's present text was let go.
    pub fn rule_proven(&self, name: &str, text_hash: &str) -> Result<(), StoreError> {
        let update = "UPDATE rules SET proven_hash = ?2 WHERE name = ?1";
        self.0.0.prepare_cached(update)?.execute([name, text_hash])?;
        Ok(())
    }

    /// Keeps what a trigger on a balance saw.
    pub fn set_watch(
        &self,
        rule: &str,
        place: &str,
        watch: &StoredWatch,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let upsert = "INSERT OR REPLACE INTO balance_triggers (rule, place, balance, edge_key, edge_at, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (key, edge_at) = watch.edge.clone().unzip();
        let values = params![rule, place, watch.balance, key, maybe_ms(edge_at), ms(now)];
        self.0.0.prepare_cached(upsert)?.execute(values)?;
        Ok(())
    }

    /// Keeps an occurrence as it stands now.
    pub fn note_occurrence(&self, found: &StoredOccurrence, now: Timestamp) -> Result<(), StoreError> {
        let upsert = "INSERT INTO occurrences (rule, key, due_at, ends_at, credit, transaction_id, only_proposed, state, \
             reason, noted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (rule, key) DO UPDATE SET \
             due_at = excluded.due_at, ends_at = excluded.ends_at, credit = excluded.credit, \
             transaction_id = excluded.transaction_id, only_proposed = excluded.only_proposed, state = excluded.state, \
             reason = excluded.reason WHERE state IS NOT excluded.state OR reason IS NOT excluded.reason";
        self.0.0.prepare_cached(upsert)?.execute(params![
            found.rule,
            found.key,
            ms(found.due_at),
            maybe_ms(found.ends_at),
            found.credit,
            found.transaction_id,
            found.only_proposed,
            found.state.word(),
            found.reason,
            ms(now),
        ])?;
        Ok(())
    }
}

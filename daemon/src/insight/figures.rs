//! Spending and income: what the entries of a period add up to, by groups, by periods, and beside another period.

use std::collections::BTreeMap;

use jiff::Timestamp;
use monzo_common::model::{
    Compared, Comparison, EntryKind, FigureGroup, FigureRow, Figures, FiguresQuery, LeftOutOfFigures, Share,
};

use super::calendar::{Calendar, Compare, NamedPeriod};
use super::scope::{Scope, ScopedAccount};
use crate::facts::Payee;
use crate::store::{EntryFilter, EntrySum, GroupKey, Grouping, Reader, StoreError};

/// Which side of the ledger a figure adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Money out, less what came back of it.
    Spending,
    /// Money in.
    Income,
}

impl Side {
    /// Whether an entry of this kind counts.
    pub const fn counts(self, kind: EntryKind) -> bool {
        match kind {
            EntryKind::Spending | EntryKind::Refund | EntryKind::Repayment => matches!(self, Self::Spending),
            EntryKind::Income | EntryKind::Interest => matches!(self, Self::Income),
            EntryKind::Transfer => false,
        }
    }

    /// An amount with the account's sign, as this figure shows it.
    pub const fn signed(self, amount: i64) -> i64 {
        match self {
            Self::Spending => amount.saturating_neg(),
            Self::Income => amount,
        }
    }
}

/// What some entries add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    amount: i64,
    count: u64,
    provisional: i64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.amount = self.amount.saturating_add(other.amount);
        self.count += other.count;
        self.provisional = self.provisional.saturating_add(other.provisional);
    }
}

/// A group as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    key: String,
    name: String,
}

type Sums = BTreeMap<Group, (Sum, BTreeMap<Group, Sum>)>;

/// What one span adds up to.
#[derive(Debug, Default)]
struct Folded {
    sums: Sums,
    total: Sum,
    left_out: LeftOutOfFigures,
}

/// The figure that a query asks for, as seen from `now`.
pub fn figures(
    reader: &Reader<'_>,
    side: Side,
    query: &FiguresQuery,
    scope: &Scope,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Figures, StoreError> {
    let mut fold = Fold { reader, side, query, scope, payees: BTreeMap::new() };
    let periods = match query.per {
        Some(per) => calendar.periods(per, query.since, query.until),
        None => vec![NamedPeriod { name: String::new(), since: query.since, until: query.until }],
    };
    let mut whole = Folded::default();
    let mut rows = Vec::new();
    for period in periods.into_iter().filter(|period| query.per.is_none() || period.since <= now) {
        let folded = fold.span(period.since, period.until)?;
        whole.total.add(folded.total);
        whole.left_out.count += folded.left_out.count;
        whole.left_out.amount = whole.left_out.amount.saturating_add(folded.left_out.amount);
        let name = query.per.map(|_| period.name);
        if grouped(query) {
            rows.extend(lines(&folded.sums, name.as_deref(), query.zero));
        } else if let Some(name) = name {
            rows.push(line(&Group { key: String::new(), name: name.clone() }, folded.total, Some(name)));
        }
    }
    let compared = match query.compare {
        Some(with) => Some(compare(&mut fold, with, calendar, now, &mut rows)?),
        None => None,
    };
    Ok(Figures {
        since: query.since,
        until: query.until,
        currency: scope.currency(),
        total: whole.total.amount,
        provisional: whole.total.provisional,
        left_out: whole.left_out,
        share: scope.in_currency().filter_map(share).collect(),
        by: query.by.or(query.tree.then_some(FigureGroup::Category)),
        per: query.per,
        rows,
        compared,
    })
}

fn grouped(query: &FiguresQuery) -> bool {
    query.by.is_some() || query.tree
}

fn share(account: &ScopedAccount) -> Option<Share> {
    let share = account.share_text().filter(|_| account.pot.is_none())?;
    Some(Share { account_id: account.id.clone(), name: account.name.clone(), share })
}

/// Adds up spans of one query.
struct Fold<'a> {
    reader: &'a Reader<'a>,
    side: Side,
    query: &'a FiguresQuery,
    scope: &'a Scope,
    payees: BTreeMap<i64, Payee>,
}

impl Fold<'_> {
    fn span(&mut self, since: Timestamp, until: Timestamp) -> Result<Folded, StoreError> {
        let mut folded = Folded::default();
        let by = self.query.by;
        let grouping = match by {
            _ if self.query.tree => Grouping::CategoryAndPayee,
            None | Some(FigureGroup::Account) => Grouping::All,
            Some(FigureGroup::Category) => Grouping::Category,
            Some(FigureGroup::Merchant | FigureGroup::Payee) => Grouping::Payee,
            Some(FigureGroup::Trip) => Grouping::Trip,
            Some(FigureGroup::Pot) => Grouping::Pot,
            Some(FigureGroup::Person) => Grouping::Person,
        };
        let (scope, query) = (self.scope, self.query);
        let wanted =
            |account: &&ScopedAccount| query.accounts.is_empty() || query.accounts.contains(&account.id);
        for account in scope.in_currency().filter(wanted) {
            let filter = EntryFilter {
                since,
                until,
                share: account.share,
                category: self.query.category.clone(),
                payee: self.query.merchant.clone(),
                pot: self.query.pot.clone(),
            };
            for sum in self.reader.entry_sums(&account.id, grouping, &filter)? {
                if !self.side.counts(sum.kind) {
                    continue;
                }
                let amount = self.side.signed(sum.amount);
                if sum.left_out || account.excluded {
                    folded.left_out.count += sum.count;
                    folded.left_out.amount = folded.left_out.amount.saturating_add(amount);
                    continue;
                }
                let added = Sum { amount, count: sum.count, provisional: self.side.signed(sum.provisional) };
                folded.total.add(added);
                if grouped(self.query) {
                    let group = self.group(&sum, account)?;
                    let entry = folded.sums.entry(group).or_default();
                    entry.0.add(added);
                    if self.query.tree {
                        let within = payee_group(self.payee(&sum.within)?);
                        entry.1.entry(within).or_default().add(added);
                    }
                }
            }
        }
        Ok(folded)
    }

    fn group(&mut self, sum: &EntrySum, account: &ScopedAccount) -> Result<Group, StoreError> {
        let text = match &sum.group {
            GroupKey::Text(text) => text.as_str(),
            GroupKey::None | GroupKey::Payee(_) => "",
        };
        let named = |key: &str, name: String| Group { key: key.to_owned(), name };
        let nameless = |name: &str| Group { key: String::new(), name: name.to_owned() };
        Ok(match self.query.by {
            Some(FigureGroup::Category) | None => named(text, self.scope.category(text)),
            Some(FigureGroup::Payee) => payee_group(self.payee(&sum.group)?),
            Some(FigureGroup::Merchant) => match self.payee(&sum.group)? {
                Some(shop) if shop.is_merchant => payee_group(Some(shop)),
                _ => nameless("no merchant"),
            },
            Some(FigureGroup::Account) => named(account.id.as_str(), account.name.clone()),
            Some(FigureGroup::Pot) if text.is_empty() => nameless("no pot"),
            Some(FigureGroup::Pot) => named(text, self.scope.pot(text)),
            Some(FigureGroup::Trip) if text.is_empty() => nameless("no trip"),
            Some(FigureGroup::Person) if text.is_empty() => nameless("no card"),
            Some(FigureGroup::Trip | FigureGroup::Person) => named(text, text.to_owned()),
        })
    }

    fn payee(&mut self, key: &GroupKey) -> Result<Option<Payee>, StoreError> {
        let GroupKey::Payee(number) = key else { return Ok(None) };
        if !self.payees.contains_key(number) {
            self.payees.insert(*number, self.reader.payee(*number)?);
        }
        Ok(self.payees.get(number).cloned())
    }
}

fn payee_group(payee: Option<Payee>) -> Group {
    match payee {
        Some(Payee { key, name, .. }) => Group { key, name },
        None => Group { key: String::new(), name: "no payee".to_owned() },
    }
}

/// The groups as lines, the largest first.
fn lines(sums: &Sums, period: Option<&str>, zero: bool) -> Vec<FigureRow> {
    let mut rows: Vec<FigureRow> = sums
        .iter()
        .filter(|(_, (sum, _))| zero || sum.amount != 0)
        .map(|(group, (sum, within))| {
            let shown = within.iter().filter(|(_, sum)| zero || sum.amount != 0);
            let mut children: Vec<FigureRow> = shown.map(|(group, sum)| line(group, *sum, None)).collect();
            children.sort_by(largest_first);
            FigureRow { children, ..line(group, *sum, period.map(str::to_owned)) }
        })
        .collect();
    rows.sort_by(largest_first);
    rows
}

fn line(group: &Group, sum: Sum, period: Option<String>) -> FigureRow {
    FigureRow {
        key: group.key.clone(),
        name: group.name.clone(),
        period,
        amount: sum.amount,
        count: sum.count,
        provisional: sum.provisional,
        previous: None,
        children: Vec::new(),
    }
}

fn largest_first(one: &FigureRow, other: &FigureRow) -> std::cmp::Ordering {
    (other.amount, &one.name, &one.key).cmp(&(one.amount, &other.name, &other.key))
}

/// Adds up the periods that a figure is compared with, and writes beside each line what it was there.
fn compare(
    fold: &mut Fold<'_>,
    with: Comparison,
    calendar: &Calendar,
    now: Timestamp,
    rows: &mut Vec<FigureRow>,
) -> Result<Compared, StoreError> {
    let span = (fold.query.since, fold.query.until);
    let known_from = fold.reader.first_transaction_at()?.unwrap_or(now);
    let Compare { spans, days } = calendar.compare(with, span, now, known_from);
    let mut other = Folded::default();
    for (since, until) in &spans {
        let folded = fold.span(*since, *until)?;
        other.total.add(folded.total);
        for (group, (sum, within)) in folded.sums {
            let entry = other.sums.entry(group).or_default();
            entry.0.add(sum);
            for (group, sum) in within {
                entry.1.entry(group).or_default().add(sum);
            }
        }
    }
    let among = i64::try_from(spans.len().max(1)).unwrap_or(1);
    let average = |amount: i64| rounded(amount, among);
    // Over several periods, the other period stands beside the total alone.
    if fold.query.per.is_none() {
        beside(rows, &other.sums, average, fold.query.zero);
    }
    let (since, until) = (spans.last().map(|span| span.0), spans.first().map(|span| span.1));
    Ok(Compared {
        with,
        since: since.unwrap_or(span.0),
        until: until.unwrap_or(span.0),
        total: average(other.total.amount),
        days,
    })
}

/// Writes beside each line what it was in the other period; a group that only that one has becomes a line.
fn beside(rows: &mut Vec<FigureRow>, other: &Sums, average: impl Fn(i64) -> i64, zero: bool) {
    for (group, (sum, within)) in other {
        let known = rows.iter_mut().find(|row| row.key == group.key && row.name == group.name);
        match known {
            Some(row) => {
                row.previous = Some(average(sum.amount));
                for child in &mut row.children {
                    let before = within.iter().find(|(group, _)| group.key == child.key);
                    child.previous = before.map(|(_, sum)| average(sum.amount));
                }
            }
            None if average(sum.amount) == 0 && !zero => {}
            None => {
                let previous = Some(average(sum.amount));
                rows.push(FigureRow { previous, ..line(group, Sum::default(), None) });
            }
        }
    }
    for row in rows {
        row.previous = row.previous.or(Some(0));
        for child in &mut row.children {
            child.previous = child.previous.or(Some(0));
        }
    }
}

/// A quotient rounded half away from zero.
fn rounded(amount: i64, by: i64) -> i64 {
    let half = if amount < 0 { -(by / 2) } else { by / 2 };
    amount.saturating_add(half) / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_rounded_half_away_from_zero() {
        for (amount, by, expected) in [(7, 2, 4), (-7, 2, -4), (6, 6, 1), (8, 6, 1), (9, 6, 2), (0, 6, 0)] {
            assert_eq!(rounded(amount, by), expected, "{amount} / {by}");
        }
    }

    #[test]
    fn transfers_are_on_neither_side() {
        for kind in EntryKind::ALL {
            let sides = [Side::Spending, Side::Income].into_iter().filter(|side| side.counts(*kind)).count();
            assert_eq!(sides, usize::from(*kind != EntryKind::Transfer), "{kind}");
        }
    }
}

//! Spending, income and cash flow.

use std::collections::BTreeSet;

use jiff::Timestamp;
use monzo_common::model::{Cashflow, CashflowRow, Comparison, FigureGroup, FigureRow, Figures};
use monzo_common::money::{Currency, Money};

use super::chart::bar;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::{cut, width};

/// Which figure is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Money out.
    Spending,
    /// Money in.
    Income,
}

impl Side {
    /// The noun of the JSON.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Spending => "spending",
            Self::Income => "income",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Spending => "Spending",
            Self::Income => "Income",
        }
    }
}

/// Cells of a line's bar; taste.
const BAR: usize = 12;

fn money(minor: i64, currency: Currency) -> String {
    Money::new(minor, currency).to_string()
}

/// A difference with its sign.
fn change(minor: i64, currency: Currency) -> String {
    match minor {
        0 => "–".to_owned(),
        more if more > 0 => format!("+{}", money(more, currency)),
        less => money(less, currency),
    }
}

/// The days of a period, both ends included: `1 Nov 2026 to 28 Nov 2026`.
fn days(since: Timestamp, until: Timestamp, style: &Style) -> String {
    let last = until.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(until);
    let (first, last) = (style.time.day(since), style.time.day(last));
    if first == last { first } else { format!("{first} to {last}") }
}

/// `spending` and `income`
pub fn figures(figures: &Figures, side: Side, style: &Style) -> String {
    let currency = figures.currency;
    let mut text = style.paint(Paint::Strong, &headline(figures, side, style));
    text.push('\n');
    if !figures.rows.is_empty() {
        text.push('\n');
        text.push_str(&match (figures.by, figures.per) {
            (Some(by), Some(_)) => matrix(by, &figures.rows, currency, style),
            _ => lines(figures, style),
        });
    }
    let notes = notes(figures, style);
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&notes);
    }
    text
}

fn headline(figures: &Figures, side: Side, style: &Style) -> String {
    let period = days(figures.since, figures.until, style);
    let pending = match figures.provisional {
        0 => String::new(),
        pending => format!(", {} of it pending", money(pending, figures.currency)),
    };
    format!("{}, {period}: {}{pending}", side.title(), money(figures.total, figures.currency))
}

fn title(by: FigureGroup) -> &'static str {
    match by {
        FigureGroup::Category => "CATEGORY",
        FigureGroup::Merchant => "MERCHANT",
        FigureGroup::Payee => "PAYEE",
        FigureGroup::Trip => "TRIP",
        FigureGroup::Account => "ACCOUNT",
        FigureGroup::Pot => "POT",
        FigureGroup::Person => "PERSON",
    }
}

/// A line for each group or period, with its bar.
fn lines(figures: &Figures, style: &Style) -> String {
    let heading = figures.by.map_or("PERIOD", title);
    let mut table = Table::new(&[
        (heading, Align::Flexible),
        ("AMOUNT", Align::Right),
        ("", Align::Left),
        ("PAYMENTS", Align::Right),
        ("BEFORE", Align::Right),
        ("CHANGE", Align::Right),
    ])
    .sparing(&["PAYMENTS", ""])
    .unless_empty(&["BEFORE", "CHANGE"]);
    let largest = figures.rows.iter().map(|row| row.amount).max().unwrap_or(0);
    for row in &figures.rows {
        add(&mut table, row, "", largest, figures.currency);
        for child in &row.children {
            add(&mut table, child, "  ", largest, figures.currency);
        }
    }
    table.take(style)
}

fn add(table: &mut Table, row: &FigureRow, indent: &str, largest: i64, currency: Currency) {
    let whole = usize::try_from(largest).unwrap_or(0);
    let part = usize::try_from(row.amount).unwrap_or(0);
    let drawn = if whole == 0 { String::new() } else { bar(part, whole, BAR) };
    let before = row.previous.map(|previous| money(previous, currency)).unwrap_or_default();
    let changed = row.previous.map(|previous| change(row.amount.saturating_sub(previous), currency));
    let paint = if indent.is_empty() { Paint::Plain } else { Paint::Quiet };
    table.painted([
        (&format!("{indent}{}", row.name), paint),
        (&money(row.amount, currency), paint),
        (&drawn, Paint::Quiet),
        (&row.count.to_string(), Paint::Quiet),
        (&before, Paint::Quiet),
        (&changed.unwrap_or_default(), Paint::Plain),
    ]);
}

/// Groups down and periods across; on a screen the newest periods that fit.
fn matrix(by: FigureGroup, rows: &[FigureRow], currency: Currency, style: &Style) -> String {
    let mut groups: Vec<(&str, &str, i64)> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| (group.0, group.1) == (row.key.as_str(), row.name.as_str())) {
            Some(group) => group.2 = group.2.saturating_add(row.amount),
            None => groups.push((&row.key, &row.name, row.amount)),
        }
    }
    groups.sort_by(|one, other| (other.2, one.1).cmp(&(one.2, other.1)));
    let all: BTreeSet<&str> = rows.iter().filter_map(|row| row.period.as_deref()).collect();
    let mut periods: Vec<&str> = all.into_iter().collect();
    let cell = |group: (&str, &str), period: &str| {
        let row = rows.iter().find(|row| {
            row.period.as_deref() == Some(period) && (row.key.as_str(), row.name.as_str()) == group
        });
        row.map_or_else(|| "–".to_owned(), |row| money(row.amount, currency))
    };
    let widest = |period: &str| {
        let cells = groups.iter().map(|group| width(&cell((group.0, group.1), period)));
        cells.chain([width(period)]).max().unwrap_or(0)
    };
    let name_width = groups.iter().map(|group| width(group.1)).chain([title(by).len()]).max().unwrap_or(0);
    let name_width = if style.width.is_some() { name_width.min(LONGEST_NAME) } else { name_width };
    let before = periods.len();
    if let Some(screen) = style.width {
        while periods.len() > 1
            && name_width + periods.iter().map(|period| GAP + widest(period)).sum::<usize>() > screen
        {
            periods.remove(0);
        }
    }
    let mut text = String::new();
    let mut line = |name: &str, cells: Vec<String>, paint: Paint| {
        let name = cut(name, name_width);
        let mut line = format!("{name}{}", " ".repeat(name_width.saturating_sub(width(&name))));
        for (cell, period) in cells.iter().zip(&periods) {
            line.push_str(&" ".repeat(GAP + widest(period).saturating_sub(width(cell))));
            line.push_str(cell);
        }
        text.push_str(&style.paint(paint, line.trim_end()));
        text.push('\n');
    };
    line(title(by), periods.iter().map(|period| (*period).to_owned()).collect(), Paint::Quiet);
    for group in &groups {
        let cells = periods.iter().map(|period| cell((group.0, group.1), period)).collect();
        line(&super::clean(group.1), cells, Paint::Plain);
    }
    if periods.len() < before {
        let hidden = before - periods.len();
        text.push_str(&format!("{hidden} earlier periods have no room here; `-o csv` has all.\n"));
    }
    text
}

/// Between columns.
const GAP: usize = 2;

/// What a name may take on a screen; taste.
const LONGEST_NAME: usize = 24;

/// What a person must know to read the figure right.
fn notes(figures: &Figures, style: &Style) -> String {
    let mut notes = String::new();
    if let Some(compared) = &figures.compared {
        let with = match compared.with {
            Comparison::Average => "the average of the periods in ",
            Comparison::Previous | Comparison::Year => "",
        };
        let cut = match compared.days {
            Some(days) => format!(", of each the first {days} days, because this period is not over"),
            None => String::new(),
        };
        let period = days(compared.since, compared.until, style);
        let (total, difference) = (compared.total, figures.total.saturating_sub(compared.total));
        notes.push_str(&format!(
            "Compared with {with}{period}{cut}: {}, {}.\n",
            money(total, figures.currency),
            match difference {
                0 => "the same".to_owned(),
                more if more > 0 => format!("{} less than now", money(more, figures.currency)),
                less => format!("{} more than now", money(less.saturating_neg(), figures.currency)),
            }
        ));
    }
    if figures.left_out.count > 0 {
        notes.push_str(&format!(
            "Left out: {}, {} in all: excluded accounts and pots, and what you or the bank do not count.\n",
            counted(figures.left_out.count, "payment"),
            money(figures.left_out.amount, figures.currency)
        ));
    }
    for share in &figures.share {
        notes.push_str(&format!("Of {}, {} counts.\n", super::clean(&share.name), share.share));
    }
    notes
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `cashflow`
pub fn cashflow(cashflow: &Cashflow, style: &Style) -> String {
    let currency = cashflow.currency;
    let period = days(cashflow.since, cashflow.until, style);
    let mut text = style.paint(Paint::Strong, &format!("Cash flow, {period}"));
    text.push_str("\n\n");
    let (heading, rows) = match &cashflow.periods[..] {
        [] => ("NAME", &cashflow.accounts),
        _ => ("PERIOD", &cashflow.periods),
    };
    text.push_str(&flow_table(heading, rows, &cashflow.total, currency, style));
    text.push('\n');
    text.push_str(&identity(&cashflow.total, currency));
    let unknown: Vec<&str> = cashflow
        .accounts
        .iter()
        .filter(|row| row.opening.is_none() || row.closing.is_none())
        .map(|row| row.name.as_str())
        .collect();
    if !unknown.is_empty() {
        text.push_str(&format!(
            "Not in the total, because the balance is not known at both ends: {}.\n",
            super::clean(&unknown.join(", "))
        ));
    }
    text
}

fn flow_table(
    heading: &'static str,
    rows: &[CashflowRow],
    total: &CashflowRow,
    currency: Currency,
    style: &Style,
) -> String {
    let mut table = Table::new(&[
        (heading, Align::Flexible),
        ("OPENING", Align::Right),
        ("INCOME", Align::Right),
        ("SPENDING", Align::Right),
        ("TRANSFERS", Align::Right),
        ("LEFT OUT", Align::Right),
        ("UNEXPLAINED", Align::Right),
        ("CLOSING", Align::Right),
    ])
    .unless_empty(&["INCOME", "SPENDING", "TRANSFERS", "LEFT OUT", "UNEXPLAINED"]);
    let known = |minor: Option<i64>| minor.map_or_else(|| "?".to_owned(), |minor| money(minor, currency));
    let moved = |minor: i64| if minor == 0 { String::new() } else { money(minor, currency) };
    let plain = rows.iter().map(|row| (row, Paint::Plain));
    for (row, paint) in plain.chain([(total, Paint::Strong)]) {
        let name = row.period.clone().unwrap_or_else(|| row.name.clone());
        let name = if row.pot_id.is_some() { format!("  {name}") } else { name };
        table.painted([
            (&name, paint),
            (&known(row.opening), paint),
            (&moved(row.income), paint),
            (&moved(row.spending), paint),
            (&moved(row.transfers), paint),
            (&moved(row.left_out), paint),
            (&row.unexplained.map(moved).unwrap_or_default(), Paint::Note),
            (&known(row.closing), paint),
        ]);
    }
    table.take(style)
}

/// The sum in words: opening + income − spending and the rest = closing.
fn identity(total: &CashflowRow, currency: Currency) -> String {
    let (Some(opening), Some(closing), Some(unexplained)) = (total.opening, total.closing, total.unexplained)
    else {
        return String::new();
    };
    let mut text = format!(
        "{} + {} income - {} spending",
        money(opening, currency),
        money(total.income, currency),
        money(total.spending, currency)
    );
    for (minor, what) in
        [(total.transfers, "transfers"), (total.left_out, "left out"), (unexplained, "unexplained")]
    {
        if minor != 0 {
            let sign = if minor < 0 { '-' } else { '+' };
            text.push_str(&format!(" {sign} {} {what}", money(minor.saturating_abs(), currency)));
        }
    }
    format!("{text} = {}\n", money(closing, currency))
}

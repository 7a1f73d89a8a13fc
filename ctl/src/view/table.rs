//! Tables: columns aligned on the decimal point, cut to the screen where there is one, without borders.
//!
//! Widths only grow, so that a list that comes page by page is printed as it comes. Where a screen is too narrow for
//! the columns that are left, each row is a block of lines, a cell a line.

use super::style::{Paint, Style};
use super::text::{broken, clean, cut, width};

/// How a column is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// To the left, never cut.
    Left,
    /// To the right: amounts (one currency has the same digits everywhere) and counts.
    Right,
    /// To the left, cut first where the screen is narrow.
    Flexible,
}

/// One cell: its text and its colour.
#[derive(Debug, Clone)]
struct Cell {
    text: String,
    paint: Paint,
}

/// A table that is being written.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(&'static str, Align, usize)>,
    rows: Vec<Vec<Cell>>,
    headed: bool,
    spare: &'static [&'static str],
    hollow: &'static [&'static str],
    left_out: Vec<&'static str>,
    stacked: bool,
}

/// Spaces between columns.
const GAP: usize = 2;

/// What a flexible column keeps on the narrowest screen.
const LEAST: usize = 8;

/// What a flexible column should have before another column is left out for it; taste.
const EASY: usize = 16;

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.iter().map(|(title, align)| (*title, *align, width(title))).collect(),
            rows: Vec::new(),
            headed: false,
            spare: &[],
            hollow: &[],
            left_out: Vec::new(),
            stacked: false,
        }
    }

    /// The same, without these columns, the first of them first, where the screen is too narrow for all.
    pub fn sparing(mut self, titles: &'static [&'static str]) -> Self {
        self.spare = titles;
        self
    }

    /// The same, without those of these columns in which nothing stands.
    pub fn unless_empty(mut self, titles: &'static [&'static str]) -> Self {
        self.hollow = titles;
        self
    }

    /// Adds a row in plain ink.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.painted(cells.map(|text| (text, Paint::Plain)));
    }

    /// Adds a row.
    pub fn painted<const N: usize>(&mut self, cells: [(&str, Paint); N]) {
        debug_assert_eq!(N, self.columns.len(), "a row has as many cells as the table has columns");
        let row: Vec<Cell> =
            cells.into_iter().map(|(text, paint)| Cell { text: clean(text).into_owned(), paint }).collect();
        for (cell, column) in row.iter().zip(&mut self.columns) {
            column.2 = column.2.max(width(&cell.text));
        }
        self.rows.push(row);
    }

    /// No row is waiting to be printed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows since the last call as text, with the header before the first.
    pub fn take(&mut self, style: &Style) -> String {
        if !self.headed {
            self.leave_out(style.width);
        }
        let mut text = String::new();
        if self.stacked {
            for row in std::mem::take(&mut self.rows) {
                if std::mem::replace(&mut self.headed, true) {
                    text.push('\n');
                }
                self.block(&row, style, &mut text);
            }
            return text;
        }
        let widths = self.fitted(style.width);
        if !self.headed {
            self.headed = true;
            let header: Vec<Cell> = self
                .columns
                .iter()
                .map(|(title, ..)| Cell { text: (*title).to_owned(), paint: Paint::Quiet })
                .collect();
            self.line(&header, &widths, style, &mut text);
        }
        for row in std::mem::take(&mut self.rows) {
            self.line(&row, &widths, style, &mut text);
        }
        text
    }

    /// Decides, once for all pages, which columns are empty, or have no room on the screen.
    fn leave_out(&mut self, screen: Option<usize>) {
        for (index, (title, ..)) in self.columns.iter().enumerate() {
            if self.hollow.contains(title) && self.rows.iter().all(|row| row[index].text.is_empty()) {
                self.left_out.push(title);
            }
        }
        let Some(screen) = screen else { return };
        let hollow = self.left_out.len();
        for title in self.spare {
            if self.needs(EASY) <= screen {
                return;
            }
            self.left_out.push(title);
        }
        if self.needs(LEAST) > screen {
            self.stacked = true;
            self.left_out.truncate(hollow);
        }
    }

    /// What the columns need where flexible ones have `least` cells.
    fn needs(&self, least: usize) -> usize {
        let shown = self.columns.iter().filter(|(title, ..)| !self.left_out.contains(title));
        let needed = shown.map(|(_, align, width)| match align {
            Align::Flexible => GAP + (*width).min(least),
            Align::Left | Align::Right => GAP + width,
        });
        needed.sum::<usize>().saturating_sub(GAP)
    }

    /// One row as lines: title and value; what has no title goes with the value after it.
    fn block(&self, row: &[Cell], style: &Style, text: &mut String) {
        let cells = || row.iter().zip(&self.columns).filter(|(cell, _)| !cell.text.is_empty());
        let margin = cells().map(|(_, (title, ..))| width(title)).max().unwrap_or(0);
        let mut values: Vec<&Cell> = Vec::new();
        for (cell, (title, ..)) in cells() {
            values.push(cell);
            if !title.is_empty() {
                entry(title, &std::mem::take(&mut values), margin, style, text);
            }
        }
        if !values.is_empty() {
            entry("", &values, margin, style, text);
        }
    }

    /// Widths that fit the screen: the widest flexible column gives first.
    fn fitted(&self, screen: Option<usize>) -> Vec<usize> {
        let width = |(title, _, width): &(&'static str, Align, usize)| {
            if self.left_out.contains(title) { 0 } else { *width }
        };
        let mut widths: Vec<usize> = self.columns.iter().map(width).collect();
        let Some(screen) = screen else { return widths };
        let gaps = GAP * (widths.len() - self.left_out.len()).saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > screen {
            let widest = (0..widths.len())
                .filter(|index| self.columns[*index].1 == Align::Flexible && widths[*index] > LEAST)
                .max_by_key(|index| widths[*index]);
            let Some(widest) = widest else { break };
            widths[widest] -= 1;
        }
        widths
    }

    fn line(&self, cells: &[Cell], widths: &[usize], style: &Style, text: &mut String) {
        let left_out = |index: usize| self.left_out.contains(&self.columns[index].0);
        let last = (0..cells.len()).rfind(|index| !left_out(*index) && !cells[*index].text.is_empty());
        let last = last.unwrap_or(0);
        for (index, cell) in cells.iter().enumerate().take(last + 1) {
            if left_out(index) {
                continue;
            }
            let (align, cells) = (self.columns[index].1, widths[index]);
            let shown = if align == Align::Flexible { cut(&cell.text, cells) } else { (&*cell.text).into() };
            let padding = " ".repeat(cells.saturating_sub(width(&shown)));
            let painted = style.paint(cell.paint, &shown);
            if index > 0 {
                text.push_str(&" ".repeat(GAP));
            }
            match align {
                Align::Right => text.extend([padding, painted]),
                Align::Left | Align::Flexible if index == last => text.push_str(&painted),
                Align::Left | Align::Flexible => text.extend([painted, padding]),
            }
        }
        text.push('\n');
    }
}

/// A title and its value: beside it, or on lines of their own where it does not fit there.
fn entry(title: &str, values: &[&Cell], margin: usize, style: &Style, text: &mut String) {
    let plain = values.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" ");
    let label = style.paint(Paint::Quiet, title);
    let screen = style.width.unwrap_or(usize::MAX);
    if margin + GAP + width(&plain) <= screen {
        let gap = " ".repeat(margin - width(title) + GAP);
        let painted: Vec<String> = values.iter().map(|cell| style.paint(cell.paint, &cell.text)).collect();
        text.push_str(&format!("{label}{gap}{}\n", painted.join(" ")));
        return;
    }
    if !title.is_empty() {
        text.push_str(&format!("{label}\n"));
    }
    let paint = values.last().map_or(Paint::Plain, |cell| cell.paint);
    for line in broken(&plain, screen.saturating_sub(GAP).max(1)) {
        text.push_str(&format!("{}{}\n", " ".repeat(GAP), style.paint(paint, &line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::style;

    fn example() -> Table {
        let mut table =
            Table::new(&[("NAME", Align::Left), ("BALANCE", Align::Right), ("WHAT", Align::Flexible)]);
        table.row(["Current", "£1,234.56", "a rather long description of it"]);
        table.row(["Joint", "-£0.05", "\x1b[2Jshort"]);
        table
    }

    #[test]
    fn amounts_align_on_the_point_and_nothing_is_cut_off_a_terminal() {
        insta::assert_snapshot!(example().take(&style(None)), @r"
        NAME       BALANCE  WHAT
        Current  £1,234.56  a rather long description of it
        Joint       -£0.05  [2Jshort
        ");
    }

    #[test]
    fn a_narrow_screen_cuts_descriptions_only() {
        insta::assert_snapshot!(example().take(&style(Some(34))), @r"
        NAME       BALANCE  WHAT
        Current  £1,234.56  a rather long…
        Joint       -£0.05  [2Jshort
        ");
    }

    #[test]
    fn a_later_page_has_no_second_header_and_keeps_the_widths() {
        let mut table = example();
        table.take(&style(None));
        table.row(["Pot", "£1.00", "x"]);
        insta::assert_snapshot!(table.take(&style(None)), @"Pot          £1.00  x");
    }

    #[test]
    fn a_narrow_screen_goes_without_what_can_be_spared() {
        let narrow = |cells| example().sparing(&["WHAT", "BALANCE"]).take(&style(Some(cells)));
        assert!(narrow(36).lines().all(|line| width(line) <= 36), "{}", narrow(36));
        insta::assert_snapshot!(narrow(30), @r"
        NAME       BALANCE
        Current  £1,234.56
        Joint       -£0.05
        ");
        insta::assert_snapshot!(narrow(12), @r"
        NAME
        Current
        Joint
        ");
    }

    #[test]
    fn on_a_screen_too_narrow_for_its_columns_each_row_is_a_block() {
        let mut table = Table::new(&[
            ("NAME", Align::Left),
            ("", Align::Left),
            ("BALANCE", Align::Right),
            ("", Align::Flexible),
        ]);
        table.row(["Current", "→", "£1,234.56", "a note"]);
        table.row(["👨‍👩‍👧 a family's long account", "", "-£0.05", ""]);
        insta::assert_snapshot!(table.take(&style(Some(20))), @r"
        NAME     Current
        BALANCE  → £1,234.56
                 a note

        NAME
          👨‍👩‍👧 a family's long
          account
        BALANCE  -£0.05
        ");
    }

    #[test]
    fn an_empty_table_is_its_header() {
        assert_eq!(Table::new(&[("A", Align::Left)]).take(&style(None)), "A\n");
    }
}

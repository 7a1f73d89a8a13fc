//! Charts in a terminal: bars and lines from block characters.

/// Eighths of a cell, from empty to full.
const EIGHTHS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Columns from empty to full.
const COLUMNS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of `part` in `whole`, in `cells` cells with its padding.
pub(super) fn bar(part: usize, whole: usize, cells: usize) -> String {
    let eighths = part.min(whole) * cells * 8 / whole.max(1);
    let full = eighths / 8;
    let mut text = "█".repeat(full);
    text.push_str(EIGHTHS[eighths % 8]);
    let used = full + usize::from(!eighths.is_multiple_of(8));
    text.push_str(&" ".repeat(cells.saturating_sub(used)));
    text
}

/// A chart of values over equal steps, `width` columns by `height` lines; the last value of each column counts.
///
/// The lowest value stands on the lowest line, the highest fills the highest.
pub(super) fn area(values: &[i64], width: usize, height: usize) -> Vec<String> {
    let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else { return Vec::new() };
    let width = width.clamp(1, values.len());
    let steps = i128::try_from(height * 8).unwrap_or(8);
    let range = (i128::from(*high) - i128::from(*low)).max(1);
    let level = |column: usize| -> usize {
        let last = (column + 1) * values.len() / width - 1;
        let above = i128::from(values[last]) - i128::from(*low);
        // At least an eighth, so that the lowest point can be seen.
        usize::try_from((above * (steps - 1) / range) + 1).unwrap_or(1)
    };
    let levels: Vec<usize> = (0..width).map(level).collect();
    (0..height)
        .rev()
        .map(|line| levels.iter().map(|level| COLUMNS[level.saturating_sub(line * 8).min(8)]).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_in_eighths() {
        assert_eq!(bar(45, 100, 10), "████▌     ");
        assert_eq!(bar(0, 100, 4), "    ");
        assert_eq!(bar(500, 100, 4), "████");
        assert_eq!(bar(1, 0, 4), "    ");
    }

    #[test]
    fn an_area_reaches_from_the_lowest_to_the_highest_value() {
        insta::assert_snapshot!(area(&[0, 10, 20, 30, 40, 20, 0, -10], 8, 3).join("\n"), @r"
           ▃█   
         ▂▆██▆  
        ▅█████▅▁
        ");
        assert_eq!(area(&[5, 5, 5], 10, 1), ["▁▁▁"]);
        assert!(area(&[], 10, 2).is_empty());
        assert_eq!(area(&[i64::MIN, i64::MAX], 2, 1), ["▁█"]);
    }
}

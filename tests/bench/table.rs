//! The table: what was measured, and how it compares with something else in the same run.

use std::fmt;
use std::time::Duration;

/// A ratio of two measurements of one run.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    pub value: f64,
    /// What it is meant to be at most.
    pub goal: f64,
    /// From here on something is wrong, however busy the machine is.
    pub far_off: f64,
}

impl Ratio {
    pub fn of(one: Duration, other: Duration, goal: f64, far_off: f64) -> Self {
        Self { value: one.as_secs_f64() / other.as_secs_f64().max(f64::EPSILON), goal, far_off }
    }
}

struct Line {
    what: String,
    measured: String,
    ratio: Option<Ratio>,
}

#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    pub fn add(&mut self, what: impl Into<String>, measured: impl Into<String>, ratio: Option<Ratio>) {
        let line = Line { what: what.into(), measured: measured.into(), ratio };
        eprint_line(&line);
        self.0.push(line);
    }

    pub fn time(&mut self, what: impl Into<String>, measured: Duration, ratio: Option<Ratio>) {
        self.add(what, milliseconds(measured), ratio);
    }

    /// A ratio is so far off that it is no matter of the machine.
    pub fn far_off(&self) -> bool {
        self.0.iter().filter_map(|line| line.ratio).any(|ratio| ratio.value > ratio.far_off)
    }
}

/// Progress, for who waits.
#[expect(clippy::print_stderr, reason = "a person waits for minutes")]
fn eprint_line(line: &Line) {
    eprintln!("measured: {}", line.what);
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|line| line.what.len()).max().unwrap_or_default();
        writeln!(f, "{:width$}  {:>14}  {:>7}  {:>7}", "", "measured", "ratio", "goal")?;
        for Line { what, measured, ratio } in &self.0 {
            write!(f, "{what:width$}  {measured:>14}")?;
            if let Some(Ratio { value, goal, far_off }) = ratio {
                let verdict = match value {
                    value if value > far_off => "  FAR OFF",
                    value if value > goal => "  missed",
                    _ => "",
                };
                write!(f, "  {value:>6.2}x  {goal:>6.2}x{verdict}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

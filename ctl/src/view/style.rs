//! How a text may look: colours, the width to keep to, and the place whose time is shown.

use crate::daemon_time::DaemonTime;

/// What a view may use.
#[derive(Debug, Clone)]
pub struct Style {
    /// Colours and weights are welcome.
    pub colour: bool,
    /// Columns of the screen; nothing is cut without one.
    pub width: Option<usize>,
    /// Whose clock and zone.
    pub time: DaemonTime,
}

/// A colour or weight, by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Headings and names.
    Strong,
    /// What matters less.
    Quiet,
    /// All is well; money in.
    Good,
    /// Worth knowing.
    Note,
    /// Something is wrong.
    Bad,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Quiet => "2",
            Self::Good => "32",
            Self::Note => "33",
            Self::Bad => "31",
        }
    }
}

impl Style {
    /// The text in a colour, where colours are welcome.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if self.colour && paint != Paint::Plain && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", paint.code())
        } else {
            text.to_owned()
        }
    }
}

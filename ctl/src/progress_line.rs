//! The moving line of long waits: a bar on a screen, a plain line a phase elsewhere, nothing when quiet.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use monzo_common::model::{Progress, SyncPhase};

use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// How fast the spinner turns; taste.
const TURN: Duration = Duration::from_millis(120);

/// A wait without a measure.
const SPINNER: &str = "{spinner} {wide_msg}";

/// A wait that is measured in windows.
const BAR: &str = "{bar:20} {wide_msg}";

/// A wait with words that change.
pub struct ProgressLine {
    bar: Option<ProgressBar>,
    said: Option<String>,
    phase: Option<SyncPhase>,
}

impl ProgressLine {
    /// Nothing is drawn before the first word.
    pub fn begin(session: &Session) -> Self {
        let bar = (session.terminal.err_is_screen && !session.global.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            restyle(&bar, SPINNER);
            bar
        });
        Self { bar, said: None, phase: None }
    }

    /// Words without a measure.
    pub fn say(&mut self, session: &mut Session, words: &str) -> Result<(), Failure> {
        if self.said.as_deref() == Some(words) {
            return Ok(());
        }
        self.said = Some(words.to_owned());
        let Some(bar) = &self.bar else { return session.note(words) };
        restyle(bar, SPINNER);
        bar.set_message(view::clean(words).into_owned());
        bar.enable_steady_tick(TURN);
        Ok(())
    }

    /// How far a sync has come.
    pub fn show(&mut self, session: &mut Session, progress: &Progress) -> Result<(), Failure> {
        let words = view::headline(progress);
        let Some(bar) = &self.bar else {
            let new = self.phase.replace(progress.phase) != Some(progress.phase);
            let worth = new && progress.phase != SyncPhase::Ended;
            return if worth { session.note(&words) } else { Ok(()) };
        };
        if progress.windows > 0 {
            restyle(bar, BAR);
            bar.set_length(progress.windows.into());
            bar.set_position(progress.windows_done.into());
        } else {
            restyle(bar, SPINNER);
        }
        bar.set_message(view::clean(&words).into_owned());
        bar.enable_steady_tick(TURN);
        Ok(())
    }
}

fn restyle(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ ").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    }
}

impl Drop for ProgressLine {
    /// An interrupt leaves no half line behind either.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! The guided tour: the real daemon and the real client against the simulated bank, from the login to a first look
//! around.
//!
//! Every command is printed as a person would type it, and then its real output. A step that does not do what it
//! should ends the tour with a reason and a code other than zero.

mod guide;
mod interrupt;
mod proof;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::bank::{Bank, Settings};
use crate::control::Spend;
use crate::home::{Home, Program};
use crate::http;
use guide::Guide;
use interrupt::Interrupt;

/// The simulated person approves in the app so long after signing in. Taste: long enough to be seen.
const APPROVES_AFTER: Duration = Duration::from_millis(1500);

/// How the tour is made.
#[derive(Debug, Clone, Copy)]
pub struct Tour {
    /// The life is made from this seed.
    pub seed: u64,
    /// End when everything has been shown, even on a terminal.
    pub only: bool,
}

/// Somebody ended the tour before its end; nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[error("the tour was interrupted")]
pub struct Interrupted;

/// The programs, which are this one again under other names, so that one build serves.
pub const MONZOD: &str = "monzod";
/// As [`MONZOD`].
pub const MONZOCTL: &str = "monzoctl";

impl Tour {
    /// Shows everything, and on a terminal goes on until it is interrupted.
    ///
    /// Whatever ends it, the daemon is stopped and the directory removed.
    ///
    /// # Errors
    /// What did not do what it should; [`Interrupted`], if somebody ended it.
    pub fn run(self) -> anyhow::Result<()> {
        let interrupt = Interrupt::listen().context("signals cannot be heard")?;
        let itself = std::env::current_exe().context("this program cannot find itself")?;
        let program = |name: &str| Program::new(&itself).with(name);
        let home =
            Home::new(program(MONZOD), program(MONZOCTL)).context("no room for a temporary directory")?;
        let now = monzod::clock::Clock::system().now();
        let settings = Settings {
            seed: self.seed,
            lively: true,
            approve_after: Some(APPROVES_AFTER),
            ..Settings::new(now)
        };
        let served = http::serve(Bank::new(settings), ([127, 0, 0, 1], 0).into())
            .context("the bank cannot be served")?;
        home.configure(&served.url, AT_ANY_HOUR).context("the configuration cannot be written")?;

        let guide = Guide::begin(&home, interrupt)?;
        guide.say("A simulated Monzo with three years of a life in it, a real monzod in a temporary directory, and the")?;
        guide.say("real monzoctl. Nothing here is yours, and nothing leaves this machine.")?;
        guide.show(&["status"], 7)?;

        guide.say("Not logged in yet. You would open the address in a browser and approve in the Monzo app; here both")?;
        guide.say("are done for you. Then the whole history is read while the bank's five minutes run.")?;
        guide.log_in(|address| Ok(served.bank().sign_in(address, None, None)?))?;
        let rows = proof::same_ledger(&guide, &served)?;
        guide.say(&format!(
            "Compared with the bank's own books: all {rows} transactions of the accounts are here, to the penny."
        ))?;

        guide.show(&["status"], 0)?;
        guide.show(&["pots"], 0)?;
        guide.show(&["transactions", "--limit", "12"], 0)?;
        guide.show(&["transactions", "--pot", "Bills", "--since", "60d", "--limit", "8"], 0)?;
        guide.show(&["balance", "Personal", "--history", "--period", "30d"], 0)?;

        guide
            .say("What went out last month, beside the month before, and what explains every penny of it:")?;
        guide.show(&["spending", "--period", "last-month", "--compare"], 0)?;
        guide.show(&["cashflow", "--period", "last-month"], 0)?;

        let paid = served.bank().spend(&Spend { merchant: None, amount: Some(420), ..Spend::default() })?;
        guide.say("You buy a coffee for £4.20. Monzo tells nobody; the next sync finds it.")?;
        guide.show(&["sync"], 0)?;
        let id = paid.first().context("the bank has no coffee")?;
        guide.show(&["show", id], 0)?;
        let rows = proof::same_ledger(&guide, &served)?;
        guide.say(&format!("Again the same as the bank's books: {rows} transactions."))?;

        sorter(&guide, &home)?;
        let rows = proof::same_ledger(&guide, &served)?;
        guide.say(&format!(
            "What was moved is in the ledger: still the same {rows} transactions as the bank's."
        ))?;

        guide.show(&["sync", "history"], 0)?;
        guide.show(&["verify"], 0)?;
        guide.show(&["backup", "history.db"], 0)?;
        guide.show(&["backup", "list"], 0)?;
        if std::io::stdout().is_terminal() && !self.only {
            guide.say("That is the tour. The daemon goes on until you press Ctrl-C; in another terminal:")?;
            guide.say(&format!("  {} status --watch", home.invitation()))?;
            guide.stay();
        }
        ensure!(guide.end()?.success(), "the daemon did not stop cleanly");
        writeln!(std::io::stdout(), "The tour is over, and nothing of it is left on this machine.")?;
        Ok(())
    }
}

/// Whoever takes the tour at night sees money move too: the quiet hours would hold it back until the morning.
const AT_ANY_HOUR: &str = "[autosort]\nquiet_hours = []\n";

/// The autosorter: what the ledger suggests, what that would do, a run by hand, and everything back again.
fn sorter(guide: &Guide<'_>, home: &Home) -> anyhow::Result<()> {
    guide.say(
        "The ledger knows when you are paid and what your bills cost, and suggests how to sort your pay.",
    )?;
    guide.type_(&["sort", "suggest", "payday"])?;
    let rules = guide.ask(&["sort", "suggest", "payday"])?;
    std::io::stdout().write_all(&rules)?;
    std::fs::write(home.path("etc/conf.d/payday.toml"), rules).context("the rule cannot be saved")?;
    guide.say("Saved in the configuration's conf.d. Nothing moves before you say so.")?;
    guide.show(&["config", "reload"], 0)?;
    guide.show(&["payday"], 0)?;
    guide.show(&["bills", "--next", "30d"], 0)?;
    guide.show(&["sort", "plan", "payday", "--at", "next-payday"], 0)?;
    guide.say(
        "That is as money stands today. A rule can be run at any time, too; it says what is different then:",
    )?;
    guide.show(&["sort", "run", "payday", "--yes"], 0)?;
    guide.show(&["sync"], 0)?;
    guide.show(&["sort", "transfers"], 0)?;
    guide.say("Every transfer was found in the ledger. Money moves by hand the same way, and back again:")?;
    guide.show(&["move", "£25", "Personal", "Holiday", "--yes"], 0)?;
    let history: serde_json::Value = serde_json::from_slice(&guide.ask(&["sort", "history", "--json"])?)?;
    let run = history["runs"][0]["id"].as_str().context("no run is kept")?;
    guide.show(&["sort", "undo", run, "--yes"], 0)?;
    guide.show(&["sync"], 0)
}

//! What each command does: fetch, then view; one file a noun.

use crate::args::{Command, Events, NotifyCommand, PotsCommand, SortCommand, Status, Sync};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;
use withdraw::Withdrawn;

mod access;
mod accounts;
mod amount;
mod approval;
mod atomic_file;
mod backup;
mod balance;
mod bills;
mod browser;
mod calendar_file;
mod complete;
mod config;
mod events;
mod follow;
mod insight;
mod login;
mod manual;
mod notify;
mod rpc;
mod run;
mod setup;
mod sign_in;
mod sort;
mod status;
mod sync;
mod transactions;
mod transfer;
mod why;
mod withdraw;

/// Does what was asked.
pub async fn run(command: &Command, session: &mut Session) -> Result<Exit, Failure> {
    match command {
        Command::Status(args) => status::run(args, session).await,
        Command::Accounts(args) => accounts::accounts(args, session).await,
        Command::Pots(args) => match &args.command {
            None => accounts::pots(session).await,
            Some(PotsCommand::Discover { pot, no_wait }) => why::discover(pot, *no_wait, session).await,
        },
        Command::Balance(args) => balance::run(args, session).await,
        Command::Transactions(args) => transactions::transactions(args, session).await,
        Command::Show(args) => transactions::show(args, session).await,
        Command::Spending(args) => insight::spending(args, session).await,
        Command::Income(args) => insight::income(args, session).await,
        Command::Cashflow(args) => insight::cashflow(args, session).await,
        Command::Sync(args) => sync::run(args, session).await,
        Command::Sort(command) => sort::sort(command, session).await,
        Command::Move(args) => transfer::move_money(args, session).await,
        Command::Why(args) => why::why(args, session).await,
        Command::Bills(args) => bills::run(args, session).await,
        Command::Payday(args) => why::payday(args, session).await,
        Command::Exclude(args) => accounts::exclude(args, session).await,
        Command::Events(args) => events::events(args, session).await,
        Command::Ack(args) => events::ack(args, session).await,
        Command::Notify(NotifyCommand::Test) => notify::test(session).await,
        Command::Setup(args) => setup::run(args, session).await,
        Command::Login(args) => login::login(args, session).await,
        Command::Logout => login::logout(session).await,
        Command::Whoami => login::whoami(session).await,
        Command::Access(command) => access::run(command, session).await,
        Command::Backup(args) => backup::backup(args, session).await,
        Command::Verify(args) => backup::verify(args, session).await,
        Command::Restore(args) => backup::restore(args, session).await,
        Command::Config(command) => config::run(command, session).await,
        Command::Rpc(args) => rpc::run(args, session).await,
        Command::Completions(args) => complete::completions(args, session),
        Command::Complete(args) => complete::names(args, session).await,
        Command::Man(args) => manual::run(args, session),
    }
}

/// Sees to what a command has left when it ended: a question without an answer is a no, and a run that was asked for
/// and not approved is withdrawn. Answers how the command ended with that.
pub async fn leave(ended: Result<Exit, Failure>, session: &mut Session) -> Result<Exit, Failure> {
    let interrupted = matches!(ended, Err(Failure::Interrupted(_)));
    let mut unanswered = session.unanswered.take();
    if let Some(run) = session.unapproved.take() {
        match withdraw::withdraw(&run, session).await {
            Withdrawn::Ended => {}
            Withdrawn::Approved if interrupted => {
                let id = view::clean(&run.id);
                let hint =
                    format!("{id} was approved already and goes on; `monzoctl sort cancel {id}` ends it");
                return Err(Failure::Interrupted(Some(hint)));
            }
            Withdrawn::Approved => {}
            Withdrawn::Unknown(why) => session.note(&withdraw::warning(&run, &why))?,
        }
        unanswered = unanswered.or_else(|| Some(run::UNMOVED.to_owned()));
    }
    match unanswered {
        Some(no) if interrupted => Err(Failure::Unanswered(no)),
        _ => ended,
    }
}

/// Whether a command goes on until it is interrupted, so that this is how it is meant to end.
pub fn endless(command: &Command) -> bool {
    matches!(
        command,
        Command::Status(Status { watch: true, .. }) | Command::Events(Events { follow: true, .. })
    )
}

/// What goes on although the client is interrupted.
pub fn goes_on(command: &Command) -> Option<&'static str> {
    match command {
        Command::Login(_) => Some("the login goes on in the daemon; `monzoctl login` waits for it again"),
        Command::Sync(Sync { command: None, .. }) => {
            Some("the sync goes on; `monzoctl sync` joins it, `monzoctl sync cancel` ends it")
        }
        Command::Move(_)
        | Command::Sort(
            SortCommand::Run(_) | SortCommand::Approve(_) | SortCommand::Cancel(_) | SortCommand::Undo(_),
        ) => Some("what was approved goes on; `monzoctl sort history` shows how it stands"),
        Command::Restore(_) => {
            Some("if you had agreed to it, the restore goes on; `monzoctl status` says how it ended")
        }
        _ => None,
    }
}

/// The exit code of a failed command; `status` promises 0, 3 or 7 only, so that monitors need no other.
pub fn exit(command: &Command, exit: Exit) -> Exit {
    match (command, exit) {
        (Command::Status(_), Exit::Done | Exit::Interrupted) => exit,
        (Command::Status(_), _) => Exit::Unreachable,
        _ => exit,
    }
}

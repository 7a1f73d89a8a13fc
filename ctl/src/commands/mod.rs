//! What each command does: fetch, then view; one file a noun.

use crate::args::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

mod accounts;
mod status;

/// Does what was asked.
pub async fn run(command: &Command, session: &mut Session) -> Result<Exit, Failure> {
    match command {
        Command::Status(args) => status::run(args, session).await,
        Command::Accounts(args) => accounts::accounts(args, session).await,
        Command::Pots => accounts::pots(session).await,
        Command::Exclude(args) => accounts::exclude(args, session).await,
    }
}

/// What goes on although the client is interrupted.
pub fn goes_on(_command: &Command) -> Option<&'static str> {
    None
}

/// The exit code of a failed command; `status` promises 0, 3 or 7 only, so that monitors need no other.
pub fn exit(command: &Command, exit: Exit) -> Exit {
    match (command, exit) {
        (Command::Status(_), Exit::Done | Exit::Interrupted) => exit,
        (Command::Status(_), _) => Exit::Unreachable,
        _ => exit,
    }
}

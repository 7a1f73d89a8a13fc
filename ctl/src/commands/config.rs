//! `config check`, `config show` and `config reload`.

use std::fs;
use std::path::Path;

use monzo_common::api::ApiClient;

use crate::args::ConfigCommand;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::{self, columns};

/// `config`
pub(super) async fn run(command: &ConfigCommand, session: &mut Session) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Check { file } => check(file.as_deref(), session).await,
        ConfigCommand::Show { origin } => show(*origin, session).await,
        ConfigCommand::Reload => reload(session).await,
    }
}

async fn check(file: Option<&Path>, session: &mut Session) -> Result<Exit, Failure> {
    let (name, text) = match file {
        None => (None, None),
        Some(file) => {
            let name = file.display().to_string();
            let text = fs::read_to_string(file).map_err(|error| {
                Failure::local(format!("{name} cannot be read"), error, "name a file that you may read")
            })?;
            (Some(name), Some(text))
        }
    };
    let daemon = session.connect().await?;
    let report = daemon.client.check(name, text).await?;
    let look = session.look(&daemon.here);
    session.thing("report", &report, || view::report(&report, &look))?;
    Ok(if report.sound { Exit::Done } else { Exit::Problems })
}

async fn show(origin: bool, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let entries = daemon.client.config().await?;
    let look = session.look(&daemon.here);
    session.list("config", columns::ENTRY, &entries, || view::entries(&entries, origin, &look))?;
    Ok(Exit::Done)
}

async fn reload(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let reload = daemon.client.reload().await?;
    let look = session.look(&daemon.here);
    session.thing("reload", &reload, || view::reload(&reload, &look))?;
    Ok(Exit::Done)
}

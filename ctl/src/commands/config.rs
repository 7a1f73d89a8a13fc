//! `config check`, `config show` and `config reload`.

use std::fs;
use std::path::Path;

use monzo_common::api::client::*;

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
    let style = session.look(&daemon.time);
    session.print_one("report", &report, || view::report(&report, &style))?;
    Ok(if report.sound { Exit::Done } else { Exit::Problems })
}

async fn show(origin: bool, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let entries = daemon.client.config().await?;
    let style = session.look(&daemon.time);
    session.print_list("config", columns::ENTRY, &entries, || view::entries(&entries, origin, &style))?;
    Ok(Exit::Done)
}

async fn reload(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let reload = daemon.client.reload().await?;
    let style = session.look(&daemon.time);
    session.print_one("reload", &reload, || view::reload(&reload, &style))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use monzo_common::fault::FaultKind;
    use monzo_common::model::{
        ConfigChange, ConfigChangeKind, ConfigEntry, ConfigProblem, ConfigReload, ConfigReport,
    };

    use super::*;
    use crate::fake::Fake;

    fn report(problems: Vec<ConfigProblem>) -> ConfigReport {
        ConfigReport {
            files: vec!["/etc/monzod/monzod.toml".into()],
            sound: problems.is_empty(),
            problems,
            notes: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_file_is_read_by_whoever_asks_and_checked_by_the_daemon() {
        let problem = ConfigProblem {
            file: "mine.toml".into(),
            line: Some(2),
            column: Some(1),
            message: "unknown key ‘intervall’".into(),
            hint: Some("did you mean ‘interval’?".into()),
        };
        let fake = Fake::new().says_in_turn("system.check", &[report(vec![problem]), report(Vec::new())]);
        let file = fake.file("mine.toml");
        fs::write(&file, "[sync]\nintervall = \"6h\"\n").expect("a file");
        insta::assert_snapshot!(fake.run(&["config", "check", &file.display().to_string()], "").await, @r"
        exit 7
        --- out
        ✗ mine.toml:2:1: unknown key ‘intervall’
          → did you mean ‘interval’?
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["config", "check"], "").await, @r"
        exit 0
        --- out
        OK: /etc/monzod/monzod.toml
        --- err
        ");
        assert!(fake.calls().contains(r#""text":"[sync]\nintervall = \"6h\"\n"}"#), "{}", fake.calls());
        let ran = fake.run(&["config", "check", "/no/such/file"], "").await;
        assert_eq!(ran.exit, Exit::Failed, "{ran}");
    }

    #[tokio::test]
    async fn the_configuration_is_shown_and_reloaded() {
        let entry = |key: &str, value: &str, origin: &str| ConfigEntry {
            key: key.into(),
            value: value.into(),
            origin: origin.into(),
        };
        let change = |key: &str, live, change| ConfigChange { key: key.into(), live, change };
        let fake = Fake::new()
            .says(
                "system.config",
                &[entry("sync.interval", "6h", "default"), entry("time.zone", "UTC", "a.toml:2")],
            )
            .says(
                "system.reload",
                &ConfigReload {
                    changes: vec![
                        change("sync.interval", true, ConfigChangeKind::Changed),
                        change("rpc.socket", false, ConfigChangeKind::Changed),
                        change("autosort.rule.payday", true, ConfigChangeKind::Removed),
                        change("payday.main", true, ConfigChangeKind::Added),
                    ],
                    files: vec!["a.toml".into()],
                },
            );
        insta::assert_snapshot!(fake.run(&["config", "show", "--origin"], "").await, @r#"
        exit 0
        --- out
        sync.interval = "6h"  # default
        time.zone = "UTC"     # a.toml:2
        --- err
        "#);
        insta::assert_snapshot!(fake.run(&["config", "show", "-o", "csv"], "").await, @r"
        exit 0
        --- out
        key,value,origin
        sync.interval,6h,default
        time.zone,UTC,a.toml:2
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["config", "reload"], "").await, @r"
        exit 0
        --- out
        sync.interval: changed
        rpc.socket: changed, in force after a restart
        rule payday: removed
        payday main: added
        --- err
        ");
        let fake = fake.fails(
            "system.reload",
            FaultKind::ConfigInvalid,
            "a.toml:2:1: unknown key",
            "monzoctl config check",
        );
        insta::assert_snapshot!(fake.run(&["config", "reload"], "").await, @r"
        exit 1
        --- out
        --- err
        error: a.toml:2:1: unknown key
        try: monzoctl config check
        ");
    }
}

//! `man`: the manual, generated from the command line's types.

use std::fs;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::{self, Cli};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// `man`
pub(super) fn run(args: &args::Man, session: &mut Session) -> Result<Exit, Failure> {
    if let Some(directory) = &args.dir {
        let unwritable = |error| {
            Failure::local(
                format!("the pages cannot be written to {}", directory.display()),
                error,
                "choose another directory",
            )
        };
        fs::create_dir_all(directory).map_err(unwritable)?;
        clap_mangen::generate_to(Cli::command(), directory).map_err(unwritable)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    if !session.terminal.read_through("man", &["-l", "-"], &page) {
        session.print(&page)?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use crate::exit::Exit;
    use crate::fake::Fake;

    #[tokio::test]
    async fn the_manual_is_one_page_or_a_page_a_command() {
        let fake = Fake::new();
        let ran = fake.run(&["man"], "").await;
        assert!(String::from_utf8_lossy(&ran.out).contains(".TH monzoctl 1"), "{ran}");
        let directory = fake.file("man");
        let ran = fake.run(&["man", "--dir", &directory.display().to_string()], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        for page in ["monzoctl.1", "monzoctl-login.1", "monzoctl-sync-history.1", "monzoctl-access-add.1"] {
            assert!(directory.join(page).exists(), "{page}");
        }
        assert!(!directory.join("monzoctl-__complete.1").exists());
    }
}

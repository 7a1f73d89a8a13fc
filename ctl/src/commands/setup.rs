//! `setup`: the OAuth client that the person made at the bank, and who may operate the daemon.

use monzo_common::api::client::*;
use monzo_common::model::Role;

use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// What a client id begins with (monzo/README.md, Clients and sign-in).
const ID_BEGINS: &str = "oauth2client_";

/// What the secret of a client without refresh tokens holds (monzo/README.md, Clients and sign-in).
const NOT_CONFIDENTIAL: &str = "mnzpub";

/// What is said where a question of it is not answered.
const UNCHANGED: &str = "Nothing was set up.";

/// The redirect URL of a daemon that does not say.
const USUAL_REDIRECT: &str = "http://localhost:21853/oauth/callback";

/// `setup`
pub(super) async fn run(args: &args::Setup, session: &mut Session) -> Result<Exit, Failure> {
    if let Some(id) = &args.client_id {
        fit_id(id)?;
    }
    let daemon = session.connect().await?;
    if args.client_id.is_none() {
        session.note(&view::setup_advice(&redirect_url(&daemon).await?))?;
    }
    let id = match &args.client_id {
        Some(id) => id.clone(),
        None => session.question("Client id:", UNCHANGED).await?.trim().to_owned(),
    };
    fit_id(&id)?;
    let secret = if args.secret_stdin {
        session.terminal.line().await?.ok_or_else(|| {
            Failure::usage("standard input ended before the secret", "write it there as one line")
        })?
    } else {
        session.secret("Client secret (not shown):", UNCHANGED).await?
    };
    let secret = secret.trim();
    fit_secret(secret)?;
    let done = daemon.client.configure(id, secret.to_owned()).await?;
    session.print_one("configured", &done, || view::configured(&done))?;
    operator(&daemon, session).await?;
    session.note("Next: `monzoctl login`")?;
    Ok(Exit::Done)
}

async fn redirect_url(daemon: &Daemon) -> Result<String, Failure> {
    let entries = daemon.client.config().await?;
    let entry = entries.into_iter().find(|entry| entry.key == "monzo.redirect_url");
    let url = entry.and_then(|entry| entry.value.as_str().map(str::to_owned));
    Ok(url.unwrap_or_else(|| USUAL_REDIRECT.to_owned()))
}

fn fit_id(id: &str) -> Result<(), Failure> {
    let rest = id.strip_prefix(ID_BEGINS).unwrap_or_default();
    if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Failure::usage(
            format!("‘{id}’ is no client id: it begins with {ID_BEGINS}"),
            "copy it from developers.monzo.com, Clients",
        ));
    }
    Ok(())
}

fn fit_secret(secret: &str) -> Result<(), Failure> {
    if secret.contains(NOT_CONFIDENTIAL) {
        return Err(Failure::usage(
            "this is the secret of a client that is not confidential; it gets no refresh tokens, so that the login would end within hours",
            "make a client with “Confidentiality: Confidential” at developers.monzo.com, and give its id and secret",
        ));
    }
    if secret.is_empty() || !secret.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::usage(
            "the secret is empty or holds spaces or other keys that no secret has",
            "copy it from developers.monzo.com, Clients",
        ));
    }
    Ok(())
}

/// Under sudo, offers to let the person behind it operate the daemon without.
async fn operator(daemon: &Daemon, session: &mut Session) -> Result<(), Failure> {
    let Some(user) = session.terminal.env("SUDO_USER").filter(|user| user != "root") else { return Ok(()) };
    let access = daemon.client.access_list().await?;
    if access.grants.iter().any(|grant| grant.who == user && grant.role == Role::Operator) {
        return Ok(());
    }
    let no = format!("{user} operates the daemon with sudo, as before.");
    match session.agree(&format!("Let {user} operate the daemon without sudo?"), &no).await? {
        Some(true) => {
            daemon.client.access_add(user.clone(), Role::Operator).await?;
            session.note(&format!(
                "{user} may do everything here from now on; `monzoctl access remove {user}` ends it."
            ))
        }
        Some(false) => Ok(()),
        None => session.note(&format!(
            "To let {user} operate the daemon without sudo: `sudo monzoctl access add {user} --role operator`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{Access, AccessChange, ConfigEntry, Configured, Grant};

    use super::*;
    use crate::fake::Fake;
    use crate::terminal::Terminal;

    fn fake(changed: bool) -> Fake {
        let grant = |who: &str| Grant { who: who.into(), role: Role::Operator, origin: "config".into() };
        Fake::new()
            .says(
                "system.config",
                &[ConfigEntry {
                    key: "monzo.redirect_url".into(),
                    value: "http://localhost:9999/back".into(),
                    origin: "default".into(),
                }],
            )
            .says("auth.configure", &Configured { client_id: "oauth2client_00009".into(), changed })
            .says("access.list", &Access { grants: vec![grant("root"), grant("@monzod-admin")] })
            .says("access.add", &AccessChange { grant: grant("ann"), changed: true })
    }

    fn keyboard(terminal: &mut Terminal) {
        terminal.in_is_keyboard = true;
    }

    #[tokio::test]
    async fn a_person_is_led_through_it_and_asked_about_sudo() {
        let fake = fake(true);
        let input = "oauth2client_00009\nmnzconf.abc\ny\n";
        let ran = fake.run_with(&["setup"], input, &[("SUDO_USER", "ann")], keyboard).await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        The daemon keeps oauth2client_00009 and its secret, sealed.
        --- err
        monzod reads your accounts as an OAuth client of your own, which you make once:
          1. Sign in at https://developers.monzo.com/ and approve that in the Monzo app.
          2. Under Clients choose New OAuth Client, with any name, and
               Redirect URLs:    http://localhost:9999/back
               Confidentiality:  Confidential
          3. Open it; its id and secret are asked for here.
        Client id: Client secret (not shown): 
        Let ann operate the daemon without sudo? [y/N] ann may do everything here from now on; `monzoctl access remove ann` ends it.
        Next: `monzoctl login`
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        system.config
        auth.configure {"client_id":"oauth2client_00009","client_secret":"mnzconf.abc"}
        access.list
        access.add {"role":"operator","who":"ann"}
        "#);
    }

    #[tokio::test]
    async fn a_script_gives_the_id_and_pipes_the_secret() {
        let fake = fake(false);
        let line = ["setup", "--client-id", "oauth2client_00009", "--secret-stdin"];
        let ran = fake.run_with(&line, "mnzconf.abc\n", &[("SUDO_USER", "ann")], |_| {}).await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        oauth2client_00009 was set up already, with this secret.
        --- err
        To let ann operate the daemon without sudo: `sudo monzoctl access add ann --role operator`
        Next: `monzoctl login`
        ");
    }

    #[tokio::test]
    async fn what_cannot_work_is_refused_before_it_is_sent() {
        let fake = fake(true);
        let id = "oauth2client_00009";
        for (id, secret, expected) in [
            ("acc_1", "", "‘acc_1’ is no client id: it begins with oauth2client_"),
            ("oauth2client_", "", "‘oauth2client_’ is no client id: it begins with oauth2client_"),
            (id, "mnzpub.abc\n", "this is the secret of a client that is not confidential"),
            (id, "\n", "the secret is empty or holds spaces"),
            (id, "\u{1b}\n", "the secret is empty or holds spaces"),
            (id, "a b\n", "the secret is empty or holds spaces"),
            (id, "", "standard input ended before the secret"),
        ] {
            let ran = fake.run(&["setup", "--client-id", id, "--secret-stdin"], secret).await;
            assert_eq!(ran.exit, Exit::Usage, "{ran}");
            assert!(ran.err.starts_with(&format!("error: {expected}")), "{ran}");
            assert!(secret.trim().is_empty() || !ran.err.contains(secret.trim()), "{ran}");
        }
        assert!(!fake.calls().contains("auth.configure"), "{}", fake.calls());
    }
}

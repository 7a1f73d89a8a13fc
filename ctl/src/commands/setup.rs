//! `setup`: the OAuth client that the person made at the bank, and who may operate the daemon.

use monzo_common::api::ApiClient;
use monzo_common::model::Role;

use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// What a client id begins with (monzo-api.md 2.1).
const ID_BEGINS: &str = "oauth2client_";

/// What the secret of a client without refresh tokens holds (monzo-api.md 2.1).
const NOT_CONFIDENTIAL: &str = "mnzpub";

/// The redirect URL of a daemon that does not say (product.md, `monzo.redirect_url`).
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
        None => session.terminal.ask("Client id:").await?.trim().to_owned(),
    };
    fit_id(&id)?;
    let secret = if args.secret_stdin {
        session.terminal.line().await?.ok_or_else(|| {
            Failure::usage("standard input ended before the secret", "write it there as one line")
        })?
    } else {
        session.terminal.ask_secret("Client secret (not shown):").await?
    };
    let secret = secret.trim();
    fit_secret(secret)?;
    let done = daemon.client.configure(id, secret.to_owned()).await?;
    session.thing("configured", &done, || view::configured(&done))?;
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
    if secret.is_empty() || secret.contains(char::is_whitespace) {
        return Err(Failure::usage(
            "the secret is empty or holds spaces",
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
    match session.agree(&format!("Let {user} operate the daemon without sudo?")).await? {
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

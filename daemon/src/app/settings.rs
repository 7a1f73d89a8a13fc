//! What each service is told of the configuration.

use anyhow::Context;
use jiff::SignedDuration;
use monzo_common::paths::Env;
use secrecy::SecretString;

use crate::config::{self, Config, TimeSpan};
use crate::host::credentials::{self, Credential};
use crate::sync::schedule;
use crate::{login, notify, sync};

fn signed(span: TimeSpan) -> SignedDuration {
    SignedDuration::try_from(span.duration()).unwrap_or(SignedDuration::MAX)
}

/// What the sync loop is told.
pub fn of_sync(config: &Config) -> sync::Settings {
    let Config { monzo, sync, names, .. } = config;
    sync::Settings {
        accounts: monzo.accounts.iter().map(|account| account.as_str().to_owned()).collect(),
        plan: schedule::Plan { interval: signed(sync.interval), jitter: signed(sync.jitter) },
        on_start: sync.on_start,
        poll: sync.poll.map(signed),
        reread: signed(sync.reread),
        sweep: sync.sweep.days().map(|days| SignedDuration::from_hours(24 * i64::from(days))),
        concurrency: usize::try_from(monzo.max_concurrency).unwrap_or(1),
        names: names.clone(),
    }
}

/// What the notifier is told.
pub fn of_notifier(config: &Config) -> notify::Settings {
    let config::Notify { on, feed, amounts } = config.notify.clone();
    notify::Settings { topics: on, feed, amounts }
}

/// What the login is told; its secret comes from a credential or the environment.
pub(super) fn of_login(config: &Config, env: Env<'_>) -> anyhow::Result<login::Settings> {
    let secret = credentials::find(Credential::ClientSecret, env).context("the client secret")?;
    Ok(login::Settings {
        auth_url: config.monzo.auth_url.as_str().to_owned(),
        redirect_url: config.monzo.redirect_url.as_str().to_owned(),
        redirect: (config.monzo.redirect_url.port(), config.monzo.redirect_url.path().to_owned()),
        client_id: config.monzo.client_id.as_ref().map(|id| id.as_str().to_owned()),
        client_secret: secret.map(|found| found.value),
    })
}

/// The key that seals the login, where a credential or the environment gives one, and where it comes from.
pub(super) fn seal_key(env: Env<'_>) -> anyhow::Result<Option<(SecretString, String)>> {
    let found = credentials::find(Credential::SealKey, env).context("the seal key")?;
    Ok(found.map(|found| (found.value, found.origin.to_string())))
}

//! `rpc`: any method by its name, for what no command covers.

use std::fs;

use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::traits::ToRpcParams;
use monzo_common::api::client::*;
use monzo_common::api::{self, METHODS};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::session::{Session, unprintable};
use crate::view::{self, Method, columns};

/// Methods whose arguments are secrets, which every user of the machine could read off a command line.
const SECRET: [&str; 2] = ["auth.configure", "auth.complete"];

/// The longest arguments that are read; no daemon takes more.
const MOST: u64 = 16 * 1024 * 1024;

/// Arguments as they were typed, checked to be JSON only.
struct Typed(Option<Value>);

impl ToRpcParams for Typed {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        self.0.map(|value| serde_json::value::to_raw_value(&value)).transpose()
    }
}

/// `rpc`
pub(super) async fn run(args: &args::Rpc, session: &mut Session) -> Result<Exit, Failure> {
    let Some(method) = &args.method else { return list(session).await };
    if api::method(method).is_some_and(|method| method.subscription) {
        return Err(Failure::usage(
            format!("{method} is for subscriptions, which one call cannot hold"),
            "`monzoctl events --follow` and `monzoctl sync` follow them",
        ));
    }
    let params = params(method, args.params.as_deref(), session).await?;
    let daemon = session.connect().await?;
    let answer: Result<Value, _> = daemon.client.request(method, Typed(params)).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(perhaps(method, error.into())),
    };
    session.print_json(&format!("{}\n", serde_json::to_string_pretty(&answer).map_err(unprintable)?))?;
    Ok(Exit::Done)
}

/// A name that no method has is likely a slip.
fn perhaps(method: &str, failure: Failure) -> Failure {
    if failure.fault_kind().is_none() || api::method(method).is_some() {
        return failure;
    }
    let nearest = find::nearest(&method.to_lowercase(), METHODS.iter().map(|method| method.name));
    let hint = match nearest {
        Some(name) => format!("did you mean ‘{name}’? `monzoctl rpc` lists the methods"),
        None => "`monzoctl rpc` lists the methods".to_owned(),
    };
    Failure::usage(format!("there is no method ‘{method}’"), hint)
}

async fn list(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let methods = Method::of_document(&daemon.client.discover().await?);
    let style = session.look(&daemon.time);
    session.print_list("methods", columns::METHOD, &methods, || view::methods(&methods, &style))?;
    Ok(Exit::Done)
}

async fn params(method: &str, typed: Option<&str>, session: &mut Session) -> Result<Option<Value>, Failure> {
    let Some(typed) = typed else { return Ok(None) };
    let text = match typed.strip_prefix('@') {
        Some("-") => {
            let bytes = session.terminal.bytes(MOST).await?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Some(file) => fs::read_to_string(file)
            .map_err(|error| Failure::local(format!("{file} cannot be read"), error, "name a file"))?,
        None if SECRET.contains(&method) => {
            return Err(Failure::usage(
                "a secret is never an argument, since other users can read those",
                format!("put it on standard input: `monzoctl rpc {method} @-`"),
            ));
        }
        None => typed.to_owned(),
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("the arguments are no JSON: {error}"), "for example '{\"hidden\": true}'")
    })?;
    if !(value.is_object() || value.is_array()) {
        return Err(Failure::usage(
            "the arguments are neither an object nor an array",
            "'{\"name\": value}'",
        ));
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use monzo_common::fault::FaultKind;

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::account;

    #[tokio::test]
    async fn alone_it_lists_the_methods() {
        let fake = Fake::new().says("rpc.discover", &monzo_common::openrpc::document());
        let ran = fake.run(&["rpc"], "").await;
        let text = String::from_utf8_lossy(&ran.out).into_owned();
        assert_eq!(text.lines().count(), METHODS.len() + 1, "{text}");
        let history = text.lines().find(|line| line.starts_with("sync.history")).expect("the method");
        insta::assert_snapshot!(history, @"sync.history        viewer    problems cursor? limit?    Past syncs, newest first, and what is in quarantine.");
        let ran = fake.run(&["rpc", "-o", "csv"], "").await;
        assert!(ran.out.starts_with(b"name,role,params,summary\nsystem.status,viewer,"), "{ran}");
    }

    #[tokio::test]
    async fn any_method_is_called_by_its_name() {
        let fake = Fake::new().says("accounts.list", &[account("acc_1", "Current", Some(5))]);
        let ran = fake.run(&["rpc", "accounts.list", r#"{"hidden": true}"#], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 0
        --- out
        [
          {
            "balance": 5,
            "closed": false,
            "currency": "GBP",
            "excluded": false,
            "id": "acc_1",
            "left_out": false,
            "name": "Current",
            "pot_id": null,
            "total_balance": 5,
            "type": "uk_retail"
          }
        ]
        --- err
        "#);
        fake.run(&["rpc", "accounts.list", "@-"], "[false]").await;
        assert_eq!(fake.calls(), "accounts.list {\"hidden\":true}\naccounts.list [false]\n");
    }

    #[tokio::test]
    async fn slips_and_secrets_are_refused_with_the_next_step() {
        let fake =
            Fake::new().fails("pots.list", FaultKind::Rescue, "the database is damaged", "monzoctl restore");
        insta::assert_snapshot!(fake.run(&["rpc", "account.list"], "").await, @r"
        exit 2
        --- out
        --- err
        error: there is no method ‘account.list’
        try: did you mean ‘accounts.list’? `monzoctl rpc` lists the methods
        ");
        insta::assert_snapshot!(fake.run(&["rpc", "pots.list"], "").await, @r"
        exit 1
        --- out
        --- err
        error: the database is damaged
        try: monzoctl restore
        ");
        insta::assert_snapshot!(fake.run(&["rpc", "events.subscribe"], "").await, @r"
        exit 2
        --- out
        --- err
        error: events.subscribe is for subscriptions, which one call cannot hold
        try: `monzoctl events --follow` and `monzoctl sync` follow them
        ");
        insta::assert_snapshot!(fake.run(&["rpc", "pots.list", "{hidden}"], "").await, @r#"
        exit 2
        --- out
        --- err
        error: the arguments are no JSON: key must be a string at line 1 column 2
        try: for example '{"hidden": true}'
        "#);
        insta::assert_snapshot!(fake.run(&["rpc", "pots.list", "5"], "").await, @r#"
        exit 2
        --- out
        --- err
        error: the arguments are neither an object nor an array
        try: '{"name": value}'
        "#);
        let secret = r#"{"client_id": "a", "client_secret": "b"}"#;
        insta::assert_snapshot!(fake.run(&["rpc", "auth.configure", secret], "").await, @r"
        exit 2
        --- out
        --- err
        error: a secret is never an argument, since other users can read those
        try: put it on standard input: `monzoctl rpc auth.configure @-`
        ");
    }
}

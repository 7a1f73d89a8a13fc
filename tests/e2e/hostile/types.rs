//! Every method of `rpc.discover` with arguments of every wrong kind, and messages that are no requests: always an
//! error that says what to do, never a panic, and never more than a line of what was sent.

use monzo_common::fault::FaultKind;
use serde_json::{Value, json};

use super::wire::{connect, post};
use crate::rig::{self, Rig};

/// Characters of a whole answer that tells an error.
const SHORT: usize = 2_000;

/// Methods that are not plain calls.
const LEFT_OUT: [&str; 2] = ["events.subscribe", "sync.subscribe"];

/// Values that fit few arguments; each is tried in the place of each.
fn wrong_values() -> Vec<String> {
    let mut values: Vec<String> = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("NaN"),
        json!("-1"),
        json!("9999-99-99T99:99:99Z"),
        json!("\u{0}\u{1b}[31m\u{202e}\u{feff}"),
        json!("🏦".repeat(400)),
        json!("'; DROP TABLE transactions; --"),
        json!("../../../etc/passwd"),
        json!([]),
        json!([[[[]]]]),
        json!({}),
        json!({"": {"": null}}),
    ]
    .iter()
    .map(Value::to_string)
    .collect();
    // What `json!` cannot say.
    values
        .extend(["18446744073709551616", "-9223372036854775809", "1e400", r#""\ud800""#].map(str::to_owned));
    values.push(json!("x".repeat(50_000)).to_string());
    values.push(format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    values
}

/// An answer is a result, or an error that says which, why and what next, and is short.
fn check(sent: &str, answer: Option<&Value>) {
    let shown: String = sent.chars().take(200).collect();
    let answer = answer.unwrap_or_else(|| panic!("no answer to {shown}"));
    assert_eq!(answer["jsonrpc"], "2.0", "{shown}: {answer}");
    let Some(error) = answer.get("error") else {
        assert!(answer.get("result").is_some(), "{shown}: {answer}");
        return;
    };
    let told = answer.to_string();
    assert!(told.chars().count() < SHORT, "{shown}: {} characters: {told:.300}", told.len());
    let code = error["data"]["code"].as_str().unwrap_or_else(|| panic!("{shown}: no code: {told}"));
    let kind = FaultKind::of_code(code).unwrap_or_else(|| panic!("{shown}: unknown code: {told}"));
    let number = error["code"].as_i64().unwrap_or_default();
    let own = [-32700, -32600, -32601, -32010].contains(&number);
    assert!(own || number == i64::from(kind.number()), "{shown}: {told}");
    assert!(kind != FaultKind::Internal, "{shown}: {told}");
    assert!(error["data"]["hint"].as_str().is_some_and(|hint| hint.len() > 5), "{shown}: no hint: {told}");
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 5), "{shown}: {told}");
}

/// The methods, each with the names of its arguments.
fn methods(rig: &Rig) -> Vec<(String, Vec<String>)> {
    let document = rig.call("rpc.discover", &Value::Null).expect("it is described");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let methods = document["methods"].as_array().expect("methods").iter();
    methods
        .map(|method| {
            (name(method), method["params"].as_array().expect("arguments").iter().map(name).collect())
        })
        .filter(|(method, _): &(String, _)| !LEFT_OUT.contains(&method.as_str()))
        .collect()
}

#[test]
fn every_method_answers_every_kind_of_argument_with_a_result_or_a_proper_error() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    let values = wrong_values();
    let mut stream = connect(&rig.home.socket()).expect("it listens");
    for (method, names) in methods(&rig) {
        let mut all: Vec<String> =
            vec!["null".into(), "[]".into(), "{}".into(), "7".into(), r#""text""#.into()];
        all.push(r#"{"no_such_argument":1}"#.into());
        all.push(format!("[{}]", vec!["1"; 40].join(",")));
        for name in &names {
            all.extend(values.iter().map(|value| format!(r#"{{"{name}":{value}}}"#)));
        }
        for value in &values {
            let each: Vec<String> = names.iter().map(|name| format!(r#""{name}":{value}"#)).collect();
            all.push(format!("{{{}}}", each.join(",")));
        }
        for params in all {
            let sent = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            check(&sent, post(&mut stream, sent.as_bytes()).as_ref());
            if method == "system.reload" {
                // It tells systemd, who reads it.
                rig.wait_for("READY=1");
            }
        }
    }
    assert!(!rig.log().contains("panic"), "a handler panicked");
    assert!(rig.stop().success());
}

#[test]
fn messages_that_are_no_requests_get_an_error_that_says_what_to_send() {
    let rig = Rig::new(rig::small());
    let mut stream = connect(&rig.home.socket()).expect("it listens");
    let status = r#"{"jsonrpc":"2.0","id":1,"method":"system.status"}"#;
    let long = "x".repeat(100_000);
    let mut messages: Vec<String> = [
        "",
        " ",
        "nonsense",
        "{",
        "[",
        "[]",
        "{}",
        "1",
        "null",
        r#""text""#,
        "[[]]",
        "[1]",
        "[null,{}]",
        "{]",
        "NaN",
        r#"{"jsonrpc":"1.0","id":1,"method":"system.status"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"system.status"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"system.status"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"no.such.method"}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    messages.push(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{long}"}}"#));
    messages.push(format!(r#"{{"jsonrpc":"2.0","id":"{long}","method":"system.status"}}"#));
    messages.push(format!(r#"{{"jsonrpc":"2.0","id":"{long}"}}"#));
    messages.push("[".repeat(100_000));
    messages.push(format!("[{}]", vec![status; 51].join(",")));
    for message in &messages {
        match post(&mut stream, message.as_bytes()) {
            Some(Value::Array(answers)) => answers.iter().for_each(|answer| check(message, Some(answer))),
            answer => check(message, answer.as_ref()),
        }
    }
    let bytes: [&[u8]; 3] = [b"\xff\xfe", b"\x00", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"];
    for message in bytes {
        check("bytes", post(&mut stream, message).as_ref());
    }
    let notification = r#"{"jsonrpc":"2.0","method":"system.status"}"#;
    assert_eq!(post(&mut stream, notification.as_bytes()), None, "a notification has no answer");
    let batch = format!("[{status},1,{notification},{}]", status.replace("status", "nothing"));
    let answers = post(&mut stream, batch.as_bytes()).expect("an answer");
    assert_eq!(answers.as_array().map(Vec::len), Some(3), "{answers}");
}

#[test]
fn a_reason_and_a_name_are_as_long_as_people_write_them() {
    let rig = Rig::new(rig::small());
    rig.login();
    let long = "x".repeat(900_000);
    for (method, params) in [
        ("autosort.freeze", json!({"rule": null, "until": null, "reason": long})),
        ("autosort.freeze", json!({"rule": long, "until": null, "reason": "short"})),
        ("access.add", json!({"who": long, "role": "viewer"})),
        ("exclusions.add", json!({"id": long})),
    ] {
        let error = rig.call(method, &params).expect_err("it is too long");
        assert!(error.to_string().len() < 600, "{method}: {error:.600}");
    }
    assert!(rig.status().to_string().len() < 50_000);
    let said = rig.ctl(&["sort", "freeze", "--reason", &"y".repeat(501)]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("501 characters and may have 500"), "{said:?}");
}

//! How long an argument may be, for every method at once.
//!
//! What a caller names, and the reasons that they give, are kept, shown and told again; so they are as long as
//! people write them and no longer. Only whole documents may be as large as a request.

use monzo_common::fault::{Fault, FaultKind};
use serde_json::Value;
use serde_json::value::RawValue;

/// Characters of a name, an id or a reason. Taste: a long sentence or three.
const LONGEST: usize = 500;

/// Characters of an address that the browser came back with, of a code or of a secret. Taste: codes are a few hundred.
const LONGEST_ADDRESS: usize = 8_192;

/// Refuses arguments with a text that is too long in them.
///
/// # Errors
/// Which argument, how long it is, and how long it may be.
pub fn check(method: &str, params: Option<&RawValue>) -> Result<(), Fault> {
    let Some(params) = params else { return Ok(()) };
    // Short as a whole is short in each part.
    if params.get().len() <= LONGEST {
        return Ok(());
    }
    let value: Value = serde_json::from_str(params.get()).map_err(|_| unreadable())?;
    let Some(longest) = longest(method) else { return Ok(()) };
    walk(&value, "an argument", longest)
}

/// How long a text in the arguments of this method may be; `None` is as long as the request.
fn longest(method: &str) -> Option<usize> {
    match method {
        // The text of a configuration file, and a piece of a backup.
        "system.check" | "backup.write" => None,
        "auth.complete" | "auth.configure" => Some(LONGEST_ADDRESS),
        _ => Some(LONGEST),
    }
}

fn walk(value: &Value, name: &str, longest: usize) -> Result<(), Fault> {
    match value {
        Value::String(text) => {
            let length = text.chars().count();
            (length <= longest).then_some(()).ok_or_else(|| too_long(name, length, longest))
        }
        Value::Array(items) => items.iter().try_for_each(|item| walk(item, name, longest)),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            let length = key.chars().count();
            if length > longest {
                return Err(too_long("the name of an argument", length, longest));
            }
            walk(value, &format!("`{key}`"), longest)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn too_long(name: &str, length: usize, longest: usize) -> Fault {
    let message = format!("{name} has {length} characters and may have {longest}");
    Fault::new(FaultKind::InvalidParams, message, "write it shorter")
}

fn unreadable() -> Fault {
    Fault::new(
        FaultKind::InvalidParams,
        "the arguments cannot be read: they are nested too deeply, or hold a number that is too large",
        "`monzoctl rpc rpc.discover` prints what each method takes",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    fn checked(method: &str, params: &Value) -> Result<(), String> {
        let params = to_raw_value(params).expect("JSON");
        check(method, Some(&params)).map_err(|fault| fault.message)
    }

    #[test]
    fn a_reason_is_a_few_sentences_and_no_longer() {
        let fits = json!({"reason": "ä".repeat(LONGEST), "rule": "payday"});
        assert_eq!(checked("sort.freeze", &fits), Ok(()));
        let long = json!({"rule": "payday", "reason": "x".repeat(900_000)});
        let said = checked("sort.freeze", &long).expect_err("too long");
        assert_eq!(said, "`reason` has 900000 characters and may have 500");
        let positional = json!(["payday", "x".repeat(501)]);
        assert!(checked("sort.freeze", &positional).is_err());
        let inside = json!({"query": {"text": "x".repeat(501)}});
        assert!(checked("transactions.list", &inside).is_err_and(|said| said.starts_with("`text` has")));
        let key = json!({"x".repeat(501): 1});
        assert!(checked("sort.freeze", &key).is_err_and(|said| said.len() < 100));
    }

    #[test]
    fn documents_are_as_long_as_a_request() {
        assert_eq!(checked("system.check", &json!({"text": "x".repeat(100_000)})), Ok(()));
        assert_eq!(checked("backup.write", &json!({"data": "x".repeat(100_000)})), Ok(()));
        assert_eq!(checked("auth.complete", &json!({"pasted": "x".repeat(4_000)})), Ok(()));
        assert!(checked("auth.complete", &json!({"pasted": "x".repeat(9_000)})).is_err());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep = RawValue::from_string(deep).expect("JSON");
        let fault = check("transactions.list", Some(&deep)).expect_err("too deep");
        assert!(fault.message.contains("nested"), "{fault}");
    }
}

//! Faults: the closed list of what can go wrong over RPC, with stable numbers, stable codes and the next step.
//!
//! Scripts match on the code; people read message and hint. A fault travels as a JSON-RPC error whose `data`
//! holds everything but the message, so that both ends have the same value.

use jsonrpsee::types::ErrorObjectOwned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $code:literal, $meaning:literal;)*) => {
        /// What kind of thing went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum FaultKind {
            $($(#[$doc])* #[doc = $meaning] #[serde(rename = $code)] $name,)*
        }

        impl FaultKind {
            /// Every kind, in the order of the table in the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable number of the JSON-RPC error.
            pub const fn number(self) -> i32 {
                match self { $(Self::$name => $number,)* }
            }

            /// The stable string in `data.code`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The kind that has this code.
            pub fn of_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.code() == code)
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

faults! {
    InvalidParams = -32602, "invalid_params", "An argument is missing, unknown or out of range.";
    Internal = -32603, "internal", "The daemon met something that it did not expect; its log says what.";
    NotAllowed = -32001, "not_allowed", "The caller has no role here, or one that does not cover the method.";
    NotFound = -32002, "not_found", "Nothing has this id or name.";
    Ambiguous = -32003, "ambiguous", "More than one thing has this id prefix or name.";
    Conflict = -32004, "conflict", "It cannot be done in the present state.";
    LoginNeeded = -32015, "login_needed", "Nobody is logged in, or the bank no longer takes the tokens.";
    ApprovalNeeded = -32016, "approval_needed", "The login waits for approval in the Monzo app.";
    ConsentLapsed = -32017, "consent_lapsed", "The bank's permission has ended and must be given again.";
    BankRefused = -32020, "bank_refused", "The bank refused the request.";
    BankUnreachable = -32021, "bank_unreachable", "The bank cannot be reached or answers with failures.";
    RateLimited = -32022, "rate_limited", "The bank, or the daemon, asks to be called less often.";
    Withheld = -32023, "withheld", "A guardrail, the floor, a freeze, an exclusion, a lock or the mode holds the move back.";
    PlanChanged = -32024, "plan_changed", "What would be moved is no longer what was agreed to.";
    ConfigInvalid = -32030, "config_invalid", "The configuration has errors; the one in force stays.";
    Rescue = -32040, "rescue", "The database cannot be used; only what helps to repair it is served.";
    StoreUnavailable = -32041, "store_unavailable", "The database cannot be written: the disk is full or read-only.";
    TimedOut = -32050, "timed_out", "The call took longer than the daemon allows.";
    Busy = -32051, "busy", "Too many connections, calls or subscriptions at once.";
    Stopping = -32052, "stopping", "The daemon is stopping or restarting.";
}

/// Something that went wrong, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What kind of thing.
    pub kind: FaultKind,
    /// What happened, in a sentence without its final point.
    pub message: String,
    /// Why, where more is known.
    pub cause: Option<String>,
    /// What to do next.
    pub hint: String,
    /// When it is worth trying again, in seconds.
    pub retry_after: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Data {
    code: FaultKind,
    hint: String,
    cause: Option<String>,
    retry_after: Option<u32>,
}

impl Fault {
    /// A fault with its next step.
    pub fn new(kind: FaultKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None, hint: hint.into(), retry_after: None }
    }

    /// The same, with its cause.
    #[must_use]
    pub fn because(mut self, cause: &(impl ToString + ?Sized)) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The same, with the time after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The JSON-RPC error with another number than the kind's, where JSON-RPC has one of its own.
    pub fn numbered(self, number: i32) -> ErrorObjectOwned {
        let Self { kind, message, cause, hint, retry_after } = self;
        // The reasons against a configuration are a list, of the operator's own files.
        let line = |text: String| if kind == FaultKind::ConfigInvalid { text } else { one_line(text) };
        let data = Data { code: kind, hint: line(hint), cause: cause.map(line), retry_after };
        ErrorObjectOwned::owned(number, line(message), Some(data))
    }

    /// Reads a fault from a JSON-RPC error; errors of JSON-RPC itself become the nearest kind.
    pub fn from_error(error: &ErrorObjectOwned) -> Self {
        let data = error.data().and_then(|data| serde_json::from_str::<Data>(data.get()).ok());
        if let Some(Data { code, hint, cause, retry_after }) = data {
            return Self { kind: code, message: error.message().to_owned(), cause, hint, retry_after };
        }
        let cause = error.data().map(|data| data.get().trim_matches('"').to_owned());
        let (kind, hint) = match error.code() {
            -32700 | -32600 | -32602 => {
                (FaultKind::InvalidParams, "`monzoctl rpc rpc.discover` prints what each method takes")
            }
            -32601 => (
                FaultKind::NotFound,
                "`monzoctl rpc` lists the methods; the daemon may be older than the client",
            ),
            -32011..=-32006 => (FaultKind::Busy, "ask for less at a time"),
            _ => (FaultKind::Internal, "look into the daemon's log: `journalctl -u monzod -e`"),
        };
        Self { kind, message: error.message().to_owned(), cause, hint: hint.to_owned(), retry_after: None }
    }
}

/// Characters of each text in an error: whatever a caller sent, no more than this of it is repeated. Taste.
const LINE: usize = 400;

/// The text, if need be only its beginning.
fn one_line(text: String) -> String {
    match text.char_indices().nth(LINE) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl From<Fault> for ErrorObjectOwned {
    fn from(fault: Fault) -> Self {
        let number = fault.kind.number();
        fault.numbered(number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_fault_survives_the_way_over_the_wire() {
        for kind in FaultKind::ALL {
            let fault = Fault::new(*kind, "it broke", "mend it").because(&"rust").retry_after(5);
            let error = ErrorObjectOwned::from(fault.clone());
            let text = serde_json::to_string(&error).expect("errors serialize");
            let back: ErrorObjectOwned = serde_json::from_str(&text).expect("errors parse");
            assert_eq!(Fault::from_error(&back), fault);
        }
    }

    #[test]
    fn an_error_repeats_no_more_than_a_line_of_what_was_sent() {
        let long = "ü".repeat(100_000);
        let fault = Fault::new(FaultKind::NotFound, long.clone(), long.clone()).because(&long);
        let text = serde_json::to_string(&ErrorObjectOwned::from(fault)).expect("errors serialize");
        assert!(text.chars().count() < 4 * LINE, "{} characters", text.chars().count());
        assert!(text.contains("ü…"));
    }

    #[test]
    fn numbers_and_codes_are_unique() {
        let numbers: BTreeSet<_> = FaultKind::ALL.iter().map(|kind| kind.number()).collect();
        let codes: BTreeSet<_> = FaultKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!((numbers.len(), codes.len()), (FaultKind::ALL.len(), FaultKind::ALL.len()));
        assert!(FaultKind::ALL.iter().all(|kind| FaultKind::of_code(kind.code()) == Some(*kind)));
        assert_eq!(FaultKind::of_code("no_such_code"), None);
    }

    #[test]
    fn the_table_in_the_readme_is_this_one() {
        let rows: String = FaultKind::ALL
            .iter()
            .map(|kind| format!("| {} | `{}` | {} |\n", kind.number(), kind.code(), kind.meaning()))
            .collect();
        let readme = include_str!("../README.md");
        assert!(readme.contains(&rows), "common/README.md should hold:\n{rows}");
    }

    #[test]
    fn an_error_of_json_rpc_itself_still_has_a_next_step() {
        let error = ErrorObjectOwned::owned(-32601, "Method not found", None::<()>);
        let fault = Fault::from_error(&error);
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(!fault.hint.is_empty());
    }
}

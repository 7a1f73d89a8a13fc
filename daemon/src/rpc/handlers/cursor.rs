//! Cursors of long lists: a page hands one out, and it is checked when it comes back.

use std::str::FromStr;

use monzo_common::fault::{Fault, FaultKind};

/// The position that a cursor names, where one was given.
pub(super) fn parse<T: FromStr>(method: &str, cursor: Option<String>) -> Result<Option<T>, Fault> {
    cursor.map(|text| text.parse().map_err(|_| foreign(method))).transpose()
}

/// The same for a position of two parts.
pub(super) fn parse_pair<A: FromStr, B: FromStr>(
    method: &str,
    cursor: Option<String>,
) -> Result<Option<(A, B)>, Fault> {
    let pair = |text: String| {
        let (first, second) = text.split_once('/')?;
        Some((first.parse().ok()?, second.parse().ok()?))
    };
    cursor.map(|text| pair(text).ok_or_else(|| foreign(method))).transpose()
}

fn foreign(method: &str) -> Fault {
    Fault::new(FaultKind::InvalidParams, format!("this is no cursor of {method}"), "begin without one")
}

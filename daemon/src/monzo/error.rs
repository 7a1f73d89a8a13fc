//! What the bank's refusals mean, by what the caller must do about them.
//!
//! Statuses and codes are matched by their prefix and known endings (monzo/README.md, Errors); a refusal with an
//! unknown code is final for that request. An answer without a code is not the bank's own word but that of something on
//! the way to it (a proxy, a gateway, a page of maintenance), and says nothing about what was asked: that passes.

use std::time::Duration;

use jiff::Timestamp;
use monzo_common::fault::FaultKind;
use serde_json::Value;

use super::transport::{Failure, Response};

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token has no permission: not approved yet, permission gone, or an account that it does not cover.
    #[error("the bank gives no permission: approve the login in the Monzo app")]
    NotApproved,
    /// The tokens are dead, or there are none.
    #[error("a login is needed: run `monzoctl login` ({reason})")]
    LoginNeeded {
        /// Why, in the bank's word.
        reason: String,
    },
    /// The history that was asked for is older than the bank serves now.
    #[error("the bank no longer serves history this old")]
    TooOld,
    /// Too many requests.
    #[error("the bank asks to be called less often{}", waiting(*retry_after))]
    RateLimited {
        /// How long the bank says to wait.
        retry_after: Option<Duration>,
    },
    /// The bank understood, and said no.
    // Without the message, which may name things that no log may hold.
    #[error("the bank refused it ({status} {code})")]
    Refused {
        /// HTTP's status.
        status: u16,
        /// The bank's code.
        code: String,
        /// The bank's message.
        message: String,
    },
    /// The OAuth client is not taken: its id or secret is wrong, or it is switched off.
    #[error("the bank does not take the OAuth client ({code}): its id or secret is wrong")]
    ClientRefused {
        /// The bank's code.
        code: String,
    },
    /// It may have happened or not; only a repeat with the same key, or a look, can tell.
    #[error("it is not known whether the bank did it: {0}")]
    OutcomeUnknown(String),
    /// It may work later.
    #[error("the bank does not answer as it should: {0}")]
    Transient(String),
    /// A refusal without any code of the bank's: it says nothing about what was asked for.
    #[error(
        "the answer is not in the bank's words (status {status}): a proxy, the network or maintenance may be in the way"
    )]
    Foreign {
        /// HTTP's status.
        status: u16,
    },
}

impl Error {
    /// The same request may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. } | Self::OutcomeUnknown(_) | Self::Transient(_) | Self::Foreign { .. }
        )
    }

    /// What kind of fault it is to a caller.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NotApproved => FaultKind::ApprovalNeeded,
            Self::LoginNeeded { .. } => FaultKind::LoginNeeded,
            Self::TooOld | Self::Refused { .. } => FaultKind::BankRefused,
            Self::RateLimited { .. } => FaultKind::RateLimited,
            Self::ClientRefused { .. } => FaultKind::Conflict,
            Self::OutcomeUnknown(_) | Self::Transient(_) | Self::Foreign { .. } => FaultKind::BankUnreachable,
        }
    }

    /// A word for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotApproved => "not_approved",
            Self::LoginNeeded { .. } => "login_needed",
            Self::TooOld => "too_old",
            Self::RateLimited { .. } => "rate_limited",
            Self::Refused { .. } => "refused",
            Self::ClientRefused { .. } => "client_refused",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::Transient(_) => "transient",
            Self::Foreign { .. } => "foreign",
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(why) => Self::Transient(why),
            Failure::Unknown(why) => Self::OutcomeUnknown(why),
        }
    }
}

/// What an answer other than success means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The access token is not good (any more); a refresh may help.
    BadToken {
        /// The bank's code.
        code: String,
    },
    /// The refresh token or the code of a login is not good; only a new login helps.
    BadGrant {
        /// The bank's code.
        code: String,
    },
    /// Anything else.
    Error(Error),
}

/// Reads an answer whose status is not 200.
pub(super) fn verdict(response: &Response, now: Timestamp) -> Verdict {
    // Any of the shapes in which the bank says no (monzo/README.md, Errors).
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |keys: &[&str]| printable(keys.iter().find_map(|key| body.get(key)?.as_str()));
    let original = body.pointer("/error_params/original_error_code").and_then(Value::as_str);
    let code = original.map_or_else(|| text(&["code", "Code", "error"]), |code| printable(Some(code)));
    let message = text(&["message", "Message", "error_description"]);
    let oauth = body.get("error").is_some_and(|error| error == "invalid_client");
    let refused = || {
        Verdict::Error(Error::Refused {
            status: response.status,
            code: code.clone(),
            message: message.clone(),
        })
    };
    let ends = |end: &str| code.ends_with(end);
    match response.status {
        400 | 401
            if code.contains("refresh_token")
                || ends("invalid_grant")
                || ends("authorization_code.invalid")
                || ends("invalid_code") =>
        {
            Verdict::BadGrant { code }
        }
        400 | 401
            if oauth
                || code.contains("invalid_client")
                || ends("could_not_authenticate")
                || ends("client_not_enabled")
                || ends("client_mismatch") =>
        {
            Verdict::Error(Error::ClientRefused { code })
        }
        401 => Verdict::BadToken { code },
        400 if ends("invalid_token") => Verdict::BadToken { code },
        status @ 300..=399 => Verdict::Error(Error::Foreign { status }),
        status @ (400 | 402..=407 | 409..=424 | 426..=428 | 430..=499) if code.is_empty() => {
            Verdict::Error(Error::Foreign { status })
        }
        403 if ends("verification_required") => Verdict::Error(Error::TooOld),
        403 if ends("insufficient_permissions") => Verdict::Error(Error::NotApproved),
        429 => Verdict::Error(Error::RateLimited { retry_after: retry_after(response, now) }),
        408 | 425 | 500.. => {
            Verdict::Error(Error::Transient(format!("it answers with status {}", response.status)))
        }
        _ => refused(),
    }
}

/// What the bank says in words, fit for a terminal and of bounded length.
fn printable(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// How long the bank asks to wait, where that is worth telling.
fn waiting(retry_after: Option<Duration>) -> String {
    let minutes = retry_after.map_or(0, |asked| asked.as_secs().div_ceil(60));
    if minutes > 1 { format!(", and to wait {minutes} minutes") } else { String::new() }
}

/// How long `Retry-After` says to wait: seconds or a date, never negative.
pub(super) fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.retry_after.as_deref()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = http_date(text)?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// An instant as HTTP's headers write it.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Verdict {
        let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
        verdict(&response, Timestamp::UNIX_EPOCH)
    }

    fn check(status: u16, code: &str, expected: &str) {
        let found = match of(status, &format!(r#"{{"code":"{code}","message":"m","retryable":{{}}}}"#)) {
            Verdict::BadToken { .. } => "bad_token",
            Verdict::BadGrant { .. } => "bad_grant",
            Verdict::Error(error) => error.word(),
        };
        assert_eq!(found, expected, "{status} {code}");
    }

    #[test]
    fn every_catalogued_code_means_what_the_caller_must_do() {
        check(400, "bad_request.missing_param.current_account_id", "refused");
        check(400, "bad_request.bad_param.bad_param.amount", "refused");
        check(400, "bad_request.insufficient_funds", "refused");
        check(400, "bad_request.invalid_time_range", "refused");
        check(400, "bad_request.bad_time_range", "refused");
        check(400, "bad_request.invalid_token", "bad_token");
        check(400, "bad_request.client_not_enabled", "client_refused");
        check(400, "bad_request.could_not_authenticate", "client_refused");
        check(400, "bad_request.authorization_code.invalid", "bad_grant");
        check(400, "bad_request.bad_param.invalid_code", "bad_grant");
        check(400, "bad_request.bad_param.redirect_uri", "refused");
        for code in [
            "refresh_token.invalid",
            "refresh_token.evicted",
            "refresh_token.expired",
            "bad_refresh_token",
            "invalid_grant",
        ] {
            check(400, &format!("bad_request.{code}"), "bad_grant");
        }
        check(400, "bad_request.client_mismatch", "client_refused");
        for code in ["bad_access_token", "bad_access_token.expired", "bad_access_token.evicted"] {
            check(401, &format!("unauthorized.{code}"), "bad_token");
        }
        check(401, "unauthorized.bad_refresh_token", "bad_grant");
        check(401, "unauthorized.bad_refresh_token.evicted", "bad_grant");
        check(403, "forbidden.insufficient_permissions", "not_approved");
        check(403, "forbidden.verification_required", "too_old");
        check(403, "forbidden.pot_added_security", "refused");
        check(404, "not_found", "refused");
        check(405, "", "foreign");
        check(406, "bad_response", "refused");
        check(429, "rate_limited.too_many", "rate_limited");
        check(500, "internal_service", "transient");
        check(502, "", "transient");
        check(504, "timeout.gateway", "transient");
    }

    #[test]
    fn a_refusal_is_understood_in_any_shape() {
        assert!(matches!(of(502, "<html>Bad gateway</html>"), Verdict::Error(Error::Transient(_))));
        assert!(matches!(of(401, ""), Verdict::BadToken { .. }));
        for body in ["", "<html>Forbidden</html>", "{}", r#"{"code":""}"#, r#"{"code":7}"#, "[1]"] {
            for status in [301, 302, 400, 403, 404, 418] {
                assert!(matches!(of(status, body), Verdict::Error(Error::Foreign { .. })), "{status} {body}");
            }
        }
        let oauth = r#"{"error":"invalid_request","error_description":"evicted","error_params":{"original_error_code":"bad_request.refresh_token.evicted"}}"#;
        assert_eq!(of(400, oauth), Verdict::BadGrant { code: "bad_request.refresh_token.evicted".into() });
        let capital = r#"{"Code":"forbidden.insufficient_permissions","Message":"no"}"#;
        assert_eq!(of(403, capital), Verdict::Error(Error::NotApproved));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("an instant");
        let check = |text: &str, seconds: Option<u64>| {
            let response = Response { retry_after: Some(text.into()), ..Response::default() };
            assert_eq!(retry_after(&response, now), seconds.map(Duration::from_secs), "{text}");
        };
        check("7", Some(7));
        check("Sun, 22 Nov 2026 12:00:30 GMT", Some(30));
        check("Sun, 22 Nov 2026 11:00:00 GMT", Some(0));
        check("soon", None);
    }
}

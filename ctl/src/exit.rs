//! Exit codes: the closed list that scripts rely on, and which fault leads to which.

use std::process::ExitCode;

use monzo_common::fault::FaultKind;

/// How a command ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing to do included.
    Done = 0,
    /// It did not work.
    Failed = 1,
    /// Wrong usage, or a name that is unknown or ambiguous.
    Usage = 2,
    /// The daemon cannot be reached.
    Unreachable = 3,
    /// A login, or an approval in the app, is needed.
    LoginNeeded = 4,
    /// The caller may not do this.
    NotAllowed = 5,
    /// The bank or a rule of the house refused.
    Refused = 6,
    /// A check found problems.
    Problems = 7,
    /// Done in part, or still unsettled when waiting ended.
    Partial = 8,
    /// Worth trying again later.
    TryLater = 75,
    /// Interrupted from the keyboard.
    Interrupted = 130,
}

impl Exit {
    /// The exit code that a fault leads to.
    pub fn of(kind: FaultKind) -> Self {
        match kind {
            FaultKind::InvalidParams | FaultKind::NotFound | FaultKind::Ambiguous => Self::Usage,
            FaultKind::NotAllowed => Self::NotAllowed,
            FaultKind::LoginNeeded | FaultKind::ApprovalNeeded | FaultKind::ConsentLapsed => {
                Self::LoginNeeded
            }
            FaultKind::BankRefused | FaultKind::Withheld | FaultKind::PlanChanged => Self::Refused,
            FaultKind::BankUnreachable
            | FaultKind::RateLimited
            | FaultKind::TimedOut
            | FaultKind::Busy
            | FaultKind::Stopping => Self::TryLater,
            FaultKind::Internal
            | FaultKind::Conflict
            | FaultKind::ConfigInvalid
            | FaultKind::Rescue
            | FaultKind::StoreUnavailable => Self::Failed,
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_ends_with_its_promised_code() {
        let table: Vec<String> =
            FaultKind::ALL.iter().map(|kind| format!("{} {}", Exit::of(*kind).code(), kind.code())).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        2 invalid_params
        1 internal
        5 not_allowed
        2 not_found
        2 ambiguous
        1 conflict
        4 login_needed
        4 approval_needed
        4 consent_lapsed
        6 bank_refused
        75 bank_unreachable
        75 rate_limited
        6 withheld
        6 plan_changed
        1 config_invalid
        1 rescue
        1 store_unavailable
        75 timed_out
        75 busy
        75 stopping
        ");
    }
}

//! The message ids of the events that a person looks up in the journal.
//!
//! `journalctl MESSAGE_ID=…` finds every occurrence across versions, and the catalogue explains each; so an id is
//! never changed and never used for a second event. Log one as the field `message_id`.

/// The bank no longer accepts the login; a person must log in again.
pub const LOGIN_NEEDED: &str = "bc58a19165174deba30b8ccb13583a89";
/// The person's consent lapsed, or the bank asks for it again in the app.
pub const CONSENT_LAPSED: &str = "e42fb0244fd5469aaa6a8d132acd51b4";
/// A sync ended without reading every account.
pub const SYNC_FAILED: &str = "bcebc79bb7f34ad38b0cbbb757eb5eab";
/// A transfer was confirmed by the bank.
pub const TRANSFER_SETTLED: &str = "ce2817eb131b4484af14e543b33ad209";
/// A transfer was sent and its outcome is not known.
pub const TRANSFER_DOUBTFUL: &str = "38a88e5f8cee4367b92c3275d33536b3";
/// A new configuration was refused; the old one stays in force.
pub const CONFIG_REJECTED: &str = "48b14c1774c34c0881f406af3078fb6c";
/// The database is damaged, foreign or newer; the daemon serves only what helps to repair it.
pub const RESCUE: &str = "0ec25a04b18648589435f3e2e6940284";
/// A backup was written and read back.
pub const BACKUP_DONE: &str = "8ce36e74a62245868a9171dd7b9ecd9e";
/// A user of this machine was refused.
pub const PEER_REFUSED: &str = "c6b116f442ab4e9698fa714941f25d09";
/// A handler panicked; the caller was answered and the daemon goes on.
pub const HANDLER_PANICKED: &str = "6e0bae27fa214ad987cd1add8600e38e";
/// A loop makes no progress; systemd will restart the daemon.
pub const LOOP_STALLED: &str = "0b9a5f7b66ed4156a831e1650f494797";
/// The machine's clock differs from the bank's by more than a minute.
pub const CLOCK_SKEWED: &str = "7fc4f51ce6e040949b081f0b0c48e995";

/// Every message id with the name of its event, for the journal's catalogue.
pub const ALL: &[(&str, &str)] = &[
    ("login_needed", LOGIN_NEEDED),
    ("consent_lapsed", CONSENT_LAPSED),
    ("sync_failed", SYNC_FAILED),
    ("transfer_settled", TRANSFER_SETTLED),
    ("transfer_doubtful", TRANSFER_DOUBTFUL),
    ("config_rejected", CONFIG_REJECTED),
    ("rescue", RESCUE),
    ("backup_done", BACKUP_DONE),
    ("peer_refused", PEER_REFUSED),
    ("handler_panicked", HANDLER_PANICKED),
    ("loop_stalled", LOOP_STALLED),
    ("clock_skewed", CLOCK_SKEWED),
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn ids_are_unique_and_have_the_shape_that_the_journal_wants() {
        let ids: std::collections::BTreeSet<_> = ALL.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), ALL.len());
        for id in ids {
            let hexadecimal = id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            assert!(id.len() == 32 && hexadecimal, "{id}");
        }
    }
}

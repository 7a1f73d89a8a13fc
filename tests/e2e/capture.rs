//! The first capture, and what keeps it true.

use crate::ledger;
use crate::rig::{self, Rig};

#[test]
fn the_first_capture_equals_the_banks_ledger() {
    let rig = Rig::new(rig::year());
    rig.login();
    ledger::assert_same(&rig);
    let status = rig.status();
    assert_eq!(status["healthy"], true, "{status}");
    assert_eq!(status["login"]["state"], "ready");
}

#[test]
fn a_second_sync_changes_nothing() {
    let rig = Rig::new(rig::small());
    rig.login();
    let rows = ledger::count(&rig);
    rig.sync();
    assert_eq!(ledger::count(&rig), rows);
    ledger::assert_same(&rig);
}

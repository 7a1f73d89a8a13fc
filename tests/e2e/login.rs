//! The login life cycle.

use crate::rig::{self, Rig};

#[test]
fn before_a_login_everything_says_what_to_do_next() {
    let rig = Rig::new(rig::small());
    assert_eq!(rig.attention(), ["login_needed"]);
    let said = rig.ctl(&["sync"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("try: ") && said.err.contains("monzoctl login"), "{said:?}");
}

#[test]
fn a_login_by_another_person_is_refused_and_nothing_of_it_is_kept() {
    let rig = Rig::new(rig::small());
    rig.login();
    let before = crate::ledger::count(&rig);
    let said = rig.sign_in(&[], "sam");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("another person"), "{said:?}");
    assert_eq!(crate::ledger::count(&rig), before);
}

//! An older copy of the database in the place of the newer one: nothing moves a second time.

use jiff::SignedDuration;

use crate::course::{self, WHILE, ends_right};
use crate::harness::Harness;

fn moved(harness: &Harness) -> usize {
    let bank = harness.bank.lock();
    bank.world.transfers.iter().filter(|made| made.external_id.contains(":mz-")).count()
}

#[test]
fn a_payday_that_an_older_database_forgot_is_found_at_the_bank() {
    let harness = Harness::new(course::payday());
    harness.stop();
    let older = harness.copy();
    harness.open();
    harness.breathe(WHILE).expect("it lives");
    let before = moved(&harness);
    harness.jump(SignedDuration::from_mins(6));
    harness.breathe(WHILE).expect("it lives");
    let after = moved(&harness);
    assert!(after > before, "the payday has run");
    harness.kill();
    harness.put_back(&older);
    harness.open();
    ends_right(&harness, false);
    assert_eq!(moved(&harness), after);
    let runs = harness.connection(|connection| {
        let found = "SELECT count(*) FROM runs WHERE rule = 'payday' AND occurrence = '2026-11-30' \
             AND state = 'done' AND reason = 'found at the bank'";
        connection.query_row(found, [], |row| row.get::<_, i64>(0)).expect("a count")
    });
    assert_eq!(runs, 1);
    harness.watch.notes.assert_right("an older database");
}

#[test]
fn a_move_by_hand_that_an_older_database_forgot_freezes_the_sorter() {
    let harness = Harness::new(course::begun());
    harness.stop();
    let older = harness.copy();
    harness.open();
    let started =
        harness.act(|services| async move { services.sorter.move_money(2_000, "Bills", "Holiday").await });
    let id = started.expect("it lives").expect("proposed").run.expect("a run").id;
    let approved = harness.act(|services| async move { services.sorter.approve(Some(&id)).await });
    approved.expect("it lives").expect("approved");
    harness.breathe(WHILE).expect("it lives");
    assert_eq!(moved(&harness), 2);
    harness.stop();
    harness.put_back(&older);
    harness.open();
    course::sync(&harness).expect("it lives");
    harness.breathe(WHILE).expect("it lives");
    assert_eq!(harness.frozen(), [""], "everything is frozen");
    ends_right(&harness, true);
    assert_eq!(moved(&harness), 2);
    harness.watch.notes.assert_right("an older database");
}

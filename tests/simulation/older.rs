//! An older copy of the database in the place of the newer one: nothing moves a second time.

use jiff::SignedDuration;

use crate::course::{self, WHILE, ends_right};
use crate::stage::Stage;

fn moved(stage: &Stage) -> usize {
    let bank = stage.bank.lock();
    bank.world.transfers.iter().filter(|made| made.external_id.contains(":mz-")).count()
}

#[test]
fn a_payday_that_an_older_database_forgot_is_found_at_the_bank() {
    let stage = Stage::new(course::payday());
    stage.stop();
    let older = stage.copy();
    stage.open();
    stage.breathe(WHILE).expect("it lives");
    let before = moved(&stage);
    stage.jump(SignedDuration::from_mins(6));
    stage.breathe(WHILE).expect("it lives");
    let after = moved(&stage);
    assert!(after > before, "the payday has run");
    stage.kill();
    stage.put_back(&older);
    stage.open();
    ends_right(&stage, false);
    assert_eq!(moved(&stage), after);
    let runs = stage.journal(|journal| {
        let found = "SELECT count(*) FROM runs WHERE rule = 'payday' AND occurrence = '2026-11-30' \
             AND state = 'done' AND reason = 'found at the bank'";
        journal.query_row(found, [], |row| row.get::<_, i64>(0)).expect("a count")
    });
    assert_eq!(runs, 1);
    stage.watch.notes.assert_right("an older database");
}

#[test]
fn a_move_by_hand_that_an_older_database_forgot_freezes_the_sorter() {
    let stage = Stage::new(course::begun());
    stage.stop();
    let older = stage.copy();
    stage.open();
    let started =
        stage.act(|services| async move { services.sorter.move_money(2_000, "Bills", "Holiday").await });
    let id = started.expect("it lives").expect("proposed").run.expect("a run").id;
    let approved = stage.act(|services| async move { services.sorter.approve(Some(&id)).await });
    approved.expect("it lives").expect("approved");
    stage.breathe(WHILE).expect("it lives");
    assert_eq!(moved(&stage), 2);
    stage.stop();
    stage.put_back(&older);
    stage.open();
    course::sync(&stage).expect("it lives");
    stage.breathe(WHILE).expect("it lives");
    assert_eq!(stage.frozen(), [""], "everything is frozen");
    ends_right(&stage, true);
    assert_eq!(moved(&stage), 2);
    stage.watch.notes.assert_right("an older database");
}

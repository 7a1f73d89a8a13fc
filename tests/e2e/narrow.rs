//! Lists on narrow screens: no line is wider than the screen, and no joined character is cut in two.

use std::collections::BTreeSet;

use monzo_sandbox::control::Spend;

use crate::keys::Seat;
use crate::rig::{self, Rig};
use crate::rules::accepted;

/// One character on the screen, two cells wide, of seven in the text.
const FAMILY: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦";

/// What is left of it where it was cut in two.
const PARTS: [char; 5] = ['\u{200d}', '👨', '👩', '👧', '👦'];

const LISTS: [&[&str]; 11] = [
    &["accounts"],
    &["pots"],
    &["balance"],
    &["transactions"],
    &["sort", "rules"],
    &["sort", "history"],
    &["sort", "transfers"],
    &["events"],
    &["sync", "history"],
    &["backup", "list"],
    &["access", "list"],
];

/// The lines of a list that are wider than the screen or hold a part of a character.
fn broken(rig: &Rig, list: &[&str], columns: usize) -> BTreeSet<String> {
    let seen = Seat::take_sized(rig, list, &[], columns).ends();
    assert_eq!(seen.code, 0, "{list:?}: {seen:?}");
    let cells = |line: &str| line.replace(FAMILY, "12").chars().count();
    let cut = |line: &str| line.replace(FAMILY, "").contains(PARTS);
    let lines = seen.screen.lines();
    lines
        .filter(|line| cells(line) > columns || cut(line))
        .map(|line| format!("{list:?} {columns}: {line}"))
        .collect()
}

#[test]
fn no_list_is_wider_than_the_screen_or_cuts_a_joined_character_in_two() {
    // The bank's books keep it as long as they are there.
    let pot: &'static str = format!("Für uns {} am Meer", FAMILY.repeat(4)).leak();
    let rules = format!(
        "[sync]\npoll = \"\"\n[[payday]]\nname = \"main\"\nday = 24\n[[autosort.rule]]\nname = \"for us\"\n\
         trigger = {{ on = \"weekly\", weekday = \"sunday\", at = \"18:00\" }}\nsource = \"account:Personal\"\n\
         keep = \"£100.00\"\nstep = [{{ pot = \"{pot}\", amount = \"£10.00\" }}]\n"
    );
    let mut rig = Rig::stopped(rig::small(), &rules);
    {
        let mut bank = rig.bank.bank();
        let (account, at) = (bank.life.cast.personal, bank.now().as_millisecond() - 1);
        bank.world.open_pot(account, pot, "teal", at);
        let id = bank.spend(&Spend { amount: Some(1234), ..Spend::default() }).expect("spent").remove(0);
        bank.edit(&id, None, Some(&FAMILY.repeat(40))).expect("edited");
    }
    rig.start();
    rig.login();
    accepted(&rig);
    for command in [&["move", "£25", "Personal", pot, "--yes"][..], &["sort", "run", "for us", "--yes"]] {
        let said = rig.ctl(command);
        assert_eq!(said.code, 0, "{said:?}");
    }
    assert_eq!(rig.ctl(&["backup", "kept.db"]).code, 0);
    let all = [79, 60, 40].into_iter().flat_map(|columns| LISTS.map(|list| (list, columns)));
    let broken: BTreeSet<String> = all.flat_map(|(list, columns)| broken(&rig, list, columns)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

//! Records that are not quite what they should be: each is a matter of that record alone.

use crate::ledger;
use crate::rig::{self, Rig};

#[test]
fn a_text_that_was_cut_in_the_middle_of_an_emoji_is_shown_as_far_as_it_is_legible() {
    let mut rig = Rig::stopped(rig::year(), "");
    rig.bank.bank().switches.half_characters = true;
    rig.start();
    rig.login();
    let page = rig.json(&["transactions", "--raw", "--limit", "500"]);
    let rows = page["transactions"].as_array().expect("rows");
    let shop = rows.iter().find(|row| row["merchant"].is_object()).expect("a card payment");
    let name = shop["merchant"]["name"].as_str().expect("a name");
    assert!(name.len() > 3 && name.ends_with('\u{fffd}'), "{name}");
    assert_eq!(shop["raw"]["merchant"]["name"], name);
    assert_eq!(shop["raw"]["metadata"]["x_new\u{fffd}"], "\u{fffd}");
    let said = rig.ctl(&["show", shop["id"].as_str().expect("an id")]);
    assert!(said.code == 0 && said.out.contains(name), "{said:?}");
    let pots = rig.json(&["pots"]);
    let name = pots["pots"][0]["name"].as_str().expect("a name");
    assert!(name.len() > 3 && name.ends_with('\u{fffd}'), "{name}");

    rig.sync();
    let status = rig.status();
    assert_eq!((&status["mode"], &status["quarantined"]), (&"normal".into(), &0.into()), "{status}");
    assert_eq!(ledger::missing(&rig), 0, "rows are missing");
}

//! Accounts that the bank closes, refuses, or lists with a type that nobody knows.

use serde_json::Value;

use crate::ledger;
use crate::rig::{self, Rig};

fn left_out(rig: &Rig) -> Vec<Value> {
    let accounts = rig.json(&["accounts"])["accounts"].as_array().expect("a list").clone();
    accounts.into_iter().filter(|account| account["left_out"] == true).collect()
}

#[test]
fn a_closed_account_that_is_refused_needs_nobody_and_keeps_its_history() {
    for status in [403, 404] {
        let rig = Rig::with_year_read("");
        let rows = ledger::count(&rig);
        rig.switch(|switches| switches.closed_refused = status);
        for _ in 0..2 {
            rig.sync();
            let newest = rig.newest_sync();
            assert_eq!(newest["state"], "done", "{status}: {newest}");
        }
        let found = rig.status();
        assert_eq!(found["healthy"], true, "{status}: {found}");
        assert!(!rig.attention().contains(&"account_failed".to_owned()), "{status}: {found}");
        assert_eq!(ledger::count(&rig), rows, "{status}");
        let events = rig.json(&["events"])["events"].as_array().expect("a list").clone();
        let noted = events.iter().filter(|event| event["kind"] == "account_unreadable").count();
        assert_eq!(noted, 1, "{status}: {events:?}");
    }
}

#[test]
fn an_account_of_another_type_is_shown_with_how_to_sync_it() {
    for told in ["uk_young", ""] {
        let rig = Rig::new(rig::year());
        rig.switch(|switches| switches.joint_type = Some(told.to_owned()));
        rig.login();
        let other = left_out(&rig).into_iter().find(|account| account["type"] == told);
        let id = other.expect("it is listed")["id"].as_str().expect("an id").to_owned();
        assert!(rig.attention().contains(&"account_left_out".to_owned()), "{:?}", rig.attention());
        let said = rig.ctl(&["accounts"]);
        assert!(said.out.contains(&format!("for example \"{id}\"")), "{said:?}");
        let more = format!("[monzo]\naccounts = [\"uk_retail\", \"{id}\"]\n");
        std::fs::write(rig.home.path("etc/conf.d/more.toml"), more).expect("written");
        let said = rig.ctl(&["config", "reload"]);
        assert_eq!(said.code, 0, "{said:?}");
        rig.login();
        assert!(left_out(&rig).iter().all(|account| account["id"] != id.as_str()), "it is synced");
        assert!(!rig.attention().contains(&"account_left_out".to_owned()), "{:?}", rig.attention());
        ledger::assert_same(&rig);
    }
}

#[test]
fn a_login_without_an_account_that_is_synced_is_a_problem() {
    let rig = Rig::with(rig::small(), "[monzo]\naccounts = [\"uk_business\"]\n");
    let said = rig.sign_in(&[], "ada");
    assert!(!said.out.contains("all is well"), "{said:?}");
    rig.until("the first sync is over", || rig.status()["sync"]["last_success_at"].is_string());
    let said = rig.ctl(&["status"]);
    assert_eq!(said.code, 7, "{said:?}");
    assert!(rig.attention().contains(&"no_account".to_owned()), "{said:?}");
    assert!(said.out.contains("monzoctl accounts"), "{said:?}");
}

//! Every way in which the bank goes wrong, during the capture and during a sync: the ledger is equal in the end, and
//! the status says honestly how it stood.

use monzo_sandbox::bank::faults::{Fault, Rule};

use crate::ledger;
use crate::rig::{self, Rig};

/// How often the bank goes wrong, in a million: every request for transactions but five in six.
const OFTEN: u64 = 160_000;

fn rules(fault: Fault) -> Vec<Rule> {
    if fault == Fault::FalseEmptyPage {
        // So far apart that none is repeated often enough to be believed.
        return [2, 9, 19, 32, 47].map(|nth| Rule::nth(fault, nth).at("transactions")).into();
    }
    let once = ["accounts", "balance", "pots"].map(|endpoint| Rule::nth(fault, 1).at(endpoint));
    once.into_iter().chain([Rule::chance(fault, OFTEN).at("transactions")]).collect()
}

/// The bank goes wrong from the login on, then no longer; one more sync and all is equal.
fn check(fault: Fault) {
    let rig = Rig::with(rig::year(), "[monzo]\ntimeout = \"1s\"\n");
    rig.bank.bank().set_faults(rules(fault), 7);
    let said = rig.sign_in(&[], "ada");
    assert!(matches!(said.code, 0 | 6 | 8 | 75), "{fault:?}: {said:?}");
    let struck = rig.bank.bank().log.iter().filter(|request| request.fault.is_some()).count();
    assert!(struck > 0, "{fault:?} never struck");
    honest(&rig);
    rig.bank.bank().clear_faults();
    rig.sync();
    complete(&rig, fault);

    rig.bank.bank().spend(&monzo_sandbox::control::Spend::default()).expect("spent");
    rig.bank.bank().set_faults(rules(fault), 8);
    let said = rig.ctl(&["sync"]);
    assert!(matches!(said.code, 0 | 1 | 6 | 8 | 75), "{fault:?}: {said:?}");
    honest(&rig);
    rig.bank.bank().clear_faults();
    rig.sync();
    complete(&rig, fault);
}

/// What the status says of each account is what happened to it.
fn honest(rig: &Rig) {
    let status = rig.status();
    for account in status["accounts"].as_array().expect("accounts") {
        let failed = status["attention"].as_array().expect("a list").iter().any(|attention| {
            attention["code"] == "account_failed"
                && attention["id"].as_str().expect("an id").ends_with(account["id"].as_str().expect("an id"))
        });
        assert_eq!(account["error"].is_string(), failed, "{account}");
    }
}

/// Nothing is missing; what could not be understood is kept, and counted.
fn complete(rig: &Rig, fault: Fault) {
    if fault != Fault::MalformedRecord {
        ledger::assert_same(rig);
        assert_eq!(rig.status()["quarantined"], 0);
        return;
    }
    let kept = rig.status()["quarantined"].as_u64().expect("a number");
    assert!(kept > 0, "a record that could not be understood was not kept");
    let record = rig.json(&["sync", "history"])["quarantined"][0].clone();
    let shown = rig.json(&["show", &format!("record_{}", record["id"])])["record"].clone();
    assert_eq!(shown["reason"], record["reason"], "{shown}");
    assert!(shown["raw"].as_str().is_some_and(|raw| !raw.is_empty()), "{shown}");
    let missing = ledger::missing(rig);
    assert!(missing <= kept, "{missing} rows are missing, and only {kept} are in quarantine");
}

macro_rules! faults {
    ($($name:ident: $fault:ident,)*) => {$(
        #[test]
        fn $name() {
            check(Fault::$fault);
        }
    )*

    #[test]
    fn every_fault_of_the_bank_has_its_test() {
        let tested = [$(Fault::$fault),*];
        for fault in Fault::ALL {
            assert!(tested.contains(&fault), "{fault:?} has none");
        }
    }};
}

faults! {
    status_500: Internal,
    status_502_with_html: Gateway,
    status_504: Timeout,
    status_504_although_it_was_done: TimeoutAfter,
    status_429_without_retry_after: RateLimit,
    status_429_with_seconds: RateLimitSeconds,
    status_429_with_a_date: RateLimitDate,
    an_empty_body: EmptyBody,
    a_truncated_body: TruncatedBody,
    a_slow_body: SlowBody,
    no_answer: Hang,
    no_answer_although_it_was_done: HangAfter,
    a_reset_before: ResetBefore,
    a_reset_after: ResetAfter,
    a_200_without_its_key: MissingKey,
    unknown_fields: UnknownFields,
    a_malformed_record: MalformedRecord,
    a_false_empty_page: FalseEmptyPage,
    a_long_wait_that_the_bank_asks_for: RateLimitLong,
    html_with_200: Html200,
    html_with_400: Html400,
    html_with_403: Html403,
    html_with_403_although_it_was_done: Html403After,
    an_empty_400: Empty400,
    an_empty_401: Empty401,
    an_empty_403: Empty403,
    a_redirect: Redirect,
    a_redirect_although_it_was_done: RedirectAfter,
    an_unknown_code_with_400: Code400,
    an_unknown_code_with_401: Code401,
    an_unknown_code_with_403: Code403,
    values_of_wrong_types: WrongTypes,
    a_huge_body: HugeBody,
}

/// A bank that answers nothing but failures: the status says so, and nothing that is stored is lost.
#[test]
fn a_bank_that_is_down_is_told_and_what_is_stored_stays() {
    let rig = Rig::new(rig::small());
    rig.login();
    let rows = ledger::count(&rig);
    rig.bank.bank().set_faults(vec![Rule::chance(Fault::Gateway, 1_000_000)], 1);
    let said = rig.ctl(&["sync", "--no-wait"]);
    assert_eq!(said.code, 0, "{said:?}");
    rig.until("the sync failed", || rig.newest_sync()["state"] != "running");
    assert_eq!(rig.newest_sync()["state"], "failed", "{}", rig.newest_sync());
    assert_eq!(ledger::count(&rig), rows);
    rig.bank.bank().clear_faults();
    rig.sync();
    ledger::assert_same(&rig);
}

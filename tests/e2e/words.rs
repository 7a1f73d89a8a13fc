//! What a person is told: names that were mistyped, lists that are empty, and next steps that can be pasted.

use crate::rig::{self, Rig};

/// The first command in backticks, as a shell takes it apart; nothing here needs more than single quotes.
fn pasted(text: &str) -> Vec<String> {
    let command = text.split('`').nth(1).unwrap_or_else(|| panic!("no command in: {text}"));
    let command = command.strip_prefix("sudo ").unwrap_or(command);
    let command = command.strip_prefix("monzoctl ").unwrap_or_else(|| panic!("not ours: {command}"));
    let quoted = command.split('\'').enumerate();
    quoted
        .flat_map(|(index, part)| match index % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

#[test]
fn a_list_that_is_empty_because_nothing_was_read_says_so_and_what_is_next() {
    let rig = Rig::new(rig::small());
    for command in ["accounts", "pots", "tx", "balance"] {
        let said = rig.ctl(&[command]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains("Nothing was read from the bank yet"), "{command}: {said:?}");
        assert_eq!(pasted(&said.err), ["login"], "{command}: {said:?}");
    }
    rig.login();
    let said = rig.ctl(&["pots"]);
    assert!(!said.err.contains("Nothing was read"), "{said:?}");
}

#[test]
fn a_category_merchant_or_limit_that_cannot_be_meant_is_told() {
    let rig = Rig::with_year_read("");
    let said = rig.ctl(&["tx", "--category", "Grocries"]);
    assert!(said.err.contains("‘grocries’; did you mean ‘groceries’?"), "{said:?}");
    let said = rig.ctl(&["tx", "--category", "groceries", "--limit", "1"]);
    assert!(!said.err.contains("no transaction has"), "{said:?}");
    let said = rig.ctl(&["tx", "--merchant", "no such shop", "--json"]);
    assert!(said.err.contains("no merchant or other side has a name with ‘no such shop’"), "{said:?}");
    assert_eq!(rig.ctl(&["tx", "--limit", "0"]).code, 2);
}

#[test]
fn a_user_that_this_machine_does_not_know_gets_no_role() {
    let rig = Rig::new(rig::small());
    let said = rig.ctl(&["access", "add", "deamon", "--role", "operator"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("there is no user ‘deamon’ on this machine"), "{said:?}");
    assert_eq!(pasted(&said.err), ["access", "add", "daemon", "--role", "operator"], "{said:?}");
    let said = rig.ctl(&["access", "add", "@no-such-group"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(!rig.ctl(&["access", "list"]).out.contains("no-such-group"));
}

#[test]
fn what_a_frozen_rule_says_is_next_can_be_pasted() {
    let rules = "[[autosort.rule]]\nname = \"big pay\"\ntrigger = { on = \"manual\" }\n\
                 source = \"account:Personal\"\nkeep = \"£100.00\"\nstep = [{ ask = \"£60.00\", to = \"Ada\" }]\n";
    let rig = Rig::with(rig::small(), rules);
    rig.login();
    assert_eq!(rig.ctl(&["sort", "freeze", "big pay", "--reason", "away"]).code, 0);
    let told = rig.ctl(&["status"]).out;
    let hint = told.lines().find(|line| line.contains("sort thaw")).unwrap_or_else(|| panic!("{told}"));
    let command = pasted(hint);
    assert_eq!(command, ["sort", "thaw", "big pay"]);
    let said = rig.ctl(&command.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!rig.ctl(&["status"]).out.contains("sort thaw"));
}

use proptest::prelude::*;

use super::*;

fn row(scheme: &str, amount: i64) -> KeptRow {
    KeptRow {
        account: "acc_1".into(),
        account_kind: "uk_retail".into(),
        of_pot: None,
        id: "tx_1".into(),
        created_at: Timestamp::UNIX_EPOCH,
        settled: true,
        void: false,
        amount,
        description: "SHOP   LEEDS".into(),
        category: "general".into(),
        categories: Vec::new(),
        merchant: None,
        counterparty: None,
        scheme: scheme.into(),
        pot: None,
        raw: String::new(),
    }
}

fn kinds(row: &KeptRow, flags: &RowFlags, flex_synced: bool) -> Vec<EntryKind> {
    of(row, flags, flex_synced).iter().map(|entry| entry.kind).collect()
}

fn check(row: &KeptRow, flags: &RowFlags, expected: EntryKind) {
    assert_eq!(kinds(row, flags, false), [expected], "{row:?} {flags:?}");
}

#[test]
fn each_kind_of_row_is_read_as_a_person_reads_their_statement() {
    use EntryKind::*;
    let none = RowFlags::default();
    check(&row("mastercard", -250), &none, Spending);
    check(&row("mastercard", 250), &none, Refund);
    check(&row("bacs", -3_000), &none, Spending);
    check(&row("bacs", 180_000), &none, Income);
    check(&row("bacs", 3_000), &RowFlags { direct_debit: true, ..none.clone() }, Refund);
    check(&row("payport_faster_payments", 500), &RowFlags { reversal: true, ..none.clone() }, Refund);
    check(&row("payport_faster_payments", -500), &none, Spending);
    check(&row("payport_faster_payments", 500), &none, Income);
    check(&row("payport_faster_payments", 500), &RowFlags { to_self: true, ..none.clone() }, Transfer);
    check(&row("account_interest", 12), &none, Interest);
    check(&row("overdraft", -80), &none, Spending);
    check(&row("topup", 5_000), &none, Transfer);
    check(&row("mastercard", 5_000), &RowFlags { top_up: true, ..none.clone() }, Transfer);
    check(&row("uk_retail_pot", -700), &none, Transfer);
    let friend = KeptRow { category: "eating_out".into(), ..row("p2p_payment", 1_250) };
    check(&friend, &none, Repayment);
    let salary = KeptRow { category: "eating_out".into(), ..row("bacs", 1_250) };
    check(&salary, &none, Income);
}

#[test]
fn behind_a_pot_card_rows_are_spending_of_the_pot_and_other_credits_are_interest() {
    let behind = |scheme: &str, amount| KeptRow {
        account_kind: "pot".into(),
        of_pot: Some("pot_1".into()),
        ..row(scheme, amount)
    };
    let none = RowFlags::default();
    let spent = of(&behind("mastercard", -999), &none, false);
    assert_eq!((spent[0].kind, spent[0].pot.clone()), (EntryKind::Spending, Some("pot_1".into())));
    check(&behind("account_interest", 31), &none, EntryKind::Interest);
    check(&behind("", 31), &none, EntryKind::Interest);
    check(&behind("mastercard", 999), &none, EntryKind::Refund);
    check(&behind("uk_retail_pot", 999), &none, EntryKind::Transfer);
}

#[test]
fn flex_counts_on_the_day_of_the_purchase_where_its_account_is_synced_and_else_when_it_is_repaid() {
    let repaid = row("monzo_flex", -4_000);
    let flags = RowFlags { not_spending: true, ..RowFlags::default() };
    assert_eq!(kinds(&repaid, &flags, true), [EntryKind::Transfer]);
    let alone = of(&repaid, &flags, false);
    assert_eq!((alone[0].kind, alone[0].left_out), (EntryKind::Spending, false));
    let of_flex = |scheme: &str, amount| KeptRow {
        account_kind: FLEX_ACCOUNT.into(),
        settled: false,
        ..row(scheme, amount)
    };
    let bought = of(&of_flex("mastercard", -12_000), &RowFlags::default(), true);
    assert_eq!((bought[0].kind, bought[0].provisional), (EntryKind::Spending, false));
    assert_eq!(kinds(&of_flex("monzo_flex", 4_000), &RowFlags::default(), true), [EntryKind::Transfer]);
    assert_eq!(kinds(&of_flex("mastercard", 4_000), &RowFlags::default(), true), [EntryKind::Refund]);
}

#[test]
fn what_does_not_count_has_no_entry_and_what_is_pending_is_provisional() {
    assert!(of(&KeptRow { void: true, ..row("mastercard", -1) }, &RowFlags::default(), false).is_empty());
    assert!(of(&row("mastercard", 0), &RowFlags::default(), false).is_empty());
    let pending = of(&KeptRow { settled: false, ..row("mastercard", -10) }, &RowFlags::default(), false);
    assert!(pending[0].provisional);
}

#[test]
fn the_bank_leaves_out_what_would_be_spending_and_the_person_anything_but_transfers() {
    let bank = RowFlags { not_spending: true, ..RowFlags::default() };
    let person = RowFlags { left_out: true, ..RowFlags::default() };
    let left_out = |row: KeptRow, flags: &RowFlags| of(&row, flags, false)[0].left_out;
    assert!(left_out(row("mastercard", -5), &bank) && left_out(row("mastercard", -5), &person));
    assert!(!left_out(row("mastercard", 5), &bank) && left_out(row("mastercard", 5), &person));
    assert!(!left_out(row("bacs", 5), &bank) && left_out(row("bacs", 5), &person));
    assert!(!left_out(row("uk_retail_pot", -5), &bank) && !left_out(row("uk_retail_pot", -5), &person));
}

#[test]
fn a_row_is_divided_over_categories_and_what_they_leave_stays_in_its_own() {
    let divided = |categories: &[(&str, i64)]| {
        let categories = categories.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect();
        let row = KeptRow { categories, ..row("mastercard", -1_000) };
        let entries = of(&row, &RowFlags::default(), false);
        entries.into_iter().map(|entry| (entry.category, entry.amount)).collect::<Vec<_>>()
    };
    let owned = |parts: &[(&str, i64)]| {
        parts.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect::<Vec<_>>()
    };
    assert_eq!(divided(&[]), owned(&[("general", -1_000)]));
    assert_eq!(divided(&[("groceries", -1_000)]), owned(&[("groceries", -1_000)]));
    assert_eq!(divided(&[("groceries", -600)]), owned(&[("groceries", -600), ("general", -400)]));
    assert_eq!(divided(&[("general", -600)]), owned(&[("general", -1_000)]));
    assert_eq!(divided(&[("groceries", -1_200)]), owned(&[("groceries", -1_200), ("general", 200)]));
}

#[test]
fn a_payee_is_known_by_the_group_of_its_shops_else_by_its_name_however_it_is_spaced() {
    let payee_of = |row: KeptRow| of(&row, &RowFlags::default(), false)[0].payee.clone();
    let shop = KeptRow { merchant: Some(("grp_1".into(), "Marlow".into())), ..row("mastercard", -1) };
    assert_eq!(payee_of(shop).key, "merchant:grp_1");
    let unnamed = KeptRow { merchant: Some(("merch_1".into(), String::new())), ..row("mastercard", -1) };
    assert_eq!(payee_of(unnamed).name, "SHOP LEEDS");
    let person = |name: &str| KeptRow { counterparty: Some(name.into()), ..row("p2p_payment", -1) };
    assert_eq!(payee_of(person("Ada  LOVELACE ")).key, payee_of(person("ada lovelace")).key);
}

fn half(account: &str, hours: i64, amount: i64) -> Half {
    Half {
        account: account.into(),
        id: format!("tx_{hours}").as_str().into(),
        created_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours),
        amount,
    }
}

#[test]
fn two_halves_are_equal_and_opposite_in_two_accounts_within_two_days() {
    assert_eq!(pairs(&[half("acc_1", 0, -500), half("acc_2", 48, 500)]), [(0, 1)]);
    assert_eq!(pairs(&[half("acc_1", 0, -500), half("acc_2", 49, 500)]), []);
    assert_eq!(pairs(&[half("acc_1", 0, -500), half("acc_1", 1, 500)]), []);
    assert_eq!(pairs(&[half("acc_1", 0, -500), half("acc_2", 1, 501)]), []);
    assert_eq!(pairs(&[half("acc_1", 0, -500), half("acc_2", 1, -500)]), []);
    // The nearest first, and each once.
    let three = [half("acc_1", 0, -500), half("acc_2", 5, 500), half("acc_1", 6, -500)];
    assert_eq!(pairs(&three), [(2, 1)]);
}

#[test]
fn instants_chain_in_steps_of_two_days() {
    let at = |hours: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
    let instants = [0, 100, 140, 180, 220, 300].map(at);
    assert_eq!(chained(&instants, at(150)), (at(100), at(220)));
    assert_eq!(chained(&instants, at(300)), (at(300), at(300)));
    assert_eq!(chained(&instants, at(270)), (at(270), at(300)));
    assert_eq!(chained(&[], at(5)), (at(5), at(5)));
}

proptest! {
    #[test]
    fn the_parts_of_a_row_add_up_to_it(
        amount in -100_000..100_000_i64,
        parts in prop::collection::vec((0..4_u8, -100_000..100_000_i64), 0..5),
        scheme in prop::sample::select(vec!["mastercard", "bacs", "p2p_payment", "uk_retail_pot"]),
        flags in any::<(bool, bool, bool, bool)>(),
    ) {
        let categories = parts.into_iter().map(|(name, amount)| (format!("c{name}"), amount)).collect();
        let row = KeptRow { categories, category: "c0".into(), ..row(scheme, amount) };
        let flags = RowFlags { to_self: flags.0, reversal: flags.1, left_out: flags.2, not_spending: flags.3, ..RowFlags::default() };
        let entries = of(&row, &flags, false);
        prop_assert_eq!(entries.iter().map(|entry| entry.amount).sum::<i64>(), amount);
        prop_assert!(entries.windows(2).all(|two| two[0].kind == two[1].kind));
    }

    #[test]
    fn pairs_do_not_depend_on_the_order_of_the_rows(
        rows in prop::collection::vec((0..3_u8, 0..200_i64, prop::sample::select(vec![-500_i64, 500])), 0..8),
        turn in 0..8_usize,
    ) {
        let halves: Vec<Half> = rows.iter().enumerate().map(|(number, (account, hours, amount))| Half {
            id: format!("tx_{number}").as_str().into(),
            ..half(&format!("acc_{account}"), *hours, *amount)
        }).collect();
        let named = |halves: &[Half]| {
            let mut named: Vec<_> = pairs(halves).into_iter()
                .map(|(out, into)| (halves[out].id.clone(), halves[into].id.clone())).collect();
            named.sort();
            named
        };
        let before = named(&halves);
        let mut turned = halves;
        let by = turn.min(turned.len());
        turned.rotate_left(by);
        prop_assert_eq!(named(&turned), before);
    }
}

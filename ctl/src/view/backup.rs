//! Backups, and what a check of one found.

use monzo_common::model::{Backup, Restored, Verification};

use super::account::facts;
use super::progress::{count, grouped};
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::clean;

/// `backup list`
pub fn backups(backups: &[Backup], style: &Style) -> String {
    if backups.is_empty() {
        return "There are no backups yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("MADE", Align::Left),
        ("SIZE", Align::Right),
        ("WHY", Align::Left),
        ("", Align::Left),
    ])
    .sparing(&["WHY", "MADE"]);
    for backup in backups {
        let login = if backup.with_login { "with login" } else { "" };
        table.painted([
            (&backup.name, Paint::Strong),
            (&style.time.minute(backup.at), Paint::Plain),
            (&size(backup.size), Paint::Plain),
            (&backup.cause, Paint::Quiet),
            (login, Paint::Note),
        ]);
    }
    table.take(style)
}

/// `4.2 MB`; decimal, as file managers show it.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `verify`, and what `restore` asks about.
pub fn verification(found: &Verification, style: &Style) -> String {
    let verdict =
        if found.sound { style.paint(Paint::Good, "sound") } else { style.paint(Paint::Bad, "not sound") };
    let mut text = format!("{} is {verdict}\n", clean(&found.name));
    for problem in &found.problems {
        text.push_str(&format!("  {} {}\n", style.paint(Paint::Bad, "✗"), clean(problem)));
    }
    if !found.sound && found.accounts == 0 && found.transactions == 0 {
        // Nothing could be counted, which is not the same as none.
        return text;
    }
    text.push_str(&facts(
        style,
        &[
            ("Belongs to", found.user_id.clone().unwrap_or_default()),
            ("Accounts", found.accounts.to_string()),
            ("Transactions", grouped(found.transactions)),
            ("Newest", found.newest_at.map(|at| style.time.minute(at)).unwrap_or_default()),
            ("Schema", found.schema.to_string()),
        ],
    ));
    text
}

/// What holds after each exchange of the database.
const FROZEN: &str = "Rules move nothing until you have looked and say `monzoctl sort thaw`.\n";

/// `restore --fresh`
pub fn begun_afresh(done: &Restored) -> String {
    format!("An empty database was begun.\n{}{FROZEN}Next: `monzoctl login`\n", kept_aside(done))
}

fn kept_aside(done: &Restored) -> String {
    let kept = |aside: &String| format!("What was there before is kept as {}\n", clean(aside));
    done.put_aside.as_ref().map(kept).unwrap_or_default()
}

/// `restore`
pub fn restored(done: &Restored, style: &Style) -> String {
    let found = &done.verification;
    let newest = found.newest_at.map(|at| format!(", the newest of {}", style.time.minute(at)));
    let mut text = format!(
        "{}: {} in {}{}\n",
        style.paint(Paint::Good, "Restored"),
        count(found.transactions, "transaction"),
        count(found.accounts, "account"),
        newest.unwrap_or_default(),
    );
    text.push_str(&kept_aside(done));
    text.push_str(FROZEN);
    text.push_str(if done.login_kept {
        "The login was carried over.\n"
    } else {
        "The login was not carried over: `monzoctl login`\n"
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::style;

    #[test]
    fn sizes_read_as_people_say_them() {
        let check = |bytes, expected: &str| assert_eq!(size(bytes), expected, "{bytes}");
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(4_250_000, "4.2 MB");
        check(999_999_999, "999.9 MB");
        check(12_000_000_000, "12.0 GB");
    }

    #[test]
    fn a_check_says_what_is_wrong() {
        let found = Verification {
            name: "upload".into(),
            sound: false,
            problems: vec!["page 7 is torn".into()],
            schema: 3,
            user_id: None,
            other_user: false,
            accounts: 2,
            transactions: 4_000,
            newest_at: None,
        };
        insta::assert_snapshot!(verification(&found, &style(None)), @r"
        upload is not sound
          ✗ page 7 is torn
        Accounts      2
        Transactions  4,000
        Schema        3
        ");
        let uncounted = Verification { accounts: 0, transactions: 0, ..found };
        assert_eq!(verification(&uncounted, &style(None)), "upload is not sound\n  ✗ page 7 is torn\n");
    }
}

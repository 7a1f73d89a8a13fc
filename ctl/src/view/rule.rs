//! Rules as they stand, freezes, paydays, and why things stand as they do.

use monzo_common::model::{FreezeChange, PaydayCalendar, Rule, Why};
use monzo_common::money::Currency;
use monzo_common::shell;

use super::account::{amount, facts};
use super::plan::plan;
use super::run::run_state;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::clean;

/// `auto`, `disabled`, `frozen`
fn mode(rule: &Rule) -> (Paint, String) {
    match rule {
        Rule { frozen: true, .. } => (Paint::Note, format!("{}, frozen", rule.mode)),
        Rule { enabled: false, .. } => (Paint::Quiet, "disabled".to_owned()),
        _ => (Paint::Plain, rule.mode.to_string()),
    }
}

/// `sort rules`
pub fn rules(rules: &[Rule], style: &Style) -> String {
    if rules.is_empty() {
        return "There are no rules: `monzoctl sort suggest` prints some that your history suggests.\n"
            .to_owned();
    }
    let mut table = Table::new(&[
        ("RULE", Align::Flexible),
        ("MODE", Align::Left),
        ("WHEN", Align::Flexible),
        ("FROM", Align::Flexible),
        ("NEXT", Align::Left),
        ("LEFT", Align::Right),
        ("LAST", Align::Left),
        ("RESULT", Align::Left),
    ])
    .sparing(&["FROM", "WHEN"]);
    for rule in rules {
        let (paint, mode) = mode(rule);
        let (ended, result) = rule.result.map_or((Paint::Quiet, "–"), run_state);
        table.painted([
            (&rule.name, Paint::Strong),
            (&mode, paint),
            (&rule.trigger, Paint::Quiet),
            (&rule.source, Paint::Quiet),
            (&rule.next_at.map_or_else(|| "–".to_owned(), |at| style.time.minute(at)), Paint::Plain),
            (&amount(rule.left, Currency::GBP), Paint::Plain),
            (&rule.last_at.map_or_else(|| "never".to_owned(), |at| style.time.relative(at)), Paint::Plain),
            (result, ended),
        ]);
    }
    let mut text = table.take(style);
    for rule in rules.iter().filter(|rule| !rule.problems.is_empty()) {
        let name = style.paint(Paint::Strong, &clean(&rule.name));
        text.push_str(&format!("\n{name} {}\n", style.paint(Paint::Quiet, &clean(&rule.origin))));
        for problem in &rule.problems {
            text.push_str(&format!("  {} {}\n", style.paint(Paint::Bad, "✗"), clean(problem)));
        }
    }
    text
}

/// `show RULE`
pub fn show_rule(rule: &Rule, style: &Style) -> String {
    let at = |at: Option<jiff::Timestamp>| {
        at.map(|at| format!("{} ({})", style.time.minute(at), style.time.relative(at))).unwrap_or_default()
    };
    let mut text = facts(
        style,
        &[
            ("Rule", rule.name.clone()),
            ("Mode", mode(rule).1),
            ("When", rule.trigger.clone()),
            ("From", rule.source.clone()),
            ("Next", at(rule.next_at)),
            ("Would leave", rule.left.map(|left| amount(Some(left), Currency::GBP)).unwrap_or_default()),
            ("Last", at(rule.last_at)),
            ("Result", rule.result.map(|result| run_state(result).1.to_owned()).unwrap_or_default()),
            ("Written", rule.origin.clone()),
        ],
    );
    for problem in &rule.problems {
        text.push_str(&format!("  {} {}\n", style.paint(Paint::Bad, "✗"), clean(problem)));
    }
    let name = shell::word(&clean(&rule.name));
    text.push_str(&format!(
        "\nWhat it would do: `monzoctl sort plan {name}`; what it waits for: `monzoctl why {name}`\n"
    ));
    text
}

/// `sort freeze` and `sort thaw`
pub fn freezes(change: &FreezeChange, done: &str, already: &str, style: &Style) -> String {
    let mut text = format!("{}.\n", if change.changed { done } else { already });
    for freeze in &change.freezes {
        let what = freeze.rule.as_deref().map_or("everything".into(), clean);
        let until = freeze.until.map(|at| format!(" until {}", style.time.minute(at))).unwrap_or_default();
        let since = style.time.minute(freeze.at);
        text.push_str(&format!("  {what} is frozen since {since}{until}: {}\n", clean(&freeze.reason)));
    }
    text
}

/// `why`
pub fn why(why: &Why, style: &Style) -> String {
    let mut text = format!("{}\n", style.paint(Paint::Strong, &clean(&why.subject)));
    if why.reasons.is_empty() {
        text.push_str("  There is nothing to say about it.\n");
    }
    why.reasons.iter().for_each(|reason| text.push_str(&format!("  • {}\n", clean(reason))));
    if let Some(found) = &why.plan {
        text.push('\n');
        text.push_str(&plan(found, true, style));
    }
    text
}

/// `payday`
pub fn paydays(calendars: &[PaydayCalendar], style: &Style) -> String {
    if calendars.is_empty() {
        return "No payday is configured, and the history shows none: add a [[payday]] block.\n".to_owned();
    }
    let mut text = String::new();
    for calendar in calendars {
        if !text.is_empty() {
            text.push('\n');
        }
        let found = calendar.origin == "ledger";
        let origin = if found { "found in the history, not configured" } else { "configured" };
        let name = style.paint(Paint::Strong, &clean(&calendar.name));
        text.push_str(&format!("{name}: {} ({origin})\n", clean(&calendar.rhythm)));
        for payday in &calendar.next {
            let mut line = format!("  {}", payday.date.strftime("%a %-d %b %Y"));
            if let Some(from) = payday.moved_from {
                let reason = payday.reason.as_deref().unwrap_or("moved");
                line.push_str(&format!("  instead of {}: {}", from.strftime("%a %-d %b"), clean(reason)));
            }
            text.push_str(&format!("{line}\n"));
        }
        if let Some(toml) = &calendar.toml {
            text.push_str(
                "\nTo make it yours, put this into the configuration and `monzoctl config reload`:\n\n",
            );
            toml.lines().for_each(|line| text.push_str(&format!("{}\n", clean(line))));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;
    use monzo_common::model::{Freeze, PaydayDate};

    use super::*;
    use crate::view::fixture::{self, now, style};

    #[test]
    fn rules_show_next_left_last_and_result_and_what_is_the_matter() {
        let mut broken = fixture::rule("big sweep");
        broken.enabled = false;
        broken.next_at = None;
        broken.left = None;
        broken.last_at = None;
        broken.result = None;
        broken.problems = vec!["step 1: there is no pot Savings any more".into()];
        let mut frozen = fixture::rule("top-up");
        frozen.frozen = true;
        insta::assert_snapshot!(rules(&[fixture::rule("payday"), broken, frozen], &style(None)), @r"
        RULE       MODE          WHEN       FROM              NEXT                 LEFT  LAST         RESULT
        payday     auto          on payday  account:Personal  2026-07-31 11:00  £600.00  22 days ago  done
        big sweep  disabled      on payday  account:Personal  –                       –  never        –
        top-up     auto, frozen  on payday  account:Personal  2026-07-31 11:00  £600.00  22 days ago  done

        big sweep monzod.toml:12
          ✗ step 1: there is no pot Savings any more
        ");
        insta::assert_snapshot!(show_rule(&fixture::rule("payday"), &style(None)), @r"
        Rule         payday
        Mode         auto
        When         on payday
        From         account:Personal
        Next         2026-07-31 11:00 (in 9 days)
        Would leave  £600.00
        Last         2026-06-30 11:00 (22 days ago)
        Result       done
        Written      monzod.toml:12

        What it would do: `monzoctl sort plan payday`; what it waits for: `monzoctl why payday`
        ");
    }

    #[test]
    fn paydays_say_why_they_were_moved_and_how_to_keep_what_was_found() {
        let next = vec![
            PaydayDate { date: date(2026, 7, 31), moved_from: None, reason: None },
            PaydayDate {
                date: date(2026, 8, 28),
                moved_from: Some(date(2026, 8, 31)),
                reason: Some("Summer bank holiday".into()),
            },
        ];
        let found = PaydayCalendar {
            name: "main".into(),
            origin: "ledger".into(),
            rhythm: "the last day of the month".into(),
            next,
            toml: Some("[[payday]]\nname = \"main\"\nday  = 31\n".into()),
        };
        insta::assert_snapshot!(paydays(&[found], &style(None)), @r#"
        main: the last day of the month (found in the history, not configured)
          Fri 31 Jul 2026
          Fri 28 Aug 2026  instead of Mon 31 Aug: Summer bank holiday

        To make it yours, put this into the configuration and `monzoctl config reload`:

        [[payday]]
        name = "main"
        day  = 31
        "#);
    }

    #[test]
    fn freezes_say_what_is_held_since_when_and_why() {
        let freeze = Freeze {
            rule: None,
            at: now(),
            until: Some(now() + SignedDuration::from_hours(24)),
            reason: "moving house".into(),
        };
        let change = FreezeChange { freezes: vec![freeze], changed: true };
        insta::assert_snapshot!(freezes(&change, "Frozen", "It was frozen already", &style(None)), @r"
        Frozen.
          everything is frozen since 2026-07-22 11:00 until 2026-07-23 11:00: moving house
        ");
    }
}

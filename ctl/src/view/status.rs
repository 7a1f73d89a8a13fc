//! The status page: one screen that says how things stand and, where they stand badly, what mends them.

use monzo_common::model::{AccountStatus, Attention, LoginState, Mode, RuleMode, Severity, Status};
use monzo_common::money::Money;

use super::account::amount;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::clean;

/// `status`
pub fn status(status: &Status, style: &Style) -> String {
    let mut page = headline(status, style);
    if status.mode == Mode::Normal {
        page.push('\n');
        page.push_str(&line(style, "Login", &login(status, style)));
        page.push_str(&line(style, "Sync", &sync(status, style)));
        page.push_str(&line(style, "Sorter", &sorter(status, style)));
        let shown: Vec<&AccountStatus> =
            status.accounts.iter().filter(|account| worth_a_line(account)).collect();
        if !shown.is_empty() {
            page.push('\n');
            page.push_str(&accounts(&shown, style));
        }
    }
    let of = |severity| status.attention.iter().filter(move |attention| attention.severity == severity);
    page.push_str(&attentions("Problems", Paint::Bad, of(Severity::Problem), style));
    page.push_str(&attentions("Notes", Paint::Note, of(Severity::Note), style));
    page
}

fn headline(status: &Status, style: &Style) -> String {
    let (paint, words) = match (status.mode, status.healthy) {
        (Mode::Rescue, _) => {
            (Paint::Bad, "rescue mode: the database cannot be used, nothing is synced or moved")
        }
        (Mode::Normal, true) if status.sync.error.is_some() => (Paint::Note, "the last sync failed"),
        (Mode::Normal, true) => (Paint::Good, "all is well"),
        (Mode::Normal, false) => (Paint::Bad, "needs you"),
    };
    let name = style.paint(Paint::Strong, &format!("monzod {}", clean(&status.version)));
    format!("{name}  {}\n", style.paint(paint, words))
}

/// A name and its sentence, the sentences under each other.
fn line(style: &Style, name: &str, sentence: &str) -> String {
    format!("{}{sentence}\n", style.paint(Paint::Quiet, &format!("{name:<8}")))
}

fn login(status: &Status, style: &Style) -> String {
    let login = &status.login;
    let time = &style.time;
    let (paint, words) = match login.state {
        LoginState::None => (Paint::Bad, "nobody is logged in"),
        LoginState::WaitingBrowser => (Paint::Note, "waiting for the sign-in in a browser"),
        LoginState::WaitingApproval => (Paint::Note, "waiting for your approval in the Monzo app"),
        LoginState::Ready => (Paint::Good, "ready"),
        LoginState::LoginNeeded => (Paint::Bad, "the bank no longer takes it"),
        LoginState::ConsentLapsed => (Paint::Bad, "the bank's permission has ended"),
    };
    let mut sentence = style.paint(paint, words);
    if let (LoginState::Ready, Some(ends)) = (login.state, login.access_ends_at) {
        sentence.push_str(&format!(", access ends {} ({})", time.relative(ends), time.day(ends)));
    }
    if let Some(error) = &login.error {
        sentence.push_str(&format!("\n        {}", style.paint(Paint::Bad, &clean(error))));
    }
    sentence
}

fn sync(status: &Status, style: &Style) -> String {
    let (sync, time) = (&status.sync, &style.time);
    let mut parts = Vec::new();
    if sync.state == "running" {
        parts.push(style.paint(Paint::Note, "running now"));
    }
    match sync.last_success_at {
        Some(at) if sync.stale => {
            parts.push(style.paint(Paint::Bad, &format!("stale: last complete {}", time.relative(at))));
        }
        Some(at) => parts.push(format!("complete {}", time.relative(at))),
        None => parts.push("never complete yet".to_owned()),
    }
    let tried = sync.last_attempt_at.filter(|_| sync.state != "running");
    if let Some(at) = tried.filter(|at| sync.last_success_at.is_none_or(|success| *at > success)) {
        parts.push(match &sync.error {
            Some(_) => style.paint(Paint::Note, &format!("failed {}", time.relative(at))),
            None => format!("last tried {}", time.relative(at)),
        });
    }
    if let Some(at) = sync.next_due_at {
        let when = if at <= time.now { "now".to_owned() } else { time.relative(at) };
        parts.push(format!("next {when}"));
    }
    if status.quarantined > 0 {
        parts.push(style.paint(Paint::Note, &format!("{} in quarantine", status.quarantined)));
    }
    parts.join(", ")
}

fn sorter(status: &Status, style: &Style) -> String {
    let sorter = &status.sorter;
    if sorter.mode == RuleMode::Off {
        return style.paint(Paint::Quiet, "off");
    }
    let mut parts = vec![sorter.mode.to_string()];
    if sorter.frozen {
        parts.push(style.paint(Paint::Note, "frozen"));
    }
    if let Some(at) = sorter.next {
        parts.push(format!("next {} ({})", style.time.relative(at), style.time.minute(at)));
    }
    if sorter.proposed > 0 {
        let words = format!("{} waiting for approval", sorter.proposed);
        parts.push(style.paint(Paint::Note, &words));
    }
    if sorter.unsettled > 0 {
        parts.push(
            style.paint(Paint::Note, &format!("{} unsettled: `monzoctl sort transfers`", sorter.unsettled)),
        );
    }
    parts.join(", ")
}

/// Hidden accounts are shown only when something is wrong with them; closed ones never change.
fn worth_a_line(account: &AccountStatus) -> bool {
    let quiet = account.account.pot_id.is_some() || account.account.closed;
    !quiet || account.error.is_some() || account.difference.is_some_and(|difference| difference != 0)
}

fn accounts(accounts: &[&AccountStatus], style: &Style) -> String {
    let mut table = Table::new(&[
        ("ACCOUNT", Align::Flexible),
        ("BALANCE", Align::Right),
        ("WITH POTS", Align::Right),
        ("READ", Align::Left),
        ("HISTORY SINCE", Align::Left),
        ("", Align::Flexible),
    ]);
    for known in accounts {
        let account = &known.account;
        let read = known.last_success_at.map_or_else(|| "never".to_owned(), |at| style.time.relative(at));
        let since = known.covered_from.map_or_else(|| "–".to_owned(), |at| style.time.day(at));
        let (paint, remark) = remark(known);
        table.painted([
            (&account.name, Paint::Strong),
            (&amount(account.balance, account.currency), Paint::Plain),
            (&amount(account.total_balance, account.currency), Paint::Quiet),
            (&read, Paint::Plain),
            (&since, Paint::Quiet),
            (&remark, paint),
        ]);
    }
    table.take(style)
}

fn remark(known: &AccountStatus) -> (Paint, String) {
    if let Some(error) = &known.error {
        return (Paint::Bad, error.clone());
    }
    match known.difference {
        Some(difference) if difference != 0 => {
            let money = Money::new(difference, known.account.currency);
            (Paint::Note, format!("differs from the bank by {money}"))
        }
        _ if known.account.excluded => (Paint::Quiet, "excluded".to_owned()),
        _ => (Paint::Plain, String::new()),
    }
}

fn attentions<'a>(
    title: &str,
    paint: Paint,
    attentions: impl Iterator<Item = &'a Attention>,
    style: &Style,
) -> String {
    let mut text = String::new();
    for attention in attentions {
        if text.is_empty() {
            text.push_str(&format!("\n{}\n", style.paint(Paint::Strong, title)));
        }
        let mark = style.paint(paint, if paint == Paint::Bad { "✗" } else { "•" });
        let id = style.paint(Paint::Quiet, &format!("[{}]", clean(&attention.id)));
        text.push_str(&format!("  {mark} {} {id}\n", clean(&attention.message)));
        if !attention.hint.is_empty() {
            text.push_str(&format!("    → {}\n", clean(&attention.hint)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use monzo_common::model::SorterStatus;

    use super::*;
    use crate::view::fixture;

    #[test]
    fn a_healthy_page_is_quiet() {
        insta::assert_snapshot!(status(&fixture::status(), &fixture::style(None)), @r"
        monzod 0.1.0  all is well

        Login   ready, access ends in 80 days (10 Oct 2026)
        Sync    complete 2 h ago, next in 4 h
        Sorter  off

        ACCOUNT    BALANCE  WITH POTS  READ     HISTORY SINCE
        Current  £1,234.56  £1,234.56  2 h ago  26 Oct 2023
        Joint      -£12.05    -£12.05  2 h ago  26 Oct 2023
        ");
    }

    #[test]
    fn a_failed_sync_is_not_all_well() {
        let mut page = fixture::status();
        page.sync.last_attempt_at = Some(fixture::now() - jiff::SignedDuration::from_mins(1));
        page.sync.error = Some("the bank does not answer".into());
        let text = status(&page, &fixture::style(None));
        let top: Vec<&str> = text.lines().take(4).collect();
        insta::assert_snapshot!(top.join("\n"), @r"
        monzod 0.1.0  the last sync failed

        Login   ready, access ends in 80 days (10 Oct 2026)
        Sync    complete 2 h ago, failed 1 min ago, next in 4 h
        ");
    }

    #[test]
    fn problems_stand_apart_from_notes_with_what_mends_them() {
        let mut page = fixture::status();
        page.healthy = false;
        page.login.state = LoginState::LoginNeeded;
        page.sync.stale = true;
        page.accounts[0].error = Some("the login is lost".into());
        page.accounts[1].difference = Some(-250);
        let attention = |id: &str, severity, message: &str, hint: &str| Attention {
            id: id.into(),
            code: id.into(),
            severity,
            message: message.into(),
            hint: hint.into(),
        };
        page.attention = vec![
            attention("access_ends", Severity::Note, "access ends in 7 days", "monzoctl login"),
            attention(
                "login_needed",
                Severity::Problem,
                "the bank no longer takes the login",
                "monzoctl login",
            ),
        ];
        insta::assert_snapshot!(status(&page, &fixture::style(Some(100))), @r"
        monzod 0.1.0  needs you

        Login   the bank no longer takes it
        Sync    stale: last complete 2 h ago, next in 4 h
        Sorter  off

        ACCOUNT    BALANCE  WITH POTS  READ     HISTORY SINCE
        Current  £1,234.56  £1,234.56  2 h ago  26 Oct 2023    the login is lost
        Joint      -£12.05    -£12.05  2 h ago  26 Oct 2023    differs from the bank by -£2.50

        Problems
          ✗ the bank no longer takes the login [login_needed]
            → monzoctl login

        Notes
          • access ends in 7 days [access_ends]
            → monzoctl login
        ");
    }

    #[test]
    fn the_sorter_says_what_is_next_and_what_to_do_about_what_waits() {
        let mut page = fixture::status();
        page.sorter = SorterStatus {
            mode: RuleMode::Auto,
            frozen: true,
            next: Some(fixture::now() + jiff::SignedDuration::from_hours(24 * 9)),
            proposed: 1,
            unsettled: 2,
        };
        page.attention = vec![Attention {
            id: "rule_payday_step_2".into(),
            code: "rule_broken".into(),
            severity: Severity::Problem,
            message: "rule payday, step 2: there is no pot Rent any more (monzod.toml:14)".into(),
            hint: "change the rule, then `monzoctl config reload`".into(),
        }];
        let text = status(&page, &fixture::style(None));
        let lines: Vec<&str> =
            text.lines().filter(|line| line.contains("Sorter") || line.contains("rule")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        Sorter  auto, frozen, next in 9 days (2026-07-31 11:00), 1 waiting for approval, 2 unsettled: `monzoctl sort transfers`
          ✗ rule payday, step 2: there is no pot Rent any more (monzod.toml:14) [rule_payday_step_2]
            → change the rule, then `monzoctl config reload`
        ");
    }

    #[test]
    fn rescue_says_why_and_how_to_get_out() {
        let mut page = fixture::status();
        page.mode = Mode::Rescue;
        page.healthy = false;
        page.attention = vec![Attention {
            id: "rescue".into(),
            code: "database_damaged".into(),
            severity: Severity::Problem,
            message: "the database is damaged".into(),
            hint: "`monzoctl backup list`, then `monzoctl restore NAME`".into(),
        }];
        insta::assert_snapshot!(status(&page, &fixture::style(None)), @r"
        monzod 0.1.0  rescue mode: the database cannot be used, nothing is synced or moved

        Problems
          ✗ the database is damaged [rescue]
            → `monzoctl backup list`, then `monzoctl restore NAME`
        ");
    }
}

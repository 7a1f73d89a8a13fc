//! Decides what is news, from what happened and what needs a person; pure.
//!
//! An attention is told once it has lasted, so that a hiccup wakes nobody, and at most once a day, so that one that
//! comes and goes does not either. What was told and is over is told as recovered.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;
use monzo_common::model::{Attention, Event, Severity};

use super::Settings;
use crate::attention::Observed;
use crate::clock::elapsed;
use crate::config::Topic;
use crate::events::Kind;
use crate::store::{KnownAttention, Notice};

/// How long an attention lasts before it is told. Taste: what mends itself within two looks is no news.
const LASTS: SignedDuration = SignedDuration::from_mins(2);

/// How long one that was told and is over stays silent when it comes back. Taste.
const SILENT: SignedDuration = SignedDuration::from_hours(24);

/// Notes that ask a person to do something all the same.
const URGENT: &[&str] = &["access_ends", "payment_asked"];

/// The longest text that is sent. Taste: what a phone shows.
const LONGEST: usize = 400;

/// What follows from what needs a person now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// To be told.
    pub(super) notices: Vec<Notice>,
    /// What is known of attentions from now on, by id; `None` removes one.
    pub(super) known: Vec<(String, Option<KnownAttention>)>,
}

fn notice(topic: Topic, subject: &str, title: String, body: String) -> Notice {
    let cut = |text: String| text.chars().take(LONGEST).collect();
    Notice {
        topic: topic.as_str().to_owned(),
        subject: subject.to_owned(),
        title: cut(title),
        body: cut(body),
        account_id: None,
    }
}

/// The news of an event, if it is any.
pub(super) fn of_event(event: &Event, settings: &Settings) -> Option<Notice> {
    if !settings.tells(Topic::Run) {
        return None;
    }
    let is = |kind: Kind| event.kind == kind.as_str();
    let (rule, run) = (event.rule.as_deref()?, event.run_id.as_deref()?);
    let (what, next) = match () {
        () if is(Kind::RunProposed) => {
            ("waits for your approval", format!("`monzoctl sort approve {run}` shows its plan and asks"))
        }
        () if is(Kind::RunWithheld) => ("is held back", format!("`monzoctl why {run}` says by what")),
        () if is(Kind::RunDone) => ("is done", format!("`monzoctl show {run}` has all of it")),
        () if is(Kind::RunPartial) => {
            ("was done in part", format!("`monzoctl show {run}` says what is where"))
        }
        () if is(Kind::RunFailed) => ("failed", format!("`monzoctl why {run}` says why")),
        () if is(Kind::RunAdopted) => {
            ("was found at the bank", format!("`monzoctl show {run}` has all of it"))
        }
        () => return None,
    };
    let body = if settings.amounts {
        format!("{}. {next}.", capital(&event.message))
    } else {
        format!("{}.", capital(&next))
    };
    let account_id = event.account_id.as_deref().map(AccountId::from);
    Some(Notice { account_id, ..notice(Topic::Run, run, format!("{} {what}", capital(rule)), body) })
}

/// The news among what needs a person; a person knows what they have silenced.
pub(super) fn of_attention(
    known: &BTreeMap<String, KnownAttention>,
    observed: &[Observed],
    now: Timestamp,
    settings: &Settings,
) -> Looked {
    let mut looked = Looked::default();
    let mut lasting = Vec::new();
    for Observed { attention: one, silenced } in observed {
        if !worth_telling(one, settings) {
            continue;
        }
        lasting.push(one.id.as_str());
        let before = known.get(&one.id);
        let mut now_known = seen(before, one, now);
        let lasted = elapsed(now_known.seen_at, now).is_none_or(|lasted| lasted >= LASTS);
        if *silenced {
            now_known.told_at = now_known.told_at.or(Some(now));
        } else if now_known.told_at.is_none() && lasted && settings.tells(Topic::Attention) {
            now_known.told_at = Some(now);
            let said = said(&one.code, &one.message, settings);
            let body = format!("{said}. {}.", capital(&one.hint));
            looked.notices.push(notice(Topic::Attention, &one.id, "monzod needs you".to_owned(), body));
        }
        if before != Some(&now_known) {
            looked.known.push((one.id.clone(), Some(now_known)));
        }
    }
    for (id, before) in known.iter().filter(|(id, _)| !lasting.contains(&id.as_str())) {
        match (before.told_at, before.over_at) {
            (None, _) => looked.known.push((id.clone(), None)),
            (Some(told_at), None) => {
                if told_at >= before.seen_at && settings.tells(Topic::Recovered) {
                    let code = id.split(':').next().unwrap_or(id);
                    let body = format!("It is over: {}.", said(code, &before.message, settings));
                    let title = "monzod: all well again".to_owned();
                    looked.notices.push(notice(Topic::Recovered, id, title, body));
                }
                looked
                    .known
                    .push((id.clone(), Some(KnownAttention { over_at: Some(now), ..before.clone() })));
            }
            (Some(told_at), Some(_)) if elapsed(told_at, now).is_none_or(|gone| gone > SILENT) => {
                looked.known.push((id.clone(), None));
            }
            (Some(_), Some(_)) => {}
        }
    }
    looked
}

/// What is known of an attention from now on, if nothing is told of it.
fn seen(before: Option<&KnownAttention>, one: &Attention, now: Timestamp) -> KnownAttention {
    let message = one.message.clone();
    match before {
        // A clock that was ahead may have seen it first: what comes after that is not before it.
        Some(known) if known.over_at.is_none() => {
            KnownAttention { seen_at: known.seen_at.min(now), ..known.clone() }
        }
        Some(known) => {
            let told_at =
                known.told_at.filter(|told_at| elapsed(*told_at, now).is_some_and(|gone| gone <= SILENT));
            KnownAttention { message, seen_at: now, told_at, over_at: None }
        }
        None => KnownAttention { message, seen_at: now, told_at: None, over_at: None },
    }
}

/// Runs are told as such, where they are told at all.
fn worth_telling(one: &Attention, settings: &Settings) -> bool {
    let told_as_run = one.code.starts_with("run_") && settings.tells(Topic::Run);
    let urgent = one.severity == Severity::Problem || URGENT.contains(&one.code.as_str());
    urgent && !told_as_run
}

/// The sentence, or what it is about where amounts are not to leave this machine.
fn said(code: &str, message: &str, settings: &Settings) -> String {
    if settings.amounts { capital(message) } else { capital(&code.replace('_', " ")) }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let topics = vec![Topic::Attention, Topic::Run, Topic::Recovered];
        Settings { topics, feed: true, amounts: true }
    }

    fn problem(code: &str) -> Attention {
        Attention {
            id: format!("{code}:acc_1"),
            code: code.to_owned(),
            severity: Severity::Problem,
            message: "the bank and the rows differ by £3.20".to_owned(),
            hint: "`monzoctl sync` looks again".to_owned(),
        }
    }

    fn run(kind: &str) -> Event {
        Event {
            id: 1,
            at: Timestamp::UNIX_EPOCH,
            kind: kind.to_owned(),
            severity: Severity::Note,
            message: "the rule payday is done: £1,850.00 moved".to_owned(),
            account_id: Some("acc_1".to_owned()),
            pot_id: None,
            transaction_id: None,
            sync_id: None,
            rule: Some("payday".to_owned()),
            run_id: Some("run_1".to_owned()),
        }
    }

    /// Looks at `minutes`, each with whether the attention is there, and answers what was told at which.
    fn told(settings: &Settings, looks: &[(i64, bool)], silenced: bool) -> Vec<(i64, String)> {
        let (mut known, mut told) = (BTreeMap::new(), Vec::new());
        for (minute, there) in looks {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(*minute);
            let observed = there.then(|| Observed { attention: problem("difference_found"), silenced });
            let looked = of_attention(&known, observed.as_slice(), now, settings);
            told.extend(looked.notices.into_iter().map(|notice| (*minute, notice.topic)));
            for (id, now_known) in looked.known {
                match now_known {
                    Some(now_known) => drop(known.insert(id, now_known)),
                    None => drop(known.remove(&id)),
                }
            }
        }
        told
    }

    fn check(looks: &[(i64, bool)], wanted: &[(i64, &str)]) {
        let told = told(&settings(), looks, false);
        let told: Vec<(i64, &str)> = told.iter().map(|(minute, topic)| (*minute, topic.as_str())).collect();
        assert_eq!(told, wanted, "{looks:?}");
    }

    #[test]
    fn an_attention_is_told_once_it_has_lasted_and_once() {
        check(&[(0, true), (1, true)], &[]);
        check(&[(0, true), (1, true), (2, true), (3, true), (600, true)], &[(2, "attention")]);
    }

    #[test]
    fn a_hiccup_is_not_told() {
        check(&[(0, true), (1, false), (2, true), (3, false)], &[]);
    }

    #[test]
    fn what_was_told_and_is_over_is_told_as_recovered() {
        check(&[(0, true), (2, true), (9, false), (10, false)], &[(2, "attention"), (9, "recovered")]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once_a_day() {
        let first = [(2, "attention"), (9, "recovered")];
        let looks = [(0, true), (2, true), (9, false), (20, true), (30, true), (40, false)];
        check(&looks, &first);
        let later = [looks.as_slice(), &[(2_000, true), (2_002, true)]].concat();
        check(&later, &[first.as_slice(), &[(2_002, "attention")]].concat());
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_seen_or_told_is_told_once_and_is_over_once() {
        let wanted = [(12, "attention"), (15, "recovered")];
        check(&[(1_000, true), (10, true), (12, true), (13, true), (15, false), (16, false)], &wanted);
        let first = [(1_002, "attention")];
        check(&[(1_000, true), (1_002, true), (10, true), (12, true), (1_003, true)], &first);
        let back = [(1_000, true), (1_002, true), (10, false), (20, true), (22, true), (30, true)];
        check(&back, &[(1_002, "attention"), (10, "recovered"), (22, "attention")]);
    }

    #[test]
    fn what_a_person_has_silenced_is_known_to_them() {
        assert_eq!(told(&settings(), &[(0, true), (5, true)], true), []);
    }

    #[test]
    fn only_chosen_topics_are_told() {
        let quiet = Settings { topics: vec![Topic::Recovered], ..settings() };
        assert_eq!(told(&quiet, &[(0, true), (5, true), (9, false)], false), []);
        assert_eq!(of_event(&run("run_done"), &quiet), None);
    }

    #[test]
    fn a_run_is_told_by_its_end_and_not_as_an_attention_too() {
        let notice = of_event(&run("run_done"), &settings()).expect("news");
        assert_eq!(notice.title, "Payday is done");
        assert_eq!(
            notice.body,
            "The rule payday is done: £1,850.00 moved. `monzoctl show run_1` has all of it."
        );
        assert_eq!(of_event(&run("run_started"), &settings()), None);
        let looked = of_attention(
            &BTreeMap::new(),
            &[Observed { attention: problem("run_partial"), silenced: false }],
            Timestamp::UNIX_EPOCH,
            &settings(),
        );
        assert_eq!(looked, Looked::default());
    }

    #[test]
    fn amounts_stay_at_home_where_the_person_says_so() {
        let discreet = Settings { amounts: false, ..settings() };
        let notice = of_event(&run("run_done"), &discreet).expect("news");
        assert!(!notice.body.contains('£'), "{notice:?}");
        let (id, before) = (
            "difference_found:acc_1".to_owned(),
            KnownAttention {
                message: "£3.20".to_owned(),
                seen_at: Timestamp::UNIX_EPOCH,
                told_at: None,
                over_at: None,
            },
        );
        let now = Timestamp::UNIX_EPOCH + LASTS;
        let known = BTreeMap::from([(id, before)]);
        let looked = of_attention(
            &known,
            &[Observed { attention: problem("difference_found"), silenced: false }],
            now,
            &discreet,
        );
        assert_eq!(looked.notices.len(), 1);
        assert!(looked.notices[0].body.starts_with("Difference found. "), "{looked:?}");
    }
}

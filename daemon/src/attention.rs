//! What needs a person: pure, from how things stand to sentences with what mends each.
//!
//! A *problem* is what a person must act on, a *note* what they may want to know. Ids are stable while the matter
//! lasts, so that one can be silenced without silencing the next.

mod reading;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use monzo_common::id::AccountId;
use monzo_common::model::{AccountStatus, Attention, Login, LoginState, RunState, Severity};
use monzo_common::shell;

use crate::clock::elapsed;
use crate::login::{MAKE_CONFIDENTIAL, Trouble, access};
use crate::store::{Health, LeftOut, StoreError};

/// How long refreshes of the login may fail before a person should act. Taste.
const REFRESH_FAILS: SignedDuration = SignedDuration::from_hours(24);

/// What went wrong outside the rooms and lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    /// The configuration on disk was refused.
    pub config: Option<String>,
    /// The metrics are not served.
    pub metrics: Option<String>,
    /// The last scheduled backup failed.
    pub backup: Option<String>,
    /// The database was not closed properly and is being checked.
    pub checking: bool,
}

/// A part of an account's history that the bank did not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The account.
    pub account_id: AccountId,
    /// What it is called.
    pub name: String,
    /// The part ends here.
    pub missing_before: Timestamp,
}

/// A difference between a balance and the rows that a person has been told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The account.
    pub account_id: AccountId,
    /// Minor units.
    pub amount: i64,
    /// What the records in quarantine have to do with it: a clause, or nothing.
    pub because: String,
    /// They are worth just that.
    pub explained: bool,
}

/// How things stand.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The present.
    pub now: Timestamp,
    /// The login.
    pub login: Login,
    /// An OAuth client is known.
    pub configured: bool,
    /// The bank does not take the OAuth client.
    pub client_refused: bool,
    /// The newest tokens are only in memory.
    pub unsaved_login: bool,
    /// Refreshes of the login do not succeed, for a reason that says nothing about the login.
    pub refresh_trouble: Option<Trouble>,
    /// The bank asked to be left alone until then.
    pub left_alone_until: Option<Timestamp>,
    /// No sync has read everything for too long.
    pub stale: bool,
    /// When one last did.
    pub last_success_at: Option<Timestamp>,
    /// Why the last sync failed as a whole, if it did.
    pub sync_error: Option<String>,
    /// When the next one is due.
    pub next_sync: Option<Timestamp>,
    /// The zone in which the person reads times.
    pub zone: TimeZone,
    /// The accounts.
    pub accounts: Vec<AccountStatus>,
    /// Parts of history that are missing.
    pub histories: Vec<History>,
    /// Accounts that the bank lists and that are not synced.
    pub left_out: Vec<LeftOut>,
    /// Differences that two syncs in a row have shown.
    pub differences: Vec<Difference>,
    /// Records that could not be understood.
    pub quarantined: u64,
    /// How the database fares.
    pub store: Health,
    /// How far this machine's clock is ahead of the bank's, where that is too far.
    pub skew: Option<SignedDuration>,
    /// What went wrong outside the rooms.
    pub troubles: Troubles,
    /// When a rule is next due.
    pub next_due: Option<Timestamp>,
    /// Runs that want a look.
    pub runs: Vec<RunMatter>,
    /// Why the sorter, or a rule, is frozen: the rule, and the reason.
    pub frozen: Vec<(Option<String>, String)>,
    /// Rules with something the matter at the bank: the rule, and what.
    pub rules: Vec<(String, String)>,
    /// Expected incomes that have not come: which, and a sentence.
    pub incomes: Vec<(String, String)>,
    /// Payments that runs leave to the person: which, and a sentence.
    pub asks: Vec<(String, String)>,
    /// Pots that only the app moves money of: which, a sentence, and the command that tries it again.
    pub app_pots: Vec<(String, String, String)>,
}

/// A run that wants a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunMatter {
    /// Its id.
    pub id: String,
    /// The rule, or what is made by hand.
    pub rule: String,
    /// Where it stands.
    pub state: RunState,
    /// Why.
    pub reason: Option<String>,
}

fn problem(code: &str, message: impl Into<String>, hint: &str) -> Attention {
    of(Severity::Problem, code, "", message, hint)
}

fn note(code: &str, message: impl Into<String>, hint: &str) -> Attention {
    of(Severity::Note, code, "", message, hint)
}

fn of(severity: Severity, code: &str, subject: &str, message: impl Into<String>, hint: &str) -> Attention {
    let id = if subject.is_empty() { code.to_owned() } else { format!("{code}:{subject}") };
    Attention { id, code: code.to_owned(), severity, message: message.into(), hint: hint.to_owned() }
}

/// What needs a person, the most urgent first.
pub fn attention(facts: &Facts) -> Vec<Attention> {
    let mut all = Vec::new();
    store(facts, &mut all);
    login(facts, &mut all);
    reading::reading(facts, &mut all);
    machine(facts, &mut all);
    sorter(facts, &mut all);
    all.sort_by_key(|attention| attention.severity == Severity::Note);
    all
}

/// Why only what repairs the database is served.
pub fn rescue(reason: &str, hint: &str) -> Attention {
    problem("rescue", reason, hint)
}

/// The database is being exchanged at this moment.
pub fn between() -> Attention {
    note("restoring", "the database is being put back from a backup", "wait a moment")
}

fn store(facts: &Facts, all: &mut Vec<Attention>) {
    let unwritable = |why: StoreError, hint| problem("store_unwritable", why.to_string(), hint);
    match &facts.store {
        Health::Full => all.push(unwritable(StoreError::Full, "make room: `df -h`")),
        Health::ReadOnly => {
            all.push(unwritable(
                StoreError::ReadOnly,
                "make the state directory writable; `journalctl -k -e` may say why it is not",
            ));
        }
        Health::Gone { replaced } => {
            let what = if *replaced { "replaced by another file" } else { "removed" };
            let message =
                format!("the database's file was {what} while the daemon runs, and nothing more is written");
            let hint = "`monzoctl backup --with-login monzod-saved.db` saves what the daemon still has open; `monzoctl restore monzod-saved.db` brings it back";
            all.push(problem("store_gone", message, hint));
        }
        // The daemon goes into rescue mode for it.
        Health::Good | Health::Damaged(_) => {}
    }
    if let Some(why) = &facts.troubles.backup {
        let message = format!("the last scheduled backup failed: {why}");
        all.push(problem(
            "backup_failed",
            message,
            "see that the directory of `store.backup.dir` can be written",
        ));
    }
    if facts.troubles.checking {
        let message = "the daemon was not stopped properly last time; the database is being checked";
        all.push(note("store_checking", message, "wait; this note goes when the check has ended"));
    }
}

fn login(facts: &Facts, all: &mut Vec<Attention>) {
    let error = facts.login.error.as_deref();
    match facts.login.state {
        LoginState::None if !facts.configured => all.push(problem(
            "setup_needed",
            "no OAuth client is set up yet",
            "`monzoctl setup` says how to make one at Monzo",
        )),
        LoginState::None => all.push(problem("login_needed", "nobody has logged in yet", "`monzoctl login`")),
        LoginState::LoginNeeded if facts.login.refreshes == Some(false) => {
            let message =
                "the login has ended and could not be refreshed: the OAuth client is not confidential";
            all.push(problem("login_needed", message, MAKE_CONFIDENTIAL));
        }
        LoginState::LoginNeeded => {
            let why = error.map(|error| format!(" ({error})")).unwrap_or_default();
            let message = format!("the bank no longer takes the login{why}");
            all.push(problem("login_needed", message, "`monzoctl login`"));
        }
        LoginState::ConsentLapsed => all.push(problem(
            "consent_lapsed",
            "the bank's permission has ended",
            "refresh permissions in the Monzo app, then `monzoctl login --renewed`; or `monzoctl login`",
        )),
        LoginState::WaitingBrowser => all.push(Attention {
            // Until somebody has signed in, it is still the same matter: there is no login.
            id: "login_needed".to_owned(),
            ..problem(
                "login_waiting",
                "nobody has signed in yet on the page that `monzoctl login` opened",
                "sign in on that page; `monzoctl login` prints a new address for it",
            )
        }),
        LoginState::WaitingApproval => all.push(problem(
            "approval_needed",
            "the login waits for your approval",
            "open the Monzo app and approve it; `monzoctl login` waits with you",
        )),
        LoginState::Ready => ending(facts, all),
    }
    if facts.client_refused {
        let message = "the bank does not take the OAuth client, so that the login cannot be refreshed";
        let hint = "copy id and secret from developers.monzo.com, then `monzoctl setup`; a login made with another client needs `monzoctl login`";
        all.push(problem("client_refused", message, hint));
    } else if let Some(trouble) = &facts.refresh_trouble {
        all.push(not_refreshed(trouble, facts.now));
    }
    if facts.unsaved_login {
        let message = "the newest tokens could not be written and are only in memory";
        all.push(problem("login_unsaved", message, "make room on the disk before the daemon stops"));
    }
}

/// A refresh that fails is tried again for days; after a day a person may know better.
fn not_refreshed(trouble: &Trouble, now: Timestamp) -> Attention {
    let message = format!(
        "the login could not be refreshed since {}, and is kept; the next try is at {}: {}",
        trouble.since.strftime("%-d %b %H:%M UTC"),
        trouble.until().strftime("%-d %b %H:%M UTC"),
        trouble.why
    );
    if elapsed(trouble.since, now).is_some_and(|lasted| lasted > REFRESH_FAILS) {
        return problem("refresh_failing", message, "if the bank works otherwise, `monzoctl login`");
    }
    note("refresh_failing", message, "nothing is to be done: it is tried again by itself")
}

fn ending(facts: &Facts, all: &mut Vec<Attention>) {
    if let (Some(false), Some(ends)) = (facts.login.refreshes, facts.login.token_expires_at) {
        let message = format!(
            "the login ends on {} and cannot be refreshed: the OAuth client is not confidential",
            ends.strftime("%-d %b at %H:%M UTC")
        );
        all.push(problem("not_refreshable", message, MAKE_CONFIDENTIAL));
    }
    let Some(ends) = facts.login.access_ends_at else { return };
    let hint = "refresh permissions in the Monzo app, then `monzoctl login --renewed`";
    if let Some(due) = facts.next_due.filter(|due| ends <= *due && facts.now < ends) {
        let message = format!(
            "the bank's permission ends on {}, before the next rule is due on {}",
            ends.strftime("%-d %b %Y"),
            due.strftime("%-d %b %Y")
        );
        all.push(of(Severity::Note, "access_ends", "rule", message, hint));
    }
    let Some(days) = access::warning(ends, facts.now) else { return };
    let (severity, message) = match days {
        _ if ends <= facts.now => (Severity::Note, "the bank's 90 days are over by our count".to_owned()),
        1 => (Severity::Problem, "the bank's permission ends within a day".to_owned()),
        days => (Severity::Note, format!("the bank's permission ends within {days} days")),
    };
    all.push(of(severity, "access_ends", &days.to_string(), message, hint));
}

fn sorter(facts: &Facts, all: &mut Vec<Attention>) {
    for (rule, reason) in &facts.frozen {
        let (subject, message, hint) = match rule {
            Some(rule) => (
                rule.as_str(),
                format!("the rule {rule} is frozen: {reason}"),
                format!("`monzoctl sort thaw {}` lets it go on", shell::word(rule)),
            ),
            None => (
                "",
                format!("the sorter is frozen: {reason}"),
                "`monzoctl sort history` shows what was moved; `monzoctl sort thaw` lets rules run again"
                    .to_owned(),
            ),
        };
        let severity = if rule.is_some() { Severity::Note } else { Severity::Problem };
        all.push(of(severity, "sorter_frozen", subject, message, &hint));
    }
    for run in &facts.runs {
        let because = run.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let id = &run.id;
        let look = |code: &str| {
            format!(
                "`monzoctl show {id}` shows what was moved; `monzoctl ack {code}:{id}` when it is dealt with"
            )
        };
        let (severity, code, what, hint) = match run.state {
            RunState::Proposed => (
                Severity::Note,
                "run_proposed",
                "waits for approval",
                format!(
                    "`monzoctl sort approve {id}` shows its plan and asks; `monzoctl sort reject {id}` drops it"
                ),
            ),
            RunState::Withheld => {
                (Severity::Note, "run_withheld", "is held back", format!("`monzoctl why {id}` says by what"))
            }
            RunState::Waiting => {
                (Severity::Note, "run_waiting", "waits", format!("`monzoctl show {id}` shows its plan"))
            }
            RunState::Partial => (Severity::Problem, "run_partial", "was done in part", look("run_partial")),
            RunState::Failed => (Severity::Problem, "run_failed", "failed", look("run_failed")),
            _ => continue,
        };
        all.push(of(severity, code, id, format!("{}: the run {what}{because}", run.rule), &hint));
    }
    for (rule, what) in &facts.rules {
        all.push(of(
            Severity::Problem,
            "rule_unfit",
            rule,
            what,
            "change the rule, then `monzoctl config reload`; or change the pot in the app",
        ));
    }
    for (which, what) in &facts.incomes {
        let hint = format!(
            "if it came in another form, change `income` of the payday, then `monzoctl config reload`; or `monzoctl ack {}`",
            shell::word(&format!("income_late:{which}"))
        );
        all.push(of(Severity::Problem, "income_late", which, what, &hint));
    }
    for (which, what) in &facts.asks {
        let hint = format!(
            "pay it in the app: this note goes when a sync sees the payment; or `monzoctl ack payment_asked:{which}`"
        );
        all.push(of(Severity::Note, "payment_asked", which, what, &hint));
    }
    for (which, what, thaw) in &facts.app_pots {
        let hint = format!("move its money in the Monzo app; `{thaw}` lets it be tried again");
        all.push(of(Severity::Note, "pot_needs_app", which, what, &hint));
    }
}

fn machine(facts: &Facts, all: &mut Vec<Attention>) {
    if let Some(why) = &facts.troubles.config {
        let message = format!("the configuration on disk was refused, the one in force stays: {why}");
        all.push(problem(
            "config_rejected",
            message,
            "`monzoctl config check` shows what to change; then `monzoctl config reload`",
        ));
    }
    if let Some(why) = &facts.troubles.metrics {
        let message = format!("metrics are not served: {why}");
        all.push(problem(
            "metrics_unserved",
            message,
            "free the address or change `metrics.listen`, then restart",
        ));
    }
    if let Some(skew) = facts.skew {
        let (seconds, direction) =
            (skew.as_secs().abs(), if skew.is_negative() { "behind" } else { "ahead of" });
        let message = format!("this machine's clock is {seconds} s {direction} the bank's");
        all.push(problem("clock_skewed", message, "let NTP set it: `timedatectl set-ntp true`"));
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::Account;
    use monzo_common::money::Currency;

    use super::*;

    fn day(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days)
    }

    fn account() -> AccountStatus {
        AccountStatus {
            account: Account {
                id: "acc_1".into(),
                name: "Personal".to_owned(),
                kind: "uk_retail".to_owned(),
                currency: Currency::GBP,
                closed: false,
                excluded: false,
                balance: Some(0),
                total_balance: Some(0),
                pot_id: None,
                left_out: false,
            },
            last_success_at: Some(day(100)),
            covered_from: None,
            covered_to: None,
            error: None,
            difference: Some(0),
        }
    }

    /// Everything is as it should be.
    fn facts() -> Facts {
        Facts {
            now: day(100),
            login: Login {
                state: LoginState::Ready,
                user_id: None,
                token_expires_at: None,
                refreshes: Some(true),
                access_ends_at: Some(day(180)),
                error: None,
            },
            configured: true,
            client_refused: false,
            unsaved_login: false,
            refresh_trouble: None,
            left_alone_until: None,
            stale: false,
            last_success_at: Some(day(100)),
            sync_error: None,
            next_sync: Some(day(100) + SignedDuration::from_mins(5)),
            zone: TimeZone::UTC,
            accounts: vec![account()],
            histories: Vec::new(),
            left_out: Vec::new(),
            differences: Vec::new(),
            quarantined: 0,
            store: Health::Good,
            skew: None,
            troubles: Troubles::default(),
            next_due: Some(day(104)),
            runs: Vec::new(),
            frozen: Vec::new(),
            rules: Vec::new(),
            incomes: Vec::new(),
            asks: Vec::new(),
            app_pots: Vec::new(),
        }
    }

    /// What needs a person after `change`, each id with a `!` if it is a problem.
    fn check(change: impl FnOnce(&mut Facts), wanted: &[&str]) {
        let mut facts = facts();
        change(&mut facts);
        let all = attention(&facts);
        let mark = |one: &Attention| {
            format!("{}{}", if one.severity == Severity::Problem { "!" } else { "" }, one.id)
        };
        assert_eq!(all.iter().map(mark).collect::<Vec<_>>(), wanted, "{all:#?}");
        assert!(all.iter().all(|one| !one.hint.is_empty()), "each says what mends it: {all:#?}");
    }

    #[test]
    fn nothing_needs_a_person_while_all_is_well() {
        check(|_| (), &[]);
    }

    #[test]
    fn the_ninety_days_are_told_ahead_and_at_once_if_a_rule_is_due_after_them() {
        check(|facts| facts.login.access_ends_at = Some(day(131)), &[]);
        check(|facts| facts.login.access_ends_at = Some(day(106)), &["access_ends:7"]);
        check(|facts| facts.login.access_ends_at = Some(day(101)), &["!access_ends:1", "access_ends:rule"]);
        let far = |facts: &mut Facts| {
            facts.login.access_ends_at = Some(day(150));
            facts.next_due = Some(day(151));
        };
        check(far, &["access_ends:rule"]);
        check(|facts| facts.login.access_ends_at = Some(day(99)), &["access_ends:1"]);
    }

    #[test]
    fn a_login_that_cannot_be_refreshed_names_the_kind_of_client_and_not_another_login() {
        let cannot = |facts: &mut Facts| {
            facts.login.refreshes = Some(false);
            facts.login.token_expires_at = Some(day(101));
        };
        check(cannot, &["!not_refreshable"]);
        let over = |facts: &mut Facts| {
            cannot(facts);
            facts.login.state = LoginState::LoginNeeded;
        };
        check(over, &["!login_needed"]);
        let mut facts = facts();
        over(&mut facts);
        assert!(attention(&facts)[0].hint.contains("confidential"), "{:?}", attention(&facts));
    }

    #[test]
    fn problems_stand_before_notes() {
        let change = |facts: &mut Facts| {
            facts.quarantined = 2;
            facts.login.state = LoginState::LoginNeeded;
            facts.skew = Some(SignedDuration::from_secs(-300));
        };
        check(change, &["!login_needed", "!clock_skewed", "quarantine"]);
    }

    #[test]
    fn an_account_of_an_unfamiliar_type_is_noted_and_no_account_at_all_is_a_problem() {
        let left_out = |kind: &str, closed| LeftOut { id: "acc_2".into(), kind: kind.to_owned(), closed };
        check(|facts| facts.left_out = vec![left_out("uk_young", false)], &["account_left_out:acc_2"]);
        check(|facts| facts.left_out = vec![left_out("", false)], &["account_left_out:acc_2"]);
        check(|facts| facts.left_out = vec![left_out("uk_rewards", false), left_out("", true)], &[]);
        check(|facts| facts.accounts.clear(), &["!no_account"]);
        let unread = |facts: &mut Facts| {
            facts.accounts.clear();
            facts.last_success_at = None;
        };
        check(unread, &[]);
    }

    #[test]
    fn a_difference_is_a_problem_unless_what_could_not_be_understood_explains_it() {
        let told = |explained| Difference {
            account_id: "acc_1".into(),
            amount: 500,
            because: String::new(),
            explained,
        };
        check(|facts| facts.differences = vec![told(false)], &["!difference:acc_1"]);
        check(|facts| facts.differences = vec![told(true)], &["difference:acc_1"]);
    }

    #[test]
    fn a_run_needs_a_person_by_its_state() {
        let run =
            |state| RunMatter { id: "run_1".to_owned(), rule: "payday".to_owned(), state, reason: None };
        for (state, wanted) in [
            (RunState::Proposed, "run_proposed:run_1"),
            (RunState::Withheld, "run_withheld:run_1"),
            (RunState::Waiting, "run_waiting:run_1"),
            (RunState::Partial, "!run_partial:run_1"),
            (RunState::Failed, "!run_failed:run_1"),
        ] {
            check(|facts| facts.runs = vec![run(state)], &[wanted]);
        }
        check(|facts| facts.runs = vec![run(RunState::Executing)], &[]);
    }

    #[test]
    fn hints_name_the_run_rule_and_attention_that_they_are_about() {
        let mut facts = facts();
        facts.frozen = vec![(Some("big pay".to_owned()), "away".to_owned())];
        facts.runs =
            [RunState::Proposed, RunState::Withheld, RunState::Waiting, RunState::Partial, RunState::Failed]
                .map(|state| RunMatter {
                    id: "run_1".to_owned(),
                    rule: "payday".to_owned(),
                    state,
                    reason: None,
                })
                .to_vec();
        facts.incomes = vec![("main:2026-11-27".to_owned(), "late".to_owned())];
        facts.asks = vec![("run_1/2".to_owned(), "pay".to_owned())];
        for one in attention(&facts) {
            let named = match one.code.as_str() {
                "sorter_frozen" => "`monzoctl sort thaw 'big pay'`".to_owned(),
                "run_proposed" => "`monzoctl sort approve run_1`".to_owned(),
                "run_withheld" => "`monzoctl why run_1`".to_owned(),
                "run_waiting" => "`monzoctl show run_1`".to_owned(),
                _ => format!("`monzoctl ack {}`", one.id),
            };
            assert!(one.hint.contains(&named), "{named} is not in: {one:?}");
        }
    }

    #[test]
    fn a_frozen_sorter_is_a_problem_and_a_frozen_rule_a_note() {
        check(|facts| facts.frozen = vec![(None, "a restore".to_owned())], &["!sorter_frozen"]);
        let rule = |facts: &mut Facts| facts.frozen = vec![(Some("sweep".to_owned()), "away".to_owned())];
        check(rule, &["sorter_frozen:sweep"]);
    }
}

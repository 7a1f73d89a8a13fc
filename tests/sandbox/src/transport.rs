//! The bank straight behind the daemon's door to it: no sockets, time as the test has it, the real code above.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use monzod::monzo::{Boxed, Failure, Method, Request, Response, Transport};
use secrecy::ExposeSecret;

use crate::Shared;
use crate::bank::{self, Answer, Bank, Outcome, Pace};

/// How long a request may take: the daemon's default. Under paused time it costs nothing.
const TIMEOUT: Duration = Duration::from_secs(30);

type Clock = dyn Fn() -> Timestamp + Send + Sync;
type Hook = dyn FnMut(u64, &Request, &mut Bank) + Send;

/// A door that leads to a simulated bank.
#[derive(Clone)]
pub struct Simulated {
    bank: Shared,
    clock: Arc<Clock>,
    hook: Arc<Mutex<Option<Box<Hook>>>>,
    sent: Arc<AtomicU64>,
    timeout: Duration,
}

impl Simulated {
    /// A door to `bank`, whose time is what `clock` says.
    pub fn new(bank: Shared, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { bank, clock: Arc::new(clock), hook: Arc::default(), sent: Arc::default(), timeout: TIMEOUT }
    }

    /// Requests take this long at most.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Before each request, `hook` is called with its number, counted from 1, and the bank.
    ///
    /// The hook acts on the bank that it is given; it must not reach for it by another way.
    pub fn before_each(&self, hook: impl FnMut(u64, &Request, &mut Bank) + Send + 'static) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// How many requests came through.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The bank, at the present instant.
    pub fn bank(&self) -> std::sync::MutexGuard<'_, Bank> {
        let mut bank = self.bank.lock();
        bank.pass((self.clock)());
        bank
    }

    fn ask(&self, request: &Request) -> Outcome {
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bank = self.bank();
        if let Some(hook) = &mut *self.hook.lock().unwrap_or_else(PoisonError::into_inner) {
            hook(number, request, &mut bank);
        }
        let outcome = bank.handle(&read(request), (self.clock)());
        self.bank.asked();
        outcome
    }

    async fn travel(&self, outcome: Outcome) -> Result<Response, Failure> {
        let late = || Failure::Unknown("it took too long".to_owned());
        match outcome {
            Outcome::Reset { .. } => Err(Failure::Unknown("connection reset by peer".to_owned())),
            Outcome::Hang { .. } => {
                tokio::time::sleep(self.timeout).await;
                Err(late())
            }
            Outcome::Answer(answer) => {
                let slow = if let Pace::Slow(duration) = answer.pace { duration } else { Duration::ZERO };
                let takes = answer.delay.saturating_add(slow);
                tokio::time::sleep(takes.min(self.timeout)).await;
                if takes >= self.timeout {
                    return Err(late());
                }
                if let Pace::Truncated(_) = answer.pace {
                    return Err(Failure::Unknown("end of file before message length reached".to_owned()));
                }
                Ok(write(answer))
            }
        }
    }
}

impl std::fmt::Debug for Simulated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulated").field("sent", &self.sent()).finish_non_exhaustive()
    }
}

impl Transport for Simulated {
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let outcome = self.ask(&request);
            self.travel(outcome).await
        })
    }
}

fn read(request: &Request) -> bank::Request {
    let form = request.form.as_ref().map(|form| form.expose_secret().as_bytes().to_vec());
    bank::Request {
        method: match request.method {
            Method::Get => bank::Method::Get,
            Method::Post => bank::Method::Post,
            Method::Put => bank::Method::Put,
        },
        path: request.path.clone(),
        query: request.query.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        form: form.map(|form| form_urlencoded::parse(&form).into_owned().collect()).unwrap_or_default(),
        bearer: request.bearer.as_ref().map(|token| token.expose_secret().to_owned()),
        accept: Some("application/json".to_owned()),
    }
}

fn write(answer: Answer) -> Response {
    Response {
        status: answer.status,
        retry_after: answer.retry_after,
        date: Some(answer.date),
        body: answer.body,
    }
}

#[cfg(test)]
mod tests {
    use monzod::clock::Clock;
    use monzod::metrics::Metrics;
    use monzod::monzo::{Bearer, Client, Error, HttpClient, Lane, RateLimiter, Since};
    use secrecy::SecretString;

    use super::*;
    use crate::Settings;
    use crate::bank::faults::{Fault, Rule};

    fn door() -> (Simulated, Clock) {
        let clock = Clock::manual("2026-11-24T13:00:00Z".parse().expect("an instant"));
        let bank = Shared::new(Bank::new(Settings::minimal(clock.now())));
        let door = {
            let clock = clock.clone();
            Simulated::new(bank, move || clock.now())
        };
        (door, clock)
    }

    fn whoami() -> Request {
        Request::new(Method::Get, "/ping/whoami")
    }

    #[tokio::test(start_paused = true)]
    async fn answers_come_with_the_banks_time_and_are_counted() {
        let (door, clock) = door();
        clock.advance(jiff::SignedDuration::from_hours(24));
        let answer = door.send(whoami()).await.expect("an answer");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.date.as_deref(), Some("Wed, 25 Nov 2026 13:00:00 GMT"));
        assert_eq!(door.sent(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_acts_just_before_the_request_that_it_means() {
        let (door, _) = door();
        door.before_each(|number, _, bank| {
            if number == 2 {
                bank.set_faults(vec![Rule::nth(Fault::Gateway, 1)], 0);
            }
        });
        let mut found = Vec::new();
        for _ in 0..3 {
            found.push(door.send(whoami()).await.expect("an answer").status);
        }
        assert_eq!(found, [401, 502, 401]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_arrive_is_an_unknown_outcome() {
        for fault in
            [Fault::Hang, Fault::HangAfter, Fault::ResetBefore, Fault::ResetAfter, Fault::TruncatedBody]
        {
            let (door, _) = door();
            door.bank().set_faults(vec![Rule::nth(fault, 1)], 0);
            let began = tokio::time::Instant::now();
            let failure = door.send(whoami()).await.expect_err("no answer");
            assert!(matches!(failure, Failure::Unknown(_)), "{fault:?}: {failure:?}");
            let waited = matches!(fault, Fault::Hang | Fault::HangAfter);
            assert_eq!(began.elapsed() >= TIMEOUT, waited, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_takes_its_time() {
        let (door, _) = door();
        door.bank().settings.latency = Duration::from_secs(3);
        door.bank().set_faults(vec![Rule::nth(Fault::SlowBody, 1)], 0);
        let began = tokio::time::Instant::now();
        assert_eq!(door.send(whoami()).await.expect("an answer").status, 401);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }

    struct Fixed(String);

    impl Bearer for Fixed {
        fn token(&self) -> Boxed<'_, Result<SecretString, Error>> {
            Box::pin(async { Ok(self.0.as_str().into()) })
        }

        fn renewed(&self, _: SecretString) -> Boxed<'_, Result<SecretString, Error>> {
            Box::pin(async { Err(Error::LoginNeeded { reason: "none is left".to_owned() }) })
        }

        fn refused(&self, _: &SecretString, code: &str) -> Error {
            panic!("no token is refused here: {code}");
        }
    }

    /// Reads an account to its end, as the daemon pages.
    async fn read_all(
        client: &Client,
        account: &monzo_common::id::AccountId,
        mut since: Since,
    ) -> Vec<(String, i64)> {
        let mut rows = Vec::new();
        loop {
            let page = client.transactions(account, since, None, Lane::Capture).await.expect("a page");
            assert!(page.unreadable.is_empty(), "{:?}", page.unreadable);
            let Some(last) = page.rows.last() else { return rows };
            since = Since::Id(last.id.clone());
            rows.extend(page.rows.iter().map(|row| (row.id.to_string(), row.amount)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_daemons_client_understands_everything_whatever_goes_wrong() {
        let mut till = bank::fixture::Till::whole();
        let clock = Clock::manual(till.now);
        let token = std::mem::take(&mut till.access);
        let bank = Shared::new(till.bank);
        let now = clock.clone();
        let door = Simulated::new(bank, move || now.now());
        // These two take rows away without a word; the layer above has to notice.
        let silent = [Fault::MalformedRecord, Fault::FalseEmptyPage];
        // These are final for one request, which the layer above repeats.
        let last = [Fault::RateLimitLong, Fault::Empty401, Fault::Code400, Fault::Code401, Fault::Code403];
        let left_out = |fault: &Fault| silent.contains(fault) || last.contains(fault);
        let rules = Fault::ALL.into_iter().filter(|fault| !left_out(fault));
        door.bank().set_faults(rules.map(|fault| Rule::chance(fault, 12_000)).collect(), 5);
        let metrics = Arc::new(Metrics::new(clock.now()));
        let line = HttpClient::new(Arc::new(door.clone()), clock.clone(), metrics);
        let client = Client::new(line, Arc::new(Fixed(token)), Arc::new(RateLimiter::new(4)));
        let ledger = door.bank().ledger(None);
        let accounts = client.accounts(Lane::Capture).await.expect("accounts");
        assert_eq!(accounts.len(), 7);
        let month = clock.now().checked_sub(jiff::SignedDuration::from_hours(24 * 88)).expect("in range");
        for account in &ledger.accounts {
            if account.owners.len() == 1 && account.owners != ledger.accounts[0].owners || !account.readable {
                continue;
            }
            let found = read_all(&client, &account.id.as_str().into(), Since::Time(month)).await;
            let since = bank::clock::text(month.as_millisecond());
            let listed =
                account.transactions.iter().filter(|row| row["created"].as_str() >= Some(since.as_str()));
            let text = |row: &serde_json::Value| row["id"].as_str().unwrap_or_default().to_owned();
            let expected: Vec<_> =
                listed.map(|row| (text(row), row["amount"].as_i64().unwrap_or(0))).collect();
            assert_eq!(found, expected, "{}", account.kind);
        }
        let struck = door.bank().log.iter().filter(|one| one.fault.is_some()).count();
        assert!(struck > 3, "{struck} of {}", door.sent());
    }
}

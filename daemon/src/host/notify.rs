//! Tells systemd how the daemon is: ready, reloading, stopping, busy, alive.
//!
//! The watchdog pings only while every registered loop has shown progress recently, so that a hang of any of them
//! ends in a restart instead of a daemon that is up and does nothing. Without systemd all of this does nothing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::messages;

/// Says that the daemon serves, at start and after a reload.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// Says in one line what the daemon is doing.
pub fn status(status: &str) {
    let status = one_line(status);
    send(&[NotifyState::Status(&status)]);
}

/// Says that a reload has begun; [`ready`] ends it.
pub fn reloading() {
    // In one datagram: systemd 253 and later fail a reload whose time comes separately.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(_) => send(&[NotifyState::Reloading]),
    }
}

/// Says that the daemon is stopping.
pub fn stopping(status: &str) {
    let status = one_line(status);
    send(&[NotifyState::Stopping, NotifyState::Status(&status)]);
}

/// Asks systemd to wait for `more` from now on before it calls the start or stop a failure.
pub fn extend_timeout(more: Duration) {
    let micros = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    send(&[NotifyState::ExtendTimeoutUsec(micros)]);
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be told");
    }
}

/// A newline would begin another field of the protocol.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\0'], " ")
}

/// The loops whose progress shows that the daemon is alive.
#[derive(Clone, Debug, Default)]
pub struct Heartbeats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    loops: Mutex<Vec<Arc<Loop>>>,
}

#[derive(Debug)]
struct Loop {
    name: &'static str,
    max_age: Duration,
    /// Milliseconds from `Inner::started` to the last beat.
    last_ms: AtomicU64,
}

impl Default for Inner {
    fn default() -> Self {
        Self { started: Instant::now(), loops: Mutex::default() }
    }
}

impl Heartbeats {
    /// Registers a loop that must beat at least every `max_age`; registering counts as a beat.
    pub fn register(&self, name: &'static str, max_age: Duration) -> Heartbeat {
        let beating = Arc::new(Loop { name, max_age, last_ms: AtomicU64::new(self.0.elapsed_ms()) });
        self.0.loops().push(Arc::clone(&beating));
        Heartbeat { inner: Arc::clone(&self.0), beating }
    }

    /// Returns the loops that have not beaten in time.
    pub fn stale(&self) -> Vec<&'static str> {
        let now = self.0.elapsed_ms();
        let age = |beating: &Loop| now.saturating_sub(beating.last_ms.load(Ordering::Relaxed));
        let late = |beating: &&Arc<Loop>| u128::from(age(beating)) > beating.max_age.as_millis();
        self.0.loops().iter().filter(late).map(|beating| beating.name).collect()
    }
}

impl Inner {
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn loops(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Loop>>> {
        // A list of atomics has no broken state that a panic could leave behind.
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One loop's proof of progress. A loop that ends without [`Heartbeat::retire`] counts as hung.
#[derive(Debug)]
pub struct Heartbeat {
    inner: Arc<Inner>,
    beating: Arc<Loop>,
}

impl Heartbeat {
    /// Says that the loop has just made progress.
    pub fn beat(&self) {
        self.beating.last_ms.store(self.inner.elapsed_ms(), Ordering::Relaxed);
    }

    /// Ends the loop's duty to beat: it has finished on purpose.
    pub fn retire(&self) {
        self.inner.loops().retain(|other| !Arc::ptr_eq(other, &self.beating));
    }
}

/// Pings systemd's watchdog while every loop is alive, until `stop`; returns at once when systemd wants no pings.
pub async fn watchdog(heartbeats: Heartbeats, stop: CancellationToken) {
    if let Some(limit) = sd_notify::watchdog_enabled() {
        // A third, so that one late ping does no harm.
        watch(&heartbeats, limit / 3, stop, || send(&[NotifyState::Watchdog])).await;
    }
}

async fn watch(heartbeats: &Heartbeats, every: Duration, stop: CancellationToken, mut ping: impl FnMut()) {
    // A limit of zero would be a bug of the unit; a ticker of zero would panic.
    let mut ticker = tokio::time::interval(every.max(Duration::from_millis(1)));
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stalled = Vec::new();
    while stop.run_until_cancelled(ticker.tick()).await.is_some() {
        let stale = heartbeats.stale();
        if stale.is_empty() {
            ping();
        } else if stale != stalled {
            let loops = stale.join(", ");
            tracing::error!(message_id = messages::LOOP_STALLED, monzod_loops = %loops, "no progress in: {loops}");
        }
        stalled = stale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stops_beating_is_stale_and_one_that_retired_is_not() {
        let heartbeats = Heartbeats::default();
        let (sync, login) = (heartbeats.register("sync", MINUTE), heartbeats.register("login", 2 * MINUTE));
        tokio::time::advance(MINUTE + Duration::from_secs(1)).await;
        assert_eq!(heartbeats.stale(), ["sync"]);
        sync.beat();
        assert!(heartbeats.stale().is_empty());
        tokio::time::advance(2 * MINUTE).await;
        assert_eq!(heartbeats.stale(), ["sync", "login"]);
        login.retire();
        drop(sync);
        assert_eq!(heartbeats.stale(), ["sync"], "a loop that ended silently counts as hung");
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_pinged_only_while_every_loop_is_alive() {
        let heartbeats = Heartbeats::default();
        let sync = heartbeats.register("sync", MINUTE);
        let (stop, pings) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let task = {
            let (stop, pings, heartbeats) = (stop.clone(), Arc::clone(&pings), heartbeats.clone());
            let ping = move || {
                pings.fetch_add(1, Ordering::Relaxed);
            };
            tokio::spawn(async move { watch(&heartbeats, Duration::from_secs(20), stop, ping).await })
        };
        tokio::time::sleep(Duration::from_secs(70)).await;
        assert_eq!(pings.load(Ordering::Relaxed), 4, "at 0, 20, 40 and 60 seconds");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(pings.load(Ordering::Relaxed), 4, "the loop hangs");
        sync.beat();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(pings.load(Ordering::Relaxed), 5, "it goes on");
        stop.cancel();
        task.await.expect("the watchdog ends when told");
    }

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(one_line("syncing\nREADY=1"), "syncing READY=1");
    }

    #[test]
    fn without_systemd_nothing_happens() {
        // The test runner has no $NOTIFY_SOCKET; each of these would block or fail if it were needed.
        tell_everything();
    }

    fn tell_everything() {
        ready();
        status("idle");
        reloading();
        extend_timeout(MINUTE);
        stopping("stopping");
    }

    /// The environment is the process's, so the telling is done by this test started again as another process.
    #[test]
    fn systemd_is_told_in_its_own_words() {
        if std::env::var_os("NOTIFY_SOCKET").is_some() {
            return tell_everything();
        }
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("notify");
        let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("bound");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let itself = std::env::current_exe().expect("this program");
        let test = "host::notify::tests::systemd_is_told_in_its_own_words";
        let child =
            std::process::Command::new(itself).args(["--exact", test]).env("NOTIFY_SOCKET", &path).output();
        assert!(child.as_ref().is_ok_and(|child| child.status.success()), "{child:?}");
        let mut buffer = [0; 512];
        let mut told = || {
            let length = socket.recv(&mut buffer).expect("told");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        assert_eq!(told(), "READY=1\n");
        assert_eq!(told(), "STATUS=idle\n");
        let reload = told();
        assert!(reload.starts_with("RELOADING=1\nMONOTONIC_USEC="), "one datagram with both: {reload:?}");
        assert_eq!(told(), "EXTEND_TIMEOUT_USEC=60000000\n");
        assert_eq!(told(), "STOPPING=1\nSTATUS=stopping\n");
    }
}

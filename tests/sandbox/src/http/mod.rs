//! The bank on a socket: HTTP/1.1 on loopback, the real time moved by an offset, and real connection resets.
//!
//! [`serve`] runs on a thread of its own, so that blocking tests and async ones can use it alike; dropping what it
//! answers with stops it.

mod body;
mod front;
#[cfg(test)]
mod tests;
mod webhooks;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use jiff::{SignedDuration, Timestamp};
use monzod::clock::Clock;
use tokio::sync::oneshot;

use crate::Shared;
use crate::bank::Bank;
use crate::bank::clock::ms;

/// The real time and an offset that tests move.
#[derive(Debug)]
pub struct MovableClock {
    real: Clock,
    ahead: AtomicI64,
}

impl MovableClock {
    /// A clock that shows `now` at this moment.
    pub fn showing(now: Timestamp) -> Self {
        let real = Clock::system();
        let ahead = now.as_millisecond().saturating_sub(real.now().as_millisecond());
        Self { real, ahead: AtomicI64::new(ahead) }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed));
        self.real.now().checked_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// Moves it.
    pub fn advance(&self, by: SignedDuration) {
        self.ahead.fetch_add(ms(by), Ordering::Relaxed);
    }
}

/// A bank that is being served; dropping it ends that.
#[derive(Debug)]
pub struct Served {
    /// `http://127.0.0.1:PORT`: the API, the sign-in page and the control API.
    pub url: String,
    /// The bank, without letting time pass.
    pub shared: Shared,
    clock: Arc<MovableClock>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// The bank, at the present instant; to be let go before the next request is awaited.
    pub fn bank(&self) -> MutexGuard<'_, Bank> {
        let mut bank = self.shared.lock();
        bank.pass(self.clock.now());
        bank
    }

    /// The bank's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass at the bank.
    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        drop(self.bank());
    }

    /// Blocks until a request has made `reached` true, or for `longest`; answers whether it is.
    pub fn wait_until(&self, longest: Duration, reached: impl FnMut(&Bank) -> bool) -> bool {
        self.shared.wait_until(longest, reached)
    }

    /// Waits for the end, which comes only if serving fails.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // Whatever ended it was told by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves a bank at an address (port 0: any that is free), from its own present on.
///
/// # Errors
/// When the address cannot be had.
pub fn serve(bank: Bank, listen: SocketAddr) -> io::Result<Served> {
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let clock = Arc::new(MovableClock::showing(bank.now()));
    let shared = Shared::new(bank);
    let (stop, stopped) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let front = front::Front { bank: shared.clone(), clock: Arc::clone(&clock) };
    let thread = thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
        runtime.block_on(async move {
            tokio::select! {
                () = front::run(front.clone(), listener) => {}
                () = webhooks::run(front) => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(Served { url, shared, clock, stop: Some(stop), thread: Some(thread) })
}

//! A simulated Monzo, as faithful as can be known, for tests, demos and bug reports.
//!
//! [`bank`] is the bank itself: a pure state machine with books, logins, a plausible life and faults.
//! Two fronts lead to it: [`transport`] straight behind the daemon's door to the bank, without sockets, and [`http`].
//! [`control`] is what only tests and demos may do: approve, spend, settle, advance the clock, look into the books.
//! Read `bank/mod.rs` first, then `bank/world.rs` and `bank/life/mod.rs`.

pub mod args;
pub mod bank;
pub mod control;
pub mod home;
pub mod http;
pub mod random;
mod sign_in;
pub mod tour;
pub mod transport;

pub use bank::{Bank, Settings, Switches};
pub use sign_in::SignInError;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bank that several look at.
#[derive(Debug, Clone)]
pub struct Shared(Arc<(Mutex<Bank>, Condvar)>);

impl Shared {
    /// Shares a bank.
    pub fn new(bank: Bank) -> Self {
        Self(Arc::new((Mutex::new(bank), Condvar::new())))
    }

    /// The bank, for a moment; never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, Bank> {
        // A test that failed while it looked has left the bank as whole as it was.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until a request has made `reached` true, or for `longest`; answers whether it is.
    pub fn wait_until(&self, longest: Duration, mut reached: impl FnMut(&Bank) -> bool) -> bool {
        let waited = self.0.1.wait_timeout_while(self.lock(), longest, |bank| !reached(bank));
        let (_bank, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    /// A request was handled: those who wait look again.
    fn asked(&self) {
        self.0.1.notify_all();
    }
}

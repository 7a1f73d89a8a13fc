//! Ctrl-C on the tour, or a request to end: heard at any time, and answered where nothing is left behind.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether somebody wants the tour to end.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupt(Arc<(Mutex<bool>, Condvar)>);

impl Interrupt {
    /// Listens from now on, so that the signals no longer end this process by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let signals = {
            let _inside = runtime.enter();
            [SignalKind::interrupt(), SignalKind::terminate()].map(signal)
        };
        let [keyboard, request] = signals;
        let (interrupt, signals) = (Self::default(), (keyboard?, request?));
        let heard = interrupt.clone();
        std::thread::spawn(move || heard.wait_for(&runtime, signals));
        Ok(interrupt)
    }

    fn wait_for(&self, runtime: &Runtime, (mut keyboard, mut request): (Signal, Signal)) {
        runtime.block_on(async {
            tokio::select! {
                _ = keyboard.recv() => {}
                _ = request.recv() => {}
            }
        });
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
        // The signals go on being heard, and more of them change nothing.
        runtime.block_on(std::future::pending::<()>());
    }

    /// Somebody wants it to end.
    pub(super) fn heard(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody wants it to end.
    pub(super) fn wait(&self) {
        let mut heard = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*heard {
            heard = self.0.1.wait(heard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

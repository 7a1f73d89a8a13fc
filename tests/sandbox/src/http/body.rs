//! Bodies that come whole, bit by bit, or not to their end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::bank::Pace;

/// Pieces of a slow body. Taste.
const PIECES: usize = 20;

/// What was written leaves before a body that is too short has its connection ended.
const FLUSH: Duration = Duration::from_millis(20);

/// A body in pieces, with a pause before each but the first.
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    promised: u64,
    short: bool,
}

impl Pieces {
    /// A body at a pace; a truncated one promises more than it holds.
    pub fn new(body: Vec<u8>, pace: Pace) -> Self {
        let promised = body.len() as u64;
        let (pieces, pause) = match pace {
            Pace::Whole => (VecDeque::from([Bytes::from(body)]), Duration::ZERO),
            Pace::Truncated(kept) => {
                let mut body = body;
                body.truncate(kept);
                (VecDeque::from([Bytes::from(body)]), Duration::ZERO)
            }
            Pace::Slow(duration) => {
                let size = body.len().div_ceil(PIECES).max(1);
                let pieces: VecDeque<Bytes> = body.chunks(size).map(Bytes::copy_from_slice).collect();
                let pause =
                    duration.checked_div(u32::try_from(pieces.len()).unwrap_or(1)).unwrap_or_default();
                (pieces, pause)
            }
        };
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Self { pieces, pause, waiting: None, promised, short: matches!(pace, Pace::Truncated(_)) }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(waiting) = &mut self.waiting {
            if waiting.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        let piece = self.pieces.pop_front();
        if self.pieces.is_empty() && std::mem::take(&mut self.short) {
            self.waiting = Some(Box::pin(sleep(FLUSH)));
        }
        if piece.is_some() && !self.pieces.is_empty() && !self.pause.is_zero() {
            self.waiting = Some(Box::pin(sleep(self.pause)));
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.promised == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

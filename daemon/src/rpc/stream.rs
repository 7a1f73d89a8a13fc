//! The bytes of one connection: who does not read what is answered is not read any further, and soon let go.
//!
//! Otherwise answers would pile up for a client that only ever asks. This is the one place for that rule: HTTP and
//! WebSocket connections both go through it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::time::{Sleep, sleep};

/// How long a client may take to read on. Taste: it is on this machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that waits only so long for its client to read.
#[derive(Debug)]
pub struct Stream {
    socket: UnixStream,
    /// While the client does not read: when it is given up.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Who wants to read as soon as the client does.
    reader: Option<Waker>,
}

impl Stream {
    /// Over this socket.
    pub fn new(socket: UnixStream) -> Self {
        Self { socket, stalled: None, reader: None }
    }

    /// Notes how a write went.
    fn wrote<T>(&mut self, result: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_pending() {
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
            ready!(stalled.as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")));
        }
        self.stalled = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        result
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stalled.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.wrote(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.wrote(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_not_read_and_then_given_up() {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        let mut near = Stream::new(near);
        far.write_all(b"a request").await.expect("sent");
        let flood = vec![0_u8; 16 << 20];
        let error = near.write_all(&flood).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let mut buffer = [0; 64];
        let read = tokio::time::timeout(PATIENCE, near.read(&mut buffer)).await;
        assert!(read.is_err(), "nothing more is read");
    }

    #[tokio::test]
    async fn a_slow_reader_gets_everything_and_is_read_again() {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        let (mut reader, mut writer) = tokio::io::split(Stream::new(near));
        let flood = tokio::spawn(async move { writer.write_all(&vec![7_u8; 4 << 20]).await });
        let mut seen = vec![0_u8; 4 << 20];
        far.read_exact(&mut seen).await.expect("all of it");
        flood.await.expect("no panic").expect("written");
        far.write_all(b"on").await.expect("sent");
        let mut buffer = [0; 2];
        reader.read_exact(&mut buffer).await.expect("read");
        assert_eq!(&buffer, b"on");
    }
}

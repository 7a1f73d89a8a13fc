//! One WebSocket: requests in, answers and events out, and only so much of each at a time.
//!
//! A few calls of a connection are worked on at once, and the next request is read when one of them is answered and
//! its answer written; so a client that asks faster than it reads waits.

use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use monzo_common::fault::Fault;
use serde_json::value::RawValue;
use soketto::connection::Error;
use soketto::data::{ByteSlice125, Incoming};
use soketto::handshake::http::Server as Handshake;
use tokio::io::BufStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tokio_util::sync::CancellationToken;

use super::message::{Reply, Sender};

/// Calls of one connection that are worked on at a time. Taste.
const AT_ONCE: u32 = 4;

/// Events that wait for a client, all its subscriptions together. Taste.
pub const WAITING: usize = 16;

/// How often a client is asked whether it is still there. Taste.
const PING: Duration = Duration::from_secs(30);

/// How long a client that answers no ping is kept. Taste: two of them, and time to answer.
const SILENCE: Duration = Duration::from_secs(75);

/// How long a client may take to close the connection. Taste.
const CLOSING: Duration = Duration::from_secs(1);

type Socket = Compat<BufStream<TokioIo<Upgraded>>>;

/// What a session stands on.
pub struct Session {
    /// Who asks.
    pub sender: Sender,
    /// Messages of subscriptions.
    pub events: mpsc::Receiver<Box<RawValue>>,
    /// The largest request, in bytes.
    pub max_request: usize,
    /// What is said of a larger one.
    pub too_large: Fault,
    /// The connection is to end when what is worked on is answered.
    pub ending: CancellationToken,
}

/// A reply, and the place among the connection's calls that it gives back when it is written.
type Answered = (Reply, OwnedSemaphorePermit);

impl Session {
    /// Serves until the client goes, or the connection is to end and every call is answered.
    pub async fn serve(self, handshake: Handshake, upgraded: Upgraded) {
        let mut socket = handshake.into_builder(BufStream::new(TokioIo::new(upgraded)).compat());
        socket.set_max_message_size(self.max_request);
        let (mut writer, mut reader) = socket.finish();
        let (answers, mut answered) = mpsc::channel::<Answered>(1);
        let calls = Arc::new(Semaphore::new(usize::try_from(AT_ONCE).unwrap_or(1)));
        let Self { sender, mut events, too_large, ending, .. } = self;
        let all_answered = async {
            ending.cancelled().await;
            // Closed only with the session.
            let _ = calls.acquire_many(AT_ONCE).await;
        };
        // Whatever goes wrong in reading or writing, the client is gone.
        tokio::select! {
            () = read(&mut reader, &sender, &calls, answers, &too_large, &ending) => {}
            _ = write(&mut writer, &mut answered, &mut events) => {}
            () = all_answered => {}
        }
        // So do subscriptions.
        drop(events);
        let _ = timeout(CLOSING, close(&mut writer, &mut reader)).await;
    }
}

/// Closes the connection, and waits until the client has closed it too.
///
/// A client that answers a ping on a connection that is gone gives up, and loses the answers that it has not read.
async fn close(writer: &mut soketto::Sender<Socket>, reader: &mut soketto::Receiver<Socket>) {
    if writer.close().await.is_err() {
        return;
    }
    let mut unread = Vec::new();
    while matches!(reader.receive(&mut unread).await, Ok(Incoming::Data(_) | Incoming::Pong(_))) {
        unread.clear();
    }
}

/// Reads requests and has them answered, until the client goes.
async fn read(
    reader: &mut soketto::Receiver<Socket>,
    sender: &Sender,
    calls: &Arc<Semaphore>,
    answers: mpsc::Sender<Answered>,
    too_large: &Fault,
    ending: &CancellationToken,
) {
    // What nobody waits for any more is not worked on; what operators asked for is a task of the daemon's.
    let gone = CancellationToken::new();
    let _gone = gone.clone().drop_guard();
    loop {
        let mut message = Vec::new();
        let large = match timeout(SILENCE, reader.receive(&mut message)).await {
            Ok(Ok(Incoming::Data(_))) => false,
            Ok(Ok(Incoming::Pong(_))) => continue,
            Ok(Err(Error::MessageTooLarge { .. })) => true,
            Ok(Ok(Incoming::Closed(_)) | Err(_)) | Err(_) => return,
        };
        let Ok(call) = Arc::clone(calls).acquire_owned().await else { return };
        if ending.is_cancelled() {
            // Nothing new is begun; reading on only tells whether the client is still there.
            continue;
        }
        if large {
            if answers.send((Reply::error(too_large.clone()), call)).await.is_err() {
                return;
            }
            continue;
        }
        let (sender, answers) = (sender.clone(), answers.clone());
        tokio::spawn(gone.clone().run_until_cancelled_owned(async move {
            if let Some(reply) = sender.answer(message).await {
                // Nobody is there to read it.
                let _ = answers.send((reply, call)).await;
            }
        }));
    }
}

/// Writes answers and events as they come, and asks now and then whether the client is still there.
async fn write(
    writer: &mut soketto::Sender<Socket>,
    answers: &mut mpsc::Receiver<Answered>,
    events: &mut mpsc::Receiver<Box<RawValue>>,
) -> Result<(), Error> {
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some((reply, call)) = answers.recv() => {
                let Reply { text, held } = reply;
                writer.send_text_owned(text).await?;
                writer.flush().await?;
                drop((held, call));
            }
            Some(event) = events.recv() => {
                writer.send_text_owned(Box::<str>::from(event).into_string()).await?;
                writer.flush().await?;
            }
            _ = ping.tick() => {
                let nothing: &[u8] = &[];
                if let Ok(nothing) = ByteSlice125::try_from(nothing) {
                    writer.send_ping(nothing).await?;
                    writer.flush().await?;
                }
            }
        }
    }
}

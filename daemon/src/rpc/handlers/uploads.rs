//! Databases on their way in: one file at a time, in a directory of their own that is emptied at start.
//!
//! An upload takes no more than was announced, and no more than half of what is free, because a restore copies it. One
//! whose sender has gone is removed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Upload;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store;

/// The largest database that is taken in: far more than any person's history.
const LARGEST: u64 = 8 << 30;

/// How long an upload that is not complete waits for the next piece. Taste: a piece takes less than a second.
const UNFINISHED: Duration = Duration::from_secs(60);

/// How long a complete one waits for a person who reads what was found in it. Taste.
const COMPLETE: Duration = Duration::from_secs(600);

/// How often is looked for those whose sender has gone. Taste.
const LOOK: Duration = Duration::from_secs(10);

/// Databases that clients upload.
#[derive(Debug, Clone)]
pub struct Uploads {
    directory: PathBuf,
    /// Held while a piece is written, so that two clients cannot write between each other.
    current: Arc<Mutex<Option<Current>>>,
}

/// The upload of the moment.
#[derive(Debug)]
struct Current {
    name: String,
    path: PathBuf,
    size: u64,
    /// Bytes that it will have, where the sender said so.
    announced: Option<u64>,
    /// Bytes that it may have.
    most: u64,
    used_at: Instant,
}

impl Current {
    fn abandoned(&self) -> bool {
        let wait = if self.announced == Some(self.size) { COMPLETE } else { UNFINISHED };
        self.used_at.elapsed() >= wait
    }
}

impl Uploads {
    /// Uploads below the state directory; what an earlier process left there is removed.
    pub fn new(state: &Path) -> Self {
        let uploads = Self { directory: state.join("uploads"), current: Arc::default() };
        uploads.clear();
        uploads
    }

    /// Removes uploads whose sender has gone, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticker = tokio::time::interval(LOOK);
        while stop.run_until_cancelled(ticker.tick()).await.is_some() {
            let mut current = self.current.lock().await;
            if current.as_ref().is_some_and(Current::abandoned) {
                tracing::info!("an upload was removed, because nothing more came");
                *current = None;
                self.clear();
            }
        }
    }

    /// The file of an upload that was begun here.
    pub(super) async fn path(&self, upload: &str) -> Result<PathBuf, Fault> {
        let mut current = self.current.lock().await;
        let known = current.as_mut().filter(|current| current.name == upload).ok_or_else(unknown)?;
        known.used_at = Instant::now();
        Ok(known.path.clone())
    }

    /// Appends a piece, or begins an upload with it, which takes the place of another.
    pub(super) async fn write(
        &self,
        upload: Option<String>,
        offset: u64,
        data: String,
        size: Option<u64>,
    ) -> Result<Upload, Fault> {
        let mut current = Arc::clone(&self.current).lock_owned().await;
        let uploads = self.clone();
        store::blocking(move || {
            let bytes = STANDARD.decode(&data).map_err(|error| {
                Fault::new(FaultKind::InvalidParams, "`data` is not base64", "encode the piece")
                    .because(&error)
            })?;
            if upload.is_none() {
                *current = None;
                *current = Some(uploads.begin(size)?);
            }
            let known =
                current.as_mut().filter(|known| upload.as_ref().is_none_or(|name| *name == known.name));
            let known = known.ok_or_else(unknown)?;
            let appended = known.append(offset, &bytes);
            let answer = Upload { upload: known.name.clone(), size: known.size };
            match appended {
                Ok(()) => Ok(answer),
                Err(Refusal::Order) => Err(Fault::new(
                    FaultKind::Conflict,
                    format!("the upload has {} bytes, and this piece begins at {offset}", answer.size),
                    "send the pieces in order",
                )),
                Err(Refusal::Ended(fault)) => {
                    *current = None;
                    uploads.clear();
                    Err(fault)
                }
            }
        })
        .await
    }

    /// Removes what was brought in: it is of no more use.
    pub(super) async fn discard(&self) {
        *self.current.lock().await = None;
        self.clear();
    }

    fn begin(&self, announced: Option<u64>) -> Result<Current, Fault> {
        self.clear();
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Fault::new(FaultKind::Internal, "the system gives no randomness", "try again").because(&error)
        })?;
        let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.directory.join(&name);
        let make = || -> io::Result<()> {
            fs::create_dir_all(&self.directory)?;
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map(drop)
        };
        make().map_err(|error| failed(&path, &error))?;
        let room = store::free(&self.directory).unwrap_or(u64::MAX) / 2;
        let most = most(announced, room).inspect_err(|_| self.clear())?;
        Ok(Current { name, path, size: 0, announced, most, used_at: Instant::now() })
    }

    /// Nothing of what cannot be removed now is used later: names are random.
    fn clear(&self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Bytes that an upload may have.
fn most(announced: Option<u64>, room: u64) -> Result<u64, Fault> {
    let most = announced.unwrap_or(u64::MAX).min(LARGEST).min(room);
    match announced {
        Some(size) if size > most => Err(too_large(size, room)),
        _ => Ok(most),
    }
}

fn too_large(size: u64, room: u64) -> Fault {
    if size > LARGEST {
        return Fault::new(
            FaultKind::InvalidParams,
            "this is larger than any database should be",
            "check the file",
        );
    }
    Fault::new(
        FaultKind::StoreUnavailable,
        format!(
            "the disk of the state directory has no room: an upload may take {room} bytes, half of what is free"
        ),
        "make room: `df -h`",
    )
}

/// Why a piece was not taken.
enum Refusal {
    /// It is not the next one.
    Order,
    /// The upload is over.
    Ended(Fault),
}

impl Current {
    fn append(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        if offset != self.size {
            return Err(Refusal::Order);
        }
        let size = offset.saturating_add(bytes.len() as u64);
        if self.announced.is_some_and(|announced| size > announced) {
            return Err(Refusal::Ended(Fault::new(
                FaultKind::InvalidParams,
                "more was sent than was announced, and the upload was removed",
                "give the file's size as `size`, and send it again",
            )));
        }
        if size > self.most {
            return Err(Refusal::Ended(too_large(size, self.most)));
        }
        let append = || OpenOptions::new().append(true).open(&self.path)?.write_all(bytes);
        append().map_err(|error| Refusal::Ended(failed(&self.path, &error)))?;
        self.size = size;
        self.used_at = Instant::now();
        Ok(())
    }
}

fn unknown() -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "there is no such upload: it was ended, or another one took its place",
        "begin the restore again",
    )
}

pub(super) fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::new(
        FaultKind::StoreUnavailable,
        format!("{} cannot be used", path.display()),
        "see that the directory is there, can be written and has room",
    )
    .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn send(uploads: &Uploads, upload: Option<&Upload>, size: Option<u64>) -> Result<Upload, Fault> {
        let (name, offset) =
            (upload.map(|upload| upload.upload.clone()), upload.map_or(0, |upload| upload.size));
        uploads.write(name, offset, STANDARD.encode([7; 10]), size).await
    }

    fn files(state: &Path) -> usize {
        fs::read_dir(state.join("uploads")).map_or(0, Iterator::count)
    }

    #[tokio::test]
    async fn an_upload_takes_what_was_announced_and_no_more() {
        let state = tempfile::tempdir().expect("a directory");
        let uploads = Uploads::new(state.path());
        let first = send(&uploads, None, Some(20)).await.expect("taken");
        let second = send(&uploads, Some(&first), None).await.expect("taken");
        assert_eq!(second.size, 20);
        let again = send(&uploads, Some(&first), None).await.expect_err("out of order");
        assert!(again.message.contains("begins at 10"), "{}", again.message);
        let more = send(&uploads, Some(&second), None).await.expect_err("too much");
        assert!(more.message.contains("more was sent"), "{}", more.message);
        assert_eq!(files(state.path()), 0);
        assert!(uploads.path(&first.upload).await.is_err());
    }

    #[test]
    fn an_upload_leaves_half_of_what_is_free() {
        assert_eq!(most(Some(10), 100).expect("it fits"), 10);
        assert_eq!(most(None, 100).expect("it may begin"), 100);
        assert!(most(Some(101), 100).expect_err("no room").message.contains("no room"));
        assert_eq!(most(None, u64::MAX).expect("it may begin"), LARGEST);
        assert!(most(Some(LARGEST + 1), u64::MAX).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_whose_sender_has_gone_is_removed_and_a_complete_one_waits_for_a_person() {
        let state = tempfile::tempdir().expect("a directory");
        let (uploads, stop) = (Uploads::new(state.path()), CancellationToken::new());
        let running = tokio::spawn(uploads.clone().run(stop.clone()));
        let whole = send(&uploads, None, Some(10)).await.expect("taken");
        tokio::time::sleep(UNFINISHED * 5).await;
        assert!(uploads.path(&whole.upload).await.is_ok());
        let half = send(&uploads, None, Some(20)).await.expect("taken");
        assert!(uploads.path(&whole.upload).await.is_err());
        tokio::time::sleep(UNFINISHED + LOOK).await;
        assert!(uploads.path(&half.upload).await.is_err());
        assert_eq!(files(state.path()), 0);
        stop.cancel();
        running.await.expect("it ends");
    }
}

//! `backup.*`: made, listed and checked here, and sent over the socket in pieces both ways.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Backup, BackupChunk, Restored, Upload, Verification};
use tokio::sync::Mutex;

use super::desk::{Command, Desk, Served};
use crate::store;

/// Bytes of a piece on its way out; in base64 it stays below every limit of a request. Taste.
const PIECE: usize = 256 * 1024;

/// The largest database that is taken in: far more than any person's history.
const LARGEST_UPLOAD: u64 = 8 << 30;

/// Why a backup was made, in its name: somebody asked.
const REQUEST: &str = "request";

pub(super) async fn create(desk: &Desk, with_login: bool) -> Result<Backup, Fault> {
    let (directory, keep) = (desk.backups(), desk.config.borrow().config.store.backup.keep);
    let now = desk.clock.now();
    let made = desk.rooms()?.store.backup(&directory, REQUEST, with_login, now).await?;
    desk.metrics.backup_succeeded(Some(now));
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    store::blocking::<_, Fault>(move || Ok(store::prune(&directory, REQUEST, keep)?)).await?;
    Ok(made)
}

pub(super) async fn list(desk: &Desk) -> Result<Vec<Backup>, Fault> {
    let directory = desk.backups();
    store::blocking(move || Ok(store::list(&directory)?)).await
}

pub(super) async fn read(desk: &Desk, name: String, offset: u64) -> Result<BackupChunk, Fault> {
    let directory = desk.backups();
    store::blocking(move || {
        let path = kept(&directory, &name)?;
        let piece = || -> io::Result<(u64, Vec<u8>)> {
            let mut file = File::open(&path)?;
            let size = file.metadata()?.len();
            file.seek(SeekFrom::Start(offset.min(size)))?;
            let mut bytes = Vec::with_capacity(PIECE);
            file.take(PIECE as u64).read_to_end(&mut bytes)?;
            Ok((size, bytes))
        };
        let (size, bytes) = piece().map_err(|error| failed(&path, &error))?;
        Ok(BackupChunk { offset, data: STANDARD.encode(bytes), size })
    })
    .await
}

pub(super) async fn write(
    desk: &Desk,
    upload: Option<String>,
    offset: u64,
    data: String,
) -> Result<Upload, Fault> {
    let uploads = desk.uploads.clone();
    // One piece at a time, so that two clients cannot write between each other.
    let turn = Arc::clone(&uploads.turn).lock_owned().await;
    let written = store::blocking(move || uploads.write(upload, offset, &data)).await;
    drop(turn);
    written
}

pub(super) async fn verify(
    desk: &Desk,
    name: Option<String>,
    upload: Option<String>,
) -> Result<Verification, Fault> {
    let (path, name) = match (name, upload) {
        (None, None) => (desk.state.join(store::FILE), "database".to_owned()),
        chosen => source(desk, chosen).await?,
    };
    store::blocking(move || Ok(store::verify(&path, &name)?)).await
}

pub(super) async fn restore(
    desk: &Desk,
    name: Option<String>,
    upload: Option<String>,
) -> Result<Restored, Fault> {
    if matches!(&*desk.served.borrow(), Served::Between) {
        return Err(Fault::new(FaultKind::Conflict, "a restore is under way", "wait for it to end"));
    }
    let (from, name) = source(desk, (name, upload)).await?;
    desk.command(|answer| Command::Restore { from, name, answer }).await
}

/// The file that is meant, and what to call it.
async fn source(desk: &Desk, chosen: (Option<String>, Option<String>)) -> Result<(PathBuf, String), Fault> {
    match chosen {
        (Some(name), None) => {
            let directory = desk.backups();
            store::blocking(move || Ok((kept(&directory, &name)?, name))).await
        }
        (None, Some(upload)) => Ok((desk.uploads.path(&upload)?, "the given file".to_owned())),
        _ => Err(Fault::new(
            FaultKind::InvalidParams,
            "either a kept backup or an upload is meant",
            "give `name`, or `upload`",
        )),
    }
}

/// The path of a kept backup; a name that is not in the list leads nowhere.
fn kept(directory: &Path, name: &str) -> Result<PathBuf, Fault> {
    let known = store::list(directory)?.into_iter().any(|backup| backup.name == name);
    if known {
        return Ok(directory.join(name));
    }
    Err(Fault::new(
        FaultKind::NotFound,
        format!("no kept backup is called {name}"),
        "`monzoctl backup list` names them",
    ))
}

/// Databases on their way in: one file at a time, in a directory of their own that is emptied at start.
#[derive(Debug, Clone)]
pub struct Uploads {
    directory: PathBuf,
    turn: Arc<Mutex<()>>,
}

impl Uploads {
    /// Uploads below the state directory; what an earlier process left there is removed.
    pub fn new(state: &Path) -> Self {
        let directory = state.join("uploads");
        // What cannot be removed now is overwritten by name later.
        let _ = fs::remove_dir_all(&directory);
        Self { directory, turn: Arc::default() }
    }

    fn path(&self, upload: &str) -> Result<PathBuf, Fault> {
        let sound = upload.len() == 32 && upload.bytes().all(|b| b.is_ascii_hexdigit());
        let path = self.directory.join(upload);
        if sound && path.is_file() { Ok(path) } else { Err(unknown_upload()) }
    }

    fn write(&self, upload: Option<String>, offset: u64, data: &str) -> Result<Upload, Fault> {
        let bytes = STANDARD.decode(data).map_err(|error| {
            Fault::new(FaultKind::InvalidParams, "`data` is not base64", "encode the piece").because(&error)
        })?;
        let (name, path) = match upload {
            Some(name) => {
                let path = self.path(&name)?;
                (name, path)
            }
            None => self.begin()?,
        };
        let append = || -> io::Result<Result<u64, u64>> {
            let mut file = OpenOptions::new().append(true).open(&path)?;
            let size = file.metadata()?.len();
            if size != offset {
                return Ok(Err(size));
            }
            file.write_all(&bytes)?;
            Ok(Ok(size + bytes.len() as u64))
        };
        if offset.saturating_add(bytes.len() as u64) > LARGEST_UPLOAD {
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "this is larger than any database should be",
                "check the file",
            ));
        }
        match append().map_err(|error| failed(&path, &error))? {
            Ok(size) => Ok(Upload { upload: name, size }),
            Err(size) => Err(Fault::new(
                FaultKind::Conflict,
                format!("the upload has {size} bytes, and this piece begins at {offset}"),
                "send the pieces in order",
            )),
        }
    }

    /// A new upload takes the place of an unfinished one, so that they cannot fill the disk.
    fn begin(&self) -> Result<(String, PathBuf), Fault> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Fault::new(FaultKind::Internal, "the system gives no randomness", "try again").because(&error)
        })?;
        let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.directory.join(&name);
        let make = || -> io::Result<()> {
            match fs::remove_dir_all(&self.directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::create_dir_all(&self.directory)?;
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            Ok(())
        };
        make().map_err(|error| failed(&path, &error))?;
        Ok((name, path))
    }
}

fn unknown_upload() -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "there is no such upload",
        "begin one with `backup.write` without `upload`",
    )
}

fn failed(path: &Path, error: &io::Error) -> Fault {
    Fault::new(
        FaultKind::StoreUnavailable,
        format!("{} cannot be used", path.display()),
        "see that the directory is there, can be written and has room",
    )
    .because(error)
}

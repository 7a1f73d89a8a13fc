//! `backup.*`: made, listed and checked here, and sent over the socket in pieces both ways.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonrpsee::core::async_trait;
use monzo_common::api::BackupsServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Backup, BackupChunk, Restored, Upload, Verification};

use super::context::{Command, Replacement, RpcContext};
use super::uploads::failed;
use crate::services::Served;
use crate::store;

/// Bytes of a piece on its way out; in base64 it stays below every limit of a request. Taste.
const PIECE: usize = 256 * 1024;

/// Why a backup was made, in its name: somebody asked.
const REQUEST: &str = "request";

#[async_trait]
impl BackupsServer for RpcContext {
    async fn backup_create(&self, with_login: bool) -> Result<Backup, Fault> {
        let (directory, keep) = (self.backups(), self.config.borrow().config.store.backup.keep);
        let now = self.clock.now();
        let made = self.services()?.store.backup(&directory, REQUEST, with_login, now).await?;
        self.metrics.backup_succeeded(Some(now));
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        store::blocking::<_, Fault>(move || Ok(store::prune(&directory, REQUEST, keep, now)?)).await?;
        Ok(made)
    }

    async fn backup_list(&self) -> Result<Vec<Backup>, Fault> {
        let directory = self.backups();
        store::blocking(move || Ok(store::list(&directory)?)).await
    }

    async fn backup_read(&self, name: String, offset: u64) -> Result<BackupChunk, Fault> {
        let directory = self.backups();
        store::blocking(move || {
            let path = kept(&directory, &name)?;
            let piece = || -> io::Result<(u64, Vec<u8>)> {
                let mut file = store::open_plain(&path)?;
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

    async fn backup_verify(
        &self,
        name: Option<String>,
        upload: Option<String>,
    ) -> Result<Verification, Fault> {
        let database = self.state.join(store::FILE);
        let chosen = match (name, upload) {
            (None, None) => None,
            chosen => Some(source(self, chosen).await?),
        };
        store::blocking(move || match chosen {
            Some((path, name)) => {
                let mut found = store::verify(&path, &name)?;
                found.other_user = store::another_person(&found, store::owner(&database).as_ref());
                Ok(found)
            }
            // Its own file may be a link, which is the administrator's business.
            None => Ok(store::verify(&database.canonicalize().unwrap_or(database), "database")?),
        })
        .await
    }

    async fn backup_restore(
        &self,
        name: Option<String>,
        upload: Option<String>,
        other_user: Option<bool>,
    ) -> Result<Restored, Fault> {
        free_to_exchange(self)?;
        let (from, name) = source(self, (name, upload)).await?;
        let by = Replacement::File { from, name, other_user: other_user.unwrap_or(false) };
        let restored = self.command(|answer| Command::Restore { by, answer }).await?;
        self.uploads.discard().await;
        Ok(restored)
    }

    /// An empty database, where there is none that can be used.
    async fn backup_fresh(&self) -> Result<Restored, Fault> {
        free_to_exchange(self)?;
        if !matches!(&*self.served.borrow(), Served::Rescue(_)) {
            return Err(Fault::new(
                FaultKind::Conflict,
                "the database is there and can be used, and nothing was changed",
                "`monzoctl status` says how things stand",
            ));
        }
        self.command(|answer| Command::Restore { by: Replacement::Fresh, answer }).await
    }

    async fn backup_write(
        &self,
        upload: Option<String>,
        offset: u64,
        data: String,
        size: Option<u64>,
    ) -> Result<Upload, Fault> {
        self.uploads.write(upload, offset, data, size).await
    }
}

fn free_to_exchange(context: &RpcContext) -> Result<(), Fault> {
    if matches!(&*context.served.borrow(), Served::Between) {
        return Err(Fault::new(FaultKind::Conflict, "a restore is under way", "wait for it to end"));
    }
    Ok(())
}

/// The file that is meant, and what to call it.
async fn source(
    context: &RpcContext,
    chosen: (Option<String>, Option<String>),
) -> Result<(PathBuf, String), Fault> {
    match chosen {
        (Some(name), None) => {
            let directory = context.backups();
            store::blocking(move || Ok((kept(&directory, &name)?, name))).await
        }
        (None, Some(upload)) => Ok((context.uploads.path(&upload).await?, "the given file".to_owned())),
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

//! `backup`, `verify` and `restore`.
//!
//! The daemon makes and takes backups; files are this side's, read and written as the person who asked.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use monzo_common::api::ApiClient;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Backup;

use super::draft::Draft;
use crate::args::{self, BackupCommand};
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::session::Session;
use crate::view::{self, columns};

/// Bytes sent at a time; in base64 they stay well below the smallest usual `rpc.max_request`.
const PIECE: u64 = 384 * 1024;

/// `backup`
pub(super) async fn backup(args: &args::Backup, session: &mut Session) -> Result<Exit, Failure> {
    if let Some(BackupCommand::List) = args.command {
        let daemon = session.connect().await?;
        let backups = daemon.client.backup_list().await?;
        let look = session.look(&daemon.here);
        session.list("backups", columns::BACKUP, &backups, || view::backups(&backups, &look))?;
        return Ok(Exit::Done);
    }
    let Some(file) = &args.file else {
        return Err(Failure::usage("where to is missing", "name a file, or - for standard output"));
    };
    if file == Path::new("-") {
        if session.terminal.out_is_screen {
            return Err(Failure::usage(
                "a backup is no text for a terminal",
                "name a file, or send the output on: `monzoctl backup - | age -r age1…`",
            ));
        }
        let daemon = session.connect().await?;
        let made = daemon.client.backup_create(args.with_login).await?;
        fetch(&daemon, &made, session.terminal.out()).await?;
        session.terminal.flush()?;
        session.note(&format!("{} written", view::size(made.size)))?;
        return Ok(Exit::Done);
    }
    // Before the daemon works for nothing.
    let mut draft = Draft::create(file)?;
    let daemon = session.connect().await?;
    let made = daemon.client.backup_create(args.with_login).await?;
    fetch(&daemon, &made, &mut draft).await.map_err(|failure| draft.blame(failure))?;
    draft.keep()?;
    session.thing("backup", &made, || {
        format!("{} written to {}\n", view::size(made.size), view::clean(&file.display().to_string()))
    })?;
    Ok(Exit::Done)
}

/// Copies a backup piece by piece.
async fn fetch(daemon: &Daemon, backup: &Backup, into: &mut dyn Write) -> Result<(), Failure> {
    let mut offset = 0;
    loop {
        let piece = daemon.client.backup_read(backup.name.clone(), offset).await?;
        let bytes = STANDARD
            .decode(&piece.data)
            .map_err(|error| Failure::broken(format!("a piece of the backup cannot be read: {error}")))?;
        into.write_all(&bytes)?;
        offset += bytes.len() as u64;
        if offset >= piece.size {
            return Ok(());
        }
        if bytes.is_empty() {
            return Err(Failure::broken(format!("the backup ends after {offset} of {} bytes", piece.size)));
        }
    }
}

/// What is to be checked or restored.
enum Source {
    /// A backup that the daemon keeps.
    Kept(String),
    /// Something that was sent to it, and what the person calls it.
    Sent(String, String),
}

impl Source {
    /// The arguments that name it to the daemon.
    fn named(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Kept(name) => (Some(name.clone()), None),
            Self::Sent(upload, _) => (None, Some(upload.clone())),
        }
    }

    /// What a message calls it; the daemon does not know names of files.
    fn called(&self) -> &str {
        match self {
            Self::Kept(name) | Self::Sent(_, name) => name,
        }
    }
}

/// `verify`
pub(super) async fn verify(args: &args::Verify, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let mut found = match &args.file {
        None => daemon.client.backup_verify(None, None).await?,
        Some(file) => {
            let source = source(file, &daemon, session).await?;
            let (name, upload) = source.named();
            let mut found = daemon.client.backup_verify(name, upload).await?;
            found.name = source.called().to_owned();
            found
        }
    };
    if args.file.is_none() && found.name == "database" {
        found.name = "the database".to_owned();
    }
    let look = session.look(&daemon.here);
    session.thing("verification", &found, || view::verification(&found, &look))?;
    Ok(if found.sound { Exit::Done } else { Exit::Problems })
}

/// `restore`
pub(super) async fn restore(args: &args::Restore, session: &mut Session) -> Result<Exit, Failure> {
    let piped = args.source == Path::new("-");
    if !session.global.yes && (piped || !session.terminal.in_is_keyboard) {
        return Err(Failure::usage(
            "a restore replaces the database, and there is nobody to ask",
            "add --yes; `monzoctl verify` shows first what a backup holds",
        ));
    }
    let daemon = session.connect().await?;
    let source = source(&args.source, &daemon, session).await?;
    let (name, upload) = source.named();
    let mut found = daemon.client.backup_verify(name.clone(), upload.clone()).await?;
    found.name = source.called().to_owned();
    let look = session.look(&daemon.here);
    session.note(view::verification(&found, &look).trim_end())?;
    if !found.sound {
        return Err(Failure::Fault(Fault::new(
            FaultKind::Conflict,
            format!("{} is not sound, and nothing was changed", found.name),
            "choose another: `monzoctl backup list`",
        )));
    }
    if session.agree("Put this in the database's place? What is there now is kept aside.").await?
        != Some(true)
    {
        session.note("Nothing was changed.")?;
        return Ok(Exit::Done);
    }
    let done = daemon.client.backup_restore(name, upload).await?;
    session.thing("restored", &done, || view::restored(&done, &look))?;
    Ok(Exit::Done)
}

/// A file, standard input, or a name of `backup list`.
async fn source(typed: &Path, daemon: &Daemon, session: &mut Session) -> Result<Source, Failure> {
    let name = typed.display().to_string();
    if typed == Path::new("-") {
        let upload = send(Origin::Input, "standard input", daemon, session).await?;
        return Ok(Source::Sent(upload, "standard input".to_owned()));
    }
    match File::open(typed) {
        Ok(file) => {
            let upload = send(Origin::File(file), &name, daemon, session).await?;
            Ok(Source::Sent(upload, name))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !name.contains('/') => {
            kept(&name, daemon).await.map(Source::Kept)
        }
        Err(error) => Err(unreadable(&name, error)),
    }
}

fn unreadable(name: &str, error: io::Error) -> Failure {
    Failure::local(format!("{name} cannot be read"), error, "name a file, or one of `monzoctl backup list`")
}

/// A backup that the daemon keeps, by name or unique beginning.
async fn kept(typed: &str, daemon: &Daemon) -> Result<String, Failure> {
    let backups = daemon.client.backup_list().await?;
    let mut found = backups.iter().filter(|backup| backup.name.starts_with(typed));
    let exact = backups.iter().find(|backup| backup.name == typed);
    match (exact, found.next(), found.next()) {
        (Some(exact), ..) => Ok(exact.name.clone()),
        (None, Some(only), None) if !typed.is_empty() => Ok(only.name.clone()),
        (None, Some(_), Some(_)) => Err(Failure::usage(
            format!("‘{typed}’ is the beginning of more than one backup"),
            "`monzoctl backup list` shows their whole names",
        )),
        _ => {
            let nearest =
                find::nearest(&typed.to_lowercase(), backups.iter().map(|backup| backup.name.as_str()));
            let hint = match nearest {
                Some(name) => format!("did you mean ‘{name}’? `monzoctl backup list` shows all"),
                None => "`monzoctl backup list` shows those that the daemon keeps".to_owned(),
            };
            Err(Failure::usage(format!("there is neither a file nor a kept backup ‘{typed}’"), hint))
        }
    }
}

/// Where the bytes of an upload come from.
enum Origin {
    File(File),
    Input,
}

impl Origin {
    /// The next bytes; none at the end.
    async fn piece(&mut self, name: &str, session: &mut Session) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Input => session.terminal.bytes(PIECE).await,
            Self::File(file) => {
                let mut piece = Vec::new();
                file.take(PIECE).read_to_end(&mut piece).map_err(|error| unreadable(name, error))?;
                Ok(piece)
            }
        }
    }
}

/// Sends a backup to the daemon piece by piece, and answers the upload's name.
async fn send(
    mut origin: Origin,
    name: &str,
    daemon: &Daemon,
    session: &mut Session,
) -> Result<String, Failure> {
    let mut upload: Option<String> = None;
    let mut offset = 0;
    loop {
        let piece = origin.piece(name, session).await?;
        if piece.is_empty() {
            break;
        }
        let answer = daemon.client.backup_write(upload, offset, STANDARD.encode(&piece)).await?;
        offset += piece.len() as u64;
        if answer.size != offset {
            return Err(Failure::broken(format!("the daemon has {} of {offset} bytes sent", answer.size)));
        }
        upload = Some(answer.upload);
    }
    upload.ok_or_else(|| Failure::usage(format!("{name} is empty"), "name a backup"))
}

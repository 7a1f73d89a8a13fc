//! `backup`, `verify` and `restore`.
//!
//! The daemon makes and takes backups; files are this side's, read and written as the person who asked.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use monzo_common::api::client::*;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::Backup;
use monzo_common::shell;

use super::atomic_file::AtomicFile;
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
        let style = session.look(&daemon.time);
        session.print_list("backups", columns::BACKUP, &backups, || view::backups(&backups, &style))?;
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
    let mut draft = AtomicFile::create(file)?;
    let daemon = session.connect().await?;
    let made = daemon.client.backup_create(args.with_login).await?;
    fetch(&daemon, &made, &mut draft).await.map_err(|failure| draft.blame(failure))?;
    draft.keep()?;
    session.print_one("backup", &made, || {
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
    let style = session.look(&daemon.time);
    session.print_one("verification", &found, || view::verification(&found, &style))?;
    Ok(if found.sound { Exit::Done } else { Exit::Problems })
}

/// `restore`
pub(super) async fn restore(args: &args::Restore, session: &mut Session) -> Result<Exit, Failure> {
    let Some(typed) = &args.source else { return fresh(session).await };
    let piped = typed == Path::new("-");
    if !session.global.yes && (piped || !session.terminal.in_is_keyboard) {
        return Err(Failure::usage(
            "a restore replaces the database, and this is not a terminal",
            "add --yes; `monzoctl verify` shows first what a backup holds",
        ));
    }
    let daemon = session.connect().await?;
    let source = source(typed, &daemon, session).await?;
    let (name, upload) = source.named();
    let mut found = daemon.client.backup_verify(name.clone(), upload.clone()).await?;
    found.name = source.called().to_owned();
    let style = session.look(&daemon.time);
    session.note(view::verification(&found, &style).trim_end())?;
    if !found.sound {
        return Err(Failure::Fault(Fault::new(
            FaultKind::Conflict,
            format!("{} is not sound, and nothing was changed", found.name),
            "choose another: `monzoctl backup list`",
        )));
    }
    if found.other_user && !args.other_user {
        return Err(Failure::Fault(Fault::new(
            FaultKind::Conflict,
            format!("{} holds the history of another person, and nothing was changed", found.name),
            format!(
                "if that is what you want: `monzoctl restore --other-user {}`",
                shell::word(&typed.display().to_string())
            ),
        )));
    }
    let question = if found.other_user {
        "Put the history of ANOTHER PERSON in the database's place? What is there now is kept aside."
    } else {
        "Put this in the database's place? What is there now is kept aside."
    };
    if session.agree(question, "Nothing was changed.").await? != Some(true) {
        return Ok(Exit::Done);
    }
    let done = daemon.client.backup_restore(name, upload, Some(args.other_user)).await?;
    session.print_one("restored", &done, || view::restored(&done, &style))?;
    Ok(Exit::Done)
}

/// `restore --fresh`
async fn fresh(session: &mut Session) -> Result<Exit, Failure> {
    let question = "Begin with an empty database? What is left of the old one is kept aside.";
    match session.agree(question, "Nothing was changed.").await? {
        None => Err(Failure::usage(
            "an empty database takes the place of the old one, and this is not a terminal",
            "add --yes; `monzoctl backup list` shows what could be restored instead",
        )),
        Some(false) => Ok(Exit::Done),
        Some(true) => {
            let daemon = session.connect().await?;
            let done = daemon.client.backup_fresh().await?;
            session.print_one("restored", &done, || view::begun_afresh(&done))?;
            Ok(Exit::Done)
        }
    }
}

/// A file, standard input, or a name of `backup list`.
async fn source(typed: &Path, daemon: &Daemon, session: &mut Session) -> Result<Source, Failure> {
    let name = typed.display().to_string();
    if typed == Path::new("-") {
        let upload = send(Origin::Input, None, "standard input", daemon, session).await?;
        return Ok(Source::Sent(upload, "standard input".to_owned()));
    }
    match File::open(typed) {
        Ok(file) => {
            let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
            let upload = send(Origin::File(file), size, &name, daemon, session).await?;
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
    size: Option<u64>,
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
        let answer = daemon.client.backup_write(upload, offset, STANDARD.encode(&piece), size).await?;
        offset += piece.len() as u64;
        if answer.size != offset {
            return Err(Failure::broken(format!("the daemon has {} of {offset} bytes sent", answer.size)));
        }
        upload = Some(answer.upload);
    }
    upload.ok_or_else(|| Failure::usage(format!("{name} is empty"), "name a backup"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use monzo_common::model::{BackupChunk, Restored, Upload, Verification};
    use serde_json::Value;

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::now;

    const BYTES: &[u8] = b"SQLite format 3\0, or so \xff\xfe";

    fn kept(name: &str) -> Backup {
        Backup {
            name: name.into(),
            at: now(),
            size: BYTES.len() as u64,
            cause: "request".into(),
            with_login: false,
        }
    }

    fn found(sound: bool) -> Verification {
        Verification {
            name: "upload_1".into(),
            sound,
            problems: if sound { Vec::new() } else { vec!["page 7 is torn".into()] },
            schema: 1,
            user_id: Some("user_1".into()),
            other_user: false,
            accounts: 2,
            transactions: 4_000,
            newest_at: Some(now()),
        }
    }

    /// A daemon that gives ten bytes at a time, and takes what is sent.
    fn fake(sound: bool) -> Fake {
        let piece = |params: &Value| {
            let offset = usize::try_from(params["offset"].as_u64().expect("an offset")).expect("small");
            let end = (offset + 10).min(BYTES.len());
            Ok(serde_json::to_value(BackupChunk {
                offset: offset as u64,
                data: STANDARD.encode(&BYTES[offset..end]),
                size: BYTES.len() as u64,
            })
            .expect("a piece"))
        };
        let taken = |params: &Value| {
            let data = STANDARD.decode(params["data"].as_str().expect("data")).expect("base64");
            let size = params["offset"].as_u64().expect("an offset") + data.len() as u64;
            Ok(serde_json::to_value(Upload { upload: "upload_1".into(), size }).expect("an upload"))
        };
        let restored = Restored {
            verification: found(true),
            put_aside: Some("monzod.db.before-restore".into()),
            login_kept: true,
        };
        Fake::new()
            .says("backup.create", &kept("monzod-1.db"))
            .says("backup.list", &[kept("monzod-2.db"), kept("monzod-1.db")])
            .on("backup.read", piece)
            .on("backup.write", taken)
            .says("backup.verify", &found(sound))
            .says("backup.restore", &restored)
    }

    #[tokio::test]
    async fn a_backup_is_written_for_its_owner_alone_and_never_over_a_file() {
        let fake = fake(true);
        let file = fake.file("mine.db");
        let name = file.display().to_string();
        insta::assert_snapshot!(fake.run(&["backup", &name], "").await, @r"
        exit 0
        --- out
        26 B written to DIR/mine.db
        --- err
        ");
        assert_eq!(fs::read(&file).expect("the backup"), BYTES);
        assert_eq!(fs::metadata(&file).expect("the backup").permissions().mode() & 0o777, 0o600);
        insta::assert_snapshot!(fake.run(&["backup", &name], "").await, @r"
        exit 1
        --- out
        --- err
        error: DIR/mine.db exists already, and no file is ever written over
        cause: File exists (os error 17)
        try: choose another name
        ");
        assert!(!fake.file("mine.db.part").exists());
        insta::assert_snapshot!(fake.calls(), @r#"
        backup.create {"with_login":false}
        backup.read {"name":"monzod-1.db","offset":0}
        backup.read {"name":"monzod-1.db","offset":10}
        backup.read {"name":"monzod-1.db","offset":20}
        "#);
    }

    #[tokio::test]
    async fn a_backup_that_breaks_off_leaves_nothing() {
        let empty = BackupChunk { offset: 0, data: String::new(), size: 26 };
        let fake = fake(true).says("backup.read", &empty);
        let name = fake.file("mine.db").display().to_string();
        insta::assert_snapshot!(fake.run(&["backup", &name], "").await, @r"
        exit 1
        --- out
        --- err
        error: the backup ends after 0 of 26 bytes
        try: compare `monzoctl --version` with `monzod --version`, then look into `journalctl -u monzod -e`
        ");
        assert!(!fake.file("mine.db").exists() && !fake.file("mine.db.part").exists());
        let nowhere = fake.file("nowhere/mine.db").display().to_string();
        insta::assert_snapshot!(fake.run(&["backup", &nowhere], "").await, @r"
        exit 1
        --- out
        --- err
        error: DIR/nowhere/mine.db cannot be written
        cause: No such file or directory (os error 2)
        try: choose another place
        ");
    }

    #[tokio::test]
    async fn standard_output_gets_the_bytes_and_nothing_else() {
        let fake = fake(true);
        let ran = fake.run(&["backup", "-", "--with-login"], "").await;
        assert_eq!((ran.exit, ran.out.as_slice(), ran.err.as_str()), (Exit::Done, BYTES, "26 B written\n"));
        assert!(fake.calls().starts_with("backup.create {\"with_login\":true}\n"), "{}", fake.calls());
        let ran = fake.run_with(&["backup", "-"], "", &[], |terminal| terminal.out_is_screen = true).await;
        assert_eq!(ran.exit, Exit::Usage, "{ran}");
    }

    #[tokio::test]
    async fn kept_backups_are_listed() {
        insta::assert_snapshot!(fake(true).run(&["backup", "list"], "").await, @r"
        exit 0
        --- out
        NAME         MADE              SIZE  WHY
        monzod-2.db  2026-07-22 11:00  26 B  request
        monzod-1.db  2026-07-22 11:00  26 B  request
        --- err
        ");
    }

    #[tokio::test]
    async fn the_database_a_file_and_a_kept_backup_are_checked() {
        let sound =
            fake(true).says("backup.verify", &Verification { name: "database".into(), ..found(true) });
        insta::assert_snapshot!(sound.run(&["verify"], "").await, @r"
        exit 0
        --- out
        the database is sound
        Belongs to    user_1
        Accounts      2
        Transactions  4,000
        Newest        2026-07-22 11:00
        Schema        1
        --- err
        ");
        let torn = fake(false);
        let file = torn.file("mine.db");
        fs::write(&file, BYTES).expect("a file");
        insta::assert_snapshot!(torn.run(&["verify", &file.display().to_string()], "").await, @r"
        exit 7
        --- out
        DIR/mine.db is not sound
          ✗ page 7 is torn
        Belongs to    user_1
        Accounts      2
        Transactions  4,000
        Newest        2026-07-22 11:00
        Schema        1
        --- err
        ");
        let ran = torn.run(&["verify", "monzod-1.db", "--json"], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 7
        --- out
        {"v":1,"verification":{"name":"monzod-1.db","sound":false,"problems":["page 7 is torn"],"schema":1,"user_id":"user_1","other_user":false,"accounts":2,"transactions":4000,"newest_at":"2026-07-22T10:00:00Z"}}
        --- err
        "#);
        insta::assert_snapshot!(torn.calls(), @r#"
        backup.write {"data":"U1FMaXRlIGZvcm1hdCAzACwgb3Igc28g//4=","offset":0,"size":26,"upload":null}
        backup.verify {"name":null,"upload":"upload_1"}
        backup.list
        backup.verify {"name":"monzod-1.db","upload":null}
        "#);
    }

    #[tokio::test]
    async fn what_is_no_backup_is_refused_with_the_nearest_name() {
        let fake = fake(true);
        insta::assert_snapshot!(fake.run(&["verify", "monzod-9.db"], "").await, @r"
        exit 2
        --- out
        --- err
        error: there is neither a file nor a kept backup ‘monzod-9.db’
        try: did you mean ‘monzod-1.db’? `monzoctl backup list` shows all
        ");
        insta::assert_snapshot!(fake.run(&["verify", "monzod-"], "").await, @r"
        exit 2
        --- out
        --- err
        error: ‘monzod-’ is the beginning of more than one backup
        try: `monzoctl backup list` shows their whole names
        ");
        insta::assert_snapshot!(fake.run(&["verify", "/no/such/file"], "").await, @r"
        exit 1
        --- out
        --- err
        error: /no/such/file cannot be read
        cause: No such file or directory (os error 2)
        try: name a file, or one of `monzoctl backup list`
        ");
        insta::assert_snapshot!(fake.run(&["verify", "-"], "").await, @r"
        exit 2
        --- out
        --- err
        error: standard input is empty
        try: name a backup
        ");
    }

    #[tokio::test]
    async fn a_restore_shows_what_it_brings_and_asks() {
        let fake = fake(true);
        insta::assert_snapshot!(fake.run(&["restore", "monzod-1.db"], "").await, @r"
        exit 2
        --- out
        --- err
        error: a restore replaces the database, and this is not a terminal
        try: add --yes; `monzoctl verify` shows first what a backup holds
        ");
        let keyboard = |terminal: &mut crate::terminal::Terminal| terminal.in_is_keyboard = true;
        insta::assert_snapshot!(fake.run_with(&["restore", "monzod-1.db"], "n\n", &[], keyboard).await, @r"
        exit 0
        --- out
        --- err
        monzod-1.db is sound
        Belongs to    user_1
        Accounts      2
        Transactions  4,000
        Newest        2026-07-22 11:00
        Schema        1
        Put this in the database's place? What is there now is kept aside. [y/N] Nothing was changed.
        ");
        assert!(!fake.calls().contains("backup.restore"), "{}", fake.calls());
        insta::assert_snapshot!(fake.run_with(&["restore", "monzod-1.db"], "y\n", &[], keyboard).await, @r"
        exit 0
        --- out
        Restored: 4,000 transactions in 2 accounts, the newest of 2026-07-22 11:00
        What was there before is kept as monzod.db.before-restore
        Rules move nothing until you have looked and say `monzoctl sort thaw`.
        The login was carried over.
        --- err
        monzod-1.db is sound
        Belongs to    user_1
        Accounts      2
        Transactions  4,000
        Newest        2026-07-22 11:00
        Schema        1
        Put this in the database's place? What is there now is kept aside. [y/N]
        ");
    }

    #[tokio::test]
    async fn a_restore_from_standard_input_needs_yes() {
        let fake = fake(true);
        let ran = fake.run(&["restore", "-", "--yes", "-q", "--json"], "bytes").await;
        insta::assert_snapshot!(ran, @r#"
        exit 0
        --- out
        {"v":1,"restored":{"verification":{"name":"upload_1","sound":true,"problems":[],"schema":1,"user_id":"user_1","other_user":false,"accounts":2,"transactions":4000,"newest_at":"2026-07-22T10:00:00Z"},"put_aside":"monzod.db.before-restore","login_kept":true}}
        --- err
        "#);
        insta::assert_snapshot!(fake.calls(), @r#"
        backup.write {"data":"Ynl0ZXM=","offset":0,"size":null,"upload":null}
        backup.verify {"name":null,"upload":"upload_1"}
        backup.restore {"name":null,"other_user":false,"upload":"upload_1"}
        "#);
        assert_eq!(fake.run(&["restore", "-"], "bytes").await.exit, Exit::Usage);
    }

    #[tokio::test]
    async fn what_is_not_sound_is_not_restored() {
        let fake = fake(false);
        insta::assert_snapshot!(fake.run(&["restore", "monzod-1.db", "-y"], "").await, @r"
        exit 1
        --- out
        --- err
        monzod-1.db is not sound
          ✗ page 7 is torn
        Belongs to    user_1
        Accounts      2
        Transactions  4,000
        Newest        2026-07-22 11:00
        Schema        1
        error: monzod-1.db is not sound, and nothing was changed
        try: choose another: `monzoctl backup list`
        ");
        assert!(!fake.calls().contains("backup.restore"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn the_history_of_another_person_is_restored_only_when_that_is_said() {
        let theirs = Verification { other_user: true, ..found(true) };
        let fake = fake(true).says("backup.verify", &theirs);
        let ran = fake.run(&["restore", "monzod-1.db", "--yes"], "").await;
        assert_eq!(ran.exit, Exit::Failed, "{ran}");
        assert!(ran.err.contains("another person"), "{ran}");
        assert!(
            ran.err.contains("try: if that is what you want: `monzoctl restore --other-user monzod-1.db`"),
            "{ran}"
        );
        assert!(!fake.calls().contains("backup.restore"), "{}", fake.calls());
        let keyboard = |terminal: &mut crate::terminal::Terminal| terminal.in_is_keyboard = true;
        let ran = fake.run_with(&["restore", "--other-user", "monzod-1.db"], "n\n", &[], keyboard).await;
        assert!(ran.err.contains("ANOTHER PERSON") && !fake.calls().contains("backup.restore"), "{ran}");
        let ran = fake.run(&["restore", "--other-user", "monzod-1.db", "--yes"], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        assert!(fake.calls().contains(r#""other_user":true"#), "{}", fake.calls());
    }

    #[tokio::test]
    async fn a_fresh_start_is_a_persons_word() {
        let begun = Restored {
            verification: Verification::default(),
            put_aside: Some("monzod.db.before-restore".into()),
            login_kept: false,
        };
        let fake = fake(true).says("backup.fresh", &begun);
        assert_eq!(fake.run(&["restore", "--fresh"], "").await.exit, Exit::Usage);
        assert_eq!(fake.run(&["restore"], "").await.exit, Exit::Usage);
        assert!(!fake.calls().contains("backup.fresh"), "{}", fake.calls());
        insta::assert_snapshot!(fake.run(&["restore", "--fresh", "--yes"], "").await, @r"
        exit 0
        --- out
        An empty database was begun.
        What was there before is kept as monzod.db.before-restore
        Rules move nothing until you have looked and say `monzoctl sort thaw`.
        Next: `monzoctl login`
        --- err
        ");
    }
}

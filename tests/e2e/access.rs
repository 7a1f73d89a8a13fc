//! Who may do what, as the kernel says who they are.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use crate::rig::{self, Rig, Said};

/// A user that every system has, with no part in this.
const STRANGER: (u32, &str) = (1, "daemon");

/// Runs the client as somebody else; only root can.
fn as_stranger(rig: &Rig, arguments: &[&str]) -> Said {
    let mut command = rig.home.client(arguments);
    command.uid(STRANGER.0).gid(STRANGER.0).current_dir("/");
    let output = command.stdin(Stdio::null()).output().expect("the client starts");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A home that others can enter as far as the socket, and the client that they can run.
fn open_house() -> Option<Rig> {
    if !rustix::process::geteuid().is_root() {
        // Only root can be somebody else; this is tested where tests run as root.
        return None;
    }
    let rig = Rig::new(rig::small());
    for path in [rig.home.directory().to_owned(), rig.home.path("run")] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("set");
    }
    Some(rig)
}

#[test]
fn strangers_are_refused_with_a_reason_and_viewers_only_read() {
    let Some(rig) = open_house() else { return };
    rig.login();
    let said = as_stranger(&rig, &["status"]);
    assert_eq!(said.code, 3, "status has 0, 3 and 7 only: {said:?}");
    let said = as_stranger(&rig, &["accounts"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.err.contains("not allowed to use monzod") && said.err.contains("try: "), "{said:?}");

    let said = rig.ctl(&["access", "add", STRANGER.1, "--role", "viewer"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(as_stranger(&rig, &["accounts"]).code, 0);
    let said = as_stranger(&rig, &["sync"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.err.contains("operator"), "{said:?}");

    let said = rig.ctl(&["access", "add", STRANGER.1, "--role", "operator"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(as_stranger(&rig, &["sync"]).code, 0);
    assert_eq!(rig.ctl(&["access", "remove", STRANGER.1]).code, 0);
    assert_eq!(as_stranger(&rig, &["accounts"]).code, 5);
}

#[test]
fn what_operators_do_is_audited_and_what_viewers_read_is_not() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    rig.ctl(&["exclude", "add", "Bills"]);
    rig.ctl(&["accounts"]);
    rig.stop();
    let database = rusqlite::Connection::open(rig.home.state().join("monzod.db")).expect("a database");
    let mut query = database.prepare("SELECT method FROM audit ORDER BY id").expect("a table");
    let methods: Vec<String> =
        query.query_map([], |row| row.get(0)).expect("readable").collect::<Result<_, _>>().expect("readable");
    assert!(methods.contains(&"auth.complete".to_owned()), "{methods:?}");
    assert!(!methods.contains(&"accounts.list".to_owned()), "{methods:?}");
}

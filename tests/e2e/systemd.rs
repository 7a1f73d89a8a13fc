//! What systemd is told, and what a client meets while systemd holds the socket and nobody serves it.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use monzo_sandbox::bank::faults::{Fault, Rule};
use rustix::process::Signal;

use crate::rig::{self, Rig};

#[test]
fn the_status_line_follows_what_happens() {
    let rig = Rig::new(rig::small());
    rig.wait_for_status("nobody is logged in: `monzoctl login`");
    rig.login();
    rig.wait_for_status("logged in, next sync in ");

    rig.bank.bank().set_faults(vec![Rule::chance(Fault::Internal, 1_000_000)], 1);
    rig.ctl(&["sync"]);
    rig.wait_for_status("logged in, the last sync failed, next sync in ");
    rig.bank.bank().clear_faults();
    rig.sync();
    rig.wait_for_status("logged in, next sync in ");

    std::fs::write(rig.home.path("etc/conf.d/more.toml"), "[sync]\ninterval = \"soon\"\n").expect("written");
    rig.signal(Signal::HUP);
    rig.wait_for_status("the configuration on disk was refused: `monzoctl config check`");
    std::fs::write(rig.home.path("etc/conf.d/more.toml"), "").expect("written");
    rig.signal(Signal::HUP);
    rig.wait_for_status("logged in, next sync in ");

    let said = rig.ctl(&["sort", "freeze", "--reason", "the boiler is broken"]);
    assert_eq!(said.code, 0, "{said:?}");
    let line = rig.wait_for_status("the sorter is frozen");
    assert!(!line.contains("boiler"), "everybody can read this line: {line}");
    let said = rig.ctl(&["sort", "thaw"]);
    assert_eq!(said.code, 0, "{said:?}");
    rig.wait_for_status("logged in, next sync in ");

    let said = rig.ctl(&["logout", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    rig.wait_for_status("nobody is logged in: `monzoctl login`");
}

#[test]
fn a_client_that_comes_before_the_daemon_is_told_and_gets_its_answer() {
    let mut rig = Rig::stopped(rig::small(), "");
    // As systemd does while it waits to start the daemon again: the socket accepts, and nobody serves it.
    let socket = UnixListener::bind(rig.home.socket()).expect("bound");
    let mut command = rig.home.client(["status"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = command.spawn().expect("the client starts");
    let mut words = String::new();
    let mut said = BufReader::new(client.stderr.take().expect("piped"));
    said.read_line(&mut words).expect("readable");
    assert!(words.contains("does not answer yet") && words.contains("systemctl status monzod"), "{words}");
    rig.start_on(socket);
    let output = client.wait_with_output().expect("it ended");
    let page = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{page}");
    assert!(page.contains("nobody is logged in"), "{page}");
}

//! The units have what people and programs rely on, and systemd understands all of it.
//!
//! What they do on a real systemd is tried by `tests/systemd/run`.

use std::fs;
use std::process::Command;

use super::tree::{Finding, expect_none, read};

const SERVICE: &str = "packaging/systemd/monzod.service";
const SOCKET: &str = "packaging/systemd/monzod.socket";

/// Lines that must stay, and what breaks without them.
const NEEDED: &[(&str, &str, &str)] = &[
    (SERVICE, "Type=notify", "a start and a reload would end before the daemon serves"),
    (SERVICE, "Requires=monzod.socket", "starting the service would not bring back the socket"),
    (
        SERVICE,
        "StartLimitIntervalSec=0",
        "a sixth restart by a person would fail, and a start after a mended error too",
    ),
    (SERVICE, "LimitCORE=0", "a crash would leave tokens in a file"),
    (SERVICE, "MemoryMax=256M", "nothing would end a daemon whose memory grows"),
    (SERVICE, "Restart=always", "a daemon that was killed would stay away"),
    (SERVICE, "RestartSec=10s", "clients wait for 30 s, which must be longer than this and a start"),
    (SERVICE, "RestartPreventExitStatus=2 64", "a configuration error would not be a failed unit"),
    (
        SOCKET,
        "StartLimitIntervalSec=0",
        "it is restarted with the service, and would fail at the sixth restart",
    ),
    (
        SOCKET,
        "PartOf=monzod.service",
        "it would outlive a stop of the service, and the next caller would start it again",
    ),
    (SOCKET, "SocketMode=0666", "the daemon could not say to strangers why they may not use it"),
    (SOCKET, "RemoveOnStop=yes", "clients would wait at a socket that nobody serves"),
];

fn lacking(path: &str, text: &str) -> Vec<Finding> {
    let needed = NEEDED.iter().filter(|(unit, ..)| *unit == path);
    let missing = needed.filter(|(_, line, _)| !text.lines().any(|found| found == *line));
    missing.map(|(_, line, why)| Finding::new(path, 1, format!("without `{line}` {why}"))).collect()
}

#[test]
fn the_units_have_what_is_relied_on() {
    let found: Vec<Finding> = [SERVICE, SOCKET].iter().flat_map(|unit| lacking(unit, &read(unit))).collect();
    expect_none(&found);
}

#[test]
fn a_unit_that_lacks_a_line_is_found() {
    let text = read(SOCKET).replace("PartOf=monzod.service\n", "");
    assert_eq!(lacking(SOCKET, &text).len(), 1);
}

/// Debian 12 has systemd 252, so a directive that only newer ones know is found where the tests run there.
#[test]
fn systemd_understands_the_units() {
    let folder = tempfile::tempdir().expect("a folder");
    for unit in [SERVICE, SOCKET] {
        // The programs need not be installed for it.
        let text =
            read(unit).replace("=/usr/bin/monzod", "=/bin/true").replace("=/usr/bin/monzoctl", "=/bin/true");
        fs::write(folder.path().join(unit.rsplit('/').next().expect("a name")), text).expect("written");
    }
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no", "./monzod.service", "./monzod.socket"]).current_dir(folder.path());
    // Machines without systemd cannot ask it.
    let Ok(output) = verify.output() else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("monzod.")).collect();
    assert!(of_ours.is_empty(), "systemd says of the units:\n{}", of_ours.join("\n"));
}

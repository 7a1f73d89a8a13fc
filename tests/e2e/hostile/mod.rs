//! Clients that mean harm, or behave as if they did: the daemon stays small, and operators are answered.
//!
//! Each test floods for a second; `MONZOD_HOSTILE_SECONDS=60` makes a siege of it.

mod types;
mod wire;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::time::Duration;

use monzo_sandbox::bank::Settings;
use rustix::process::{Resource, Rlimit, Signal, prlimit};
use serde_json::json;
use wire::{STRANGER, VIEWER, as_user, connect, flood, frame, open_house, upgrade};

use crate::rig::{self, Rig};
use crate::service::{get, metrics_address};

/// What the daemon may need beyond what it has at rest, in KiB; with that, a release build, which rests at 26 MB, stays
/// below 64 MB.
const BOUND: u64 = 36 * 1024;

/// What it may keep of that afterwards, in KiB.
const KEPT: u64 = 4 * 1024;

fn lasting() -> Duration {
    let seconds = std::env::var("MONZOD_HOSTILE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// A figure of the daemon's memory, in KiB.
fn memory(rig: &Rig, name: &str) -> u64 {
    let path = format!("/proc/{}/status", rig.pid().as_raw_nonzero());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a figure");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Many connections of a user; those that were refused are among them.
fn connections(rig: &Rig, uid: u32, many: usize, websocket: bool) -> Vec<UnixStream> {
    let socket = rig.home.socket();
    as_user(uid, move || {
        let mut streams: Vec<UnixStream> = (0..many).filter_map(|_| connect(&socket).ok()).collect();
        if websocket {
            streams.retain_mut(upgrade);
        }
        streams
    })
}

/// An operator is answered while all this goes on.
fn operator_is_answered(rig: &Rig) {
    let said = rig.ctl(&["sort", "freeze", "--reason", "under siege"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = rig.ctl(&["sort", "thaw"]);
    assert_eq!(said.code, 0, "{said:?}");
}

/// The daemon was never larger than it may be, and gives back what it took.
fn stayed_small(rig: &Rig, before: u64) {
    let most = memory(rig, "VmHWM");
    assert!(most < before + BOUND, "the daemon had {most} KiB at its largest, and {before} KiB before");
    rig.until("the daemon has given back what it took", || memory(rig, "VmRSS") < before + KEPT);
}

/// Begins with a daemon at rest that has something to answer with.
fn besieged() -> Option<(Rig, u64)> {
    besieged_at(rig::small())
}

fn besieged_at(bank: Settings) -> Option<(Rig, u64)> {
    let rig = open_house(bank)?;
    rig.login();
    used(&rig);
    let before = memory(&rig, "VmRSS");
    // The kernel forgets how large it was while it read the history.
    std::fs::write(format!("/proc/{}/clear_refs", rig.pid().as_raw_nonzero()), "5").expect("root may");
    Some((rig, before))
}

/// Some clients at once read much of what there is, so that the daemon is at rest after use: it keeps the connections to
/// its database that it needed, with what they have in their caches.
fn used(rig: &Rig) {
    let query = json!({"query": {"limit": 500, "raw": true}});
    for _ in 0..2 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| rig.call("transactions.list", &query).expect("an answer"));
            }
        });
    }
}

fn call(method: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"query":{{"limit":500,"raw":true}}}}}}"#
    )
}

#[test]
fn idle_connections_of_a_viewer_leave_room_for_operators_and_are_told_that_it_is_busy() {
    let Some((rig, before)) = besieged() else { return };
    let idle = connections(&rig, VIEWER.0, 64, true);
    assert!(!idle.is_empty() && idle.len() < 32, "{} were let in", idle.len());
    operator_is_answered(&rig);
    let mut command = rig.home.client(["accounts"]);
    command.uid(VIEWER.0).gid(VIEWER.0).current_dir("/");
    let output = command.output().expect("the client starts");
    assert_eq!(output.status.code(), Some(75), "{output:?}");
    stayed_small(&rig, before);
    drop(idle);
}

/// A viewer's request for much, again and again, and no answer to it is read.
fn asks_and_does_not_read(websocket: bool, request: &[u8]) {
    let Some((rig, before)) = besieged_at(rig::year()) else { return };
    let mut streams = connections(&rig, VIEWER.0, 64, websocket);
    flood(&mut streams, request, lasting());
    operator_is_answered(&rig);
    drop(streams);
    stayed_small(&rig, before);
}

#[test]
fn a_viewer_that_asks_over_websockets_and_does_not_read_costs_little_and_keeps_nobody_out() {
    asks_and_does_not_read(true, &frame(&call("transactions.list")));
}

#[test]
fn a_viewer_that_asks_over_http_and_does_not_read_costs_little_and_keeps_nobody_out() {
    let call = call("transactions.list");
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    asks_and_does_not_read(false, format!("{head}Content-Length: {}\r\n\r\n{call}", call.len()).as_bytes());
}

#[test]
fn batches_that_ask_for_much_cost_no_more_than_single_calls() {
    let batch = format!("[{}]", vec![call("transactions.list"); 50].join(","));
    asks_and_does_not_read(true, &frame(&batch));
}

#[test]
fn messages_that_are_no_requests_cost_little() {
    let Some((rig, before)) = besieged() else { return };
    let mut streams = connections(&rig, VIEWER.0, 64, true);
    flood(&mut streams, &frame("nonsense"), lasting());
    operator_is_answered(&rig);
    stayed_small(&rig, before);
    drop(streams);
}

#[test]
fn subscriptions_come_and_go_without_a_trace() {
    let Some((rig, before)) = besieged() else { return };
    let mut streams = connections(&rig, VIEWER.0, 64, true);
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"events.subscribe"}"#;
    let unsubscribe = r#"{"jsonrpc":"2.0","id":1,"method":"events.unsubscribe","params":[1]}"#;
    flood(&mut streams, &[frame(subscribe), frame(unsubscribe)].concat(), lasting());
    operator_is_answered(&rig);
    stayed_small(&rig, before);
    drop(streams);
}

#[test]
fn bodies_that_never_end_cost_little_whoever_sends_them() {
    let Some((rig, before)) = besieged() else { return };
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for uid in [VIEWER.0, 0] {
        let mut streams = connections(&rig, uid, 10, false);
        for stream in &mut streams {
            // Those that were refused may be closed already.
            let _ = write!(stream, "{head}Transfer-Encoding: chunked\r\n\r\n");
        }
        // As small as pieces can be, so that each weighs more than it holds.
        flood(&mut streams, b"1\r\n \r\n", lasting());
        operator_is_answered(&rig);
        let mut sockets = connections(&rig, uid, 10, true);
        // A message in pieces, of which no one is the last.
        let mut piece = vec![0x00, 0x80 | 125, 0, 0, 0, 0];
        piece.extend([b' '; 125]);
        for socket in &mut sockets {
            let _ = socket.write_all(&[0x01, 0x80, 0, 0, 0, 0]);
        }
        flood(&mut sockets, &piece, lasting());
        operator_is_answered(&rig);
        drop((streams, sockets));
    }
    stayed_small(&rig, before);
}

#[test]
fn http_2_is_not_spoken() {
    let Some((rig, before)) = besieged() else { return };
    let mut streams = connections(&rig, VIEWER.0, 16, false);
    for stream in &mut streams {
        let _ = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    }
    flood(&mut streams, &[0; 64], lasting());
    operator_is_answered(&rig);
    stayed_small(&rig, before);
}

#[test]
fn a_stranger_that_connects_in_a_loop_is_two_lines_in_the_log_and_the_metric_counts_each() {
    let Some((rig, before)) = besieged() else { return };
    let socket = rig.home.socket();
    let until = std::time::Instant::now() + lasting();
    let tries = as_user(STRANGER, move || {
        let mut tries = 0;
        while std::time::Instant::now() < until {
            if connect(&socket).is_ok() {
                tries += 1;
            }
        }
        tries
    });
    operator_is_answered(&rig);
    let lines = rig.log().matches("without a role").count();
    let minutes = usize::try_from(lasting().as_secs() / 60).expect("a number");
    assert!((1..=2 + minutes).contains(&lines), "{tries} connections made {lines} lines");
    let counted = format!("monzod_rpc_refused_total{{reason=\"no_role\"}} {tries}\n");
    let address = metrics_address(&rig);
    rig.until(&format!("{tries} refusals are counted"), || get(&address, "/metrics").contains(&counted));
    stayed_small(&rig, before);
}

#[test]
fn a_crash_leaves_no_memory_with_secrets_on_the_disk() {
    let mut rig = Rig::new(rig::small());
    // As where nothing but the daemon itself stands against it; the limit may be fixed already, and then lower.
    let as_much = Rlimit { current: None, maximum: None };
    let _ = prlimit(Some(rig.pid()), Resource::Core, as_much);
    rig.signal(Signal::ABORT);
    let ended = rig.ended();
    assert_eq!(ended.signal(), Some(Signal::ABORT.as_raw()), "{ended:?}");
    assert!(!ended.core_dumped(), "{ended:?}");
}

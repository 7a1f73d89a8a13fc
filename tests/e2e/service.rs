//! The daemon as a service: starts, stops, reloads, locks, measures.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use monzo_sandbox::Settings;
use monzo_sandbox::bank::faults::{Fault, Rule};
use rustix::process::Signal;

use crate::ledger;
use crate::rig::{self, Rig};

#[test]
fn a_stop_in_the_middle_of_a_page_is_clean_and_quick() {
    let mut rig = Rig::new(Settings { latency: Duration::from_millis(300), ..rig::year() });
    rig.sign_in(&["--no-wait"], "ada");
    rig.until("the capture runs", || {
        rig.bank.bank().counts.get("transactions").is_some_and(|count| *count > 4)
    });
    let began = Instant::now();
    let status = rig.stop();
    let took = began.elapsed();
    assert!(status.success(), "{status}");
    assert!(took < rig::PROMPT, "it took {took:?}");
    rig.bank.bank().settings.latency = Duration::ZERO;
    rig.start();
    rig.until("the capture is complete", || rig.status()["sync"]["last_success_at"].is_string());
    assert!(!rig.attention().contains(&"store_checking".to_owned()), "a clean stop needs no check");
    ledger::assert_same(&rig);
}

#[test]
fn a_stop_in_the_middle_of_a_refresh_waits_for_the_new_tokens() {
    let mut rig = Rig::new(rig::small());
    rig.login();
    rig.bank.bank().expire();
    rig.bank.bank().settings.latency = Duration::from_millis(700);
    rig.ctl(&["sync", "--no-wait"]);
    let refreshed = |rig: &Rig| {
        rig.bank
            .bank()
            .log
            .iter()
            .any(|request| request.endpoint == "token" && request.detail.contains("refresh"))
    };
    rig.until("the refresh is sent", || refreshed(&rig));
    let status = rig.stop();
    assert!(status.success(), "{status}");
    rig.bank.bank().settings.latency = Duration::ZERO;
    rig.start();
    rig.sync();
    assert_eq!(rig.status()["login"]["state"], "ready", "the new tokens were kept");
}

#[test]
fn a_second_daemon_on_the_same_state_is_refused_with_the_pid_of_the_first() {
    let rig = Rig::new(rig::small());
    let output = rig.home.daemon().output().expect("it ends");
    assert_eq!(output.status.code(), Some(73));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains(&format!("process {}", rig.pid().as_raw_nonzero())), "{err}");
}

#[test]
fn a_bad_file_at_a_hangup_leaves_the_old_configuration_in_force() {
    let rig = Rig::new(rig::small());
    std::fs::write(rig.home.path("etc/conf.d/more.toml"), "[sync]\ninterval = \"soon\"\n").expect("written");
    rig.signal(Signal::HUP);
    rig.wait_for("READY=1");
    assert!(rig.attention().contains(&"config_rejected".to_owned()));
    let said = rig.ctl(&["config", "reload"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("more.toml:2"), "{said:?}");
    std::fs::write(rig.home.path("etc/conf.d/more.toml"), "[sync]\ninterval = \"2h\"\n").expect("written");
    rig.signal(Signal::HUP);
    rig.until("the file is in force", || !rig.attention().contains(&"config_rejected".to_owned()));
    let said = rig.ctl(&["config", "show"]);
    assert!(said.out.contains("sync.interval = \"2h\""), "{said:?}");
}

#[test]
fn a_bad_configuration_at_start_ends_with_64_and_says_where() {
    let rig = Rig::stopped(rig::small(), "[sync]\nintervall = \"6h\"\n");
    let output = rig.home.daemon().output().expect("it ends");
    assert_eq!(output.status.code(), Some(64));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("more.toml:2:1") && err.contains("did you mean `interval`?"), "{err}");
}

#[test]
fn metrics_and_health_are_served_and_a_port_in_use_is_a_problem_in_status() {
    let rig = Rig::new(rig::small());
    let address = metrics_address(&rig);
    let problems = |number| {
        let line = format!("monzod_attention{{severity=\"problem\"}} {number}\n");
        rig.until(&format!("{number} problems are counted"), || get(&address, "/metrics").contains(&line));
    };
    problems(1);
    rig.login();
    problems(0);
    let page = get(&address, "/metrics");
    for wanted in
        ["monzod_login_valid 1", "monzod_sync_runs_total{state=\"done\"} 1", "monzod_bank_requests_total"]
    {
        assert!(page.contains(wanted), "{wanted} is not on\n{page}");
    }
    for secret in rig.bank.bank().secrets() {
        assert!(!page.contains(&secret), "a secret is among the metrics");
    }
    assert!(get(&address, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/livez").starts_with("HTTP/1.1 200"));
    let port = address.rsplit(':').next().expect("a port");
    let other = Rig::with(rig::small(), &format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n"));
    assert!(other.attention().contains(&"metrics_unserved".to_owned()), "{}", other.status());
}

/// Where the daemon serves its metrics.
pub fn metrics_address(rig: &Rig) -> String {
    let log = rig.log();
    let line = log.lines().find(|line| line.contains("metrics are served")).expect("the log says where");
    line.split("address=").nth(1).expect("an address").trim().to_owned()
}

/// One page of what is served there.
pub fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn the_socket_answers_plain_http_and_refuses_browsers() {
    use std::os::unix::net::UnixStream;
    let rig = Rig::new(rig::small());
    let post = |headers: &str| {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"system.version"}"#;
        let mut stream = UnixStream::connect(rig.home.socket()).expect("connected");
        let length = body.len();
        write!(stream, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    };
    let answer = post("");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.to_lowercase().contains("monzod-version: "),
        "{answer}"
    );
    let refused = post("Origin: https://example.org\r\n");
    assert!(refused.starts_with("HTTP/1.1 403") && refused.contains("not_allowed"), "{refused}");
}

#[test]
fn a_bank_that_hangs_holds_up_neither_status_nor_stop() {
    let mut rig = Rig::with(rig::small(), "[monzo]\ntimeout = \"5m\"\n");
    rig.login();
    rig.bank.bank().set_faults(vec![Rule::chance(Fault::Hang, 1_000_000)], 1);
    rig.ctl(&["sync", "--no-wait"]);
    let began = Instant::now();
    rig.status();
    assert!(began.elapsed() < rig::PROMPT, "status took {:?}", began.elapsed());
    let began = Instant::now();
    assert!(rig.stop().success());
    assert!(began.elapsed() < rig::PROMPT, "the stop took {:?}", began.elapsed());
}

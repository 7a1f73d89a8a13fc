//! `status` as a whole process, against a client that has nothing to do.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use monzo_sandbox::home::{Home, Program};

use crate::Extent;
use crate::measure::median;
use crate::table::{Ratio, Table};

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(extent: Extent, table: &mut Table) {
    let programs = [env!("CARGO_BIN_EXE_e2e-monzod"), env!("CARGO_BIN_EXE_e2e-monzoctl")].map(Program::new);
    let [monzod, monzoctl] = programs;
    let home = Home::new(monzod, monzoctl).expect("a home");
    // Nobody is asked there: without a login there is nothing to ask for.
    home.configure("http://127.0.0.1:9", "[sync]\npoll = \"\"\n").expect("a configuration");
    let began = Instant::now();
    let _daemon =
        Running(home.daemon().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    while std::os::unix::net::UnixStream::connect(home.socket()).is_err() {
        assert!(began.elapsed() < PATIENCE, "the daemon does not answer");
        std::thread::sleep(Duration::from_millis(5));
    }
    let time = |arguments: &[&str]| {
        let mut times: Vec<Duration> = (0..extent.rounds * 3)
            .map(|_| {
                let began = Instant::now();
                let said = home.client(arguments).output().expect("it runs");
                assert!(!said.stdout.is_empty(), "{arguments:?}: {said:?}");
                began.elapsed()
            })
            .collect();
        median(&mut times)
    };
    let (version, status) = (time(&["--version"]), time(&["status"]));
    table.time("`monzoctl --version` as a whole process", version, None);
    table.time("`monzoctl status` as a whole process", status, Some(Ratio::of(status, version, 4.0, 30.0)));
    for (name, path) in
        [("monzod", env!("CARGO_BIN_EXE_e2e-monzod")), ("monzoctl", env!("CARGO_BIN_EXE_e2e-monzoctl"))]
    {
        let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        table.add(format!("size of {name}"), format!("{:.1} MB", bytes as f64 / 1e6), None);
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

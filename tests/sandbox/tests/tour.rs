//! The tour, ended by a person at any moment: no process and no directory is left.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long anything may take before the test has failed; generous, because machines can be busy.
const PATIENCE: Duration = Duration::from_secs(300);

/// Processes that have a directory in their command line.
fn living_in(directory: &Path) -> Vec<String> {
    let name = directory.display().to_string();
    let processes = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    let lines = processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&name)).collect()
}

/// Ends a tour when it has printed something, and checks that nothing of it is left.
fn ended_at(text: &str, end: impl FnOnce(Pid)) {
    let place = tempfile::tempdir().expect("a directory");
    let home = place.path().join("tmp");
    std::fs::create_dir(&home).expect("a directory");
    let printed = place.path().join("printed");
    let out = File::create(&printed).expect("a file");
    let mut tour = Command::new(env!("CARGO_BIN_EXE_monzo-sandbox"))
        .arg("--tour-only")
        .env("TMPDIR", &home)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a file"))
        .stderr(out)
        .process_group(0)
        .spawn()
        .expect("the tour starts");
    let read = || {
        let mut screen = String::new();
        File::open(&printed).and_then(|mut file| file.read_to_string(&mut screen)).expect("readable");
        screen
    };
    let deadline = Instant::now() + PATIENCE;
    while !read().contains(text) {
        assert!(Instant::now() < deadline, "the tour never came to ‘{text}’: {}", read());
        std::thread::sleep(Duration::from_millis(20));
    }
    end(Pid::from_child(&tour));
    let status = tour.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{}", read());
    assert!(read().ends_with("nothing of it is left on this machine.\n"), "{}", read());
    let left: Vec<_> =
        std::fs::read_dir(&home).expect("readable").flatten().map(|left| left.path()).collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
    // A client that was asked to end, too, may take a moment.
    while !living_in(&home).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", living_in(&home));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn control_c_in_the_middle_of_the_tour_leaves_nothing_behind() {
    ended_at("$ monzoctl login", |tour| kill_process_group(tour, Signal::INT).expect("signalled"));
}

#[test]
fn a_request_to_end_at_its_beginning_leaves_nothing_behind() {
    ended_at("$ monzoctl status", |tour| kill_process(tour, Signal::TERM).expect("signalled"));
}

//! A client on a terminal of its own, and the keys that a person presses there.
//!
//! `script` of util-linux makes the terminal: what is written to it are keys, what is read from it is the screen.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{PATIENCE, Rig};

/// What a person sees at the end, and how the client ended.
#[derive(Debug)]
pub struct Seen {
    pub code: i32,
    pub screen: String,
}

/// A client at a terminal.
pub struct Seat {
    script: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// How far it was looked at.
    read: usize,
}

impl Seat {
    /// Starts the client with these arguments, and more environment.
    pub fn take(rig: &Rig, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        Self::take_sized(rig, arguments, env, 80)
    }

    /// The same, at a terminal with so many columns and more rows than anything needs.
    pub fn take_sized(rig: &Rig, arguments: &[&str], env: &[(&str, &str)], columns: usize) -> Self {
        let client = rig.home.client(arguments);
        let words = std::iter::once(client.get_program()).chain(client.get_args());
        let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        // Whoever runs the tests may have these signals ignored, which is inherited.
        let program = format!("/usr/bin/env --default-signal=HUP,INT,QUIT {}", line.join(" "));
        let line = format!("stty columns {columns} rows 9999; exec {program}");
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]);
        command.env_clear().envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "dumb").envs(env.iter().copied()).current_dir(rig.home.directory());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut script = command.spawn().expect("`script` of util-linux starts");
        let keys = script.stdin.take().expect("piped");
        let mut out = script.stdout.take().expect("piped");
        let (send, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = out.read(&mut buffer) {
                let _ = send.send(buffer[..length].to_vec());
            }
        });
        Self { script, keys, screen, seen: String::new(), read: 0 }
    }

    /// Waits until something stands on the screen, after what was waited for before.
    pub fn reads(&mut self, text: &str) {
        self.read += loop {
            if let Some(at) = self.seen[self.read..].find(text) {
                break at + text.len();
            }
            let more = self.screen.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|error| panic!("never read ‘{text}’: {error}: {}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&more));
        };
    }

    /// Presses keys.
    pub fn presses(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Waits for the client's end.
    pub fn ends(mut self) -> Seen {
        while let Ok(more) = self.screen.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
        let code = self.script.wait().expect("it ends").code().unwrap_or(-1);
        Seen { code, screen: self.seen.replace('\r', "") }
    }

    /// Sends the client itself a signal.
    pub fn signals(&self, signal: Signal) {
        kill_process(self.client(), signal).expect("signalled");
    }

    /// Takes the terminal away, as when a window is closed or a connection breaks.
    pub fn hangs_up(mut self) {
        let client = self.client();
        self.script.kill().expect("killed");
        self.script.wait().expect("it ends");
        let gone = || !std::path::Path::new(&format!("/proc/{}/cmdline", client.as_raw_nonzero())).exists();
        let deadline = std::time::Instant::now() + PATIENCE;
        while !gone() {
            assert!(std::time::Instant::now() < deadline, "the client outlives its terminal");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn client(&self) -> Pid {
        let script = self.script.id();
        let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children"));
        let children = children.expect("the kernel lists children");
        let child = children.split_whitespace().next().expect("a client").parse().expect("a number");
        Pid::from_raw(child).expect("not zero")
    }
}

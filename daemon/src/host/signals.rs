//! Stop and reload, asked for by signal, with who asked.
//!
//! One thread waits for TERM, INT and HUP and forwards them; nothing is decided in it and it never ends the process.

use std::sync::Arc;
use std::{fmt, fs, io, thread};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    iterator::{SignalsInfo, exfiltrator::WithOrigin},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// What a signal asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Finish what was sent, then stop.
    Stop(Sender),
    /// Asked to stop again: wait for less.
    Hurry(Sender),
    /// Read the configuration again.
    Reload(Sender),
}

/// Who sent a signal; for the log only, since process ids are reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A process.
    Process {
        /// Its id.
        pid: i32,
        /// Its user.
        uid: u32,
        /// Its name, if it was still there.
        name: Option<String>,
    },
    /// The kernel: such as a key on the terminal.
    Kernel,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, uid, name: Some(name) } => write!(f, "{name} (process {pid}, user {uid})"),
            Self::Process { pid, uid, name: None } => write!(f, "process {pid} of user {uid}"),
            Self::Kernel => f.write_str("the terminal"),
        }
    }
}

/// Catches TERM, INT and HUP from now on; the channel gives them in order.
pub fn listen() -> io::Result<UnboundedReceiver<Signal>> {
    // A file that may not grow any more is an error of the write, and not the end of the daemon.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let mut signals = SignalsInfo::<WithOrigin>::new([SIGTERM, SIGINT, SIGHUP])?;
    let (sender, receiver) = unbounded_channel();
    let forward = move || {
        let mut stopping = false;
        for origin in &mut signals {
            let process = origin.process.map(|process| (process.pid, process.uid));
            let signal = meaning(origin.signal, &mut stopping, who(process));
            if sender.send(signal).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(forward)?;
    Ok(receiver)
}

fn meaning(signal: i32, stopping: &mut bool, sender: Sender) -> Signal {
    match signal {
        SIGHUP => Signal::Reload(sender),
        _ if std::mem::replace(stopping, true) => Signal::Hurry(sender),
        _ => Signal::Stop(sender),
    }
}

fn who(process: Option<(i32, u32)>) -> Sender {
    let Some((pid, uid)) = process else { return Sender::Kernel };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    Sender::Process { pid, uid, name: name.map(|name| name.trim_end().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_request_to_stop_is_for_haste_and_a_reload_is_never_one() {
        let mut stopping = false;
        let mut ask = |signal| meaning(signal, &mut stopping, Sender::Kernel);
        let asked = [ask(SIGHUP), ask(SIGTERM), ask(SIGHUP), ask(SIGINT), ask(SIGTERM)];
        let wanted = [
            Signal::Reload(Sender::Kernel),
            Signal::Stop(Sender::Kernel),
            Signal::Reload(Sender::Kernel),
            Signal::Hurry(Sender::Kernel),
            Signal::Hurry(Sender::Kernel),
        ];
        assert_eq!(asked, wanted);
    }

    #[tokio::test]
    async fn a_signal_arrives_with_its_sender() {
        let mut signals = listen().expect("signals can be caught");
        let ours = rustix::process::getpid();
        rustix::process::kill_process(ours, rustix::process::Signal::HUP).expect("sent");
        let Some(Signal::Reload(Sender::Process { pid, name, .. })) = signals.recv().await else {
            panic!("a reload by this process was expected");
        };
        assert_eq!(pid, ours.as_raw_nonzero().get());
        assert!(name.is_some(), "the sender is this process, which is there");
    }

    #[test]
    fn a_sender_is_named_as_well_as_possible() {
        let gone = Sender::Process { pid: 7, uid: 0, name: None };
        let systemd = Sender::Process { pid: 1, uid: 0, name: Some("systemd".into()) };
        assert_eq!(gone.to_string(), "process 7 of user 0");
        assert_eq!(systemd.to_string(), "systemd (process 1, user 0)");
        assert_eq!(who(None).to_string(), "the terminal");
    }
}

//! Connections as nobody's client makes them: byte by byte, and as any user of the machine.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use monzo_sandbox::bank::Settings;
use rustix::process::Uid;
use rustix::thread::set_thread_res_uid;
use serde_json::Value;

use crate::rig::{self, Rig};

/// A user that every system has; a viewer in these tests.
pub const VIEWER: (u32, &str) = (1, "daemon");

/// Another one, without a role.
pub const STRANGER: u32 = 2;

/// How long a write or a read of a hostile client may block.
const BRIEFLY: Duration = Duration::from_millis(200);

/// A daemon that other users can reach; only root can be somebody else, and the tests run as root somewhere.
pub fn open_house(bank: Settings) -> Option<Rig> {
    if !rustix::process::geteuid().is_root() {
        let thread = std::thread::current();
        // Not by `eprintln!`, which is shown only if the test fails.
        let _ = writeln!(
            io::stderr(),
            "skipped: {}: only root can connect as another user; run it as root",
            thread.name().unwrap_or("a test")
        );
        return None;
    }
    let mut rig = Rig::stopped(bank, &format!("[access]\nviewers = [\"{}\"]\n", VIEWER.1));
    rig.start_with(&allocator());
    for path in [rig.home.directory().to_owned(), rig.home.path("run")] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("set");
    }
    Some(rig)
}

/// What the unit tells the allocator.
fn allocator() -> Vec<(&'static str, &'static str)> {
    let unit = include_str!("../../../packaging/systemd/monzod.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("Environment=")).expect("it tells something");
    line.split(' ').map(|setting| setting.split_once('=').expect("a name and a value")).collect()
}

/// Does something as another user: the kernel notes who a thread is when it connects.
pub fn as_user<T: Send + 'static>(uid: u32, what: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        let uid = Uid::from_raw(uid);
        set_thread_res_uid(uid, uid, uid).expect("root may be anybody");
        what()
    });
    thread.join().expect("it did not fail")
}

/// A connection that gives up soon.
pub fn connect(socket: &PathBuf) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(BRIEFLY))?;
    stream.set_write_timeout(Some(BRIEFLY))?;
    Ok(stream)
}

/// Asks to become a WebSocket, and tells whether that was granted.
pub fn upgrade(stream: &mut UnixStream) -> bool {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.set_read_timeout(Some(rig::PATIENCE)).expect("set");
    let mut answer = [0; 1024];
    let read = stream.write_all(request.as_bytes()).and_then(|()| stream.read(&mut answer)).unwrap_or(0);
    stream.set_read_timeout(Some(BRIEFLY)).expect("set");
    answer[..read].starts_with(b"HTTP/1.1 101")
}

/// A text frame as clients send it, masked with zeros.
pub fn frame(text: &str) -> Vec<u8> {
    let length = text.len();
    let mut frame = vec![0x81];
    match u16::try_from(length) {
        Ok(short @ ..126) => frame.push(0x80 | u8::try_from(short).expect("below 126")),
        Ok(middle) => {
            frame.push(0x80 | 126);
            frame.extend(middle.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend(u64::try_from(length).expect("it fits").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// Writes the same bytes again and again until the daemon takes no more of them or the time is over.
pub fn flood(streams: &mut [UnixStream], bytes: &[u8], lasting: Duration) {
    let until = std::time::Instant::now() + lasting;
    let mut open: Vec<&mut UnixStream> = streams.iter_mut().collect();
    for stream in &open {
        stream.set_nonblocking(true).expect("set");
    }
    let many = bytes.repeat((64 << 10) / bytes.len() + 1);
    // A write that is cut short is gone on with, so that what arrives stays well-formed.
    let mut sent = vec![0; open.len()];
    while std::time::Instant::now() < until && !open.is_empty() {
        let mut taken = 0;
        let mut over = Vec::new();
        for (at, stream) in open.iter_mut().enumerate() {
            match stream.write(&many[sent[at]..]) {
                Ok(written) => {
                    taken += written;
                    sent[at] = (sent[at] + written) % many.len();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => over.push(at),
            }
        }
        for at in over.into_iter().rev() {
            open.remove(at);
            sent.remove(at);
        }
        if taken == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// One plain HTTP request with this body over a connection that is kept, and its answer; nothing for notifications.
pub fn post(stream: &mut UnixStream, body: &[u8]) -> Option<Value> {
    stream.set_read_timeout(Some(rig::PATIENCE)).expect("set");
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len()).expect("it reads");
    stream.write_all(body).expect("it reads");
    let mut answer = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        let read = stream.read(&mut piece).expect("it answers");
        assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
        if rest.len() >= length {
            return (length > 0).then(|| serde_json::from_str(rest).expect("JSON"));
        }
    }
}

//! Opening a browser, where there is a screen to open it on.

use std::process::{Command, Stdio};

use crate::terminal::Terminal;

/// Opens an address if this is somebody's desktop; the address is printed anyway.
pub(super) fn open(url: &str, terminal: &Terminal) {
    let desktop = ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| terminal.env(name).is_some());
    let away = ["SSH_CONNECTION", "SUDO_USER"].iter().any(|name| terminal.env(name).is_some());
    if !terminal.err_is_screen || !desktop || away {
        return;
    }
    let opener = Command::new("xdg-open")
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // Without an opener the person copies the address.
    drop(opener);
}

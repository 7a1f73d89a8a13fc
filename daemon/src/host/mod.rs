//! The operating system around the daemon: systemd, sockets passed in, credentials, directories, signals, the log.
//!
//! Nothing here knows the bank, the database or RPC. Every part reads the environment through a parameter or once at
//! start, so that the same program runs under systemd, in a container and by hand.

pub mod connections;
pub mod credentials;
pub mod directories;
pub mod lock;
pub mod log;
pub mod messages;
pub mod notify;
pub mod signals;
pub mod sockets;

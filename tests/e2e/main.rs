//! The real programs against the simulated bank, over real sockets.
//!
//! Each test has a home, a bank and a daemon of its own ([`rig`]); what they print and leave behind is searched for
//! secrets when the test ends, and the daemon's log is printed when it fails.

mod access;
mod accounts;
mod asks;
mod bills;
mod capture;
mod changes;
mod config;
mod crash;
mod databases;
mod disks;
mod entries;
mod faults;
mod figures;
mod first;
mod guards;
mod hostile;
mod keys;
mod kills;
mod ledger;
mod login;
mod midway;
mod moves;
mod narrow;
mod notices;
mod occurrences;
mod pasts;
mod pauses;
mod pots;
mod promises;
mod questions;
mod records;
mod rescue;
mod rig;
mod rules;
mod service;
mod sorter;
mod syncs;
mod systemd;
mod tokens;
mod why;
mod words;

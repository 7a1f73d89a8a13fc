//! Memory, processor time and files of this process, read from `/proc/self` when the page is asked for.
//!
//! By hand, since the library's own collector brings a second copy of the system interface with it. Only
//! `/proc/self` is read: the rest of `/proc` is hidden from a sandboxed unit.

use std::fs;

use jiff::Timestamp;
use prometheus::{Counter, Gauge, IntGauge};
use rustix::param::{clock_ticks_per_second, page_size};

use super::{Register, seconds_at};

/// The metrics of the process, with their usual names.
#[derive(Debug)]
pub(super) struct Process {
    memory: Gauge,
    cpu: Counter,
    files: IntGauge,
}

impl Process {
    pub(super) fn new(r: &Register, started_at: Timestamp) -> Self {
        let started = r.gauge("process_start_time_seconds", "When the process started.");
        started.set(seconds_at(Some(started_at)));
        Self {
            memory: r.gauge("process_resident_memory_bytes", "Memory in use."),
            cpu: r.add(Counter::new("process_cpu_seconds_total", "Processor time used.")),
            files: r.int_gauge("process_open_fds", "Open files and sockets."),
        }
    }

    /// Reads the present values; what cannot be read stays as it was.
    pub(super) fn refresh(&self) {
        if let Some(pages) = fs::read_to_string("/proc/self/statm").ok().as_deref().and_then(resident_pages) {
            self.memory.set(pages as f64 * page_size() as f64);
        }
        if let Some(ticks) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_ticks) {
            let used = ticks as f64 / clock_ticks_per_second() as f64;
            // Two pages at a time may read in either order, and a counter never falls.
            self.cpu.inc_by((used - self.cpu.get()).max(0.0));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is the listing itself.
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX).saturating_sub(1));
        }
    }
}

/// The second field of `/proc/self/statm`.
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

/// User and system time in `/proc/self/stat`: the 14th and 15th field, counted from behind the name, which is in
/// brackets and may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user.saturating_add(system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read_whatever_the_process_is_called() {
        assert_eq!(resident_pages("5120 2048 900 10 0 700 0\n"), Some(2_048));
        let stat = "12 (mon) z (od) S 1 12 12 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 5 0 1000 1 2";
        assert_eq!(cpu_ticks(stat), Some(300));
        for wrong in ["", "12 (x", "12 (x) S 1"] {
            assert_eq!((resident_pages(wrong), cpu_ticks(wrong)), (None, None), "{wrong:?}");
        }
    }

    #[test]
    fn this_process_uses_memory_and_files() {
        let register = Register(prometheus::Registry::new());
        let process = Process::new(&register, Timestamp::UNIX_EPOCH);
        process.refresh();
        assert!(process.memory.get() > 100_000.0, "{}", process.memory.get());
        assert!(process.files.get() >= 3, "{}", process.files.get());
    }
}

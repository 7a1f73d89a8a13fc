//! The daemon's loops over the simulated bank: paused time, faults and deaths at every request, one seed for all.

mod answers;
mod clocks;
mod course;
mod crash_plan;
mod each;
mod harness;
mod invariants;
mod memory;
mod notes;
mod older;
mod parallel;
mod person;
mod random_walk;
mod scene;
mod watched_transport;

//! The daemon's loops over the simulated bank: paused time, faults and deaths at every request, one seed for all.

mod answers;
mod books;
mod clocks;
mod course;
mod crowd;
mod door;
mod each;
mod fate;
mod memory;
mod notes;
mod older;
mod person;
mod scene;
mod stage;
mod storm;

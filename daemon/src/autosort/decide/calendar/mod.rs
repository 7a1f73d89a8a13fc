//! The pay calendar: on which days pay comes, and the cycles between them.
//!
//! Dates come first and instants after: a cycle is from the midnight of one payday to the midnight of the next in
//! the person's zone, so that clocks going forward or back neither skip a payday nor double it.

pub mod holidays;
mod rhythm;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use monzo_common::period;
pub use rhythm::Rhythmic;

use crate::rule::Payday;

/// A day on which pay comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayDate {
    /// The day.
    pub date: Date,
    /// The day the rhythm names, where a weekend or holiday moved it.
    pub moved_from: Option<Date>,
    /// Why it was moved: `a Saturday`, `Good Friday`.
    pub reason: Option<String>,
}

/// From a payday's midnight until just before the next one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// The payday that begins it.
    pub payday: Date,
    /// The next payday.
    pub next: Date,
    /// The first instant.
    pub since: Timestamp,
    /// The first instant after.
    pub until: Timestamp,
}

impl Cycle {
    /// Tells whether an instant lies within.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.since <= at && at < self.until
    }
}

/// The instant of a local date and time: what a gap skips comes as much later, what repeats counts the first time.
pub fn instant(day: Date, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    day.to_datetime(time).to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// The first instant of a local date.
pub fn midnight(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    instant(day, Time::midnight(), zone)
}

/// The first instant of an instant's local date, and the first after it.
pub fn day(at: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let today = local_date(at, zone);
    let end = today.tomorrow().ok().and_then(|day| midnight(day, zone));
    (midnight(today, zone).unwrap_or(at), end.unwrap_or(at))
}

/// The bank's zone: its night payments and its days go by it, wherever the person is.
pub fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}

/// The local date of an instant.
pub fn local_date(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

/// The paydays from a date on, that date included, at most `count`.
pub fn from(payday: &Payday, day: Date, count: usize) -> Vec<PayDate> {
    Rhythmic::of(payday).from(day).take(count).collect()
}

/// The first payday after a date.
pub fn after(payday: &Payday, day: Date) -> Option<Date> {
    Rhythmic::of(payday).after(day)
}

/// The last payday before a date.
pub fn before(payday: &Payday, day: Date) -> Option<Date> {
    Rhythmic::of(payday).before(day)
}

/// The payday that a date is nearest to; of two as near, the earlier.
pub fn nearest(payday: &Payday, day: Date) -> Option<Date> {
    let rhythm = Rhythmic::of(payday);
    let ahead = rhythm.on_or_after(day);
    let behind = rhythm.on_or_before(day);
    let distance = |other: &Date| day.duration_since(*other).abs();
    [behind, ahead].into_iter().flatten().min_by_key(distance)
}

/// The cycle that holds an instant.
pub fn cycle(payday: &Payday, at: Timestamp, zone: &TimeZone) -> Option<Cycle> {
    let rhythm = Rhythmic::of(payday);
    // Where clocks go back over midnight, the last hour of a day comes again after the next day has begun.
    let mut first = rhythm.on_or_before(local_date(at, zone).tomorrow().ok()?)?;
    while midnight(first, zone)? > at {
        first = rhythm.before(first)?;
    }
    between(first, rhythm.after(first)?, zone)
}

/// The cycle that begins with a payday; the one that a date lies in, if it is none.
pub fn cycle_of(payday: &Payday, day: Date, zone: &TimeZone) -> Option<Cycle> {
    let rhythm = Rhythmic::of(payday);
    let first = rhythm.on_or_before(day)?;
    between(first, rhythm.after(first)?, zone)
}

/// The last cycle that was complete at an instant.
pub fn last_cycle(payday: &Payday, at: Timestamp, zone: &TimeZone) -> Option<Cycle> {
    let now = cycle(payday, at, zone)?;
    between(before(payday, now.payday)?, now.payday, zone)
}

/// The cycle of an instant by its paydays alone, for the words `this-cycle`, `last-cycle` and `next-payday`.
pub fn words(payday: &Payday, at: Timestamp, zone: &TimeZone) -> Option<period::Cycle> {
    let now = cycle(payday, at, zone)?;
    let last_since = before(payday, now.payday)?;
    Some(period::Cycle { since: now.payday, until: now.next, last_since, next_payday: now.next })
}

fn between(payday: Date, next: Date, zone: &TimeZone) -> Option<Cycle> {
    Some(Cycle { payday, next, since: midnight(payday, zone)?, until: midnight(next, zone)? })
}

#[cfg(test)]
mod tests;

//! A calendar file (RFC 5545) of the payments to come.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use monzo_common::model::Bill;
use monzo_common::money::Money;

use super::atomic_file::AtomicFile;
use crate::failure::Failure;

/// Octets that a line may have.
const LINE: usize = 75;

/// Writes what is to come of the bills; answers how many payments that are.
///
/// # Errors
/// Where there is such a file already, or it cannot be written.
pub(super) fn write(path: &Path, bills: &[Bill], now: Timestamp) -> Result<usize, Failure> {
    let (text, events) = calendar(bills, now);
    let mut file = AtomicFile::create(path)?;
    let written = file.write_all(text.as_bytes());
    written.map_err(Failure::from).map_err(|failure| file.blame(failure))?;
    file.keep()?;
    Ok(events)
}

fn calendar(bills: &[Bill], now: Timestamp) -> (String, usize) {
    let mut text = String::new();
    let mut add = |line: &str| text.push_str(&folded(line));
    ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//monzod//bills//EN"].into_iter().for_each(&mut add);
    let mut events = 0;
    for bill in bills {
        let known = bill.due.iter().map(|due| (due.on, due.upper));
        let next = bill.next_on.filter(|_| bill.due.is_empty()).map(|next| (next, bill.upper));
        for (on, upper) in known.chain(next) {
            events += 1;
            add("BEGIN:VEVENT");
            add(&format!("UID:{}-{on}@monzod", escaped(&bill.id)));
            add(&format!("DTSTAMP:{}", now.strftime("%Y%m%dT%H%M%SZ")));
            add(&format!("DTSTART;VALUE=DATE:{}", compact(on)));
            add(&format!("DTEND;VALUE=DATE:{}", compact(on.tomorrow().unwrap_or(on))));
            let most = Money::new(upper, bill.currency);
            add(&format!("SUMMARY:{}", escaped(&format!("{}: up to {most}", bill.name))));
            add(&format!("DESCRIPTION:{}", escaped(&format!("{}, {}", bill.payee, bill.text))));
            add("TRANSP:TRANSPARENT");
            add("END:VEVENT");
        }
    }
    add("END:VCALENDAR");
    (text, events)
}

fn compact(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

/// As text is written there.
fn escaped(text: &str) -> String {
    let mut all = String::new();
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => all.extend(['\\', c]),
            '\n' => all.push_str("\\n"),
            c if c.is_control() => all.push(' '),
            c => all.push(c),
        }
    }
    all
}

/// A line, folded where it is too long, with its end.
fn folded(line: &str) -> String {
    let mut all = String::new();
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LINE {
            all.push_str("\r\n ");
            length = 1;
        }
        all.push(c);
        length += c.len_utf8();
    }
    all.push_str("\r\n");
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::bill;

    #[test]
    fn each_payment_to_come_is_a_day_in_the_calendar() {
        let now: Timestamp = "2026-11-24T13:00:00Z".parse().expect("an instant");
        let (text, events) = calendar(&[bill("Gym, pool; sauna")], now);
        assert_eq!(events, 1);
        insta::assert_snapshot!(text.replace('\r', ""), @r"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//monzod//bills//EN
        BEGIN:VEVENT
        UID:bill_1-2026-12-03@monzod
        DTSTAMP:20261124T130000Z
        DTSTART;VALUE=DATE:20261203
        DTEND;VALUE=DATE:20261204
        SUMMARY:Gym\, pool\; sauna: up to £21.50
        DESCRIPTION:IRONWORKS\, on day 3 of the month\, or the working day after
        TRANSP:TRANSPARENT
        END:VEVENT
        END:VCALENDAR
        ");
        assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
        let long = folded(&"é".repeat(100));
        assert!(long.split("\r\n").all(|line| line.len() <= LINE), "{long}");
    }
}

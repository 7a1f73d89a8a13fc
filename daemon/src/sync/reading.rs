//! Reading a window page by page: what to ask next, and when it is over.
//!
//! Pages are asked for by the id of the last row, which is exact however many rows share an instant.
//! The bank has been seen to answer an id with an empty page or a refusal, so that neither is believed:
//! the last row's instant is asked for again, and only what the bank then says ends the reading.
//! Nor does a page shorter than asked end it, since the bank may serve fewer rows than it promises: from the last row's
//! instant on it must list that row and no other.

use std::collections::HashSet;

use jiff::Timestamp;
use monzo_common::id::TransactionId;

use crate::facts::{Page, Row};

/// Rows on a full page: the bank's limit (monzo/README.md, Windows and pages).
pub const FULL: usize = 100;

/// A bank that serves fewer rows at once is not imagined. Taste.
const SHORTEST: usize = 10;

/// How the next page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// From an instant on, that instant included.
    Time(Timestamp),
    /// Everything after a row.
    After(TransactionId),
}

/// The last row that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its id.
    pub id: TransactionId,
    /// Its instant.
    pub at: Timestamp,
}

/// The bank sends full pages without anything new: going on would never end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bank keeps answering with a full page that holds nothing new")]
pub struct Stuck;

/// What a page meant for the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There may be more.
    More,
    /// The window was read to its end.
    End,
}

/// Why a page is asked for, which decides what it means when nothing new comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The reading begins here.
    Begin,
    /// The page before was full, or is not known.
    More,
    /// The page before was short: this one proves that it was the last.
    Proof,
    /// The proof is as long as a page of this bank and holds one instant only: more rows may share it.
    Ties,
    /// An id was answered with nothing, or refused.
    Again,
}

/// A window on its way through.
#[derive(Debug)]
pub struct Reading {
    ask: Ask,
    why: Why,
    last: Option<Cursor>,
    /// Rows read at the instant of the last one.
    tied: HashSet<TransactionId>,
    /// Records on the longest page so far.
    longest: usize,
    /// Begun by time, and no page had to be asked for in another way.
    whole: bool,
    /// An empty answer has come once; it is believed when it comes twice.
    doubted: bool,
}

impl Reading {
    /// Begins at an instant.
    pub fn begin(since: Timestamp) -> Self {
        Self {
            ask: Ask::Time(since),
            why: Why::Begin,
            last: None,
            tied: HashSet::new(),
            longest: 0,
            whole: true,
            doubted: false,
        }
    }

    /// Goes on after a row that an earlier reading ended with.
    pub fn resume(cursor: Cursor) -> Self {
        Self {
            ask: Ask::After(cursor.id.clone()),
            why: Why::More,
            tied: HashSet::from([cursor.id.clone()]),
            last: Some(cursor),
            whole: false,
            ..Self::begin(Timestamp::MIN)
        }
    }

    /// What to ask for now.
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The last row that was read.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.last.as_ref()
    }

    /// The reading missed nothing that the bank listed when it began, so that absence means something.
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// Something in the list could not be told apart, so that absence means nothing.
    pub fn doubt(&mut self) {
        self.whole = false;
    }

    /// Takes the page that was asked for, and says whether there may be more.
    ///
    /// # Errors
    /// [`Stuck`], with the cursor unchanged, when the page is as long as they come and nothing on it is new.
    pub fn take(&mut self, page: &Page) -> Result<Step, Stuck> {
        if page.is_empty() {
            return Ok(self.empty());
        }
        self.doubted = false;
        let why = self.why;
        let full = page.len() >= FULL;
        self.longest = self.longest.max(page.len());
        let listed = self.last.as_ref().is_some_and(|last| page.rows.iter().any(|row| row.id == last.id));
        let instant = self.last.as_ref().map(|last| last.at);
        if !self.advance(&page.rows) {
            // As long as any page of this bank, so that more rows of the instant may not have fitted on it.
            let cut = page.len() >= SHORTEST && page.len() == self.longest;
            return match &self.last {
                Some(last) if cut && why == Why::Proof => {
                    (self.ask, self.why) = (Ask::After(last.id.clone()), Why::Ties);
                    Ok(Step::More)
                }
                _ if full || (cut && why == Why::Again) => Err(Stuck),
                _ => {
                    self.whole &= listed || !matches!(why, Why::Proof | Why::Again);
                    Ok(Step::End)
                }
            };
        }
        // What an id did not bring and the time does was not listed as it should be.
        self.whole &= why != Why::Again && (listed || why != Why::Proof);
        if let Some(Cursor { id, at }) = &self.last {
            (self.ask, self.why) = if full {
                (Ask::After(id.clone()), Why::More)
            } else if why == Why::Ties && instant == Some(*at) {
                (Ask::After(id.clone()), Why::Ties)
            } else {
                (Ask::Time(*at), Why::Proof)
            };
        }
        Ok(Step::More)
    }

    /// An empty page is rare enough to ask for it twice, and an empty answer cheap enough to be a mistake.
    fn empty(&mut self) -> Step {
        if self.why == Why::More && self.fall_back() {
            return Step::More;
        }
        match self.why {
            Why::Begin | Why::Proof | Why::Again if !self.doubted => {
                self.doubted = true;
                Step::More
            }
            Why::Proof | Why::Again => {
                // The last row at least should have been listed.
                self.whole = false;
                Step::End
            }
            Why::Begin | Why::More | Why::Ties => Step::End,
        }
    }

    /// The bank refused to page by id: asks by time from the last row on; `false` if there is none to go on from.
    pub fn refused(&mut self) -> bool {
        self.whole = false;
        self.fall_back()
    }

    fn fall_back(&mut self) -> bool {
        match (&self.ask, &self.last) {
            (Ask::After(_), Some(last)) => {
                (self.ask, self.why, self.doubted) = (Ask::Time(last.at), Why::Again, false);
                true
            }
            _ => false,
        }
    }

    /// Moves behind the page's last row; `false` if no row on it is new.
    fn advance(&mut self, rows: &[Row]) -> bool {
        let Some(end) = rows.iter().max_by_key(|row| row.created_at) else { return false };
        let reached = self.last.as_ref().map(|last| last.at);
        let unseen = |row: &Row| match reached {
            Some(at) => row.created_at > at || (row.created_at == at && !self.tied.contains(&row.id)),
            None => true,
        };
        if !rows.iter().any(unseen) {
            return false;
        }
        if reached != Some(end.created_at) {
            self.tied.clear();
        }
        let at_end = rows.iter().filter(|row| row.created_at == end.created_at);
        self.tied.extend(at_end.map(|row| row.id.clone()));
        self.last = Some(Cursor { id: end.id.clone(), at: end.created_at });
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::sync::tests::row;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("an instant")
    }

    /// A bank that lists rows at the given seconds, and misbehaves on request.
    struct List {
        rows: Vec<Row>,
        /// Pages by id that come empty, by number of the page.
        empty: Vec<usize>,
        /// Pages by id that are refused.
        refused: Vec<usize>,
        /// Rows that vanish after the page with this number.
        vanish: Option<(usize, usize)>,
        /// Rows on a page at most.
        limit: usize,
    }

    impl List {
        fn new(seconds: &[i64]) -> Self {
            let rows =
                seconds.iter().enumerate().map(|(index, second)| row(&format!("tx_{index:06}"), at(*second)));
            Self { rows: rows.collect(), empty: vec![], refused: vec![], vanish: None, limit: FULL }
        }

        fn read(mut self, since: Timestamp) -> Result<(Vec<TransactionId>, bool), Stuck> {
            let mut reading = Reading::begin(since);
            let mut read = Vec::new();
            for number in 0.. {
                assert!(number < 500, "the reading does not end");
                let by_id = matches!(reading.ask(), Ask::After(_));
                if by_id && self.refused.contains(&number) {
                    assert!(reading.refused());
                    continue;
                }
                let rows: Vec<Row> = match reading.ask() {
                    Ask::After(_) if self.empty.contains(&number) => vec![],
                    Ask::Time(since) => self
                        .rows
                        .iter()
                        .filter(|row| row.created_at >= *since)
                        .take(self.limit)
                        .cloned()
                        .collect(),
                    Ask::After(id) => self
                        .rows
                        .iter()
                        .skip_while(|row| row.id != *id)
                        .skip(1)
                        .take(self.limit)
                        .cloned()
                        .collect(),
                };
                let page = Page { rows, unreadable: vec![] };
                read.extend(page.rows.iter().map(|row| row.id.clone()));
                if let Some((page, index)) = self.vanish
                    && page == number
                {
                    self.rows.remove(index);
                }
                if reading.take(&page)? == Step::End {
                    break;
                }
            }
            read.dedup();
            Ok((read, reading.whole()))
        }
    }

    fn unique(ids: &[TransactionId]) -> usize {
        ids.iter().collect::<HashSet<_>>().len()
    }

    #[test]
    fn a_window_is_read_to_its_short_page() {
        for count in [0_i64, 1, 99, 100, 101, 250, 300] {
            let seconds: Vec<i64> = (0..count).collect();
            let (read, whole) = List::new(&seconds).read(at(0)).expect("it ends");
            assert_eq!((unique(&read), whole), (seconds.len(), true), "{count} rows");
        }
    }

    #[test]
    fn a_page_shorter_than_asked_is_not_the_last() {
        for limit in [10_usize, 11, 50, 99] {
            for count in [0_i64, 1, 2, 49, 50, 51, 120, 200] {
                let seconds: Vec<i64> = (0..count).collect();
                let list = List { limit, ..List::new(&seconds) };
                let (read, whole) = list.read(at(0)).expect("it ends");
                assert_eq!((unique(&read), whole), (seconds.len(), true), "{count} rows, {limit} on a page");
            }
        }
    }

    #[test]
    fn more_rows_at_one_instant_than_a_short_page_holds_lose_nothing() {
        let seconds = [vec![3; 7], vec![5; 180], vec![6; 40]].concat();
        let (read, whole) = List { limit: 50, ..List::new(&seconds) }.read(at(0)).expect("it ends");
        assert_eq!((unique(&read), whole), (seconds.len(), true));
    }

    #[test]
    fn the_end_of_a_window_costs_one_request_more() {
        let mut reading = Reading::begin(at(0));
        let rows: Vec<Row> = (0..40).map(|index| row(&format!("tx_{index:02}"), at(index))).collect();
        let last = Page { rows: rows[39..].to_vec(), unreadable: vec![] };
        assert_eq!(reading.take(&Page { rows, unreadable: vec![] }), Ok(Step::More));
        assert_eq!(reading.take(&last), Ok(Step::End));
    }

    #[test]
    fn a_false_empty_page_ends_nothing() {
        let seconds: Vec<i64> = (0..250).collect();
        let list = List { empty: vec![1, 3], ..List::new(&seconds) };
        let (read, whole) = list.read(at(0)).expect("it ends");
        assert_eq!((unique(&read), whole), (250, false));
    }

    #[test]
    fn a_first_page_that_is_empty_is_asked_for_twice() {
        let mut reading = Reading::begin(at(0));
        assert_eq!(reading.take(&Page::default()), Ok(Step::More));
        assert_eq!(reading.ask(), &Ask::Time(at(0)));
        let page = Page { rows: vec![row("tx_1", at(5))], unreadable: vec![] };
        assert_eq!(reading.take(&page), Ok(Step::More));
        assert_eq!(reading.ask(), &Ask::Time(at(5)), "that it was the last page is proved");
        assert_eq!(reading.take(&page), Ok(Step::End));
        assert!(reading.whole());
        let mut reading = Reading::begin(at(0));
        assert_eq!(reading.take(&Page::default()), Ok(Step::More));
        assert_eq!(reading.take(&Page::default()), Ok(Step::End));
        assert!(reading.whole());
    }

    #[test]
    fn a_list_out_of_order_is_paged_from_its_latest_row() {
        let mut reading = Reading::begin(at(0));
        let mut rows: Vec<Row> = (0..100).map(|index| row(&format!("tx_{index}"), at(index))).collect();
        rows.rotate_left(1);
        assert_eq!(reading.take(&Page { rows, unreadable: vec![] }), Ok(Step::More));
        assert_eq!(reading.ask(), &Ask::After("tx_99".into()));
    }

    #[test]
    fn an_empty_page_after_a_full_one_is_not_believed_before_it_has_come_three_times() {
        let mut reading = Reading::begin(at(0));
        let rows: Vec<Row> = (0..100).map(|index| row(&format!("tx_{index:03}"), at(index))).collect();
        let full = Page { rows, unreadable: vec![] };
        assert_eq!(reading.take(&full), Ok(Step::More));
        assert_eq!(reading.take(&Page::default()), Ok(Step::More), "after the row");
        assert_eq!(reading.take(&Page::default()), Ok(Step::More), "from its instant on");
        assert_eq!(reading.take(&Page::default()), Ok(Step::End), "and once more");
        assert!(!reading.whole(), "the last row should have been listed");
    }

    #[test]
    fn a_refused_id_is_read_on_by_time_and_the_reading_is_not_whole() {
        let seconds: Vec<i64> = (0..250).collect();
        let list = List { refused: vec![1], ..List::new(&seconds) };
        let (read, whole) = list.read(at(0)).expect("it ends");
        assert_eq!((unique(&read), whole), (250, false));
    }

    #[test]
    fn a_last_row_that_vanished_is_read_past() {
        let seconds: Vec<i64> = (0..250).collect();
        let list = List { vanish: Some((0, 99)), ..List::new(&seconds) };
        let (read, whole) = list.read(at(0)).expect("it ends");
        assert_eq!((unique(&read), whole), (250, false));
    }

    #[test]
    fn ties_longer_than_a_page_lose_nothing() {
        let seconds = vec![7; 350];
        let (read, whole) = List::new(&seconds).read(at(0)).expect("it ends");
        assert_eq!((unique(&read), whole), (350, true));
    }

    #[test]
    fn a_full_page_with_nothing_new_is_an_error_that_leaves_the_cursor() {
        let seconds = vec![7; 350];
        let list = List { empty: vec![2], ..List::new(&seconds) };
        assert_eq!(list.read(at(0)), Err(Stuck));
    }

    #[test]
    fn a_resumed_reading_asks_after_its_cursor_and_is_not_whole() {
        let cursor = Cursor { id: "tx_1".into(), at: at(0) };
        let mut reading = Reading::resume(cursor);
        assert_eq!(reading.ask(), &Ask::After("tx_1".into()));
        assert_eq!(reading.take(&Page::default()), Ok(Step::More));
        assert_eq!(reading.ask(), &Ask::Time(at(0)));
        let page = Page { rows: vec![row("tx_1", at(0))], unreadable: vec![] };
        assert_eq!(reading.take(&page), Ok(Step::End));
        assert!(!reading.whole());
    }

    proptest! {
        #[test]
        fn whatever_the_bank_does_every_row_is_read_or_the_reading_says_so(
            gaps in proptest::collection::vec(0_i64..2, 0..400),
            empty in proptest::collection::vec(1_usize..8, 0..3),
            refused in proptest::collection::vec(1_usize..8, 0..2),
            limit in SHORTEST..=FULL,
        ) {
            let mut second = 0;
            let seconds: Vec<i64> = gaps.iter().map(|gap| { second += gap; second }).collect();
            let list = List { empty, refused, limit, ..List::new(&seconds) };
            if let Ok((read, _)) = list.read(at(0).checked_sub(SignedDuration::from_secs(1)).expect("in range")) {
                prop_assert_eq!(unique(&read), seconds.len());
            }
        }
    }
}

//! The bank's JSON as it is kept: deflated, because it is by far the largest part of the database.
//!
//! One record is too small to be compressed well by itself, so each begins where a dictionary ends: a text with the keys
//! and values that nearly every record has. The first byte of what is kept names the dictionary. What was kept before
//! there was one begins with deflate's own first byte, which is never the same: in it the two bits for the type of the
//! first block are never both set.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Refuses to inflate more than this, so that a damaged row cannot exhaust memory.
const LARGEST: usize = 16 << 20;

/// What nearly every transaction has, the most frequent last. What is kept can be read by no other text, so that this
/// file is never edited: a better one is a second file with a first byte of its own.
const DICTIONARY: &[u8] = include_bytes!("raw/dictionary-1.txt");

/// The first byte of what was deflated with the dictionary.
const WITH_DICTIONARY: u8 = 1 << 3 | 0b110;

/// How far back a repetition is looked for, as a power of two: as far as the dictionary and a large record reach.
const WINDOW: u8 = 13;

/// Deflates row after row; a fresh compressor a row costs more than the compression itself.
pub(super) struct Deflater {
    state: Compress,
    buffer: Vec<u8>,
}

impl Deflater {
    /// A compressor for a batch.
    pub(super) fn new() -> Self {
        let state = Compress::new_with_window_bits(Compression::fast(), false, WINDOW);
        Self { state, buffer: Vec::with_capacity(1 << 12) }
    }

    /// The deflated text, valid until the next call.
    pub(super) fn deflate(&mut self, text: &str) -> &[u8] {
        self.state.reset();
        self.buffer.clear();
        // Refused only in the middle of a text; and without the dictionary the text is kept all the same.
        if self.state.set_dictionary(DICTIONARY).is_ok() {
            self.buffer.push(WITH_DICTIONARY);
        }
        let mut read = 0;
        loop {
            if self.buffer.capacity() - self.buffer.len() < 256 {
                self.buffer.reserve(text.len() / 2 + 256);
            }
            let rest = text.as_bytes().get(read..).unwrap_or_default();
            let status = self.state.compress_vec(rest, &mut self.buffer, FlushCompress::Finish);
            read = usize::try_from(self.state.total_in()).unwrap_or(text.len());
            // Compressing into memory fails only for want of room, which the loop makes.
            if matches!(status, Ok(Status::StreamEnd) | Err(_)) {
                return &self.buffer;
            }
        }
    }
}

thread_local! {
    /// A list inflates hundreds of records, and a fresh decompressor costs more than each of them.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// The text that was deflated, or as much of it as can be read: what is wrong with one record is no matter of the others.
pub(super) fn inflate(kept: &[u8]) -> String {
    let mut text = Vec::new();
    if let Err(error) = INFLATER.with_borrow_mut(|inflater| read(inflater, kept, &mut text)) {
        tracing::warn!(%error, "a kept record cannot be read to its end");
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn read(inflater: &mut Decompress, kept: &[u8], text: &mut Vec<u8>) -> Result<(), String> {
    inflater.reset(false);
    let deflated = match kept.split_first() {
        Some((&WITH_DICTIONARY, deflated)) => {
            inflater.set_dictionary(DICTIONARY).map_err(|error| error.to_string())?;
            deflated
        }
        _ => kept,
    };
    text.reserve(deflated.len() * 4 + 256);
    loop {
        let done = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let rest = deflated.get(done..).unwrap_or_default();
        match inflater.decompress_vec(rest, text, FlushDecompress::None).map_err(|error| error.to_string())? {
            Status::StreamEnd => return Ok(()),
            _ if text.len() >= LARGEST => return Err(format!("it is larger than {LARGEST} bytes")),
            _ if text.len() < text.capacity() => return Err("its end is missing".to_owned()),
            _ => text.reserve(text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    proptest! {
        #[test]
        fn every_text_survives(texts in proptest::collection::vec("\\PC{0,3000}", 0..4)) {
            let mut deflater = Deflater::new();
            for text in texts {
                let deflated = deflater.deflate(&text).to_vec();
                prop_assert_eq!(inflate(&deflated), text);
            }
        }

        #[test]
        fn what_was_kept_before_there_was_a_dictionary_is_read(text in "\\PC{0,3000}", level in 0_u32..10) {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(text.as_bytes()).expect("written");
            let deflated = encoder.finish().expect("deflated");
            prop_assert_ne!(deflated[0], WITH_DICTIONARY);
            prop_assert_eq!(inflate(&deflated), text);
        }

        #[test]
        fn no_bytes_at_all_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            inflate(&bytes);
            inflate(&[&[WITH_DICTIONARY], &bytes[..]].concat());
        }
    }

    #[test]
    fn of_a_damaged_record_the_legible_part_is_read() {
        assert_eq!(inflate(&[7, 7, 7]), "");
        assert_eq!(inflate(&[]), "");
        let text = "a record with something in it; ".repeat(9);
        let deflated = Deflater::new().deflate(&text).to_vec();
        let read = inflate(&deflated[..deflated.len() - 4]);
        assert!(!read.is_empty() && text.starts_with(&read), "{read}");
    }

    #[test]
    fn a_record_that_grows_without_end_is_read_in_part() {
        let text = "0".repeat(LARGEST * 2);
        let deflated = Deflater::new().deflate(&text).to_vec();
        let read = inflate(&deflated);
        assert!((LARGEST..text.len()).contains(&read.len()), "{} bytes", read.len());
    }

    #[test]
    fn a_usual_transaction_takes_a_quarter_of_its_json() {
        let text = r#"{"id":"tx_0000AbCdEfGh","created":"2026-03-04T15:16:17.181Z","description":"TESCO STORES 2041 LEEDS GBR","amount":-1234,"fees":{},"currency":"GBP","merchant":{"id":"merch_0000ZyXwVu","group_id":"grp_0000ZyXwVu","name":"Tesco","logo":"https://mondo-logo-cache.appspot.com/twitter/tesco/?size=large","emoji":"🛒","category":"groceries","online":false,"atm":false,"disable_feedback":false,"address":{"short_formatted":"Leeds LS1 1AA","city":"Leeds","latitude":53.79,"longitude":-1.54,"zoom_level":17,"approximate":false,"formatted":"Leeds LS1 1AA","address":"1 High Street","region":"","country":"GBR","postcode":"LS1 1AA"},"metadata":{}},"notes":"","metadata":{"ledger_insertion_id":"entryset_0000KlMnOp","mastercard_auth_message_id":"mcauthmsg_0000QrSt","mastercard_card_id":"mccard_0000UvWx","mastercard_lifecycle_id":"mclifecycle_0000YzAb","mcc":"5411"},"labels":null,"attachments":null,"international":null,"category":"groceries","categories":{"groceries":-1234},"is_load":false,"settled":"2026-03-05T00:30:00.000Z","local_amount":-1234,"local_currency":"GBP","updated":"2026-03-05T00:30:00.150Z","account_id":"acc_0000CdEf","user_id":"user_0000GhIj","counterparty":{},"scheme":"mastercard","dedupe_id":"mclifecycle:mclifecycle_0000YzAb","originator":false,"include_in_spending":true,"can_be_excluded_from_breakdown":true,"can_be_made_subscription":true,"can_split_the_bill":true,"can_add_to_tab":true,"can_match_transactions_in_categorization":true,"amount_is_pending":false,"atm_fees_detailed":null,"parent_account_id":""}"#;
        let deflated = Deflater::new().deflate(text).len();
        assert!(deflated * 4 < text.len(), "{deflated} of {}", text.len());
    }

    #[test]
    fn the_dictionary_is_the_one_that_was_released() {
        let digest = Sha256::digest(DICTIONARY);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex, "1f2d2f8c264ae6f56b5cbb96cf07f843ffea78459d6eb011521eb9241b710719",
            "what is kept could no longer be read"
        );
    }
}

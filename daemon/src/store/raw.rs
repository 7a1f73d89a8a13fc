//! The bank's JSON as it is kept: deflated, because it is by far the largest part of the database.
//!
//! One compressor serves a whole batch; a fresh one a row costs more than the compression itself.

use std::io::Read;

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Refuses to inflate more than this, so that a damaged row cannot exhaust memory.
const LARGEST: u64 = 16 << 20;

/// Deflates row after row.
pub(super) struct Deflater {
    state: Compress,
    buffer: Vec<u8>,
}

impl Deflater {
    /// A compressor for a batch.
    pub(super) fn new() -> Self {
        Self { state: Compress::new(Compression::fast(), false), buffer: Vec::with_capacity(1 << 12) }
    }

    /// The deflated text, valid until the next call.
    pub(super) fn deflate(&mut self, text: &str) -> &[u8] {
        self.state.reset();
        self.buffer.clear();
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

/// The text that was deflated, or as much of it as can be read: what is wrong with one record is no matter of the others.
pub(super) fn inflate(deflated: &[u8]) -> String {
    let mut text = Vec::new();
    if let Err(error) = DeflateDecoder::new(deflated).take(LARGEST).read_to_end(&mut text) {
        tracing::warn!(%error, "a kept record cannot be read to its end");
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    }

    #[test]
    fn of_a_damaged_record_the_legible_part_is_read() {
        assert_eq!(inflate(&[7, 7, 7]), "");
        let text = "a record with something in it; ".repeat(9);
        let deflated = Deflater::new().deflate(&text).to_vec();
        let read = inflate(&deflated[..deflated.len() - 4]);
        assert!(!read.is_empty() && text.starts_with(&read), "{read}");
    }
}

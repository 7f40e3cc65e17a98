//! Newline framing with a limit, free of I/O.

/// Longest line that either side accepts, newline excluded: 8 MiB. A hook cuts
/// what it sends far below this; the limit keeps a stray client from filling
/// the worker's memory.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// What a [`LineFramer`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A line, without its newline (and without a carriage return before it).
    Line(Vec<u8>),
    /// A line over the limit was skipped.
    TooLong,
}

/// Cuts a byte stream into lines. Feed it with [`push`](Self::push), then call
/// [`next_frame`](Self::next_frame) until it gives `None`.
#[derive(Debug)]
pub struct LineFramer {
    buffer: Vec<u8>,
    /// Where the first line begins that was not given out yet.
    start: usize,
    /// Bytes of `buffer` that were searched for a newline already.
    searched: usize,
    skipping: bool,
    limit: usize,
}

impl Default for LineFramer {
    fn default() -> Self {
        Self::new(MAX_LINE_BYTES)
    }
}

impl LineFramer {
    /// A framer that skips lines of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            skipping: false,
            limit,
        }
    }

    /// Adds bytes as they were read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, or the news that one was too long.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let Some(end) = self.find_newline() else {
                // Moved once for all the lines before it.
                self.buffer.drain(..self.start);
                (self.start, self.searched) = (0, self.buffer.len());
                // One more than the limit, because a carriage return at the end
                // does not count.
                if self.buffer.len() > self.limit + 1 || self.skipping {
                    self.skipping = true;
                    self.buffer = Vec::new();
                    self.searched = 0;
                }
                return None;
            };
            let line = &self.buffer[self.start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (self.start, self.searched) = (end + 1, end + 1);
            if std::mem::take(&mut self.skipping) || line.len() > self.limit {
                return Some(Frame::TooLong);
            }
            if !line.is_empty() {
                return Some(Frame::Line(line.to_vec()));
            }
        }
    }

    /// What the peer sent after its last newline, once it has closed its side:
    /// `printf '{"type":"ping"}' | nc -U …` deserves its answer too.
    pub fn finish(&mut self) -> Option<Frame> {
        let mut line = self.take_buffer();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if std::mem::take(&mut self.skipping) || line.len() > self.limit {
            return Some(Frame::TooLong);
        }
        (!line.iter().all(u8::is_ascii_whitespace)).then_some(Frame::Line(line))
    }

    /// What was not given out yet; nothing of it stays.
    fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.drain(..self.start);
        (self.start, self.searched) = (0, 0);
        buffer
    }

    fn find_newline(&self) -> Option<usize> {
        self.buffer[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|offset| self.searched + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(framer: &mut LineFramer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next_frame()).collect()
    }

    #[test]
    fn lines_come_out_whole_however_they_are_cut() {
        let text = b"one\r\n\ntwo\nthree";
        for size in 1..=text.len() {
            let mut framer = LineFramer::new(10);
            let mut found = Vec::new();
            for chunk in text.chunks(size) {
                framer.push(chunk);
                found.extend(frames(&mut framer));
            }
            found.extend(framer.finish());
            let lines = [&b"one"[..], b"two", b"three"].map(|line| Frame::Line(line.to_vec()));
            assert_eq!(found, lines, "cut every {size} bytes");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_next_one_is_read() {
        for size in 1..=30 {
            let mut framer = LineFramer::new(5);
            let mut found = Vec::new();
            for chunk in b"ok\n0123456789\nfine\n123456\nyes\n".chunks(size) {
                framer.push(chunk);
                found.extend(frames(&mut framer));
                assert!(framer.buffer.len() <= 6 + size, "memory stays bounded");
            }
            let line = |text: &str| Frame::Line(text.as_bytes().to_vec());
            assert_eq!(
                found,
                [
                    line("ok"),
                    Frame::TooLong,
                    line("fine"),
                    Frame::TooLong,
                    line("yes")
                ],
                "cut every {size} bytes"
            );
        }
    }

    #[test]
    fn many_lines_in_one_push_take_linear_time() {
        let mut framer = LineFramer::default();
        framer.push(&b"x\n".repeat(200_000));
        assert_eq!(frames(&mut framer).len(), 200_000);
    }
}

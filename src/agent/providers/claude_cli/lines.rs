//! Lines from a child's output, of which there can be only so many bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of output that are read of one call. An answer has some KB.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

/// Bytes asked for at once.
const CHUNK: usize = 64 * 1024;

pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// Bytes of the buffer in which no line ends.
    searched: usize,
    /// Bytes that may still come.
    left: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self::with_limit(from, MAX_OUTPUT)
    }

    fn with_limit(from: R, limit: usize) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            searched: 0,
            left: limit,
        }
    }

    /// The next line without its end; `None` at the end of the output. What
    /// stands after the last line's end is not given: a line that was cut off is
    /// no message. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=self.searched + end).collect();
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.left == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    "more output than an answer can have",
                ));
            }
            let most = u64::try_from(self.left.min(CHUNK)).unwrap_or(u64::MAX);
            let read = (&mut self.from)
                .take(most)
                .read_buf(&mut self.buffer)
                .await?;
            if read == 0 {
                return Ok(None);
            }
            self.left = self.left.saturating_sub(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, limit: usize) -> (Vec<String>, io::Result<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut lines = Lines::with_limit(text.as_bytes(), limit);
            let mut found = Vec::new();
            loop {
                match lines.next().await {
                    Ok(Some(line)) => found.push(String::from_utf8(line).unwrap()),
                    Ok(None) => return (found, Ok(())),
                    Err(error) => return (found, Err(error)),
                }
            }
        })
    }

    #[test]
    fn lines_are_given_whole_or_not_at_all() {
        let long = "x".repeat(3 * CHUNK);
        let (found, end) = read(&format!("a\n\n{long}\nrest"), MAX_OUTPUT);
        assert_eq!(found, ["a", "", &long]);
        end.unwrap();
    }

    #[test]
    fn output_is_bounded_in_all_with_line_ends_or_without() {
        let (found, end) = read(&"ab\n".repeat(100), 30);
        assert_eq!(found.len(), 10);
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let (found, end) = read(&"x".repeat(100), 30);
        assert_eq!(found.len(), 0);
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}

//! Of a long text, what a query has to do with: its beginning, and the places where
//! the query's words stand. So a word at the end of a pasted log of megabytes is
//! found, and reading it takes no longer than a long page.

use std::borrow::Cow;

use memchr::memmem;

use super::query::Query;
use super::reading::{Field, Searched};

/// Bytes of a text that is read as it stands, and of what is read of a longer one,
/// about.
pub(super) const MOST: usize = 64 * 1024;

/// Bytes of a text that are looked through: what is beyond is no text.
const LONGEST: usize = 8 * 1024 * 1024;

/// Bytes that are read, or not, together: some two passages.
const BLOCK: usize = 1024;

/// Blocks of the beginning, which are read whatever stands there.
const BEGINNING: usize = 8;

/// What stands in a block counts for those beside it by this, so that what stands
/// around the words is read as well.
const BESIDE: f64 = 0.4;

/// The fields of a row as far as they are read for a query.
pub(super) fn fields<'r, T: Searched>(row: &'r T, query: &Query) -> Vec<Field<'r>> {
    let mut fields = row.fields();
    for field in &mut fields {
        if field.text.len() > MOST {
            field.text = Cow::Owned(excerpt(&field.text, &query.terms));
        }
    }
    fields
}

/// What a word with this stem begins with: of the stem of "happy", which is
/// "happi", all but the last letter.
pub(super) fn beginning(stem: &str) -> &[u8] {
    stem.strip_suffix('i').unwrap_or(stem).as_bytes()
}

fn excerpt(text: &str, stems: &[String]) -> String {
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let mut excerpt = String::with_capacity(MOST + BLOCK);
    let mut last = None;
    for block in worth_reading(text, stems) {
        // Blocks that follow each other are one text; others are not.
        if last.is_some_and(|last| last + 1 != block) {
            excerpt.push('\n');
        }
        last = Some(block);
        excerpt.push_str(&text[edge(text, block)..edge(text, block + 1)]);
    }
    excerpt
}

/// Where a block begins: behind a word, where there is a gap nearby.
fn edge(text: &str, block: usize) -> usize {
    let at = text.floor_char_boundary((block * BLOCK).min(text.len()));
    if at == 0 {
        return 0;
    }
    let rest = &text[at..text.floor_char_boundary((at + BLOCK / 4).min(text.len()))];
    at + rest.find(char::is_whitespace).unwrap_or(0)
}

/// The numbers of the blocks that are read, in their order.
fn worth_reading(text: &str, stems: &[String]) -> Vec<usize> {
    let lowered = text.to_ascii_lowercase();
    let count = text.len().div_ceil(BLOCK);
    let mut held = vec![0.0; count];
    for stem in stems {
        let mut blocks: Vec<usize> = memmem::find_iter(lowered.as_bytes(), beginning(stem))
            .map(|at| at / BLOCK)
            .collect();
        blocks.dedup();
        let worth = (1.0 + ratio(count) / ratio(blocks.len())).ln();
        for block in blocks {
            held[block] += worth;
        }
    }
    let beside = |block: Option<usize>| block.and_then(|block| held.get(block)).copied();
    let mut order: Vec<(f64, usize)> = (BEGINNING..count)
        .map(|block| {
            let before = beside(block.checked_sub(1)).unwrap_or(0.0);
            let after = beside(block.checked_add(1)).unwrap_or(0.0);
            (held[block] + BESIDE * before.max(after), block)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let best = order.iter().take(MOST / BLOCK - BEGINNING);
    let mut blocks: Vec<usize> = (0..BEGINNING.min(count))
        .chain(best.map(|(_, block)| *block))
        .collect();
    blocks.sort_unstable();
    blocks
}

#[expect(clippy::cast_precision_loss, reason = "a count of blocks")]
fn ratio(count: usize) -> f64 {
    count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// A log of half a megabyte, with something in it.
    fn log(at: usize, told: &str) -> String {
        let lines: Vec<String> = (0..10_000)
            .map(|line| format!("2026-11-21 worker {line} polls the queue, nothing to do"))
            .collect();
        format!(
            "{}\n{told}\n{}",
            lines[..at].join("\n"),
            lines[at..].join("\n")
        )
    }

    #[test]
    fn the_place_of_rare_words_is_read_wherever_it_is() {
        let told = "The Größe of the thumbnail was computed twice, so the queue stood still";
        for at in [3, 5_000, 9_990] {
            let text = log(at, told);
            assert!(text.len() > 7 * MOST);
            let read = excerpt(&text, &stems(&["queue", "thumbnail"]));
            assert!(read.contains(told), "line {at}");
            assert!(read.starts_with("2026-11-21 worker 0 polls"));
            assert!(read.len() <= MOST + BLOCK, "{}", read.len());
        }
    }

    #[test]
    fn without_its_words_the_beginning_is_read() {
        let text = log(9_990, "the end");
        let read = excerpt(&text, &stems(&["zebra"]));
        assert!(text.starts_with(&read[..MOST - BLOCK]));
        assert!(!read.contains("the end"));
    }

    #[test]
    fn what_is_no_text_is_looked_through_no_further() {
        let told = "the thumbnail was computed twice";
        let line = "0123456789abcdef\n";
        for (at, is_read) in [(LONGEST - 1024, true), (LONGEST + 1024, false)] {
            let text = format!("{}{told}\n{line}", line.repeat(at / line.len()));
            let read = excerpt(&text, &stems(&["thumbnail"]));
            assert_eq!(read.contains(told), is_read, "{at}");
        }
    }

    #[test]
    fn any_script_is_cut_at_characters() {
        let text = "需要修复折扣计算".repeat(20_000);
        let read = excerpt(&text, &stems(&["折扣"]));
        assert!(read.len() > MOST / 2 && read.contains("折扣"));
        assert!(excerpt(&"a".repeat(MOST + 5), &[]).len() <= MOST + BLOCK);
    }
}

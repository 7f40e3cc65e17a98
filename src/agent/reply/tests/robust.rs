//! Whatever comes is read, soon, and what comes out is bounded.

use super::{WELL_FORMED, code, got};
use crate::agent::reply::{Read, outline, read};

/// Pseudo-random numbers: the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

fn size(text: &str) -> usize {
    text.chars().count()
}

/// Reads a text and holds the result to the bounds.
fn checked(text: &str) -> Option<Read> {
    let _titles = outline(text);
    match read(text, code()) {
        Ok(read) => {
            let reading = &read.reading;
            assert!(reading.observations.len() <= 8);
            for own in &reading.observations {
                assert!(!own.title.is_empty() && size(&own.title) <= 120);
                assert!(size(&own.narrative) <= 2_000 && size(&own.subtitle) <= 300);
                assert!(own.facts.len() <= 12 && own.facts.iter().all(|fact| size(fact) <= 400));
                for files in [&own.files_read, &own.files_modified] {
                    assert!(files.len() <= 30 && files.iter().all(|file| size(file) <= 300));
                    assert!(
                        files
                            .iter()
                            .all(|file| !file.split('/').any(|part| part == ".."))
                    );
                }
                assert!(code().types.iter().any(|term| term.id == own.kind));
                assert!(own.concepts.len() <= code().concepts.len() + 1);
            }
            for field in reading.summary.iter().flat_map(|own| {
                [
                    &own.request,
                    &own.investigated,
                    &own.learned,
                    &own.completed,
                    &own.next_steps,
                    &own.notes,
                ]
            }) {
                assert!(size(field) <= 1_500);
            }
            assert!(
                reading
                    .skip_reason
                    .as_ref()
                    .is_none_or(|reason| size(reason) <= 300)
            );
            Some(read)
        }
        Err(refusal) => {
            assert!(size(&refusal.words) <= 300);
            None
        }
    }
}

#[test]
fn a_cut_answer_keeps_exactly_its_complete_blocks() {
    let whole = got(WELL_FORMED).reading;
    for text in [
        WELL_FORMED.to_owned(),
        WELL_FORMED.replace("codes", "códes 日本 <T> &amp; <title>"),
    ] {
        let whole = if text == WELL_FORMED {
            whole.clone()
        } else {
            got(&text).reading
        };
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let cut = &text[..end];
            let complete = cut.matches("</observation>").count();
            let ended = cut.trim_end().is_empty() || cut.trim_end().ends_with("</observation>");
            let Some(read) = checked(cut) else {
                assert_eq!(complete, 0, "{cut}");
                continue;
            };
            assert_eq!(
                read.reading.observations,
                whole.observations[..complete],
                "{cut}"
            );
            assert_eq!(read.reading.summary, None, "{cut}");
            assert_eq!(read.cut_off, !ended, "{cut}");
        }
    }
}

#[test]
fn random_bytes_are_read() {
    let mut numbers = Numbers(0x1234_5678_9ABC_DEF1);
    for _ in 0..3_000 {
        let length = numbers.next(200);
        let bytes: Vec<u8> = (0..length)
            .map(|_| u8::try_from(numbers.next(256)).unwrap())
            .collect();
        let read = checked(&String::from_utf8_lossy(&bytes));
        assert_eq!(read, None);
    }
}

/// What soup is made of.
const PIECES: [&str; 44] = [
    "<observation>",
    "</observation>",
    "<summary>",
    "</summary>",
    "<skip reason=\"",
    "\"/>",
    "<skip>",
    "</skip>",
    "<think>",
    "</think>",
    "<type>",
    "</type>",
    "<title>",
    "</title>",
    "<facts>",
    "</facts>",
    "<fact>",
    "</fact>",
    "<narrative>",
    "</narrative>",
    "<files_read>",
    "</files_read>",
    "<file>",
    "</file>",
    "<files_modified>",
    "<request>",
    "</request>",
    "<observation",
    " a='",
    ">",
    "<",
    "&",
    "&lt;",
    "&#x0;",
    "]]>",
    "<![CDATA[",
    "word ",
    "日本",
    "\u{0}",
    "\n",
    "../",
    "bugfix",
    "</",
    "<concept>",
];

#[test]
fn soup_of_tags_is_read() {
    let mut numbers = Numbers(0xFEDC_BA98_7654_3211);
    let mut readable = 0;
    for _ in 0..6_000 {
        let length = numbers.next(60);
        let soup: String = (0..length)
            .map(|_| PIECES[numbers.next(PIECES.len())])
            .collect();
        readable += usize::from(checked(&soup).is_some());
    }
    assert!(readable > 100, "{readable}");
}

#[test]
fn megabytes_are_read_in_one_go() {
    let openings = "<observation>".repeat(5_000_000 / "<observation>".len());
    assert_eq!(checked(&openings), None);
    for piece in [
        "<observation><title>",
        "<observation><title>x</title>",
        "<observation><facts><fact>",
        "<narrative>",
        "<skip ",
        "<skip reason=\"",
        "<think>",
        "</think>",
        "&",
        "&lt;",
        "<",
        "</title",
        "<fact>x</fact>",
        "word, ",
    ] {
        let text = piece.repeat(300_000 / piece.len());
        drop(checked(&text));
        drop(checked(&format!("<observation>{text}</observation>")));
        drop(checked(&format!(
            "<observation><facts>{text}</facts></observation>"
        )));
    }
}

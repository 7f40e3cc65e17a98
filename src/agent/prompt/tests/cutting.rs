//! Cutting keeps to its size, keeps lines quoted and says what is missing.

use crate::agent::prompt::cut::{Keep, cut};
use crate::agent::prompt::quote::{one_line, quoted, quoted_output};

const ALL: [Keep; 3] = [Keep::Head, Keep::Ends, Keep::Output];

fn texts() -> [String; 5] {
    let log: Vec<String> = (0..200)
        .map(|n| format!("{}step {n} é日", if n % 17 == 0 { "error: " } else { "" }))
        .collect();
    [
        quoted_output(&log.join("\n")),
        quoted(&"日本語 ".repeat(900)),
        quoted(&"x".repeat(5_000)),
        quoted(&"a\n\n".repeat(900)),
        quoted(&"error: 日本語".repeat(90)),
    ]
}

#[test]
fn every_cut_keeps_to_its_size_and_stays_quoted() {
    for text in texts() {
        for keep in ALL {
            for most in (0..500).chain([text.len() - 1, text.len()]) {
                let part = cut(&text, most, keep);
                assert!(part.len() <= most, "{} > {most}: {part}", part.len());
                assert!(part.is_empty() || part.ends_with('\n'), "{part}");
                for line in part.lines() {
                    assert!(line.starts_with('|') || line.starts_with('['), "{part}");
                }
            }
            assert_eq!(cut(&text, text.len(), keep), text);
        }
    }
}

#[test]
fn each_way_of_cutting_keeps_its_part() {
    let [log, ..] = texts();
    let head = cut(&log, 600, Keep::Head);
    assert!(
        head.starts_with("|error: step 0 é日\n") && head.ends_with(" bytes cut]\n"),
        "{head}"
    );
    let ends = cut(&log, 600, Keep::Ends);
    assert!(
        ends.starts_with("|error: step 0") && ends.ends_with("|step 199 é日\n"),
        "{ends}"
    );
    let output = cut(&log, 900, Keep::Output);
    assert!(
        output.contains("|error: step 102 é日\n") && output.ends_with("|step 199 é日\n"),
        "{output}"
    );
    assert_eq!(cut(&log, 40, Keep::Output), "|error: step 0 é日\n");
    assert_eq!(cut(&log, 5, Keep::Output), "");
}

#[test]
fn a_line_is_one_line_of_its_size() {
    for most in 3..60 {
        let line = one_line(
            " ein\n zwei\u{2028}日本語\u{1b}[1m drei\t vier fünf sechs sieben acht",
            most,
        );
        assert!(
            line.len() <= most && !line.contains(['\n', '\u{2028}', '\u{1b}']),
            "{line:?}"
        );
    }
    assert_eq!(one_line(" a \n b ", 9), "a b");
}

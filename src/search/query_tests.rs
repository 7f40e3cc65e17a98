use super::*;

const NOW: i64 = 1_790_000_000_000;

fn query(text: &str) -> Query {
    parse(text, NOW)
}

/// The words with the terms of each.
fn words(text: &str) -> Vec<(String, Vec<String>)> {
    let query = query(text);
    let terms = |word: &Word| {
        let terms = word
            .terms
            .iter()
            .map(|(term, _)| query.terms[*term].clone());
        terms.collect()
    };
    let words = query.words.iter();
    words
        .map(|word| (word.shown.clone(), terms(word)))
        .collect()
}

fn terms(text: &str) -> Vec<String> {
    query(text).terms
}

#[test]
fn words_are_stemmed_and_the_last_one_may_go_on() {
    assert_eq!(
        terms("discount codes counted"),
        ["discount", "code", "count"]
    );
    assert_eq!(query("exch rat").open_end.as_deref(), Some("rat"));
    assert_eq!(query("rates ").open_end, None);
    assert_eq!(
        query("db").open_end,
        None,
        "two letters begin too many words"
    );
}

#[test]
fn stopwords_go_unless_nothing_else_is_left() {
    assert_eq!(terms("why is the total too low?"), ["total", "low"]);
    assert_eq!(terms("what is it?"), ["what", "is", "it"]);
    assert_eq!(terms("\"to be\" is"), ["to", "be"]);
}

#[test]
fn phrases_stay_together_and_unwanted_words_are_kept_out() {
    let found = query("\"exchange rates\" sqlite -postgres -\"flat file\"");
    assert_eq!(found.terms, ["exchang", "rate", "sqlite"]);
    assert!(found.words[0].phrase && !found.words[1].phrase);
    assert_eq!(found.unwanted, [vec!["postgr"], vec!["flat", "file"]]);
    assert_eq!(found.text, "exchange rates sqlite");
    assert_eq!(terms("“exchange rates” x "), ["exchang", "rate", "x"]);
    assert_eq!(terms("an open\"end"), ["open", "end"]);
    assert_eq!(terms("-v"), ["v"], "nothing wanted: it is text");
    assert!(query("exit-code").unwanted.is_empty());
}

#[test]
fn identifiers_are_looked_for_whole_and_in_parts() {
    assert_eq!(
        words("applyDiscountTwice."),
        [(
            "applydiscounttwice.".to_owned(),
            ["applydiscounttwice", "appli", "discount", "twice"]
                .map(str::to_owned)
                .into()
        )]
    );
    let shares: f64 = query("applyDiscount").words[0]
        .terms
        .iter()
        .map(|(_, share)| share)
        .sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    let path = words("billing/invoice_total.py");
    assert_eq!(path[0].1, ["bill"]);
    assert_eq!(path[1].1, ["invoicetotalpy", "invoic", "total", "py"]);
    assert_eq!(terms("税率"), ["税率"]);
    assert_eq!(terms("税"), ["税"]);
}

#[test]
fn filters_are_taken_out_of_the_words() {
    let found = query(
        "tax type:bugfix,feature file:invoice.py project:\"my shop\" concept:gotcha since:7d before:2026-01-01",
    );
    assert_eq!(found.terms, ["tax"]);
    assert_eq!(found.filter.kinds, ["bugfix", "feature"]);
    assert_eq!(found.filter.files, ["invoice.py"]);
    assert_eq!(found.filter.projects, ["my shop"]);
    assert_eq!(found.filter.concepts, ["gotcha"]);
    let week = 7 * 24 * 60 * 60 * 1000;
    let hour = 60 * 60 * 1000;
    let from = found.filter.from.unwrap();
    assert!(
        (NOW - week - from).abs() <= hour,
        "but for summer time: {from}"
    );
    assert_eq!(found.filter.until, Some(1_767_225_600_000 - 1));
    assert!(found.notes.is_empty());
    assert!(!query("type:bugfix").is_empty());
}

#[test]
fn what_is_no_filter_is_a_word_and_a_note_says_so() {
    assert_eq!(
        terms("https://example.com"),
        ["https", "examplecom", "exampl", "com"]
    );
    assert_eq!(terms("title:thing type:"), ["titl", "thing", "type"]);
    let found = query("since:banana x");
    assert_eq!(found.terms, ["sinc", "banana", "x"]);
    assert!(found.notes[0].contains("since:banana"), "{:?}", found.notes);
    for wrong in [
        "before:2026-99-99",
        "since:",
        "since:-3d",
        "until:99999999999999y",
    ] {
        assert!(query(wrong).filter.is_empty(), "{wrong}");
    }
}

#[test]
fn nothing_to_look_for_is_empty() {
    for text in ["", "   ", "\"\"", "- -- *", "\0", "()^:{}", "\""] {
        assert!(query(text).is_empty(), "{text:?} gave {:?}", query(text));
    }
}

#[test]
fn a_page_of_text_makes_a_bounded_query() {
    let words: Vec<String> = (0..100_000).map(|index| format!("word{index}x")).collect();
    let found = query(&words.join(" "));
    assert!(found.terms.len() <= MOST_TERMS && found.words.len() <= MOST_WORDS);
    assert!(query(&"x".repeat(1 << 20)).terms[0].len() <= 64);
}

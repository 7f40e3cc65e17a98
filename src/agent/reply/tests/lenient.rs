//! What models really write.

use super::{WELL_FORMED, code, got, one, summary};
use crate::agent::mode::Mode;
use crate::agent::reply::{outline, read, relative_paths};

fn repeated(times: usize, make: fn(usize) -> String) -> String {
    (0..times).map(make).collect::<Vec<_>>().concat()
}

#[test]
fn an_answer_as_asked_is_read() {
    let read = got(WELL_FORMED);
    assert!(!read.cut_off);
    let [first, second] = read.reading.observations.as_slice() else {
        panic!("{read:#?}");
    };
    assert_eq!(
        (first.kind.as_str(), first.title.as_str()),
        ("bugfix", "Count a discount code once per invoice")
    );
    assert_eq!(first.subtitle, "Entering it twice lowered the total twice.");
    assert!(first.narrative.ends_with("ignores a known code."));
    assert_eq!(first.facts, ["81.00 became 90.00", "Commit 116696e"]);
    assert_eq!(first.concepts, ["problem-solution", "gotcha"]);
    assert_eq!(first.files_read, ["billing/discounts.py"]);
    assert_eq!(
        first.files_modified,
        ["billing/invoice.py", "tests/test_invoice.py"]
    );
    assert!(first.events.is_empty() && first.agent_id.is_none() && first.agent_type.is_none());
    assert_eq!(
        (second.kind.as_str(), second.subtitle.as_str()),
        ("discovery", "")
    );
    let summary = read.reading.summary.unwrap();
    assert_eq!(
        (
            summary.request.as_str(),
            summary.next_steps.as_str(),
            summary.notes.as_str()
        ),
        (
            "Find out why totals are too low",
            "Reject unknown codes",
            ""
        )
    );
    assert_eq!(read.reading.skip_reason, None);
}

#[test]
fn what_is_around_the_blocks_does_not_matter() {
    let plain = got(WELL_FORMED);
    for text in [
        format!("```xml\n{WELL_FORMED}\n```"),
        format!("Sure! Here is the memory:\n\n{WELL_FORMED}\n\nLet me know if a < b & c."),
        format!(
            "<think>Maybe <observation><title>Draft</title></observation>?</think>{WELL_FORMED}"
        ),
        format!("a draft <observation><title>Draft</title></observation></think>\n{WELL_FORMED}"),
        format!("<think>never closed, {WELL_FORMED}"),
        format!("<?xml version=\"1.0\"?><!-- x --><observations>{WELL_FORMED}</observations>"),
        format!("<memory><response>{WELL_FORMED}"),
        WELL_FORMED
            .replace("<observation>", "<Observation id=\"1\" note='a > b'>")
            .replace("</title>", "</TITLE >"),
        WELL_FORMED.replace("files_read", "Files-Read"),
        WELL_FORMED.replace('\n', "\r\n"),
        WELL_FORMED.replace('<', "&lt;").replace('>', "&gt;"),
        WELL_FORMED
            .replace("<fact>", "<fact><![CDATA[")
            .replace("</fact>", "]]></fact>"),
    ] {
        assert_eq!(got(&text), plain, "{text}");
    }
}

#[test]
fn stray_signs_within_text_are_text() {
    let own = one("<observation><type>feature</type><title>Parse Vec<u8> & <T: Ord> where a < b</title>
        <narrative>The page has an empty <title> tag, an <observation> element and <file>s; if x<y && y>z then &lt;b&gt; &amp; &quot;c&quot; &#39;d&#x27; &copy; &nope; R&D; 5 & 6</narrative>
        <facts><fact>Option<Vec<&str>> is kept</fact></facts></observation>");
    assert_eq!(own.title, "Parse Vec<u8> & <T: Ord> where a < b");
    assert_eq!(
        own.narrative,
        "The page has an empty <title> tag, an <observation> element and <file>s; if x<y && y>z then <b> & \"c\" 'd' &copy; &nope; R&D; 5 & 6"
    );
    assert_eq!(own.facts, ["Option<Vec<&str>> is kept"]);
    assert_eq!(
        one("<observation><title>a &amp;lt; b</title></observation>").title,
        "a &lt; b"
    );
}

#[test]
fn missing_tags_cost_little() {
    let own = one(
        "<observation><type>bugfix<title>One thing<subtitle>More of it</subtitle>
        <facts><fact>first<fact>second</fact></facts><concepts><concept>gotcha</concepts>
        <files_modified><file>a.py</files_modified></observation>",
    );
    assert_eq!(
        (own.kind.as_str(), own.title.as_str(), own.subtitle.as_str()),
        ("bugfix", "One thing", "More of it")
    );
    assert_eq!(own.facts, ["first", "second"]);
    assert_eq!(
        (own.concepts, own.files_modified),
        (vec!["gotcha".to_owned()], vec!["a.py".to_owned()])
    );
    let read = got(
        "<observation><title>One</title><observation><title>Two</title><summary><request>r</request></summary>",
    );
    let titles: Vec<&str> = read
        .reading
        .observations
        .iter()
        .map(|own| own.title.as_str())
        .collect();
    assert_eq!(titles, ["One", "Two"]);
    assert_eq!(
        (read.reading.summary.unwrap().request.as_str(), read.cut_off),
        ("r", false)
    );
}

#[test]
fn types_and_concepts_are_held_to_the_mode() {
    for (given, meant) in [
        ("bugfix", "bugfix"),
        (" Bug Fix ", "bugfix"),
        ("security-alert", "security_alert"),
        ("SECURITY ALERT", "security_alert"),
        ("feature|bugfix", "feature"),
        ("epiphany, decision", "decision"),
        ("epiphany", "discovery"),
        ("", "discovery"),
    ] {
        assert_eq!(
            one(&format!(
                "<observation><type>{given}</type><title>t</title></observation>"
            ))
            .kind,
            meant,
            "{given}"
        );
    }
    let own = one("<observation><title>t</title><concepts><concept>How It Works</concept><concept>trade_off</concept>
        <concept>vibes</concept><concept>trade-off</concept><concept>gotcha: it hangs</concept></concepts></observation>");
    assert_eq!(own.concepts, ["how-it-works", "trade-off", "gotcha"]);
    let own = one(
        "<observation><title>t</title><concepts>how-it-works, what changed; gotcha</concepts></observation>",
    );
    assert_eq!(own.concepts, ["how-it-works", "what-changed", "gotcha"]);
    let strict = Mode {
        concepts: Vec::new(),
        fallback_type: "change".to_owned(),
        ..code().clone()
    };
    let read = read(
        "<observation><type>x</type><title>t</title><concepts>gotcha</concepts></observation>",
        &strict,
    )
    .unwrap();
    assert_eq!(
        (
            read.reading.observations[0].kind.as_str(),
            read.reading.observations[0].concepts.len()
        ),
        ("change", 0)
    );
}

#[test]
fn lists_come_in_many_shapes() {
    let own = one("<observation><title>t</title><facts>
        - first, with a comma
        * second
        3. third
        none
        </facts><files_read>a.py, `b.py`</files_read><files_modified>
        - ./src/c.py
        src/d.py (lines 1-20)
        </files_modified><fact>fourth</fact></observation>");
    assert_eq!(
        own.facts,
        ["first, with a comma", "second", "third", "fourth"]
    );
    assert_eq!(own.files_read, ["a.py", "b.py"]);
    assert_eq!(own.files_modified, ["src/c.py", "src/d.py"]);
}

#[test]
fn paths_are_cleaned_and_do_not_leave() {
    let list = "<file>src/../lib.rs</file><file>../../etc/passwd</file><file>a/../../b</file><file>/etc/hosts</file><file>https://x.test/a</file>
        <file>N/A</file><file>the file that holds all of it</file><file>a\u{7}b.rs</file><file>src//./e.rs</file><file>/work/p/f.rs</file><file>..</file>";
    let text = format!(
        "<observation><title>t</title><files_read>{list}</files_read><files_modified><file>lib.rs</file></files_modified></observation>"
    );
    let own = one(&text);
    assert_eq!(
        own.files_read,
        ["/etc/hosts", "ab.rs", "src/e.rs", "/work/p/f.rs"]
    );
    assert_eq!(own.files_modified, ["lib.rs"]);
    let mut reading = got(&text).reading;
    relative_paths(&mut reading, Some("/work/p".as_ref()));
    assert_eq!(
        reading.observations[0].files_read,
        ["/etc/hosts", "ab.rs", "src/e.rs", "f.rs"]
    );
    relative_paths(&mut reading, None);
    relative_paths(&mut reading, Some("/".as_ref()));
    assert_eq!(reading.observations[0].files_read[0], "/etc/hosts");
}

#[test]
fn words_for_nothing_are_nothing() {
    let own = one("<observation><title>t</title><subtitle>None.</subtitle><narrative>N/A</narrative><facts><fact>null</fact></facts>
        <files_read><file>-</file></files_read></observation>");
    assert_eq!((own.subtitle.as_str(), own.narrative.as_str()), ("", ""));
    assert!(own.facts.is_empty() && own.files_read.is_empty());
    let own = summary(
        "<summary><request>Fix it</request><notes>none</notes><next_steps>(none)</next_steps></summary>",
    );
    assert_eq!((own.notes.as_str(), own.next_steps.as_str()), ("", ""));
    let read =
        got("<observation><title>t</title></observation><summary><request>n/a</request></summary>");
    assert_eq!(read.reading.summary, None);
}

#[test]
fn a_title_is_found_where_there_is_one() {
    for (fields, title, subtitle) in [
        ("<title></title><subtitle>The sub</subtitle>", "The sub", ""),
        ("<facts><fact>The fact</fact></facts>", "The fact", ""),
        (
            "<narrative>First sentence. Second one.</narrative>",
            "First sentence",
            "",
        ),
        ("<title>**Bold**</title><subtitle>s</subtitle>", "Bold", "s"),
        (
            "<title>`f` fails on \"x\"</title>",
            "`f` fails on \"x\"",
            "",
        ),
        ("<title>two\n   lines</title>", "two lines", ""),
    ] {
        let own = one(&format!("<observation>{fields}</observation>"));
        assert_eq!(
            (own.title.as_str(), own.subtitle.as_str()),
            (title, subtitle)
        );
    }
    let read = got(
        "<observation><type>bugfix</type><files_read><file>a</file></files_read></observation><observation><title>t</title></observation>",
    );
    assert_eq!(read.reading.observations.len(), 1);
}

#[test]
fn repetitions_and_excess_are_dropped() {
    let same = "<observation><title>The  same!</title></observation><observation><title>the same</title></observation>";
    assert_eq!(got(same).reading.observations.len(), 1);
    let many = repeated(40, |n| {
        format!("<observation><title>Title {n}</title></observation>")
    });
    assert_eq!(got(&many).reading.observations.len(), 8);
    let long = "wörd ".repeat(2_000);
    let facts = repeated(40, |n| {
        format!("<fact>{n} {}</fact>", "wörd ".repeat(2_000))
    });
    let files = repeated(90, |n| format!("<file>dir/{n}.rs</file>"));
    let own = one(&format!(
        "<observation><title>{long}</title><subtitle>{long}</subtitle><narrative>{long}</narrative><facts>{facts}</facts><files_read>{files}</files_read></observation>"
    ));
    let size = |text: &str| text.chars().count();
    assert!(
        own.title.ends_with("wörd…") && (100..=120).contains(&size(&own.title)),
        "{}",
        own.title
    );
    assert!((1_900..=2_000).contains(&size(&own.narrative)));
    assert_eq!((own.facts.len(), own.files_read.len()), (12, 30));
    assert!(own.facts.iter().all(|fact| size(fact) <= 400));
    let own = summary(&format!("<summary><learned>{long}</learned></summary>"));
    assert!((1_400..=1_500).contains(&size(&own.learned)));
    let own = one(&format!(
        "<observation><title>{}</title></observation>",
        "x".repeat(500)
    ));
    assert_eq!(size(&own.title), 120);
}

#[test]
fn a_narrative_keeps_its_paragraphs() {
    let own = one(
        "<observation><title>t</title><narrative>\n  One.\n\n\n  - two\u{202e}\n  - three\u{0}\n</narrative></observation>",
    );
    assert_eq!(own.narrative, "One.\n\n- two\n- three");
}

#[test]
fn a_skip_has_a_reason_and_loses_to_observations() {
    for (text, reason) in [
        (
            "<skip reason=\"only \"quoted\" reads &amp; lists\"/>",
            "only \"quoted\" reads & lists",
        ),
        ("<SKIP reason='routine' />", "routine"),
        ("<skip>nothing new</skip>", "nothing new"),
        ("ok <skip/>", "no reason given"),
        ("<skip reason=\"a > b\"></skip>", "a > b"),
        ("<skip reason=\"routine\">", "routine"),
    ] {
        let read = got(text);
        assert_eq!(read.reading.skip_reason.as_deref(), Some(reason), "{text}");
        assert!(read.reading.observations.is_empty() && !read.cut_off);
    }
    let read = got("<skip reason=\"x\"/><observation><title>t</title></observation>");
    assert_eq!(
        (read.reading.skip_reason, read.reading.observations.len()),
        (None, 1)
    );
    let read = got("<summary><request>r</request></summary><skip reason=\"x\"/>");
    assert!(read.reading.skip_reason.is_some() && read.reading.summary.is_some());
}

#[test]
fn an_outline_names_what_is_complete() {
    let (cut, _) = WELL_FORMED.split_at(WELL_FORMED.find("<learned>").unwrap());
    let outline = outline(cut);
    assert_eq!(
        outline.titles,
        [
            "Count a discount code once per invoice",
            "Unknown codes pass silently"
        ]
    );
    assert!(!outline.summary);
    assert!(super::super::outline(WELL_FORMED).summary);
}

use sockets_protocol::Locations;

use super::*;

fn data(lines: &[&str]) -> anyhow::Result<Data> {
    Data::read(lines.join("\n").as_bytes())
}

fn id(text: &str) -> Id {
    Id::Text(text.to_owned())
}

fn query(name: &str, gold: &[&str], slice: &str) -> Query {
    Query {
        haystack: id("h"),
        id: id(name),
        text: name.to_owned(),
        gold: gold.iter().map(|gold| id(gold)).collect(),
        slice: slice.to_owned(),
    }
}

/// Three answers whose measures can be counted on fingers: right at places 1 and
/// 3 of two, right at 4 of three, right nowhere.
#[test]
fn the_measures_are_what_can_be_counted_by_hand() {
    let queries = [
        query("q1", &["a", "b"], "easy"),
        query("q2", &["c", "d", "e"], "hard"),
        query("q3", &["f"], "hard"),
        query("quiet", &[], "none"),
        query("loud", &[], "none"),
    ];
    // An id that comes twice counts once, and what follows moves up.
    let answers = ["aaxb", "xyzc", "", "", "a"].map(answer);
    let scores = score(&queries, &answers, &[1, 3, 4]);
    let overall = scores.overall.unwrap();
    let third = 100.0 / 3.0;
    assert_eq!((overall.slice.as_str(), overall.queries), ("ALL", 3));
    assert_close(&overall.any, &[third, third, 2.0 * third]);
    assert_close(&overall.frac, &[50.0 / 3.0, third, third + third / 3.0]);
    assert_close(&overall.all, &[0.0, third, third]);
    assert_close(&[overall.mrr], &[(1.0 + 0.25) * third]);
    let [easy, hard] = scores.slices.as_slice() else {
        panic!("{:?}", scores.slices);
    };
    assert_eq!((easy.slice.as_str(), easy.queries), ("easy", 1));
    assert_close(&easy.frac, &[50.0, 100.0, 100.0]);
    assert_eq!((hard.slice.as_str(), hard.queries), ("hard", 2));
    assert_close(&hard.any, &[0.0, 0.0, 50.0]);
    assert_close(&[hard.mrr], &[12.5]);
    assert_eq!((scores.abstained, scores.abstentions), (1, 2));
}

/// Documents of one letter each.
fn answer(ids: &str) -> Answer {
    Answer {
        ids: ids.chars().map(|one| id(&one.to_string())).collect(),
        took: Duration::ZERO,
    }
}

fn assert_close(left: &[f64], right: &[f64]) {
    assert_eq!(left.len(), right.len());
    for (one, other) in left.iter().zip(right) {
        assert!((one - other).abs() < 1e-9, "{left:?} is not {right:?}");
    }
}

#[test]
fn nothing_to_score_is_no_score() {
    let scores = score(&[query("q", &[], "-")], &[answer("")], &[5]);
    assert_eq!((scores.overall, scores.abstained), (None, 1));
}

#[test]
fn a_data_set_is_read_by_haystack_in_the_files_order() {
    let read = data(&[
        r#"{"kind":"doc","haystack":"h","id":"1","project":"p","at":5,"text":"one"}"#,
        r#"{"kind":"query","haystack":"i","id":7,"text":"two?","gold":["1","1","9"],"slice":""}"#,
        "",
        r#"{"kind":"doc","haystack":"i","id":"1","at":null,"text":"two"}"#,
        r#"{"kind":"doc","haystack":"h","id":"2","text":"three"}"#,
        r#"{"kind":"query","haystack":"i","id":"q","text":"?","gold":["9"],"slice":"s"}"#,
    ])
    .unwrap();
    let names: Vec<String> = read
        .haystacks
        .iter()
        .map(|haystack| format!("{}:{}", haystack.name, haystack.documents.len()))
        .collect();
    assert_eq!(names, ["h:2", "i:1"]);
    assert_eq!(
        (read.documents(), read.haystacks[0].documents[0].at),
        (3, 5)
    );
    assert_eq!(
        (&read.queries[0].id, read.queries[0].gold.len()),
        (&Id::Number(7), 2)
    );
    assert_eq!(read.queries[0].slice, "-");
    assert_eq!(read.unanswerable(), 1);
}

#[test]
fn a_line_that_is_none_is_named() {
    let doc = r#"{"kind":"doc","haystack":"h","id":"1","at":5,"text":"one"}"#;
    let query = r#"{"kind":"query","haystack":"h","id":"q","text":"one","gold":["1"]}"#;
    for (lines, said) in [
        (&[doc, "", "nonsense"][..], "line 3"),
        (&[doc, r#"{"kind":"file"}"#], "line 2"),
        (
            &[doc, r#"{"kind":"doc","haystack":"h","id":"2"}"#],
            "missing field `text`",
        ),
        (
            &[doc, query, query],
            "line 3 is a second query with the id q",
        ),
        (&[doc], "no query"),
        (&[query], "no document"),
        (&[], "no document"),
    ] {
        let error = format!("{:#}", data(lines).unwrap_err());
        assert!(error.contains(said), "{error}");
    }
}

/// More documents than one turn holds, some of which say the same.
#[test]
fn every_document_is_stored_in_order_and_found_in_its_own_haystack() {
    let mut lines: Vec<String> = (0..450)
        .map(|number| {
            format!(
                r#"{{"kind":"doc","haystack":"h","id":"d{number}","at":{number},"text":"note{}z says little"}}"#,
                if number == 151 { 150 } else { number }
            )
        })
        .collect();
    lines.push(
        r#"{"kind":"doc","haystack":"i","id":"d3","at":0,"text":"note3z elsewhere"}"#.to_owned(),
    );
    lines.push(
        r#"{"kind":"query","haystack":"h","id":"q","text":"note3z","gold":["d3"]}"#.to_owned(),
    );
    lines.push(
        r#"{"kind":"query","haystack":"i","id":"r","text":"note3z","gold":["d3"]}"#.to_owned(),
    );
    lines.push(r#"{"kind":"query","haystack":"i","id":"s","text":"...","gold":[]}"#.to_owned());
    lines.push(
        r#"{"kind":"query","haystack":"none","id":"t","text":"note3z","gold":["d3"]}"#.to_owned(),
    );
    let data = Data::read(lines.join("\n").as_bytes()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let locations = Locations::new(directory.path().join("data"));
    let mut told = Vec::new();
    let filled = fill(&locations, &data, |done| told.push(done)).unwrap();
    assert_eq!(told.last(), Some(&451));
    assert!(told.len() <= 5, "{told:?}");
    let reader = Reader::open(&locations.database()).unwrap().unwrap();
    let rows = reader
        .observations(&crate::store::Filter {
            limit: 1_000,
            ..crate::store::Filter::default()
        })
        .unwrap();
    assert_eq!(rows.len(), 451);
    for row in &rows {
        let document = filled.document(row.id).unwrap().to_string();
        if row.project == "h" {
            assert_eq!(document, format!("d{}", row.created_at_epoch));
        }
    }
    let ids = |query: usize| {
        ask(&reader, &filled, &data.queries[query], 20, None)
            .unwrap()
            .ids
    };
    assert_eq!(ids(0).first(), Some(&id("d3")));
    assert_eq!(ids(1), [id("d3")]);
    assert_eq!(ids(2), []);
    assert_eq!(ids(3), []);
}

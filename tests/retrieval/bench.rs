//! `claude-mem bench retrieval` over a data set of three haystacks: its figures
//! are those of its run file, and it leaves the user's memory alone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Sandbox;

/// Words that stand in one document each.
const ANIMALS: [&str; 12] = [
    "aardvark",
    "badger",
    "cormorant",
    "dromedary",
    "echidna",
    "flamingo",
    "gazelle",
    "hedgehog",
    "iguana",
    "jackdaw",
    "kangaroo",
    "lemming",
];

fn lines() -> Vec<Value> {
    let mut lines = Vec::new();
    for haystack in ["north", "south", "east"] {
        for (number, animal) in ANIMALS.iter().enumerate() {
            lines.push(json!({"kind": "doc", "haystack": haystack, "id": format!("d{number}"),
                "project": haystack, "at": 1_767_225_600_000_u64 + number as u64 * 60_000,
                "text": format!("The {animal} of the {haystack} was seen by the river. Nobody else was there.")}));
        }
        let query = |id: &str, text: &str, gold: &[&str], slice: &str| {
            json!({"kind": "query", "haystack": haystack, "id": format!("{haystack}-{id}"),
                "text": text, "gold": gold, "slice": slice})
        };
        lines.push(query("one", "echidna", &["d4"], "single"));
        lines.push(query("two", "flamingo lemming", &["d5", "d11"], "several"));
        lines.push(query("half", "gazelle", &["d6", "d0"], "several"));
        lines.push(query("wrong", "hedgehog", &["d1"], "single"));
        lines.push(query("nothing", "qwxzk vvjqx", &[], "abstention"));
    }
    lines
}

fn written(sandbox: &Sandbox, lines: &[Value]) -> PathBuf {
    let path = sandbox.root.path().join("data.jsonl");
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&path, text.join("\n")).unwrap();
    path
}

/// The measures again, as the format defines them: of (slice, measure) in per
/// cent.
fn scored(lines: &[Value], run: &HashMap<String, Vec<String>>) -> BTreeMap<(String, String), f64> {
    let mut sums: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for query in lines.iter().filter(|line| line["kind"] == "query") {
        let gold: HashSet<&str> = query["gold"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap())
            .collect();
        if gold.is_empty() {
            continue;
        }
        let ids = &run[query["id"].as_str().unwrap()];
        let mut measures = BTreeMap::new();
        for k in [1, 2, 10] {
            let first: HashSet<&str> = ids.iter().take(k).map(String::as_str).collect();
            let hits = u32::try_from(gold.intersection(&first).count()).unwrap();
            let of = u32::try_from(gold.len()).unwrap();
            measures.insert(format!("any@{k}"), f64::from(u8::from(hits > 0)));
            measures.insert(format!("frac@{k}"), f64::from(hits) / f64::from(of));
            measures.insert(format!("all@{k}"), f64::from(u8::from(hits == of)));
        }
        let place = ids.iter().position(|id| gold.contains(id.as_str()));
        let place = place.map_or(0.0, |place| {
            1.0 / f64::from(u32::try_from(place + 1).unwrap())
        });
        measures.insert("mrr".to_owned(), place);
        for slice in ["ALL", query["slice"].as_str().unwrap()] {
            for (measure, value) in &measures {
                let sum = sums.entry((slice.to_owned(), measure.clone())).or_default();
                *sum = (sum.0 + value, sum.1 + 1.0);
            }
        }
    }
    sums.into_iter()
        .map(|(name, (sum, count))| (name, 100.0 * sum / count))
        .collect()
}

fn run_file(path: &PathBuf) -> HashMap<String, Vec<String>> {
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let ids = line["ids"].as_array().unwrap();
            let ids = ids.iter().map(|id| id.as_str().unwrap().to_owned());
            (line["id"].as_str().unwrap().to_owned(), ids.collect())
        })
        .collect()
}

#[test]
fn the_figures_are_those_of_the_run_file_and_those_counted_by_hand() {
    let sandbox = Sandbox::new();
    let (lines, run) = (lines(), sandbox.root.path().join("run.jsonl"));
    let data = written(&sandbox, &lines);
    let ran = sandbox.claude_mem([
        "bench",
        "retrieval",
        data.to_str().unwrap(),
        "--k=1,2,10",
        "--run-out",
        run.to_str().unwrap(),
        "--json",
    ]);
    let report = ran.json();
    assert_eq!(
        (
            &report["documents"],
            &report["queries"],
            &report["haystacks"]
        ),
        (&36.into(), &15.into(), &3.into())
    );
    let run = run_file(&run);
    assert_eq!(run.len(), 15);
    let expected = scored(&lines, &run);
    let slices = report["slices"].as_array().unwrap();
    let mut compared = 0;
    for score in slices.iter().chain([&report["overall"]]) {
        let slice = score["slice"].as_str().unwrap().to_owned();
        let mut check = |measure: String, value: &Value| {
            let expected = expected[&(slice.clone(), measure.clone())];
            let found = value.as_f64().unwrap();
            assert!(
                (found - expected).abs() < 1e-9,
                "{slice} {measure}: {found}, not {expected}"
            );
            compared += 1;
        };
        for (at, k) in [1, 2, 10].iter().enumerate() {
            for measure in ["any", "frac", "all"] {
                check(format!("{measure}@{k}"), &score[measure][at]);
            }
        }
        check("mrr".to_owned(), &score["mrr"]);
    }
    assert_eq!(compared, 30);
    // Two of two, one of two, and the wrong one: whatever else is returned.
    let several = slices
        .iter()
        .find(|score| score["slice"] == "several")
        .unwrap();
    assert_eq!(
        (&several["queries"], &several["any"][1]),
        (&6.into(), &100.0.into())
    );
    let single = slices
        .iter()
        .find(|score| score["slice"] == "single")
        .unwrap();
    assert_eq!(single["any"][0], 50.0);
    assert_eq!(
        (&report["abstained"], &report["abstentions"]),
        (&3.into(), &3.into())
    );
    assert!(report["bytes"]["search"].as_i64().unwrap() > 0, "{report}");
    assert_eq!(
        sandbox.files(),
        Vec::<PathBuf>::new(),
        "the user's memory was touched"
    );
}

#[test]
fn a_table_is_printed_and_the_database_kept_where_that_is_wanted() {
    let sandbox = Sandbox::new();
    let data = written(&sandbox, &lines());
    let kept = sandbox.root.path().join("kept");
    let arguments = [
        "bench",
        "retrieval",
        data.to_str().unwrap(),
        "--keep",
        kept.to_str().unwrap(),
    ];
    let table = sandbox.claude_mem(arguments).success();
    for said in [
        "any@5",
        "frac@10",
        "MRR",
        "ALL",
        "several",
        "abstention 3/3",
        "latency",
        "36 documents",
    ] {
        assert!(table.contains(said), "{said} is not in\n{table}");
    }
    let database = rusqlite::Connection::open_with_flags(
        kept.join("data/claude-mem.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    let projects: String = database
        .query_row(
            "SELECT group_concat(project, ' ') FROM
                 (SELECT project FROM observations GROUP BY project ORDER BY min(id))",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(projects, "north south east");
    let again = sandbox.claude_mem(arguments);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("is in use"), "{again:?}");
}

#[test]
fn a_data_set_that_makes_no_sense_is_refused_by_its_line() {
    let sandbox = Sandbox::new();
    let mut broken = lines();
    broken[2] = json!({"kind": "doc", "haystack": "north", "id": "d2"});
    let data = written(&sandbox, &broken);
    let ran = sandbox.claude_mem(["bench", "retrieval", data.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("data.jsonl")
            && ran.stderr.contains("line 3")
            && ran.stderr.contains("text"),
        "{ran:?}"
    );
    let ran = sandbox.claude_mem(["bench", "retrieval", "nowhere.jsonl"]);
    assert!(
        ran.code == Some(1) && ran.stderr.contains("nowhere.jsonl"),
        "{ran:?}"
    );
    let ran = sandbox.claude_mem(["bench", "retrieval", data.to_str().unwrap(), "--k", "0"]);
    assert_eq!(ran.code, Some(2));
}

//! Searching takes no worker, and is in no worker's way.

use std::sync::atomic::{AtomicUsize, Ordering};

use claude_mem::store::Writer;

use super::memory::{found, observation, reader, remember};
use crate::support::{Sandbox, Talk, wait_until};

const WORKERS: usize = 20;

/// Turns that each worker is given.
const TURNS: usize = 6;

fn ids(answer: &str) -> Vec<i64> {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    let rows = answer["observations"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_search_is_answered_while_twenty_workers_write() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "60");
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    let known = observation("zebrafish embryos are counted by hand");
    let known = remember(&mut writer, ("earlier", "billing"), 0, vec![known]);
    drop(writer);
    let reader = reader(&sandbox.locations());
    let (finished, mut asked) = (AtomicUsize::new(0), 0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (sandbox, finished) = (&sandbox, &finished);
            scope.spawn(move || {
                let talk = Talk::new(&format!("writer-{worker}"), &sandbox.project);
                for turn in 0..TURNS {
                    let about = format!("the ledger of team{worker} week{turn}");
                    // Without the session's end, at which the worker would leave.
                    sandbox.play(&talk.decision(&format!("p{turn}"), &about)[..3]);
                }
                finished.fetch_add(1, Ordering::SeqCst);
            });
        }
        while finished.load(Ordering::SeqCst) < WORKERS {
            assert_eq!(found(&reader, "zebrafish embryos", None), known);
            let ran = sandbox.claude_mem(["search", "--all", "--json", "zebrafish"]);
            assert_eq!(ids(&ran.success()), known);
            asked += 1;
        }
    });
    assert!(asked > 0, "the workers were done before anything was asked");
    wait_until("what the workers wrote is found", || {
        !found(&reader, "team19 week5", Some("billing")).is_empty()
    });
    for worker in 0..WORKERS {
        let talk = Talk::new(&format!("writer-{worker}"), &sandbox.project);
        drop(sandbox.event(&talk.end("p0")));
    }
    sandbox.wait_for_quiet();
    sandbox.assert_sound();
    assert!(sandbox.processes().is_empty());
    for worker in 0..WORKERS {
        for turn in 0..TURNS {
            let text = format!("team{worker} week{turn}");
            let ran = sandbox.claude_mem(["search", "--json", &text]);
            let answer = ran.success();
            assert!(!ids(&answer).is_empty(), "{text}: {answer}");
        }
    }
}

//! What asking memory costs at a prompt, before a file is read and after a failed
//! command, among a hundred thousand rows, and that nothing else pays for it.

use std::time::Duration;

use serde_json::{Value, json};
use sockets_protocol::Locations;

use super::corpus::{Corpus, Draw, Random};
use super::support::{Sandbox, binary};
use super::{Times, floor_command, patient_sandbox, ratio, start_worker, stop, timed};

const ROWS: usize = 100_000;
const RUNS: usize = 100;

pub(super) fn measure() {
    let corpus = Corpus::new();
    let filled = Locations::new(super::search::database(&corpus, ROWS));
    let mut sandbox = patient_sandbox();
    sandbox.set("CLAUDE_MEM_PROJECT", corpus.project(0));
    capture::settings::create_private_dir(&sandbox.data).expect("the home is ours");
    std::fs::copy(filled.database(), sandbox.locations().database()).expect("there is room");
    let worker = start_worker(&sandbox, "bench");
    let mut random = Random::new(5);
    let mut floor = Vec::new();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); MOMENTS.len()];
    let file = sandbox.project.join("read.rs");
    for number in 0..RUNS {
        floor.push(timed(&mut floor_command(&sandbox), b""));
        let (text, _) = corpus.query(Draw::Title, &mut random, ROWS);
        let path = sandbox.project.join(corpus.path(40 * number));
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).expect("the project is ours");
        let file_of_old = std::fs::File::create(&path).expect("the project is ours");
        file_of_old
            .set_modified(std::time::UNIX_EPOCH)
            .expect("the file is ours");
        for (moment, times) in MOMENTS.iter().zip(&mut times) {
            if moment.what == "read, changed since" {
                std::fs::write(&file, "changed").expect("the project is ours");
            }
            let payload = moment.payload(&sandbox, number, &text, &path);
            let mut command = sandbox.command(binary(moment.hook));
            times.push(timed(&mut command, payload.to_string().as_bytes()));
        }
    }
    stop(worker);
    let floor = Times::new(floor);
    println!("  {:<32}  {}", "floor", floor.line());
    for (moment, times) in MOMENTS.iter().zip(times) {
        let times = Times::new(times);
        println!(
            "  {:<32}  {}, p50 {:.1} × floor",
            format!("{}: {}", moment.hook, moment.what),
            times.line(),
            ratio(times.at(50), floor.at(50))
        );
    }
}

struct Moment {
    hook: &'static str,
    what: &'static str,
}

const MOMENTS: [Moment; 6] = [
    Moment {
        hook: "new-hook",
        what: "says nothing",
    },
    Moment {
        hook: "new-hook",
        what: "a title's words",
    },
    Moment {
        hook: "recall-hook",
        what: "read, changed since",
    },
    Moment {
        hook: "recall-hook",
        what: "read",
    },
    Moment {
        hook: "save-hook",
        what: "done",
    },
    Moment {
        hook: "save-hook",
        what: "failed",
    },
];

impl Moment {
    fn payload(
        &self,
        sandbox: &Sandbox,
        number: usize,
        text: &str,
        path: &std::path::Path,
    ) -> Value {
        let id = format!("{}-{number}", self.what);
        let mut payload = json!({"session_id": "bench", "cwd": sandbox.project, "prompt_id": id,
            "tool_use_id": id, "tool_name": "Bash", "tool_input": {"command": "make"}});
        let more = match self.what {
            "says nothing" => json!({"hook_event_name": "UserPromptSubmit", "prompt": "go on"}),
            "a title's words" => json!({"hook_event_name": "UserPromptSubmit", "prompt": text}),
            "read" => json!({"hook_event_name": "PreToolUse", "tool_name": "Read",
                "tool_input": {"file_path": path}}),
            "read, changed since" => json!({"hook_event_name": "PreToolUse", "tool_name": "Read",
                "tool_input": {"file_path": sandbox.project.join("read.rs")}}),
            "done" => json!({"hook_event_name": "PostToolUse", "tool_response": {"stdout": text}}),
            _ => json!({"hook_event_name": "PostToolUseFailure",
                "error": format!("Exit code 1\nSomethingError: {text}")}),
        };
        let (Some(all), Some(more)) = (payload.as_object_mut(), more.as_object()) else {
            unreachable!("both are objects")
        };
        all.extend(more.clone());
        payload
    }
}

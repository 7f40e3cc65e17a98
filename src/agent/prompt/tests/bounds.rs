//! No input makes a request larger than it may be, and each part gets its share.

use serde_json::{Value, json};

use super::{MOST, asked, call, code, failed, in_order, ran, turn};
use crate::agent::mode::{Mode, Term};
use crate::agent::prompt::{LEAST_CHARS, Prompt, build};
use crate::agent::{Close, SubagentMessage, ToolEvent, Turn};

/// Pseudo-random numbers: the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap()
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 24] = [
            "a",
            " ",
            "\n",
            "word ",
            "日本語",
            "é",
            "👩‍👩‍👧",
            "|",
            "</observation>",
            "error: x\n",
            "\r",
            "\t",
            "\u{1b}[3",
            "\u{202e}",
            "[",
            "{\"a\":1}",
            "/home/demo/shop/",
            "/home/demo/shop",
            "====",
            "\u{0}",
            "$(x)",
            "<<EOF",
            "> a",
            "; ls\n",
        ];
        let length = [0, 3, 40, 200, 1_500][self.next(5)];
        let repeat = [1, 1, 1, 20][self.next(4)];
        let pieces: String = (0..length)
            .map(|_| PIECES[self.next(PIECES.len())])
            .collect();
        pieces.repeat(repeat)
    }

    fn value(&mut self, depth: usize) -> Value {
        const KEYS: [&str; 22] = [
            "command",
            "description",
            "file_path",
            "filePath",
            "diff",
            "content",
            "stdout",
            "stderr",
            "file",
            "pattern",
            "filenames",
            "path",
            "prompt",
            "old_string",
            "new_string",
            "url",
            "result",
            "query",
            "plan",
            "edits",
            "text",
            "odd",
        ];
        match self.next(if depth > 2 { 4 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.next(9_999)),
            2 | 3 => json!(self.text()),
            4 => (0..self.next(6)).map(|_| self.value(depth + 1)).collect(),
            _ => {
                let fields = (0..self.next(8)).map(|_| {
                    (
                        KEYS[self.next(KEYS.len())].to_owned(),
                        self.value(depth + 1),
                    )
                });
                Value::Object(fields.collect())
            }
        }
    }

    fn event(&mut self) -> ToolEvent {
        const TOOLS: [&str; 14] = [
            "Bash",
            "Read",
            "Edit",
            "Write",
            "MultiEdit",
            "NotebookEdit",
            "Grep",
            "Glob",
            "Agent",
            "WebFetch",
            "WebSearch",
            "ExitPlanMode",
            "mcp__a__b",
            "",
        ];
        let tool = TOOLS[self.next(TOOLS.len())];
        ToolEvent {
            failed: self.next(4) == 0,
            earlier: self.next(5) == 0,
            agent_type: (self.next(6) == 0).then(|| self.text()),
            ..call(tool, self.value(0), self.value(0))
        }
    }

    fn texts(&mut self, most: usize) -> Vec<String> {
        (0..self.next(most)).map(|_| self.text()).collect()
    }

    fn turn(&mut self) -> Turn {
        const ENDS: [Close; 6] = [
            Close::Stop,
            Close::StopFailure,
            Close::SessionEnd,
            Close::PreCompact,
            Close::NextPrompt,
            Close::Idle,
        ];
        let events = [0, 2, 8, 40][self.next(4)];
        Turn {
            project: self.text(),
            root: (self.next(3) > 0).then(|| "/home/demo/shop".into()),
            prompt: (self.next(4) > 0).then(|| self.text()),
            prompt_number: i64::MAX,
            events: (0..events).map(|_| self.event()).collect(),
            subagent_messages: self
                .texts(12)
                .into_iter()
                .map(|text| SubagentMessage {
                    agent_id: String::new(),
                    agent_type: "Plan".to_owned(),
                    text,
                })
                .collect(),
            last_assistant_message: (self.next(4) > 0).then(|| self.text()),
            close: ENDS[self.next(6)],
            earlier_titles: self.texts(40),
            earlier_prompts: self.texts(40),
            continues: self.next(2) > 0,
        }
    }
}

fn size(prompt: &Prompt) -> usize {
    prompt.system.chars().count() + prompt.user.chars().count()
}

#[test]
fn no_turn_makes_it_too_large() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for round in 0..40 {
        let turn = numbers.turn();
        for most in [LEAST_CHARS, LEAST_CHARS + numbers.next(40_000)] {
            let prompt = build(&code(), &turn, most);
            assert!(
                size(&prompt) <= most,
                "round {round}: {} > {most}",
                size(&prompt)
            );
            assert!(
                prompt.user.ends_with("summary.\n"),
                "round {round}: {}",
                prompt.user
            );
        }
    }
}

#[test]
fn no_mode_makes_it_too_large() {
    let terms = |count: usize| -> Vec<Term> {
        (0..count)
            .map(|n| Term {
                id: format!("t{n}"),
                description: "日本語".repeat(200),
            })
            .collect()
    };
    let mode = Mode {
        types: terms(90),
        concepts: terms(90),
        guidance: "x".repeat(90_000),
        language: Some("y".repeat(999)),
        ..code()
    };
    let turn = turn(
        (0..100)
            .map(|n| ran(&format!("make step{n}"), &"line\n".repeat(900)))
            .collect(),
    );
    let prompt = build(&mode, &turn, LEAST_CHARS);
    assert!(size(&prompt) <= LEAST_CHARS);
    in_order(&prompt.system, &["</summary>", "Types:", "Rules:"]);
    in_order(
        &prompt.user,
        &[
            "Fix the totals.",
            "calls are left out",
            "Fixed.",
            "Write the observations",
        ],
    );
    assert!(size(&build(&mode, &turn, 0)) <= LEAST_CHARS);
}

#[test]
fn prompt_and_closing_message_have_their_share_beside_any_events() {
    let log = "compiling something or other\n".repeat(900);
    let told = Turn {
        prompt: Some(format!("PROMPT-START {} PROMPT-END", "ask ".repeat(9_000))),
        last_assistant_message: Some(format!(
            "CLOSING-START {} CLOSING-END",
            "say ".repeat(9_000)
        )),
        earlier_titles: vec!["Some title ".repeat(50); 20],
        ..turn(
            (0..60)
                .map(|n| failed(&format!("make step{n}"), &log))
                .collect(),
        )
    };
    for most in [LEAST_CHARS, MOST] {
        let user = build(&code(), &told, most).user;
        in_order(
            &user,
            &[
                "PROMPT-START",
                "bytes cut]",
                "PROMPT-END",
                "CLOSING-START",
                "bytes cut]",
                "CLOSING-END",
            ],
        );
        let (before, _) = user.split_once("CLOSING-START").unwrap();
        assert!(user.len() - before.len() > 600, "{most}");
    }
}

#[test]
fn small_results_stay_whole_beside_large_ones() {
    let mut events = vec![ran("make", &"noise noise noise\n".repeat(2_000)); 1];
    events.extend((0..30).map(|n| {
        ran(
            &format!("make step{n}"),
            &"noise noise noise\n".repeat(500 + n),
        )
    }));
    events.push(call(
        "Edit",
        json!({"file_path": "a.py"}),
        json!({"filePath": "a.py", "diff": "-x = 1\n+x = 2\n"}),
    ));
    events.push(ran("git commit -m x", "[main 1a2b3c4] x"));
    let user = build(&code(), &turn(events), 12_000).user;
    in_order(
        &user,
        &[
            "1. Bash |$ make",
            "32. Edit |a.py\n|-x = 1\n|+x = 2\n33. Bash |$ git commit -m x\n|[main 1a2b3c4] x\n",
        ],
    );
}

#[test]
fn too_many_calls_lose_the_least_telling_first() {
    let mut events: Vec<ToolEvent> = (0..900)
        .map(|n| ran(&format!("ls directory/number/{n}"), "a"))
        .collect();
    events[450] = failed("make all", "error: broken");
    events[451] = call(
        "Edit",
        json!({"file_path": "a.py"}),
        json!({"filePath": "a.py", "diff": "+fixed\n"}),
    );
    let user = asked(&turn(events)).user;
    in_order(
        &user,
        &[
            " calls are left out: ",
            " Bash]\n1. Bash |$ ls",
            "451. Bash FAILED |$ make all\n|error: broken\n452. Edit |a.py\n|+fixed\n",
            "900. Bash |$ ls",
        ],
    );
}

#[test]
fn the_note_about_calls_left_out_is_small() {
    let tool = |n: usize| format!("mcp__{}{}", "long".repeat(15), n % 9);
    let events = (0..600).map(|n| call(&tool(n), json!({"query": format!("{n}")}), json!("")));
    let prompt = build(&code(), &turn(events.collect()), LEAST_CHARS);
    assert!(size(&prompt) <= LEAST_CHARS);
    let note = prompt
        .user
        .lines()
        .find(|line| line.contains("are left out"));
    assert!(
        note.is_some_and(|note| note.len() <= 200),
        "{}",
        prompt.user
    );
}

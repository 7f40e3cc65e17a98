//! No secret and nothing private is found again: not in any byte of any file,
//! not in anything that a session is told.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Canaries, Random, Sandbox, Talk, assert_answer, assert_nowhere, hook_for, pieces_in, run,
    session_a,
};

const SESSION: &str = "secretive";

/// A session with secrets in every place where a payload can have them, and
/// beside each a word that must be kept.
struct Story {
    payloads: Vec<String>,
    cores: Vec<String>,
    kept: Vec<String>,
}

impl Story {
    fn new(project: &Path) -> Self {
        let talk = Talk::new(SESSION, project);
        let mut story = Self {
            payloads: Vec::new(),
            cores: Vec::new(),
            kept: Vec::new(),
        };
        story.repository(project);
        story.prompt(&talk);
        story.tools(&talk);
        story.odd_places(&talk);
        story.ends(&talk);
        story
    }

    fn add(&mut self, payload: &Value) {
        self.payloads.push(payload.to_string());
    }

    /// Secrets of a place, with a word before them that is none.
    fn text(&mut self, place: &str) -> String {
        let canaries = Canaries::new(self.kept.len() as u64);
        self.cores.extend(canaries.cores);
        let kept = format!("keep-{place}-this");
        let text = format!("{kept}\n{}", canaries.text);
        self.kept.push(kept);
        text
    }

    /// A branch and a remote that tell more than they should.
    fn repository(&mut self, project: &Path) {
        let mut random = Random::new(815);
        let (branch, remote) = (Canaries::token(&mut random, 2), random.plain(24));
        for part in ["objects", "refs/heads"] {
            std::fs::create_dir_all(project.join(".git").join(part)).unwrap();
        }
        std::fs::write(
            project.join(".git/HEAD"),
            format!("ref: refs/heads/keep-branch-this/{}\n", branch.0),
        )
        .unwrap();
        std::fs::write(
            project.join(".git/config"),
            format!("[remote \"origin\"]\n\turl = https://joe:{remote}@keep-remote-this/a.git\n"),
        )
        .unwrap();
        self.cores.extend([branch.1, remote]);
        self.kept
            .extend(["keep-branch-this", "keep-remote-this"].map(str::to_owned));
    }

    fn prompt(&mut self, talk: &Talk) {
        let text = self.text("prompt");
        self.add(&talk.prompt("p1", &text));
    }

    fn tools(&mut self, talk: &Talk) {
        let (command, stdout) = (self.text("command"), self.text("stdout"));
        self.add(&talk.bash("p1", "t1", &command, &stdout));
        let nested = json!({"todo": [{"deep": [[self.text("nested")]]}], "n": 1.5});
        let inside = json!({"log": self.text("inside"), "ok": true}).to_string();
        self.add(&talk.tool("p1", "t2", "mcp__db__query", &nested, &json!(inside)));
        let twice = json!(json!({"inner": self.text("twice")}).to_string()).to_string();
        let mcp = self.text("mcp");
        self.add(&talk.tool(
            "p1",
            "t3",
            "mcp__db__query",
            &json!(twice),
            &json!([{"type": "text", "text": mcp}]),
        ));
        let (command, error) = (self.text("failing"), self.text("error"));
        self.add(&talk.failure("p1", "t4", &command, &error));
        let content = self.text("read");
        self.add(&talk.tool(
            "p1",
            "t5",
            "Read",
            &json!({"file_path": "/x/.env"}),
            &json!({"type": "text", "file": {"filePath": "/x/.env", "content": content, "numLines": 9}}),
        ));
        let content = self.text("written");
        self.add(&talk.write("p1", "t6", &format!("{}/config.py", talk.cwd), &content));
        let (old, new, original) = (self.text("old"), self.text("new"), self.text("original"));
        let lines: Vec<String> = new.lines().map(|line| format!("+{line}")).collect();
        self.add(&talk.tool(
            "p1",
            "t7",
            "Edit",
            &json!({"file_path": format!("{}/a.py", talk.cwd), "old_string": old, "new_string": new}),
            &json!({"filePath": "a.py", "oldString": old, "newString": new, "originalFile": format!("{old}\n{original}"),
                "structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": lines}]}),
        ));
        // Of an edit the difference is kept.
        self.kept.retain(|kept| !kept.contains("original"));
    }

    /// Paths, working directories, names of fields, and tags whose letters are
    /// written as escapes.
    fn odd_places(&mut self, talk: &Talk) {
        let mut random = Random::new(4711);
        for number in 0..12 {
            let (token, core) = Canaries::token(&mut random, number);
            let call = format!("odd{number}");
            let mut payload = talk.tool(
                "p1",
                &call,
                "mcp__files__copy",
                &json!({"file_path": format!("/home/joe/{token}/x.rs"), "paths": [format!("a/{token}")],
                    token.as_str(): {token.as_str(): 1}}),
                &json!({token.as_str(): "value", "kept": call}),
            );
            payload["cwd"] = json!(format!("{}/{token}", talk.cwd));
            self.add(&payload);
            self.cores.push(core);
        }
        for (number, (open, close)) in [
            (r"\u003cpri\u0076ate\u003e", r"\u003c/private\u003e"),
            (r"<\u0070rivate>", r"<\/private>"),
            (r"\u003c\u0050\u0052\u0049VATE>", r"<\/\u0070rivate>"),
        ]
        .into_iter()
        .enumerate()
        {
            let core = random.plain(24);
            let said = format!("1 {open}{core}{close} 2");
            // The escapes are those of the payload itself, and in the second
            // field those of JSON in one of its strings.
            let payload = talk
                .bash("p1", &format!("split{number}"), "echo SPLIT", "TWICE")
                .to_string()
                .replace("SPLIT", &said)
                .replace(
                    "TWICE",
                    &format!("{{\\\"a\\\": \\\"{}\\\"}}", said.replace('\\', r"\\")),
                );
            serde_json::from_str::<Value>(&payload).unwrap();
            self.payloads.push(payload);
            self.cores.push(core);
        }
    }

    fn ends(&mut self, talk: &Talk) {
        for (event, turn) in [
            ("SubagentStop", "p1"),
            ("StopFailure", "p2"),
            ("Stop", "p1"),
        ] {
            if turn == "p2" {
                self.add(&talk.prompt("p2", "And another one."));
            }
            let text = self.text(event);
            let mut payload = talk.stop(turn, &text);
            payload["hook_event_name"] = json!(event);
            payload["agent_type"] = json!("Explore");
            payload["agent_id"] = json!("a1");
            self.add(&payload);
        }
        self.add(&talk.end("p2"));
    }

    fn assert_gone(&self, sandbox: &Sandbox) {
        assert!(self.cores.len() > 60 * 10, "{}", self.cores.len());
        assert_nowhere(sandbox, &self.cores);
        for kept in &self.kept {
            let found = sandbox.files_with(kept.as_bytes());
            assert!(
                !found.is_empty(),
                "{kept} is nowhere, so the search proves nothing"
            );
        }
    }

    fn assert_untold(&self, sandbox: &Sandbox) {
        let mut said = sandbox.told(&Talk::new("next", &sandbox.project), "startup");
        for arguments in [
            &["list", "--all", "-n", "500", "--json"][..],
            &["show", "1", "S1", "P1", "P2", "--json"],
            &["search", "--all", "keep key password", "--json"],
            &["status"],
            &["logs"],
            &["context"],
        ] {
            let ran = sandbox.claude_mem(arguments.iter().copied());
            said += &ran.stdout;
            said += &ran.stderr;
        }
        assert!(said.contains("keep-prompt-this"), "{said}");
        assert_eq!(pieces_in(said.as_bytes(), &self.cores), Vec::<&str>::new());
    }
}

/// Whole fields are kept, so that nothing is missing only because it was cut.
fn spacious() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_FIELD_BYTES", "1048576");
    sandbox.set("CLAUDE_MEM_LOG_LEVEL", "trace");
    sandbox
}

fn hook_of(payload: &str) -> &'static str {
    let payload: Value = serde_json::from_str(payload).unwrap();
    hook_for(payload["hook_event_name"].as_str().unwrap())
}

#[test]
fn secrets_are_nowhere_with_a_worker() {
    let sandbox = spacious();
    let story = Story::new(&sandbox.project);
    for payload in &story.payloads {
        let ran = sandbox.hook_raw(hook_of(payload), payload.as_bytes());
        assert_eq!((ran.code, &*ran.stdout), (Some(0), "{}\n"), "{ran:?}");
    }
    // The WAL is there only while the worker is.
    assert_nowhere(&sandbox, &story.cores);
    sandbox.wait_for_quiet();
    sandbox.assert_sound();
    story.assert_gone(&sandbox);
    story.assert_untold(&sandbox);
}

#[test]
fn secrets_are_nowhere_without_a_worker() {
    let sandbox = spacious();
    let story = Story::new(&sandbox.project);
    let alone = sandbox.copy_of_binaries(false);
    for payload in &story.payloads {
        let hook = hook_of(payload);
        let ran = run(&mut sandbox.command(alone.join(hook)), payload.as_bytes());
        assert_answer(hook, &ran, "no worker");
    }
    assert_eq!(sandbox.spooled(), story.payloads.len());
    story.assert_gone(&sandbox);
    drop(sandbox.claude_mem(["worker", SESSION]));
    assert_eq!(sandbox.spooled(), 0);
    story.assert_gone(&sandbox);
    story.assert_untold(&sandbox);
    sandbox.assert_sound();
}

/// A turn whose prompt is wholly private, between two that are not.
fn private_turn(talk: &Talk, with_ids: bool) -> (Vec<Value>, Vec<String>) {
    let mut random = Random::new(99);
    let hushed: Vec<String> = (0..6).map(|_| random.plain(24)).collect();
    let mut payloads = talk.decision("before", "the price list");
    // The session goes on.
    payloads.pop();
    payloads.extend([
        talk.prompt("hush", &format!("<private>{}</private>", hushed[0])),
        talk.bash("hush", "h1", &format!("echo {}", hushed[1]), &hushed[2]),
        talk.failure("hush", "h2", &hushed[3], &hushed[3]),
        talk.write(
            "hush",
            "h3",
            &format!("{}/{}.md", talk.cwd, hushed[4]),
            &hushed[4],
        ),
        talk.stop("hush", &format!("Decision: {} because of it.", hushed[5])),
    ]);
    payloads.extend(talk.decision("after", "the tax table"));
    if !with_ids {
        for payload in &mut payloads {
            payload.as_object_mut().unwrap().remove("prompt_id");
        }
    }
    (payloads, hushed)
}

#[test]
fn a_wholly_private_prompt_silences_its_turn() {
    for (with_ids, with_worker) in [(true, true), (true, false), (false, true), (false, false)] {
        let sandbox = Sandbox::new();
        let talk = Talk::new("hushed", &sandbox.project);
        let (payloads, hushed) = private_turn(&talk, with_ids);
        if with_worker {
            sandbox.play(&payloads);
            assert_nowhere(&sandbox, &hushed);
            sandbox.wait_for_quiet();
        } else {
            let alone = sandbox.copy_of_binaries(false);
            for payload in &payloads {
                drop(sandbox.event_by(&alone, payload));
            }
            assert_nowhere(&sandbox, &hushed);
            drop(sandbox.claude_mem(["worker", "hushed"]));
        }
        let case = format!("ids {with_ids}, worker {with_worker}");
        assert_nowhere(&sandbox, &hushed);
        assert!(!sandbox.files_with(b".md").is_empty(), "{case}");
        assert_eq!(
            sandbox.count(
                "SELECT count(*) FROM pending_messages WHERE event_id IN ('h1', 'h2', 'h3')"
            ),
            0,
            "{case}"
        );
        for table in ["observations", "session_summaries"] {
            assert_eq!(
                sandbox.count(&format!(
                    "SELECT count(*) FROM {table} WHERE prompt_number = 2"
                )),
                0,
                "{table}, {case}"
            );
            assert_eq!(
                sandbox.count(&format!(
                    "SELECT count(DISTINCT prompt_number) FROM {table} WHERE prompt_number IN (1, 3)"
                )),
                2,
                "{table}, {case}"
            );
        }
        assert_eq!(
            sandbox.count("SELECT count(*) FROM user_prompts WHERE prompt_number = 3"),
            1,
            "{case}"
        );
        assert_eq!(
            sandbox.count(
                "SELECT count(*) FROM user_prompts WHERE prompt_number = 2 AND prompt_text <> ''"
            ),
            0,
            "{case}"
        );
        sandbox.assert_sound();
    }
}

#[test]
fn ordinary_text_is_stored_as_it_came() {
    let sandbox = spacious();
    let talk = Talk::new("ordinary", &sandbox.project);
    let texts = ordinary();
    drop(sandbox.event(&talk.prompt("p", "Look at these, please.")));
    for (number, text) in texts.iter().enumerate() {
        drop(sandbox.event(&talk.bash("p", &format!("o{number}"), "cat it", text)));
    }
    for payload in session_a()
        .iter()
        .filter(|payload| payload["tool_use_id"].is_string())
    {
        drop(sandbox.event(payload));
    }
    sandbox.wait_for_quiet();
    let stored = |call: &str| -> Value {
        let text: String = sandbox
            .database()
            .query_row(
                "SELECT tool_response FROM pending_messages WHERE event_id = ?1",
                [call],
                |row| row.get(0),
            )
            .unwrap();
        serde_json::from_str(&text).unwrap()
    };
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(stored(&format!("o{number}"))["stdout"], *text);
    }
    let marks = sandbox.files_with(b"[redacted:");
    assert!(marks.is_empty(), "{marks:?}");
}

/// Text that looks like a secret to a careless reader.
fn ordinary() -> Vec<String> {
    let mut random = Random::new(5);
    let hex = "0123456789abcdef";
    let mut texts: Vec<String> = [
        "password = get_password()\nif password == other:\n    raise ValueError(\"wrong password\")",
        "token = lexer.next_token()\nmax_tokens: 4096\ntokenizer = AutoTokenizer.from_pretrained(\"bert-base-uncased\")",
        "PASSWORD=$DB_PASSWORD\nexport TOKEN=${{ secrets.GITHUB_TOKEN }}\nAPI_KEY=your_api_key_here",
        "def check_password(self, password: str) -> bool:\n    return self.password_hash == hash(password)",
        "keyboard = \"qwertz123456\"\nprimary_key=True, nullable=False\ncache_key = \"a1b2c3d4e5f6g7h8\"",
        "let v: Vec<private_key> = vec![];\nclass A { private: int x; };\n<privateer>x</privateer>",
        "https://example.com/a/b?page=2&sort=name#top\nssh://git@github.com/owner/repo.git\nmailto:joe@example.com",
        "the password is required\nuse --password-stdin to read it\nUnexpected token '<' in JSON",
        "src/deeply/nested/path/to/some/file_with_a_long_name.rs:123:45: warning: unused variable",
        "\u{1b}[32mok\u{1b}[0m 日本語 é ü 😀 \t tabs and \"quotes\" and \\backslashes\\",
    ]
    .map(str::to_owned)
    .to_vec();
    for _ in 0..20 {
        let word = random.word(32, hex);
        texts.push(format!(
            "id {}-{}-4{}-a{}-{}\ncommit {}{}\nindex {}..{} 100644\nsha256:{word}{word}\n\"integrity\": \"sha512-{}==\"",
            &word[..8],
            &word[8..12],
            &word[13..16],
            &word[17..20],
            &word[20..],
            word,
            &word[..8],
            &word[..7],
            &word[7..14],
            random.plain(86),
        ));
    }
    texts
}

#[test]
fn the_search_for_secrets_finds_them() {
    let canaries = Canaries::new(1);
    assert!(canaries.cores.len() >= 80);
    let found = pieces_in(canaries.text.as_bytes(), &canaries.cores);
    assert!(found.len() >= canaries.cores.len());
    assert!(pieces_in(b"nothing of it, whatever one may look for", &canaries.cores).is_empty());
}

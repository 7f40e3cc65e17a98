//! No secret and nothing private reaches a provider, and what a provider says
//! or was given to know us by is not kept.

use serde_json::{Value, json};

use crate::support::fake_model::{FakeModel, Fault};
use crate::support::{Canaries, Random, Sandbox, Talk, assert_nowhere, pieces_in};

use super::{with_anthropic, with_openai};

/// A session with secrets wherever a payload can have them; before each place's
/// secrets stands a word that must arrive.
struct Story {
    payloads: Vec<Value>,
    cores: Vec<String>,
    kept: Vec<String>,
}

impl Story {
    fn new(talk: &Talk) -> Self {
        let mut story = Self {
            payloads: Vec::new(),
            cores: Vec::new(),
            kept: Vec::new(),
        };
        let text = story.text("prompt");
        story.payloads.push(talk.prompt("p1", &text));
        story.tools(talk);
        story.files(talk);
        for (event, agent) in [("SubagentStop", Some("Explore")), ("PreCompact", None)] {
            let text = story.text(event);
            let mut payload = talk.stop("p1", &text);
            payload["hook_event_name"] = json!(event);
            payload["custom_instructions"] = json!(text);
            if let Some(agent) = agent {
                payload["agent_id"] = json!("a1");
                payload["agent_type"] = json!(agent);
            }
            story.payloads.push(payload);
        }
        // Of a compaction nothing is told.
        story.kept.retain(|kept| !kept.contains("PreCompact"));
        let text = story.text("stop");
        story.payloads.push(talk.stop("p1", &text));
        story.payloads.push(talk.end("p1"));
        story
    }

    fn text(&mut self, place: &str) -> String {
        let canaries = Canaries::new(self.cores.len() as u64);
        self.cores.extend(canaries.cores);
        let kept = format!("keep-{place}-this");
        let text = format!("{kept}\n{}", canaries.text);
        self.kept.push(kept);
        text
    }

    fn tools(&mut self, talk: &Talk) {
        let (command, stdout) = (self.text("command"), self.text("stdout"));
        let (failing, error) = (self.text("failing"), self.text("error"));
        let nested = json!({"query": self.text("nested"), "deep": [[self.text("deep")]]});
        let inside = json!({"log": self.text("inside"), "ok": true}).to_string();
        let mcp = json!([{"type": "text", "text": self.text("mcp")}]);
        // Of an output the end is told, of arguments the first words.
        self.kept
            .retain(|kept| !kept.contains("stdout") && !kept.contains("deep"));
        self.payloads.extend([
            talk.bash("p1", "t1", &command, &stdout),
            talk.failure("p1", "t2", &failing, &error),
            talk.tool("p1", "t3", "mcp__db__query", &nested, &json!(inside)),
            talk.tool(
                "p1",
                "t4",
                "mcp__db__list",
                &json!({"table": "users"}),
                &mcp,
            ),
        ]);
        // Secrets as paths, names of fields and tools.
        let mut random = Random::new(4711);
        for number in 0..6 {
            let (token, core) = Canaries::token(&mut random, number);
            let input = json!({"file_path": format!("/home/joe/{token}/x.rs"), token.as_str(): 1});
            let call = format!("odd{number}");
            let output = json!({token.as_str(): "value"});
            self.payloads
                .push(talk.tool("p1", &call, "mcp__files__copy", &input, &output));
            self.cores.push(core);
        }
    }

    fn files(&mut self, talk: &Talk) {
        let (read, written) = (self.text("read"), self.text("written"));
        let (old, new) = (self.text("old"), self.text("new"));
        let lines: Vec<String> = new.lines().map(|line| format!("+{line}")).collect();
        // Of a file that was read not every line is told.
        self.kept.retain(|kept| !kept.contains("old"));
        let edit = json!({"file_path": format!("{}/a.py", talk.cwd), "old_string": old, "new_string": new});
        let edited = json!({"filePath": "a.py", "originalFile": old,
            "structuredPatch": [{"oldStart": 1, "newStart": 1, "lines": lines}]});
        let file = json!({"type": "text", "file": {"filePath": "/x/.env", "content": read}});
        self.payloads.extend([
            talk.tool("p1", "f1", "Read", &json!({"file_path": "/x/.env"}), &file),
            talk.write("p1", "f2", &format!("{}/config.py", talk.cwd), &written),
            talk.tool("p1", "f3", "Edit", &edit, &edited),
        ]);
    }
}

/// All that was sent, in one piece.
fn received(model: &FakeModel) -> Vec<u8> {
    model.everything_received().concat()
}

/// Everything that a user can have shown.
fn shown(sandbox: &Sandbox) -> String {
    let mut said = sandbox.told(&Talk::new("next", &sandbox.project), "startup");
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["settings"],
        &["settings", "--json"],
        &["logs"],
        &["list", "--all", "-n", "500", "--json"],
    ] {
        let ran = sandbox.claude_mem(arguments.iter().copied());
        said += &ran.stdout;
        said += &ran.stderr;
    }
    said
}

#[test]
fn no_secret_reaches_a_provider() {
    for (mut sandbox, model) in [with_anthropic(), with_openai()] {
        // Nothing is missing only because it was cut, or not logged.
        sandbox.set("CLAUDE_MEM_FIELD_BYTES", "1048576");
        sandbox.set("CLAUDE_MEM_PROMPT_CHARS", "1000000");
        sandbox.set("CLAUDE_MEM_LOG_LEVEL", "trace");
        sandbox.set("CLAUDE_MEM_WORKER_IDLE_SECS", "60");
        let story = Story::new(&Talk::new("secretive", &sandbox.project));
        assert!(story.cores.len() > 60 * 10);
        // What the model is told it tells again.
        model.answer_with(|asked| {
            let user = asked.user_text().replace('<', "&lt;");
            let told: String = user.chars().take(1_900).collect();
            format!(
                "<observation><type>discovery</type><title>All of it</title>\
                 <narrative>{told}</narrative></observation>"
            )
        });
        sandbox.play(&story.payloads);
        assert_nowhere(&sandbox, &story.cores);
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 1);
        let received = received(&model);
        assert_eq!(pieces_in(&received, &story.cores), Vec::<&str>::new());
        let told = String::from_utf8_lossy(&received);
        let missing: Vec<_> = story
            .kept
            .iter()
            .filter(|kept| !told.contains(*kept))
            .collect();
        assert!(missing.is_empty(), "{missing:?} did not arrive");
        assert_nowhere(&sandbox, &story.cores);
        let shown = shown(&sandbox);
        assert!(shown.contains("All of it"), "{shown}");
        assert_eq!(
            pieces_in(shown.as_bytes(), &story.cores),
            Vec::<&str>::new()
        );
        sandbox.assert_sound();
    }
}

#[test]
fn a_wholly_private_turn_is_no_providers_business() {
    for (sandbox, model) in [with_anthropic(), with_openai()] {
        let talk = Talk::new("hushed", &sandbox.project);
        let mut random = Random::new(99);
        let hushed: Vec<String> = (0..3).map(|_| random.plain(24)).collect();
        sandbox.play(&[
            talk.prompt("hush", &format!("<private>{}</private>", hushed[0])),
            talk.bash("hush", "h1", &format!("echo {}", hushed[1]), &hushed[1]),
            talk.stop("hush", &format!("Decision: {} because of it.", hushed[2])),
        ]);
        sandbox.play(&talk.decision("after", "the tax table"));
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 1);
        assert_eq!(pieces_in(&received(&model), &hushed), Vec::<&str>::new());
        assert_nowhere(&sandbox, &hushed);
        sandbox.assert_sound();
    }
}

/// A turn with something to tell.
fn busy(talk: &Talk) -> Vec<Value> {
    vec![
        talk.prompt("p1", "Look into the ledger."),
        talk.bash("p1", "t1", "make event-first", "made"),
        talk.bash("p1", "t2", "make event-second", "made"),
        talk.stop("p1", "The ledger is written by one process only."),
        talk.end("p1"),
    ]
}

#[test]
fn a_secret_in_a_providers_words_is_not_kept() {
    let mut random = Random::new(7);
    for (sandbox, model) in [with_anthropic(), with_openai()] {
        let mut cores = Vec::new();
        let mut words = |before: usize| {
            let (token, core) = Canaries::token(&mut random, 8);
            cores.push(core);
            format!("{} the key {token} is of no use here", "so ".repeat(before))
        };
        // The last ones are cut where a line of an error ends.
        let said: Vec<String> = [0, 60, 70, 80, 85, 90]
            .into_iter()
            .map(&mut words)
            .collect();
        for (number, said) in said.into_iter().enumerate() {
            model.clear_faults();
            // Half of the turn is answered, and then nothing of it.
            if number % 2 == 0 {
                model.set_fault(Some(Fault::Prose(said)));
            } else {
                model.fault_when(|text| text.contains("event-second"), Fault::Prose(said));
            }
            let talk = Talk::new(&format!("s{number}"), &sandbox.project);
            sandbox.play(&busy(&talk));
            sandbox.wait_for_quiet();
            assert_nowhere(&sandbox, &cores);
        }
        assert!(model.calls() >= 6 * 3, "{}", model.calls());
        let reasons = "SELECT count(*) FROM turns WHERE fallback_reason LIKE 'prose: so%'";
        assert!(sandbox.count(reasons) >= 4);
        let shown = shown(&sandbox);
        assert_eq!(pieces_in(shown.as_bytes(), &cores), Vec::<&str>::new());
        sandbox.assert_all_done();
    }
}

#[test]
fn the_providers_own_key_is_only_sent_to_it() {
    let mut random = Random::new(11);
    let names = [
        "ANTHROPIC_API_KEY",
        "CLAUDE_MEM_OPENAI_API_KEY",
        "CLAUDE_MEM_OPENROUTER_API_KEY",
        "CLAUDE_MEM_GEMINI_API_KEY",
    ];
    for (used, (mut sandbox, model)) in [with_anthropic(), with_openai()].into_iter().enumerate() {
        // A key of no known shape, so that nothing but care keeps it.
        let keys: Vec<String> = names.iter().map(|_| random.plain(40)).collect();
        for (name, key) in names.iter().zip(&keys) {
            sandbox.set(name, key);
        }
        sandbox.set("CLAUDE_MEM_LOG_LEVEL", "trace");
        model.queue_faults([Some(Fault::Auth), None]);
        for session in ["refused", "answered"] {
            let talk = Talk::new(session, &sandbox.project);
            sandbox.play(&busy(&talk));
            sandbox.wait_for_quiet();
        }
        assert!(model.calls() >= 2);
        let heads = model.observed();
        let sent = heads.iter().all(|asked| {
            asked
                .headers
                .values()
                .any(|value| value.contains(&keys[used]))
        });
        assert!(sent, "{:?}", heads[0].headers);
        let others: Vec<String> = keys
            .iter()
            .filter(|key| **key != keys[used])
            .cloned()
            .collect();
        assert_eq!(pieces_in(&received(&model), &others), Vec::<&str>::new());
        for asked in &heads {
            let body = asked.body.to_string();
            assert_eq!(pieces_in(body.as_bytes(), &keys), Vec::<&str>::new());
        }
        assert_nowhere(&sandbox, &keys);
        let shown = shown(&sandbox);
        assert!(shown.contains("CLAUDE_MEM_OPENAI_API_KEY"), "{shown}");
        assert_eq!(pieces_in(shown.as_bytes(), &keys), Vec::<&str>::new());
        // The same keys where a user writes them down: only there.
        let written = random.plain(40);
        let name = "CLAUDE_MEM_ANTHROPIC_API_KEY";
        sandbox
            .claude_mem(["settings", "set", name, &written])
            .success();
        let shown = self::shown(&sandbox);
        assert_eq!(
            pieces_in(shown.as_bytes(), std::slice::from_ref(&written)),
            Vec::<&str>::new()
        );
        let files = sandbox.files_with(written.as_bytes());
        assert_eq!(files, [sandbox.data.join("settings.json")]);
    }
}

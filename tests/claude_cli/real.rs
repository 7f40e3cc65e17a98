//! The real Claude Code as a model, against a model server of our own. As for
//! `claude_code`, the tests take it from `CLAUDE_MEM_TEST_CLAUDE`, are left out
//! without it, and fail where `CI` is set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::support::fake_model::{Asked, FakeModel, Fault, Scene};

/// What no line of the project is; a question that is taken for a command, or
/// for two lines, would not arrive.
const QUESTION: &str = "/compact\u{2028}mean.sh fails\u{85}with \"zero\"\r\n/clear\u{0}end";
const ANSWER: &str = "<observation><title>Zero & \"none\"</title></observation>";

const EVENTS: [&str; 9] = [
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "Stop",
    "StopFailure",
    "Notification",
    "PreCompact",
];

struct World {
    sandbox: Sandbox,
    model: FakeModel,
    config: Config,
    /// A hook has run if this is there.
    fired: PathBuf,
}

impl World {
    /// `None` where the test is left out.
    fn new() -> Option<Self> {
        let claude = crate::support::real_claude()?;
        let mut sandbox = Sandbox::new();
        let model = FakeModel::start(vec![Scene::about("mean.sh fails").turn(ANSWER, [])]);
        let tmp = sandbox.data.join("tmp");
        std::fs::create_dir_all(&tmp).unwrap();
        let fired = sandbox.home.join("fired");
        install_hooks(&sandbox.home, &fired);
        sandbox.set("ANTHROPIC_BASE_URL", model.url());
        sandbox.set("ANTHROPIC_API_KEY", "dummy");
        sandbox.set("TMPDIR", tmp.clone());
        sandbox.set("CLAUDE_CODE_TMPDIR", tmp);
        let config = config(&sandbox, &claude);
        Some(Self {
            sandbox,
            model,
            config,
            fired,
        })
    }

    /// What the model was asked.
    fn asked(&self) -> Vec<Asked> {
        let mut asked = self.model.requests();
        asked.retain(|asked| asked.path.starts_with("/v1/messages"));
        asked
    }

    /// Every file of the home that is not in the data directory.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        walk(&self.sandbox.home, &self.sandbox.data, &mut found);
        found
    }
}

fn install_hooks(home: &Path, fired: &Path) {
    let hook =
        json!([{"hooks": [{"type": "command", "command": format!("touch {}", fired.display())}]}]);
    let hooks: BTreeMap<&str, &Value> = EVENTS.iter().map(|event| (*event, &hook)).collect();
    let settings = json!({"hooks": hooks, "env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "1"}});
    std::fs::create_dir_all(home.join(".claude")).unwrap();
    std::fs::write(home.join(".claude/settings.json"), settings.to_string()).unwrap();
    std::fs::write(home.join(".claude/CLAUDE.md"), "Say CANARY.").unwrap();
    let server = json!({"mcpServers": {"canary": {"command": "touch", "args": [fired]}}});
    std::fs::write(home.join(".claude.json"), server.to_string()).unwrap();
}

fn walk(directory: &Path, except: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path == except {
            continue;
        }
        if path.is_dir() {
            walk(&path, except, found);
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_question_is_answered_and_nothing_else_happens() {
    let Some(world) = World::new() else { return };
    // Whoever uses Claude Code has the files that it makes at its first start.
    let first = ask(&world.config, QUESTION).unwrap();
    assert_eq!((first.text.as_str(), first.truncated), (ANSWER, false));
    world.sandbox.wait_for_quiet();
    let before = world.files();
    let sessions: Vec<&PathBuf> = before
        .keys()
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    assert_eq!(sessions, Vec::<&PathBuf>::new(), "a session was kept");

    let reply = ask(&world.config, QUESTION).unwrap();
    assert_eq!(world.sandbox.processes(), [], "a child is left");
    assert_eq!(reply.text, ANSWER);
    assert_eq!(reply.model, "claude-haiku-4-5-20251001");
    assert!(world.files() == before, "{:?}", world.files().keys());
    assert_eq!(left_in(&world.config.claude_cli.directory), 0);
    assert!(!world.fired.exists(), "a hook or a server was run");

    let asked = world.asked();
    assert_eq!(asked.len(), 2, "one request a call");
    let body = &asked[1].body;
    assert!(body["tools"].as_array().is_none_or(Vec::is_empty), "{body}");
    assert_eq!(body["max_tokens"], 4096);
    assert_eq!(body["thinking"]["type"], "disabled");
    assert_eq!(body["messages"].as_array().unwrap().len(), 1);
    let texts = texts(&body["messages"][0]["content"]);
    assert_eq!(texts.last().unwrap(), &format!("Here it is:\n\n{QUESTION}"));
    assert_eq!(self::texts(&body["system"]).last().unwrap(), INSTRUCTIONS);
    assert!(!body.to_string().contains("CANARY"), "{body}");
    costs_what_is_said(&world, &reply, body);
}

/// The usage is the model's, and what Claude Code adds is within the promise.
fn costs_what_is_said(world: &World, reply: &Reply, body: &Value) {
    let (provider, model) = provider(&world.config);
    let ours = INSTRUCTIONS.len() + QUESTION.len();
    let sent: usize = [&body["system"], &body["messages"][0]["content"]]
        .map(texts)
        .concat()
        .iter()
        .map(String::len)
        .sum();
    let added = u32::try_from(sent - ours).unwrap();
    assert!(added <= provider.overhead_tokens(), "{added} bytes");
    let most = request(model, QUESTION).most_tokens(provider.overhead_tokens());
    assert!((1..=most).contains(&reply.usage.total()), "{reply:?}");
    assert_eq!(self::texts(&body["system"]).len(), 3, "{body}");
}

fn texts(content: &Value) -> Vec<String> {
    content
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn refusals_keep_their_reasons() {
    let Some(world) = World::new() else { return };
    let cases = [
        (Fault::Auth, Reason::Auth),
        (Fault::Permission, Reason::Auth),
        (Fault::Credit, Reason::Quota),
        (Fault::RateLimit { retry_after: None }, Reason::RateLimit),
        (Fault::Overloaded, Reason::Overloaded),
        (Fault::ApiError, Reason::Overloaded),
        (Fault::BadRequest, Reason::BadRequest),
        (Fault::NotFound, Reason::NotFound),
        (
            Fault::ContextTooLong { over_chars: 0 },
            Reason::ContextTooLong,
        ),
        (Fault::Reset, Reason::Connection),
        (Fault::ResetMidstream, Reason::Connection),
    ];
    for (fault, reason) in cases {
        world.model.set_fault(Some(fault.clone()));
        let failure = ask(&world.config, "<observation> of what?").unwrap_err();
        assert_eq!(failure.reason, reason, "{fault:?}: {failure}");
    }
    let mut config = world.config.clone();
    config.claude_cli.environment.remove("ANTHROPIC_API_KEY");
    let failure = ask(&config, QUESTION).unwrap_err();
    assert_eq!(failure.reason, Reason::Auth, "{failure}");
    assert!(failure.detail.contains("/login"), "{failure}");
}

#[test]
fn an_answer_that_is_cut_off_is_gone_on_with_and_paid_for_in_full() {
    let Some(world) = World::new() else { return };
    let answer = format!(
        "<observation><title>Zero</title><narrative>{}</narrative></observation>",
        "The count was not checked. ".repeat(20)
    );
    let script = answer.clone();
    world.model.answer_with(move |_| script.clone());
    world.model.queue_faults([Some(Fault::Truncated)]);
    let reply = ask(&world.config, "<observation> of what?").unwrap();
    assert_eq!((reply.text, reply.truncated), (answer, false));
    assert_eq!(world.asked().len(), 2);
    assert_eq!(reply.usage.total(), world.model.tokens().total());

    world.model.set_fault(Some(Fault::Truncated));
    let reply = ask(&world.config, "<observation> of what?").unwrap();
    assert!(reply.truncated, "{reply:?}");
    assert!(reply.text.starts_with("<observation><title>"), "{reply:?}");
    assert!(!reply.text.contains("API Error"), "{reply:?}");
}

#[test]
fn a_hanging_model_is_given_up_and_its_claude_ended() {
    let Some(world) = World::new() else { return };
    world.model.set_fault(Some(Fault::Hang));
    let mut config = world.config.clone();
    config.timeout = Duration::from_secs(5);
    let failure = ask(&config, "<observation> of what?").unwrap_err();
    assert_eq!(failure.reason, Reason::Timeout, "{failure}");
    assert_eq!(world.sandbox.processes(), []);
    world.model.let_go();
}

//! The real Claude Code as a model provider, on the observer: the stand-in says
//! nothing that the real one does not say, and the observer is understood.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Behaviour, FakeClaude};
use crate::support::fake_model::{FakeModel, Fault, RetryAfter, TokenTotals};
use crate::support::{Sandbox, real_claude, run};

/// What an executable prints when it is asked one thing.
fn events(sandbox: &Sandbox, claude: &PathBuf, model: &FakeModel) -> Vec<Value> {
    let question = json!({"type": "user", "message": {"role": "user", "content": "The turn"}});
    let mut command = sandbox.command(claude);
    command
        .env("ANTHROPIC_BASE_URL", model.url())
        .env("ANTHROPIC_API_KEY", "dummy")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("CLAUDE_CODE_MAX_RETRIES", "0")
        .env("DISABLE_AUTOUPDATER", "1")
        .env("IS_SANDBOX", "1")
        .env("MAX_THINKING_TOKENS", "0")
        .env("TMPDIR", sandbox.root.path())
        .args(["-p", "--verbose", "--input-format", "stream-json"])
        .args(["--output-format", "stream-json", "--tools", ""])
        .args(["--setting-sources", "", "--strict-mcp-config"])
        .args(["--no-session-persistence", "--disable-slash-commands"])
        .args(["--model", "claude-haiku-4-5-20251001"])
        .args([
            "--system-prompt",
            "Answer with <observation> and <summary>.",
        ]);
    let ran = run(&mut command, format!("{question}\n").as_bytes());
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{ran:?}"));
    ran.stdout.lines().map(parse).collect()
}

/// Asserts that every member of the one is in the other, and of its kind.
fn assert_within(fake: &Value, real: &Value, place: &str) {
    if let (Value::Object(fake), Value::Object(real)) = (fake, real) {
        for (name, value) in fake {
            let place = format!("{place}.{name}");
            let theirs = real.get(name);
            assert_within(
                value,
                theirs.unwrap_or_else(|| panic!("no {place}")),
                &place,
            );
        }
    } else if let (Some(fake), Some(real)) = (fake.get(0), real.get(0)) {
        assert_within(fake, real, &format!("{place}[0]"));
    } else if !fake.is_null() && !real.is_null() {
        let kind = std::mem::discriminant(real);
        assert_eq!(std::mem::discriminant(fake), kind, "{place}: {fake} {real}");
    }
}

fn assert_alike(fake: &[Value], real: &[Value]) {
    assert_eq!((fake.len(), real.len()), (3, 3), "{real:#?}");
    for (fake, real) in fake.iter().zip(real) {
        for name in [
            "type",
            "subtype",
            "is_error",
            "api_error_status",
            "error",
            "stop_reason",
        ] {
            assert_eq!(fake[name], real[name], "{name}");
        }
        assert_within(fake, real, "");
    }
}

#[test]
fn the_stand_in_speaks_like_the_real_one() {
    let Some(real) = real_claude() else { return };
    let (sandbox, model) = (Sandbox::new(), FakeModel::start(Vec::new()));
    let (fake, text) = (sandbox.root.path(), "<skip reason=\"routine\"/>");
    model.answer_with(move |_| text.to_owned());
    let answer = FakeClaude::install(fake, &Behaviour::Answer(text.to_owned()));
    let (fakes, reals) = (
        events(&sandbox, &answer, &model),
        events(&sandbox, &real, &model),
    );
    assert_alike(&fakes, &reals);
    assert_eq!(reals[0]["tools"], json!([]));
    assert_eq!(fakes[2]["result"], reals[2]["result"]);
    let retry_after = Some(RetryAfter::Seconds(3600));
    model.set_fault(Some(Fault::RateLimit { retry_after }));
    let limited = FakeClaude::install(fake, &Behaviour::UsageLimit);
    let (fakes, reals) = (
        events(&sandbox, &limited, &model),
        events(&sandbox, &real, &model),
    );
    assert_alike(&fakes, &reals);
}

#[test]
fn the_real_one_understands_the_observer() {
    let Some(real) = real_claude() else { return };
    let (sandbox, model) = (Sandbox::new(), FakeModel::start(Vec::new()));
    let said = |events: &[Value]| -> String {
        let texts = events.iter().filter(|event| event["type"] == "assistant");
        texts
            .map(|event| event["message"]["content"][0]["text"].as_str().unwrap())
            .collect()
    };
    let whole = said(&events(&sandbox, &real, &model));
    assert!(whole.ends_with("</summary>"), "{whole}");
    model.queue_faults([Some(Fault::Truncated)]);
    let in_two = events(&sandbox, &real, &model);
    assert_eq!(said(&in_two), whole);
    assert_ne!(in_two.last().unwrap()["result"], whole, "only the rest");
    assert_eq!((model.calls(), model.peak()), (3, 1));

    let before = model.tokens();
    let usage = events(&sandbox, &real, &model).pop().unwrap()["usage"].take();
    let number = |name: &str| usage[name].as_u64().unwrap();
    let mut expected = before;
    expected += TokenTotals {
        input: number("input_tokens"),
        cache_creation: number("cache_creation_input_tokens"),
        cache_read: number("cache_read_input_tokens"),
        output: number("output_tokens"),
    };
    assert_eq!(model.tokens(), expected);
    assert!(number("cache_read_input_tokens") > 0, "{usage}");
}

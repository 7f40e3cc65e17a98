//! One call a turn, and what it brings is what is remembered.

use crate::support::fake_model::Asked;
use crate::support::session_a;

use super::{with_anthropic, with_openai};

#[test]
fn a_recorded_session_takes_one_call_a_turn_in_both_dialects() {
    for (sandbox, model) in [with_anthropic(), with_openai()] {
        for payload in session_a() {
            drop(sandbox.event(&payload));
        }
        sandbox.wait_for_quiet();
        assert_eq!(model.calls(), 3);
        assert_eq!(sandbox.count("SELECT count(*) FROM session_summaries"), 3);
        assert_eq!(
            sandbox.count("SELECT count(*) FROM observations WHERE generated_by_model <> 'local'"),
            3
        );
        // The original needs 367,000 characters for the same session.
        let chars: usize = model.observed().iter().map(Asked::input_chars).sum();
        assert!(chars <= 36_000, "{chars}");
        let used = i64::try_from(model.tokens().total()).unwrap();
        let noted = sandbox.count(
            "SELECT sum(input_tokens + cache_read_tokens + cache_write_tokens + output_tokens)
             FROM usage WHERE outcome = 'ok'",
        );
        assert_eq!(noted, used);
        sandbox.assert_sound();
    }
}

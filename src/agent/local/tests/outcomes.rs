//! What the output of a run says.

use crate::agent::local::command::Class;
use crate::agent::local::outcome::{State, judge};

#[test]
fn the_words_of_a_summary_decide_where_the_exit_code_is_lost() {
    let cases = [
        ("3 failed, 2 passed in 0.1s", State::Failed),
        ("===== 5 passed, 1 warning in 0.1s =====", State::Passed),
        (
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            State::Passed,
        ),
        ("Tests:       1 failed, 5 passed, 6 total", State::Failed),
        ("no errors, all good", State::Unknown),
        ("--- FAIL: TestParse (0.00s)\nFAIL", State::Failed),
        ("ok  \texample.com/x\t0.01s", State::Passed),
        ("FAILED (failures=1)", State::Failed),
        ("100% tests passed, 0 tests failed out of 7", State::Passed),
        ("5 examples, 1 failure", State::Failed),
        (
            "[INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 0\n[INFO] BUILD SUCCESS",
            State::Passed,
        ),
    ];
    for (output, state) in cases {
        assert_eq!(
            judge(Class::Test, output, false, true).state,
            state,
            "{output}"
        );
    }
}

#[test]
fn the_most_telling_message_is_kept() {
    let cases = [
        (
            "e: file:///a/B.kt:17:25 Unresolved reference: X\n* What went wrong:\nExecution failed for task ':c'.",
            "Unresolved reference: X",
        ),
        (
            "thread 'a' panicked at src/lib.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2\nerror: test failed, to rerun pass `--lib`",
            "assertion `left == right` failed (left 1, right 2)",
        ),
        (
            "    def test_a():\n>       assert f(1) == 2\nE       assert 1 == 2\nFAILED tests/test_a.py::test_a - assert 1 == 2",
            "assert 1 == 2",
        ),
        ("Expected: 90\nReceived: 81", "Expected 90, received 81"),
        (
            "npm ERR! code ERESOLVE\nnpm ERR! ERESOLVE unable to resolve dependency tree",
            "ERESOLVE unable to resolve dependency tree",
        ),
        (
            "Exit code 1\n/usr/bin/python3: No module named requests",
            "/usr/bin/python3: No module named requests",
        ),
        (
            "./main.go:7:2: undefined: foo",
            "./main.go:7:2: undefined: foo",
        ),
    ];
    for (output, message) in cases {
        let error = judge(Class::Test, output, true, false).error;
        assert_eq!(error.as_deref(), Some(message), "{output}");
    }
}

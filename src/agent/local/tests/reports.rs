//! What test runners print.

use crate::agent::local::report::{Counts, failing_name};

fn counts(lines: &[&str]) -> (Option<u64>, Option<u64>) {
    let mut counts = Counts::default();
    for line in lines {
        counts.read(line);
    }
    (counts.passed(), counts.failed)
}

#[test]
fn totals_of_many_runners_are_read() {
    let cases: &[(&[&str], Option<u64>, Option<u64>)] = &[
        (
            &["Ran 3 tests in 0.000s", "FAILED (failures=1)"],
            Some(2),
            Some(1),
        ),
        (&["=== 1 failed, 4 passed in 0.12s ==="], Some(4), Some(1)),
        (
            &[
                "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
                "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            ],
            Some(5),
            Some(0),
        ),
        (
            &[
                "Test Suites: 1 failed, 1 passed, 2 total",
                "Tests:       2 failed, 9 passed, 11 total",
            ],
            Some(9),
            Some(2),
        ),
        (&["Tests  1 failed | 5 passed (6)"], Some(5), Some(1)),
        (&["5 passing (12ms)", "1 failing"], Some(5), Some(1)),
        (
            &["Tests run: 5, Failures: 1, Errors: 0, Skipped: 0"],
            Some(4),
            Some(1),
        ),
        (&["# pass 5", "# fail 0"], Some(5), Some(0)),
        (&["OK (5 tests, 10 assertions)"], Some(5), None),
        (&["7 examples, 0 failures"], Some(7), Some(0)),
        (
            &["the server logged 3 errors while starting up"],
            None,
            None,
        ),
    ];
    for (lines, passed, failed) in cases {
        assert_eq!(counts(lines), (*passed, *failed), "{lines:?}");
    }
}

#[test]
fn names_of_failing_tests_are_found() {
    let cases = [
        (
            "FAIL: test_twice (test_invoice.TotalTest.test_twice)",
            "test_twice",
        ),
        (
            "FAILED tests/test_a.py::TestX::test_y - assert 1 == 2",
            "test_y",
        ),
        (
            "test parser::tests::reads_crlf ... FAILED",
            "parser::tests::reads_crlf",
        ),
        ("--- FAIL: TestParse/empty (0.00s)", "TestParse/empty"),
        ("● cart › sums items", "cart › sums items"),
        (
            "FAIL  src/a.test.ts > cart > sums items",
            "cart > sums items",
        ),
        ("✕ sums items (5 ms)", "sums items"),
        ("not ok 2 - sums items", "sums items"),
        ("[  FAILED  ] Cart.Sums (0 ms)", "Cart.Sums"),
        (
            "rspec ./spec/cart_spec.rb:12 # Cart sums items",
            "Cart sums items",
        ),
        ("CartTest > sumsItems FAILED", "CartTest > sumsItems"),
        (
            "[ERROR]   CartTest.sums:12 expected:<1> but was:<2>",
            "CartTest.sums",
        ),
    ];
    for (line, name) in cases {
        assert_eq!(failing_name(line).as_deref(), Some(name), "{line}");
    }
    assert_eq!(failing_name("ERROR: could not open file"), None);
}

use super::*;

#[test]
fn the_lines_that_say_what_is_wrong_are_chosen() {
    let python = "Exit code 1\n..F\nTraceback (most recent call last):\n  File \"/home/x/tests/test_a.py\", line 20, in test_total\n    self.assertEqual(1, 2)\nAssertionError: Decimal('81.00') != 3\n\nFAILED (failures=1)";
    assert_eq!(
        telling_lines(python),
        "AssertionError: Decimal('81.00') != 3\nFAILED (failures=1)"
    );
    assert_eq!(
        telling_lines("Exit code 3\nbefore\nthen\noops"),
        "then\noops"
    );
    assert_eq!(telling_lines(""), "");
}

#[test]
fn what_is_another_the_next_time_is_left_out() {
    assert_eq!(
        without_places("at /home/x/app.rs:12:4 2026-01-02 10:11:12 0x7ffe 0012af in a/b/parse"),
        "at app.rs:12:4     in parse"
    );
    assert_eq!(
        without_places("error[E0502]: cannot"),
        "error[E0502]: cannot"
    );
}

#[test]
fn names_of_errors_are_told_from_words() {
    for (text, expected) in [
        (
            "ModuleNotFoundError: No module named 'x'",
            &["modulenotfounderror"][..],
        ),
        ("error[E0502]: cannot borrow", &["e0502"]),
        ("src/a.ts(3,4): error TS2345: Argument", &["ts2345"]),
        ("connect ECONNREFUSED 127.0.0.1:9", &["econnrefused"]),
        (
            "decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
            &["invalidoperation"],
        ),
        (
            "psycopg2.errors.NotNullViolation: null value",
            &["notnullviolation"],
        ),
        ("AssertionError: 1 != 2", &[]),
        ("ERROR: make failed", &[]),
        ("Exit code 2 in Makefile", &[]),
    ] {
        assert_eq!(names(text), expected, "{text}");
    }
}

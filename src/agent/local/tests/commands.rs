//! Command lines and what sort of work they are.

use crate::agent::local::command::{Class, classify_all};
use crate::agent::local::shell;

fn of(line: &str) -> Vec<(Class, String)> {
    classify_all(&shell::parse(line))
        .into_iter()
        .map(|c| (c.class, c.family))
        .collect()
}

fn top(line: &str) -> (Class, String) {
    of(line).into_iter().max_by_key(|c| c.0).unwrap()
}

#[test]
fn runners_are_recognised_through_wrappers() {
    let cases = [
        (
            "cd app && python3 -m pytest -q tests 2>&1 | tail -3",
            Class::Test,
            "pytest",
        ),
        ("timeout 60 uv run pytest", Class::Test, "pytest"),
        ("CI=1 npx jest src/a.test.ts", Class::Test, "jest"),
        ("./node_modules/.bin/vitest run", Class::Test, "vitest"),
        ("cargo +nightly test -p x", Class::Test, "cargo test"),
        (
            "npm run test:unit -- --watch=false",
            Class::Test,
            "npm run test:unit",
        ),
        ("yarn lint", Class::Lint, "yarn run lint"),
        ("./gradlew :app:test", Class::Test, "gradlew :app:test"),
        ("make -j4 check", Class::Test, "make check"),
        ("bash -lc 'go test ./...'", Class::Test, "go test"),
        (
            "python3 -m billing.report --json",
            Class::Run,
            "python -m billing.report",
        ),
        ("sudo apt-get install -y jq", Class::Install, "apt-get"),
        ("bundle exec rspec spec/a_spec.rb", Class::Test, "rspec"),
        ("npx tsc --noEmit", Class::Build, "tsc"),
    ];
    for (line, class, family) in cases {
        assert_eq!(top(line), (class, family.to_owned()), "{line}");
    }
}

#[test]
fn reading_a_log_of_tests_runs_none() {
    assert_eq!(top("cat pytest.log | grep FAILED").0, Class::Look);
    assert_eq!(top("grep -rn 'cargo test' .").0, Class::Look);
    assert_eq!(top("sed -i s/a/b/ x.py").0, Class::Files);
}

#[test]
fn labels_are_told_as_they_were_typed() {
    let label = |line: &str| classify_all(&shell::parse(line)).remove(0).label;
    assert_eq!(
        label("python3 -c \"print(div(1, 0))\""),
        "python3 -c \"print(div(1, 0))\""
    );
    assert_eq!(label("pytest -k 'a or b' -q"), "pytest -k \"a or b\" -q");
    assert_eq!(
        label("python - <<'PY'\nprint(1)\nPY"),
        "inline python script"
    );
}

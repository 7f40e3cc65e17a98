//! What sort of file a path names, by its name alone.

use std::path::Path;

/// Whether a path is a program's text, by its ending.
pub(super) fn is_code(path: &str) -> bool {
    !is_prose(path) && !is_config(path)
}

pub(super) fn is_prose(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    if is_list_of_dependencies(&lower) {
        return false;
    }
    [".md", ".mdx", ".rst", ".txt", ".adoc", ".markdown"]
        .iter()
        .any(|end| lower.ends_with(end))
        || lower.rsplit('/').next().is_some_and(|name| {
            ["readme", "license", "changelog", "contributing", "authors"].contains(&name)
        })
}

pub(super) fn is_config(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    [
        ".json",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".cfg",
        ".conf",
        ".env",
        ".lock",
        ".xml",
        ".properties",
        ".csv",
        ".gradle",
        ".sum",
        ".mod",
        ".plist",
        ".editorconfig",
        ".service",
        ".tf",
        ".tfvars",
        ".svg",
        ".snap",
    ]
    .iter()
    .any(|end| name.ends_with(end))
        || name.starts_with('.')
        || name.starts_with("dockerfile")
        || is_list_of_dependencies(&lower)
        || matches!(
            name,
            "makefile" | "justfile" | "procfile" | "gemfile" | "cargo.lock"
        )
}

/// Python's lists of dependencies are text files by their name alone.
pub(super) fn is_list_of_dependencies(lower: &str) -> bool {
    let name = lower.rsplit('/').next().unwrap_or(lower);
    let named = name.starts_with("requirements") || name.starts_with("constraints");
    let text = Path::new(name).extension().is_some_and(|e| e == "txt");
    (named && text) || name == "cmakelists.txt"
}

/// Whether a path belongs to tests.
pub(super) fn is_test_path(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let stem = name.split('.').next().unwrap_or(name);
    lower.split('/').rev().skip(1).any(|dir| {
        matches!(
            dir,
            "test" | "tests" | "spec" | "specs" | "__tests__" | "e2e"
        )
    }) || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_spec")
        || name.contains(".test.")
        || name.contains(".spec.")
        || path.rsplit('/').next().is_some_and(|n| {
            n.split('.')
                .next()
                .is_some_and(|s| s.ends_with("Test") || s.ends_with("Tests") || s.ends_with("Spec"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        for test in [
            "src/a.test.ts",
            "tests/x.py",
            "src/FooTest.java",
            "pkg/a_test.go",
            "spec/a_spec.rb",
        ] {
            assert!(is_test_path(test), "{test}");
        }
        for other in ["src/latest.py", "src/contest.rs", "attest/a.go"] {
            assert!(!is_test_path(other), "{other}");
        }
        assert!(
            is_config("package.json")
                && is_config("requirements-dev.txt")
                && !is_prose("requirements.txt")
                && is_config("Dockerfile")
                && is_config(".github/workflows/ci.yml")
        );
        assert!(
            is_prose("docs/a.md")
                && is_prose("LICENSE")
                && is_code("src/a.rs")
                && !is_code("a.toml")
        );
    }
}

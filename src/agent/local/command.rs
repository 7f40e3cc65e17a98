//! Says what sort of work a program call is, and which calls are equivalent.

use std::borrow::Cow;

use super::programs::{FILES, LOOK, SUBCOMMANDS, TASKS, TESTERS};
use super::shell::{self, Link, Simple};

/// What sort of work a program call does, the telling ones last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Looks at something or moves around; proves nothing.
    Look,
    /// Version control.
    Git,
    /// Moves, copies or removes files.
    Files,
    /// Rewrites code by a formatter.
    Format,
    /// Runs a program of the project or talks to a service.
    Run,
    /// Brings a tool, a library or a service into place.
    Install,
    /// Checks code without running it.
    Lint,
    /// Compiles or packs.
    Build,
    /// Runs tests.
    Test,
}

/// A program call that was understood.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) class: Class,
    /// Calls of one family do the same work on maybe other parts: `pytest`,
    /// `cargo test`, `npm run build`.
    pub(super) family: String,
    /// Runners of one ecosystem stand for each other: `npm test` for `jest`.
    pub(super) ecosystem: &'static str,
    /// The call as a person would type it.
    pub(super) label: String,
    /// Environment assignments of the call.
    pub(super) env: Vec<String>,
    /// The program and its arguments, wrappers removed.
    pub(super) words: Vec<String>,
}

/// Understands every program call of a parsed line.
pub(super) fn classify_all(line: &[Simple]) -> Vec<Command> {
    line.iter()
        .enumerate()
        .flat_map(|(i, simple)| {
            let piped = i > 0 && line[i - 1].link == Link::Pipe;
            classify(simple, piped)
        })
        .collect()
}

fn classify(simple: &Simple, piped: bool) -> Vec<Command> {
    let mut env = simple.env.clone();
    let words = unwrap(&simple.words, &mut env);
    if words.is_empty() {
        // A line of assignments only, such as `export X=1` without export.
        return Vec::new();
    }
    if let Some(inner) = inner_script(&words) {
        return classify_all(&shell::parse(&inner));
    }
    let program = program_name(&words[0]);
    let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let (class, family, ecosystem) = if piped && is_filter(&program) {
        (Class::Look, program, "")
    } else {
        identify(&program, &args)
    };
    vec![Command {
        class,
        family,
        ecosystem,
        label: label(simple),
        env,
        words,
    }]
}

/// Programs that start other programs, with how many words of their own follow.
fn unwrap(words: &[String], env: &mut Vec<String>) -> Vec<String> {
    let mut rest = words;
    loop {
        let Some(first) = rest.first() else {
            return Vec::new();
        };
        let second = rest.get(1).map_or("", String::as_str);
        let skip = match (program_name(first).as_str(), second) {
            (
                "sudo" | "time" | "nohup" | "command" | "exec" | "npx" | "bunx" | "pnpx"
                | "xvfb-run" | "nice" | "stdbuf" | "cross-env" | "dotenv" | "env" | "doas"
                | "timeout" | "gtimeout",
                _,
            ) => 1,
            (
                "uv" | "poetry" | "pipenv" | "pdm" | "hatch" | "rye" | "dotenvx" | "doppler",
                "run",
            )
            | ("pnpm" | "yarn" | "npm" | "bundle", "exec" | "dlx") => 2,
            _ => {
                // Nothing wraps any more, apart from interpreters of modules.
                return module_call(rest);
            }
        };
        rest = skip_options(
            &rest[skip.min(rest.len())..],
            env,
            program_name(first) == "timeout",
        );
    }
}

fn skip_options<'a>(mut rest: &'a [String], env: &mut Vec<String>, duration: bool) -> &'a [String] {
    while let Some(word) = rest.first() {
        let digits = duration && word.starts_with(|c: char| c.is_ascii_digit());
        let assignment = word.contains('=') && !word.starts_with('-') && !word.contains('/');
        if assignment {
            env.push(word.clone());
        }
        if !(word.starts_with('-') || digits || assignment) {
            break;
        }
        rest = &rest[1..];
    }
    rest
}

/// `python3 -W error -m pytest x` becomes `pytest x`.
fn module_call(words: &[String]) -> Vec<String> {
    let program = program_name(&words[0]);
    if program.starts_with("python")
        && let Some(at) = words.iter().position(|w| w == "-m")
        && words[1..at]
            .iter()
            .all(|w| w.starts_with('-') || w == "error")
        && let Some(module) = words.get(at + 1)
    {
        if MODULES.contains(&module.as_str()) {
            return words[at + 1..].to_vec();
        }
        let mut kept = vec!["python".to_owned(), "-m".to_owned()];
        kept.extend_from_slice(&words[at + 1..]);
        return kept;
    }
    words.to_vec()
}

const MODULES: &[&str] = &[
    "pytest", "unittest", "pip", "mypy", "ruff", "black", "flake8", "pylint", "isort", "nose2",
    "tox", "nox", "coverage", "build", "venv",
];

/// The script of `bash -c '…'`.
fn inner_script(words: &[String]) -> Option<String> {
    let shell = matches!(
        program_name(&words[0]).as_str(),
        "bash" | "sh" | "zsh" | "dash"
    );
    let flag = words.get(1)?;
    (shell && flag.starts_with('-') && flag.ends_with('c')).then(|| words.get(2).cloned())?
}

fn program_name(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    if name.starts_with("python") && name.chars().skip(6).all(|c| c.is_ascii_digit() || c == '.') {
        return "python".to_owned();
    }
    name.to_owned()
}

fn is_filter(program: &str) -> bool {
    matches!(
        program,
        "tail"
            | "head"
            | "grep"
            | "egrep"
            | "rg"
            | "sed"
            | "awk"
            | "tee"
            | "cat"
            | "sort"
            | "uniq"
            | "wc"
            | "cut"
            | "tr"
            | "jq"
            | "less"
            | "more"
            | "xargs"
            | "column"
            | "nl"
    )
}

type Identity = (Class, String, &'static str);

fn identify(program: &str, args: &[&str]) -> Identity {
    let sub = args
        .iter()
        .find(|a| !a.starts_with(['-', '+']))
        .copied()
        .unwrap_or("");
    let two = format!("{program} {sub}");
    if LOOK.contains(&program) {
        let in_place = program == "sed"
            && args
                .iter()
                .any(|a| a.starts_with("-i") || *a == "--in-place");
        let class = if in_place { Class::Files } else { Class::Look };
        return (class, program.to_owned(), "");
    }
    if FILES.contains(&program) {
        return (Class::Files, program.to_owned(), "");
    }
    if let Some(&(_, ecosystem)) = TESTERS.iter().find(|(name, _)| *name == program) {
        return (Class::Test, program.to_owned(), ecosystem);
    }
    if let Some(identity) = direct(program, args) {
        return identity;
    }
    if matches!(program, "npm" | "pnpm" | "yarn" | "bun" | "deno") {
        return javascript(program, sub, args);
    }
    if let Some(&(_, class, ecosystem)) = SUBCOMMANDS.iter().find(|(name, ..)| *name == two) {
        return (class, two, ecosystem);
    }
    if let Some(&(_, ecosystem)) = TASKS.iter().find(|(name, _)| *name == program) {
        return task(program, args, ecosystem);
    }
    script(program, sub, args)
}

fn direct(program: &str, args: &[&str]) -> Option<Identity> {
    let check = args
        .iter()
        .any(|a| matches!(*a, "--check" | "-c" | "--list-different" | "--diff"));
    let class = match program {
        "git" | "gh" | "hub" | "glab" | "jj" | "hg" | "svn" => Class::Git,
        "tsc" | "vue-tsc" | "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++" | "rustc"
        | "javac" | "kotlinc" | "webpack" | "rollup" | "esbuild" | "tsup" | "turbo" | "nx"
        | "cmake" | "ghc" | "elm" | "protoc" | "vite" | "next" => Class::Build,
        "eslint" | "mypy" | "pyright" | "flake8" | "pylint" | "golangci-lint" | "staticcheck"
        | "rubocop" | "shellcheck" | "hadolint" | "clang-tidy" | "stylelint" | "ktlint"
        | "detekt" | "swiftlint" | "markdownlint" | "yamllint" | "actionlint" | "bandit"
        | "phpstan" | "credo" | "oxlint" | "semgrep" | "cargo-deny" | "knip" => Class::Lint,
        "prettier" | "black" | "isort" | "rustfmt" | "gofmt" | "goimports" | "clang-format"
        | "autopep8" | "dprint" | "shfmt" => {
            if check {
                Class::Lint
            } else {
                Class::Format
            }
        }
        "ruff" | "biome" => {
            if args.contains(&"format") {
                Class::Format
            } else {
                Class::Lint
            }
        }
        "pip" | "pip3" | "apt" | "apt-get" | "brew" | "apk" | "dnf" | "yum" | "pacman" | "gem"
        | "conda" | "mamba" | "nvm" | "rustup" | "asdf" | "volta" | "corepack" | "fnm"
        | "pyenv" | "mise" | "sdk" | "pipx" | "export" | "source" | "." | "systemctl"
        | "service" | "createdb" | "ulimit" | "venv" => Class::Install,
        _ => return None,
    };
    Some((class, program.to_owned(), ""))
}

fn javascript(program: &str, sub: &str, args: &[&str]) -> Identity {
    let named = args
        .iter()
        .skip_while(|a| **a != sub)
        .nth(1)
        .copied()
        .unwrap_or("");
    let (class, name) = match sub {
        "test" | "t" | "tst" => (Class::Test, "test".to_owned()),
        "install" | "i" | "ci" | "add" | "" | "rebuild" | "update" | "upgrade" | "dedupe" => {
            (Class::Install, "install".to_owned())
        }
        "run" | "run-script" | "task" => (script_class(named), format!("run {named}")),
        "fmt" => (Class::Format, "fmt".to_owned()),
        "audit" | "check" => (Class::Lint, sub.to_owned()),
        "ls" | "list" | "view" | "outdated" | "why" | "config" | "info" | "-v" => {
            (Class::Look, sub.to_owned())
        }
        other => (script_class(other), format!("run {other}")),
    };
    (class, format!("{program} {name}"), "js")
}

/// The class of a named script or target, by the words in its name.
fn script_class(name: &str) -> Class {
    let lower = name.to_lowercase();
    let is = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    if is(&["lint", "eslint", "style"]) {
        Class::Lint
    } else if is(&["format", "fmt", "prettier"]) {
        Class::Format
    } else if is(&[
        "typecheck",
        "type-check",
        "tsc",
        "build",
        "compile",
        "bundle",
    ]) {
        Class::Build
    } else if is(&[
        "test", "spec", "e2e", "check", "verify", "jest", "vitest", "cypress",
    ]) {
        Class::Test
    } else if is(&["install", "deps", "setup", "bootstrap"]) {
        Class::Install
    } else {
        Class::Run
    }
}

/// Task runners take the class of their most telling target.
fn task(program: &str, args: &[&str], ecosystem: &'static str) -> Identity {
    let targets: Vec<&str> = args
        .iter()
        .filter(|a| !a.starts_with('-') && !a.contains('='))
        .copied()
        .collect();
    let best = targets
        .iter()
        .copied()
        .max_by_key(|t| script_class(t))
        .unwrap_or("");
    let mut class = script_class(best);
    if class == Class::Run && !matches!(program, "just" | "task" | "rake") {
        class = Class::Build;
    }
    (
        class,
        format!("{program} {best}").trim_end().to_owned(),
        ecosystem,
    )
}

/// A script, a binary of the project or a client of a service.
fn script(program: &str, sub: &str, args: &[&str]) -> Identity {
    if program == "python" && args.first() == Some(&"-m") {
        let module = args.get(1).copied().unwrap_or("");
        return (Class::Run, format!("python -m {module}"), "python");
    }
    if program == "python"
        && args.iter().any(|a| a.ends_with("manage.py"))
        && args.contains(&"test")
    {
        return (Class::Test, "manage.py test".to_owned(), "python");
    }
    if program == "node" && args.contains(&"--test") {
        return (Class::Test, "node --test".to_owned(), "js");
    }
    let runs_file = matches!(
        program,
        "python"
            | "node"
            | "ruby"
            | "php"
            | "perl"
            | "bash"
            | "sh"
            | "deno"
            | "ts-node"
            | "tsx"
            | "java"
    );
    let file = sub.rsplit('/').next().unwrap_or(sub);
    let subject = if runs_file { file } else { program };
    let test = subject.contains("test") || subject.contains("spec.");
    let class = if test { Class::Test } else { Class::Run };
    let family = if sub.is_empty() || sub.contains(char::is_whitespace) {
        program.to_owned()
    } else {
        format!("{program} {sub}")
    };
    (class, family, "")
}

/// The call as a person would type it, bounded.
fn label(simple: &Simple) -> String {
    let words = &simple.words;
    let interpreter = matches!(
        program_name(&words[0]).as_str(),
        "python" | "node" | "ruby" | "perl" | "bash" | "sh" | "php"
    );
    if interpreter && matches!(words[1..].first().map(String::as_str), None | Some("-")) {
        return format!("inline {} script", words[0]);
    }
    let mut out = String::new();
    for word in words {
        let word = word.trim();
        if word.contains('\n') || word.chars().count() > 80 {
            out.push_str(" …");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&quoted(word));
        if out.chars().count() > 70 {
            out.push_str(" …");
            break;
        }
    }
    out
}

/// A word as it has to be typed: in quotes where it has spaces.
fn quoted(word: &str) -> Cow<'_, str> {
    if !word.contains([' ', ';', '|', '&', '\t']) {
        Cow::Borrowed(word)
    } else if word.contains('"') {
        Cow::Owned(format!("'{word}'"))
    } else {
        Cow::Owned(format!("\"{word}\""))
    }
}

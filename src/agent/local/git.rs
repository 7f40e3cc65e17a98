//! What a call of git says about the work: a commit's message, files moved,
//! changes taken back.

use super::shell::Simple;
use super::text;

/// A commit that was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Commit {
    pub(super) sha: Option<String>,
    /// First line of the message, as it was written.
    pub(super) subject: String,
    /// The rest of the message.
    pub(super) body: String,
}

/// What a git call did.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Commit(Commit),
    Move(String, String),
    Remove(Vec<String>),
    /// Files whose changes were thrown away; empty for all files.
    Revert(Vec<String>),
    /// Files that the next commit takes; empty for all files.
    Stage(Vec<String>),
    Nothing,
}

/// Understands one git call, given all that its command line printed.
pub(super) fn deed(simple: &Simple, output: &str, failed: bool) -> Deed {
    let Some((sub, args)) = subcommand(&simple.words) else {
        return Deed::Nothing;
    };
    let files = || -> Vec<String> {
        args.iter()
            .filter(|a| !a.starts_with('-') && !matches!(a.as_str(), "." | "HEAD"))
            .cloned()
            .collect()
    };
    match sub {
        "commit" if !failed => commit(args, simple.heredoc.as_deref(), output),
        "mv" => match files().as_slice() {
            [from, to] => Deed::Move(from.clone(), to.clone()),
            _ => Deed::Nothing,
        },
        "rm" if !args.iter().any(|a| a == "--cached") => Deed::Remove(files()),
        "add" => Deed::Stage(files()),
        "restore" if args.iter().any(|a| a == "--staged") => Deed::Nothing,
        "restore" => Deed::Revert(files()),
        "checkout" if args.iter().any(|a| a == "--" || a == ".") => Deed::Revert(files()),
        // `git checkout file` and `git checkout branch` look alike; a name
        // with a dot in it is a file far more often.
        "checkout" if args.len() == 1 && args[0].contains('.') => Deed::Revert(files()),
        "reset" if args.iter().any(|a| a == "--hard") => Deed::Revert(Vec::new()),
        "stash"
            if args
                .first()
                .is_none_or(|a| matches!(a.as_str(), "push" | "save" | "-u")) =>
        {
            Deed::Revert(Vec::new())
        }
        _ => Deed::Nothing,
    }
}

fn subcommand(words: &[String]) -> Option<(&str, &[String])> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word.as_str() {
            "-c" | "-C" | "--git-dir" | "--work-tree" => at += 2,
            option if option.starts_with('-') => at += 1,
            sub => return Some((sub, &words[at + 1..])),
        }
    }
    None
}

fn commit(args: &[String], heredoc: Option<&str>, output: &str) -> Deed {
    if output.contains("nothing to commit") || output.contains("no changes added to commit") {
        return Deed::Nothing;
    }
    let mut parts = messages(args);
    if parts.is_empty()
        && let Some(body) = heredoc
    {
        parts.push(body.to_owned());
    }
    let message = parts.join("\n\n");
    let mut lines = message.lines().map(str::trim).skip_while(|l| l.is_empty());
    let mut subject = lines.next().unwrap_or("").to_owned();
    let body: Vec<&str> = lines.filter(|l| !is_trailer(l)).collect();
    let printed = printed(output, &subject);
    if subject.is_empty() {
        subject = printed.as_ref().map(|(_, s)| s.clone()).unwrap_or_default();
    }
    if subject.is_empty() {
        return Deed::Nothing;
    }
    Deed::Commit(Commit {
        sha: printed.map(|(sha, _)| sha),
        subject: text::squeeze(&subject),
        body: body.join("\n").trim().to_owned(),
    })
}

fn is_trailer(line: &str) -> bool {
    [
        "Co-Authored-By:",
        "Co-authored-by:",
        "Signed-off-by:",
        "Generated with",
        "🤖",
    ]
    .iter()
    .any(|mark| line.contains(mark))
}

/// Values of `-m`, `-am`, `-qam`, `-mtext`, `--message=text`.
fn messages(args: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        at += 1;
        let value = if let Some(value) = arg.strip_prefix("--message=") {
            Some(value.to_owned())
        } else if arg == "--message" || (is_cluster(arg) && arg.ends_with('m')) {
            at += 1;
            args.get(at - 1).cloned()
        } else if is_cluster(arg) {
            arg.split_once('m').map(|(_, value)| value.to_owned())
        } else {
            None
        };
        out.extend(value.map(|v| substituted(&v)));
    }
    out
}

/// A group of short options; `--amend` and file names are none.
fn is_cluster(arg: &str) -> bool {
    arg.starts_with('-')
        && !arg.starts_with("--")
        && arg
            .split('m')
            .next()
            .is_some_and(|flags| flags[1..].chars().all(|c| "aqsvnSe".contains(c)))
        && arg.contains('m')
}

/// The text of `$(cat <<'EOF' … EOF)`, or the value itself.
fn substituted(value: &str) -> String {
    let Some((_, rest)) = value.split_once("<<") else {
        return value.to_owned();
    };
    if !value.trim_start().starts_with("$(") {
        return value.to_owned();
    }
    let Some((delimiter, body)) = rest.split_once('\n') else {
        return value.to_owned();
    };
    let delimiter = delimiter.trim().trim_matches(['\'', '"', '-', '\\']);
    let lines: Vec<&str> = body
        .lines()
        .take_while(|line| line.trim() != delimiter)
        .collect();
    lines.join("\n")
}

/// The abbreviated hash and subject that git prints: `[main 1a2b3c4] Subject`,
/// or `1a2b3c4 Subject` of a log that follows.
fn printed(output: &str, subject: &str) -> Option<(String, String)> {
    for line in output.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix('[')
            && let Some((place, printed)) = rest.split_once("] ")
            && let Some(sha) = place.rsplit(' ').next()
            && is_sha(sha)
        {
            return Some((sha.to_owned(), printed.to_owned()));
        }
        if let Some((sha, rest)) = line.split_once(' ')
            && is_sha(sha)
            && !subject.is_empty()
            && rest.ends_with(subject)
        {
            return Some((sha.to_owned(), subject.to_owned()));
        }
    }
    None
}

fn is_sha(word: &str) -> bool {
    (7..=40).contains(&word.len()) && word.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::local::shell;

    fn committed(command: &str, output: &str) -> Option<Commit> {
        shell::parse(command)
            .iter()
            .find_map(|simple| match deed(simple, output, false) {
                Deed::Commit(commit) => Some(commit),
                _ => None,
            })
    }

    #[test]
    fn messages_are_read_in_every_form() {
        let cases = [
            ("git commit -m 'Guard div'", "Guard div"),
            ("git -c user.name=D commit -qam 'Guard div'", "Guard div"),
            (
                "git commit --message=\"Guard div\" --no-verify",
                "Guard div",
            ),
            (
                "git commit -m \"$(cat <<'EOF'\nGuard div\n\nBody (one).\nEOF\n)\"",
                "Guard div",
            ),
            (
                "git commit -F - <<'EOF'\nGuard div\n\nBody\nEOF",
                "Guard div",
            ),
            ("git commit -m 'Guard div' -m 'Body'", "Guard div"),
        ];
        for (command, subject) in cases {
            let commit = committed(command, "").unwrap_or_default();
            assert_eq!(commit.subject, subject, "{command}");
        }
    }

    #[test]
    fn the_hash_is_taken_from_what_git_printed() {
        let first = committed(
            "git commit -m x1",
            "[main (root-commit) 1a2b3c4] x1\n 1 file changed",
        )
        .unwrap();
        assert_eq!(first.sha.as_deref(), Some("1a2b3c4"));
        let second = committed("git commit -qm x1 && git log --oneline -1", "2549112 x1").unwrap();
        assert_eq!(second.sha.as_deref(), Some("2549112"));
        assert!(committed("git commit -m x1", "nothing to commit, working tree clean").is_none());
        assert!(committed("git commit --amend --no-edit", "").is_none());
    }
}

//! What kind of work a shell command is, by the names of its programs.

/// How much a command's output can matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Finding one's way about: nothing that a memory could use.
    Routine,
    /// Reading and searching.
    Look,
    /// Anything else: it may build, test or change something.
    Act,
}

/// The kind of work that a command line does: that of its most telling part.
pub(super) fn work(command: &str) -> Work {
    if command.contains("<<") || command.contains("$(") || writes(command) {
        return Work::Act;
    }
    command
        .split(['\n', ';', '|', '&'])
        .filter(|part| !part.trim().is_empty())
        .map(part)
        .max()
        .unwrap_or(Work::Routine)
}

/// Whether output goes into a file.
fn writes(command: &str) -> bool {
    command.match_indices('>').any(|(at, _)| {
        let rest = command[at + 1..].trim_start_matches('>').trim_start();
        !(rest.starts_with("/dev/null") || rest.starts_with('&'))
    })
}

fn part(part: &str) -> Work {
    let mut words = part.split_whitespace().skip_while(|word| {
        word.contains('=') || matches!(*word, "time" | "command" | "sudo" | "env")
    });
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or(program);
    match program {
        "ls" | "pwd" | "cd" | "echo" | "printf" | "which" | "whoami" | "date" | "true"
        | "clear" | "type" | "sleep" | "uname" | "hostname" | "tree" | "du" | "df" | "wc"
        | "sort" | "uniq" | "export" | "1" | "2" | "" => Work::Routine,
        "cat" | "head" | "tail" | "less" | "more" | "grep" | "egrep" | "rg" | "ag" | "fd"
        | "stat" | "file" | "ps" | "cut" | "nl" | "bat" | "diff" | "jq" | "column" | "tr" => {
            Work::Look
        }
        "sed" | "perl" => unless_it(words.any(|word| word.starts_with("-i"))),
        "find" => {
            unless_it(words.any(|word| matches!(word, "-delete" | "-exec" | "-execdir" | "-ok")))
        }
        "git" => git(words),
        _ => Work::Act,
    }
}

fn git<'a>(mut words: impl Iterator<Item = &'a str>) -> Work {
    let verb = loop {
        match words.next() {
            Some("-C" | "-c") => drop(words.next()),
            Some(word) if word.starts_with('-') => {}
            other => break other.unwrap_or_default(),
        }
    };
    match verb {
        "status" | "branch" | "remote" | "fetch" | "rev-parse" | "" => Work::Routine,
        "log" | "diff" | "show" | "blame" | "grep" | "ls-files" | "describe" | "shortlog" => {
            Work::Look
        }
        _ => Work::Act,
    }
}

/// The work of a program that mostly reads.
fn unless_it(changes: bool) -> Work {
    if changes { Work::Act } else { Work::Look }
}

#[cfg(test)]
mod tests {
    use super::{Work, work};

    #[test]
    fn commands_are_told_apart() {
        for command in [
            "ls",
            "pwd && ls -la src | wc -l",
            "git status --short",
            "cd /x; git -C /y status",
            "echo hi 2>/dev/null",
            "which python3 2>&1",
        ] {
            assert_eq!(work(command), Work::Routine, "{command}");
        }
        for command in [
            "cat a.rs",
            "grep -rn foo . | head -5",
            "sed -n 1,20p a",
            "git log --oneline -5",
            "ls && git diff 2>&1",
            "find . -name '*.rs'",
        ] {
            assert_eq!(work(command), Work::Look, "{command}");
        }
        for command in [
            "cargo test 2>&1 | tail -5",
            "echo x > a",
            "cat <<EOF > a\nx\nEOF",
            "git commit -qm 'ls' && git log -1",
            "sed -i s/a/b/ x",
            "find . -delete",
            "RUST_LOG=1 make",
            "git checkout app/sender.py",
            "python3 -c 'print(1)'",
        ] {
            assert_eq!(work(command), Work::Act, "{command}");
        }
    }
}

//! Reads shell command lines far enough to know which programs ran.
//!
//! This is no shell: nothing is expanded. Quotes, substitutions, here
//! documents, pipes and redirects are recognised so that words inside them are
//! not taken for commands.

/// Longest part of a command line that is read, in characters. Commands are
/// short; what makes them long is the text of here documents.
const MAX_COMMAND: usize = 20_000;

/// How a simple command is tied to the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    End,
    And,
    Or,
    Pipe,
    Then,
}

/// One program call of a command line.
#[derive(Debug, Clone)]
pub(super) struct Simple {
    /// Assignments before the program, such as `NODE_ENV=test`.
    pub(super) env: Vec<String>,
    /// The program and its arguments, without quotes.
    pub(super) words: Vec<String>,
    /// Files that output is redirected to.
    pub(super) writes: Vec<String>,
    /// Text of a here document.
    pub(super) heredoc: Option<String>,
    /// What follows.
    pub(super) link: Link,
}

/// Splits a command line into its program calls.
pub(super) fn parse(command: &str) -> Vec<Simple> {
    let chars: Vec<char> = command.chars().take(MAX_COMMAND).collect();
    let mut parser = Parser {
        chars,
        at: 0,
        word: String::new(),
        in_word: false,
        redirect: false,
        current: empty(),
        done: Vec::new(),
        heredocs: Vec::new(),
    };
    parser.run();
    parser.done
}

fn empty() -> Simple {
    Simple {
        env: Vec::new(),
        words: Vec::new(),
        writes: Vec::new(),
        heredoc: None,
        link: Link::End,
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    word: String,
    in_word: bool,
    redirect: bool,
    current: Simple,
    done: Vec<Simple>,
    /// Delimiters of here documents that begin at the next line, with the
    /// index of their command.
    heredocs: Vec<(String, usize)>,
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => self.escape(),
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '`' => self.backtick(),
                '$' if self.peek(1) == Some('(') => self.substitution(),
                '#' if !self.in_word => self.comment(),
                '<' if self.peek(1) == Some('<') && self.peek(2) != Some('<') => {
                    self.heredoc_start();
                }
                '>' => self.output_redirect(),
                '\n' => self.newline(),
                '<' | ' ' | '\t' | '\r' => {
                    self.end_word();
                    self.at += 1;
                }
                '&' if self.peek(1) == Some('>') => self.at += 1,
                '&' | '|' | ';' | '(' | ')' => self.operator(c),
                _ => {
                    self.word.push(c);
                    self.in_word = true;
                    self.at += 1;
                }
            }
        }
        self.end_command(Link::End);
    }

    fn escape(&mut self) {
        match self.peek(1) {
            Some('\n') | None => {}
            Some(next) => {
                self.word.push(next);
                self.in_word = true;
            }
        }
        self.at += 2;
    }

    fn single_quoted(&mut self) {
        self.in_word = true;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == '\'' {
                break;
            }
            self.word.push(c);
        }
    }

    fn double_quoted(&mut self) {
        self.in_word = true;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    break;
                }
                '\\' => {
                    if let Some(next) = self.peek(1) {
                        if !matches!(next, '"' | '\\' | '$' | '`' | '\n') {
                            self.word.push('\\');
                        }
                        self.word.push(next);
                    }
                    self.at += 2;
                }
                '$' if self.peek(1) == Some('(') => self.substitution(),
                _ => {
                    self.word.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn backtick(&mut self) {
        self.in_word = true;
        self.at += 1;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == '`' {
                break;
            }
            self.word.push(c);
        }
    }

    /// Copies `$(…)` as it stands. A here document inside may hold quotes and
    /// brackets that mean nothing, so its lines are skipped up to the delimiter.
    fn substitution(&mut self) {
        self.in_word = true;
        let mut depth = 0usize;
        while let Some(c) = self.peek(0) {
            self.word.push(c);
            self.at += 1;
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                '<' if self.peek(0) == Some('<') => self.inner_heredoc(),
                '\'' | '"' => self.copy_until(c),
                _ => {}
            }
        }
    }

    fn copy_until(&mut self, end: char) {
        while let Some(c) = self.peek(0) {
            self.word.push(c);
            self.at += 1;
            if c == end {
                return;
            }
        }
    }

    fn inner_heredoc(&mut self) {
        self.word.push('<');
        self.at += 1;
        let delimiter = self.delimiter();
        self.word.push_str(&delimiter);
        self.copy_until('\n');
        let body = self.heredoc_body(&delimiter);
        self.word.push_str(&body);
        self.word.push('\n');
        self.word.push_str(&delimiter);
    }

    fn delimiter(&mut self) -> String {
        while matches!(self.peek(0), Some('-' | ' ')) {
            self.at += 1;
        }
        let mut delimiter = String::new();
        while let Some(c) = self.peek(0) {
            match c {
                '\'' | '"' | '\\' => {}
                c if c.is_alphanumeric() || c == '_' => delimiter.push(c),
                _ => break,
            }
            self.at += 1;
        }
        delimiter
    }

    fn heredoc_body(&mut self, delimiter: &str) -> String {
        let mut body = String::new();
        while self.at < self.chars.len() {
            let end = self.chars[self.at..]
                .iter()
                .position(|&c| c == '\n')
                .map_or(self.chars.len(), |n| self.at + n);
            let line: String = self.chars[self.at..end].iter().collect();
            self.at = (end + 1).min(self.chars.len());
            if line.trim() == delimiter {
                break;
            }
            body.push_str(&line);
            body.push('\n');
        }
        body
    }

    fn comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn heredoc_start(&mut self) {
        self.end_word();
        self.at += 2;
        let delimiter = self.delimiter();
        if !delimiter.is_empty() {
            self.heredocs.push((delimiter, self.done.len()));
        }
    }

    fn output_redirect(&mut self) {
        // A digit right before `>` is a descriptor, not a word.
        if self.word.chars().all(|c| c.is_ascii_digit()) {
            self.word.clear();
            self.in_word = false;
        }
        self.end_word();
        self.at += 1;
        if matches!(self.peek(0), Some('>' | '|')) {
            self.at += 1;
        }
        if self.peek(0) == Some('&') {
            self.at += 1;
            while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
            }
            return;
        }
        self.redirect = true;
    }

    fn newline(&mut self) {
        self.at += 1;
        self.end_command(Link::Then);
        for (delimiter, index) in std::mem::take(&mut self.heredocs) {
            let body = self.heredoc_body(&delimiter);
            if let Some(simple) = self.done.get_mut(index) {
                simple.heredoc = Some(body);
            }
        }
    }

    fn operator(&mut self, c: char) {
        self.at += 1;
        let doubled = self.peek(0) == Some(c);
        let link = match c {
            '&' if doubled => Link::And,
            '|' if doubled => Link::Or,
            '|' => Link::Pipe,
            _ => Link::Then,
        };
        if doubled || (c == '|' && self.peek(0) == Some('&')) {
            self.at += 1;
        }
        self.end_command(link);
    }

    fn end_word(&mut self) {
        if !self.in_word {
            return;
        }
        self.in_word = false;
        let word = std::mem::take(&mut self.word);
        if self.redirect {
            self.redirect = false;
            self.current.writes.push(word);
        } else if self.current.words.is_empty() && is_assignment(&word) {
            self.current.env.push(word);
        } else if !(self.current.words.is_empty() && is_reserved(&word)) {
            self.current.words.push(word);
        }
    }

    fn end_command(&mut self, link: Link) {
        self.end_word();
        self.redirect = false;
        let current = std::mem::replace(&mut self.current, empty());
        if current.words.is_empty() && current.env.is_empty() && current.writes.is_empty() {
            return;
        }
        self.done.push(Simple { link, ..current });
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "if" | "then"
            | "else"
            | "elif"
            | "fi"
            | "do"
            | "done"
            | "while"
            | "until"
            | "{"
            | "}"
            | "!"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<Vec<String>> {
        parse(command).into_iter().map(|s| s.words).collect()
    }

    #[test]
    fn quotes_pipes_and_redirects_are_told_apart() {
        let parsed = parse("cd 'my app' && FOO=1 npm test 2>&1 | tail -5 > out.log; ls");
        let programs: Vec<&str> = parsed.iter().map(|s| s.words[0].as_str()).collect();
        assert_eq!(programs, ["cd", "npm", "tail", "ls"]);
        assert_eq!(parsed[0].words[1], "my app");
        assert_eq!(parsed[1].env, ["FOO=1"]);
        assert_eq!(parsed[1].words, ["npm", "test"]);
        assert_eq!(parsed[1].link, Link::Pipe);
        assert_eq!(parsed[2].writes, ["out.log"]);
    }

    #[test]
    fn a_heredoc_in_a_substitution_is_one_word() {
        let parsed = words(
            "git commit -m \"$(cat <<'EOF'\nfix: don't (ever) panic\n\nbody; rm -rf\nEOF\n)\" && git push",
        );
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].len(), 4);
        assert!(parsed[0][3].contains("don't (ever) panic"));
        assert_eq!(parsed[1], ["git", "push"]);
    }

    #[test]
    fn the_text_of_a_heredoc_is_no_command() {
        let parsed = parse("cat > a.txt <<EOF\nrm -rf /\nEOF\necho hi");
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].writes, ["a.txt"]);
        assert_eq!(parsed[0].heredoc.as_deref(), Some("rm -rf /\n"));
        assert_eq!(parsed[1].words, ["echo", "hi"]);
    }

    #[test]
    fn broken_lines_end() {
        for broken in [
            "echo 'open",
            "echo \"open $(",
            "cat <<",
            "a | | b",
            ">",
            "\\",
            "$((((",
        ] {
            drop(parse(broken));
        }
    }
}

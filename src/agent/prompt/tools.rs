//! What matters of a call, for each tool that Claude Code has.
//!
//! What was changed or failed matters most, what was run comes next, and what was
//! read least: the closing words say what was found in it.

use serde_json::Value;

use super::call::{Rank, Told};
use super::cut::{Keep, clipped};
use super::shell::{self, Work};

/// Sizes of results, in bytes.
mod most {
    /// Of a file: enough to see what it is.
    pub(super) const READ: usize = 400;
    /// Hits of a search.
    pub(super) const FOUND: usize = 400;
    /// A change.
    pub(super) const DIFF: usize = 3_000;
    /// A file that is new; a longer one is cut to its ends.
    pub(super) const CREATED: usize = 2_400;
    /// A command that did its work.
    pub(super) const RAN: usize = 1_500;
    /// A command or another call that failed.
    pub(super) const FAILED: usize = 2_500;
    /// A subagent's task and its answer.
    pub(super) const TASK: usize = 400;
    pub(super) const ANSWER: usize = 2_500;
    /// A page, or the answer of a tool that is not known here.
    pub(super) const OTHER: usize = 1_200;
    /// Arguments of such a tool.
    pub(super) const ARGUMENTS: usize = 400;
    /// A command line beside its name.
    pub(super) const COMMAND: usize = 200;
    /// A script given on the command line.
    pub(super) const SCRIPT: usize = 1_000;
}

/// Tells a call whose values were shaped.
pub(super) fn tell(tool: &str, input: &Value, output: &Value, failed: bool) -> Told {
    match tool {
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => edit(input, output),
        "Bash" => bash(input, output, failed),
        _ if failed => other(input, output, most::FAILED, Keep::Output),
        "Read" | "NotebookRead" => read(input, output),
        "Grep" => grep(input, output),
        "Glob" | "LS" => glob(input, output),
        "Agent" | "Task" => agent(input, output),
        "WebFetch" => page(input, output),
        "ExitPlanMode" => plan(input, output),
        _ => other(input, output, most::OTHER, Keep::Ends),
    }
}

fn told(about: String, body: String, most: usize, keep: Keep, rank: Rank) -> Told {
    Told {
        about,
        body,
        most,
        keep,
        rank,
    }
}

fn field<'a>(value: &'a Value, names: &[&str]) -> &'a str {
    names
        .iter()
        .find_map(|name| value.get(*name)?.as_str())
        .unwrap_or_default()
}

fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name)?.as_u64()
}

const PATHS: [&str; 4] = ["file_path", "notebook_path", "filePath", "path"];

fn edit(input: &Value, output: &Value) -> Told {
    let mut about = field(output, &PATHS).to_owned();
    if about.is_empty() {
        field(input, &PATHS).clone_into(&mut about);
    }
    if let Some(diff) = output.get("diff").and_then(Value::as_str) {
        return told(about, diff.to_owned(), most::DIFF, Keep::Ends, Rank::Change);
    }
    let created = field(output, &["content", "new_source"]);
    if !created.is_empty() {
        about.push_str(", new content");
        return told(
            about,
            created.to_owned(),
            most::CREATED,
            Keep::Ends,
            Rank::Change,
        );
    }
    told(
        about,
        plain(output),
        most::FAILED,
        Keep::Output,
        Rank::Change,
    )
}

fn bash(input: &Value, output: &Value, failed: bool) -> Told {
    let command = field(input, &["command"]).trim();
    let (first, more) = command.split_once('\n').unwrap_or((command, ""));
    let mut about = format!("$ {}", clipped(first.trim(), most::COMMAND));
    let description = field(input, &["description"]);
    if !description.is_empty() {
        about = format!("{about} ({})", clipped(description, 90));
    }
    for (name, words) in [
        ("backgroundTaskId", ", in the background"),
        ("interrupted", ", interrupted"),
    ] {
        let value = output.get(name);
        if value.is_some_and(|value| value.is_string() || *value == Value::Bool(true)) {
            about.push_str(words);
        }
    }
    let mut body = String::new();
    if !more.is_empty() || first.len() > most::COMMAND {
        body = capture::shape::head_and_tail(command, most::SCRIPT).into_owned();
        body.push_str("\noutput:\n");
    }
    body.push_str(&printed(output));
    match shell::work(command) {
        _ if failed => told(about, body, most::FAILED, Keep::Output, Rank::Change),
        Work::Routine => told(about, String::new(), 0, Keep::Output, Rank::Routine),
        Work::Look => told(about, body, most::READ, Keep::Head, Rank::Look),
        Work::Act => told(about, body, most::RAN, Keep::Output, Rank::Act),
    }
}

fn printed(output: &Value) -> String {
    let Some(result) = output.as_object() else {
        return plain(output);
    };
    ["stdout", "stderr", "returnCodeInterpretation"]
        .iter()
        .filter_map(|name| result.get(*name)?.as_str())
        .filter(|text| !text.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn read(input: &Value, output: &Value) -> Told {
    let file = output.get("file").unwrap_or(&Value::Null);
    let mut about = field(input, &PATHS).to_owned();
    let (lines, all) = (number(file, "numLines"), number(file, "totalLines"));
    let start = number(file, "startLine").unwrap_or(1);
    match (lines, all) {
        (Some(lines), Some(all)) if lines < all => {
            let end = (start + lines).saturating_sub(1);
            about = format!("{about}, lines {start} to {end} of {all}");
        }
        (Some(lines), _) => about = format!("{about}, {lines} lines"),
        _ => {}
    }
    let content = match file.get("content").and_then(Value::as_str) {
        Some(content) => content.to_owned(),
        None => match file.get("cells").and_then(Value::as_array) {
            Some(cells) => cells
                .iter()
                .map(|cell| field(cell, &["source"]))
                .collect::<Vec<_>>()
                .join("\n"),
            None if output.is_string() => plain(output),
            None => String::new(),
        },
    };
    if field(output, &["type"]) == "file_unchanged" {
        return told(about, String::new(), 0, Keep::Head, Rank::Routine);
    }
    told(about, content, most::READ, Keep::Head, Rank::Look)
}

fn grep(input: &Value, output: &Value) -> Told {
    let mut about = format!("for {}", clipped(field(input, &["pattern"]), 120));
    for (name, word) in [("path", "in"), ("glob", "of"), ("type", "of type")] {
        let value = field(input, &[name]);
        if !value.is_empty() {
            about = format!("{about} {word} {}", clipped(value, 100));
        }
    }
    let names = names(output);
    let content = match field(output, &["content"]) {
        "" if output.is_string() => plain(output),
        "" => names.join("\n"),
        content => content.to_owned(),
    };
    let hits = content.lines().count().max(names.len());
    let about = format!("{about}: {hits} hits");
    told(about, content, most::FOUND, Keep::Head, Rank::Look)
}

fn glob(input: &Value, output: &Value) -> Told {
    let about = format!("{} {}", field(input, &["pattern"]), field(input, &["path"]));
    let names = names(output);
    let all = number(output, "totalMatches")
        .or_else(|| number(output, "numFiles"))
        .unwrap_or(names.len() as u64);
    let about = format!("{}: {all} files", clipped(about.trim_end(), 200));
    told(about, names.join(", "), most::FOUND, Keep::Head, Rank::Look)
}

fn names(output: &Value) -> Vec<&str> {
    let names = output.get("filenames").and_then(Value::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn agent(input: &Value, output: &Value) -> Told {
    let kind = field(input, &["subagent_type"]);
    let about = format!("{kind}: {}", field(input, &["description"]));
    let body = format!(
        "task: {}\nanswer: {}",
        capture::shape::head_and_tail(field(input, &["prompt"]), most::TASK),
        plain(output)
    );
    told(
        about,
        body,
        most::TASK + most::ANSWER,
        Keep::Ends,
        Rank::Act,
    )
}

fn page(input: &Value, output: &Value) -> Told {
    let about = field(input, &["url"]).to_owned();
    let result = match field(output, &["result"]) {
        "" => plain(output),
        result => result.to_owned(),
    };
    let body = match field(input, &["prompt"]) {
        "" => result,
        asked => format!("asked: {}\n{result}", clipped(asked, 200)),
    };
    told(about, body, most::OTHER, Keep::Ends, Rank::Act)
}

fn plan(input: &Value, output: &Value) -> Told {
    let plan = match field(input, &["plan"]) {
        "" => field(output, &["plan"]),
        plan => plan,
    };
    let about = "with this plan:".to_owned();
    told(about, plan.to_owned(), most::ANSWER, Keep::Ends, Rank::Act)
}

fn other(input: &Value, output: &Value, most: usize, keep: Keep) -> Told {
    let about = field(
        input,
        &[
            "file_path",
            "path",
            "url",
            "query",
            "pattern",
            "description",
        ],
    );
    let arguments = match input {
        Value::Null => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        // The line above says it all.
        Value::Object(fields) if fields.len() == 1 && !about.is_empty() && about.len() < 200 => {
            String::new()
        }
        _ => format!(
            "arguments: {}\n",
            clipped(&input.to_string(), most::ARGUMENTS)
        ),
    };
    let body = [arguments, plain(output)].concat();
    let about = clipped(about, 200).into_owned();
    told(about, body, most, keep, Rank::Act)
}

/// The words of a result: of a text itself, of content blocks their texts, else
/// JSON.
fn plain(value: &Value) -> String {
    let blocks = match value {
        Value::Null => return String::new(),
        Value::String(text) => return text.clone(),
        Value::Array(_) => value,
        _ => value.get("content").unwrap_or(value),
    };
    if let Value::String(text) = blocks {
        return text.clone();
    }
    let texts: Option<Vec<&str>> = blocks.as_array().and_then(|blocks| {
        blocks
            .iter()
            .map(|block| block.get("text")?.as_str())
            .collect()
    });
    match texts {
        Some(texts) if !texts.is_empty() => texts.join("\n"),
        _ => value.to_string(),
    }
}

//! A row of any kind: what `show` prints in full and `list` in a line.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use serde::Serialize;

use crate::context::text::{for_terminal, line};
use crate::store::{Moment, ObservationRow, PromptRow, Reader, StoreError, SummaryRow};

use super::output::{FAINT, ID, STRONG, when};

/// A row's id as people write it: `12` or `#12`, `S3`, `P4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordId {
    Observation(i64),
    Summary(i64),
    Prompt(i64),
}

impl FromStr for RecordId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, digits): (fn(i64) -> Self, &str) = match text.chars().next() {
            Some('#') => (Self::Observation, &text[1..]),
            Some('S' | 's') => (Self::Summary, &text[1..]),
            Some('P' | 'p') => (Self::Prompt, &text[1..]),
            _ => (Self::Observation, text),
        };
        match digits.parse() {
            Ok(id) if id > 0 => Ok(kind(id)),
            _ => Err("an id is a number for an observation, S and a number for a summary, or P and a number for a prompt: 12, S3, P4".to_owned()),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Observation(id) => write!(f, "#{id}"),
            Self::Summary(id) => write!(f, "S{id}"),
            Self::Prompt(id) => write!(f, "P{id}"),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(super) enum Record {
    Observation(ObservationRow),
    Summary(SummaryRow),
    Prompt(PromptRow),
}

impl From<Moment> for Record {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Observation(row) => Self::Observation(*row),
            Moment::Summary(row) => Self::Summary(*row),
            Moment::Prompt(row) => Self::Prompt(*row),
        }
    }
}

impl Record {
    pub(super) fn read(reader: &Reader, id: RecordId) -> Result<Option<Self>, StoreError> {
        Ok(match id {
            RecordId::Observation(id) => reader.observation(id)?.map(Self::Observation),
            RecordId::Summary(id) => reader.summary(id)?.map(Self::Summary),
            RecordId::Prompt(id) => reader.prompt(id)?.map(Self::Prompt),
        })
    }

    pub(super) fn id(&self) -> RecordId {
        match self {
            Self::Observation(row) => RecordId::Observation(row.id),
            Self::Summary(row) => RecordId::Summary(row.id),
            Self::Prompt(row) => RecordId::Prompt(row.id),
        }
    }

    pub(super) fn at(&self) -> i64 {
        match self {
            Self::Observation(row) => row.created_at_epoch,
            Self::Summary(row) => row.created_at_epoch,
            Self::Prompt(row) => row.created_at_epoch,
        }
    }

    fn kind(&self) -> &str {
        match self {
            Self::Observation(row) => &row.kind,
            Self::Summary(_) => "summary",
            Self::Prompt(_) => "prompt",
        }
    }

    fn project(&self) -> &str {
        match self {
            Self::Observation(row) => &row.project,
            Self::Summary(row) => &row.project,
            Self::Prompt(row) => &row.project,
        }
    }

    fn title(&self) -> &str {
        let texts = match self {
            Self::Observation(row) => [&row.title, &row.subtitle],
            Self::Summary(row) => [&row.request, &row.completed],
            Self::Prompt(row) => [&row.prompt_text, &row.prompt_text],
        };
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("(untitled)", String::as_str)
    }

    /// One line of a listing; `project` is named unless it is the only one.
    pub(super) fn write_line(&self, out: &mut dyn Write, only: Option<&str>) -> anyhow::Result<()> {
        let title = crate::context::text::clip(&line(self.title()), 120);
        let id = self.id().to_string();
        write!(
            out,
            "{ID}{id:<6}{ID:#} {} {FAINT}{:<11}{FAINT:#} {title}",
            when(self.at()),
            line(self.kind())
        )?;
        if only != Some(self.project()) {
            write!(out, " {FAINT}({}){FAINT:#}", line(self.project()))?;
        }
        writeln!(out)?;
        Ok(())
    }

    /// Everything that a person wants to know of it.
    pub(super) fn write_full(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let title = match self {
            Self::Prompt(row) => format!("prompt {}", row.prompt_number),
            _ => line(self.title()),
        };
        writeln!(
            out,
            "{ID}{}{ID:#} {STRONG}{title}{STRONG:#}\n{FAINT}{} · {} · {}{FAINT:#}",
            self.id(),
            line(self.kind()),
            line(self.project()),
            when(self.at()),
        )?;
        match self {
            Self::Observation(row) => observation(out, row),
            Self::Summary(row) => summary(out, row),
            Self::Prompt(row) => {
                writeln!(out, "\n{}", for_terminal(&row.prompt_text))?;
                origin(out, &row.content_session_id, row.git_branch.as_deref())
            }
        }
    }
}

fn observation(out: &mut dyn Write, row: &ObservationRow) -> anyhow::Result<()> {
    for text in [&row.subtitle, &row.narrative] {
        if !text.is_empty() {
            writeln!(out, "\n{}", for_terminal(text))?;
        }
    }
    if !row.facts.is_empty() {
        writeln!(out)?;
    }
    for fact in &row.facts {
        writeln!(out, "- {}", line(fact))?;
    }
    writeln!(out)?;
    list(out, "Concepts", &row.concepts)?;
    list(out, "Modified", &row.files_modified)?;
    list(out, "Read", &row.files_read)?;
    if let Some(agent) = row.agent_type.as_deref().filter(|agent| !agent.is_empty()) {
        writeln!(out, "Agent: {}", line(agent))?;
    }
    if row.superseded_by.is_some() {
        writeln!(out, "Superseded by a later observation")?;
    }
    origin(out, &row.content_session_id, row.git_branch.as_deref())
}

fn summary(out: &mut dyn Write, row: &SummaryRow) -> anyhow::Result<()> {
    for (name, text) in [
        ("Request", &row.request),
        ("Investigated", &row.investigated),
        ("Learned", &row.learned),
        ("Completed", &row.completed),
        ("Next steps", &row.next_steps),
        ("Notes", &row.notes),
    ] {
        if !text.is_empty() {
            writeln!(out, "\n{STRONG}{name}{STRONG:#}\n{}", for_terminal(text))?;
        }
    }
    writeln!(out)?;
    origin(out, &row.content_session_id, row.git_branch.as_deref())
}

fn origin(out: &mut dyn Write, session: &str, branch: Option<&str>) -> anyhow::Result<()> {
    write!(out, "{FAINT}Session {}", line(session))?;
    if let Some(branch) = branch {
        write!(out, ", branch {}", line(branch))?;
    }
    writeln!(out, "{FAINT:#}")?;
    Ok(())
}

fn list(out: &mut dyn Write, name: &str, items: &[String]) -> anyhow::Result<()> {
    if !items.is_empty() {
        writeln!(out, "{name}: {}", line(&items.join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::fixture::{MORNING, observation, summary};

    #[test]
    fn ids_are_read_as_people_write_them() {
        for (text, id) in [
            ("12", RecordId::Observation(12)),
            ("#12", RecordId::Observation(12)),
            ("S3", RecordId::Summary(3)),
            ("p4", RecordId::Prompt(4)),
        ] {
            assert_eq!(text.parse(), Ok(id), "{text}");
        }
        for text in [
            "",
            "#",
            "S",
            "x",
            "-1",
            "0",
            "S-3",
            "é",
            "12a",
            "99999999999999999999",
        ] {
            assert!(text.parse::<RecordId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_is_printed_in_full_and_commands_no_terminal() {
        let mut row = observation(12, MORNING, "Count a code\n\u{1b}]0;once\u{7}");
        row.narrative = "It was added twice.\n\u{1b}[2JGone.".to_owned();
        row.facts = vec!["a fact".to_owned()];
        row.files_modified = vec!["a.py".to_owned(), "b.py".to_owned()];
        let mut out = Vec::new();
        Record::Observation(row).write_full(&mut out).unwrap();
        let plain = anstream::adapter::strip_bytes(&out).into_vec();
        let text = String::from_utf8(plain).unwrap();
        assert!(
            text.starts_with("#12 Count a code ]0;once\nbugfix · billing · 20"),
            "{text}"
        );
        assert!(
            text.ends_with(
                "\n\nIt was added twice.\n[2JGone.\n\n- a fact\n\nModified: a.py, b.py\nSession s\n"
            ),
            "{text}"
        );
        let json = serde_json::to_value(Record::Summary(summary(3, MORNING, "r"))).unwrap();
        assert_eq!(
            (&json["record"], &json["id"]),
            (&"summary".into(), &3.into())
        );
    }
}

//! Our tags in a text. Whatever else looks like a tag is text.

/// The tags of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Tag {
    Observation,
    Summary,
    Skip,
    /// What a model thinks before it answers.
    Think,
    Type,
    Title,
    Subtitle,
    Narrative,
    Facts,
    Fact,
    Concepts,
    Concept,
    FilesRead,
    FilesModified,
    File,
    Request,
    Investigated,
    Learned,
    Completed,
    NextSteps,
    Notes,
}

/// How many there are.
pub(super) const COUNT: usize = Tag::Notes as usize + 1;

impl Tag {
    fn named(name: &str) -> Option<Self> {
        let mut folded = [0u8; MOST_NAME];
        let own = folded.get_mut(..name.len())?;
        for (to, from) in own.iter_mut().zip(name.bytes()) {
            *to = if from == b'-' {
                b'_'
            } else {
                from.to_ascii_lowercase()
            };
        }
        Some(match &*own {
            b"observation" => Self::Observation,
            b"summary" => Self::Summary,
            b"skip" | b"skip_summary" => Self::Skip,
            b"think" | b"thinking" | b"reasoning" => Self::Think,
            b"type" => Self::Type,
            b"title" => Self::Title,
            b"subtitle" => Self::Subtitle,
            b"narrative" => Self::Narrative,
            b"facts" => Self::Facts,
            b"fact" => Self::Fact,
            b"concepts" => Self::Concepts,
            b"concept" => Self::Concept,
            b"files_read" => Self::FilesRead,
            b"files_modified" => Self::FilesModified,
            b"file" => Self::File,
            b"request" => Self::Request,
            b"investigated" => Self::Investigated,
            b"learned" => Self::Learned,
            b"completed" => Self::Completed,
            b"next_steps" => Self::NextSteps,
            b"notes" => Self::Notes,
            _ => return None,
        })
    }

    /// A tag that holds blocks or stands beside them.
    pub(super) const fn is_block(self) -> bool {
        matches!(self, Self::Observation | Self::Summary | Self::Skip)
    }

    /// The item that a list is made of.
    pub(super) const fn item(self) -> Option<Self> {
        match self {
            Self::Facts => Some(Self::Fact),
            Self::Concepts => Some(Self::Concept),
            Self::FilesRead | Self::FilesModified => Some(Self::File),
            _ => None,
        }
    }
}

/// Longest name of a tag, in bytes.
const MOST_NAME: usize = 16;

/// Longest tag with its attributes, in bytes. It bounds the work for each `<`.
const MOST_TAG: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Open,
    Close,
    /// Both at once: `<skip/>`.
    Empty,
}

/// One tag and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) tag: Tag,
    pub(super) form: Form,
    /// Position of its `<`.
    pub(super) start: usize,
    /// Position after its `>`.
    pub(super) end: usize,
    /// What stands between its name and its end.
    pub(super) attributes: &'a str,
}

/// All tags of ours in a text, in order.
pub(super) fn find(text: &str) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('<').map(|at| from + at) {
        match tag(text, at) {
            Some(tag) => {
                from = tag.end;
                found.push(tag);
            }
            None => from = at + 1,
        }
    }
    found
}

/// Whether the text ends within a tag that could have become one of ours.
pub(super) fn ends_in_tag(text: &str) -> bool {
    let from = text.floor_char_boundary(text.len().saturating_sub(MOST_TAG));
    let Some(at) = text[from..].rfind('<') else {
        return false;
    };
    let rest = &text[from + at + 1..];
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let name = &rest[..name_length(rest)];
    if rest.len() > name.len() {
        return !rest.contains('>') && Tag::named(name).is_some_and(Tag::is_block);
    }
    ["observation", "summary", "skip"]
        .iter()
        .any(|block| block.starts_with(&name.to_ascii_lowercase()))
}

fn name_length(text: &str) -> usize {
    text.bytes()
        .take(MOST_NAME + 1)
        .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
        .count()
}

fn tag(text: &str, start: usize) -> Option<Found<'_>> {
    let rest = &text[start + 1..];
    let (closes, rest) = match rest.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let length = name_length(rest);
    let tag = Tag::named(&rest[..length])?;
    let after = &rest[length..];
    if !after.starts_with(['>', '/', ' ', '\t', '\n', '\r']) {
        return None;
    }
    let close = tag_end(after)?;
    let attributes = &after[..close];
    let empty = attributes.ends_with('/');
    Some(Found {
        tag,
        form: match (closes, empty) {
            (true, _) => Form::Close,
            (false, true) => Form::Empty,
            (false, false) => Form::Open,
        },
        start,
        end: text.len() - after.len() + close + 1,
        attributes: attributes.trim_end_matches('/'),
    })
}

/// Position of the `>` that ends a tag: the first that is not in quotes, or the
/// first of all where quotes do not come in pairs.
fn tag_end(after: &str) -> Option<usize> {
    let mut quote = None;
    let mut first = None;
    for (at, byte) in after.bytes().enumerate().take(MOST_TAG) {
        match byte {
            b'>' if quote.is_none() => return Some(at),
            b'>' => first = first.or(Some(at)),
            b'<' if quote.is_none() => return first,
            b'"' | b'\'' if quote == Some(byte) => quote = None,
            b'"' | b'\'' if quote.is_none() => quote = Some(byte),
            _ => {}
        }
    }
    first
}

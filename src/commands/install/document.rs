//! A JSON text that is edited without touching what is around the edit.
//!
//! The parser says where things stand; edits are made in the text itself, in the style of their
//! surroundings. Taking out what was put in gives the text from before, byte for byte. The parser's
//! own editing tree was not used, because it breaks up an object in one line when it adds to it.

use anyhow::{Result, anyhow, bail};
use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions, ParseResult, parse_to_ast,
};

use super::render::{Item, Layout, Style};

/// What Claude Code reads: JSON, and for other readers' sake comments and trailing commas.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Where an object or an array and what it holds stand in the text, in bytes.
pub(super) struct Container {
    range: Range,
    children: Vec<Range>,
}

impl Container {
    pub(super) fn object(object: &Object<'_>) -> Self {
        Self {
            range: object.range,
            children: object
                .properties
                .iter()
                .map(|property| property.range)
                .collect(),
        }
    }

    pub(super) fn array(array: &Array<'_>) -> Self {
        Self {
            range: array.range,
            children: array.elements.iter().map(Ranged::range).collect(),
        }
    }

    /// The position of the closing bracket.
    fn close(&self) -> usize {
        self.range.end - 1
    }
}

/// A text whose root is an object.
pub(super) struct Document<'a> {
    text: &'a str,
    root: Object<'a>,
    tokens: Vec<TokenAndRange<'a>>,
    style: Style,
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let collect = CollectOptions {
            comments: CommentCollectionStrategy::AsTokens,
            tokens: true,
        };
        let ParseResult { value, tokens, .. } =
            parse_to_ast(text, &collect, &OPTIONS).map_err(|error| {
                anyhow!(
                    "line {}, column {}: {}",
                    error.line_display(),
                    error.column_display(),
                    error.kind()
                )
            })?;
        let Some(Value::Object(root)) = value else {
            bail!("line 1, column 1: the file does not hold an object");
        };
        let first = root.properties.first().map(|first| first.range.start);
        let unit = first
            .and_then(|start| indent_before(text, start))
            .filter(|indent| !indent.is_empty())
            .unwrap_or("  ")
            .to_owned();
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        Ok(Self {
            text,
            root,
            tokens: tokens.unwrap_or_default(),
            style: Style { unit, newline },
        })
    }

    pub(super) fn root(&self) -> &Object<'a> {
        &self.root
    }

    /// The property of that name and its place among the others. Readers disagree about which one
    /// of two counts, so two are an error.
    pub(super) fn property<'d>(
        &self,
        object: &'d Object<'a>,
        name: &str,
    ) -> Result<Option<(usize, &'d ObjectProp<'a>)>> {
        let mut matching = object
            .properties
            .iter()
            .enumerate()
            .filter(|(_, property)| property.name.as_str() == name);
        let first = matching.next();
        if let Some((_, second)) = matching.next() {
            bail!("{}: a second {name:?}", self.place(second.range.start));
        }
        Ok(first)
    }

    /// The position of a byte, as editors show it.
    pub(super) fn place(&self, byte: usize) -> String {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .chars()
            .rev()
            .take_while(|&character| character != '\n')
            .count()
            + 1;
        format!("line {line}, column {column}")
    }

    /// The text with `item` as the last one in `container`.
    pub(super) fn with(&self, container: &Container, item: &Item) -> String {
        let layout = self.layout(container);
        let rendered = self.style.render(item, &layout);
        let inner = container.range.start + 1;
        let Some(last) = container.children.last() else {
            let added = match &layout {
                Layout::Line { .. } => rendered,
                Layout::Block { indent } => {
                    let outer = line_indent(self.text, container.range.start);
                    let newline = self.style.newline;
                    format!("{newline}{indent}{rendered}{newline}{outer}")
                }
            };
            return self.edited(&[(inner..inner, added)]);
        };
        let trailing = self.comma(last.end, container.close());
        let after = trailing.map_or(last.end, |comma| comma.end);
        let (at, gap) = match &layout {
            Layout::Line { space } => (after, (*space).to_owned()),
            Layout::Block { indent } => (
                self.after_comments(after),
                format!("{}{indent}", self.style.newline),
            ),
        };
        if trailing.is_some() {
            return self.edited(&[(at..at, format!("{gap}{rendered},"))]);
        }
        let comma = (last.end..last.end, ",".to_owned());
        self.edited(&[comma, (at..at, format!("{gap}{rendered}"))])
    }

    /// The text without the container's child at `index`.
    pub(super) fn without(&self, container: &Container, index: usize) -> String {
        let Some(child) = container.children.get(index) else {
            return self.text.to_owned();
        };
        let inner = container.range.start + 1;
        let before = index
            .checked_sub(1)
            .and_then(|index| container.children.get(index));
        let next = container.children.get(index + 1);
        let comma_after = self.comma(child.end, next.map_or(container.close(), |next| next.start));
        let comma_before = before.and_then(|before| self.comma(before.end, child.start));
        let after = comma_after.map_or(child.end, |comma| comma.end);
        let start = self.blanks_before(child.start, after).max(inner);

        let mut edits = Vec::new();
        // The last child goes with the comma before it, unless commas are written after each.
        if next.is_none()
            && comma_after.is_none()
            && let Some(comma) = comma_before
        {
            edits.push((comma.start..comma.end, String::new()));
        }
        let mut end = child.end;
        if let Some(comma) = comma_after {
            edits.push((start..child.end, String::new()));
            let rest = &self.text[comma.end..];
            let spaces = if start == child.start {
                rest.len() - rest.trim_start_matches([' ', '\t']).len()
            } else {
                0
            };
            edits.push((comma.start..comma.end + spaces, String::new()));
        } else {
            if container.children.len() == 1 && start < child.start {
                let outer = line_indent(self.text, container.range.start);
                let closing = format!("{}{outer}", self.style.newline);
                if start == inner && self.text[end..].starts_with(&closing) {
                    end += closing.len();
                }
            }
            edits.push((start..end, String::new()));
        }
        self.edited(&edits)
    }

    fn layout(&self, container: &Container) -> Layout {
        let in_block = match container.children.last() {
            Some(last) => indent_before(self.text, last.start).map(str::to_owned),
            None if self.root.properties.is_empty() || self.text.trim().contains('\n') => {
                let outer = line_indent(self.text, container.range.start);
                Some(format!("{outer}{}", self.style.unit))
            }
            None => None,
        };
        match in_block {
            Some(indent) => Layout::Block { indent },
            None if self.text.contains("\": ") || self.text.contains(", ") => {
                Layout::Line { space: " " }
            }
            None => Layout::Line { space: "" },
        }
    }

    /// The comma between two positions; the tokens tell it from one in a comment.
    fn comma(&self, from: usize, to: usize) -> Option<Range> {
        let first = self
            .tokens
            .partition_point(|token| token.range.start < from);
        self.tokens[first..]
            .iter()
            .take_while(|token| token.range.start < to)
            .find(|token| matches!(token.token, Token::Comma))
            .map(|token| token.range)
    }

    /// The end of the comments that follow in the same line; they are about what stands before.
    fn after_comments(&self, from: usize) -> usize {
        let first = self
            .tokens
            .partition_point(|token| token.range.start < from);
        self.tokens[first..]
            .iter()
            .take_while(|token| {
                matches!(token.token, Token::CommentLine(_) | Token::CommentBlock(_))
            })
            .map(|token| token.range)
            .try_fold(from, |end, comment| {
                let same_line = !self.text[end..comment.start].contains('\n');
                if same_line { Ok(comment.end) } else { Err(end) }
            })
            .unwrap_or_else(|end| end)
    }

    /// The beginning of the blanks before a child, which go with it. Those after a comment up to the
    /// line's end have to stay if the rest would move up into the comment.
    fn blanks_before(&self, child: usize, after: usize) -> usize {
        let start = self.text[..child].trim_end().len();
        let comment = self.tokens.iter().any(|token| {
            matches!(token.token, Token::CommentLine(_))
                && (token.range.start..=token.range.end).contains(&start)
        });
        let rest = self.text[after..].trim_start_matches([' ', '\t', '\r']);
        if comment && !rest.starts_with('\n') {
            child
        } else {
            start
        }
    }

    /// The text after these edits, which are in order and do not overlap.
    fn edited(&self, edits: &[(std::ops::Range<usize>, String)]) -> String {
        let mut text = self.text.to_owned();
        for (range, replacement) in edits.iter().rev() {
            text.replace_range(range.clone(), replacement);
        }
        text
    }
}

/// The blanks before a position, if nothing else stands before it in its line and the line is not
/// the first.
fn indent_before(text: &str, position: usize) -> Option<&str> {
    let before = &text[..position];
    let start = before.rfind('\n')? + 1;
    let indent = &before[start..];
    indent
        .bytes()
        .all(|byte| matches!(byte, b' ' | b'\t'))
        .then_some(indent)
}

/// The blanks at the beginning of the line that holds a position.
fn line_indent(text: &str, position: usize) -> &str {
    let start = text[..position].rfind('\n').map_or(0, |at| at + 1);
    let line = &text[start..position];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

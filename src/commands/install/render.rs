//! New JSON, laid out like the text that it goes into.

use std::fmt::Write as _;

/// A value to be written.
pub(super) enum Json {
    Text(String),
    Number(u32),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

impl Json {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What is put into an object or an array.
pub(super) struct Item {
    key: Option<&'static str>,
    value: Json,
}

impl Item {
    pub(super) fn member(key: &'static str, value: Json) -> Self {
        Self {
            key: Some(key),
            value,
        }
    }

    pub(super) fn element(value: Json) -> Self {
        Self { key: None, value }
    }
}

/// How an item is laid out.
pub(super) enum Layout {
    /// In one line, with or without spaces after colons and commas.
    Line { space: &'static str },
    /// In lines that begin with `indent`.
    Block { indent: String },
}

/// What the lines of a file have in common.
pub(super) struct Style {
    /// What one level of nesting adds at the beginning of a line.
    pub(super) unit: String,
    pub(super) newline: &'static str,
}

impl Style {
    pub(super) fn render(&self, item: &Item, layout: &Layout) -> String {
        let mut out = String::new();
        if let Some(key) = item.key {
            push_key(&mut out, key, layout);
        }
        self.push(&mut out, &item.value, layout);
        out
    }

    fn push(&self, out: &mut String, value: &Json, layout: &Layout) {
        match value {
            Json::Text(text) => out.push_str(&quoted(text)),
            Json::Number(number) => {
                // Writing to a string cannot fail.
                write!(out, "{number}").ok();
            }
            Json::List(items) => {
                let plain = items.iter().all(|item| matches!(item, Json::Text(_)));
                let line = Layout::Line { space: " " };
                let layout = if plain { &line } else { layout };
                self.push_all(
                    out,
                    ['[', ']'],
                    items.iter().map(|item| (None, item)),
                    layout,
                );
            }
            Json::Object(members) => {
                let members = members.iter().map(|(key, value)| (Some(*key), value));
                self.push_all(out, ['{', '}'], members, layout);
            }
        }
    }

    fn push_all<'j>(
        &self,
        out: &mut String,
        [open, close]: [char; 2],
        items: impl Iterator<Item = (Option<&'static str>, &'j Json)>,
        layout: &Layout,
    ) {
        let inner = match layout {
            Layout::Line { space } => Layout::Line { space },
            Layout::Block { indent } => Layout::Block {
                indent: format!("{indent}{}", self.unit),
            },
        };
        out.push(open);
        for (index, (key, value)) in items.enumerate() {
            if index > 0 {
                out.push(',');
            }
            match &inner {
                Layout::Line { space } if index > 0 => out.push_str(space),
                Layout::Line { .. } => {}
                Layout::Block { indent } => {
                    out.push_str(self.newline);
                    out.push_str(indent);
                }
            }
            if let Some(key) = key {
                push_key(out, key, &inner);
            }
            self.push(out, value, &inner);
        }
        if let Layout::Block { indent } = layout {
            out.push_str(self.newline);
            out.push_str(indent);
        }
        out.push(close);
    }
}

fn push_key(out: &mut String, key: &str, layout: &Layout) {
    let space = match layout {
        Layout::Line { space } => space,
        Layout::Block { .. } => " ",
    };
    out.push_str(&quoted(key));
    out.push(':');
    out.push_str(space);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

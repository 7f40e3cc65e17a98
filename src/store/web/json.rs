//! Rows as JSON: every field under each of the names that clients know. Written
//! straight into the bytes of the answer, because most of what a page of rows costs
//! is its texts.

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;

use super::super::reader::json_list;
use super::super::rows::read_list;
use super::rows::{NO_ITEMS, SessionIds, WebObservation, WebPrompt, WebSummary};

/// A JSON object in the making.
#[derive(Debug)]
pub struct Object<'o>(&'o mut Vec<u8>);

/// A row that can be told as the fields of an object.
pub trait Fields {
    fn fields(&self, object: &mut Object<'_>);
}

impl Object<'_> {
    /// Adds an object to `out`.
    pub fn write(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        fill(&mut Object(out));
        out.push(b'}');
    }

    /// Names need no escape.
    fn name(&mut self, name: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// A field; where it lies, for those that are the same.
    pub fn text(&mut self, name: &str, text: &str) -> Range<usize> {
        self.put(name, &text)
    }

    /// A field that is the same as one that is there.
    fn again(&mut self, name: &str, value: &Range<usize>) {
        self.name(name);
        self.0.extend_from_within(value.clone());
    }

    fn maybe(&mut self, name: &str, text: Option<&impl AsRef<str>>) {
        match text {
            Some(text) => {
                self.text(name, text.as_ref());
            }
            None => self.value(name, &()),
        }
    }

    /// A field that is no text.
    pub fn value(&mut self, name: &str, value: &impl Serialize) {
        self.put(name, value);
    }

    fn put(&mut self, name: &str, value: &impl Serialize) -> Range<usize> {
        self.name(name);
        let start = self.0.len();
        if serde_json::to_writer(&mut *self.0, value).is_err() {
            self.0.truncate(start);
            self.0.extend_from_slice(b"null");
        }
        start..self.0.len()
    }
}

/// Adds texts under their own names.
macro_rules! texts {
    ($object:ident, $row:ident: $($field:ident),+) => {
        $($object.text(stringify!($field), $row.$field.as_ref());)+
    };
}

/// Adds texts that may be missing under their own names.
macro_rules! maybe {
    ($object:ident, $row:ident: $($field:ident),+) => {
        $($object.maybe(stringify!($field), $row.$field.as_ref());)+
    };
}

/// Adds numbers under their own names.
macro_rules! numbers {
    ($object:ident, $row:ident: $($field:ident),+) => {
        $($object.value(stringify!($field), &$row.$field);)+
    };
}

impl<T: AsRef<str>> SessionIds<T> {
    fn fields(&self, object: &mut Object<'_>) {
        numbers!(object, self: session_db_id);
        let content = object.text("session_id", self.content.as_ref());
        object.again("content_session_id", &content);
        object.again("claude_session_id", &content);
        let memory = object.text("sdk_session_id", self.memory.as_ref());
        object.again("memory_session_id", &memory);
        texts!(object, self: platform_source);
    }
}

impl<T: AsRef<str>> WebObservation<T> {
    /// The row among rows of other kinds: `type` says which kind it is, and its own
    /// type stands in `obs_type` alone.
    pub fn fields_as(&self, r#type: &str, object: &mut Object<'_>) {
        numbers!(object, self: id);
        texts!(object, self: uid);
        self.session.fields(object);
        object.text("type", r#type);
        object.text("obs_type", self.kind.as_ref());
        texts!(object, self: project, title, subtitle);
        let narrative = object.text("narrative", self.narrative.as_ref());
        object.again("summary", &narrative);
        match &self.text {
            Some(text) => {
                object.text("text", text.as_ref());
            }
            None => object.again("text", &narrative),
        }
        texts!(object, self: facts, concepts, files_read, files_modified);
        object.text("files_touched", &self.files_touched());
        numbers!(object, self: prompt_number, discovery_tokens);
        maybe!(object, self: generated_by_model, agent_id, agent_type, git_branch, git_head,
            superseded_by);
        texts!(object, self: created_at);
        numbers!(object, self: created_at_epoch);
    }

    /// The files of both lists, each once.
    fn files_touched(&self) -> Cow<'_, str> {
        let (read, modified) = (self.files_read.as_ref(), self.files_modified.as_ref());
        if read == NO_ITEMS {
            return Cow::Borrowed(modified);
        }
        if modified == NO_ITEMS {
            return Cow::Borrowed(read);
        }
        let mut files = read_list(modified.to_owned());
        for file in read_list(read.to_owned()) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Cow::Owned(json_list(&files))
    }
}

impl<T: AsRef<str>> Fields for WebObservation<T> {
    fn fields(&self, object: &mut Object<'_>) {
        self.fields_as(self.kind.as_ref(), object);
    }
}

impl<T: AsRef<str>> Fields for WebSummary<T> {
    fn fields(&self, object: &mut Object<'_>) {
        numbers!(object, self: id);
        texts!(object, self: uid);
        self.session.fields(object);
        texts!(object, self: project, request, investigated, learned, completed, next_steps, notes);
        object.text("summary_text", &self.in_one_text());
        numbers!(object, self: prompt_number, discovery_tokens);
        maybe!(object, self: generated_by_model, git_branch, git_head);
        texts!(object, self: created_at);
        numbers!(object, self: created_at_epoch);
    }
}

impl<T: AsRef<str>> WebSummary<T> {
    fn in_one_text(&self) -> String {
        let mut all = String::new();
        for (name, text) in [
            ("Request", &self.request),
            ("Investigated", &self.investigated),
            ("Learned", &self.learned),
            ("Completed", &self.completed),
            ("Next steps", &self.next_steps),
            ("Notes", &self.notes),
        ] {
            let text = text.as_ref();
            if text.is_empty() {
                continue;
            }
            let gap = if all.is_empty() { "" } else { "\n" };
            for part in [gap, name, ": ", text] {
                all.push_str(part);
            }
        }
        all
    }
}

impl<T: AsRef<str>> Fields for WebPrompt<T> {
    fn fields(&self, object: &mut Object<'_>) {
        numbers!(object, self: id);
        texts!(object, self: uid);
        self.session.fields(object);
        texts!(object, self: project);
        numbers!(object, self: prompt_number);
        let prompt = object.text("prompt_text", self.prompt_text.as_ref());
        object.again("prompt", &prompt);
        maybe!(object, self: git_branch, git_head);
        texts!(object, self: created_at);
        numbers!(object, self: created_at_epoch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_make_an_object() {
        let mut out = b"[".to_vec();
        Object::write(&mut out, |_| {});
        out.push(b',');
        Object::write(&mut out, |object| {
            let one = object.text("one", "{\"");
            object.again("again", &one);
            object.maybe("none", None::<&String>);
            object.maybe("some", Some(&"{"));
            object.value("number", &Some(1.5));
            // What has no JSON.
            object.value("odd", &std::collections::HashMap::from([((), 1)]));
        });
        out.push(b']');
        let expected =
            r#"[{},{"one":"{\"","again":"{\"","none":null,"some":"{","number":1.5,"odd":null}]"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

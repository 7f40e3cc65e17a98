//! A request, and what it says in either dialect.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Such as `POST`.
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Null where it was not JSON.
    pub(crate) body: Value,
    pub(super) raw: Arc<[u8]>,
}

/// What the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The Messages API of Anthropic.
    Anthropic,
    /// The chat completions of `OpenAI` and of all who imitate them.
    OpenAi,
}

/// A piece of text in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// `system`, `user` or `assistant`.
    pub(super) role: &'a str,
    pub(super) text: &'a str,
    /// The client asks to have everything up to here kept in the prompt cache.
    pub(super) marked: bool,
}

impl Part<'_> {
    /// Not from the client's caller: Claude Code tells the model the date.
    fn is_reminder(&self) -> bool {
        self.text.trim_start().starts_with("<system-reminder>")
    }
}

impl Asked {
    /// The path without the query.
    pub(super) fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// `None` where no model is asked anything.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        let route = self.route();
        if route.ends_with("/v1/messages") {
            Some(Dialect::Anthropic)
        } else {
            route
                .ends_with("/chat/completions")
                .then_some(Dialect::OpenAi)
        }
    }

    /// A call of the memory's own: no tools are offered, and the format of a
    /// memory is described.
    pub(super) fn is_for_observer(&self) -> bool {
        let offers_tools = self.body["tools"]
            .as_array()
            .is_some_and(|tools| !tools.is_empty());
        let describes = |part: &Part| part.text.contains("<observation>");
        self.method == "POST" && !offers_tools && self.parts().iter().any(describes)
    }

    /// Every text, in the order in which the model reads it.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        collect(&mut parts, "system", &self.body["system"]);
        for message in self.body["messages"].as_array().into_iter().flatten() {
            let role = match message["role"].as_str() {
                Some("developer") => "system",
                role => role.unwrap_or_default(),
            };
            collect(&mut parts, role, &message["content"]);
        }
        parts
    }

    pub(super) fn texts_of(&self, role: &str) -> String {
        let texts: Vec<&str> = self
            .parts()
            .into_iter()
            .filter(|part| part.role == role && !part.is_reminder())
            .map(|part| part.text)
            .collect();
        texts.join("\n")
    }

    /// The instructions.
    pub(crate) fn system_text(&self) -> String {
        self.texts_of("system")
    }

    /// What was asked, without what Claude Code adds to it.
    pub(crate) fn user_text(&self) -> String {
        self.texts_of("user")
    }

    /// Instructions and question.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.system_text(), self.user_text())
    }

    /// Characters of everything that the model has to read.
    pub(crate) fn input_chars(&self) -> usize {
        self.parts()
            .iter()
            .map(|part| part.text.chars().count())
            .sum()
    }

    /// The bytes from the first of the request line to the last of the body.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }
}

/// Content is a text or a list of blocks.
fn collect<'a>(parts: &mut Vec<Part<'a>>, role: &'a str, content: &'a Value) {
    if let Some(text) = content.as_str() {
        parts.push(Part {
            role,
            text,
            marked: false,
        });
    }
    for block in content.as_array().into_iter().flatten() {
        if let Some(text) = block["text"].as_str() {
            parts.push(Part {
                role,
                text,
                marked: block["cache_control"].is_object(),
            });
        }
    }
}

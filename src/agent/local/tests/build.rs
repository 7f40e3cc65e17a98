//! Builds turns as a session would record them.

use serde_json::{Value, json};

use crate::agent::{Close, SubagentMessage, ToolEvent, Turn};

pub(super) struct TurnBuilder {
    turn: Turn,
    agent: Option<(String, String)>,
}

pub(super) fn turn(prompt: &str) -> TurnBuilder {
    TurnBuilder {
        turn: Turn {
            project: "demo".to_owned(),
            root: Some("/home/demo/app".into()),
            prompt: (!prompt.is_empty()).then(|| prompt.to_owned()),
            prompt_number: 1,
            ..Turn::default()
        },
        agent: None,
    }
}

impl TurnBuilder {
    pub(super) fn event(mut self, tool: &str, input: Value, output: Value, failed: bool) -> Self {
        let id = i64::try_from(self.turn.events.len()).unwrap() + 1;
        let (agent_id, agent_type) = self.agent.clone().unzip();
        self.turn.events.push(ToolEvent {
            earlier: false,
            id,
            tool_name: tool.to_owned(),
            input,
            output,
            failed,
            cwd: Some("/home/demo/app".to_owned()),
            agent_id,
            agent_type,
            at: 1_000 + id,
        });
        self
    }

    pub(super) fn bash(self, command: &str, stdout: &str) -> Self {
        self.event(
            "Bash",
            json!({"command": command}),
            json!({"stdout": stdout, "stderr": "", "interrupted": false}),
            false,
        )
    }

    pub(super) fn bash_fails(self, command: &str, output: &str) -> Self {
        self.event(
            "Bash",
            json!({"command": command}),
            json!(format!("Exit code 1\n{output}")),
            true,
        )
    }

    pub(super) fn read(self, path: &str) -> Self {
        let full = format!("/home/demo/app/{path}");
        self.event(
            "Read",
            json!({"file_path": full}),
            json!({"type": "text", "file": {"filePath": full, "content": "…"}}),
            false,
        )
    }

    pub(super) fn grep(self, pattern: &str, files: &[&str]) -> Self {
        self.event(
            "Grep",
            json!({"pattern": pattern}),
            json!({"mode": "files_with_matches", "filenames": files}),
            false,
        )
    }

    pub(super) fn edit(self, path: &str, diff: &str) -> Self {
        let full = format!("/home/demo/app/{path}");
        self.event(
            "Edit",
            json!({"file_path": full}),
            json!({"filePath": full, "diff": diff}),
            false,
        )
    }

    pub(super) fn create(self, path: &str, content: &str) -> Self {
        let full = format!("/home/demo/app/{path}");
        self.event(
            "Write",
            json!({"file_path": full}),
            json!({"type": "create", "filePath": full, "content": content}),
            false,
        )
    }

    pub(super) fn agent(mut self, id: &str, kind: &str) -> Self {
        self.agent = (!id.is_empty()).then(|| (id.to_owned(), kind.to_owned()));
        self
    }

    pub(super) fn agent_says(mut self, text: &str) -> Self {
        let (agent_id, agent_type) = self.agent.clone().unwrap();
        self.turn.subagent_messages.push(SubagentMessage {
            agent_id,
            agent_type,
            text: text.to_owned(),
        });
        self
    }

    pub(super) fn says(mut self, message: &str) -> Turn {
        self.turn.last_assistant_message = Some(message.to_owned());
        self.turn
    }

    pub(super) fn ends(mut self, close: Close) -> Turn {
        self.turn.close = close;
        self.turn
    }
}

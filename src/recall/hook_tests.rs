use serde_json::json;

use super::*;

fn event(payload: &Value) -> Option<Event> {
    Event::from_payload(payload.as_object().unwrap())
}

#[test]
fn three_events_are_moments_and_others_are_none() {
    let base = json!({"session_id": "s", "cwd": "/work/billing"});
    let with = |more: Value| {
        let mut payload = base.clone();
        payload
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        event(&payload).map(|event| (event.name, event.moment))
    };
    assert_eq!(
        with(json!({"hook_event_name": "UserPromptSubmit", "prompt": "a <private>b</private> c"})),
        Some(("UserPromptSubmit", Moment::Prompt("a  c".to_owned())))
    );
    assert_eq!(
        with(json!({"hook_event_name": "PreToolUse", "tool_name": "Read",
            "tool_input": {"file_path": "/work/a.rs", "offset": 10, "limit": 5}})),
        Some(("PreToolUse", Moment::Read("/work/a.rs".to_owned())))
    );
    assert_eq!(
        with(
            json!({"hook_event_name": "PostToolUseFailure", "tool_name": "Bash",
            "error": "Exit code 1", "is_interrupt": false})
        ),
        Some((
            "PostToolUseFailure",
            Moment::Failure("Exit code 1".to_owned())
        ))
    );
    for none in [
        json!({}),
        json!({"hook_event_name": "UserPromptSubmit"}),
        json!({"hook_event_name": "UserPromptSubmit", "prompt": 7}),
        json!({"hook_event_name": "UserPromptSubmit", "prompt": "<private>all of it</private>"}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Edit",
            "tool_input": {"file_path": "/work/a.rs"}}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": []}),
        json!({"hook_event_name": "PostToolUse", "error": "x"}),
        json!({"hook_event_name": "PostToolUseFailure", "error": "x", "is_interrupt": true}),
        json!({"hook_event_name": "PostToolUseFailure"}),
    ] {
        assert_eq!(with(none.clone()), None, "{none}");
    }
    assert_eq!(
        event(&json!({"hook_event_name": "UserPromptSubmit", "prompt": "no session"})),
        None
    );
}

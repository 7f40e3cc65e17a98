//! What a request says around the calls: what came before, and what is wanted.

use serde_json::json;

use super::{asked, call, code, in_order, ran, turn};
use crate::agent::prompt::{MOST_CONTINUATION, build, continuation, is_part};
use crate::agent::{Close, SubagentMessage, ToolEvent, Turn};

#[test]
fn what_came_before_is_named_and_bounded() {
    let mut events: Vec<ToolEvent> = (0..40)
        .map(|n| ToolEvent {
            earlier: true,
            ..ran(&format!("make step{n}"), "long output")
        })
        .collect();
    events.push(ran("make last", "done"));
    let told = Turn {
        earlier_titles: (0..50).map(|n| format!("Title number {n}")).collect(),
        earlier_prompts: (0..50).map(|n| format!("Prompt number {n}")).collect(),
        ..turn(events)
    };
    let user = asked(&told).user;
    in_order(
        &user,
        &[
            "|Prompt number 45\n",
            "|Prompt number 49\n",
            "|Title number 30\n",
            "|Title number 49\n",
            "dealt with before",
            "- Bash |$ make step25\n",
            "- Bash |$ make step39\n",
            "1. Bash |$ make last\n|done\n",
        ],
    );
    for absent in ["number 29\n", "Prompt number 44", "step24", "long output"] {
        assert!(!user.contains(absent), "{absent}");
    }
    let older = Turn {
        earlier_titles: (0..5_000)
            .map(|n| format!("Title number {}", n % 50))
            .collect(),
        earlier_prompts: (0..5_000)
            .map(|n| format!("Prompt number {}", n % 50))
            .collect(),
        ..told
    };
    assert_eq!(asked(&older).user.len(), user.len());
}

#[test]
fn subagents_are_told_once_and_compactions_not() {
    let message = |kind: &str, text: &str| SubagentMessage {
        agent_id: "a".to_owned(),
        agent_type: kind.to_owned(),
        text: text.to_owned(),
    };
    let agent = call(
        "Task",
        json!({"description": "d", "prompt": "p"}),
        json!({"content": [{"type": "text", "text": "Found one test."}]}),
    );
    let told = Turn {
        subagent_messages: vec![
            message("Explore", "Found one test.\n"),
            message("", "whole session"),
            message("Plan", "Split it."),
        ],
        ..turn(vec![agent])
    };
    let user = asked(&told).user;
    assert_eq!(user.matches("Found one test.").count(), 1);
    assert!(!user.contains("whole session"));
    in_order(&user, &["What subagents answered:\n|Plan: Split it.\n"]);
}

#[test]
fn the_end_of_the_turn_decides_about_the_summary() {
    for (close, words) in [
        (Close::Stop, "the assistant finished."),
        (Close::SessionEnd, "the session ended."),
        (Close::NextPrompt, "next prompt came before"),
        (Close::Idle, "nothing more happened"),
        (Close::StopFailure, "an API error ended it."),
    ] {
        let user = asked(&Turn {
            close,
            ..turn(vec![ran("make", "ok")])
        })
        .user;
        in_order(&user, &[words, "Write the observations and the summary."]);
        assert_eq!(
            user.contains("The error that ended the turn:\n|Fixed."),
            close == Close::StopFailure
        );
    }
    let part = Turn {
        continues: true,
        last_assistant_message: None,
        ..turn(vec![ran("make", "ok")])
    };
    assert!(is_part(&part));
    in_order(
        &asked(&part).user,
        &["more of it follows", "Give no summary."],
    );
    let broken_off = Turn {
        last_assistant_message: None,
        prompt: None,
        ..turn(Vec::new())
    };
    let user = asked(&broken_off).user;
    assert!(user.contains("There is no closing message.") && !user.contains("The user asked"));
}

#[test]
fn a_continuation_names_what_is_done_and_is_bounded() {
    let user = build(&code(), &turn(vec![ran("make", "ok")]), 24_000).user;
    let so_far = "<observation><type>bugfix</type><title>One\nis done</title></observation><summary><request>x</request></summary><observation><title>Two";
    let ask = continuation(&user, so_far);
    assert!(ask.starts_with(&user));
    in_order(&ask, &["|One is done\n", "The summary was complete"]);
    assert!(!ask.contains("Two"));
    in_order(
        &continuation(&user, "<observation>"),
        &["None of its observations", "Begin anew"],
    );
    let long = format!(
        "<observation><title>{}</title></observation>",
        "日".repeat(500)
    );
    let many: String = (0..50)
        .map(|n| long.replace("<title>", &format!("<title>{n}")))
        .collect();
    let more = continuation(&user, &many).len() - user.len();
    assert!((400..=MOST_CONTINUATION).contains(&more), "{more}");
}

//! No memory is told twice in a session.

use std::collections::BTreeSet;

use sockets_protocol::SafeId;

use crate::support::{assert_answer, binary, run};

use super::world::{PROMPT, World, ids, row, text};

#[test]
fn a_session_hears_a_memory_once_until_it_is_compacted() {
    let world = World::filled();
    let told = |payload: &serde_json::Value| ids(&world.told(payload));
    for number in 0..3 {
        let (mut first, _) = world.moments("x")[number].clone();
        let session = (0..6)
            .map(|attempt| format!("s{number}-{attempt}"))
            .find(|session| {
                first["session_id"] = serde_json::json!(session);
                !told(&first).is_empty()
            })
            .expect("a session is told");
        assert!(told(&first).is_empty(), "{number}: it has been told");
        for source in ["resume", "compact"] {
            let talk = world.talk(&session);
            drop(world.sandbox.told(&talk, source));
            let noted = world.sandbox.locations().recalled(&SafeId::new(&session));
            assert_eq!(noted.exists(), source == "resume", "{source}");
        }
        let again = (0..6).map(|_| told(&first)).find(|ids| !ids.is_empty());
        // A hook that came too late may have noted it down.
        let noted = world.sandbox.locations().recalled(&SafeId::new(&session));
        assert!(again.is_some() || noted.exists(), "{number}");
    }
}

#[test]
fn what_the_start_has_shown_in_full_is_not_recalled() {
    let mut world = World::filled();
    world.sandbox.set("CLAUDE_MEM_CONTEXT_FULL_COUNT", "3");
    let talk = world.talk("s");
    let shown = world.sandbox.told(&talk, "startup");
    assert!(shown.contains("The invoice total multiplied"), "{shown}");
    for (payload, _) in world.moments("s") {
        assert_eq!(world.told(&payload), "");
    }
    let (other, _) = &world.moments("other")[0];
    assert_eq!(ids(&world.recalled(other)), [1]);
}

#[test]
fn twenty_prompts_at_once_share_the_memories() {
    let mut world = World::new();
    let rows = (0..70).map(|number| {
        row(
            "bugfix",
            &format!("Discount code {number} counted twice"),
            &format!(
                "The invoice total of case {number} had it in the list of codes {}.",
                number * 7
            ),
        )
    });
    world.remember("old", "billing", rows.collect());
    let sandbox = &world.sandbox;
    let answers: Vec<String> = std::thread::scope(|scope| {
        let prompts: Vec<_> = (0..20)
            .map(|number| {
                let payload = world.talk("s").prompt(&format!("p{number}"), PROMPT);
                scope.spawn(move || {
                    let bytes = payload.to_string();
                    let ran = run(&mut sandbox.command(binary("new-hook")), bytes.as_bytes());
                    assert_answer("new-hook", &ran, "twenty at once");
                    text(&payload, &ran)
                })
            })
            .collect();
        prompts
            .into_iter()
            .map(|prompt| prompt.join().unwrap())
            .collect()
    });
    let all: Vec<i64> = answers.iter().flat_map(|answer| ids(answer)).collect();
    let distinct: BTreeSet<i64> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "{all:?}");
    assert!(answers.iter().all(|answer| ids(answer).len() <= 3));
    let noted = sandbox.locations().recalled(&SafeId::new("s"));
    let noted = std::fs::read_to_string(noted).unwrap_or_default();
    let lines: BTreeSet<&str> = noted.lines().collect();
    assert_eq!(noted.lines().count(), lines.len(), "{noted}");
    assert!(noted.lines().count() >= all.len(), "{noted}");
    sandbox.wait_for_quiet();
    assert_eq!(
        sandbox.count("SELECT count(*) FROM user_prompts WHERE content_session_id = 's'"),
        20
    );
}

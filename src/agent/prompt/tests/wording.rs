//! The fixed instructions.

use super::{MOST, code, in_order, ran, turn};
use crate::agent::mode;
use crate::agent::prompt::build;

#[test]
fn they_are_the_same_for_every_turn_of_a_mode_and_small() {
    let small = build(&code(), &turn(Vec::new()), MOST).system;
    let large = build(&code(), &turn(vec![ran("make", "x\ny"); 900]), 8_000).system;
    assert_eq!(small, large);
    assert!(small.chars().count() <= 3_500, "{}", small.chars().count());
    for (id, _) in mode::known(None) {
        let system = build(&mode::load(&id, None).unwrap(), &turn(Vec::new()), MOST).system;
        assert!(
            system.chars().count() <= 4_000,
            "{id}: {}",
            system.chars().count()
        );
    }
}

#[test]
fn they_hold_the_format_the_lists_the_guidance_and_the_rules() {
    let code = code();
    let system = build(&code, &turn(Vec::new()), MOST).system;
    in_order(
        &system,
        &[
            "<observation>",
            "<type>",
            "<title>",
            "<subtitle>",
            "<narrative>",
            "<facts><fact>",
            "<concepts><concept>",
            "<files_read><file>",
            "<files_modified><file>",
            "</observation>",
            "<summary>",
            "<request>",
            "<investigated>",
            "<learned>",
            "<completed>",
            "<next_steps>",
            "<notes>",
            "</summary>",
            "<skip reason=\"",
            "Types:",
            "Concepts:",
        ],
    );
    for term in code.types.iter().chain(&code.concepts) {
        assert!(system.contains(&format!("- {}: {}\n", term.id, term.description)));
    }
    in_order(&system, &[&code.guidance, "Rules:"]);
}

#[test]
fn a_mode_says_the_language() {
    let system = |id: &str| build(&mode::load(id, None).unwrap(), &turn(Vec::new()), MOST).system;
    assert!(system("code--de").contains("Write in German."));
    assert!(system("code").contains("Write in the language of these instructions"));
    assert_eq!(
        system("code--de").replace("German", "French"),
        system("code--fr")
    );
}

#[test]
fn a_mode_without_concepts_has_no_list_of_them() {
    let plain = mode::Mode {
        concepts: Vec::new(),
        ..code()
    };
    assert!(
        !build(&plain, &turn(Vec::new()), MOST)
            .system
            .contains("Concepts:")
    );
}

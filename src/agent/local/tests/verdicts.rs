//! What has to come out of the recorded-like turns.

use super::build::turn;
use super::{edges, has_fact, shown, stacks};
use crate::agent::local::{extract, text};
use crate::agent::{Concept, Extraction, Observation, ObservationKind as Kind, Turn};

#[track_caller]
fn only(turn: &Turn, kind: Kind) -> (Observation, Extraction) {
    let extraction = extract(turn);
    assert_eq!(extraction.observations.len(), 1, "{}", shown(&extraction));
    assert_eq!(
        extraction.observations[0].kind,
        kind,
        "{}",
        shown(&extraction)
    );
    (extraction.observations[0].clone(), extraction)
}

#[test]
fn every_text_is_one_that_a_person_would_keep() {
    for (name, turn) in stacks::all().into_iter().chain(edges::all()) {
        let extraction = extract(&turn);
        assert_eq!(
            extraction.observations.is_empty(),
            extraction.skip_reason.is_some(),
            "{name}"
        );
        assert!(extraction.observations.len() <= 4, "{name}");
        for o in &extraction.observations {
            let title = &o.title;
            let length = title.chars().count();
            assert!((8..=90).contains(&length), "{name}: {title}");
            assert!(!title.ends_with(['.', ':', ';', ',']), "{name}: {title}");
            let small = title.starts_with(char::is_lowercase);
            assert!(!small || begins_with_name(o), "{name}: {title}");
            assert!(!title.contains(['`', '*', '\n']), "{name}: {title}");
            assert_ne!(Some(title), turn.prompt.as_ref(), "{name}");
            assert!(
                !o.subtitle.is_empty() && !o.narrative.is_empty(),
                "{name}: {}",
                shown(&extraction)
            );
            assert!(
                (2..=7).contains(&o.facts.len()),
                "{name}: {}",
                shown(&extraction)
            );
            assert!(!o.concepts.is_empty() && !o.events.is_empty(), "{name}");
            assert!(
                o.files_read.iter().all(|f| !o.files_modified.contains(f)),
                "{name}"
            );
            assert!(
                o.files_modified.iter().all(|f| !f.starts_with('/')),
                "{name}: {:?}",
                o.files_modified
            );
        }
        let summary = extraction
            .summary
            .unwrap_or_else(|| panic!("{name} has no summary"));
        assert!(
            !summary.request.is_empty() && summary.request.chars().count() <= 300,
            "{name}"
        );
    }
}

/// Whether a title begins with a name out of code, or with a program that the
/// facts name: those keep their letters.
fn begins_with_name(observation: &Observation) -> bool {
    let first = observation.title.split(' ').next().unwrap_or("");
    let told = |fact: &String| fact.split([' ', ':']).any(|word| word == first);
    text::is_code_word(first) || observation.facts.iter().any(told)
}

#[test]
fn a_rust_panic_is_fixed() {
    let (fix, extraction) = only(&stacks::rust_fix(), Kind::Bugfix);
    assert_eq!(fix.title, "Return None for a header without bytes=");
    has_fact(
        &fix,
        "range::tests::empty_header failed: byte index 6 is out of bounds",
    );
    has_fact(&fix, "Changed parse_range in src/range.rs");
    has_fact(&fix, "14 tests pass (cargo test)");
    assert_eq!(fix.files_modified, ["src/range.rs"]);
    assert!(
        extraction
            .summary
            .unwrap()
            .learned
            .contains("before it checked")
    );
}

#[test]
fn a_go_feature_keeps_its_warning_and_forgets_its_build_error() {
    let (feature, extraction) = only(&stacks::go_feature(), Kind::Feature);
    assert!(feature.title.contains("retries on 429 and 5xx"));
    has_fact(&feature, "Added retryable in internal/upload/client.go");
    has_fact(&feature, "buffered in memory");
    assert!(feature.concepts.contains(&Concept::Gotcha));
    let summary = extraction.summary.unwrap();
    assert!(summary.next_steps.contains("config file") && summary.next_steps.contains("jitter"));
    assert!(!feature.narrative.contains("undefined"));
}

#[test]
fn a_bug_told_by_the_user_names_what_was_wrong() {
    let (fix, extraction) = only(&stacks::typescript_jest(), Kind::Bugfix);
    assert_eq!(
        fix.title,
        "Fixed: the date picker shows the previous day for users west of UTC"
    );
    has_fact(
        &fix,
        "parseDate › keeps the day in negative offsets failed: Expected 1, received 29",
    );
    assert!(fix.subtitle.contains("UTC midnight"));
    assert!(extraction.summary.unwrap().next_steps.is_empty());
    let (fix, _) = only(&stacks::pytest_tail(), Kind::Bugfix);
    has_fact(&fix, "test_export_accents failed: UnicodeEncodeError");
    has_fact(&fix, "42 tests pass");
}

#[test]
fn a_script_that_failed_and_runs_is_fixed_as_well() {
    let (fix, _) = only(&edges::script_fix(), Kind::Bugfix);
    assert!(
        fix.title
            .starts_with("Amounts with a decimal comma are accepted now")
    );
    has_fact(&fix, "python scripts/import.py data.csv succeeds");
    has_fact(&fix, "ValueError: could not convert string to float: '1,5'");
    has_fact(&fix, "Changed number in scripts/import.py");
}

#[test]
fn moves_are_refactorings_and_prose_is_a_change() {
    let (refactor, _) = only(&stacks::refactor_git_mv(), Kind::Refactor);
    assert_eq!(refactor.title, "Move auth helpers to src/auth");
    has_fact(&refactor, "src/utils/auth.js moved to src/auth/session.js");
    assert!(!says(&refactor, "Co-Authored"));
    let (docs, _) = only(&stacks::docs_only(), Kind::Change);
    assert_eq!(docs.files_modified, ["README.md"]);
    assert_eq!(docs.files_read, ["src/config.ts"]);
    let (many, _) = only(&stacks::huge(), Kind::Refactor);
    has_fact(&many, "colour replaced by color in 100 files");
    assert!(many.files_read.is_empty());
}

fn says(observation: &Observation, text: &str) -> bool {
    format!("{observation:?}").contains(text)
}

#[test]
fn research_ends_in_a_discovery() {
    let (found, extraction) = only(&stacks::research(), Kind::Discovery);
    assert_eq!(
        found.title,
        "Sessions expire lazily: there is no background job"
    );
    assert_eq!(found.files_read, ["src/session/store.ts", "src/server.ts"]);
    has_fact(&found, "Lifetime: 24 hours (SESSION_TTL)");
    assert!(extraction.summary.unwrap().learned.contains("touch()"));
    let (found, extraction) = only(&stacks::mcp(), Kind::Discovery);
    assert!(
        found
            .title
            .starts_with("The duplicates come from the nightly import")
    );
    assert!(
        extraction
            .summary
            .unwrap()
            .investigated
            .contains("postgres query")
    );
    let (found, _) = only(&edges::log_with_failures(), Kind::Discovery);
    assert!(found.title.contains("test_resume"));
}

#[test]
fn failures_cured_without_an_edit_are_gotchas() {
    let (found, _) = only(&stacks::npm_node_version(), Kind::Discovery);
    assert!(found.title.contains("needs Node 20"));
    assert!(found.concepts.contains(&Concept::Gotcha));
    has_fact(&found, "Cure: nvm use 20");
    let (found, _) = only(&edges::missing_env(), Kind::Discovery);
    assert!(found.title.contains("REDIS_URL"));
    has_fact(&found, "KeyError: 'REDIS_URL'");
    assert!(!says(&found, "redis://"));
    let upgrade = extract(&edges::chore_commit());
    let kinds: Vec<Kind> = upgrade.observations.iter().map(|o| o.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Change, Kind::Discovery],
        "{}",
        shown(&upgrade)
    );
    has_fact(
        &upgrade.observations[0],
        "react-dom in package.json: ^18.3.1 → ^19.0.0",
    );
}

#[test]
fn unfinished_work_is_not_told_as_done() {
    let (started, extraction) = only(&stacks::interrupted(), Kind::Feature);
    assert_eq!(started.title, "Started to add pagination to GET /orders");
    assert!(extraction.summary.unwrap().notes.contains("interrupted"));
    let (tried, extraction) = only(&edges::still_failing(), Kind::Change);
    assert!(
        tried.title.contains("never opens port 3000"),
        "{}",
        tried.title
    );
    has_fact(
        &tried,
        "Not cured at the end of the turn: npx playwright test",
    );
    assert!(
        extraction
            .summary
            .unwrap()
            .next_steps
            .contains("Start a database")
    );
    let (_, extraction) = only(&edges::api_error(), Kind::Feature);
    assert!(extraction.summary.unwrap().notes.contains("API error"));
}

#[test]
fn a_hypothesis_that_was_reverted_is_no_fact() {
    let (fix, extraction) = only(&stacks::dead_end(), Kind::Bugfix);
    assert_eq!(fix.files_modified, ["app/models/report.rb"]);
    let told = format!(
        "{} {} {} {:?}",
        fix.title, fix.subtitle, fix.narrative, fix.facts
    );
    for gone in ["pool", "config/db.yml"] {
        assert!(!told.contains(gone), "{told}");
    }
    has_fact(&fix, "N+1 query");
    let summary = extraction.summary.unwrap();
    assert!(!summary.learned.contains("pool") && !summary.completed.contains("pool"));
    assert!(summary.notes.starts_with("Tried without success"));
}

#[test]
fn subagents_sign_what_is_theirs_alone() {
    let extraction = extract(&stacks::subagent());
    let [footer, translated] = extraction.observations.as_slice() else {
        panic!("{}", shown(&extraction));
    };
    assert_eq!(footer.agent_id, None);
    assert_eq!(footer.files_modified, ["web/Footer.tsx"]);
    assert_eq!(translated.agent_id.as_deref(), Some("a1"));
    assert_eq!(translated.agent_type.as_deref(), Some("general-purpose"));
    assert_eq!(translated.files_modified, ["i18n/de.json"]);
    has_fact(translated, "The key quota had no English source");
}

#[test]
fn other_languages_are_understood() {
    let (fix, extraction) = only(&stacks::german(), Kind::Bugfix);
    assert_eq!(fix.title, "Leere Zeilen werden jetzt übersprungen");
    assert!(fix.subtitle.contains("z. B. bei einer"));
    assert!(
        extraction
            .summary
            .unwrap()
            .next_steps
            .contains("Importseite")
    );
    let (fix, extraction) = only(&stacks::chinese(), Kind::Bugfix);
    assert_eq!(fix.title, "已修复登录超时的问题");
    has_fact(&fix, "原因是 refresh");
    assert!(extraction.summary.unwrap().next_steps.contains("配置文件"));
}

#[test]
fn each_commit_is_its_own_work() {
    let extraction = extract(&edges::two_commits());
    let told: Vec<(Kind, &str, &str)> = extraction
        .observations
        .iter()
        .map(|o| (o.kind, o.title.as_str(), o.files_modified[0].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                Kind::Bugfix,
                "Sum invoice lines as decimals",
                "src/total.rb"
            ),
            (
                Kind::Feature,
                "Add currency column to the CSV export",
                "src/csv_export.rb"
            ),
        ]
    );
    let (wip, _) = only(&edges::only_wip(), Kind::Change);
    assert_eq!(wip.title, "Changed Player::update in src/player.cpp");
    let (tdd, _) = only(&edges::tdd(), Kind::Feature);
    assert_eq!(tdd.title, "Implemented slugify(title) test-first");
    let (raw, _) = only(&edges::raw_client(), Kind::Bugfix);
    has_fact(&raw, "Changed get in lib/cache.ex");
}

#[test]
fn a_choice_in_passing_is_a_decision_beside_the_work() {
    let extraction = extract(&edges::choice_in_passing());
    let decision = extraction
        .observations
        .iter()
        .find(|o| o.kind == Kind::Decision)
        .unwrap();
    assert_eq!(
        decision.title,
        "Chose GoodJob over Sidekiq because it keeps the queue in Postgres"
    );
    has_fact(decision, "Rejected: Sidekiq");
    has_fact(decision, "revisit this above");
    assert!(
        extraction
            .observations
            .iter()
            .any(|o| o.kind == Kind::Feature)
    );
    let (alert, extraction) = only(&edges::slash_command(), Kind::SecurityAlert);
    assert!(alert.title.starts_with("Path traversal"));
    assert!(
        extraction
            .summary
            .unwrap()
            .next_steps
            .contains("filepath.Base")
    );
}

#[test]
fn a_choice_that_is_advised_is_a_decision() {
    let extraction = extract(&edges::advised_choice());
    let decision = extraction
        .observations
        .iter()
        .find(|o| o.kind == Kind::Decision)
        .unwrap_or_else(|| panic!("{}", shown(&extraction)));
    assert_eq!(decision.title, "Use C++17 rather than a backport");
    has_fact(decision, "Chosen: C++17");
    has_fact(decision, "Rejected: a backport");
    has_fact(decision, "Reason: GCC 10.3 on the target supports it");
}

#[test]
fn a_test_written_first_makes_no_bug() {
    let (feature, extraction) = only(&edges::test_first(), Kind::Feature);
    has_fact(&feature, "The migration fails if the table has duplicates");
    let summary = extraction.summary.unwrap();
    assert!(summary.next_steps.contains("before deploying"));
    assert!(!summary.learned.contains("still pass"));
}

#[test]
fn facts_of_one_file_are_no_repetitions() {
    let path = "src/main/kotlin/ledger/Transfer.kt";
    let turn = turn("reject transfers that overdraw")
        .edit(path, "@@ -1,2 +1,4 @@\n package ledger\n+\n+class Overdraft(name: String) : RuntimeException(name)\n")
        .edit(path, "@@ -6,2 +8,3 @@\n     fun transfer(from: String) {\n+        check(from)\n     }\n")
        .says("Transfers that overdraw an account are rejected with `Overdraft` now.");
    let observation = &extract(&turn).observations[0];
    has_fact(observation, &format!("Added Overdraft in {path}"));
    has_fact(observation, &format!("Changed transfer in {path}"));
}

#[test]
fn trivia_and_courtesies_make_nothing() {
    for turn in [stacks::trivia(), edges::plain_question(), edges::ack_only()] {
        let extraction = extract(&turn);
        assert!(extraction.observations.is_empty(), "{}", shown(&extraction));
        assert!(extraction.skip_reason.is_some());
    }
    assert!(
        extract(&edges::plain_question())
            .summary
            .unwrap()
            .completed
            .contains("Cargo.lock")
    );
    assert!(extract(&Turn::default()).summary.is_none());
}

#[test]
fn nothing_is_told_twice() {
    let mut turn = stacks::rust_fix();
    turn.earlier_titles
        .push("Return None for a header without bytes=".to_owned());
    let extraction = extract(&turn);
    assert!(extraction.observations.is_empty(), "{}", shown(&extraction));
}

//! The first recorded session: a fix, a feature and a decision.

use super::recording;
use crate::agent::{Extraction, ObservationKind};

fn extracted() -> Vec<Extraction> {
    recording::extracted("session-a.jsonl")
}

#[test]
fn the_discount_bug_is_told_with_cause_proof_and_files() {
    let turn = &extracted()[0];
    let [fix] = turn.observations.as_slice() else {
        panic!("{}", super::shown(turn));
    };
    assert_eq!(fix.kind, ObservationKind::Bugfix);
    assert_eq!(fix.title, "Count a discount code once per invoice");
    assert_eq!(
        fix.files_modified,
        ["tests/test_invoice.py", "billing/invoice.py"]
    );
    assert_eq!(fix.files_read, ["billing/discounts.py"]);
    super::has_fact(fix, "Decimal('81.00') != Decimal('90.00')");
    super::has_fact(fix, "Changed apply_discount in billing/invoice.py");
    super::has_fact(fix, "3 tests pass");
    super::has_fact(fix, "Commit 116696e");
    super::has_fact(fix, "Unknown codes still pass silently");
    assert!(fix.narrative.contains("appended without checking"));
    let summary = turn.summary.as_ref().unwrap();
    assert!(summary.request.starts_with("Customers report"));
    assert!(summary.next_steps.contains("follow-up"));
    assert!(summary.completed.contains("116696e"));
}

#[test]
fn the_flag_is_a_feature_and_the_mistyped_module_nothing() {
    let turn = &extracted()[1];
    let [feature] = turn.observations.as_slice() else {
        panic!("{}", super::shown(turn));
    };
    assert_eq!(feature.kind, ObservationKind::Feature);
    assert!(feature.title.contains("--json"));
    assert_eq!(feature.files_modified, ["billing/report.py"]);
    super::has_fact(feature, "New flag --json in billing/report.py");
    let everything = super::shown(turn);
    assert!(!everything.contains("repot"), "{everything}");
    let summary = turn.summary.as_ref().unwrap();
    assert!(summary.next_steps.contains("real totals"));
    assert!(summary.completed.contains("takes --json"));
}

#[test]
fn the_decision_is_told_once_and_without_the_private_key() {
    let turn = &extracted()[2];
    let [decision] = turn.observations.as_slice() else {
        panic!("{}", super::shown(turn));
    };
    assert_eq!(decision.kind, ObservationKind::Decision);
    assert_eq!(decision.title, "Exchange rates are cached in SQLite");
    assert_eq!(
        decision.files_modified,
        ["docs/decisions/0001-exchange-rates.md"]
    );
    super::has_fact(decision, "Rejected: Redis");
    super::has_fact(decision, "Reason: must work offline");
    super::has_fact(decision, "Revisit");
    let everything = super::shown(turn);
    assert!(!everything.contains("rk_live"), "{everything}");
    assert!(
        turn.summary
            .as_ref()
            .unwrap()
            .next_steps
            .contains("Revisit")
    );
}

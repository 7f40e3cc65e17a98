//! What edits did to files.

use serde_json::json;

use crate::agent::local::edit::{Action, Edit, lines, unwrapped};

fn edit(path: &str, diff: &str) -> Edit {
    let lines = lines(&json!({}), &json!({ "diff": diff }));
    Edit::new(path.to_owned(), Action::Updated, lines)
}

#[test]
fn a_hunk_tells_the_definition_it_changed_and_those_it_added() {
    let touched = edit(
        "a.py",
        "@@ -10,4 +10,9 @@\n     def apply(self, code):\n-        self.codes.append(code)\n+        if code not in self.codes:\n+            self.codes.append(code)\n+\n+    def fresh(self):\n+        return 1\n",
    );
    let touched = touched.touched();
    assert_eq!(touched.changed, ["apply"]);
    assert_eq!(touched.added, ["fresh"]);
    let header = edit(
        "a.go",
        "@@ -5,3 +5,3 @@ func (s *S) Run() {\n-\tx := 1\n+\tx := 2\n",
    );
    assert_eq!(header.touched().changed, ["S.Run"]);
}

#[test]
fn tests_beside_the_code_are_told_from_it() {
    let edit = edit(
        "a.rs",
        "@@ -1,1 +1,5 @@\n+    #[test]\n+    fn cuts() {\n+    }\n+\n+    fn helper() {\n+    }\n",
    );
    assert!(edit.adds_test("cuts"));
    assert!(!edit.adds_test("helper"));
}

#[test]
fn every_form_of_an_edit_gives_the_same_lines() {
    let diff = lines(
        &json!({}),
        &json!({"diff": "@@ -1,2 +1,2 @@\n a\n-b\n+c\n"}),
    );
    let patch = lines(
        &json!({}),
        &json!({"structuredPatch": [{"lines": [" a", "-b", "+c"]}]}),
    );
    let pair = lines(
        &json!({"old_string": "a\nb", "new_string": "a\nc"}),
        &json!({}),
    );
    assert_eq!(diff, patch);
    assert_eq!(diff, pair);
    assert_eq!(unwrapped(&json!("{\"a\":1}")).get("a"), Some(&json!(1)));
}

#[test]
fn changed_values_and_inverse_edits_are_seen() {
    let there = edit("a.yml", "@@ -1 +1 @@\n-  timeout: 10\n+  timeout: 30\n");
    let back = edit("a.yml", "@@ -1 +1 @@\n-  timeout: 30\n+  timeout: 10\n");
    assert_eq!(
        there.value_changes(),
        [("timeout".to_owned(), "10".to_owned(), "30".to_owned())]
    );
    assert!(back.undoes(&there));
    assert!(!there.undoes(&there));
}

use serde_json::{Value, json};

use super::*;

const BUDGET: Budget = Budget { field_bytes: 1_000 };

fn dropped(tool: &str, mut input: Value, mut output: Value) -> (Value, Value) {
    drop_ballast(tool, &mut input, &mut output);
    (input, output)
}

fn patch() -> Value {
    json!([
        {"oldStart": 6, "oldLines": 2, "newStart": 6, "newLines": 3, "lines": [" def div(a, b):", "+    check(b)", "     return a / b"]},
        {"oldStart": 20, "oldLines": 1, "newStart": 21, "newLines": 1, "lines": ["-x", "+y"]},
    ])
}

const DIFF: &str = "@@ -6,2 +6,3 @@\n def div(a, b):\n+    check(b)\n     return a / b\n@@ -20,1 +21,1 @@\n-x\n+y\n";

#[test]
fn an_edit_becomes_its_diff() {
    let input = json!({"file_path": "/p/calc.py", "old_string": "x", "new_string": "y", "replace_all": false});
    let output = json!({"filePath": "/p/calc.py", "oldString": "x", "newString": "y", "originalFile": "z".repeat(3_000_000),
        "structuredPatch": patch(), "userModified": false, "replaceAll": false});
    let (input, output) = dropped("Edit", input, output);
    assert_eq!(
        input,
        json!({"file_path": "/p/calc.py", "replace_all": false})
    );
    assert_eq!(output, json!({"filePath": "/p/calc.py", "diff": DIFF}));
}

#[test]
fn an_edit_without_a_patch_becomes_a_diff_of_its_strings() {
    let input = json!({"file_path": "/p/a", "old_string": "1\n2\n3\n4\nold\nlast", "new_string": "1\n2\n3\n4\nnew\nmore\nlast"});
    let (input, output) = dropped("Edit", input, json!({"filePath": "/p/a"}));
    assert_eq!(input, json!({"file_path": "/p/a"}));
    assert_eq!(
        output,
        json!({"filePath": "/p/a", "diff": " 2\n 3\n 4\n-old\n+new\n+more\n last\n"})
    );

    let input = json!({"file_path": "/p/a", "edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": ""}]});
    let (input, output) = dropped("MultiEdit", input, json!({"filePath": "/p/a"}));
    assert_eq!(input, json!({"file_path": "/p/a"}));
    assert_eq!(
        output,
        json!({"filePath": "/p/a", "diff": "-a\n+b\n@@\n-c\n"})
    );
}

#[test]
fn what_was_prepared_once_stays_as_it_is() {
    let text = "one\ntwo\n".repeat(4000);
    for (tool, input, output) in [
        (
            "Edit",
            json!({"file_path": "/p/a.rs", "old_string": "a", "new_string": "b", "replace_all": true}),
            json!({"filePath": "/p/a.rs", "originalFile": "a", "structuredPatch": patch()}),
        ),
        (
            "Write",
            json!({"file_path": "/p/a.rs", "content": "b"}),
            json!({"type": "update", "filePath": "/p/a.rs", "content": "b", "originalFile": "a",
                "structuredPatch": patch()}),
        ),
        (
            "Write",
            json!({"file_path": "/p/a.rs", "content": text}),
            json!({"type": "create", "filePath": "/p/a.rs", "content": text, "structuredPatch": []}),
        ),
        (
            "NotebookEdit",
            json!({"notebook_path": "/p/n.ipynb", "new_source": "b"}),
            json!({"new_source": "b", "cell_id": "c", "original_file": "{}"}),
        ),
        (
            "Bash",
            json!({"command": "cat it"}),
            json!({"stdout": text, "stderr": "password=hunter2hunter2"}),
        ),
        (
            "Agent",
            json!({"prompt": "look"}),
            json!({"content": [{"type": "text", "text": text}]}),
        ),
    ] {
        let budget = Budget::default();
        let (input, output) = prepare_tool(tool, input, output, &budget);
        let again = prepare_tool(tool, input.clone(), output.clone(), &budget);
        assert_eq!((input, output), again, "{tool}");
    }
}

#[test]
fn a_failed_edit_keeps_its_input() {
    let input = json!({"file_path": "/p/a", "old_string": "a", "new_string": "b"});
    for output in [Value::Null, json!("File not found"), json!({})] {
        assert_eq!(
            dropped("Edit", input.clone(), output.clone()),
            (input.clone(), output)
        );
    }
}

#[test]
fn a_new_file_is_kept_once() {
    let input = json!({"file_path": "/p/a", "content": "text\n"});
    let output = json!({"type": "create", "filePath": "/p/a", "content": "text\n", "structuredPatch": [], "originalFile": null, "userModified": false});
    let (input, output) = dropped("Write", input, output);
    assert_eq!(input, json!({"file_path": "/p/a"}));
    assert_eq!(
        output,
        json!({"type": "create", "filePath": "/p/a", "content": "text\n"})
    );
}

#[test]
fn an_overwritten_file_becomes_a_diff() {
    let input = json!({"file_path": "/p/a", "content": "new"});
    let output = json!({"type": "update", "filePath": "/p/a", "content": "new", "structuredPatch": patch(), "originalFile": "old", "userModified": true});
    let (_, output) = dropped("Write", input, output);
    assert_eq!(
        output,
        json!({"type": "update", "filePath": "/p/a", "diff": DIFF, "userModified": true})
    );
}

#[test]
fn a_notebook_edit_keeps_the_cell() {
    let input = json!({"notebook_path": "/p/n.ipynb", "cell_id": "c1", "new_source": "print(1)"});
    let output = json!({"new_source": "print(1)", "cell_id": "c1", "cell_type": "code", "language": "python", "edit_mode": "replace",
        "notebook_path": "/p/n.ipynb", "original_file": "x".repeat(9_000), "updated_file": "y".repeat(9_000)});
    let (input, output) = dropped("NotebookEdit", input, output);
    assert_eq!(
        input,
        json!({"notebook_path": "/p/n.ipynb", "cell_id": "c1"})
    );
    assert_eq!(
        output,
        json!({"filePath": "/p/n.ipynb", "cell_id": "c1", "cell_type": "code", "edit_mode": "replace", "new_source": "print(1)"})
    );
}

#[test]
fn a_change_inside_a_private_passage_is_not_shown() {
    let file = "one\n<private>\na\nb\nc\nd\nhidden-old\ne\nf\ng\n</private>\nlast\n";
    let lines = json!([" b", " c", " d", "-hidden-old", "+hidden-new", " e"]);
    let patch =
        json!([{"oldStart": 5, "oldLines": 5, "newStart": 5, "newLines": 5, "lines": lines}]);
    let input =
        json!({"file_path": "/p/a", "old_string": "hidden-old", "new_string": "hidden-new"});
    let output = json!({"filePath": "/p/a", "originalFile": file, "structuredPatch": patch});
    let (input, output) = prepare_tool("Edit", input, output, &BUDGET);
    assert!(
        !input.to_string().contains("hidden") && !output.to_string().contains("hidden"),
        "{input} {output}"
    );
    assert_eq!(output["filePath"], "/p/a");

    let written = json!({"file_path": "/p/a", "content": file.replace("hidden-old", "hidden-new")});
    let output = json!({"type": "update", "filePath": "/p/a", "originalFile": file, "structuredPatch": patch});
    let (input, output) = prepare_tool("Write", written, output, &BUDGET);
    assert!(
        !input.to_string().contains("hidden") && !output.to_string().contains("hidden"),
        "{input} {output}"
    );

    let input = json!({"file_path": "/p/a", "old_string": file, "new_string": file.replace("hidden-old", "hidden-new")});
    let (input, output) = prepare_tool("Edit", input, json!({"filePath": "/p/a"}), &BUDGET);
    assert!(
        !input.to_string().contains("hidden") && !output.to_string().contains("hidden"),
        "{input} {output}"
    );
}

#[test]
fn pictures_and_documents_become_notes() {
    let picture = "iVBORw0KGgo".repeat(2_000);
    let read = json!({"type": "image", "file": {"base64": picture, "type": "image/png", "originalSize": 16_500}});
    let (_, output) = dropped("Read", json!({}), read);
    assert_eq!(
        output["file"]["base64"],
        "[image omitted: image/png, 16,500 bytes]"
    );
    let pdf = json!({"type": "pdf", "file": {"filePath": "/p/a.pdf", "base64": picture}});
    let (_, output) = dropped("Read", json!({}), pdf);
    assert_eq!(
        output["file"],
        json!({"filePath": "/p/a.pdf", "base64": "[base64 omitted: 16,500 bytes]"})
    );
    let content = json!([{"type": "text", "text": "done"}, {"type": "image", "data": "iVBO", "mimeType": "image/jpeg"}]);
    let (_, output) = dropped("mcp__browser__shot", json!({}), content);
    assert_eq!(
        output,
        json!([{"type": "text", "text": "done"}, {"type": "image", "data": "[image omitted: image/jpeg, 3 bytes]", "mimeType": "image/jpeg"}])
    );
    let source =
        json!({"source": {"type": "base64", "media_type": "application/pdf", "data": picture}});
    assert_eq!(
        dropped("x", source, Value::Null).0["source"]["data"],
        "[pdf omitted: application/pdf, 16,500 bytes]"
    );
    let bash = json!({"stdout": format!("data:image/png;base64,{picture}"), "stderr": "", "isImage": true});
    assert_eq!(
        dropped("Bash", json!({}), bash).1["stdout"],
        "[image omitted: image/png, 16,500 bytes]"
    );
}

#[test]
fn data_in_texts_becomes_a_note() {
    let data = "aB3+".repeat(300);
    let (text, _) = dropped(
        "x",
        json!(format!("a {data} b\n![i](data:image/gif;base64,{data}) c")),
        Value::Null,
    );
    assert_eq!(
        text,
        json!(
            "a [base64 omitted: 900 bytes] b\n![i](data:image/gif;base64,".replace(
                "data:image/gif;base64,",
                "[image omitted: image/gif, 900 bytes]) c"
            )
        )
    );
    let (text, _) = dropped(
        "x",
        json!(format!("\\u003cprivate\\u003e{data}\\nmore")),
        Value::Null,
    );
    assert_eq!(
        text,
        json!("\\u003cprivate\\u003e[base64 omitted: 900 bytes]\\nmore")
    );
    for text in [
        "=".repeat(2_000),
        "a".repeat(2_000),
        "ordinary words and numbers 1 2 3 ".repeat(100),
        "data:image/png;base64,".repeat(50),
    ] {
        assert_eq!(dropped("x", json!(text), Value::Null).0, json!(text));
    }
}

#[test]
fn an_agent_keeps_what_it_was_told_and_said() {
    let input = json!({"description": "Survey", "prompt": "list the tests", "subagent_type": "general-purpose"});
    let output = json!({"status": "completed", "prompt": "list the tests", "agentId": "a1", "agentType": "general-purpose", "content": [{"type": "text", "text": "One."}],
        "resolvedModel": "m", "totalDurationMs": 1, "totalTokens": 2, "totalToolUseCount": 3, "usage": {"input_tokens": 1}, "toolStats": {"readCount": 1}});
    let (kept, output) = dropped("Agent", input.clone(), output);
    assert_eq!(kept, input);
    assert_eq!(
        output,
        json!({"status": "completed", "agentType": "general-purpose", "content": [{"type": "text", "text": "One."}]})
    );
}

#[test]
fn small_calls_stay_as_they_are() {
    let input = json!({"command": "ls", "description": "List"});
    let output = json!({"stdout": "a\nb", "stderr": "", "interrupted": false, "isImage": false, "n": 1.5, "x": null, "cells": [{"source": "print('hi')\n"}]});
    assert_eq!(
        prepare_tool("Bash", input.clone(), output.clone(), &Budget::default()),
        (input, output)
    );
}

#[test]
fn a_secret_at_a_cut_is_gone_before_the_cut() {
    let key = ["ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
    for shift in 0..80 {
        let text = format!("{}{key} {}", "x ".repeat(300 + shift), "y ".repeat(2_000));
        let private = format!(
            "{}<private>hidden</private>{}",
            "x ".repeat(300 + shift),
            "y ".repeat(2_000)
        );
        let (_, output) = prepare_tool(
            "Bash",
            Value::Null,
            json!({"stdout": text, "stderr": private}),
            &BUDGET,
        );
        let output = output.to_string();
        assert!(
            !output.contains("ghp_") && !output.contains("hid") && !output.contains("<priv"),
            "{output}"
        );
    }
}

#[test]
fn head_and_tail_keep_to_the_budget() {
    let lines: Vec<String> = (0..2_000)
        .map(|number| format!("line {number} é日"))
        .collect();
    let lines = lines.join("\n") + "\n";
    let cut = head_and_tail(&lines, 900);
    assert!(cut.len() <= 900 && cut.len() > 700, "{}", cut.len());
    assert!(
        cut.starts_with("line 0 ") && cut.ends_with("line 1999 é日\n"),
        "{cut}"
    );
    let (head, rest) = cut.split_once("\n[… ").unwrap();
    let (note, tail) = rest.split_once(" …]\n").unwrap();
    assert!(head.ends_with("é日") && tail.starts_with("line "), "{cut}");
    assert!(head.len() > tail.len());
    let number = |text: &str| text.replace(',', "").parse::<usize>().unwrap();
    let (gone, all) = note
        .strip_suffix(" bytes cut")
        .unwrap()
        .split_once(" of ")
        .unwrap();
    assert_eq!(number(all), lines.len());
    assert_eq!(number(gone) + head.len() + tail.len(), lines.len());
    for text in [
        lines.as_str(),
        &"日".repeat(3_000),
        &"x".repeat(9_000),
        &"\n".repeat(9_000),
    ] {
        for budget in 0..300 {
            assert!(head_and_tail(text, budget).len() <= budget);
        }
        assert_eq!(head_and_tail(text, text.len()), text);
    }
}

fn bounded(mut value: Value) -> Value {
    bound(&mut value, &BUDGET);
    value
}

#[test]
fn every_value_is_bounded() {
    let mut deep = json!("x".repeat(3_000));
    for level in 0..100 {
        deep = if level % 2 == 0 {
            json!([deep, "y".repeat(500)])
        } else {
            json!({"a": deep, "b": "z".repeat(500)})
        };
    }
    let many: Value = (0..5_000)
        .map(|number| (format!("key{number}"), json!(number)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let long_keys: Value = (0..300)
        .map(|number| {
            (
                format!("{}{number}", "k".repeat(5_000)),
                json!("v".repeat(5_000)),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    for value in [
        json!("x".repeat(3_000_000)),
        json!("\u{1}".repeat(100_000)),
        json!("\"\\\n".repeat(100_000)),
        json!({"stdout": "x\n".repeat(50_000), "stderr": "y\n".repeat(50_000), "other": ["z".repeat(9_000), "z".repeat(9_000)]}),
        json!((0..100_000).collect::<Vec<u32>>()),
        json!(vec!["x".repeat(100); 5_000]),
        json!(vec![vec![vec!["x".repeat(50); 50]; 50]; 50]),
        many,
        long_keys,
        deep,
    ] {
        let value = bounded(value);
        let text = value.to_string();
        assert!(
            text.len() <= 2 * BUDGET.field_bytes + 100,
            "{}: {text}",
            text.len()
        );
        assert!(text.contains("cut") || text.contains("deep"), "{text}");
    }
}

#[test]
fn small_parts_stay_beside_large_ones() {
    let value = bounded(
        json!({"a": "x".repeat(9_000), "b": "y".repeat(9_000), "path": "/p/a", "n": 7, "c": "z".repeat(300)}),
    );
    assert_eq!((&value["path"], &value["n"]), (&json!("/p/a"), &json!(7)));
    assert_eq!(value["c"], json!("z".repeat(300)));
    assert!(value["a"].as_str().unwrap().len() > 500);
    let list = bounded(json!(
        (0..1_000)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    ));
    assert_eq!((&list[0], &list[1]), (&json!("0"), &json!("1")));
    assert_eq!(list.as_array().unwrap().last().unwrap(), &json!("999"));
}

#[test]
fn a_large_edit_ends_within_its_budget() {
    let file = "some line of a large file\n".repeat(120_000);
    let input = json!({"file_path": "/p/a", "old_string": file, "new_string": "y"});
    let lines: Vec<String> = (0..100_000)
        .map(|number| format!("-line {number}"))
        .collect();
    let patch =
        json!([{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": lines}]);
    let (input, output) = prepare_tool(
        "Edit",
        input,
        json!({"filePath": "/p/a", "originalFile": file, "structuredPatch": patch}),
        &Budget::default(),
    );
    assert!(input.to_string().len() + output.to_string().len() < 20_000);
    assert!(
        output["diff"]
            .as_str()
            .unwrap()
            .starts_with("@@ -1,1 +1,1 @@\n-line 0\n")
    );
}

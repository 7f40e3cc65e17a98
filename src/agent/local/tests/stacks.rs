//! Turns as they are recorded in projects of many languages and tools.

use serde_json::json;

use super::build::turn;
use crate::agent::{Close, Turn};

pub(super) fn rust_fix() -> Turn {
    turn("parse_range panics on an empty header, please fix")
        .grep("parse_range", &["src/range.rs"])
        .read("src/range.rs")
        .bash_fails(
            "cargo test range 2>&1 | tail -30",
            "running 3 tests\ntest range::tests::plain ... ok\ntest range::tests::empty_header ... FAILED\ntest range::tests::open_end ... ok\n\nfailures:\n\n---- range::tests::empty_header stdout ----\n\nthread 'range::tests::empty_header' panicked at src/range.rs:18:22:\nbyte index 6 is out of bounds of ``\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.00s\n\nerror: test failed, to rerun pass `--lib`",
        )
        .edit(
            "src/range.rs",
            "@@ -14,8 +14,9 @@ pub struct Range;\n pub fn parse_range(header: &str) -> Option<Range> {\n-    let spec = &header[6..];\n+    let spec = header.strip_prefix(\"bytes=\")?;\n     let (start, end) = spec.split_once('-')?;\n",
        )
        .bash("cargo test", "running 12 tests\ntest result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\nrunning 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s")
        .bash("cargo clippy --all-targets -- -D warnings", "    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.31s")
        .bash("git commit -qam \"fix(range): return None for a header without bytes=\"", "")
        .says("Fixed the panic in `parse_range`.\n\n**Root cause:** the function sliced `&header[6..]` before it checked that the header starts with `bytes=`, so any header shorter than six bytes panicked.\n\n**Fix:** `strip_prefix(\"bytes=\")?` returns `None` instead.\n\nAll 14 tests pass and clippy is clean.")
}

pub(super) fn go_feature() -> Turn {
    turn("Add retries with exponential backoff to the upload client")
        .read("internal/upload/client.go")
        .edit(
            "internal/upload/client.go",
            "@@ -30,6 +30,22 @@ type Client struct {\n+// retryable reports whether a request may be sent again.\n+func retryable(code int) bool {\n+\treturn code == 429 || code >= 500\n+}\n+\n func (c *Client) Upload(ctx context.Context, r io.Reader) error {\n-\treturn c.send(ctx, r)\n+\tfor i := 0; i < c.maxRetries; i++ {\n+\t\tif err := c.send(ctx, r); err == nil {\n+\t\t\treturn nil\n+\t\t}\n+\t}\n+\treturn errExhausted\n }\n",
        )
        .create("internal/upload/client_test.go", "package upload\n\nfunc TestUploadRetries(t *testing.T) {\n\tt.Fatal()\n}\n")
        .bash_fails("go test ./internal/upload/", "# demo/internal/upload\ninternal/upload/client.go:41:10: undefined: errExhausted\nFAIL\tdemo/internal/upload [build failed]\nFAIL")
        .edit("internal/upload/client.go", "@@ -10,3 +10,5 @@\n import \"context\"\n+\n+var errExhausted = errors.New(\"upload: retries exhausted\")\n")
        .bash("go test ./... 2>&1 | tail -5", "ok  \tdemo/internal/upload\t0.412s\nok  \tdemo/cmd\t0.010s")
        .says("The upload client now retries on 429 and 5xx responses with exponential backoff (100 ms doubling, at most `maxRetries` attempts).\n\n- `retryable` decides which status codes are retried\n- `Upload` returns `errExhausted` once the attempts are used up\n\nNote that the body is buffered in memory, because an `io.Reader` can't be rewound.\n\nNext steps:\n1. Expose `maxRetries` in the config file\n2. Add jitter")
}

pub(super) fn typescript_jest() -> Turn {
    turn("The date picker shows the previous day for users west of UTC. Can you look into it?")
        .read("src/date/parseDate.ts")
        .read("src/date/parseDate.test.ts")
        .edit("src/date/parseDate.test.ts", "@@ -5,3 +5,7 @@ describe('parseDate', () => {\n+  it('keeps the day in negative offsets', () => {\n+    expect(parseDate('2024-03-01').getDate()).toBe(1);\n+  });\n")
        .bash_fails(
            "TZ=America/Denver npx jest src/date",
            "FAIL src/date/parseDate.test.ts\n  parseDate\n    ✓ parses a date (2 ms)\n    ✕ keeps the day in negative offsets (4 ms)\n\n  ● parseDate › keeps the day in negative offsets\n\n    expect(received).toBe(expected) // Object.is equality\n\n    Expected: 1\n    Received: 29\n\nTest Suites: 1 failed, 1 total\nTests:       1 failed, 1 passed, 2 total",
        )
        .edit("src/date/parseDate.ts", "@@ -1,5 +1,6 @@\n export const parseDate = (raw: string): Date => {\n-  return new Date(raw);\n+  const [y, m, d] = raw.split('-').map(Number);\n+  return new Date(y, m - 1, d);\n };\n")
        .bash("TZ=America/Denver npx jest src/date && npx eslint src/date", "PASS src/date/parseDate.test.ts\n\nTest Suites: 1 passed, 1 total\nTests:       2 passed, 2 total")
        .says("Found it. `new Date('2024-03-01')` is parsed as **UTC midnight**, which is still the previous day in local time west of UTC. `parseDate` now builds the date from its parts in local time. ✅ Both tests pass with `TZ=America/Denver`.\n\nLet me know if you'd like me to check the time picker as well!")
}

pub(super) fn pytest_tail() -> Turn {
    turn("test_export is red on main, get it green again")
        .bash("cd /home/demo/app && python -m pytest -x -q 2>&1 | tail -8", "E       UnicodeEncodeError: 'ascii' codec can't encode character '\\xe9' in position 3: ordinal not in range(128)\n\nexport/writer.py:22: UnicodeEncodeError\n=========================== short test summary info ============================\nFAILED tests/test_export.py::test_export_accents - UnicodeEncodeError: 'ascii' codec can't encode\n1 failed, 41 passed in 1.92s")
        .read("export/writer.py")
        .edit("export/writer.py", "@@ -18,6 +18,6 @@ class Writer:\n     def write(self, rows):\n-        with open(self.path, \"w\") as f:\n+        with open(self.path, \"w\", encoding=\"utf-8\", newline=\"\") as f:\n             for row in rows:\n")
        .bash("python -m pytest -q 2>&1 | tail -3", "..........................................                               [100%]\n42 passed in 1.88s")
        .says("Green again: `Writer.write` opened the file with the locale's encoding, which is ASCII in CI. It now always writes UTF-8.")
}

pub(super) fn refactor_git_mv() -> Turn {
    turn("move the auth helpers out of utils into their own module and rename check() to require_login()")
        .bash("git mv src/utils/auth.js src/auth/session.js", "")
        .edit("src/auth/session.js", "@@ -3,5 +3,5 @@\n-export function check(req) {\n+export function requireLogin(req) {\n   return req.user;\n }\n")
        .edit("src/routes/admin.js", "@@ -1,4 +1,4 @@\n-import { check } from '../utils/auth.js';\n+import { requireLogin } from '../auth/session.js';\n")
        .bash("npm test", "# tests 18\n# pass 18\n# fail 0")
        .bash("git add -A && git commit -m \"$(cat <<'EOF'\nrefactor: move auth helpers to src/auth\n\nNo behaviour changes.\n\nCo-Authored-By: Claude <noreply@anthropic.com>\nEOF\n)\"", "[main 9f3ab21] refactor: move auth helpers to src/auth\n 2 files changed, 4 insertions(+), 4 deletions(-)\n rename src/{utils/auth.js => auth/session.js} (90%)")
        .says("Done! The auth helpers live in `src/auth/session.js` now and `check()` is called `requireLogin()`. All 18 tests pass.")
}

pub(super) fn docs_only() -> Turn {
    turn("document the environment variables in the README")
        .grep("process\\.env", &["src/config.ts"])
        .read("src/config.ts")
        .edit("README.md", "@@ -20,3 +20,10 @@\n ## Usage\n+\n+## Environment\n+\n+- `PORT`: port of the server, 8080 by default\n+- `DATABASE_URL`: required\n")
        .says("I've added an **Environment** section to the README that covers `PORT` and `DATABASE_URL`, with their defaults. `LEGACY_MODE` is read in `src/config.ts` but nothing uses it any more, so I left it out.")
}

pub(super) fn research() -> Turn {
    turn("How do sessions expire in this app? I don't see any cron job.")
        .grep("expire|ttl", &["src/session/store.ts", "src/server.ts"])
        .read("src/session/store.ts")
        .bash("sed -n '1,60p' src/server.ts", "import ...")
        .says("## How sessions expire\n\nSessions expire **lazily**: there is no background job. `SessionStore.get` in `src/session/store.ts` compares `expiresAt` with the clock and deletes the row when it has passed.\n\n| Setting | Value |\n|---|---|\n| Lifetime | 24 hours (`SESSION_TTL`) |\n| Sliding | yes, renewed on each request |\n\n- `src/server.ts` calls `touch()` in a middleware, so every request renews the lifetime.\n- Rows of users that never come back stay in the table for ever.\n\n```ts\nif (row.expiresAt < now) await this.delete(id)\n```\n\nWould you like me to add a cleanup job?")
}

pub(super) fn npm_node_version() -> Turn {
    turn("set the project up so that I can run it")
        .bash("cat package.json", "{}")
        .bash_fails("npm install", "npm ERR! code EBADENGINE\nnpm ERR! engine Unsupported engine\nnpm ERR! engine Not compatible with your version of node/npm: vite@6.0.1\nnpm ERR! notsup Required: {\"node\":\">=20\"}\nnpm ERR! notsup Actual:   {\"npm\":\"9.5.0\",\"node\":\"v18.14.0\"}")
        .bash("nvm use 20 && npm install", "Now using node v20.11.1 (npm v10.2.4)\n\nadded 312 packages in 9s\nfound 0 vulnerabilities")
        .bash("npm run build", "vite v6.0.1 building for production...\n✓ built in 2.11s")
        .says("The project is set up. `npm install` needs Node 20: `vite@6` refuses Node 18, which was the active version. After `nvm use 20` the install and the build work.")
}

pub(super) fn interrupted() -> Turn {
    turn("add pagination to GET /orders")
        .read("app/orders.py")
        .edit("app/orders.py", "@@ -8,4 +8,6 @@\n @router.get(\"/orders\")\n-def list_orders(db):\n-    return db.all()\n+def list_orders(db, page: int = 1, size: int = 50):\n+    return db.page(page, size)\n")
        .ends(Close::NextPrompt)
}

pub(super) fn subagent() -> Turn {
    turn("Use an agent to translate the error messages, and meanwhile fix the typo in the footer")
        .event("Agent", json!({"description": "Translate error messages", "prompt": "…", "subagent_type": "general-purpose"}), json!({"status": "async_launched"}), false)
        .edit("web/Footer.tsx", "@@ -4,3 +4,3 @@ export function Footer() {\n-      <p>All rigths reserved</p>\n+      <p>All rights reserved</p>\n")
        .agent("a1", "general-purpose")
        .read("i18n/en.json")
        .create("i18n/de.json", "{\n  \"not_found\": \"Nicht gefunden\"\n}\n")
        .bash("npm run test:i18n", "Tests:       6 passed, 6 total")
        .agent_says("Translated all 6 error messages into German in i18n/de.json. The key `quota` had no English source, so it is left empty.")
        .agent("", "")
        .says("The footer typo is fixed, and the agent translated all 6 error messages into German (`i18n/de.json`).")
}

pub(super) fn german() -> Turn {
    turn("Der Export bricht bei leeren Zeilen ab. Bitte behebe das und ergänze einen Test.")
        .read("src/export.ts")
        .edit("src/export.ts", "@@ -9,5 +9,6 @@ export function exportRows(rows: Row[]) {\n   for (const row of rows) {\n+    if (!row) continue;\n     out.push(format(row));\n")
        .edit("src/export.test.ts", "@@ -1,2 +1,5 @@\n+it('überspringt leere Zeilen', () => {\n+  expect(exportRows([null])).toEqual([]);\n+});\n")
        .bash("npx vitest run", " ✓ src/export.test.ts (4)\n\n Test Files  1 passed (1)\n      Tests  4 passed (4)")
        .says("Behoben. Die Ursache war, dass `exportRows` leere Zeilen an `format` weitergab, z. B. bei einer abschließenden Leerzeile. Leere Zeilen werden jetzt übersprungen, und alle 4 Tests laufen durch. Nächster Schritt: die Importseite hat dasselbe Problem.")
}

pub(super) fn chinese() -> Turn {
    turn("用户反馈登录十分钟后会被登出，请修复")
        .read("auth/token.py")
        .edit("auth/token.py", "@@ -12,4 +12,4 @@ class TokenStore:\n     def refresh(self, token):\n-        return self.issue(token.user, ttl=600)\n+        return self.issue(token.user, ttl=token.ttl)\n")
        .bash("pytest -q", "18 passed in 0.5s")
        .says("已修复登录超时的问题。原因是 `refresh` 把有效期写死为 600 秒，忽略了原令牌的 `ttl`。现在刷新后的令牌沿用原来的有效期，18 个测试全部通过。后续建议：把默认有效期移到配置文件。")
}

pub(super) fn dead_end() -> Turn {
    turn("Requests to /report time out in production. Find the cause and fix it.")
        .read("config/db.yml")
        .edit("config/db.yml", "@@ -3,3 +3,3 @@\n-  pool_size: 10\n+  pool_size: 50\n")
        .bash_fails("bundle exec rspec spec/report_spec.rb", "Failures:\n\n  1) Report finishes within a second\n     Failure/Error: expect(elapsed).to be < 1.0\n       expected: < 1.0\n            got:   4.31\n\n3 examples, 1 failure\n\nFailed examples:\n\nrspec ./spec/report_spec.rb:14 # Report finishes within a second")
        .edit("config/db.yml", "@@ -3,3 +3,3 @@\n-  pool_size: 50\n+  pool_size: 10\n")
        .edit("app/models/report.rb", "@@ -5,5 +5,5 @@ class Report\n   def rows\n-    orders.map { |o| [o.id, o.customer.name] }\n+    orders.includes(:customer).map { |o| [o.id, o.customer.name] }\n   end\n")
        .bash("bundle exec rspec", "...\n\nFinished in 0.8 seconds\n24 examples, 0 failures")
        .says("I first suspected the connection pool was exhausted, but raising pool_size made no difference and I reverted it. The actual cause is an N+1 query: `Report#rows` loaded each order's customer separately. With `includes(:customer)` the report takes 0.3 s instead of 4.3 s.")
}

pub(super) fn trivia() -> Turn {
    turn("what's the state of the repo?")
        .bash("git status --short", "")
        .bash("git log --oneline -3", "1a2b3c4 x")
        .bash("ls", "README.md")
        .says("The working tree is clean and you're on branch main, up to date with origin.")
}

pub(super) fn mcp() -> Turn {
    turn("Why are there duplicate rows in the invoices table in staging?")
        .event("mcp__postgres__query", json!({"sql": "SELECT number, count(*) FROM invoices GROUP BY 1 HAVING count(*) > 1"}), json!([{"type": "text", "text": "[{\"number\":\"R-17\",\"count\":2}]"}]), false)
        .event("mcp__postgres__query", json!("{\"sql\": \"\\\\d invoices\"}"), json!([{"type": "text", "text": "no unique index"}]), false)
        .event("WebFetch", json!({"url": "https://www.postgresql.org/docs/current/indexes-unique.html", "prompt": "x"}), json!({"result": "…"}), false)
        .says("The duplicates come from the nightly import: the `invoices` table has **no unique index on `number`**, and `ImportJob` retries a failed batch from its first row. 14 numbers are affected, all created on 2024-05-02 between 02:00 and 02:10.")
}

pub(super) fn huge() -> Turn {
    let mut builder = turn("Rename the `colour` option to `color` in every component");
    for i in 0..100 {
        let path = format!("src/components/c{i}.tsx");
        builder = builder.read(&path).edit(&path, "@@ -1,3 +1,3 @@ export function C() {\n-  const colour = 1;\n+  const color = 1;\n").bash("npx tsc --noEmit", "");
    }
    builder.says(
        "All 100 components use `color` now. The old `colour` prop is gone, there is no alias.",
    )
}

pub(super) fn all() -> Vec<(&'static str, Turn)> {
    vec![
        ("rust_fix", rust_fix()),
        ("go_feature", go_feature()),
        ("typescript_jest", typescript_jest()),
        ("pytest_tail", pytest_tail()),
        ("refactor_git_mv", refactor_git_mv()),
        ("docs_only", docs_only()),
        ("research", research()),
        ("npm_node_version", npm_node_version()),
        ("interrupted", interrupted()),
        ("subagent", subagent()),
        ("german", german()),
        ("chinese", chinese()),
        ("dead_end", dead_end()),
        ("trivia", trivia()),
        ("mcp", mcp()),
        ("huge", huge()),
    ]
}

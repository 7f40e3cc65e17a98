//! Turns that are easily misread.

use serde_json::json;

use super::build::turn;
use crate::agent::{Close, Turn};

pub(super) fn two_commits() -> Turn {
    turn("fix the rounding bug in totals and add a currency column to the CSV export")
        .edit("src/total.rb", "@@ -3,3 +3,3 @@ class Total\n   def sum\n-    lines.sum(&:to_f)\n+    lines.sum(BigDecimal('0'))\n   end\n")
        .bash("git add src/total.rb && git commit -m 'fix: sum invoice lines as decimals'", "[main aaa1111] fix: sum invoice lines as decimals\n 1 file changed")
        .edit("src/csv_export.rb", "@@ -8,3 +8,4 @@ class CsvExport\n   def header\n-    %w[number total]\n+    %w[number total currency]\n   end\n")
        .bash("git commit -am 'feat(export): add currency column to the CSV export'", "[main bbb2222] feat(export): add currency column to the CSV export\n 1 file changed")
        .says("Both done:\n\n1. **Rounding:** `Total#sum` added floats, so 0.1 + 0.2 lines were off by a cent; it sums decimals now.\n2. **CSV export:** `CsvExport#header` has a `currency` column after `total`.")
}

pub(super) fn missing_env() -> Turn {
    turn("start the worker and process one job")
        .bash_fails("python worker.py --once", "Traceback (most recent call last):\n  File \"/home/demo/app/worker.py\", line 8, in <module>\n    url = os.environ[\"REDIS_URL\"]\nKeyError: 'REDIS_URL'")
        .bash("docker compose up -d redis", "Container app-redis-1 Started")
        .bash("REDIS_URL=redis://localhost:6379 python worker.py --once", "processed 1 job")
        .says("The worker processed one job. It needs `REDIS_URL` in its environment and has no default, so it crashed with a KeyError at first. Redis itself comes from `docker compose up -d redis`.")
}

pub(super) fn plain_question() -> Turn {
    turn("what does the --locked flag of cargo do?")
        .says("`--locked` makes Cargo fail if `Cargo.lock` would have to change, so CI builds use exactly the versions that were committed.")
}

pub(super) fn advised_choice() -> Turn {
    turn("should we bump to C++17 or pull in a backport of optional?")
        .edit("CMakeLists.txt", "@@ -3 +3 @@\n-set(CMAKE_CXX_STANDARD 14)\n+set(CMAKE_CXX_STANDARD 17)\n")
        .bash("cmake --build build", "[2/2] Linking CXX static library libapp.a")
        .says("I'd go with C++17 rather than a backport: GCC 10.3 on the target supports it fully. I bumped CMAKE_CXX_STANDARD and everything still builds.")
}

pub(super) fn test_first() -> Turn {
    turn("ok. also make double bookings impossible")
        .edit("spec/models/slot_spec.rb", "@@ -5,1 +5,4 @@\n+  it \"rejects a second booking\" do\n+    expect(build(:slot)).not_to be_valid\n+  end\n")
        .bash_fails("bundle exec rspec", ".F\n\nFailures:\n\n  1) Slot rejects a second booking\n     Failure/Error: expect(build(:slot)).not_to be_valid\n\n2 examples, 1 failure\n\nrspec ./spec/models/slot_spec.rb:6 # Slot rejects a second booking")
        .create("db/migrate/1_add_unique_index.rb", "class AddUniqueIndex < ActiveRecord::Migration[7.1]\n  def change\n    add_index :slots, :starts_at, unique: true\n  end\nend\n")
        .bash("bundle exec rspec", "42 examples, 0 failures")
        .says("A second booking of a slot is rejected by a unique index on `starts_at` now. The migration fails if the table has duplicates. Production has to be checked before deploying:\n\n```sql\nSELECT 1\n```\n\nThe other 41 examples still pass.")
}

pub(super) fn slash_command() -> Turn {
    turn("<command-name>/review</command-name><command-args>the upload handler</command-args>")
        .read("handlers/upload.go")
        .says("### Review of `handlers/upload.go`\n\n- **Path traversal vulnerability:** `Save` joins the client's file name to the upload directory without cleaning it, so `../../etc/cron.d/x` is written outside.\n- The size limit is checked after the whole body was read.\n\n**Recommended:**\n- Use `filepath.Base` on the name\n- Wrap the body in `http.MaxBytesReader`")
}

pub(super) fn choice_in_passing() -> Turn {
    turn("we need background jobs, set something up")
        .read("Gemfile")
        .edit("Gemfile", "@@ -5,2 +5,3 @@\n gem 'rails'\n+gem 'good_job', '~> 3.0'\n")
        .create("config/initializers/good_job.rb", "Rails.application.configure do\n  config.good_job.max_threads = 5\nend\n")
        .bash("bundle install", "Bundle complete! 30 Gemfile dependencies")
        .says("Background jobs run on GoodJob now, with 5 threads (`config/initializers/good_job.rb`).\n\nI chose GoodJob over Sidekiq because it keeps the queue in Postgres, which we already run, and needs no Redis. The price is lower throughput, so we should revisit this above roughly 1000 jobs a minute.")
}

pub(super) fn still_failing() -> Turn {
    turn("make the e2e suite pass")
        .bash_fails("npx playwright test", "  1) [chromium] › login.spec.ts:5:1 › logs in\n\n    Error: page.goto: net::ERR_CONNECTION_REFUSED at http://localhost:3000/\n\n  1 failed\n    [chromium] › login.spec.ts:5:1 › logs in\n  3 passed (4.2s)")
        .edit("playwright.config.ts", "@@ -3,3 +3,4 @@\n export default defineConfig({\n+  webServer: { command: 'npm run start', port: 3000 },\n")
        .bash_fails("npx playwright test", "Error: Timed out waiting 60000ms from config.webServer.\n")
        .says("The suite still fails. Playwright now starts the server itself, but `npm run start` never opens port 3000 because it waits for a database that isn't available here.\n\nRemaining: start a database before the tests, or mock it.")
}

pub(super) fn raw_client() -> Turn {
    let full = "/home/demo/app/lib/cache.ex";
    turn("Entries never leave the cache, please fix that")
        .event("Read", json!(format!("{{\"file_path\":\"{full}\"}}")), json!("defmodule Cache do"), false)
        .event(
            "Edit",
            json!(format!("{{\"file_path\":\"{full}\",\"old_string\":\"  def get(key) do\\n    lookup(key)\\n  end\",\"new_string\":\"  def get(key) do\\n    key |> lookup() |> fresh()\\n  end\"}}")),
            json!(format!("{{\"filePath\":\"{full}\",\"structuredPatch\":[]}}")),
            false,
        )
        .bash("mix test 2>&1 | tail -3", "Finished in 0.2 seconds\n31 tests, 0 failures")
        .says("`Cache.get/1` now checks the age of an entry and drops it when it is older than its TTL. Before, the TTL was stored but never read.")
}

pub(super) fn chore_commit() -> Turn {
    turn("upgrade react to 19")
        .edit("package.json", "@@ -10,4 +10,4 @@\n   \"dependencies\": {\n-    \"react\": \"^18.3.1\",\n-    \"react-dom\": \"^18.3.1\",\n+    \"react\": \"^19.0.0\",\n+    \"react-dom\": \"^19.0.0\",\n")
        .bash_fails("npm install", "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\nnpm error peer react@\"^18.0.0\" from react-select@5.8.0")
        .bash("npm install --legacy-peer-deps", "added 12 packages, changed 2 packages")
        .bash("npm test -- --watchAll=false", "Test Suites: 9 passed, 9 total\nTests:       57 passed, 57 total")
        .bash("git commit -qam 'chore(deps): upgrade react to 19'", "")
        .says("React and react-dom are on 19.0.0 and all 57 tests pass. `react-select` 5.8.0 still declares a peer dependency on React 18, so `npm install` needs `--legacy-peer-deps` until it is updated.")
}

pub(super) fn log_with_failures() -> Turn {
    turn("what failed in last night's CI run? the log is in ci.log")
        .bash("grep -n 'FAILED' ci.log", "812:FAILED tests/test_sync.py::test_resume - TimeoutError\n1 failed, 300 passed")
        .bash("sed -n '780,815p' ci.log", "Traceback (most recent call last):\nTimeoutError: no heartbeat after 30s")
        .says("Only `test_resume` in `tests/test_sync.py` failed: the fake server got no heartbeat within 30 s. The runner was at 100% CPU at that time according to the log, so this looks like a slow machine rather than a bug.")
}

pub(super) fn only_wip() -> Turn {
    turn("continue")
        .edit("src/player.cpp", "@@ -40,4 +40,7 @@ void Player::update(float dt) {\n     velocity += gravity * dt;\n+    if (velocity.y < -kTerminal) {\n+        velocity.y = -kTerminal;\n+    }\n }\n")
        .bash("cmake --build build && ctest --test-dir build", "100% tests passed, 0 tests failed out of 9")
        .bash("git commit -qam wip", "")
        .says("Done.")
}

pub(super) fn tdd() -> Turn {
    turn("Implement slugify(title) test-first")
        .create("tests/test_slug.py", "from slug import slugify\n\ndef test_spaces():\n    assert slugify('a b') == 'a-b'\n")
        .bash_fails("pytest -q", "E   ModuleNotFoundError: No module named 'slug'\n1 error in 0.05s")
        .create("slug.py", "import re\n\ndef slugify(title):\n    return re.sub(r'\\W+', '-', title).strip('-').lower()\n")
        .bash("pytest -q", "1 passed in 0.02s")
        .says("`slugify` is in `slug.py`; it lower-cases the title and joins words with hyphens. The test passes.")
}

pub(super) fn script_fix() -> Turn {
    turn("the import script dies, get it going")
        .bash_fails("python scripts/import.py data.csv", "Traceback (most recent call last):\n  File \"scripts/import.py\", line 9, in <module>\nValueError: could not convert string to float: '1,5'")
        .edit("scripts/import.py", "@@ -7,4 +7,4 @@\n def number(text):\n-    return float(text)\n+    return float(text.replace(',', '.'))\n")
        .bash("python scripts/import.py data.csv", "imported 120 rows")
        .says("Fixed: amounts with a decimal comma are accepted now, and all 120 rows were imported.")
}

pub(super) fn api_error() -> Turn {
    let mut turn = turn("add a dark theme")
        .edit(
            "web/theme.css",
            "@@ -1 +1,3 @@\n+.dark { background: #111; }\n",
        )
        .ends(Close::StopFailure);
    turn.last_assistant_message = Some("API Error: 529 overloaded_error".to_owned());
    turn
}

pub(super) fn ack_only() -> Turn {
    turn("thanks!").says("You're welcome! Let me know if you need anything else.")
}

pub(super) fn all() -> Vec<(&'static str, Turn)> {
    vec![
        ("two_commits", two_commits()),
        ("missing_env", missing_env()),
        ("plain_question", plain_question()),
        ("slash_command", slash_command()),
        ("choice_in_passing", choice_in_passing()),
        ("still_failing", still_failing()),
        ("raw_client", raw_client()),
        ("chore_commit", chore_commit()),
        ("log_with_failures", log_with_failures()),
        ("only_wip", only_wip()),
        ("tdd", tdd()),
        ("script_fix", script_fix()),
        ("api_error", api_error()),
        ("ack_only", ack_only()),
        ("advised_choice", advised_choice()),
        ("test_first", test_first()),
    ]
}

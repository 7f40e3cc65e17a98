//! The programs that command lines name. What is not listed is a program of the
//! project itself.

use super::command::Class;

/// Programs that only look.
#[rustfmt::skip]
pub(super) const LOOK: &[&str] = &[
    "ls", "pwd", "cat", "head", "tail", "grep", "egrep", "fgrep", "rg", "ag", "find", "fd", "wc",
    "sed", "awk", "echo", "printf", "which", "type", "tree", "stat", "file", "du", "df", "date",
    "diff", "jq", "yq", "cut", "sort", "uniq", "xxd", "less", "more", "cd", "pushd", "popd", "true",
    "false", "sleep", "whoami", "hostname", "uname", "ps", "top", "history", "realpath", "basename",
    "dirname", "test", "[", "[[", "set", "bat", "exa", "eza", "strings", "hexdump", "nl", "tr",
    "column", "xargs", "wait", "exit", "kill", "lsof", "id", "printenv", "for", "tee",
];

/// Programs that move files about.
#[rustfmt::skip]
pub(super) const FILES: &[&str] = &[
    "cp", "mv", "rm", "mkdir", "touch", "chmod", "chown", "ln", "rmdir", "patch", "unzip", "tar",
];

/// Test runners and their ecosystems.
#[rustfmt::skip]
pub(super) const TESTERS: &[(&str, &str)] = &[
    ("pytest", "python"), ("py.test", "python"), ("unittest", "python"), ("tox", "python"),
    ("nox", "python"), ("nose2", "python"), ("jest", "js"), ("vitest", "js"), ("mocha", "js"),
    ("ava", "js"), ("karma", "js"), ("jasmine", "js"), ("tap", "js"), ("cypress", "js"),
    ("playwright", "js"), ("rspec", "ruby"), ("phpunit", "php"), ("pest", "php"), ("ctest", "c"),
    ("bats", "shell"), ("prove", "perl"), ("busted", "lua"), ("gotestsum", "go"), ("ginkgo", "go"),
];

/// Programs whose arguments are targets.
#[rustfmt::skip]
pub(super) const TASKS: &[(&str, &str)] = &[
    ("make", ""), ("gmake", ""), ("just", ""), ("task", ""), ("ninja", ""), ("bazel", ""),
    ("mvn", "jvm"), ("mvnw", "jvm"), ("gradle", "jvm"), ("gradlew", "jvm"), ("sbt", "jvm"),
    ("ant", "jvm"), ("lein", "jvm"), ("rake", "ruby"), ("rails", "ruby"), ("composer", "php"),
    ("artisan", "php"), ("meson", "c"), ("xcodebuild", "swift"), ("stack", "haskell"),
    ("cabal", "haskell"),
];

/// Programs whose first argument says what they do.
#[rustfmt::skip]
pub(super) const SUBCOMMANDS: &[(&str, Class, &str)] = &[
    ("cargo test", Class::Test, "rust"), ("cargo t", Class::Test, "rust"),
    ("cargo nextest", Class::Test, "rust"), ("cargo build", Class::Build, "rust"),
    ("cargo b", Class::Build, "rust"), ("cargo check", Class::Build, "rust"),
    ("cargo c", Class::Build, "rust"), ("cargo clippy", Class::Lint, "rust"),
    ("cargo fmt", Class::Format, "rust"), ("cargo add", Class::Install, "rust"),
    ("cargo install", Class::Install, "rust"), ("cargo update", Class::Install, "rust"),
    ("cargo audit", Class::Lint, "rust"), ("cargo deny", Class::Lint, "rust"),
    ("go test", Class::Test, "go"), ("go build", Class::Build, "go"), ("go vet", Class::Lint, "go"),
    ("go get", Class::Install, "go"), ("go mod", Class::Install, "go"),
    ("go install", Class::Install, "go"), ("go fmt", Class::Format, "go"),
    ("dotnet test", Class::Test, "dotnet"), ("dotnet build", Class::Build, "dotnet"),
    ("dotnet add", Class::Install, "dotnet"), ("dotnet restore", Class::Install, "dotnet"),
    ("dotnet format", Class::Format, "dotnet"), ("swift test", Class::Test, "swift"),
    ("swift build", Class::Build, "swift"), ("mix test", Class::Test, "elixir"),
    ("mix compile", Class::Build, "elixir"), ("mix credo", Class::Lint, "elixir"),
    ("mix deps.get", Class::Install, "elixir"), ("mix format", Class::Format, "elixir"),
    ("zig test", Class::Test, "zig"), ("zig build", Class::Build, "zig"),
    ("flutter test", Class::Test, "dart"), ("dart test", Class::Test, "dart"),
    ("flutter pub", Class::Install, "dart"), ("dart pub", Class::Install, "dart"),
    ("dart analyze", Class::Lint, "dart"), ("flutter analyze", Class::Lint, "dart"),
    ("flutter build", Class::Build, "dart"), ("bundle install", Class::Install, "ruby"),
    ("bundle add", Class::Install, "ruby"), ("uv sync", Class::Install, "python"),
    ("uv add", Class::Install, "python"), ("uv pip", Class::Install, "python"),
    ("poetry install", Class::Install, "python"), ("poetry add", Class::Install, "python"),
    ("pipenv install", Class::Install, "python"), ("coverage run", Class::Test, "python"),
    ("docker build", Class::Build, "docker"), ("docker compose", Class::Install, "docker"),
    ("docker-compose up", Class::Install, "docker"), ("docker start", Class::Install, "docker"),
    ("docker pull", Class::Install, "docker"), ("docker ps", Class::Look, "docker"),
    ("docker logs", Class::Look, "docker"), ("terraform validate", Class::Lint, "terraform"),
    ("terraform init", Class::Install, "terraform"), ("terraform plan", Class::Build, "terraform"), ("helm lint", Class::Lint, "helm"),
];

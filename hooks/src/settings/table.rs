//! Every setting that exists, in one table: what it is called, what it may hold and what it means.
//!
//! Reading, checking, storing and printing settings all go through this table, so a setting that
//! is not here does not exist.

/// Names one setting; its position in [`SETTINGS`] is its discriminant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    DataDir,
    Disabled,
    Project,
    SkipTools,
    ExcludedProjects,
    FieldBytes,
    Provider,
    Model,
    SimpleModel,
    Mode,
    AnthropicApiKey,
    AnthropicBaseUrl,
    OpenAiEndpoint,
    OpenAiApiKey,
    OpenAiModel,
    OpenRouterApiKey,
    OpenRouterModel,
    GeminiApiKey,
    GeminiModel,
    ClaudePath,
    DailyTokens,
    CallsPerHour,
    MaxConcurrentCalls,
    CallTimeoutSecs,
    PromptChars,
    MaxOutputTokens,
    RetryBaseMs,
    Prices,
    WorkerIdleSecs,
    LogLevel,
    ContextObservations,
    ContextSessionCount,
    ContextFullCount,
    ContextFullField,
    ContextShowLastSummary,
    ContextShowReadTokens,
    ContextShowWorkTokens,
    ContextShowSavingsAmount,
    ContextShowSavingsPercent,
    RecallPrompt,
    RecallRead,
    RecallFailure,
    EmbeddingModel,
    RetentionDays,
    RetentionMb,
    StallSecs,
    HttpPort,
    HttpRelay,
    HttpAutostart,
    HttpIdleSecs,
    McpEnabled,
    ViewerTheme,
    ViewerSidebar,
    ViewerProject,
}

/// What a value may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A credential: any text, never shown.
    Secret,
    /// `true`, `1`, `yes` or `on`, or `false`, `0`, `no` or `off`, in any case.
    Flag,
    /// A whole number within both bounds.
    Number { min: u64, max: u64 },
    /// Items separated by commas (commas inside braces belong to a glob), or a JSON array of text.
    List,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
}

/// Where a setting may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In `settings.json` or in the environment.
    Anywhere,
    /// In the environment alone: in a file shared by all projects the value would make no sense.
    Environment,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub key: Key,
    /// The name in `settings.json` and of the environment variable.
    pub name: &'static str,
    /// The value when nobody gives one; always valid for `kind`.
    pub default: &'static str,
    pub kind: Kind,
    pub place: Place,
    /// One line for people.
    pub doc: &'static str,
}

impl Key {
    /// The table's row for this key.
    pub fn setting(self) -> &'static Setting {
        &SETTINGS[self as usize]
    }

    /// The name in the file and in the environment.
    pub fn name(self) -> &'static str {
        self.setting().name
    }
}

/// The row of that name, if there is one. Names are exact.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

const fn anywhere(
    key: Key,
    name: &'static str,
    default: &'static str,
    kind: Kind,
    doc: &'static str,
) -> Setting {
    Setting {
        key,
        name,
        default,
        kind,
        place: Place::Anywhere,
        doc,
    }
}

const fn environment(
    key: Key,
    name: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting {
        key,
        name,
        default,
        kind: Kind::Text,
        place: Place::Environment,
        doc,
    }
}

const fn number(min: u64, max: u64) -> Kind {
    Kind::Number { min, max }
}

/// Tools whose calls are bookkeeping of the host rather than work on the project.
///
/// `Agent` (called `Task` in older hosts) is a subagent's work and `TaskOutput` delivers what a
/// background command printed, so neither is here.
const BOOKKEEPING_TOOLS: &str = "ListMcpResourcesTool,SlashCommand,Skill,TodoWrite,\
AskUserQuestion,TaskCreate,TaskGet,TaskList,TaskUpdate,TaskStop";

/// The last three are what the original calls `claude-cli` and two endpoints of
/// `openai`.
const PROVIDERS: &[&str] = &[
    "auto",
    "anthropic",
    "openai",
    "claude-cli",
    "local",
    "claude",
    "openrouter",
    "gemini",
];
const LOG_LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
const DAY_SECS: u64 = 86_400;

/// All settings, in the order of [`Key`].
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    environment(Key::DataDir, "CLAUDE_MEM_DATA_DIR", "~/.claude-mem",
        "directory that holds everything claude-mem stores"),
    anywhere(Key::Disabled, "CLAUDE_MEM_DISABLED", "false", Kind::Flag,
        "switch capture and injection off"),
    environment(Key::Project, "CLAUDE_MEM_PROJECT", "",
        "file everything under this project name instead of the one found"),
    anywhere(Key::SkipTools, "CLAUDE_MEM_SKIP_TOOLS", BOOKKEEPING_TOOLS, Kind::List,
        "tools whose calls are not captured: names or globs such as mcp__*"),
    anywhere(Key::ExcludedProjects, "CLAUDE_MEM_EXCLUDED_PROJECTS", "", Kind::List,
        "projects that are not captured: names, directories or globs; a leading ! means all others"),
    anywhere(Key::FieldBytes, "CLAUDE_MEM_FIELD_BYTES", "16384", number(1024, 1_048_576),
        "bytes kept of one field of a tool call; head and tail stay, the middle goes"),
    anywhere(Key::Provider, "CLAUDE_MEM_PROVIDER", "auto", Kind::Choice(PROVIDERS),
        "who turns events into observations; auto takes claude-cli, else an API key, else local"),
    anywhere(Key::Model, "CLAUDE_MEM_MODEL", "claude-haiku-4-5-20251001", Kind::Text,
        "model that anthropic and claude-cli are asked for"),
    anywhere(Key::SimpleModel, "CLAUDE_MEM_TIER_SIMPLE_MODEL", "", Kind::Text,
        "cheaper model for batches of nothing but reads and searches; empty means the same model"),
    anywhere(Key::Mode, "CLAUDE_MEM_MODE", "code", Kind::Text,
        "what is worth remembering: code, research or a file in modes/; a suffix such as --de sets the language"),
    anywhere(Key::AnthropicApiKey, "CLAUDE_MEM_ANTHROPIC_API_KEY", "", Kind::Secret,
        "key for anthropic; else ANTHROPIC_AUTH_TOKEN or ANTHROPIC_API_KEY of the environment"),
    anywhere(Key::AnthropicBaseUrl, "CLAUDE_MEM_ANTHROPIC_BASE_URL", "", Kind::Text,
        "address of the Messages API; else ANTHROPIC_BASE_URL of the environment, else the public one"),
    anywhere(Key::OpenAiEndpoint, "CLAUDE_MEM_OPENAI_BASE_URL", "", Kind::Text,
        "address of an OpenAI-compatible API, or openai, openrouter, gemini, ollama, llama.cpp, vllm, lmstudio"),
    anywhere(Key::OpenAiApiKey, "CLAUDE_MEM_OPENAI_API_KEY", "", Kind::Secret,
        "key for openai; else OPENAI_API_KEY of the environment"),
    anywhere(Key::OpenAiModel, "CLAUDE_MEM_OPENAI_MODEL", "", Kind::Text,
        "model that openai is asked for; empty means the endpoint's usual one"),
    anywhere(Key::OpenRouterApiKey, "CLAUDE_MEM_OPENROUTER_API_KEY", "", Kind::Secret,
        "key for OpenRouter"),
    anywhere(Key::OpenRouterModel, "CLAUDE_MEM_OPENROUTER_MODEL", "", Kind::Text,
        "model that OpenRouter is asked for"),
    anywhere(Key::GeminiApiKey, "CLAUDE_MEM_GEMINI_API_KEY", "", Kind::Secret,
        "key for Gemini"),
    anywhere(Key::GeminiModel, "CLAUDE_MEM_GEMINI_MODEL", "", Kind::Text,
        "model that Gemini is asked for"),
    anywhere(Key::ClaudePath, "CLAUDE_MEM_CLAUDE_PATH", "", Kind::Text,
        "the claude executable of claude-cli; empty means the first one on PATH"),
    anywhere(Key::DailyTokens, "CLAUDE_MEM_DAILY_TOKENS", "2000000", number(0, 1_000_000_000_000),
        "tokens that all models may use on one day, input and output together"),
    anywhere(Key::CallsPerHour, "CLAUDE_MEM_CALLS_PER_HOUR", "240", number(0, 100_000),
        "calls of a model within any hour"),
    anywhere(Key::MaxConcurrentCalls, "CLAUDE_MEM_MAX_CONCURRENT_CALLS", "2", number(1, 64),
        "calls of a model at one time, all sessions together"),
    anywhere(Key::CallTimeoutSecs, "CLAUDE_MEM_CALL_TIMEOUT_SECS", "120", number(1, 1800),
        "seconds that one call may take"),
    anywhere(Key::PromptChars, "CLAUDE_MEM_PROMPT_CHARS", "24000", number(10_000, 1_000_000),
        "characters of one call's input, at most"),
    anywhere(Key::MaxOutputTokens, "CLAUDE_MEM_MAX_OUTPUT_TOKENS", "4096", number(256, 65_536),
        "tokens of one call's answer, at most"),
    anywhere(Key::RetryBaseMs, "CLAUDE_MEM_RETRY_BASE_MS", "2000", number(10, 600_000),
        "milliseconds before the first repetition of a failed call; each further one waits four times as long"),
    anywhere(Key::Prices, "CLAUDE_MEM_PRICES", "", Kind::Text,
        "prices of models that are not known or have changed, as JSON: {\"model\": [input, output]} in dollars a million tokens"),
    anywhere(Key::WorkerIdleSecs, "CLAUDE_MEM_WORKER_IDLE_SECS", "60", number(1, DAY_SECS),
        "seconds without an event after which a session's worker finishes and leaves"),
    anywhere(Key::LogLevel, "CLAUDE_MEM_LOG_LEVEL", "info", Kind::Choice(LOG_LEVELS),
        "how much the logs tell"),
    anywhere(Key::ContextObservations, "CLAUDE_MEM_CONTEXT_OBSERVATIONS", "50", number(0, 500),
        "observations listed when a session starts"),
    anywhere(Key::ContextSessionCount, "CLAUDE_MEM_CONTEXT_SESSION_COUNT", "10", number(0, 100),
        "past sessions whose summaries are listed when a session starts"),
    anywhere(Key::ContextFullCount, "CLAUDE_MEM_CONTEXT_FULL_COUNT", "0", number(0, 100),
        "newest observations that are shown in full when a session starts"),
    anywhere(Key::ContextFullField, "CLAUDE_MEM_CONTEXT_FULL_FIELD", "narrative",
        Kind::Choice(&["narrative", "facts"]),
        "field that is shown of an observation shown in full"),
    anywhere(Key::ContextShowLastSummary, "CLAUDE_MEM_CONTEXT_SHOW_LAST_SUMMARY", "true", Kind::Flag,
        "show the last summary when a session starts"),
    anywhere(Key::ContextShowReadTokens, "CLAUDE_MEM_CONTEXT_SHOW_READ_TOKENS", "true", Kind::Flag,
        "show what reading an observation costs, in tokens"),
    anywhere(Key::ContextShowWorkTokens, "CLAUDE_MEM_CONTEXT_SHOW_WORK_TOKENS", "false", Kind::Flag,
        "show what making an observation cost, in tokens"),
    anywhere(Key::ContextShowSavingsAmount, "CLAUDE_MEM_CONTEXT_SHOW_SAVINGS_AMOUNT", "false", Kind::Flag,
        "show the tokens saved by reading memory, as a number"),
    anywhere(Key::ContextShowSavingsPercent, "CLAUDE_MEM_CONTEXT_SHOW_SAVINGS_PERCENT", "false", Kind::Flag,
        "show the tokens saved by reading memory, as a share"),
    anywhere(Key::RecallPrompt, "CLAUDE_MEM_RECALL_PROMPT", "true", Kind::Flag,
        "recall at a prompt what memory knows about it"),
    anywhere(Key::RecallRead, "CLAUDE_MEM_RECALL_READ", "true", Kind::Flag,
        "recall what is known about a file before it is read, if that is newer than the file"),
    anywhere(Key::RecallFailure, "CLAUDE_MEM_RECALL_FAILURE", "true", Kind::Flag,
        "recall after a failed command how that error was mended before"),
    anywhere(Key::EmbeddingModel, "CLAUDE_MEM_EMBEDDING_MODEL", "", Kind::Text,
        "directory of a sentence model that compares the best hits of a search; empty means the built-in table alone"),
    anywhere(Key::RetentionDays, "CLAUDE_MEM_RETENTION_DAYS", "7", number(0, 3650),
        "days that a processed event is kept"),
    anywhere(Key::RetentionMb, "CLAUDE_MEM_RETENTION_MB", "64", number(0, 1_048_576),
        "mebibytes that processed events may take together"),
    anywhere(Key::StallSecs, "CLAUDE_MEM_STALL_SECS", "900", number(1, 7 * DAY_SECS),
        "seconds that events may wait before status calls the memory stalled"),
    anywhere(Key::HttpPort, "CLAUDE_MEM_WORKER_PORT", "0", number(0, 65_535),
        "port of the HTTP server on 127.0.0.1; 0 means 37700 and the last two digits of the user id"),
    anywhere(Key::HttpRelay, "CLAUDE_MEM_HTTP_RELAY", "false", Kind::Flag,
        "let HTTP clients hand in events and change settings, as hooks and the command line do"),
    anywhere(Key::HttpAutostart, "CLAUDE_MEM_HTTP_AUTOSTART", "true", Kind::Flag,
        "start the HTTP server when a session starts"),
    anywhere(Key::HttpIdleSecs, "CLAUDE_MEM_HTTP_IDLE_SECS", "3600", number(1, 7 * DAY_SECS),
        "seconds without a request and without a viewer after which the HTTP server leaves"),
    anywhere(Key::McpEnabled, "CLAUDE_MEM_MCP_ENABLED", "true", Kind::Flag,
        "offer memory to models as MCP tools"),
    anywhere(Key::ViewerTheme, "CLAUDE_MEM_VIEWER_THEME", "system",
        Kind::Choice(&["system", "light", "dark"]),
        "colours of the viewer"),
    anywhere(Key::ViewerSidebar, "CLAUDE_MEM_VIEWER_SIDEBAR", "true", Kind::Flag,
        "show the viewer's sidebar"),
    anywhere(Key::ViewerProject, "CLAUDE_MEM_VIEWER_PROJECT", "", Kind::Text,
        "project that the viewer shows first; empty means all"),
];

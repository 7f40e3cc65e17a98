CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a Claude Code session. captured, processed and skipped outlive the
-- events that they count; pending, processing and failed are counted from
-- pending_messages.
CREATE TABLE sdk_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content_session_id TEXT NOT NULL,
    memory_session_id TEXT NOT NULL UNIQUE,
    platform_source TEXT NOT NULL DEFAULT 'claude',
    project TEXT NOT NULL,
    project_root TEXT NOT NULL DEFAULT '',
    custom_title TEXT,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'failed')),
    prompt_counter INTEGER NOT NULL DEFAULT 0,
    captured INTEGER NOT NULL DEFAULT 0,
    processed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    last_event_at_epoch INTEGER NOT NULL DEFAULT 0,
    started_at TEXT NOT NULL,
    started_at_epoch INTEGER NOT NULL,
    completed_at TEXT,
    completed_at_epoch INTEGER,
    UNIQUE (content_session_id, platform_source)
) STRICT;

CREATE INDEX sdk_sessions_project ON sdk_sessions (project);

CREATE TABLE skip_counts (
    session_db_id INTEGER NOT NULL REFERENCES sdk_sessions (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session_db_id, reason)
) STRICT, WITHOUT ROWID;

-- A prompt and all that was done for it. A turn may be known by its tool events
-- before its prompt arrives, and may never have one.
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_db_id INTEGER NOT NULL REFERENCES sdk_sessions (id) ON DELETE CASCADE,
    prompt_number INTEGER NOT NULL,
    prompt_id TEXT,
    project TEXT NOT NULL,
    project_root TEXT NOT NULL DEFAULT '',
    private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
    git_branch TEXT,
    git_head TEXT,
    opened_at_epoch INTEGER NOT NULL,
    closed_at_epoch INTEGER,
    close_reason TEXT,
    -- Why the offline extractor did it although a model was chosen.
    fallback_reason TEXT,
    -- It was handed out again to be done by a model.
    redo INTEGER NOT NULL DEFAULT 0 CHECK (redo IN (0, 1)),
    UNIQUE (session_db_id, prompt_number)
) STRICT;
CREATE INDEX turns_fallback ON turns (session_db_id) WHERE fallback_reason IS NOT NULL;
CREATE UNIQUE INDEX turns_prompt_id ON turns (session_db_id, prompt_id) WHERE prompt_id IS NOT NULL;

CREATE TABLE user_prompts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    session_db_id INTEGER REFERENCES sdk_sessions (id) ON DELETE CASCADE,
    content_session_id TEXT NOT NULL,
    project TEXT NOT NULL,
    prompt_number INTEGER NOT NULL,
    prompt_text TEXT NOT NULL,
    git_branch TEXT,
    git_head TEXT,
    created_at TEXT NOT NULL,
    created_at_epoch INTEGER NOT NULL
) STRICT;
CREATE INDEX user_prompts_session ON user_prompts (session_db_id, prompt_number);
CREATE INDEX user_prompts_project ON user_prompts (project, created_at_epoch);
CREATE INDEX user_prompts_time ON user_prompts (created_at_epoch);

-- Lists (facts, concepts, files_*) are JSON arrays.
CREATE TABLE observations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    session_db_id INTEGER REFERENCES sdk_sessions (id) ON DELETE CASCADE,
    memory_session_id TEXT NOT NULL,
    project TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    subtitle TEXT NOT NULL DEFAULT '',
    narrative TEXT NOT NULL DEFAULT '',
    text TEXT,
    facts TEXT NOT NULL DEFAULT '[]',
    concepts TEXT NOT NULL DEFAULT '[]',
    files_read TEXT NOT NULL DEFAULT '[]',
    files_modified TEXT NOT NULL DEFAULT '[]',
    prompt_number INTEGER,
    discovery_tokens INTEGER NOT NULL DEFAULT 0,
    content_hash TEXT NOT NULL,
    generated_by_model TEXT,
    agent_id TEXT,
    agent_type TEXT,
    git_branch TEXT,
    git_head TEXT,
    superseded_by TEXT,
    created_at TEXT NOT NULL,
    created_at_epoch INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX observations_content ON observations (session_db_id, prompt_number, content_hash);
-- With what is chosen by within a project: other types are passed over without
-- their rows.
CREATE INDEX observations_project
    ON observations (project, created_at_epoch, id, type, superseded_by);
CREATE INDEX observations_time ON observations (created_at_epoch);
CREATE INDEX observations_type ON observations (type, created_at_epoch)
    WHERE superseded_by IS NULL;
-- All that the statistics of a day are made of, without the rows. The last is
-- the length of what there is to read, in the words in which it is asked for.
CREATE INDEX observations_day ON observations (created_at_epoch, project, type, discovery_tokens,
    length(title) + length(subtitle) + length(narrative) + length(facts) + length(concepts)
    + length(files_read) + length(files_modified));

CREATE TABLE session_summaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    session_db_id INTEGER REFERENCES sdk_sessions (id) ON DELETE CASCADE,
    memory_session_id TEXT NOT NULL,
    project TEXT NOT NULL,
    request TEXT NOT NULL DEFAULT '',
    investigated TEXT NOT NULL DEFAULT '',
    learned TEXT NOT NULL DEFAULT '',
    completed TEXT NOT NULL DEFAULT '',
    next_steps TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '',
    prompt_number INTEGER,
    discovery_tokens INTEGER NOT NULL DEFAULT 0,
    generated_by_model TEXT,
    git_branch TEXT,
    git_head TEXT,
    superseded_by TEXT,
    created_at TEXT NOT NULL,
    created_at_epoch INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_summaries_turn ON session_summaries (session_db_id, prompt_number);
CREATE INDEX session_summaries_project ON session_summaries (project, created_at_epoch);
CREATE INDEX session_summaries_time ON session_summaries (created_at_epoch);

-- The order in which summaries were made and changed: a later batch of a turn
-- adds to its summary in place. One row a summary, with a number that is higher
-- than every earlier one.
CREATE TABLE summary_revisions (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    summary_id INTEGER NOT NULL UNIQUE REFERENCES session_summaries (id) ON DELETE CASCADE
) STRICT;
CREATE TRIGGER session_summaries_made AFTER INSERT ON session_summaries BEGIN
    DELETE FROM summary_revisions WHERE summary_id = new.id;
    INSERT INTO summary_revisions (summary_id) VALUES (new.id);
END;
CREATE TRIGGER session_summaries_changed
AFTER UPDATE OF request, investigated, learned, completed, next_steps, notes
ON session_summaries BEGIN
    DELETE FROM summary_revisions WHERE summary_id = new.id;
    INSERT INTO summary_revisions (summary_id) VALUES (new.id);
END;

-- Every captured event, from its commit until its retention ends.
CREATE TABLE pending_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_db_id INTEGER NOT NULL REFERENCES sdk_sessions (id) ON DELETE CASCADE,
    content_session_id TEXT NOT NULL,
    turn_id INTEGER REFERENCES turns (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    message_type TEXT NOT NULL CHECK (message_type IN ('prompt', 'observation', 'summarize')),
    tool_name TEXT,
    tool_input TEXT,
    tool_response TEXT,
    failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
    cwd TEXT,
    last_assistant_message TEXT,
    reason TEXT,
    agent_id TEXT,
    agent_type TEXT,
    prompt_number INTEGER,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'processed', 'skipped', 'failed')),
    skip_reason TEXT,
    retry_count INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    lease_owner TEXT,
    lease_expires_at_epoch INTEGER,
    bytes INTEGER NOT NULL DEFAULT 0,
    created_at_epoch INTEGER NOT NULL,
    started_processing_at_epoch INTEGER,
    completed_at_epoch INTEGER,
    UNIQUE (session_db_id, event_id)
) STRICT;
CREATE INDEX pending_messages_open ON pending_messages (session_db_id, turn_id)
    WHERE status IN ('pending', 'processing', 'failed');
CREATE INDEX pending_messages_turn ON pending_messages (turn_id);
CREATE INDEX pending_messages_done ON pending_messages (completed_at_epoch, bytes)
    WHERE status IN ('processed', 'skipped');

-- What each model call cost. A row is there before its call, with the most that
-- the call can cost; a call whose end is never heard of counts as that.
CREATE TABLE usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_db_id INTEGER REFERENCES sdk_sessions (id) ON DELETE SET NULL,
    prompt_number INTEGER,
    project TEXT NOT NULL DEFAULT '',
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    reserved_tokens INTEGER NOT NULL DEFAULT 0,
    duration_ms INTEGER NOT NULL DEFAULT 0,
    created_at_epoch INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_time ON usage (created_at_epoch);

-- A provider that does not answer, until it does again: every worker leaves it
-- alone until retry_at_epoch.
CREATE TABLE provider_stalls (
    provider TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    -- Turns that the offline extractor did meanwhile.
    fallbacks INTEGER NOT NULL DEFAULT 0,
    since_epoch INTEGER NOT NULL,
    retry_at_epoch INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What a row is found by: the distinct terms of its text, made by the program
-- (src/analysis), each by itself and once more within its project, and a vector
-- of its meaning (src/embedding). The index keeps
-- which rows hold a term and nothing else; how well they fit is computed from
-- the rows themselves.
CREATE VIRTUAL TABLE observations_fts USING fts5 (
    terms, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '_'"
);
CREATE VIRTUAL TABLE session_summaries_fts USING fts5 (
    terms, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '_'"
);
CREATE VIRTUAL TABLE user_prompts_fts USING fts5 (
    terms, content = '', contentless_delete = 1, detail = none, tokenize = "ascii tokenchars '_'"
);

-- The terms themselves, for words that are still being typed. Not as rows with
-- counts: to count, SQLite walks through all rows of a term.
CREATE VIRTUAL TABLE observations_terms USING fts5vocab (observations_fts, instance);
CREATE VIRTUAL TABLE session_summaries_terms USING fts5vocab (session_summaries_fts, instance);
CREATE VIRTUAL TABLE user_prompts_terms USING fts5vocab (user_prompts_fts, instance);

-- Rows whose index entries are not made yet: those of the transaction at hand
-- (the writer empties it before it commits), those that another tool wrote, and
-- all of them when terms or vectors are made in a new way. Kinds: 0
-- observations, 1 summaries, 2 prompts.
CREATE TABLE unindexed (
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    UNIQUE (kind, id)
) STRICT;

CREATE TRIGGER observations_ai AFTER INSERT ON observations BEGIN
    INSERT OR IGNORE INTO unindexed VALUES (0, new.id);
END;
CREATE TRIGGER observations_au
AFTER UPDATE OF project, type, title, subtitle, narrative, text, facts, concepts, files_read, files_modified
ON observations BEGIN
    INSERT OR IGNORE INTO unindexed VALUES (0, new.id);
END;
CREATE TRIGGER observations_ad AFTER DELETE ON observations BEGIN
    DELETE FROM observations_fts WHERE rowid = old.id;
    DELETE FROM unindexed WHERE kind = 0 AND id = old.id;
END;
CREATE TRIGGER session_summaries_ai AFTER INSERT ON session_summaries BEGIN
    INSERT OR IGNORE INTO unindexed VALUES (1, new.id);
END;
CREATE TRIGGER session_summaries_au
AFTER UPDATE OF project, request, investigated, learned, completed, next_steps, notes
ON session_summaries BEGIN
    INSERT OR IGNORE INTO unindexed VALUES (1, new.id);
END;
CREATE TRIGGER session_summaries_ad AFTER DELETE ON session_summaries BEGIN
    DELETE FROM session_summaries_fts WHERE rowid = old.id;
    DELETE FROM unindexed WHERE kind = 1 AND id = old.id;
END;
CREATE TRIGGER user_prompts_ai AFTER INSERT ON user_prompts BEGIN
    INSERT OR IGNORE INTO unindexed VALUES (2, new.id);
END;
CREATE TRIGGER user_prompts_au AFTER UPDATE OF project, prompt_text ON user_prompts BEGIN
    INSERT OR IGNORE INTO unindexed VALUES (2, new.id);
END;
CREATE TRIGGER user_prompts_ad AFTER DELETE ON user_prompts BEGIN
    DELETE FROM user_prompts_fts WHERE rowid = old.id;
    DELETE FROM unindexed WHERE kind = 2 AND id = old.id;
END;

-- Vectors of rows in blocks of consecutive ids, a row without a vector as zeros.
-- signatures: for each row the sign bits of its vector and a hash of its
-- project, in large pieces since a search reads all: 256 rows. vectors: whole, as
-- int8, in pieces of one page, since a search reads few: 21 rows. block = id /
-- rows + kind * 2^40.
CREATE TABLE vector_signatures (block INTEGER PRIMARY KEY, signatures BLOB NOT NULL) STRICT;
CREATE TABLE vectors (block INTEGER PRIMARY KEY, vectors BLOB NOT NULL) STRICT;

-- The ends of the paths that an observation names, as numbers: see by_file.rs.
CREATE TABLE observation_files (
    -- End, use and project.
    key INTEGER NOT NULL,
    observation_id INTEGER NOT NULL,
    PRIMARY KEY (key, observation_id)
) STRICT, WITHOUT ROWID;

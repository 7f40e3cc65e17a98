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
CREATE INDEX observations_project ON observations (project, created_at_epoch);
CREATE INDEX observations_time ON observations (created_at_epoch);

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

-- Full-text indexes over the tables themselves (external content: no second
-- copy of the text), kept by triggers so that no statement can forget them.
CREATE VIRTUAL TABLE observations_fts USING fts5 (
    title, subtitle, narrative, facts, concepts, files_read, files_modified,
    content = 'observations', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER observations_ai AFTER INSERT ON observations BEGIN
    INSERT INTO observations_fts (rowid, title, subtitle, narrative, facts, concepts, files_read, files_modified)
    VALUES (new.id, new.title, new.subtitle, new.narrative, new.facts, new.concepts, new.files_read, new.files_modified);
END;
CREATE TRIGGER observations_ad AFTER DELETE ON observations BEGIN
    INSERT INTO observations_fts (observations_fts, rowid, title, subtitle, narrative, facts, concepts, files_read, files_modified)
    VALUES ('delete', old.id, old.title, old.subtitle, old.narrative, old.facts, old.concepts, old.files_read, old.files_modified);
END;
CREATE TRIGGER observations_au AFTER UPDATE OF title, subtitle, narrative, facts, concepts, files_read, files_modified ON observations BEGIN
    INSERT INTO observations_fts (observations_fts, rowid, title, subtitle, narrative, facts, concepts, files_read, files_modified)
    VALUES ('delete', old.id, old.title, old.subtitle, old.narrative, old.facts, old.concepts, old.files_read, old.files_modified);
    INSERT INTO observations_fts (rowid, title, subtitle, narrative, facts, concepts, files_read, files_modified)
    VALUES (new.id, new.title, new.subtitle, new.narrative, new.facts, new.concepts, new.files_read, new.files_modified);
END;

CREATE VIRTUAL TABLE session_summaries_fts USING fts5 (
    request, investigated, learned, completed, next_steps, notes,
    content = 'session_summaries', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER session_summaries_ai AFTER INSERT ON session_summaries BEGIN
    INSERT INTO session_summaries_fts (rowid, request, investigated, learned, completed, next_steps, notes)
    VALUES (new.id, new.request, new.investigated, new.learned, new.completed, new.next_steps, new.notes);
END;
CREATE TRIGGER session_summaries_ad AFTER DELETE ON session_summaries BEGIN
    INSERT INTO session_summaries_fts (session_summaries_fts, rowid, request, investigated, learned, completed, next_steps, notes)
    VALUES ('delete', old.id, old.request, old.investigated, old.learned, old.completed, old.next_steps, old.notes);
END;
CREATE TRIGGER session_summaries_au AFTER UPDATE OF request, investigated, learned, completed, next_steps, notes ON session_summaries BEGIN
    INSERT INTO session_summaries_fts (session_summaries_fts, rowid, request, investigated, learned, completed, next_steps, notes)
    VALUES ('delete', old.id, old.request, old.investigated, old.learned, old.completed, old.next_steps, old.notes);
    INSERT INTO session_summaries_fts (rowid, request, investigated, learned, completed, next_steps, notes)
    VALUES (new.id, new.request, new.investigated, new.learned, new.completed, new.next_steps, new.notes);
END;

CREATE VIRTUAL TABLE user_prompts_fts USING fts5 (
    prompt_text,
    content = 'user_prompts', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER user_prompts_ai AFTER INSERT ON user_prompts BEGIN
    INSERT INTO user_prompts_fts (rowid, prompt_text) VALUES (new.id, new.prompt_text);
END;
CREATE TRIGGER user_prompts_ad AFTER DELETE ON user_prompts BEGIN
    INSERT INTO user_prompts_fts (user_prompts_fts, rowid, prompt_text) VALUES ('delete', old.id, old.prompt_text);
END;
CREATE TRIGGER user_prompts_au AFTER UPDATE OF prompt_text ON user_prompts BEGIN
    INSERT INTO user_prompts_fts (user_prompts_fts, rowid, prompt_text) VALUES ('delete', old.id, old.prompt_text);
    INSERT INTO user_prompts_fts (rowid, prompt_text) VALUES (new.id, new.prompt_text);
END;

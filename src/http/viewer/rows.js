// Rows of the API as the page sees them: one shape for the three kinds, no
// larger than a card needs, so that long lists stay small.

import { list } from "./format.js";

/** Characters kept of a text that a card shows two lines of. */
const EXCERPT = 260;

/** Letters in links and ids: #12, #S3, #P4. */
export const LETTER = { observation: "", summary: "S", prompt: "P" };

const TITLE = 300;

function cut(text, most) {
  const clean = String(text || "").replace(/\s+/g, " ").trim();
  return clean.length > most ? `${clean.slice(0, most)}…` : clean;
}

/** A card's worth of a row of this kind. */
export function card(kind, row) {
  const base = {
    kind,
    id: row.id,
    key: `${LETTER[kind]}${row.id}`,
    type: kind === "observation" ? String(row.obs_type || row.type || "discovery") : kind,
    project: String(row.project || ""),
    session: row.session_db_id || row.content_session_id || row.memory_session_id || "",
    prompt: row.prompt_number,
    at: Number(row.created_at_epoch) || Date.parse(row.created_at) || 0,
    why: row.why || "",
    snippet: row.snippet || "",
  };
  return { ...base, ...texts(kind, row) };
}

function texts(kind, row) {
  if (kind === "summary") {
    return {
      title: cut(row.request || row.title || "Summary", TITLE),
      excerpt: cut(row.completed || row.learned || row.summary_text || row.investigated, EXCERPT),
      files: 0,
    };
  }
  if (kind === "prompt") {
    const text = row.prompt_text || row.prompt || row.title || "";
    return { title: cut(text, TITLE + EXCERPT), excerpt: "", files: 0 };
  }
  const subtitle = cut(row.subtitle, EXCERPT);
  return {
    title: cut(row.title || "Untitled", TITLE),
    excerpt: subtitle || cut(row.narrative || row.text, EXCERPT),
    files: new Set([...list(row.files_modified), ...list(row.files_read)]).size,
  };
}

/** Kinds as the timeline and the search name them. */
export function kindOf(name) {
  if (name === "session" || name === "summary" || name === "sessions") return "summary";
  if (name === "prompt" || name === "prompts") return "prompt";
  return "observation";
}

/** Newest first; of the same moment the order of a turn, backwards. */
export function newestFirst(a, b) {
  return b.at - a.at || RANK[b.kind] - RANK[a.kind] || b.id - a.id;
}

const RANK = { prompt: 0, observation: 1, summary: 2 };

/** `S3` → kind and id; `null` where it is none. */
export function parseKey(text) {
  const match = /^([SP]?)(\d{1,15})$/i.exec(text);
  if (!match) return null;
  const kind = { "": "observation", S: "summary", P: "prompt" }[match[1].toUpperCase()];
  return { kind, id: Number(match[2]), key: match[1].toUpperCase() + Number(match[2]) };
}

/** Where a row of this kind is had in full. */
export const ROUTE = {
  observation: "/api/observation/",
  summary: "/api/session/",
  prompt: "/api/prompt/",
};

// One session, turn by turn: what was asked, what was learned, what became of it.

import { h, replace } from "./dom.js";
import { get, getOptional } from "./api.js";
import { timeline } from "./around.js";
import { clockNode, timeNode, typeName } from "./card.js";
import { failed, nothingHere, skeleton } from "./empty.js";
import { count, duration } from "./format.js";
import { sign, typeClass } from "./icons.js";
import { card, newestFirst } from "./rows.js";

/** Rows looked at around the memory one came from, where the server cannot
 * list a session. */
const DEPTH = 100;

/** Pages of prompts in which it is looked for. */
const PAGES = 5;

export class SessionPage {
  #app;
  #id;
  #abort = new AbortController();
  #rows = [];

  constructor(app, id) {
    this.#app = app;
    this.#id = id;
    this.title = "Session";
  }

  mount(content) {
    this.place = h("div", { class: "page session" }, h("h1", { class: "page-title" }, "Session"), skeleton(6));
    replace(content, this.place);
    content.scrollTop = 0;
    this.#load();
  }

  destroy() {
    this.#abort.abort();
  }

  get keys() {
    return this.#rows.map((row) => row.key);
  }

  reveal(key) {
    const node = this.place.querySelector(`[data-key="${key}"]`);
    if (node) node.scrollIntoView({ block: "nearest" });
    return node && (node.matches("a") ? node : node.querySelector("a"));
  }

  firstVisible() {
    return this.#rows[0] && this.#rows[0].key;
  }

  select() {}

  async #load() {
    const { signal } = this.#abort;
    try {
      const answer = await getOptional("/api/sessions/{id}/turns", null, signal, this.#id);
      if (answer) this.#show(rowsOf(answer), answer.session, answer.truncated);
      else this.#show(await this.#near(signal), null, true);
    } catch (error) {
      if (error.status === 404) this.#show([], null, false);
      else if (error.name !== "AbortError") replace(this.place, h("h1", { class: "page-title" }, "Session"), failed(error, () => this.#load()));
    }
  }

  async #near(signal) {
    const key = this.#app.cameFrom || (await this.#anyPrompt(signal));
    if (!key) return [];
    const rows = await timeline(key, DEPTH, DEPTH, signal);
    const its = rows.filter((row) => String(row.session) === this.#id);
    if (its.length || !this.#app.cameFrom) return its;
    this.#app.cameFrom = "";
    return this.#near(signal);
  }

  /** One of its prompts, for those who come by the session's own address. */
  async #anyPrompt(signal) {
    for (let page = 0; page < PAGES; page += 1) {
      const answer = await get("/api/prompts", { limit: 100, offset: page * 100 }, signal);
      const found = answer.items.map((row) => card("prompt", row)).find((row) => String(row.session) === this.#id);
      if (found) return found.key;
      if (!answer.hasMore) break;
    }
    return "";
  }

  #show(rows, session, partly) {
    this.#rows = rows.sort((a, b) => -newestFirst(a, b));
    if (!rows.length) {
      replace(this.place, h("h1", { class: "page-title" }, "Session"), nothingHere("Nothing of this session is remembered.", "#/"));
      return;
    }
    const turns = inTurns(this.#rows);
    const project = (session && session.project) || rows[0].project;
    const first = this.#rows[0].at;
    const last = this.#rows[this.#rows.length - 1].at;
    replace(
      this.place,
      h("h1", { class: "page-title" }, "Session in ", h("a", { href: this.#app.address({ project }) }, project || "unfiled")),
      h("p", { class: "page-lead" }, timeNode(first), " · ", count(turns.length, "turn"), " · ", count(rows.filter((row) => row.kind === "observation").length, "observation"), last - first > 60_000 ? ` · over ${duration(last - first)}` : "", session && session.status ? ` · ${session.status}` : ""),
      partly ? h("p", { class: "hint" }, "Only a part of the session is shown.") : null,
      turns.map((turn, at) => turnNode(turn, at)),
    );
  }
}

function rowsOf(answer) {
  const of = (name, kind) => (answer[name] || []).map((row) => card(kind, row));
  return [...of("prompts", "prompt"), ...of("observations", "observation"), ...of("summaries", "summary")];
}

/** By the prompt's number where rows have one, else by the last prompt. */
function inTurns(rows) {
  const turns = new Map();
  let current = 0;
  for (const row of rows) {
    if (row.prompt) current = row.prompt;
    if (!turns.has(current)) turns.set(current, { number: current, prompts: [], observations: [], summaries: [] });
    const turn = turns.get(current);
    if (row.kind === "prompt") turn.prompts.push(row);
    else if (row.kind === "summary") turn.summaries.push(row);
    else turn.observations.push(row);
  }
  return [...turns.values()].sort((a, b) => a.number - b.number);
}

function turnNode(turn, at) {
  const name = `turn-${at}`;
  return h(
    "section",
    { class: "turn", "aria-labelledby": name },
    h("h2", { id: name, class: "turn-name" }, turn.number ? `Turn ${turn.number}` : "Before the first prompt"),
    turn.prompts.map((row) => h("a", { class: "turn-prompt", href: `#${row.key}`, data: { key: row.key } }, h("span", { class: "unseen" }, "Prompt: "), row.title)),
    turn.observations.length ? h("ol", { class: "rail" }, turn.observations.map(observationNode)) : h("p", { class: "hint" }, "No observation was made of this turn."),
    turn.summaries.map(summaryNode),
  );
}

function observationNode(row) {
  return h(
    "li",
    { class: "rail-row", data: { key: row.key } },
    sign(row.type),
    h("a", { class: "rail-link", href: `#${row.key}` }, h("span", { class: "unseen" }, `${typeName(row.type)}: `), h("span", { class: "rail-title" }, row.title), row.excerpt ? h("span", { class: "rail-text" }, row.excerpt) : null),
    clockNode(row.at),
  );
}

function summaryNode(row) {
  return h("a", { class: `turn-summary ${typeClass("summary")}`, href: `#${row.key}`, data: { key: row.key } }, h("span", { class: "turn-summary-name" }, "Summary"), h("span", null, row.excerpt || row.title));
}

// Pages of the newest rows, the three kinds merged by time.

import { get } from "./api.js";
import { card, newestFirst } from "./rows.js";

/** Rows a page; the server gives at most 100 of a kind. */
const PAGE = 60;

/** Rows of a kind that are looked through after a break of the stream. */
const MOST_MISSED = 3000;

const LISTS = { observation: "/api/observations", summary: "/api/summaries", prompt: "/api/prompts" };

/**
 * What the filters let through, page after page. Rows that arrive while the
 * user scrolls move everything behind them, whenever the page hears of it: so
 * the next page begins behind as many rows of a kind as have been seen, which
 * comes out right in the end, and what is fetched twice is left out.
 */
export class Source {
  #counts = { observation: 0, summary: 0, prompt: 0 };
  /** Rows that the stream did not tell of. */
  #missed = { observation: 0, summary: 0, prompt: 0 };
  #ended = { observation: false, summary: false, prompt: false };
  #seen = new Set();
  /** Where the list of a type goes on: a time, and how many rows of it are known. */
  #last = { at: "", same: 0 };
  #kinds;
  #filter;

  /** `filter`: project ("" for all) and type ("" for all, a kind, or a type). */
  constructor(filter) {
    this.#filter = filter;
    const { type } = filter;
    if (Object.hasOwn(LISTS, type)) this.#kinds = [type];
    else this.#kinds = type ? ["observation"] : Object.keys(LISTS);
    this.total = null;
  }

  get done() {
    return this.#kinds.every((kind) => this.#ended[kind]);
  }

  /** Whether the row is here already; it may have changed since. */
  knows(row) {
    return this.#seen.has(row.key);
  }

  /** Whether a row that arrived belongs here and is not here yet. */
  accepts(row) {
    const { project, type } = this.#filter;
    if (project && row.project !== project) return false;
    if (!this.#kinds.includes(row.kind)) return false;
    if (type && !Object.hasOwn(LISTS, type) && row.type !== type) return false;
    return !this.#seen.has(row.key);
  }

  /** Notes a row that arrived: it stands in front of all that is fetched. */
  arrived(row) {
    this.#seen.add(row.key);
    this.#counts[row.kind] += 1;
  }

  /** The newest rows again, down to those that are known: what a broken stream
   * may have missed. */
  async newest(signal) {
    const found = [];
    for (const kind of this.#kinds) {
      for (let offset = 0; offset < MOST_MISSED; offset += PAGE) {
        const { rows, more } = await this.#fetch(kind, offset, signal);
        const fresh = rows.filter((row) => this.accepts(row));
        found.push(...fresh);
        if (!more || fresh.length < rows.length || this.#isNarrowed(kind)) break;
      }
    }
    return found.sort(newestFirst);
  }

  #isNarrowed(kind) {
    const { type } = this.#filter;
    return kind === "observation" && Boolean(type) && type !== "observation";
  }

  /** The next rows, newest first; empty when there are no more. */
  async next(signal) {
    const open = this.#kinds.filter((kind) => !this.#ended[kind]);
    const lists = await Promise.all(
      open.map((kind) => this.#fetch(kind, this.#counts[kind] + this.#missed[kind], signal)),
    );
    if (this.total === null) this.total = lists.reduce((sum, list) => sum + list.total, 0);
    const merged = lists.flatMap((list) => list.rows).sort(newestFirst);
    const page = merged.slice(0, horizon(lists, merged));
    const fresh = page.filter((row) => !this.#seen.has(row.key));
    for (const row of fresh) this.arrived(row);
    open.forEach((kind, index) => {
      const { rows, more } = lists[index];
      const taken = page.filter((row) => row.kind === kind).length;
      if (taken && !fresh.some((row) => row.kind === kind)) this.#missed[kind] += taken;
      this.#ended[kind] = (!more || !rows.length) && taken === rows.length;
    });
    return fresh;
  }

  async #fetch(kind, offset, signal) {
    const { project } = this.#filter;
    if (this.#isNarrowed(kind)) return this.#ofType(offset === 0, signal);
    const answer = await get(LISTS[kind], { project, offset, limit: PAGE }, signal);
    return {
      rows: answer.items.map((row) => card(kind, row)),
      more: Boolean(answer.hasMore),
      total: answer.total || 0,
    };
  }

  /** The search without words lists the observations of a type; it goes on
   * from a time, since it does not count far. */
  async #ofType(first, signal) {
    const { project, type } = this.#filter;
    const from = first ? { at: "", same: 0 } : this.#last;
    const parameters = { type: "observations", obs_type: type, project, dateEnd: from.at, offset: from.same, limit: PAGE, orderBy: "date_desc", format: "json" };
    const answer = await get("/api/search", parameters, signal);
    const rows = (answer.observations || []).map((row) => card("observation", row));
    const end = rows[rows.length - 1];
    if (end && (!first || !this.#last.at)) {
      const same = rows.filter((row) => row.at === end.at).length;
      this.#last = { at: end.at, same: same + (end.at === from.at ? from.same : 0) };
    }
    return { rows, more: rows.length === PAGE, total: 0 };
  }
}

/** Rows behind the last of a list that goes on may not be the next ones. */
function horizon(lists, merged) {
  let end = merged.length;
  for (const list of lists) {
    const last = list.rows[list.rows.length - 1];
    if (list.more && last) end = Math.min(end, merged.indexOf(last) + 1);
  }
  return end;
}

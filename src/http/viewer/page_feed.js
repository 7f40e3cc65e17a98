// The live stream: cards of the newest rows, older ones as one scrolls.

import { announce, h, isStill, replace } from "./dom.js";
import { cardNode, dayHeading, heights } from "./card.js";
import { count, dayOf, whole } from "./format.js";
import { emptyState, failed, nothingHere } from "./empty.js";
import { filterBar } from "./filters.js";
import { newestFirst } from "./rows.js";
import { Source } from "./source.js";
import { VirtualList } from "./vlist.js";

/** Rows that wait for a frame, at most. */
const MOST_WAITING = 500;

export class FeedPage {
  #app;
  #filter;
  #source;
  #list;
  #rows = [];
  #loading = false;
  #abort = new AbortController();
  #arrivals = [];
  #frame = 0;
  #unseen = 0;

  constructor(app, filter) {
    this.#app = app;
    this.#filter = filter;
    this.title = "Live";
  }

  mount(content) {
    this.#source = new Source(this.#filter);
    this.scroller = content;
    this.host = h("div", { class: "feed", role: "feed", "aria-label": "Memories, newest first", "aria-busy": "true" });
    this.status = h("p", { class: "feed-status", role: "status" }, "Loading…");
    this.pill = h("button", { class: "pill", type: "button", hidden: true, on: { click: () => this.#toTop() } });
    this.state = h("div", { class: "feed-state" });
    replace(
      content,
      h("h1", { class: "unseen" }, "Live stream of the memory"),
      filterBar(this.#app, this.#filter),
      h("div", { class: "pill-place" }, this.pill),
      this.host,
      this.state,
      this.status,
    );
    this.#list = new VirtualList({
      scroller: content,
      host: this.host,
      heights,
      render: (row, at) => this.#node(row, at),
      nearEnd: () => this.#more(),
    });
    this.#listen();
    this.#more();
  }

  #listen() {
    const { signal } = this.#abort;
    const { stream } = this.#app;
    stream.addEventListener("row", (event) => this.#arrive(event.detail), { signal });
    stream.addEventListener("gap", () => this.#catchUp(), { signal });
    this.scroller.addEventListener("scroll", () => this.#sawTop(), { signal, passive: true });
  }

  destroy() {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    this.#list.destroy();
  }

  /** The cards, for j and k. */
  get keys() {
    return this.#list.rows.filter((row) => row.kind !== "day").map((row) => row.key);
  }

  reveal(key) {
    const slot = this.#list.reveal(key);
    return slot && slot.querySelector("article");
  }

  firstVisible() {
    const row = this.#list.firstVisible();
    if (!row || row.kind !== "day") return row && row.key;
    const next = this.#list.rows[this.#list.indexOf(row.key) + 1];
    return next && next.key;
  }

  select(key, previous) {
    for (const changed of [previous, key]) {
      const slot = this.#list.node(changed);
      if (slot) slot.querySelector("article").classList.toggle("selected", changed === key);
    }
  }

  #node(row, at) {
    if (row.kind === "day") return dayHeading(row);
    return cardNode(row, { selected: this.#app.selected, position: at + 1, size: -1 });
  }

  async #more() {
    if (this.#loading || this.#source.done) return;
    this.#loading = true;
    try {
      let page = [];
      while (!page.length && !this.#source.done) page = await this.#source.next(this.#abort.signal);
      const last = this.#rows[this.#rows.length - 1];
      for (const row of page) this.#rows.push(row);
      this.#loading = false;
      this.#list.append(withDays(page, last && dayOf(last.at)));
      this.#tell();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#loading = false;
      this.#failed(error);
    }
  }

  /** How far one has come, and what to do where there is nothing. */
  #tell() {
    replace(this.state);
    this.host.setAttribute("aria-busy", "false");
    const { done, total } = this.#source;
    const of = total && total > this.#rows.length ? ` of ${whole(total)}` : "";
    this.status.textContent = done ? `The beginning: ${count(this.#rows.length, "memory", "memories")}` : `${whole(this.#rows.length)}${of} loaded`;
    this.status.hidden = !this.#rows.length;
    if (done && !this.#rows.length) this.#empty();
  }

  #empty() {
    const { project, type } = this.#filter;
    replace(this.state, project || type ? nothingHere("Nothing matches these filters yet.", "#/") : emptyState());
  }

  #failed(error) {
    this.status.hidden = true;
    this.host.setAttribute("aria-busy", "false");
    replace(this.state, failed(error, () => {
      replace(this.state);
      this.#more();
    }));
  }

  /** Rows of a burst are shown together, once a frame. */
  #arrive(row) {
    if (this.#source.knows(row)) {
      this.#change(row);
      return;
    }
    if (!this.#source.accepts(row)) return;
    this.#source.arrived(row);
    this.#arrivals.push(row);
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#flush());
    // Hidden tabs have no frames.
    if (document.hidden && this.#arrivals.length >= MOST_WAITING) this.#flush();
  }

  /** A summary grows with its turn. */
  #change(row) {
    const is = (other) => other.key === row.key;
    const waiting = this.#arrivals.findIndex(is);
    if (waiting >= 0) {
      this.#arrivals[waiting] = row;
      return;
    }
    if (!this.#rows.some(is)) return;
    this.#rows = this.#rows.map((other) => (is(other) ? row : other)).sort(newestFirst);
    this.#list.forget(row.key);
    this.#list.set(withDays(this.#rows), { keepPlace: this.scroller.scrollTop >= 8 });
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const arrived = this.#arrivals.splice(0).sort(newestFirst);
    if (!arrived.length) return;
    this.#rows = merge(arrived, this.#rows);
    const atTop = this.scroller.scrollTop < 8;
    if (!atTop) this.#unseen += arrived.length;
    const fresh = isStill() ? [] : arrived.map((row) => row.key);
    this.#list.set(withDays(this.#rows), { keepPlace: !atTop, fresh });
    this.#tell();
    this.#showPill();
    announce(arrived.length === 1 ? `New: ${arrived[0].title}` : `${arrived.length} new memories`);
  }

  async #catchUp() {
    try {
      for (const row of await this.#source.newest(this.#abort.signal)) this.#arrive(row);
    } catch (_) {
      // The stream says by itself that the server is away.
    }
  }

  #showPill() {
    this.pill.hidden = this.#unseen === 0;
    this.pill.textContent = `↑ ${count(this.#unseen, "new memory", "new memories")}`;
  }

  #sawTop() {
    if (this.#unseen && this.scroller.scrollTop < 8) {
      this.#unseen = 0;
      this.#showPill();
    }
  }

  #toTop() {
    this.scroller.scrollTo({ top: 0, behavior: "auto" });
    this.#unseen = 0;
    this.#showPill();
  }
}

/** Two lists in order become one. */
function merge(arrived, rows) {
  const last = arrived[arrived.length - 1];
  if (!rows.length || newestFirst(last, rows[0]) < 0) return arrived.concat(rows);
  return arrived.concat(rows).sort(newestFirst);
}

/** A heading in front of each day but the one that is there already. */
function withDays(rows, before = null) {
  const out = [];
  let day = before;
  for (const row of rows) {
    const its = dayOf(row.at);
    if (its !== day) {
      day = its;
      out.push({ kind: "day", key: `day-${day}`, day });
    }
    out.push(row);
  }
  return out;
}

// What came before and after a memory: a rail of small rows, oldest first.

import { append, h, replace } from "./dom.js";
import { get } from "./api.js";
import { clockNode, typeName } from "./card.js";
import { failed, nothingHere, skeleton } from "./empty.js";
import { dayName, dayOf } from "./format.js";
import { sign } from "./icons.js";
import { card, kindOf } from "./rows.js";

/** Rows before and after in the detail; the page shows more. */
const NEAR = 4;
const DEPTH = 20;
const MOST_DEPTH = 100;

/** The rows around a memory, oldest first. */
export async function timeline(key, before, after, signal, project) {
  const answer = await get(
    "/api/timeline",
    { anchor: key, depth_before: before, depth_after: after, project },
    signal,
  );
  return (answer.items || []).map((item) => card(kindOf(item.type), item));
}

/** Fills the strip below a memory. */
export async function around(place, app, target, signal) {
  replace(place, h("h3", null, "Around this"), skeleton(3));
  try {
    const rows = await timeline(target.key, NEAR, NEAR, signal);
    replace(
      place,
      h("h3", null, "Around this"),
      rail(rows, target.key),
      h("a", { class: "button quiet", href: `#/timeline/${target.key}` }, "Whole timeline"),
    );
  } catch (error) {
    if (error.name !== "AbortError") replace(place, h("h3", null, "Around this"), failed(error));
  }
}

/** Rows on a line of time. */
export function rail(rows, current) {
  const list = h("ol", { class: "rail" });
  let day = null;
  for (const row of rows) {
    const its = dayOf(row.at);
    if (its !== day) {
      day = its;
      list.append(h("li", { class: "rail-day" }, dayName(day)));
    }
    list.append(railRow(row, current));
  }
  return list;
}

function railRow(row, current) {
  const here = row.key === current;
  return h(
    "li",
    { class: `rail-row kind-${row.kind}${here ? " here" : ""}`, "aria-current": here ? "true" : null, data: { key: row.key } },
    sign(row.type),
    h(
      "a",
      { href: `#${row.key}`, class: "rail-link" },
      h("span", { class: "unseen" }, `${typeName(row.type)}: `),
      h("span", { class: "rail-title" }, row.title),
      row.kind === "summary" && row.excerpt ? h("span", { class: "rail-text" }, row.excerpt) : null,
    ),
    clockNode(row.at),
  );
}

/** The page of a memory's surroundings, which grows at both ends. */
export class TimelinePage {
  #app;
  #target;
  #abort = new AbortController();
  #before = DEPTH;
  #after = DEPTH;
  #rows = [];

  constructor(app, target) {
    this.#app = app;
    this.#target = target;
    this.title = `Around #${target.key}`;
  }

  mount(content) {
    this.content = content;
    this.place = h("div", { class: "timeline" }, skeleton(6));
    replace(
      content,
      h("div", { class: "page" }, h("h1", { class: "page-title" }, "Around ", h("a", { class: "mono", href: `#${this.#target.key}` }, `#${this.#target.key}`)), this.place),
    );
    this.#load(true);
  }

  destroy() {
    this.#abort.abort();
  }

  get keys() {
    return this.#rows.map((row) => row.key);
  }

  reveal(key) {
    const row = this.place.querySelector(`li[data-key="${key}"] a`);
    if (row) row.scrollIntoView({ block: "nearest" });
    return row;
  }

  firstVisible() {
    return this.#target.key;
  }

  select() {}

  async #load(first) {
    try {
      const { key } = this.#target;
      this.#rows = await timeline(key, this.#before, this.#after, this.#abort.signal);
      this.#show(first);
    } catch (error) {
      if (error.name === "AbortError") return;
      const gone = error.status === 404;
      replace(this.place, gone ? nothingHere(error.message, "#/") : failed(error, () => this.#load(first)));
    }
  }

  #show(first) {
    const at = this.#rows.findIndex((row) => row.key === this.#target.key);
    const behind = this.#rows.length - at - 1;
    replace(this.place);
    append(this.place, [
      at >= this.#before && this.#before < MOST_DEPTH ? this.#grow("Earlier", () => (this.#before = Math.min(MOST_DEPTH, this.#before * 2))) : null,
      rail(this.#rows, this.#target.key),
      behind >= this.#after && this.#after < MOST_DEPTH ? this.#grow("Later", () => (this.#after = Math.min(MOST_DEPTH, this.#after * 2))) : null,
    ]);
    const here = this.place.querySelector(".here");
    if (first && here) here.scrollIntoView({ block: "center" });
  }

  #grow(name, more) {
    return h("button", { type: "button", class: "quiet wide", on: { click: () => {
      more();
      this.#load(false);
    } } }, name);
  }
}

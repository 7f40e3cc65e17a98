// A row as a card, wherever one is shown.

import { h, marked } from "./dom.js";
import { ago, clock, count, dayName, exact, words } from "./format.js";
import { sign, typeClass } from "./icons.js";

/** Rem of a card and of a day's heading, on wide and on narrow screens. */
const HEIGHTS = { wide: { card: 6.1, day: 2.75 }, narrow: { card: 7.6, day: 2.5 } };

const NARROW = matchMedia("(max-width: 40rem)");

/** Pixels that a row takes in a list. */
export function height(row) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const sizes = NARROW.matches ? HEIGHTS.narrow : HEIGHTS.wide;
  return Math.round((row.kind === "day" ? sizes.day : sizes.card) * rem);
}

/** The same for many rows: the font's size is looked up once. */
export function heights() {
  const card = height({ kind: "observation" });
  const day = height({ kind: "day" });
  return (row) => (row.kind === "day" ? day : card);
}

const NAMES = { summary: "Summary", prompt: "Prompt" };

/** What people call the type. */
export function typeName(type) {
  const name = NAMES[type] || words(type);
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** A heading between days. */
export function dayHeading(row) {
  return h("h2", { class: "slot day", data: { key: row.key } }, h("span", null, row.label || dayName(row.day)));
}

/**
 * The card in its slot. `pattern` marks words; `selected` is the key that is
 * open beside the list.
 */
export function cardNode(row, { pattern = null, selected = "", position, size } = {}) {
  const label = `card-${row.key}`;
  const article = h(
    "article",
    {
      class: `card kind-${row.kind} ${typeClass(row.type)}${selected === row.key ? " selected" : ""}`,
      "aria-labelledby": label,
      "aria-posinset": position,
      "aria-setsize": size,
      tabindex: "-1",
      data: { key: row.key },
    },
    sign(row.type),
    h("div", { class: "card-body" }, cardHead(row, label, pattern), cardText(row, pattern), cardFoot(row)),
  );
  return h("div", { class: "slot", data: { key: row.key } }, article);
}

function cardHead(row, label, pattern) {
  return h(
    "div",
    { class: "card-head" },
    h("h3", { class: "card-title", id: label }, h("a", { href: `#${row.key}`, class: "card-link" }, marked(row.title, pattern))),
    timeNode(row.at),
  );
}

function cardText(row, pattern) {
  // A snippet of the title would say the same twice.
  const text = row.snippet && !row.title.includes(row.snippet) ? row.snippet : row.excerpt;
  return text ? h("p", { class: "card-text" }, marked(text, pattern)) : null;
}

function cardFoot(row) {
  return h(
    "p",
    { class: "card-foot" },
    h("span", { class: "type-name" }, typeName(row.type)),
    h("span", { class: "project" }, row.project || "unfiled"),
    row.why ? h("span", { class: "why", title: row.why }, `Found: ${row.why}`) : null,
    !row.why && row.files ? h("span", { class: "files" }, count(row.files, "file")) : null,
    h("a", { class: "row-id", href: `#${row.key}`, tabindex: "-1", "aria-hidden": "true" }, `#${row.key}`),
  );
}

/** A time that says how long ago, and exactly when on closer look. */
export function timeNode(at, text) {
  const valid = Number.isFinite(at) && at > 0;
  return h(
    "time",
    { datetime: valid ? new Date(at).toISOString() : null, title: exact(at), data: text ? {} : { at } },
    text || ago(at),
  );
}

/** Only the hour, for lists within a day. */
export function clockNode(at) {
  return timeNode(at, clock(at));
}

/** Brings every "5 min ago" of the document up to date. */
export function refreshTimes() {
  const now = Date.now();
  for (const node of document.querySelectorAll("time[data-at]")) {
    const text = ago(Number(node.dataset.at), now);
    if (node.textContent !== text) node.textContent = text;
  }
}

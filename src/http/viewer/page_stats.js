// Numbers and charts: what is remembered, what it cost, whether it is kept.

import { h, replace } from "./dom.js";
import { get, getOptional } from "./api.js";
import { typeName } from "./card.js";
import { shares, stackedBars } from "./charts.js";
import { failed, skeleton } from "./empty.js";
import { bytes, compact, dollars, whole } from "./format.js";
import { equation } from "./health.js";
import { TYPES, typeClass } from "./icons.js";
import { card } from "./rows.js";

const DAYS = 30;

/** Rows counted where the server cannot count days: pages of a hundred. */
const PAGES = 5;

const MOST_PROJECTS = 12;

export class StatsPage {
  #app;
  #abort = new AbortController();
  title = "Statistics";

  constructor(app) {
    this.#app = app;
  }

  mount(content) {
    this.place = h("div", { class: "page" }, h("h1", { class: "page-title" }, "Statistics"), skeleton(6));
    replace(content, this.place);
    content.scrollTop = 0;
    // Charts are drawn for the width of the screen.
    matchMedia("(max-width: 40rem)").addEventListener("change", () => this.#load(), { signal: this.#abort.signal });
    this.#load();
  }

  destroy() {
    this.#abort.abort();
  }

  async #load() {
    const { signal } = this.#abort;
    try {
      const [stats, health, daily, usage] = await Promise.all([
        get("/api/stats", null, signal),
        get("/api/health", null, signal),
        getOptional("/api/stats/daily", { days: DAYS }, signal),
        getOptional("/api/usage", { days: DAYS }, signal),
      ]);
      this.#show(stats, health, daily ? { days: daily.days, exact: true } : await counted(signal), usage);
    } catch (error) {
      if (error.name !== "AbortError") replace(this.place, h("h1", { class: "page-title" }, "Statistics"), failed(error, () => this.#load()));
    }
  }

  #show(stats, health, daily, usage) {
    replace(
      this.place,
      h("h1", { class: "page-title" }, "Statistics"),
      figures(stats),
      h("section", { class: "block" }, h("h2", null, "Capture"), equation(health.capture || {})),
      h("section", { class: "block" }, h("h2", null, "What was learned"), perDay(daily)),
      h("section", { class: "block spent" }, h("h2", null, "Tokens"), tokens(daily, usage)),
      h("section", { class: "block" }, h("h2", null, "Projects"), this.#projects(stats.byProject || {})),
      h("section", { class: "block" }, h("h2", null, "Server"), server(stats, health)),
    );
  }

  #projects(byProject) {
    const rows = Object.entries(byProject).map(([name, counts]) => ({ name, ...(typeof counts === "object" ? counts : { observations: counts }) }));
    rows.sort((a, b) => (b.observations || 0) - (a.observations || 0));
    if (!rows.length) return h("p", { class: "hint" }, "No project has a memory yet.");
    const most = rows[0].observations || 1;
    const line = (row) =>
      h(
        "tr",
        null,
        h("th", { scope: "row" }, h("a", { href: this.#app.address({ project: row.name }) }, row.name || "unfiled")),
        h("td", { class: "bar-cell" }, shares(row.name, [{ name: "observations", class: "tone-all", value: row.observations || 0 }, { name: "rest", class: "none", value: most - (row.observations || 0) }])),
        h("td", null, whole(row.observations)),
        h("td", null, whole(row.summaries)),
        h("td", null, whole(row.prompts)),
      );
    return h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "table" },
        h("thead", null, h("tr", null, ["Project", "", "Observations", "Summaries", "Prompts"].map((name) => h("th", { scope: "col" }, name || h("span", { class: "unseen" }, "Share"))))),
        h("tbody", null, rows.slice(0, MOST_PROJECTS).map(line)),
      ),
      rows.length > MOST_PROJECTS ? h("p", { class: "hint" }, `and ${whole(rows.length - MOST_PROJECTS)} more projects`) : null,
    );
  }
}

function figure(value, name, note) {
  return h("div", { class: "number" }, h("b", null, value), h("span", null, name), note ? h("small", null, note) : null);
}

function figures(stats) {
  const total = stats.total || stats.database || {};
  return h(
    "div",
    { class: "numbers" },
    figure(whole(total.observations), "observations"),
    figure(whole(total.summaries), "summaries"),
    figure(whole(total.prompts), "prompts"),
    figure(whole(total.sessions), "sessions"),
    figure(bytes((stats.database || {}).size), "on disk"),
  );
}

function perDay({ days, exact }) {
  if (!days.length) return h("p", { class: "hint" }, "Nothing was learned in the last 30 days.");
  const full = filled(days);
  const names = [...new Set([...TYPES, ...full.flatMap((day) => Object.keys(day.byType || {}))])];
  const series = names.map((type) => ({ name: typeName(type), class: typeClass(type), values: full.map((day) => (day.byType || {})[type] || 0) })).filter((one) => one.values.some(Boolean));
  return [
    stackedBars({ title: "Observations a day, by type", days: full.map((day) => day.day), series, unit: "observations" }),
    exact ? null : h("p", { class: "hint" }, `Counted from the newest ${PAGES * 100} observations.`),
  ];
}

/** Days without anything stand in the chart too. */
function filled(days) {
  const known = new Map(days.map((day) => [day.day, day]));
  const last = Date.parse(`${days[days.length - 1].day}T12:00:00Z`);
  return Array.from({ length: DAYS }, (_, at) => {
    const day = new Date(last - (DAYS - 1 - at) * 86_400_000).toISOString().slice(0, 10);
    return known.get(day) || { day, byType: {} };
  });
}

function tokens(daily, usage) {
  const sum = (name) => daily.days.reduce((total, day) => total + (Number(day[name]) || 0), 0);
  const work = sum("discovery_tokens");
  const read = sum("read_tokens");
  const spent = usage && usage.total ? spentOf(usage.total) : null;
  return [
    h(
      "div",
      { class: "numbers" },
      usage ? figure(compact(spent), "tokens spent on memory", costOf(usage.total)) : null,
      figure(compact(work), "tokens of work remembered"),
      read ? figure(compact(read), "tokens to read all of it") : null,
      read && work > read ? figure(`${Math.round((1 - read / work) * 100)} %`, "saved by reading instead of redoing") : null,
      usage && usage.today ? figure(compact(usage.today.tokens), "tokens today", `of ${compact(usage.today.limit)} allowed`) : null,
    ),
    spent ? spending(filled(usage.days)) : null,
    usage && !spent ? h("p", { class: "hint" }, `No model was asked in ${DAYS} days.`) : null,
    usage ? null : h("p", { class: "hint" }, "What calls of models cost: ", h("code", null, "claude-mem usage")),
  ];
}

function spentOf(row) {
  return ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"].reduce((sum, name) => sum + (Number(row[name]) || 0), 0);
}

/** Dollars, and how sure they are. */
function costOf(total) {
  if (!spentOf(total)) return `in ${DAYS} days`;
  if (total.cost === null) return "price unknown";
  const sum = `${total.cost_is_at_least ? "at least " : ""}${dollars(total.cost)}`;
  return total.subscription ? `${sum} at API prices` : `${sum} in ${DAYS} days`;
}

const SPENT = [
  ["input_tokens", "Input", "tone-all"],
  ["cache_write_tokens", "Written to the cache", "tone-waiting"],
  ["cache_read_tokens", "Read from the cache", "tone-calm"],
  ["output_tokens", "Output", "tone-good"],
];

function spending(days) {
  const series = SPENT.map(([name, text, tone]) => ({ name: text, class: tone, values: days.map((day) => Number(day[name]) || 0) }));
  return stackedBars({ title: "Tokens spent a day", days: days.map((day) => day.day), series, unit: "tokens" });
}

/** Days of the newest rows, counted here. */
async function counted(signal) {
  const pages = await Promise.all(Array.from({ length: PAGES }, (_, at) => get("/api/observations", { limit: 100, offset: at * 100 }, signal)));
  const days = new Map();
  const rows = pages.flatMap((page) => page.items);
  for (const row of rows) {
    const { at, type } = card("observation", row);
    const day = new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
    const its = days.get(day) || { day, byType: {}, discovery_tokens: 0 };
    its.byType[type] = (its.byType[type] || 0) + 1;
    its.discovery_tokens += Number(row.discovery_tokens) || 0;
    days.set(day, its);
  }
  const sorted = [...days.values()].sort((a, b) => a.day.localeCompare(b.day)).slice(-DAYS);
  return { days: sorted, exact: rows.length < PAGES * 100 };
}

function server(stats, health) {
  const lines = [
    ["Version", health.version],
    ["Mode", health.relay ? "relay: takes events and changes settings" : "read-only"],
    ["Port", health.port],
    ["Model", health.ai ? [health.ai.provider, health.ai.model].filter(Boolean).join(" · ") : null],
    ["Sessions at work", (stats.worker || {}).activeSessions],
    ["Database", (stats.database || {}).path],
    ["First memory", (stats.database || {}).firstObservationAt],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "lines" }, lines.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

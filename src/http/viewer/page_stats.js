// Numbers and charts: what is remembered, what it cost, whether it is kept.

import { announce, h, replace } from "./dom.js";
import { get, getOptional } from "./api.js";
import { typeName } from "./card.js";
import { shares, stackedBars } from "./charts.js";
import { failed, skeleton } from "./empty.js";
import { bytes, compact, dollars, whole } from "./format.js";
import { equation } from "./health.js";
import { TYPES, typeClass } from "./icons.js";
import { card } from "./rows.js";

/** Days looked back, to choose from; the first where nothing was chosen. */
const SPANS = [30, 90, 365];

const SPAN_KEY = "claude-mem-stats-days";

/** Longer spans are drawn by the week: a year of days is too many bars. */
const MOST_BARS = 100;

/** Rows counted where the server cannot count days: pages of a hundred. */
const PAGES = 5;

const MOST_PROJECTS = 12;

export class StatsPage {
  #app;
  #abort = new AbortController();
  #asked = new AbortController();
  #days = rememberedSpan();
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
    this.#asked.abort();
  }

  /** Whoever asks again wants the newer answer alone. */
  async #load() {
    this.#asked.abort();
    this.#asked = new AbortController();
    const { signal } = this.#asked;
    const days = this.#days;
    try {
      const [stats, health, daily, usage] = await Promise.all([
        get("/api/stats", null, signal),
        get("/api/health", null, signal),
        getOptional("/api/stats/daily", { days }, signal),
        getOptional("/api/usage", { days }, signal),
      ]);
      const learned = daily ? { days: daily.days, exact: true } : await counted(days, signal);
      this.#show(stats, health, { ...learned, span: days }, usage);
    } catch (error) {
      if (error.name !== "AbortError") replace(this.place, h("h1", { class: "page-title" }, "Statistics"), failed(error, () => this.#load()));
    }
  }

  #show(stats, health, daily, usage) {
    // The keyboard stays on the choice.
    const chosen = this.place.contains(document.activeElement) && document.activeElement.name === "span";
    const top = this.place.parentElement ? this.place.parentElement.scrollTop : 0;
    replace(
      this.place,
      h("h1", { class: "page-title" }, "Statistics"),
      figures(stats),
      h("section", { class: "block" }, h("h2", null, "Capture"), equation(health.capture || {})),
      this.#spans(),
      h("section", { class: "block" }, h("h2", null, "What was learned"), perDay(daily)),
      h("section", { class: "block spent" }, h("h2", null, "Tokens"), tokens(daily, usage)),
      h("section", { class: "block" }, h("h2", null, "Projects"), this.#projects(stats.byProject || {})),
      h("section", { class: "block" }, h("h2", null, "Server"), server(stats, health)),
    );
    if (this.place.parentElement) this.place.parentElement.scrollTop = top;
    if (chosen) this.place.querySelector(".spans input:checked").focus({ preventScroll: true });
  }

  /** How far the charts and the tokens look back. */
  #spans() {
    const choice = (days) =>
      h(
        "label",
        { class: "chip" },
        h("input", { type: "radio", name: "span", value: days, checked: days === this.#days, on: { change: () => this.#look(days) } }),
        days === 365 ? "A year" : `${days} days`,
      );
    return h("fieldset", { class: "spans" }, h("legend", null, "Looking back"), SPANS.map(choice));
  }

  #look(days) {
    this.#days = days;
    try {
      localStorage.setItem(SPAN_KEY, String(days));
    } catch (_) {
      // Not remembered where storage is switched off.
    }
    announce(`Looking back ${days} days`);
    this.#load();
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

function rememberedSpan() {
  try {
    const days = Number(localStorage.getItem(SPAN_KEY));
    if (SPANS.includes(days)) return days;
  } catch (_) {
    // Storage may be switched off.
  }
  return SPANS[0];
}

function perDay({ days, exact, span }) {
  if (!days.some((day) => Object.values(day.byType || {}).some(Boolean))) return h("p", { class: "hint" }, `Nothing was learned in the last ${span} days.`);
  const full = stretches(days, span);
  const names = [...new Set([...TYPES, ...full.flatMap((day) => Object.keys(day.byType || {}))])];
  const series = names.map((type) => ({ name: typeName(type), class: typeClass(type), values: full.map((day) => (day.byType || {})[type] || 0) })).filter((one) => one.values.some(Boolean));
  return [
    stackedBars({ title: `Observations a ${step(span)}, by type`, days: full.map((day) => day.day), series, unit: "observations", step: step(span) }),
    exact ? null : h("p", { class: "hint" }, `Counted from the newest ${PAGES * 100} observations.`),
  ];
}

/** What a bar of the charts stands for. */
function step(span) {
  return span > MOST_BARS ? "week" : "day";
}

/** The bars of a chart: days, those without anything too, or weeks. */
function stretches(days, span) {
  const full = filled(days, span);
  return step(span) === "day" ? full : weeks(full);
}

function filled(days, span) {
  const known = new Map(days.map((day) => [day.day, day]));
  const last = Date.parse(`${days[days.length - 1].day}T12:00:00Z`);
  return Array.from({ length: span }, (_, at) => {
    const day = new Date(last - (span - 1 - at) * 86_400_000).toISOString().slice(0, 10);
    return known.get(day) || { day, byType: {} };
  });
}

/** Weeks, named by their first day; the last is whole, the first what is left. */
function weeks(days) {
  const first = days.length % 7 || 7;
  const starts = [0, ...Array.from({ length: Math.ceil(days.length / 7) - 1 }, (_, at) => first + at * 7)];
  return starts.map((start, at) => {
    const its = days.slice(start, starts[at + 1]);
    const sum = { day: its[0].day, byType: {} };
    for (const day of its) {
      for (const [type, count] of Object.entries(day.byType || {})) sum.byType[type] = (sum.byType[type] || 0) + count;
      for (const [name] of SPENT) sum[name] = (sum[name] || 0) + (Number(day[name]) || 0);
    }
    return sum;
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
      usage ? figure(compact(spent), "tokens spent on memory", costOf(usage.total, daily.span)) : null,
      figure(compact(work), "tokens of work remembered"),
      read ? figure(compact(read), "tokens to read all of it") : null,
      read && work > read ? figure(`${Math.round((1 - read / work) * 100)} %`, "saved by reading instead of redoing") : null,
      usage && usage.today ? figure(compact(usage.today.tokens), "tokens today", `of ${compact(usage.today.limit)} allowed`) : null,
    ),
    spent ? spending(stretches(usage.days, daily.span), step(daily.span)) : null,
    usage && !spent ? h("p", { class: "hint" }, `No model was asked in ${daily.span} days.`) : null,
    usage ? null : h("p", { class: "hint" }, "What calls of models cost: ", h("code", null, "claude-mem usage")),
  ];
}

function spentOf(row) {
  return ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"].reduce((sum, name) => sum + (Number(row[name]) || 0), 0);
}

/** Dollars, and how sure they are. */
function costOf(total, span) {
  if (!spentOf(total)) return `in ${span} days`;
  if (total.cost === null) return "price unknown";
  const sum = `${total.cost_is_at_least ? "at least " : ""}${dollars(total.cost)}`;
  return total.subscription ? `${sum} at API prices` : `${sum} in ${span} days`;
}

const SPENT = [
  ["input_tokens", "Input", "tone-all"],
  ["cache_write_tokens", "Written to the cache", "tone-waiting"],
  ["cache_read_tokens", "Read from the cache", "tone-calm"],
  ["output_tokens", "Output", "tone-good"],
];

function spending(days, step) {
  const series = SPENT.map(([name, text, tone]) => ({ name: text, class: tone, values: days.map((day) => Number(day[name]) || 0) }));
  return stackedBars({ title: `Tokens spent a ${step}`, days: days.map((day) => day.day), series, unit: "tokens", step });
}

/** Days of the newest rows, counted here. */
async function counted(span, signal) {
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
  const sorted = [...days.values()].sort((a, b) => a.day.localeCompare(b.day)).slice(-span);
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

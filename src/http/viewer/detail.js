// One memory in full, beside the list or in its place on narrow screens.

import { command, copy, h, prose, replace } from "./dom.js";
import { get } from "./api.js";
import { timeNode, typeName } from "./card.js";
import { failed, skeleton } from "./empty.js";
import { count, exact, list, whole } from "./format.js";
import { sign, typeClass } from "./icons.js";
import { card, ROUTE } from "./rows.js";
import { around } from "./around.js";

/** Files shown before one asks for the rest. */
const MOST_FILES = 12;

/** Fills the pane with the memory of this key; returns when it is there. */
export async function showDetail(pane, app, target, signal) {
  replace(pane, head(app, target), skeleton(5));
  let row;
  try {
    row = await get(`${ROUTE[target.kind]}${target.id}`, null, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    replace(pane, head(app, target), failed(error, error.status === 404 ? null : () => showDetail(pane, app, target, signal)));
    return;
  }
  const shown = card(target.kind, row);
  replace(pane, head(app, target, shown), body(app, row, shown));
  const strip = h("section", { class: "around", "aria-label": "Around this" });
  pane.querySelector(".detail-body").append(strip);
  around(strip, app, target, signal);
}

function head(app, target, shown) {
  const link = `#${target.key}`;
  const copying = h("button", { type: "button", class: "quiet" }, "Copy link");
  copying.addEventListener("click", () => copy(new URL(link, location.href).href, copying));
  return h(
    "header",
    { class: "detail-head" },
    h("span", { class: "detail-id" }, shown ? sign(shown.type) : null, h("span", { class: "mono" }, link)),
    h("span", { class: "grow" }),
    h("a", { class: "button quiet", href: `#/timeline/${target.key}` }, "Timeline"),
    shown && shown.session ? h("a", { class: "button quiet", href: sessionLink(shown.session) }, "Session") : null,
    copying,
    h("button", { type: "button", class: "quiet close", "aria-label": "Close", "aria-keyshortcuts": "Escape", on: { click: () => app.closeDetail() } }, "✕"),
  );
}

export function sessionLink(session) {
  return `#/session/${encodeURIComponent(session)}`;
}

function body(app, row, shown) {
  const inner = { observation, summary, prompt }[shown.kind](row);
  return h(
    "div",
    { class: `detail-body ${typeClass(shown.type)}` },
    h("p", { class: "detail-kicker" }, h("span", { class: "type-name" }, typeName(shown.type)), h("a", { href: app.address({ project: shown.project }) }, shown.project || "unfiled"), timeNode(shown.at)),
    h("h2", { class: shown.kind === "prompt" ? "detail-title asked" : "detail-title", tabindex: "-1" }, title(row, shown)),
    inner,
    facts(row, shown),
  );
}

/** Never cut here: this is the place where all of it is. */
function title(row, shown) {
  if (shown.kind === "observation") return row.title || "Untitled";
  return shown.kind === "summary" ? row.request || "Summary" : "Prompt";
}

function observation(row) {
  const narrative = row.narrative || row.text;
  return [
    row.subtitle ? h("p", { class: "subtitle" }, prose(row.subtitle)) : null,
    narrative ? h("div", { class: "prose" }, prose(narrative)) : null,
    bullets("Facts", list(row.facts)),
    files("Changed", list(row.files_modified)),
    files("Read", list(row.files_read)),
    tags(list(row.concepts)),
  ];
}

const PARTS = [
  ["completed", "Completed"],
  ["learned", "Learned"],
  ["investigated", "Investigated"],
  ["next_steps", "Next steps"],
  ["notes", "Notes"],
];

function summary(row) {
  const parts = PARTS.filter(([name]) => row[name]);
  return parts.map(([name, text]) => h("section", { class: "part" }, h("h3", null, text), h("div", { class: "prose" }, prose(row[name]))));
}

function prompt(row) {
  return h("blockquote", { class: "prose" }, row.prompt_text || row.prompt || "");
}

function bullets(name, items) {
  if (!items.length) return null;
  return h("section", { class: "part" }, h("h3", null, name), h("ul", { class: "facts" }, items.map((item) => h("li", null, prose(item)))));
}

function files(name, paths) {
  if (!paths.length) return null;
  const items = paths.map((path, at) => h("li", { hidden: at >= MOST_FILES }, h("code", { title: path }, path)));
  const place = h("ul", { class: "paths" }, items);
  const rest = paths.length - MOST_FILES;
  const more = rest > 0 ? h("button", { type: "button", class: "quiet" }, `${count(rest, "more file")}`) : null;
  if (more) {
    more.addEventListener("click", () => {
      for (const item of items) item.hidden = false;
      more.remove();
    });
  }
  return h("section", { class: "part" }, h("h3", null, name), place, more);
}

function tags(names) {
  if (!names.length) return null;
  return h("ul", { class: "tags", "aria-label": "Concepts" }, names.map((name) => h("li", null, name)));
}

/** What is known about the memory itself. */
function facts(row, shown) {
  const lines = [
    ["Time", exact(shown.at)],
    ["Turn", row.prompt_number ? `prompt ${row.prompt_number} of its session` : null],
    ["Made by", row.generated_by_model],
    ["Work behind it", row.discovery_tokens ? `about ${whole(row.discovery_tokens)} tokens` : null],
    ["Branch", row.git_branch],
    ["Commit", row.git_head ? String(row.git_head).slice(0, 12) : null],
    ["Agent", row.agent_type],
    ["Session", row.content_session_id],
  ].filter(([, value]) => value);
  return h(
    "details",
    { class: "about" },
    h("summary", null, "About this memory"),
    h("dl", null, lines.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
    command(`claude-mem show ${shown.key}`),
  );
}

// Signs for types and pages: shapes tell them apart where colours do not.

import { svg } from "./dom.js";
import { words } from "./format.js";

const PATHS = {
  bugfix: "M8 5a3 3 0 0 1 3 3v2a3 3 0 0 1-6 0V8a3 3 0 0 1 3-3zM6.2 5.2 5 3.5M9.8 5.2 11 3.5M5 9H2.5M11 9h2.5M5.3 11.5 3.5 13M10.7 11.5l1.8 1.5",
  feature: "M8 2.5 9.6 6.4 13.5 8 9.6 9.6 8 13.5 6.4 9.6 2.5 8 6.4 6.4z",
  refactor: "M3 6.5a5 5 0 0 1 9-1.5M13 2.5V5.5H10M13 9.5a5 5 0 0 1-9 1.5M3 13.5V10.5H6",
  change: "M3 13l.7-2.9L10.5 3.3a1.4 1.4 0 0 1 2.2 2L5.9 12.3z",
  discovery: "M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4zM10.2 10.2 13.5 13.5",
  decision: "M8 2.5v11M4 4.5h8M4 4.5 2 9.5h4zM12 4.5l-2 5h4zM5.5 13.5h5",
  security_alert: "M8 2.5 14 13H2zM8 6.5v3M8 11.3v.2",
  security_note: "M8 2 13 4v4c0 3-2 5-5 6-3-1-5-3-5-6V4z",
  summary: "M3 4h10M3 8h10M3 12h6",
  prompt: "M2.5 3.5h11v7.5H8l-3 2.5V11H2.5z",
  other: "M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
  live: "M2 8h3l2-5 3 10 2-5h2",
  stats: "M3 13.5V8.5M8 13.5V2.5M13 13.5V6",
  queue: "M2.5 4h11M2.5 8h7M2.5 12h9",
  context: "M3.5 2.5h6l3 3v8h-9zM9.5 2.5v3h3",
  settings: "M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6M10 3.5v3M6 9.5v3",
};

export function icon(name, title) {
  const path = Object.hasOwn(PATHS, name) ? PATHS[name] : PATHS.other;
  return svg(
    "svg",
    {
      viewBox: "0 0 16 16",
      class: "icon",
      ...(title ? { role: "img", "aria-label": title } : { "aria-hidden": "true" }),
    },
    svg("path", { d: path }),
  );
}

const OWN = new Set([
  "bugfix", "feature", "refactor", "change", "discovery", "decision",
  "security_alert", "security_note", "summary", "prompt",
]);

/** Types in the order of charts and filters. */
export const TYPES = [...OWN].filter((type) => type !== "summary" && type !== "prompt");

/** The class that gives a type its colour; types of other modes share four. */
export function typeClass(type) {
  if (OWN.has(type)) return `type-${type}`;
  let sum = 0;
  for (const letter of type) sum = (sum * 31 + letter.codePointAt(0)) % 4;
  return `type-other-${sum}`;
}

/** The square sign in front of a card. */
export function sign(type) {
  const box = document.createElement("span");
  box.className = `sign ${typeClass(type)}`;
  box.title = words(type);
  box.append(icon(type));
  return box;
}

// What is shown where there is nothing to show: what it means and what to do.

import { command, h, prose } from "./dom.js";

/** No memory at all. */
export function emptyState() {
  const steps = [
    ["Connect Claude Code", "Adds the hooks to Claude Code's settings; nothing else changes.", "claude-mem install"],
    ["Work as usual", "Start a session in a project. Prompts and tool calls are captured, private parts and credentials stay out.", "claude"],
    ["See what was learned", "When a turn ends, its observations and its summary appear here by themselves. The next session is told about them.", null],
  ];
  return h(
    "section",
    { class: "empty", "aria-label": "No memories yet" },
    h("h2", null, "Nothing remembered yet"),
    h("p", null, "claude-mem notes what Claude Code's sessions find out, decide and change. This page is live: leave it open."),
    h("ol", { class: "steps" }, steps.map(([name, text, run]) => h("li", null, h("strong", null, name), h("p", null, text), run ? command(run) : null))),
    h("p", { class: "hint" }, "Something already happened and nothing is here? ", command("claude-mem status"), " says why."),
    h("p", { class: "hint" }, "Only looking around? ", command("claude-mem demo"), " replays a recorded session in a directory of its own."),
  );
}

/** Filters that let nothing through. */
export function nothingHere(text, back) {
  return h("section", { class: "empty small" }, h("p", null, text), h("a", { class: "button", href: back }, "Show everything"));
}

/** An answer that did not come. */
export function failed(error, again) {
  return h(
    "section",
    { class: "empty small", role: "alert" },
    h("p", null, prose(error.message)),
    again ? h("button", { type: "button", on: { click: again } }, "Try again") : null,
  );
}

/** Lines in the place of what is on its way. */
export function skeleton(lines = 4) {
  return h("div", { class: "skeleton", role: "status", "aria-label": "Loading" }, Array.from({ length: lines }, () => h("div", { class: "bone" })));
}

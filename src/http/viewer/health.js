// Whether memory is being kept, and what to do where it is not.

import { command, h, prose, replace } from "./dom.js";
import { get } from "./api.js";
import { shares } from "./charts.js";
import { whole } from "./format.js";

/** Between two looks; the stream tells of most changes earlier. */
const EVERY_MS = 30_000;

/** Soonest after one look that the stream may cause another. */
const PAUSE_MS = 2000;

const TERMS = [
  ["processed", "Processed", "good"],
  ["skipped", "Skipped", "calm"],
  ["pending", "Pending", "waiting"],
  ["processing", "Processing", "running"],
  ["failed", "Failed", "bad"],
];

/** Looks at the server's health again and again, and shows a stall on every page. */
export class Health extends EventTarget {
  #banner;
  #timer = 0;
  #last = 0;
  answer = null;

  constructor(banner) {
    super();
    this.#banner = banner;
  }

  start(stream) {
    stream.addEventListener("work", () => this.#soon());
    stream.addEventListener("gap", () => this.#soon());
    this.look();
  }

  get relay() {
    return Boolean(this.answer && this.answer.relay);
  }

  async look() {
    clearTimeout(this.#timer);
    this.#last = Date.now();
    try {
      this.answer = await get("/api/health");
      this.#show();
      this.dispatchEvent(new Event("change"));
    } catch (_) {
      // The connection's sign says that the server is away.
    }
    this.#timer = setTimeout(() => this.look(), EVERY_MS);
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), Math.max(0, this.#last + PAUSE_MS - Date.now()));
  }

  #show() {
    const stall = stallNode((this.answer && this.answer.capture) || {});
    const text = stall ? stall.textContent : "";
    if (text === this.#banner.textContent) return;
    replace(this.#banner, stall);
  }
}

function stallNode(capture) {
  if (!capture.stalled) return null;
  return h(
    "section",
    { class: "stall", "aria-label": "Memory is not being kept" },
    h("h2", null, "Memory is not being kept"),
    h("p", null, prose(capture.stallReason || "the cause is not known")),
    h("p", { class: "stall-action" }, h("strong", null, "What to do: "), action(capture.stallAction)),
    h("a", { href: "#/queue" }, "Look at the queue"),
  );
}

/** The commands of an action can be copied. */
export function action(text) {
  if (!text) return [command("claude-mem status"), " says what to do."];
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 && part.startsWith("claude-mem") ? command(part) : at % 2 ? h("code", null, part) : part));
}

/** captured = processed + skipped + pending + processing + failed. */
export function equation(capture) {
  const terms = TERMS.map(([name, text, tone]) => ({ name: text, class: `tone-${tone}`, value: Number(capture[name]) || 0 }));
  const sum = terms.reduce((total, term) => total + term.value, 0);
  const captured = Number(capture.captured) || 0;
  return h(
    "section",
    { class: "equation", "aria-label": "Captured events and what became of them" },
    h(
      "p",
      { class: "equation-line" },
      term("Captured", captured, "tone-all"),
      terms.map((one, at) => [h("span", { class: "operator" }, at ? "+" : "="), term(one.name, one.value, one.class)]),
    ),
    shares("What became of captured events", terms),
    captured === sum
      ? h("p", { class: "hint" }, "The sum is right: no event was lost.")
      : h("p", { class: "wrong", role: "alert" }, `The sum is wrong by ${whole(Math.abs(captured - sum))}. `, command("claude-mem status"), " tells more; please report it."),
  );
}

function term(name, value, tone) {
  return h("span", { class: `term ${tone}${value ? "" : " zero"}` }, h("b", null, whole(value)), h("span", null, name));
}

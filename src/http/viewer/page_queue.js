// What waits, runs or failed, and how to get it going again.

import { command, h, replace } from "./dom.js";
import { get, post } from "./api.js";
import { timeNode } from "./card.js";
import { failed, skeleton } from "./empty.js";
import { count, duration, whole } from "./format.js";
import { equation } from "./health.js";

/** Messages shown of each state; the sums count all. */
const MOST = 100;

/** A worker that has an event for longer is stuck. */
const STUCK_MS = 5 * 60_000;

const STATES = [
  ["failed", "Failed", "No attempt made a memory of these."],
  ["processing", "Being worked on", ""],
  ["pending", "Waiting", "A worker takes these when their turn is over."],
];

export class QueuePage {
  #app;
  #abort = new AbortController();
  #timer = 0;
  title = "Queue";

  constructor(app) {
    this.#app = app;
  }

  mount(content) {
    this.place = h("div", { class: "page" }, h("h1", { class: "page-title" }, "Queue"), skeleton(4));
    replace(content, this.place);
    content.scrollTop = 0;
    this.#app.stream.addEventListener("work", () => this.#soon(), { signal: this.#abort.signal });
    this.#app.stream.addEventListener("gap", () => this.#soon(), { signal: this.#abort.signal });
    this.#load();
  }

  destroy() {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  /** Many changes at once are one look. */
  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), 500);
  }

  async #load() {
    const { signal } = this.#abort;
    try {
      const [queue, health] = await Promise.all([get("/api/pending-queue", null, signal), get("/api/health", null, signal)]);
      this.#show(queue, health);
    } catch (error) {
      if (error.name !== "AbortError") replace(this.place, h("h1", { class: "page-title" }, "Queue"), failed(error, () => this.#load()));
    }
  }

  #show(answer, health) {
    // The button that someone is about to press stays.
    if (this.place.contains(document.activeElement) && this.place.querySelector("[aria-busy=true]")) return;
    const { queue } = answer;
    const messages = queue.messages || [];
    const capture = health.capture || {};
    replace(
      this.place,
      h("h1", { class: "page-title" }, "Queue"),
      h("section", { class: "block" }, equation(capture)),
      this.#advice(queue, capture),
      STATES.map(([state, name, note]) => group(name, note, messages.filter((message) => message.status === state))),
      messages.length ? null : h("p", { class: "calm-note" }, "The queue is empty: everything that was captured has been dealt with."),
    );
  }

  #advice(queue, capture) {
    const items = [];
    if (queue.totalFailed || capture.failed) {
      items.push([`${count(queue.totalFailed || capture.failed, "event")} failed`, [h("p", null, "Read why, then have them done again:"), h("p", null, command("claude-mem logs"), command("claude-mem queue redo --failed"))]]);
    }
    if (queue.stuckCount) {
      items.push([`${count(queue.stuckCount, "event")} stuck`, [h("p", null, "A worker has had them for more than five minutes. When it dies, the next worker takes them over; this starts one for a session:"), h("p", null, command(`claude-mem worker ${sessionOf(queue) || "<session>"}`))]]);
    }
    const waiting = queue.totalPending + queue.totalProcessing;
    if (!items.length && !waiting) return null;
    return h(
      "section",
      { class: "block advice" },
      items.map(([name, body]) => h("div", { class: "advice-item" }, h("h2", null, name), body)),
      waiting && this.#app.health.relay ? this.#startButton() : null,
      waiting && !items.length ? h("p", { class: "hint" }, "Everything at a glance: ", command("claude-mem queue"), " ", command("claude-mem status")) : null,
    );
  }

  #startButton() {
    const said = h("span", { class: "hint", role: "status" });
    const button = h("button", { type: "button" }, "Start workers for what waits");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const answer = await post("/api/pending-queue/process", { sessionLimit: 10 });
        said.textContent = `${whole(answer.sessionsStarted)} started, ${whole(answer.sessionsSkipped)} already at work`;
      } catch (error) {
        said.textContent = error.message;
      }
      button.disabled = false;
    });
    return h("p", null, button, " ", said);
  }
}

function sessionOf(queue) {
  const stuck = (queue.messages || []).find((message) => message.status === "processing");
  const id = stuck && String(stuck.claude_session_id || "");
  // Only what needs no quoting in a shell is put into a command.
  return id && /^[\w.-]+$/.test(id) ? id : "";
}

function group(name, note, messages) {
  if (!messages.length) return null;
  return h(
    "section",
    { class: "block" },
    h("h2", null, name, h("span", { class: "faint" }, whole(messages.length))),
    note ? h("p", { class: "hint" }, note) : null,
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
      h(
        "table",
        { class: "table" },
        h("thead", null, h("tr", null, ["Event", "Project", "Since", "Attempts", "What happened"].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", null, messages.slice(0, MOST).map(line)),
      ),
    ),
    messages.length > MOST ? h("p", { class: "hint" }, `and ${whole(messages.length - MOST)} more`) : null,
  );
}

function line(message) {
  const since = message.status === "processing" ? message.started_processing_at_epoch || message.created_at_epoch : message.created_at_epoch;
  const stuck = message.status === "processing" && Date.now() - since > STUCK_MS;
  const what = message.last_error || (stuck ? `stuck for ${duration(Date.now() - since)}` : "");
  return h(
    "tr",
    { class: stuck || message.status === "failed" ? "trouble" : null },
    h("th", { scope: "row" }, message.message_type, message.tool_name ? h("code", null, message.tool_name) : null),
    h("td", null, message.project || "unfiled"),
    h("td", null, timeNode(since)),
    h("td", null, whole(message.retry_count)),
    h("td", { class: "wrap" }, what),
  );
}

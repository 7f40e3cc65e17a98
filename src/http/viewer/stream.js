// The live stream: one EventSource for the page, and what became of it.

import { card } from "./rows.js";

/** Waits between attempts when the browser has given up by itself. */
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

const ROWS = {
  new_observation: (frame) => card("observation", frame.observation),
  new_summary: (frame) => card("summary", frame.summary),
  new_prompt: (frame) => card("prompt", frame.prompt && frame.prompt.id ? frame.prompt : frame),
};

/** Events: `row` (a card), `gap` (something may have been missed), `state`,
 * `projects`, `work` (the queue changed). */
export class Stream extends EventTarget {
  #source = null;
  #failures = 0;
  #timer = 0;
  #wasLive = false;
  state = "connecting";

  start() {
    addEventListener("online", () => this.#connect());
    addEventListener("offline", () => this.#set("offline"));
    // A page that the browser keeps for the way back must not keep a
    // connection: there are six in all.
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    this.#connect();
  }

  #leave() {
    clearTimeout(this.#timer);
    if (this.#source) this.#source.close();
    this.#source = null;
  }

  #connect() {
    clearTimeout(this.#timer);
    if (this.#source) this.#source.close();
    const source = new EventSource("/stream");
    this.#source = source;
    source.onopen = () => {
      this.#failures = 0;
      // What came in between is asked for: a restarted server resumes nothing.
      if (this.#wasLive) this.#tell("gap");
      this.#wasLive = true;
      this.#set("live");
    };
    source.onmessage = (message) => this.#take(message.data);
    source.onerror = () => this.#failed(source);
  }

  #failed(source) {
    if (source !== this.#source) return;
    this.#failures += 1;
    const long = this.#failures > 3 || navigator.onLine === false;
    this.#set(long ? "offline" : "reconnecting");
    // The browser tries again by itself, except after an answer that is no
    // stream.
    if (source.readyState === EventSource.CLOSED) {
      const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1];
      this.#timer = setTimeout(() => this.#connect(), wait);
    }
  }

  #take(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch (_) {
      return;
    }
    const read = Object.hasOwn(ROWS, frame.type) ? ROWS[frame.type] : null;
    if (read) this.#tell("row", read(frame));
    else if (frame.type === "initial_load") this.#tell("projects", frame.projects || []);
    else if (frame.type !== "connected") this.#tell("work", frame);
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.#tell("state", state);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

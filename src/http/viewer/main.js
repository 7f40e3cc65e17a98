// The page: where one is, what is open beside it, and the keyboard.

import { announce, h, replace } from "./dom.js";
import { address, get } from "./api.js";
import { TimelinePage } from "./around.js";
import { refreshTimes } from "./card.js";
import { showDetail } from "./detail.js";
import { Health } from "./health.js";
import { helpDialog } from "./help.js";
import { icon } from "./icons.js";
import { keyboard } from "./keyboard.js";
import { ContextPage } from "./page_context.js";
import { FeedPage } from "./page_feed.js";
import { QueuePage } from "./page_queue.js";
import { SearchPage } from "./page_search.js";
import { SessionPage } from "./page_session.js";
import { SettingsPage } from "./page_settings.js";
import { StatsPage } from "./page_stats.js";
import { parseKey } from "./rows.js";
import { Stream } from "./stream.js";
import { nextTheme, showTheme } from "./themes.js";

const TIMES_EVERY_MS = 20_000;

/** After the last key, before the search is asked. */
const TYPED_MS = 250;

const PAGES = [
  ["#/", "live", "Live"],
  ["#/stats", "stats", "Statistics"],
  ["#/queue", "queue", "Queue"],
  ["#/context", "context", "Context"],
  ["#/settings", "settings", "Settings"],
];

const byId = (id) => document.getElementById(id);

class App {
  projects = [];
  projectsKnown = false;
  selected = "";
  cameFrom = "";
  page = null;
  stream = new Stream();
  health = new Health(byId("banner"));
  #pageAddress = null;
  #detail = null;
  #typing = 0;
  #listeners = new Set();

  start() {
    this.content = byId("content");
    this.pane = byId("detail");
    this.search = byId("search");
    this.help = helpDialog();
    this.#header();
    this.#listen();
    keyboard(this);
    this.route();
    this.stream.start();
    this.health.start(this.stream);
    setInterval(refreshTimes, TIMES_EVERY_MS);
  }

  #header() {
    replace(byId("nav"), PAGES.map(([href, name, text]) => h("a", { href, data: { page: name } }, icon(name), h("span", null, text))));
    showTheme(byId("theme"));
    byId("theme").addEventListener("click", () => nextTheme(byId("theme")));
    byId("help").addEventListener("click", () => this.help.showModal());
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submitSearch();
    });
    this.search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#searchWhileTyping(), TYPED_MS);
    });
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.content.focus();
    });
  }

  #listen() {
    addEventListener("hashchange", () => this.route());
    this.stream.addEventListener("state", (event) => this.#showConnection(event.detail));
    this.stream.addEventListener("projects", (event) => this.#takeProjects(event.detail));
    this.stream.addEventListener("row", (event) => {
      const { project } = event.detail;
      if (project && !this.projects.includes(project)) this.#takeProjects([...this.projects, project]);
    });
    this.stream.addEventListener("gap", () => this.#askProjects());
  }

  async #askProjects() {
    try {
      this.#takeProjects((await get("/api/projects")).projects || []);
    } catch (_) {
      // The names that are known stay.
    }
  }

  #takeProjects(projects) {
    this.projects = projects.map(String);
    this.projectsKnown = true;
    for (const listener of this.#listeners) listener();
  }

  /** Told when the projects change, until the next page. */
  onProjects(listener) {
    this.#listeners.add(listener);
  }

  #showConnection(state) {
    const texts = { live: "Live", reconnecting: "Reconnecting…", offline: "Offline", connecting: "Connecting" };
    const place = byId("connection");
    place.dataset.state = state;
    place.title = state === "live" ? "New memories appear by themselves" : "The server does not answer; it is tried again. `claude-mem serve` starts it.";
    place.querySelector(".connection-text").textContent = texts[state];
  }

  /** The address of the live stream or the search with these filters. */
  address({ project, type, q } = {}) {
    return `#${address("/", { q, project, type })}`;
  }

  go(hash) {
    if (location.hash === hash) this.route();
    else location.hash = hash;
  }

  /** Results come while one types; only what is submitted is a step to go back. */
  #searchWhileTyping() {
    const hash = this.address({ ...this.filter, q: this.search.value.trim() });
    if (hash === this.#pageAddress) return;
    history.replaceState(null, "", hash);
    this.route();
  }

  #submitSearch() {
    clearTimeout(this.#typing);
    const q = this.search.value.trim();
    const filter = { ...this.filter, q };
    this.go(this.address(filter));
    if (q) this.content.focus({ preventScroll: true });
  }

  get filter() {
    const { query } = parse(this.#pageAddress || "#/");
    return { project: query.get("project") || "", type: query.get("type") || "" };
  }

  /** Brings the page in line with the address. */
  route() {
    const hash = location.hash || "#/";
    const target = parseKey(hash.slice(1));
    if (target) {
      // A memory is shown beside the page one was on.
      if (!this.page) this.#open("#/");
      this.#openDetail(target);
      return;
    }
    this.#closePane();
    if (hash !== this.#pageAddress || !this.page) this.#open(hash);
    else this.#name(this.page.title);
  }

  #open(hash) {
    if (this.page && this.page.destroy) this.page.destroy();
    this.#listeners.clear();
    this.#pageAddress = hash;
    const { path, query } = parse(hash);
    const q = query.get("q") || "";
    if (document.activeElement !== this.search) this.search.value = q;
    this.page = this.#make(path, query, q);
    this.page.mount(this.content);
    this.#name(this.page.title);
    for (const link of byId("nav").children) {
      if (link.getAttribute("href") === `#${path}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #make(path, query, q) {
    const [, name, rest] = /^\/([^/]*)\/?(.*)$/.exec(path) || [];
    if (name === "stats") return new StatsPage(this);
    if (name === "queue") return new QueuePage(this);
    if (name === "settings") return new SettingsPage(this);
    if (name === "context") return new ContextPage(this, query.get("project"));
    if (name === "session" && rest) return new SessionPage(this, decode(rest));
    const target = name === "timeline" && parseKey(rest);
    if (target) return new TimelinePage(this, target);
    const filter = { project: query.get("project") || "", type: query.get("type") || "" };
    return q ? new SearchPage(this, { ...filter, q }) : new FeedPage(this, filter);
  }

  #name(title) {
    document.title = `${title} – claude-mem`;
  }

  async #openDetail(target) {
    if (this.#detail) this.#detail.abort();
    this.#detail = new AbortController();
    const { signal } = this.#detail;
    const previous = this.selected;
    const wasOpen = !this.pane.hidden;
    if (!wasOpen) this.opener = document.activeElement;
    this.selected = target.key;
    this.cameFrom = target.key;
    this.pane.hidden = false;
    this.pane.scrollTop = 0;
    document.body.classList.add("with-detail");
    if (this.page.select) this.page.select(target.key, previous);
    this.#name(`#${target.key}`);
    await showDetail(this.pane, this, target, signal);
    if (signal.aborted) return;
    const title = this.pane.querySelector(".detail-title");
    if (title) announce(title.textContent);
    if (title && this.focusDetail !== false) title.focus({ preventScroll: true });
    this.focusDetail = true;
  }

  /** Back to the page's own address. */
  closeDetail() {
    this.go(this.#pageAddress || "#/");
  }

  #closePane() {
    if (this.pane.hidden) return;
    if (this.#detail) this.#detail.abort();
    const key = this.selected;
    this.selected = "";
    this.pane.hidden = true;
    replace(this.pane);
    document.body.classList.remove("with-detail");
    if (!this.page || !this.page.select) return;
    this.page.select("", key);
    // The keyboard goes on where it was.
    const card = this.page.reveal && this.page.reveal(key);
    if (card) card.focus({ preventScroll: true });
    else if (this.opener && this.opener.isConnected) this.opener.focus();
  }
}

function parse(hash) {
  const [path, query = ""] = hash.slice(1).split("?");
  return { path: path || "/", query: new URLSearchParams(query) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch (_) {
    return text;
  }
}

new App().start();

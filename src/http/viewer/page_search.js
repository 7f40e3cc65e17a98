// What the search found, best first, with the words marked and the reason.

import { announce, h, replace } from "./dom.js";
import { get } from "./api.js";
import { cardNode } from "./card.js";
import { failed, skeleton } from "./empty.js";
import { filterBar } from "./filters.js";
import { count } from "./format.js";
import { card } from "./rows.js";
import { highlight } from "./words.js";

/** Results of one kind; whoever needs more needs other words. */
const MOST = 40;

const GROUPS = [
  ["observations", "observation", "Observations"],
  ["sessions", "summary", "Summaries"],
  ["prompts", "prompt", "Prompts"],
];

export class SearchPage {
  #app;
  #filter;
  #abort = new AbortController();
  #keys = [];
  isSearch = true;

  constructor(app, filter) {
    this.#app = app;
    this.#filter = filter;
    this.title = `Search: ${filter.q}`;
  }

  mount(content) {
    this.results = h("div", { class: "results" });
    replace(content, h("h1", { class: "unseen" }, `Search: ${this.#filter.q}`), filterBar(this.#app, this.#filter), this.results);
    content.scrollTop = 0;
    this.#search();
  }

  destroy() {
    this.#abort.abort();
  }

  get keys() {
    return this.#keys;
  }

  reveal(key) {
    const node = this.results.querySelector(`article[data-key="${key}"]`);
    if (node) node.scrollIntoView({ block: "nearest" });
    return node;
  }

  firstVisible() {
    return this.#keys[0];
  }

  select(key, previous) {
    for (const article of this.results.querySelectorAll("article")) {
      article.classList.toggle("selected", article.dataset.key === key);
      if (article.dataset.key === previous) article.classList.remove("selected");
    }
  }

  async #search() {
    replace(this.results, h("p", { class: "hint", role: "status" }, "Searching…"), skeleton());
    try {
      this.#show(await get("/api/search", this.#parameters(), this.#abort.signal));
    } catch (error) {
      if (error.name !== "AbortError") replace(this.results, failed(error, () => this.#search()));
    }
  }

  #parameters() {
    const { q, project, type } = this.#filter;
    const group = GROUPS.find(([, kind]) => kind === type);
    return {
      query: q,
      project,
      type: group ? group[0] : type ? "observations" : "",
      obs_type: group ? "" : type,
      limit: MOST,
      format: "json",
    };
  }

  #show(answer) {
    const pattern = highlight(this.#filter.q);
    const groups = GROUPS.map(([name, kind, title]) => [title, (answer[name] || []).map((row) => card(kind, row))]);
    this.#keys = groups.flatMap(([, rows]) => rows.map((row) => row.key));
    const found = this.#keys.length;
    announce(found ? `${found} results` : "Nothing found");
    if (!found) {
      replace(this.results, this.#nothing());
      return;
    }
    const warning = answer.warning ? h("p", { class: "hint", role: "note" }, answer.warning) : null;
    replace(this.results, warning, groups.map(([title, rows]) => this.#group(title, rows, pattern)));
  }

  #group(title, rows, pattern) {
    if (!rows.length) return null;
    const most = rows.length === MOST ? `best ${MOST}` : count(rows.length, "result");
    return h(
      "section",
      { class: "group", "aria-label": title },
      h("h2", null, title, h("span", { class: "faint" }, most)),
      rows.map((row) => cardNode(row, { pattern, selected: this.#app.selected })),
    );
  }

  #nothing() {
    const { q, project, type } = this.#filter;
    const narrowed = project || type;
    return h(
      "section",
      { class: "empty small" },
      h("p", null, "Nothing found for ", h("strong", null, q), narrowed ? " with these filters." : "."),
      h("p", { class: "hint" }, "Any of the words may match. \"Quotes\" keep a phrase together, -word leaves a word out, and names such as parse_header are found by their parts."),
      narrowed ? h("a", { class: "button", href: this.#app.address({ q }) }, "Search everything") : null,
    );
  }
}

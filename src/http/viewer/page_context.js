// What the next session of a project will be told, as it will be told.

import { h, replace } from "./dom.js";
import { getText } from "./api.js";
import { failed, skeleton } from "./empty.js";
import { fillProjects } from "./filters.js";
import { count, whole } from "./format.js";

/** Characters of text that a model counts as one token, on average. */
const CHARS_PER_TOKEN = 4;

export class ContextPage {
  #app;
  #project;
  #abort = new AbortController();
  title = "Context";

  constructor(app, project) {
    this.#app = app;
    this.#project = project;
  }

  mount(content) {
    this.select = h("select", { "aria-label": "Project", on: { change: () => this.#app.go(contextAddress(this.select.value)) } });
    this.place = h("div", { class: "context" });
    replace(
      content,
      h("div", { class: "page" }, h("h1", { class: "page-title" }, "Context"), h("p", { class: "page-lead" }, "What the next session of a project is told at its start."), h("div", { class: "project-choice" }, this.select), this.place),
    );
    content.scrollTop = 0;
    const ready = () => {
      if (this.#abort.signal.aborted) return;
      const project = this.#project || this.#app.projects[0] || "";
      fillProjects(this.select, this.#app.projects, project, null);
      this.select.hidden = !project;
      if (project !== this.shown) this.#load(project);
    };
    this.#app.onProjects(ready);
    if (this.#app.projectsKnown || this.#project) ready();
    else replace(this.place, skeleton(6));
  }

  destroy() {
    this.#abort.abort();
  }

  async #load(project) {
    this.shown = project;
    if (!project) {
      replace(this.place, h("p", { class: "hint" }, "No project has a memory yet, so there is nothing to tell."));
      return;
    }
    replace(this.place, skeleton(6));
    try {
      const text = await getText("/api/context/preview", { project }, this.#abort.signal);
      const plain = text.replace(/\u001b\[[0-9;]*m/g, "");
      replace(
        this.place,
        h("p", { class: "hint" }, `${count(plain.split("\n").length, "line")}, about ${whole(Math.ceil(plain.length / CHARS_PER_TOKEN))} tokens`),
        h("pre", { class: "terminal", tabindex: "0", "aria-label": `Context of ${project}` }, plain.trim() ? coloured(text) : "Nothing is told yet."),
      );
    } catch (error) {
      if (error.name !== "AbortError") replace(this.place, failed(error, () => this.#load(project)));
    }
  }
}

export function contextAddress(project) {
  return `#/context${project ? `?project=${encodeURIComponent(project)}` : ""}`;
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** Text with a terminal's colours, as spans. Other sequences are left out. */
function coloured(text) {
  const out = [];
  let classes = new Set();
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    const codes = /^\u001b\[([0-9;]*)m$/.exec(part);
    if (codes) {
      classes = styled(classes, codes[1].split(";").map(Number));
    } else if (part) {
      const clean = part.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
      out.push(classes.size ? h("span", { class: [...classes].join(" ") }, clean) : clean);
    }
  }
  return out;
}

function styled(before, codes) {
  let classes = new Set(before);
  for (const code of codes) {
    if (code === 0) classes = new Set();
    else if (code === 1) classes.add("ansi-bold");
    else if (code === 2) classes.add("ansi-faint");
    else if (code === 22) ["ansi-bold", "ansi-faint"].forEach((name) => classes.delete(name));
    else if (code === 39) classes = new Set([...classes].filter((name) => !name.startsWith("ansi-c")));
    const colour = code >= 30 && code <= 37 ? code - 30 : code >= 90 && code <= 97 ? code - 90 : -1;
    if (colour >= 0) {
      classes = new Set([...classes].filter((name) => !name.startsWith("ansi-c")));
      classes.add(`ansi-c-${COLOURS[colour]}`);
    }
  }
  return classes;
}

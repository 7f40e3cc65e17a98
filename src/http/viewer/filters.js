// The filters above the cards: a project and a type.

import { h } from "./dom.js";
import { typeName } from "./card.js";
import { icon, TYPES, typeClass } from "./icons.js";

const KINDS = ["summary", "prompt"];

/** Links rather than buttons: a filter is a place with an address. */
export function filterBar(app, filter) {
  return h(
    "div",
    { class: "filters", role: "group", "aria-label": "Filters" },
    projectChoice(app, filter),
    h(
      "div",
      { class: "chips" },
      chip(app, filter, "", "All"),
      // A type of another mode is not in the list, but may be the one chosen.
      [...new Set([...TYPES, ...KINDS, ...(filter.type ? [filter.type] : [])])].map((type) => chip(app, filter, type, typeName(type))),
    ),
  );
}

function chip(app, filter, type, name) {
  const on = (filter.type || "") === type;
  return h(
    "a",
    {
      class: `chip ${type ? typeClass(type) : ""}`,
      href: app.address({ ...filter, type }),
      "aria-current": on ? "true" : null,
    },
    type ? icon(type) : null,
    name,
  );
}

function projectChoice(app, filter) {
  const select = h("select", {
    id: "project",
    "aria-label": "Project",
    on: { change: (event) => app.go(app.address({ ...filter, project: event.target.value })) },
  });
  fillProjects(select, app.projects, filter.project);
  app.onProjects(() => {
    if (select.isConnected) fillProjects(select, app.projects, filter.project);
  });
  return h("div", { class: "project-choice" }, select);
}

/** All projects, and the chosen one even where nothing is filed under it. */
export function fillProjects(select, projects, chosen, all = "All projects") {
  const names = [...new Set([...(chosen ? [chosen] : []), ...projects])].sort();
  const options = names.map((name) => h("option", { value: name }, name));
  select.replaceChildren(...(all ? [h("option", { value: "" }, all)] : []), ...options);
  select.value = chosen || "";
}

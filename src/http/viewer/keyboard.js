// Keys: / j k Enter Escape ? t. None of them acts while one types.

import { nextTheme } from "./themes.js";

const TYPING = "input, textarea, select, [contenteditable]";

export function keyboard(app) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || app.help.open) return;
    const typing = event.target instanceof Element && event.target.matches(TYPING);
    if (event.key === "Escape") escape(app, event, typing);
    else if (!typing) act(app, event);
  });
}

function escape(app, event, typing) {
  if (typing && event.target !== app.search) {
    event.target.blur();
  } else if (typing) {
    event.preventDefault();
    app.search.value = "";
    app.search.blur();
    if (app.page.isSearch) app.go(app.address(app.filter));
    else app.content.focus({ preventScroll: true });
  } else if (!app.pane.hidden) {
    app.closeDetail();
  } else if (app.search.value) {
    app.search.value = "";
    app.go(app.address(app.filter));
  }
}

function act(app, event) {
  const action = {
    "/": () => {
      app.search.focus();
      app.search.select();
    },
    "?": () => app.help.showModal(),
    t: () => nextTheme(document.getElementById("theme")),
    j: () => move(app, 1),
    k: () => move(app, -1),
    Enter: () => open(app, event),
  }[event.key];
  if (!action || action() === false) return;
  event.preventDefault();
}

/** The memory that has the focus. */
function focused() {
  const node = document.activeElement && document.activeElement.closest("[data-key]");
  return node ? node.dataset.key : "";
}

function move(app, step) {
  const { keys } = app.page;
  if (!keys || !keys.length) return false;
  const from = inList(app) ? focused() : app.selected;
  const at = keys.indexOf(from);
  const next = at < 0 ? app.page.firstVisible() : keys[Math.max(0, Math.min(keys.length - 1, at + step))];
  const node = next && app.page.reveal(next);
  if (!node) return false;
  node.focus({ preventScroll: true });
  // What is open beside the list goes along.
  if (!app.pane.hidden && next !== app.selected) {
    app.focusDetail = false;
    app.go(`#${next}`);
    const again = app.page.reveal(next);
    if (again) again.focus({ preventScroll: true });
  }
  return true;
}

function inList(app) {
  return app.content.contains(document.activeElement);
}

function open(app, event) {
  // Links and buttons have an Enter of their own.
  if (event.target instanceof Element && event.target.closest("a, button, summary")) return false;
  const key = inList(app) ? focused() : "";
  if (!key) return false;
  app.go(`#${key}`);
  return true;
}

// The settings in force; to be changed where the server relays.

import { announce, command, h, replace } from "./dom.js";
import { get, getOptional, post } from "./api.js";
import { failed, skeleton } from "./empty.js";
import { whole } from "./format.js";

/** What the original's viewer keeps among the settings; ours needs none of it. */
const OF_THE_VIEWER = new Set(["sidebarOpen", "selectedProject", "theme"]);

export class SettingsPage {
  #app;
  #abort = new AbortController();
  title = "Settings";

  constructor(app) {
    this.#app = app;
  }

  mount(content) {
    this.place = h("div", { class: "page" }, h("h1", { class: "page-title" }, "Settings"), skeleton(6));
    replace(content, this.place);
    content.scrollTop = 0;
    this.#load();
  }

  destroy() {
    this.#abort.abort();
  }

  async #load() {
    const { signal } = this.#abort;
    try {
      const [values, schema] = await Promise.all([
        get("/api/settings", null, signal),
        getOptional("/api/settings/schema", null, signal),
        this.#app.health.answer ? null : this.#app.health.look(),
      ]);
      this.#show(values, schema ? schema.settings : []);
    } catch (error) {
      if (error.name !== "AbortError") replace(this.place, h("h1", { class: "page-title" }, "Settings"), failed(error, () => this.#load()));
    }
  }

  #show(values, schema) {
    const relay = this.#app.health.relay;
    const known = new Map(schema.map((setting) => [setting.name, setting]));
    const names = [...known.keys(), ...Object.keys(values).filter((name) => !known.has(name) && !OF_THE_VIEWER.has(name)).sort()];
    const search = h("input", { type: "search", class: "narrow", placeholder: "Find a setting", "aria-label": "Find a setting" });
    const rows = names.map((name) => new Row(name, values[name], known.get(name) || { kind: "text" }, relay));
    search.addEventListener("input", () => {
      const wanted = search.value.toLowerCase();
      for (const row of rows) row.node.hidden = !row.text.includes(wanted);
    });
    replace(
      this.place,
      h("h1", { class: "page-title" }, "Settings"),
      relay
        ? h("p", { class: "page-lead" }, "Changes count for what starts from now on. The environment comes before what is set here.")
        : h("p", { class: "page-lead" }, "Shown as they are in force. To change one: ", command("claude-mem settings set NAME VALUE"), " or serve with changes allowed: ", command("claude-mem serve --relay")),
      search,
      h("div", { class: "settings" }, rows.map((row) => row.node)),
    );
  }
}

/** The numbers that are taken. */
function range({ kind, min, max }) {
  return kind === "number" ? `${whole(min)} to ${whole(max)}` : "";
}

/** One setting: shown, or with a control of its kind. */
class Row {
  constructor(name, value, setting, relay) {
    this.name = name;
    this.setting = setting;
    this.value = value === undefined || value === null ? "" : String(value);
    this.text = `${name} ${setting.doc || ""}`.toLowerCase();
    const editable = relay && setting.place !== "environment";
    this.said = h("p", { class: "said", role: "status" });
    this.node = h(
      "div",
      { class: "setting" },
      h("div", { class: "setting-name" }, h("code", { id: `name-${name}` }, name), setting.doc ? h("p", null, setting.doc) : null, editable && range(setting) ? h("p", { class: "faint" }, range(setting)) : null),
      h("div", { class: "setting-value" }, editable ? this.#form() : this.#shown(), this.said),
    );
  }

  #shown() {
    const { kind, default: usual } = this.setting;
    const own = usual !== undefined && kind !== "secret" && this.value !== String(usual);
    return [h("code", { class: this.value ? "value" : "value none" }, this.value || "not set"), own ? h("span", { class: "faint" }, `instead of ${usual || "nothing"}`) : null];
  }

  #form() {
    const control = this.#control();
    control.setAttribute("aria-labelledby", `name-${this.name}`);
    const save = h("button", { type: "submit" }, "Save");
    const changed = () => (save.disabled = control.value === this.value);
    control.addEventListener("input", changed);
    changed();
    // The server says what is wrong with a value, in words.
    return h("form", { class: "setting-form", novalidate: true, on: { submit: (event) => this.#save(event, control, save) } }, control, save);
  }

  #control() {
    const { kind, values = [], min, max } = this.setting;
    const options = kind === "flag" ? ["true", "false"] : kind === "choice" ? values : null;
    if (options) {
      const select = h("select", null, [...new Set([...options, this.value])].map((value) => h("option", { value }, value)));
      select.value = this.value;
      return select;
    }
    const input = h("input", {
      type: kind === "secret" ? "password" : kind === "number" ? "number" : "text",
      min, max,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: kind === "secret" && this.value ? "set; type another to replace it" : null,
    });
    if (kind === "secret") this.value = "";
    input.value = this.value;
    return input;
  }

  async #save(event, control, save) {
    event.preventDefault();
    save.disabled = true;
    this.said.className = "said";
    try {
      const answer = await post("/api/settings", { [this.name]: control.value });
      if (answer.success === false) throw new Error(answer.error || "not saved");
      const { kind, default: usual } = this.setting;
      // Nothing but a list can be meant to be empty: then it is as usual.
      if (!control.value && kind !== "list" && usual) control.value = usual;
      if (kind === "secret") control.value = "";
      this.value = control.value;
      this.said.textContent = "Saved";
      announce(`${this.name} saved`);
    } catch (error) {
      this.said.classList.add("wrong");
      this.said.textContent = error.message;
      save.disabled = false;
    }
  }
}

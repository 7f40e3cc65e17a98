// Elements from data. Text only ever becomes text: there is no way through here
// from a string to markup, an inline style or an inline handler.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. `props`: `class`, `on` (listeners), `data`, and attributes. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else {
      setAttribute(element, name, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

function setAttribute(element, name, value) {
  if (name === "style" || name.startsWith("on")) {
    throw new Error(`the attribute ${name} is not set from here`);
  }
  // Links lead to places within this page, whatever a memory contains.
  if (name === "href" && !value.startsWith("#")) {
    throw new Error("links lead to places within this page");
  }
  element.setAttribute(name, value);
}

/** Appends nodes and text; skips what is not there. */
export function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : visible(String(child)));
  }
  return element;
}

/**
 * Control characters, and those that turn the direction of writing around, as
 * a sign: what is read must be what is there.
 */
export function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (sign) => (sign === "\r" ? "" : "\ufffd"));
}

/** Puts these children in the place of those that are there. */
export function replace(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

/**
 * Text with `code` between backticks and line breaks kept. Anything else stays
 * as it was typed.
 */
export function prose(text) {
  const parts = String(text).split(/`([^`\n]{1,200})`/);
  return parts.map((part, index) => (index % 2 ? h("code", null, part) : part));
}

/** Text in which the words' occurrences are marked. `test` says which. */
export function marked(text, pattern) {
  if (!pattern) return [text];
  const out = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (!match[0]) continue;
    out.push(text.slice(from, match.index), h("mark", null, match[0]));
    from = match.index + match[0].length;
  }
  out.push(text.slice(from));
  return out;
}

/** A command with a button that copies it. */
export function command(text) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}` }, "Copy");
  button.addEventListener("click", () => copy(text, button));
  return h("span", { class: "command" }, h("code", null, text), button);
}

/** Copies and says so on the button for a moment. */
export async function copy(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    announce("Copied");
  } catch (_) {
    button.textContent = "Press Ctrl+C";
    const code = button.parentElement && button.parentElement.querySelector("code");
    if (code) getSelection().selectAllChildren(code);
  }
  setTimeout(() => (button.textContent = label), 1500);
}

/** Tells screen readers. */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

/** Whether the user asked for less movement. */
export function isStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

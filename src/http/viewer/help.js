// The keyboard, explained.

import { h } from "./dom.js";

const KEYS = [
  [["/"], "Search"],
  [["j", "k"], "Next and previous memory"],
  [["Enter"], "Open it in full"],
  [["Esc"], "Close what is open, or end the search"],
  [["t"], "Light, dark, or as the system"],
  [["?"], "This help"],
];

/** The dialog; made once. */
export function helpDialog() {
  const dialog = h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, "Keyboard"),
    h("dl", null, KEYS.flatMap(([keys, text]) => [h("dt", null, keys.map((key) => h("kbd", null, key))), h("dd", null, text)])),
    h("p", { class: "hint" }, "Every memory has an address: #12 is an observation, #S3 a summary, #P4 a prompt."),
    h("button", { type: "button", on: { click: () => dialog.close() } }, "Close"),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  return dialog;
}

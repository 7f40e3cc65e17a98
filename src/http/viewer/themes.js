// Light, dark, or as the system has it; remembered.

const KEY = "claude-mem-theme";
const ORDER = ["system", "light", "dark"];
const NAMES = { system: "Auto", light: "Light", dark: "Dark" };
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

function current() {
  const { theme } = document.documentElement.dataset;
  return ORDER.includes(theme) ? theme : "system";
}

/** Says on the button what is in force. */
export function showTheme(button) {
  const theme = current();
  button.textContent = SIGNS[theme];
  button.title = `Theme: ${NAMES[theme]}`;
  button.setAttribute("aria-label", `Theme: ${NAMES[theme]}. Change it`);
}

/** The next of the three. */
export function nextTheme(button) {
  const theme = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch (_) {
    // Not remembered where storage is switched off.
  }
  showTheme(button);
}

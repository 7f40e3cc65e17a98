// Runs before the first paint, so that a remembered theme does not flash.
(function () {
  "use strict";
  let theme = "system";
  try {
    theme = localStorage.getItem("claude-mem-theme") || "system";
  } catch (_) {
    // Storage may be switched off; the system's theme is used then.
  }
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
})();

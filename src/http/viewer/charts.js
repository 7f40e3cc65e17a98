// Charts of our own: SVG from numbers, each with a table for those who cannot
// see it.

import { h, svg } from "./dom.js";
import { compact, whole } from "./format.js";

/** Units of a chart's width: fewer on narrow screens, or its words would shrink. */
const WIDE = 720;
const NARROW = 330;

/** A date has room in so many of them. */
const DATE = 85;

const HEIGHT = 200;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 8;

/** A round number that the highest bar stays below. */
export function ceiling(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].find((factor) => factor * power >= value);
  return step * power;
}

/**
 * Bars of stacked series. `days`: labels (ISO days). `series`: name, class and
 * one number a bar. `step`: what a bar stands for, beginning with its day.
 */
export function stackedBars({ title, days, series, unit, step = "day" }) {
  const totals = days.map((_, at) => series.reduce((sum, one) => sum + one.values[at], 0));
  const top = ceiling(Math.max(0, ...totals));
  const width = matchMedia("(max-width: 40rem)").matches ? NARROW : WIDE;
  const chart = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img", "aria-label": `${title}: ${whole(totals.reduce((a, b) => a + b, 0))} ${unit} in ${days.length} ${step}s` });
  const name = (day) => (step === "day" ? dayText(day) : `${step} from ${dayText(day)}`);
  chart.append(...grid(top, width), ...bars(days.map(name), series, totals, top, unit, width), ...dates(days, width));
  return h("figure", { class: "figure" }, h("figcaption", null, title), chart, legend(series), table(title, days, series, step));
}

function y(value, top) {
  return HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
}

function grid(top, width) {
  return [0, 0.5, 1].flatMap((part) => {
    const at = y(top * part, top);
    return [
      svg("line", { x1: LEFT, x2: width, y1: at, y2: at, class: "grid" }),
      svg("text", { x: LEFT - 6, y: at + 4, class: "axis", "text-anchor": "end" }, compact(top * part)),
    ];
  });
}

function bars(names, series, totals, top, unit, chartWidth) {
  const slot = (chartWidth - LEFT) / names.length;
  const width = Math.max(1, Math.min(28, slot * 0.72));
  return names.map((name, at) => {
    const x = LEFT + slot * at + (slot - width) / 2;
    const group = svg("g", { class: "bar" });
    const parts = series.filter((one) => one.values[at] > 0);
    const told = parts.map((one) => `${one.name}: ${whole(one.values[at])}`).join("\n");
    group.append(svg("title", null, `${name}\n${whole(totals[at])} ${unit}${told ? `\n${told}` : ""}`));
    // The whole column answers the pointer, not only its filled part.
    group.append(svg("rect", { x: LEFT + slot * at, y: TOP, width: slot, height: HEIGHT - BOTTOM - TOP, class: "hit" }));
    let below = 0;
    for (const one of parts) {
      const high = y(below + one.values[at], top);
      group.append(svg("rect", { x, y: high, width, height: Math.max(0.5, y(below, top) - high), class: `fill ${one.class}` }));
      below += one.values[at];
    }
    return group;
  });
}

function dates(days, width) {
  const slot = (width - LEFT) / days.length;
  const every = Math.max(1, Math.ceil(DATE / slot));
  return days
    .map((day, at) => ((days.length - 1 - at) % every ? null : svg("text", { x: at === days.length - 1 ? width : LEFT + slot * (at + 0.5), y: HEIGHT - 5, class: "axis", "text-anchor": at === days.length - 1 ? "end" : "middle" }, dayText(day))))
    .filter(Boolean);
}

/** A day without a time zone: it is the server's day, not the browser's. */
function dayText(day) {
  return new Date(`${day}T12:00:00Z`).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" });
}

function legend(series) {
  const shown = series.filter((one) => one.values.some((value) => value > 0));
  return h(
    "ul",
    { class: "legend" },
    shown.map((one) => h("li", null, h("span", { class: `swatch ${one.class}`, "aria-hidden": "true" }), one.name, h("span", { class: "faint" }, compact(one.values.reduce((a, b) => a + b, 0))))),
  );
}

function table(title, days, series, step) {
  return h(
    "details",
    { class: "figure-table" },
    h("summary", null, "As a table"),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, as a table` },
      h(
        "table",
        null,
        h("thead", null, h("tr", null, h("th", { scope: "col" }, step === "day" ? "Day" : `First day of the ${step}`), series.map((one) => h("th", { scope: "col" }, one.name)))),
        h("tbody", null, days.map((day, at) => h("tr", null, h("th", { scope: "row" }, day), series.map((one) => h("td", null, whole(one.values[at])))))),
      ),
    ),
  );
}

/** One bar cut into shares, in proportion. `parts`: name, class, value. */
export function shares(label, parts) {
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  const bar = svg("svg", { viewBox: "0 0 1000 14", class: "shares", preserveAspectRatio: "none", role: "img", "aria-label": `${label}: ${parts.map((part) => `${part.name} ${whole(part.value)}`).join(", ")}` });
  let x = 0;
  for (const part of parts) {
    // Something that is there is seen, however small its share.
    const width = total && part.value ? Math.max(4, (part.value / total) * 1000) : 0;
    if (!width) continue;
    bar.append(svg("rect", { x, y: 0, width, height: 14, class: `fill ${part.class}` }, svg("title", null, `${part.name}: ${whole(part.value)}`)));
    x += width;
  }
  if (!total) bar.append(svg("rect", { x: 0, y: 0, width: 1000, height: 14, class: "fill none" }));
  return bar;
}

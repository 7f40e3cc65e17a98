// What is wrong with the page as it stands: text that is hard to read, controls
// without a name, ids used twice, content wider than the screen.
const problems = [];

const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const context = canvas.getContext("2d", { willReadFrequently: true });

const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
const ownText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const place = (element) => `${element.localName}.${element.getAttribute("class") || ""} "${element.textContent.trim().slice(0, 30)}"`;

/** The colour of a pixel with these layers, the lowest first. */
function painted(layers) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 1, 1);
  for (const layer of layers) {
    context.fillStyle = layer;
    context.fillRect(0, 0, 1, 1);
  }
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function luminance(colour) {
  const [r, g, b] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(element) {
  const grounds = [];
  for (let above = element; above; above = above.parentElement) {
    grounds.unshift(getComputedStyle(above).backgroundColor);
  }
  const style = getComputedStyle(element);
  const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
  const [a, b] = [painted([...grounds, ink]), painted(grounds)].map(luminance);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

for (const element of document.body.querySelectorAll("*")) {
  // Controls that cannot be used need not stand out.
  if (!ownText(element) || !shown(element) || element.disabled || ["title", "script", "option", "noscript"].includes(element.localName)) continue;
  const ratio = contrast(element);
  if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)}: ${place(element)}`);
}

for (const control of document.querySelectorAll("a, button, input, select, summary")) {
  if (!shown(control)) continue;
  const name = control.getAttribute("aria-label") || control.getAttribute("aria-labelledby") || control.textContent.trim() || (control.labels && control.labels.length);
  if (!name) problems.push(`no name: ${control.outerHTML.slice(0, 80)}`);
}

const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`id used twice: ${id}`);

for (const element of [document.documentElement, document.getElementById("content"), document.getElementById("detail")]) {
  if (element.scrollWidth > element.clientWidth + 1) problems.push(`wider than the screen: ${element.id || "page"} ${element.scrollWidth} > ${element.clientWidth}`);
}

return [...new Set(problems)];

// Numbers, times and lists for people.

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const DAY_AND_YEAR = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en");

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_MS = 24 * HOUR;

/** "now", "5 min ago", "3 h ago", "12 Nov". */
export function ago(epoch, now = Date.now()) {
  const passed = now - epoch;
  if (!Number.isFinite(passed)) return "";
  if (passed < 45_000) return "now";
  if (passed < HOUR) return RELATIVE.format(-Math.round(passed / MINUTE), "minute");
  if (passed < DAY_MS) return RELATIVE.format(-Math.round(passed / HOUR), "hour");
  if (passed < 7 * DAY_MS) return RELATIVE.format(-Math.round(passed / DAY_MS), "day");
  return shortDay(epoch, now);
}

function shortDay(epoch, now) {
  const date = new Date(epoch);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  const options = { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) };
  return date.toLocaleDateString("en", options);
}

/** With the day of the week and the seconds. */
export function exact(epoch) {
  return Number.isFinite(epoch) ? EXACT.format(epoch) : "";
}

export function clock(epoch) {
  return Number.isFinite(epoch) ? CLOCK.format(epoch) : "";
}

/** Starts of local days tell days apart. */
export function dayOf(epoch) {
  const date = new Date(epoch);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

export function dayName(day, now = Date.now()) {
  const distance = Math.round((dayOf(now) - day) / DAY_MS);
  if (distance === 0) return "Today";
  if (distance === 1) return "Yesterday";
  const sameYear = new Date(day).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? DAY : DAY_AND_YEAR).format(day);
}

export function whole(number) {
  return WHOLE.format(Number(number) || 0);
}

/** 12.3K, 4M. */
export function compact(number) {
  return COMPACT.format(Number(number) || 0);
}

export function bytes(number) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = Number(number) || 0;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 && unit ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function dollars(number) {
  if (number === null || number === undefined) return "–";
  return `$${number < 1 ? number.toFixed(3) : number.toFixed(2)}`;
}

/** "1 file", "3 files". */
export function count(number, one, many = `${one}s`) {
  return `${whole(number)} ${number === 1 ? one : many}`;
}

export function duration(ms) {
  if (!Number.isFinite(ms) || ms < 0) return "";
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}

/** Lists come as JSON in a string, as arrays from elsewhere, or not at all. */
export function list(value) {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== "string" || !value.trim()) return [];
  try {
    const parsed = JSON.parse(value);
    return Array.isArray(parsed) ? parsed.map(String) : [];
  } catch (_) {
    return [value];
  }
}

/** "security_alert" → "security alert". */
export function words(name) {
  return String(name || "").replaceAll("_", " ");
}

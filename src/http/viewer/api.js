// The server's answers. Every call ends: with data, or with an `ApiError` whose
// message can be shown.

const TIMEOUT_MS = 20_000;

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Path and parameters; empty parameters are left out. */
export function address(path, params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params || {})) {
    if (value !== "" && value !== null && value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Asks and reads the answer with `read`. Who aborts gets an `AbortError`. */
async function ask(path, params, options, read) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options && options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    const response = await fetch(address(path, params), { ...options, signal });
    if (!response.ok) throw await failure(response);
    return await read(response);
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ApiError) throw error;
    if (error.name === "TimeoutError") throw new ApiError(`The server has not answered within ${TIMEOUT_MS / 1000} seconds: it is busy, or stopped.`, 0);
    throw new ApiError("The server does not answer. Is `claude-mem serve` running?", 0);
  }
}

const json = (response) => response.json();

async function failure(response) {
  let text = "";
  try {
    const body = await response.json();
    text = [body.error, body.hint].filter(Boolean).join(": ");
  } catch (_) {
    // Not JSON: the status has to do.
  }
  return new ApiError(text || `The server answered ${response.status}`, response.status);
}

/** GET, as JSON. */
export function get(path, params, signal) {
  return ask(path, params, { signal, headers: { Accept: "application/json" } }, json);
}

/** GET, as text. */
export function getText(path, params, signal) {
  return ask(path, params, { signal }, (response) => response.text());
}

let description = null;

/** Whether the server has a route, by its own description: asking for one that
 * is not there would be an error in the browser's log. */
async function has(route) {
  description ??= get("/api/openapi.json").catch(() => null);
  const document = await description;
  if (!document) description = null;
  return Boolean(document && document.paths && Object.hasOwn(document.paths, route));
}

/** GET of a route that a server may not have: `null` then. `route` is its name
 * in the description, with {id} for what varies. */
export async function getOptional(route, params, signal, id = "") {
  if (!(await has(route))) return null;
  return get(route.replace("{id}", encodeURIComponent(id)), params, signal);
}

/** POST of JSON. */
export function post(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return ask(path, null, options, json);
}

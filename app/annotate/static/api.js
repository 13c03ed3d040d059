// The server's HTTP interface, and what an answer of it means for the page.

const TIMEOUT_MILLISECONDS = 15000;

// What the server says of an answer that it will never take. A status alone proves nothing: proxies
// and the sign-in pages of networks answer with any of them.
const FINAL_CODES = new Set([
  "lease_expired", "lease_moved", "closed", "not_watched", "cannot_undo", "token_taken",
  "wrong_answers", "invalid", "too_large",
]);

/** A request that got no good answer; `status` is 0 when there was no answer at all. */
export class RequestError extends Error {
  constructor(status, body) {
    super(body.message ?? missingMessage(status));
    this.status = status;
    this.code = body.code ?? (status === 0 ? "offline" : "unknown");
    this.body = body;
  }

  /** Whether sending the same again later can succeed. */
  get isPassing() {
    return !this.isSignedOut && !FINAL_CODES.has(this.code);
  }

  /** Whether the annotator must open their link again: the session is over, or another's. */
  get isSignedOut() {
    return this.code === "no_session" || this.code === "other_person";
  }
}

function missingMessage(status) {
  return status === 0 || status >= 500
    ? "The server cannot be reached."
    : "Something else answered in the server's place; your network may want you to sign in.";
}

let annotator = null;

/** From now on act for this annotator alone, even where another tab opens another's link. */
export function actAs(id) {
  annotator = id;
}

/** The server's answer, an object; anything else is a `RequestError`. */
export async function request(method, path, body) {
  let response;
  let text;
  const headers = annotator === null ? {} : { "X-Proskill-Annotator": annotator };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    text = await response.text();
  } catch {
    throw new RequestError(0, {});
  }
  const parsed = parse(text);
  if (!response.ok || parsed === null) throw new RequestError(response.status, parsed ?? {});
  return parsed;
}

function parse(text) {
  try {
    const parsed = JSON.parse(text);
    return typeof parsed === "object" ? parsed : null;
  } catch {
    return null;
  }
}

/**
 * Exchange the secret in the address for a session and remove it from the address bar, so that
 * neither the history nor a screenshot shows it.
 */
export async function signInFromAddress() {
  const secret = new URLSearchParams(location.hash.slice(1)).get("t");
  if (secret === null) return;
  await request("POST", "/api/session", { token: secret });
  history.replaceState(null, "", location.pathname);
}

/** A random UUID (version 4). `crypto.randomUUID` is missing where a page comes over plain HTTP. */
export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

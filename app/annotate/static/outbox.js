// Answers that the server has not confirmed: kept in this browser, sent again with the same token.

import { RequestError, request } from "./api.js";

const LONGEST_WAIT_MILLISECONDS = 15000;

/**
 * Events: `sent` (detail `{entry, response}`), `refused` (detail `{entry, error}`), `waiting`
 * (detail `{error}`; it is tried again), `change` (the number of kept answers changed).
 *
 * Each answer has a key of its own in localStorage, so that two tabs cannot overwrite each other's;
 * both may send the same answer, which the server counts once.
 */
export class Outbox extends EventTarget {
  #entries = new Map(); // token -> entry; what localStorage could not keep is here alone
  #prefix;
  #running = null;
  #timer = null;
  #failures = 0;

  /** @param {string} owner of the answers: no other session may send them */
  constructor(owner) {
    super();
    this.#prefix = `proskill.answer/${owner}/`;
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.#prefix)) continue;
      const entry = readEntry(localStorage.getItem(key));
      if (entry !== null) this.#entries.set(entry.vote.token, entry);
    }
  }

  /** Whether all kept answers survive closing the page. */
  isDurable = true;

  /** Kept answers, oldest first: `{vote, pair, kept_at}`. */
  get entries() {
    return [...this.#entries.values()].sort((a, b) => a.kept_at - b.kept_at);
  }

  /** Keep an answer to a pair, then send it. It is kept before anything is sent. */
  add(vote, pair) {
    const last = this.entries.at(-1)?.kept_at ?? 0;
    const entry = { vote, pair, kept_at: Math.max(Date.now(), last + 1) };
    this.#entries.set(vote.token, entry);
    try {
      localStorage.setItem(this.#prefix + vote.token, JSON.stringify(entry));
    } catch {
      this.isDurable = false; // full or forbidden; the page warns before it is closed
    }
    this.#tell("change");
    return this.flush();
  }

  /** Send what is kept, oldest first and one at a time. */
  flush() {
    clearTimeout(this.#timer);
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #sendAll() {
    for (let entry = this.entries[0]; entry !== undefined; entry = this.entries[0]) {
      try {
        const response = await request("POST", "/api/votes", entry.vote);
        // An acknowledgement names what it acknowledges.
        if (response.token !== entry.vote.token) throw new RequestError(200, {});
        this.#failures = 0;
        this.#forget(entry);
        this.#tell("sent", { entry, response });
      } catch (error) {
        if (error.isSignedOut || error.isPassing) {
          this.#tell("waiting", { error });
          if (error.isPassing) this.#tryLater();
          return;
        }
        this.#forget(entry);
        this.#tell("refused", { entry, error });
      }
    }
  }

  #tryLater() {
    const wait = Math.min(1000 * 2 ** this.#failures, LONGEST_WAIT_MILLISECONDS);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  #forget(entry) {
    this.#entries.delete(entry.vote.token);
    localStorage.removeItem(this.#prefix + entry.vote.token);
    this.#tell("change");
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

/** The entry kept under a key, or null; an unreadable one stays there, for a page that can read it. */
function readEntry(text) {
  try {
    const entry = JSON.parse(text);
    const { vote, pair } = entry;
    return vote.token && vote.lease && vote.answers && pair.left && pair.right ? entry : null;
  } catch {
    return null;
  }
}

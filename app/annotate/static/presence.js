// Presence of the annotator: a pair stays theirs while they work on it, and not after.

const KEEP_EVERY_SECONDS = 30;
const AWAY_AFTER_SECONDS = 180;
const BREAK_AFTER_SECONDS = 45 * 60;

/**
 * A person who watches clips for the first time touches nothing, and is there all the same.
 *
 * Events: `keep` (at work: keep the pair), `away` (nothing was touched for a while), `woken` (it is
 * again), `back` (so, or the page came to the front again), `tired` (a break would do good).
 */
export class Presence extends EventTarget {
  #touched = Date.now();
  #began = Date.now();
  #isAway = false;
  #isWatching;

  /** @param {() => boolean} isWatching whether clips play that were not seen through yet */
  constructor(isWatching) {
    super();
    this.#isWatching = isWatching;
    for (const kind of ["keydown", "pointerdown", "pointermove"]) {
      document.addEventListener(kind, () => this.#touch(), { passive: true });
    }
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.dispatchEvent(new Event("back"));
    });
    setInterval(() => this.#look(), 1000 * KEEP_EVERY_SECONDS);
  }

  #touch() {
    const wasAway = this.#isAway;
    this.#touched = Date.now();
    this.#isAway = false;
    if (!wasAway) return;
    this.#began = Date.now();
    this.dispatchEvent(new Event("woken"));
    this.dispatchEvent(new Event("back"));
  }

  #look() {
    if (document.hidden || this.#isAway) return;
    if (this.#isWatching()) this.#touched = Date.now();
    if (Date.now() - this.#touched > 1000 * AWAY_AFTER_SECONDS) {
      this.#isAway = true;
      this.dispatchEvent(new Event("away"));
      return;
    }
    this.dispatchEvent(new Event("keep"));
    if (Date.now() - this.#began > 1000 * BREAK_AFTER_SECONDS) {
      this.#began = Date.now();
      this.dispatchEvent(new Event("tired"));
    }
  }
}

// How much of each clip was seen, per pair; a reload does not make people watch again.

const KEY = "proskill.watched";
const NUM_PARTS = 200;
const NUM_KEPT = 40;

/** Seconds played and parts seen of the two clips of each lease. */
export class Watched {
  #pairs; // lease -> {shown_at, left: {seconds, parts}, right: ...}, oldest first
  #dirty = false;

  constructor() {
    this.#pairs = new Map(read());
    setInterval(() => this.save(), 1000);
    addEventListener("pagehide", () => this.save());
  }

  /** When the pair was first shown, in seconds of the page's clock. */
  shownAt(lease) {
    return this.#pair(lease).shown_at;
  }

  /** Note that `seconds` up to `time` of a clip of `duration` were played. */
  add(lease, side, { time, seconds, duration }) {
    const clip = this.#pair(lease)[side];
    clip.seconds += seconds;
    const last = Math.min(NUM_PARTS - 1, Math.floor((time / duration) * NUM_PARTS));
    const first = Math.max(0, Math.floor(((time - seconds) / duration) * NUM_PARTS));
    if (last >= first) {
      const marks = "1".repeat(last - first + 1);
      clip.parts = clip.parts.slice(0, first) + marks + clip.parts.slice(last + 1);
    }
    this.#dirty = true;
  }

  /** Share of a clip that was played; more than 1 after repetitions. */
  share(lease, side, duration) {
    return this.#pair(lease)[side].seconds / duration;
  }

  /** Share of a clip that was seen, 0 to 1: playing one part twice does not show another one. */
  seen(lease, side, duration) {
    const parts = this.#pair(lease)[side].parts.replaceAll("0", "").length / NUM_PARTS;
    return Math.min(parts, this.share(lease, side, duration));
  }

  save() {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      localStorage.setItem(KEY, JSON.stringify([...this.#pairs].slice(-NUM_KEPT)));
    } catch {
      // Without storage a reload starts the watching anew, and nothing else.
    }
  }

  #pair(lease) {
    if (!this.#pairs.has(lease)) {
      const unseen = () => ({ seconds: 0, parts: "0".repeat(NUM_PARTS) });
      this.#pairs.set(lease, { shown_at: Date.now() / 1000, left: unseen(), right: unseen() });
    }
    return this.#pairs.get(lease);
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

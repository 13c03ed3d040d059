// How much of both clips must be seen before an answer counts, and the marks that show it.

import { byId } from "./dom.js";
import { Watched } from "./watched.js";

const SIDES = ["left", "right"];
// Share of a clip from which it counts as seen: its last frames may never be reported.
const SEEN_THROUGH = 0.97;
const LETTERS = { left: "A", right: "B" };

export class Gate {
  #stage;
  #needed;
  #watched = new Watched();

  /** @param {import("./stage.js").Stage} stage @param {number} needed share of each clip, 0 to 1 */
  constructor(stage, needed) {
    this.#stage = stage;
    this.#needed = needed;
    stage.addEventListener("frame", ({ detail }) => this.#noteFrame(detail));
  }

  /** When the pair on the stage was first shown, seconds since 1970. */
  get shownAt() {
    return this.#watched.shownAt(this.#stage.pair.lease);
  }

  /** Shares of the clips that were played, more than 1 after repetitions. */
  get shares() {
    const { lease } = this.#stage.pair;
    this.#watched.save();
    return SIDES.map((side) => this.#watched.share(lease, side, this.#duration(side)));
  }

  /** What is still to be watched before answers count, as a sentence; null: nothing. */
  get missing() {
    const left = SIDES.map((side) => [
      LETTERS[side],
      (this.#needed - this.#seen(side)) * this.#duration(side),
    ]).filter(([, seconds]) => seconds > 0);
    if (left.length === 0) return null;
    const seconds = Math.ceil(Math.max(...left.map(([, each]) => each)));
    return `watch ${left.map(([letter]) => letter).join(" and ")} for ${seconds} s more.`;
  }

  /** Whether a clip plays now that was not seen through yet. */
  get isWatching() {
    const { pair, players } = this.#stage;
    return pair !== null && players.isPlaying && SIDES.some((side) =>
      this.#stage.sees(side) && (players.solo ?? side) === side && this.#seen(side) < SEEN_THROUGH);
  }

  /** Bring marks, sentence and buttons up to date. */
  show() {
    if (this.#stage.pair === null) return;
    for (const side of SIDES) this.#stage.markSeen(side, this.#seen(side), this.#needed);
    const { missing } = this;
    const text = missing === null ? "" : `First ${missing}`;
    if (byId("gate").textContent !== text) byId("gate").textContent = text;
    byId("judge").classList.toggle("locked", missing !== null);
    for (const button of byId("answers").children) {
      button.setAttribute("aria-disabled", String(missing !== null));
    }
  }

  /** Draw the eye to what is missing, after an answer came too early. */
  urge() {
    byId("gate").classList.remove("urgent");
    requestAnimationFrame(() => byId("gate").classList.add("urgent"));
  }

  #noteFrame({ side, seconds, time, lease, duration }) {
    if (!this.#stage.sees(side) || lease === undefined) return;
    this.#watched.add(lease, side, { seconds, time, duration });
    this.show();
  }

  #seen(side) {
    return this.#watched.seen(this.#stage.pair.lease, side, this.#duration(side));
  }

  #duration(side) {
    return this.#stage.players.videos[side].duration || this.#stage.pair[side].seconds || 1;
  }
}

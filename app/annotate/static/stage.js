// The two clips on the page, and behind them the next two, loaded already.

import { arrange } from "./arrangement.js";
import { h } from "./dom.js";
import { PlayerPair } from "./players.js";

const SIDES = ["left", "right"];
const LETTERS = { left: "A", right: "B" };
const GAP_PX = 12;
const USUAL_ASPECT = 16 / 9;

/**
 * Events: `time`, `change` and `frame` of the players on show; `frame` also carries `lease` and
 * `duration`; `shown` once a pair's first frames are there; `broken` (detail `{side}`).
 */
export class Stage extends EventTarget {
  #decks;
  #inPlace = false;
  #front = "left";

  /** @param {HTMLElement} root @param {{frame: number}} options seconds of one frame */
  constructor(root, { frame }) {
    super();
    this.root = root;
    this.#decks = [this.#newDeck(frame), this.#newDeck(frame)];
    new ResizeObserver(() => this.#arrange()).observe(root);
  }

  get players() {
    return this.#decks[0].players;
  }

  /** The pair on show, or null. */
  get pair() {
    return this.#decks[0].pair;
  }

  get isInPlace() {
    return this.#inPlace;
  }

  /** Both clips in the same place, one covering the other. */
  set isInPlace(value) {
    this.#inPlace = value;
    this.#arrange();
  }

  /** The clip that is seen: both, or the one in front. */
  sees(side) {
    return !this.#inPlace || this.#front === side;
  }

  flip() {
    this.#front = this.#front === "left" ? "right" : "left";
    this.#arrange();
  }

  /** Put a pair on the stage; at once, when it was prepared. */
  show(pair) {
    if (this.pair?.lease === pair.lease) return;
    if (this.#decks[1].pair?.lease === pair.lease) this.#decks.reverse();
    else fill(this.#decks[0], pair);
    this.#front = "left";
    const [shown, hidden] = this.#decks;
    shown.element.classList.add("shown");
    hidden.element.classList.remove("shown");
    hidden.players.pause();
    this.#arrange();
    this.#tellWhenReady(shown);
  }

  /** Load a pair behind the one on show. */
  prepare(pair) {
    if (pair.lease !== this.pair?.lease) fill(this.#decks[1], pair);
  }

  /** Show nothing. */
  clear() {
    for (const deck of this.#decks) {
      deck.players.pause();
      deck.pair = null;
      deck.element.classList.remove("shown");
    }
  }

  /** Mark how much of a clip was seen (0 to 1), and how much must be. */
  markSeen(side, seen, needed) {
    const bar = this.#decks[0].clips[side].seen;
    bar.firstChild.style.width = `${100 * Math.min(1, seen)}%`;
    bar.lastChild.style.left = `${100 * needed}%`;
    bar.classList.toggle("enough", seen >= needed);
  }

  #newDeck(frame) {
    const clips = Object.fromEntries(SIDES.map((side) => [side, newClip(side)]));
    const element = h("div.deck", {}, clips.left.figure, clips.right.figure);
    this.root.append(element);
    const videos = { left: clips.left.video, right: clips.right.video };
    const deck = { element, clips, pair: null, players: new PlayerPair(videos, { frame }) };
    for (const kind of ["time", "change"]) {
      deck.players.addEventListener(kind, () => this.#tellOf(deck, kind));
    }
    deck.players.addEventListener("change", () => {
      const { solo } = deck.players;
      for (const side of SIDES) {
        clips[side].figure.classList.toggle("resting", solo !== null && solo !== side);
      }
    });
    deck.players.addEventListener("frame", ({ detail }) => {
      const duration = videos[detail.side].duration;
      this.#tellOf(deck, "frame", { ...detail, lease: deck.pair?.lease, duration });
    });
    for (const side of SIDES) this.#watchClip(deck, side);
    return deck;
  }

  #watchClip(deck, side) {
    const { video, figure } = deck.clips[side];
    video.addEventListener("loadedmetadata", () => this.#arrange());
    video.addEventListener("loadeddata", () => {
      figure.dataset.state = "ready";
      this.#tellWhenReady(deck);
    });
    video.addEventListener("error", () => {
      figure.dataset.state = "broken";
      this.#tellOf(deck, "broken", { side });
    });
    video.addEventListener("click", () => deck.players.toggle());
  }

  #tellWhenReady(deck) {
    if (deck.players.isReady) this.#tellOf(deck, "shown");
  }

  #tellOf(deck, kind, detail) {
    if (deck === this.#decks[0]) this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  #arrange() {
    const place = { width: this.root.clientWidth, height: this.root.clientHeight };
    for (const { element, clips } of this.#decks) {
      const aspects = SIDES.map((side) => {
        const { videoWidth, videoHeight } = clips[side].video;
        return videoWidth ? videoWidth / videoHeight : USUAL_ASPECT;
      });
      const options = { gap: GAP_PX, inPlace: this.#inPlace };
      const { direction, sizes } = arrange(place, aspects, options);
      element.classList.toggle("column", direction === "column");
      element.classList.toggle("in-place", this.#inPlace);
      SIDES.forEach((side, k) => {
        const { figure } = clips[side];
        figure.style.width = `${sizes[k].width}px`;
        figure.style.height = `${sizes[k].height}px`;
        figure.classList.toggle("behind", !this.sees(side));
      });
    }
  }
}

function fill(deck, pair) {
  if (deck.pair?.lease === pair.lease) return;
  deck.pair = pair;
  for (const side of SIDES) {
    deck.clips[side].figure.dataset.state = "loading";
    deck.clips[side].seen.firstChild.style.width = "0";
  }
  deck.players.load({ left: pair.left.url, right: pair.right.url });
}

function newClip(side) {
  const video = h("video", {
    muted: true, playsInline: true, preload: "auto", disablePictureInPicture: true,
    "aria-label": `Clip ${LETTERS[side]}`,
  });
  const seen = h("div.seen", { "aria-hidden": "true" }, h("i"), h("b"));
  const look = side === "left" ? "side-a" : "side-b";
  const figure = h(`figure.clip.${look}`, { "data-state": "loading" },
    video, h("figcaption", {}, LETTERS[side]), h("p.note"), seen);
  return { figure, video, seen };
}

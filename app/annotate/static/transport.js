// The controls under the clips: what they show follows the players, what they do goes to them.

import { byId } from "./dom.js";

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const KEY = "proskill.player";

/** Play, seek, step, speed, range, solo and arrangement, by button and by key. */
export class Transport {
  #stage;
  #elements;
  #settings = { speed: 1, loop: true, inPlace: false };
  #playsAfterDrag = false;

  constructor(stage) {
    this.#stage = stage;
    const ids = ["play", "seek", "time", "speed", "loop", "range-clear", "solo-left", "solo-right"];
    this.#elements = Object.fromEntries(
      [...ids, "view", "flip"].map((id) => [id, byId(id)]),
    );
    Object.assign(this.#settings, read());
    stage.isInPlace = this.#settings.inPlace;
    stage.addEventListener("time", () => this.#showTime());
    stage.addEventListener("change", () => this.#showState());
    const { seek, speed } = this.#elements;
    seek.addEventListener("input", () => this.#drag());
    seek.addEventListener("change", () => this.#drop());
    speed.addEventListener("change", () => this.#change({ speed: Number(speed.value) }));
  }

  /** Start a pair that has come on the stage; `plays`: by itself. */
  begin({ plays }) {
    this.#apply();
    if (plays) this.#stage.players.play();
    this.#showTime();
  }

  /** Do an action of the table of keys; false when it is none of the transport's. */
  act(action) {
    const players = this.#stage.players;
    const acts = {
      play: () => players.toggle(),
      "step-back": () => players.step(-1),
      "step-forward": () => players.step(1),
      "seek-back": () => players.seek(players.time - 1),
      "seek-forward": () => players.seek(players.time + 1),
      restart: () => players.seek(players.range.start ?? 0),
      slower: () => this.#changeSpeed(-1),
      faster: () => this.#changeSpeed(1),
      loop: () => this.#change({ loop: !this.#settings.loop }),
      "range-start": () => this.#setRange("start"),
      "range-end": () => this.#setRange("end"),
      "range-clear": () => (players.range = { start: null, end: null }),
      "solo-left": () => this.#playAlone("left"),
      "solo-right": () => this.#playAlone("right"),
      view: () => this.#change({ inPlace: !this.#settings.inPlace }),
      flip: () => this.#flip(),
    };
    if (!Object.hasOwn(acts, action)) return false;
    acts[action]();
    return true;
  }

  /** Both clips in the same place already: show the other; otherwise put them there. */
  #flip() {
    if (this.#settings.inPlace) this.#stage.flip();
    else this.#change({ inPlace: true });
    this.#showState();
  }

  #playAlone(side) {
    const players = this.#stage.players;
    if (!this.#stage.sees(side)) this.#stage.flip();
    players.playAlone(players.solo === side ? null : side);
  }

  /** A range is set from where the clips are; its other end gives way when it lies before. */
  #setRange(edge) {
    const players = this.#stage.players;
    const range = { ...players.range, [edge]: players.time };
    if (range.start !== null && range.end !== null && range.start >= range.end) {
      range[edge === "start" ? "end" : "start"] = null;
    }
    players.range = range;
    this.#showTime();
  }

  #changeSpeed(by) {
    const place = SPEEDS.indexOf(this.#settings.speed) + by;
    if (place in SPEEDS) this.#change({ speed: SPEEDS[place] });
  }

  #change(changes) {
    Object.assign(this.#settings, changes);
    localStorage.setItem(KEY, JSON.stringify(this.#settings));
    this.#apply();
  }

  #apply() {
    const { speed, loop, inPlace } = this.#settings;
    const players = this.#stage.players;
    players.loop = loop;
    players.speed = speed;
    this.#stage.isInPlace = inPlace;
    this.#showState();
  }

  #drag() {
    const players = this.#stage.players;
    this.#playsAfterDrag ||= players.isPlaying;
    players.pause();
    players.seek(Number(this.#elements.seek.value));
  }

  #drop() {
    if (this.#playsAfterDrag) this.#stage.players.play();
    this.#playsAfterDrag = false;
  }

  #showTime() {
    const { seek, time } = this.#elements;
    const players = this.#stage.players;
    const duration = players.duration || 1;
    seek.max = duration;
    seek.value = players.time;
    const text = `${players.time.toFixed(1)} / ${players.duration.toFixed(1)} s`;
    if (time.textContent !== text) time.textContent = text;
    seek.setAttribute("aria-valuetext", `${players.time.toFixed(1)} seconds`);
    const { start, end } = players.range;
    seek.style.setProperty("--from", `${(100 * (start ?? 0)) / duration}%`);
    seek.style.setProperty("--to", `${(100 * (end ?? duration)) / duration}%`);
    seek.style.setProperty("--at", `${(100 * players.time) / duration}%`);
  }

  #showState() {
    const { play, speed, loop, view, flip } = this.#elements;
    const players = this.#stage.players;
    play.dataset.state = players.isPlaying ? "playing" : "paused";
    play.setAttribute("aria-label", players.isPlaying ? "Pause" : "Play");
    speed.value = String(this.#settings.speed);
    press(loop, this.#settings.loop);
    press(view, this.#settings.inPlace);
    flip.hidden = !this.#settings.inPlace;
    for (const side of ["left", "right"]) {
      press(this.#elements[`solo-${side}`], players.solo === side);
    }
    const { start, end } = players.range;
    this.#elements["range-clear"].hidden = start === null && end === null;
    this.#showTime();
  }
}

function press(button, isPressed) {
  button.setAttribute("aria-pressed", String(isPressed));
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

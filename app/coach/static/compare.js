// <coach-compare>: a view of this performance beside a reference clip, each with its own start and speed.
//
// Sends "opened" when the tab is shown, "reference" {path} for a clip that arrived.

import { h } from "./dom.js";
import { clock, onShown, stepText, upload } from "./page.js";
import { SyncedVideos } from "./videos.js";

const SPEEDS = [0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2];
const RATES = [0.25, 0.5, 1];
const STEP_SECONDS = 1 / 30;

class CoachCompare extends HTMLElement {
  connectedCallback() {
    if (this.parts) return;
    this.send ??= () => {};
    this.value = { views: [], reference: null, busy: null, message: "" };
    this.files = h("input", { "aria-label": "Reference clip", type: "file", accept: "video/*,.mkv,.mts,.m2ts", hidden: true,
      onchange: () => { this.sendFile(this.files.files[0]); this.files.value = ""; } });
    this.bar = h("progress", { max: 1, hidden: true });
    this.said = h("p.soft", { role: "status" });
    this.mine = this.side("This performance");
    this.theirs = this.side("Reference clip");
    this.view = h("select", { "aria-label": "View", onchange: () => this.load(this.mine, this.chosen()) });
    this.choose = h("button", { type: "button", onclick: () => this.files.click() }, "Choose a reference clip");
    this.speed = h("select", { "aria-label": "Speed of the reference clip", onchange: () => this.rebuild() },
      ...SPEEDS.map((speed) => h("option", { value: speed, selected: speed === 1 }, `reference at ${speed} ×`)));
    this.mine.bar.prepend(this.view);
    this.theirs.bar.prepend(this.choose, this.speed, this.files);
    this.playButton = h("button.primary", { type: "button", onclick: () => this.videos?.toggle() }, "Play both");
    this.slider = h("input", { "aria-label": "Time since the common start", type: "range", min: 0, max: 1, step: 0.01, value: 0,
      oninput: () => { this.videos?.pause(); this.videos?.seek(Number(this.slider.value)); } });
    this.time = h("span.time");
    this.rate = h("select", { "aria-label": "Speed of both", onchange: () => this.videos?.setRate(Number(this.rate.value)) },
      ...RATES.map((rate) => h("option", { value: rate, selected: rate === 1 }, rate === 1 ? "normal speed" : `both at ${rate} ×`)));
    const step = (direction, label) => {
      const button = h("button.small", { "aria-label": label, type: "button", onclick: () => this.move(direction * STEP_SECONDS) }, direction < 0 ? "‹" : "›");
      return button;
    };
    this.controls = h("div.row.controls", {}, this.playButton, step(-1, "One picture back"), step(1, "One picture on"),
      this.slider, this.time, this.rate);
    this.empty = h("p.soft", {}, "Add a video on the tab Score first; it is then shown here beside a clip of your choice.");
    this.parts = h("div.pair", {}, this.mine.node, this.theirs.node);
    this.append(h("section.card.compare", {}, h("h2", {}, "Beside a reference clip"),
      this.empty, this.parts, this.bar, this.said, this.controls,
      h("p.soft.small", {}, "Stop each clip where the movement begins and mark it: both then count from there. "
        + "A clip that is slower or faster keeps pace through its speed. The reference is only shown, never scored.")));
    // views.js keeps the browser from opening what is dropped.
    this.addEventListener("drop", (event) => this.sendFile(event.dataTransfer.files[0]));
    onShown(this, () => this.send("opened", {}));
    this.refresh();
  }

  side(title) {
    const video = h("video", { muted: true, playsInline: true, preload: "auto" });
    const side = { video, title, origin: 0, url: "" };
    video.addEventListener("click", () => this.videos?.toggle());
    video.addEventListener("loadedmetadata", () => this.rebuild());
    side.mark = h("button.small", { type: "button", onclick: () => this.mark(side) }, "It begins here");
    side.back = h("button.small", { "aria-label": `${title}: begin one picture earlier`, type: "button", onclick: () => this.nudge(side, -STEP_SECONDS) }, "‹");
    side.on = h("button.small", { "aria-label": `${title}: begin one picture later`, type: "button", onclick: () => this.nudge(side, STEP_SECONDS) }, "›");
    side.own = h("input", { "aria-label": `${title}: where in the file`, type: "range", min: 0, max: 1, step: 0.01, value: 0, oninput: () => this.look(side) });
    side.begins = h("span.small.soft");
    side.bar = h("div.row", {});
    side.screen = h("figure", {}, video, h("figcaption", {}, title));
    side.node = h("div.side", {}, side.bar, side.screen,
      h("div.row", {}, side.own, side.mark), h("div.row", {}, side.begins, side.back, side.on));
    return side;
  }

  chosen() {
    return this.value.views.find((view) => view.name === this.view.value) ?? this.value.views[0];
  }

  load(side, view) {
    if (!view || side.url === view.url) return;
    side.url = view.url;
    side.origin = view.origin_seconds ?? 0;
    side.video.src = view.url;
  }

  /** Look for the beginning in one clip alone. */
  look(side) {
    this.videos?.pause();
    side.video.currentTime = Number(side.own.value);
  }

  mark(side) {
    side.origin = side.video.currentTime;
    this.rebuild();
  }

  nudge(side, seconds) {
    side.origin = Math.max(0, side.origin + seconds);
    this.rebuild();
  }

  move(seconds) {
    this.videos?.pause();
    this.videos?.seek((this.videos?.seconds ?? 0) + seconds);
  }

  /** Both clips on one clock again, after a start or a speed changed. */
  rebuild() {
    this.videos?.pause();
    const sides = [this.mine, this.theirs].filter(({ video }) => video.readyState > 0);
    if (!sides.length) return;
    const speed = Number(this.speed.value);
    const tracks = sides.map((side) => ({ video: side.video, offsetSeconds: side.origin, speed: side === this.theirs ? speed : 1 }));
    const end = Math.max(0.1, Math.min(...tracks.map((track) => (track.video.duration - track.offsetSeconds) / track.speed)));
    this.slider.max = end;
    this.videos = new SyncedVideos(tracks, { end, onTime: (seconds) => this.onTime(seconds),
      onPlaying: (is) => { this.playButton.textContent = is ? "Pause" : "Play both"; } });
    this.videos.setRate(Number(this.rate.value));
    for (const side of sides) {
      side.own.max = Math.max(0, side.video.duration - 0.01);
      side.begins.textContent = `begins ${clock(side.origin)} into the file`;
    }
    this.videos.seek(0);
    this.refresh();
  }

  onTime(seconds) {
    this.slider.value = seconds;
    this.time.textContent = this.videos.timeText;
    for (const side of [this.mine, this.theirs]) side.own.value = side.video.currentTime;
  }

  async sendFile(file) {
    if (!file) return;
    this.bar.hidden = false;
    this.say("uploading");
    try {
      const path = await upload(file, (share) => { this.bar.value = share; }).sent;
      this.say("checking and copying");
      this.send("reference", { path });
    } catch (error) {
      this.bar.hidden = true;
      this.say(error.message);
    }
  }

  say(text) {
    this.said.textContent = text;
    this.said.hidden = !text;
  }

  show(value) {
    if (!value) return;
    this.value = value;
    const names = value.views.map((view) => view.name);
    if (names.join("\n") !== [...this.view.options].map((option) => option.value).join("\n")) {
      this.view.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    }
    this.load(this.mine, this.chosen());
    if (value.reference) this.load(this.theirs, { url: value.reference.url });
    this.theirs.screen.querySelector("figcaption").textContent = value.reference?.file ?? "Reference clip";
    const busy = value.busy;
    this.bar.hidden = !busy;
    if (busy) this.bar.value = busy.share;
    this.say(value.message || (busy ? stepText(busy) : ""));
    this.refresh();
  }

  refresh() {
    const hasViews = this.value.views.length > 0;
    const hasBoth = hasViews && Boolean(this.value.reference);
    this.empty.hidden = hasViews;
    this.mine.node.hidden = !hasViews;
    this.view.hidden = this.value.views.length < 2;
    this.speed.hidden = this.theirs.node.classList.toggle("empty", !this.value.reference);
    this.choose.textContent = this.value.reference ? "Another clip" : "Choose a reference clip";
    this.controls.hidden = !hasBoth;
    for (const side of [this.mine, this.theirs]) side.node.classList.toggle("alone", !side.url);
  }
}

customElements.define("coach-compare", CoachCompare);

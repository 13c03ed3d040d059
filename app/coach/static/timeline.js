// <coach-timeline>: how skilled each segment looks beside the average segment; a click or an arrow key moves to it.
//
// Fires "coach-seek" with {seconds}.

import { h } from "./dom.js";
import { clock } from "./page.js";

const TICKS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120];

class CoachTimeline extends HTMLElement {
  connectedCallback() {
    if (this.head) return;
    this.lane = h("div.lane");
    this.axis = h("div.axis-row");
    this.head = h("div.playhead");
    this.tabIndex = 0;
    this.setAttribute("role", "slider");
    this.setAttribute("aria-label", "Moment of the performance");
    this.append(h("div.field", {}, this.lane, this.head), this.axis);
    this.addEventListener("pointerdown", (event) => this.onPointer(event));
    this.addEventListener("pointermove", (event) => { if (event.buttons) this.onPointer(event); });
    this.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** end: of the shared clock; explanation: null until it is made. */
  show(end, explanation) {
    this.end = end;
    this.explanation = explanation;
    this.setAttribute("aria-valuemin", 0);
    this.setAttribute("aria-valuemax", end.toFixed(2));
    const segments = explanation?.segments ?? [];
    const top = Math.max(1e-6, ...segments.map(([, , effect, noise]) => Math.abs(effect) + noise));
    this.lane.replaceChildren(
      h("div.zero"),
      ...segments.flatMap((segment) => this.bar(segment, top)),
      ...(explanation?.moments ?? []).map((moment, index) => this.mark(moment, index)));
    this.axis.replaceChildren(...this.ticks());
    this.setTime(this.seconds ?? 0);
  }

  bar([start, end, effect, noise, mayBeChance], top) {
    const bar = h(`div.bar.${effect >= 0 ? "up" : "down"}`);
    const height = (50 * Math.abs(effect)) / top;
    this.place(bar, start, end);
    bar.style.height = `${height}%`;
    bar.style[effect >= 0 ? "bottom" : "top"] = "50%";
    bar.classList.toggle("chance", mayBeChance);
    bar.title = `${clock(start)} to ${clock(end)}: ${effect >= 0 ? "+" : "−"}${Math.abs(effect).toFixed(2)} levels against the average segment, noise ${noise.toFixed(2)}`;
    const whisker = h("div.whisker");
    whisker.style.left = `${this.percent((start + end) / 2)}%`;
    whisker.style.bottom = `${50 + (50 * (effect - noise)) / top}%`;
    whisker.style.height = `${(100 * noise) / top}%`;
    return [bar, whisker];
  }

  mark(moment, index) {
    const mark = h("div.mark", {}, String(index + 1));
    mark.style.left = `${this.percent((moment.start_seconds + moment.end_seconds) / 2)}%`;
    mark.classList.toggle("down", moment.effect < 0);
    return mark;
  }

  place(node, start, end) {
    node.style.left = `${this.percent(start)}%`;
    node.style.width = `${this.percent(end) - this.percent(start)}%`;
  }

  percent(seconds) {
    return (100 * Math.min(Math.max(seconds, 0), this.end)) / this.end;
  }

  ticks() {
    const most = Math.max(2, Math.floor(this.clientWidth / 70) || 8);
    const step = TICKS.find((each) => this.end / each <= most) ?? 300;
    const marks = [];
    for (let at = 0; at <= this.end + 1e-6; at += step) {
      const tick = h("span", {}, at < 60 ? `${at} s` : clock(at).replace(".0", ""));
      tick.style.left = `${this.percent(at)}%`;
      marks.push(tick);
    }
    return marks;
  }

  setTime(seconds) {
    this.seconds = seconds;
    if (!this.end) return;
    this.head.style.left = `${this.percent(seconds)}%`;
    this.setAttribute("aria-valuenow", seconds.toFixed(2));
    this.setAttribute("aria-valuetext", clock(seconds));
  }

  onPointer(event) {
    const box = this.lane.getBoundingClientRect();
    this.seek((this.end * (event.clientX - box.left)) / box.width);
    event.preventDefault();
    this.focus({ preventScroll: true });
  }

  onKey(event) {
    const step = { ArrowLeft: -0.1, ArrowRight: 0.1, PageDown: -1, PageUp: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.seek(this.seconds + step);
  }

  seek(seconds) {
    const inside = Math.min(Math.max(seconds, 0), this.end);
    this.dispatchEvent(new CustomEvent("coach-seek", { detail: { seconds: inside }, bubbles: true }));
  }
}

customElements.define("coach-timeline", CoachTimeline);

// <coach-player>: all views on one clock, the timeline that moves them, moments, and what each view does.
// Sends "cancel" while it is found out why.

import { h } from "./dom.js";
import { clock, stepText } from "./page.js";
import { SyncedVideos } from "./videos.js";
import "./timeline.js";

const RATES = [0.25, 0.5, 1];

class CoachPlayer extends HTMLElement {
  connectedCallback() {
    this.send ??= () => {};
    this.addEventListener("coach-seek", (event) => {
      this.videos?.pause();
      this.videos?.seek(event.detail.seconds);
    });
  }

  disconnectedCallback() {
    this.videos?.pause();
  }

  show(value) {
    const isSame = value && this.value && value.id === this.value.id;
    this.value = value;
    if (!value || !value.views.length) {
      this.videos?.pause();
      this.replaceChildren();
      return;
    }
    if (!isSame) this.build(value);
    this.showExplanation(value);
  }

  build(value) {
    this.videos?.pause();
    const figures = value.views.map((view) => {
      const video = h("video", { src: view.url, muted: true, playsInline: true, preload: "auto" });
      video.addEventListener("click", () => this.videos.toggle());
      return { video, view, node: h("figure", {}, video, h("figcaption", {}, view.name)) };
    });
    this.figures = figures;
    this.playButton = h("button.primary", { type: "button", onclick: () => this.videos.toggle() }, "Play");
    this.time = h("span.time");
    this.rate = h("select", { "aria-label": "Speed", onchange: () => this.videos.setRate(Number(this.rate.value)) },
      ...RATES.map((rate) => h("option", { value: rate, selected: rate === 1 }, rate === 1 ? "normal speed" : `${rate} × speed`)));
    this.timeline = document.createElement("coach-timeline");
    this.why = h("div.why-parts");
    this.replaceChildren(h("section.card.player", {},
      h("h2", {}, value.status === "abstained" ? "What was filmed" : "When and where it shows"),
      h(`div.screens.of-${Math.min(figures.length, 4)}`, {}, figures.map(({ node }) => node)),
      h("div.row.controls", {}, this.playButton, this.time, this.rate),
      this.timeline, this.why));
    this.end = this.sharedEnd(value);
    this.videos = new SyncedVideos(
      figures.map(({ video, view }) => ({ video, offsetSeconds: view.offset_seconds })),
      { end: this.end, onTime: (seconds) => this.onTime(seconds), onPlaying: (is) => { this.playButton.textContent = is ? "Pause" : "Play"; } });
    this.onTime(0);
  }

  /** Where the first of the views ends, on the shared clock. */
  sharedEnd(value) {
    const ends = value.views.filter((view) => view.duration_seconds).map((view) => view.duration_seconds - view.offset_seconds);
    return Math.max(0.1, ends.length ? Math.min(...ends) : 0.1);
  }

  onTime(seconds) {
    this.time.textContent = this.videos.timeText;
    this.timeline.setTime(seconds);
  }

  /** While it is made, the timeline is there already; what is named waits for the surest map. */
  showExplanation({ explanation, busy, failure }) {
    this.timeline.show(this.end, explanation);
    this.timeline.classList.toggle("empty", !explanation);
    const said = failure || (busy ? progress(busy, explanation) : "");
    const parts = said ? [h("div.row", {}, h("p.soft", { role: "status" }, said), busy ? this.stop() : null)] : [];
    if (explanation) {
      parts.push(h("ul.legend", {},
        h("li", {}, h("i.up"), "looks more skilled than the average segment"), h("li", {}, h("i.down"), "looks less skilled"),
        h("li", {}, h("i.chance"), "pale: within twice its noise, may be chance")));
    }
    if (explanation && !busy) {
      this.markMainView(explanation.views);
      parts.push(this.moments(explanation), this.importance(explanation), h("p.soft.small.method", {}, explanation.method));
    }
    this.why.replaceChildren(...parts.filter(Boolean));
  }

  stop() {
    return h("button.small", { type: "button", onclick: () => this.send("cancel", {}) }, "Stop");
  }

  markMainView(views) {
    const most = Math.max(...views.map(({ share }) => share));
    for (const { node, view } of this.figures) {
      const part = views.find((each) => each.name === view.name);
      node.classList.toggle("main", views.length > 1 && part?.share === most);
    }
  }

  moments({ moments }) {
    if (!moments.length) {
      return h("p", {}, "No moment exceeds the noise.");
    }
    return h("div", {}, h("h3", {}, moments.length === 1 ? "The moment that stands out" : "The moments that stand out"),
      h("ol.moments", {}, moments.map((moment, index) => this.moment(moment, index))));
  }

  moment(moment, index) {
    const canvas = h("canvas", { width: 320, height: 240 });
    const view = this.value.views.find((each) => each.name === moment.view) ?? this.value.views[0];
    const middle = (moment.start_seconds + moment.end_seconds) / 2;
    pictureAt(canvas, view.url, middle + view.offset_seconds);
    return h(`li.${moment.effect >= 0 ? "up" : "down"}`, {},
      h("button.moment", { type: "button", onclick: () => { this.videos.pause(); this.videos.seek(moment.start_seconds); } },
        canvas,
        h("span.number", {}, String(index + 1)),
        h("strong", {}, `${clock(moment.start_seconds)} to ${clock(moment.end_seconds)}`),
        h("span", {}, `looks ${levels(moment.effect)} skilled than the average segment`),
        h("span.soft.small", {}, this.value.views.length > 1 ? `shows most in ${moment.view}` : "")));
  }

  importance({ views }) {
    if (views.length < 2) return null;
    return h("div", {}, h("h3", {}, "Where the ups and downs show most"),
      h("div.bars.importance", {}, views.flatMap(({ name, share, without_it: withoutIt }) => {
        const bar = h("div.fill");
        bar.style.width = `${100 * share}%`;
        return [h("div.name", {}, name), h("div", {}, h("div.track", {}, bar)), h("div.number", {}, `${Math.round(100 * share)} %`),
          h("div.said", {}, `without it the average segment scores ${withoutIt}`)];
      })));
  }
}

function progress(step, explanation) {
  return stepText({ ...step, what: `${explanation ? "Making sure" : "Finding out why"}: ${step.what}` });
}

/** 1.64 -> "1.6 levels more". */
function levels(effect) {
  const size = Math.abs(effect).toFixed(1);
  return `${size} ${size === "1.0" ? "level" : "levels"} ${effect >= 0 ? "more" : "less"}`;
}

const queues = new Map(); // address -> the end of the drawing that runs from it

/** Draw the picture of a video at `seconds` into a canvas, one after the other for each video. */
function pictureAt(canvas, url, seconds) {
  const before = queues.get(url) ?? Promise.resolve(null);
  const next = before.then((video) => draw(canvas, video ?? open(url), seconds)).catch(() => null);
  queues.set(url, next);
  return next;
}

function open(url) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: url });
  return video;
}

async function draw(canvas, video, seconds) {
  if (video.readyState < 1) await once(video, "loadedmetadata");
  video.currentTime = Math.min(Math.max(seconds, 0), Math.max(video.duration - 0.05, 0));
  await once(video, "seeked");
  const scale = Math.min(canvas.width / video.videoWidth, canvas.height / video.videoHeight);
  const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
  canvas.getContext("2d").drawImage(video, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  return video;
}

function once(target, type) {
  return new Promise((resolve, reject) => {
    target.addEventListener(type, resolve, { once: true });
    target.addEventListener("error", () => reject(target.error), { once: true });
  });
}

customElements.define("coach-player", CoachPlayer);

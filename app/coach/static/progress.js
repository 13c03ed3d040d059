// <coach-progress>: an athlete's sessions over time, and whether the last step is more than noise.
//
// Sends "opened" {alias} when the tab is shown, "choose" {alias}.

import { h, s } from "./dom.js";
import { onShown } from "./page.js";

const HEIGHT = 270, TOP = 22, BOTTOM = 40, RIGHT = 22;
const NARROW = 520; // below it the names of levels stand over their lines
const DAY = 86400000;
const GAP = 28; // between two sessions, however soon one came after the other

class CoachProgress extends HTMLElement {
  connectedCallback() {
    if (this.body) return;
    this.send ??= () => {};
    this.body = h("div");
    this.append(h("section.card.progress-card", {}, h("h2", {}, "Beside earlier sessions"), this.body));
    onShown(this, () => this.send("opened", { alias: this.alias ?? "" }));
  }

  show(value) {
    if (!value || !this.body) return;
    if (!value.aliases) {
      this.body.replaceChildren(h("p", {}, value.message));
      return;
    }
    this.alias = value.alias;
    if (!value.aliases.length) {
      this.body.replaceChildren(h("p.soft", {}, value.is_on
        ? "No session was kept yet. Keep an answer on the tab History, under an alias."
        : "The history is off. Switch it on on the tab History to compare with earlier sessions."));
      return;
    }
    const athlete = h("select", { "aria-label": "Athlete", onchange: () => this.send("choose", { alias: athlete.value }) },
      ...value.aliases.map((name) => h("option", { value: name, selected: name === value.alias }, name)));
    this.body.replaceChildren(
      h("div.row", {}, h("span", {}, "Athlete"), athlete,
        value.has_now ? h("span.soft.small", {}, "with the answer on this page as the last session") : null),
      ...this.answers(value),
      value.points.length ? h("div", {}, this.chart(value)) : h("p.soft", {}, "None of the sessions has an answer to compare."),
      ...this.words(value));
  }

  answers({ since_last: last, since_first: first, points }) {
    if (!last) return [h("p", {}, points.length ? "One session so far: nothing to compare yet." : "")];
    return [last, first].filter(Boolean).map((change) => {
      // A change may be a fall: "yes" is no praise.
      const name = change.answer === "cannot be said" ? "low_confidence" : "none";
      const amount = `${change.difference >= 0 ? "+" : "−"}${Math.abs(change.difference).toFixed(2)}`;
      const limit = change.detectable === null ? "the noise of a score is not known"
        : `a change below ${change.detectable.toFixed(2)} may be noise`;
      return h("p.change", {}, h(`span.chip.${name}`, {}, `More than its noise: ${change.answer}`), " ",
        h("strong", {}, amount), ` since ${change.since}; ${limit}.`);
    });
  }

  words({ trend, remarks, points }) {
    const said = [];
    if (trend) {
      const [slope, lower, upper] = trend.map((each) => `${each >= 0 ? "+" : "−"}${Math.abs(each).toFixed(2)}`);
      said.push(h("p", {}, `Trend: ${slope} in 30 days (95 of 100 such intervals hold the true trend: ${lower} to ${upper}).`));
    }
    if (remarks.length) said.push(h("ul.plain.small", {}, remarks.map((text) => h("li", {}, text))));
    if (points.length) {
      said.push(h("p.soft.small", {}, "Bars are the calibrated intervals of each score. A change is more than its noise where at most 5 of 100 "
        + "unchanged athletes would show as much (the minimal detectable change, Weir 2005). It says that the score changed, not why."));
    }
    return said;
  }

  chart({ points, levels, has_now: hasNow }) {
    const width = Math.min(Math.max(this.body.clientWidth, 280), 900), isNarrow = width < NARROW;
    const left = isNarrow ? 4 : 24 + Math.min(190, Math.max(...levels.map((name) => name.length)) * 7.6);
    const times = points.map((point) => Date.parse(point.at));
    const from = Math.min(...times), span = Math.max(Math.max(...times) - from, DAY);
    const right = width - RIGHT - 24;
    const places = apart(times.map((time) => left + 34 + (right - left - 34) * (time - from) / span), right);
    if (points.length === 1) places[0] = (left + width - RIGHT) / 2;
    const y = (score) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * score / (levels.length - 1);
    const parts = levels.map((name, index) => s("line.grid", { x1: left, y1: y(index), x2: width - RIGHT, y2: y(index) }));
    const names = levels.map((name, index) =>
      s("text.label", isNarrow ? { x: left, y: y(index) - 5 } : { x: left - 10, y: y(index) + 4, "text-anchor": "end" }, name));
    points.forEach((point, index) => {
      const at = places[index];
      if (point.lower !== null) parts.push(s("line.interval", { x1: at, x2: at, y1: y(point.lower), y2: y(point.upper) }));
    });
    parts.push(s("polyline.bold", { points: points.map((point, index) => `${places[index]},${y(point.score)}`).join(" ") }));
    points.forEach((point, index) => {
      const isNow = hasNow && index === points.length - 1;
      const when = isNow ? "now" : new Date(times[index]).toLocaleString();
      parts.push(s(`circle.dot${isNow ? ".now" : ""}${point.is_ok ? "" : ".doubt"}`, { cx: places[index], cy: y(point.score), r: isNow ? 7 : 5 },
        s("title", {}, `${when}: ${point.level}, score ${point.score.toFixed(2)}${point.is_ok ? "" : ", in doubt"}`)));
    });
    let last = -Infinity;
    for (const [index, time] of times.entries()) {
      if (places[index] - last < 84) continue;
      last = places[index];
      parts.push(s("text.label", { x: last, y: HEIGHT - BOTTOM + 24, "text-anchor": "middle" },
        new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "2-digit" })));
    }
    const drawing = s("svg", { "aria-label": "score over sessions", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img" }, ...parts, ...names);
    return drawing;
  }
}

/** Places from left to right, moved as little as keeps them apart and left of an end. */
function apart(places, end) {
  const gap = Math.min(GAP, (end - places[0]) / Math.max(places.length - 1, 1));
  const moved = [...places];
  for (let k = 1; k < moved.length; k += 1) moved[k] = Math.max(moved[k], moved[k - 1] + gap);
  for (let k = moved.length - 1, most = end; k >= 0; k -= 1, most -= gap) moved[k] = Math.min(moved[k], most);
  return moved;
}

customElements.define("coach-progress", CoachProgress);

// Charts as inline SVG in the colours of the page. What is charted is decided elsewhere.

import { s } from "./dom.js";
import { clock, counted, day, fixed, span, whole } from "./figures.js";

const WIDTH = 520;
const HEIGHT = 220;
const LEFT = 52;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 44;
const ENOUGH = 0.8;

/** 1, 2 or 5 times a power of ten, not below `least`. */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= least * (1 - 1e-9));
}

function ticks(low, high, about) {
  const step = roundStep((high - low) / about);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

class Chart {
  constructor(title, { low, high, most, yTicks, xTicks = [], name }) {
    this.low = low;
    this.high = high;
    this.most = most;
    this.parts = [];
    for (const [value, text] of yTicks) {
      this.line("grid", low, value, high, value);
      this.text(text, LEFT - 7, this.y(value) + 5, "end");
    }
    for (const [value, text] of xTicks) {
      // At the right edge a name would be cut off.
      const anchor = this.x(value) > WIDTH - 24 ? "end" : "middle";
      this.text(text, this.x(value) + (anchor === "end" ? 10 : 0), HEIGHT - BOTTOM + 17, anchor);
    }
    this.text(name, WIDTH - RIGHT, HEIGHT - 5, "end");
    this.title = title;
  }

  x(value) {
    return LEFT + ((WIDTH - LEFT - RIGHT) * (value - this.low)) / (this.high - this.low);
  }

  y(value) {
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / this.most);
  }

  text(text, x, y, anchor = "middle") {
    const at = { class: "label", x, y, "text-anchor": anchor };
    this.parts.push(s("text", at, text));
  }

  line(look, x1, y1, x2, y2) {
    const ends = { x1: this.x(x1), y1: this.y(y1), x2: this.x(x2), y2: this.y(y2) };
    this.parts.push(s("line", { class: look, ...ends }));
  }

  bar(attributes, from, to, bottom, top, title) {
    const gap = Math.min(1, (this.x(to) - this.x(from)) / 6);
    const width = Math.max(this.x(to) - this.x(from) - 2 * gap, 0.5);
    const height = Math.max(this.y(bottom) - this.y(top), 0);
    const place = { x: this.x(from) + gap, y: this.y(top), width, height };
    this.parts.push(s("rect", { ...attributes, ...place }, s("title", {}, title)));
  }

  element() {
    const size = `0 0 ${WIDTH} ${HEIGHT}`;
    const look = { viewBox: size, role: "img", "aria-label": this.title, class: "chart" };
    return s("svg", look, s("title", {}, this.title), this.parts);
  }
}

function countTicks(most) {
  const step = Math.max(1, roundStep(most / 4));
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => [i * step, whole(i * step)]);
}

/** Answers per hour over time; the last bar, which is still growing, is paler. */
export function activityChart(activity) {
  const { start, width_seconds: width, bars } = activity;
  const perHour = (count) => (count * 3600) / width;
  const most = Math.max(...bars.map(perHour), 4);
  const every = Math.max(Math.ceil(bars.length / 5), 1);
  const text = width < 6 * 3600 ? clock : day;
  const xTicks = bars
    .map((_, index) => [start + (index + 0.5) * width, text(start + index * width)])
    .filter((_, index) => index % every === 0)
    .filter(([, name], index, all) => index === 0 || name !== all[index - 1][1]);
  const total = bars.reduce((sum, count) => sum + count, 0);
  const title = `answers over time: ${whole(total)} since ${day(start)} ${clock(start)}`;
  const high = start + bars.length * width;
  const chart = new Chart(title, { low: start, high, most, yTicks: countTicks(most), xTicks, name: "time →, answers per hour ↑" });
  bars.forEach((count, index) => {
    const from = start + index * width;
    const look = index === bars.length - 1 ? "pale-fill" : "plain-fill";
    chart.bar({ class: look }, from, from + width, 0, perHour(count),
      `${day(from)} ${clock(from)}: ${counted(count, "answer")} in ${span(width)}`);
  });
  return chart.element();
}

/** Reliability after the first votes, and where it is expected to be enough. */
export function reliabilityChart(curve, moreVotes) {
  const known = curve.filter((point) => point.reliability !== null);
  const now = curve[curve.length - 1];
  const expected = now.reliability !== null && now.reliability < ENOUGH && moreVotes > 0;
  // A forecast far ahead would press what is known into a corner.
  const forecast = expected && moreVotes < 4 * now.num_votes;
  const high = (now.num_votes + (forecast ? moreVotes : 0)) * 1.04;
  const chart = new Chart(`reliability after ${whole(now.num_votes)} votes: ${fixed(now.reliability)}`, {
    low: 0, high, most: 1, name: "votes →",
    yTicks: [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => [value, fixed(value, 1)]),
    xTicks: ticks(0, high, 5).map((value) => [value, whole(value)]),
  });
  chart.line("enough", 0, ENOUGH, high, ENOUGH);
  chart.text("enough from here", LEFT + 8, chart.y(ENOUGH) - 7, "start");
  if (forecast) chart.line("forecast", now.num_votes, now.reliability, now.num_votes + moreVotes, ENOUGH);
  const points = known.map((point) => [chart.x(point.num_votes), chart.y(point.reliability)]);
  chart.parts.push(s("polyline.bold", { points: points.map((one) => one.join(",")).join(" ") }));
  known.forEach((point, index) => {
    const [cx, cy] = points[index];
    const text = `${counted(point.num_votes, "vote")}: ${fixed(point.reliability)}`;
    chart.parts.push(s("circle.dot", { cx, cy, r: 5 }, s("title", {}, text)));
  });
  return chart.element();
}

/** How many clips have how many comparisons; those with too few stand out. */
export function comparisonsChart({ start, step, bars, wanted }) {
  const low = start - 0.5;
  const high = Math.max(start + bars.length * step, wanted + 2) - 0.5;
  const most = Math.max(...bars, 4);
  const chart = new Chart(`clips by number of comparisons, ${wanted} or more wanted`, {
    low, high, most, yTicks: countTicks(most), name: "comparisons of a clip →, clips ↑",
    xTicks: ticks(start, high, 7).filter(Number.isInteger).map((value) => [value, whole(value)]),
  });
  bars.forEach((count, index) => {
    if (!count) return;
    const first = start + index * step;
    const name = step === 1 ? whole(first) : `${whole(first)} to ${whole(first + step - 1)}`;
    const look = first + step - 1 < wanted ? "doubt-fill" : "plain-fill";
    chart.bar({ class: look }, first - 0.5, first + step - 0.5, 0, count,
      `${name} comparisons: ${counted(count, "clip")}`);
  });
  if (wanted > start) chart.line("cut", wanted - 0.5, 0, wanted - 0.5, most);
  return chart.element();
}

/** Where the clips lie, by level, with the cuts between levels. */
export function levelsChart({ low, high, bars, cuts }, names) {
  const most = Math.max(...bars.map((bar) => bar.reduce((sum, count) => sum + count, 0)), 4);
  const chart = new Chart("clips by rating, in the colours of their levels", {
    low, high, most, yTicks: countTicks(most), name: "rating →, clips ↑",
    xTicks: ticks(low, high, 6).map((value) => [value, fixed(value, high - low < 3 ? 1 : 0)]),
  });
  for (const [, lower, upper] of cuts) {
    chart.bar({ class: "cut-band" }, Math.max(lower, low), Math.min(upper, high), 0, most, "90 % interval of the cut");
  }
  const width = (high - low) / bars.length;
  bars.forEach((bar, index) => {
    let below = 0;
    bar.forEach((count, level) => {
      if (count) {
        const from = low + index * width;
        chart.bar({ class: "lv", style: levelColour(level, bar.length) }, from, from + width, below,
          below + count, `${names[level] ?? ""}: ${counted(count, "clip")}`);
        below += count;
      }
    });
  });
  for (const [mean] of cuts) chart.line("cut", mean, 0, mean, most);
  return chart.element();
}

/** Custom property that gives an element of class `lv` the colour of a level. */
export function levelColour(level, numLevels) {
  return { "--t": `${(100 * level) / Math.max(numLevels - 1, 1)}%` };
}

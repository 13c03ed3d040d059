// Annotators and reported clips, with what an organiser can change about them.

import { el } from "./dom.js";
import { ago, fixed, isKnown, percent, whole } from "./figures.js";
import { section } from "./organiser_sections.js";

const REASONS = {
  broken: "broken or does not play",
  unrelated: "shows something else",
  private: "shows something private",
  other: "something else",
};

/** Everybody; `change(id, {excluded | revoked})` is called by the buttons. */
export function annotators(summary, now, change) {
  if (!summary.annotators.length) {
    return section("Annotators", summary.advice.annotators, null);
  }
  const names = ["annotator", "answers", "agrees", "known right", "left", "seconds", "same again", "last", ""];
  const head = names.map((name, index) =>
    el("th", { class: index && index < 8 ? "num" : null, scope: "col" }, name || el("span", { class: "visually-hidden" }, "change")));
  const rows = summary.annotators.map((one) => annotatorRow(one, summary, now, change));
  return section("Annotators", summary.advice.annotators,
    el("table", { class: "people" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows)),
    "“Agrees” is how often somebody votes the way the others' votes point, and in small print what is expected on pairs as " +
    "close; “known right” is of pairs whose answer is known, “left” the share of answers for the left clip, “seconds” the " +
    "usual time of an answer, “same again” the share of pairs answered as before when asked once more. An excluded " +
    "annotator gets no more pairs; their votes stay in the log, count in no rating, and count again when they are included.");
}

function annotatorRow(one, { meanings }, now, change) {
  const cell = (label, content, extra = "") =>
    el("td", { class: `num${content === "–" ? " empty" : ""}`, "data-label": label }, content,
      extra ? el("span", { class: "soft small" }, ` ${extra}`) : null);
  const toggle = (name, isOn, texts) =>
    el("button", { type: "button", class: "small", "data-key": `${name}-${one.id}`,
      "aria-label": `${texts[isOn ? 1 : 0]}: ${one.name}`,
      on: { click: () => change(one, { [name]: !isOn }) } }, texts[isOn ? 1 : 0]);
  return el("tr", { class: one.is_excluded ? "off" : null },
    el("th", { class: "item", scope: "row" }, el("bdi", {}, one.name),
      one.role === "organiser" ? el("span", { class: "flag plain" }, "organiser") : null,
      one.is_excluded ? el("span", { class: "flag" }, "excluded") : null,
      one.is_revoked ? el("span", { class: "flag plain" }, "link revoked") : null,
      one.concerns.map((name) => el("div", { class: "small warn" }, meanings.concerns[name]))),
    cell("answers", whole(one.num_votes), one.num_skips ? `${whole(one.num_skips)} skipped` : ""),
    cell("agrees", percent(one.accuracy), isKnown(one.expected_accuracy) ? percent(one.expected_accuracy) : ""),
    cell("known right", one.num_known ? `${one.num_known_right} of ${one.num_known}` : "–"),
    cell("left", percent(one.left_share)),
    cell("seconds", fixed(one.median_seconds, 1)),
    cell("same again", one.num_repeats ? percent(one.self_agreement) : "–", one.num_repeats ? `of ${one.num_repeats}` : ""),
    cell("last", one.last_at === null ? "–" : ago(one.last_at, now)),
    el("td", { class: "actions" }, one.role === "organiser" ? null : [
      toggle("excluded", one.is_excluded, ["Exclude", "Include again"]),
      toggle("revoked", one.is_revoked, ["Revoke link", "Restore link"]),
    ]));
}

/** Reported clips; `resolve(flag, isResolved)` and `preview(clip)` are called by the buttons. */
export function flags(summary, now, { resolve, preview }) {
  const rows = summary.flags.map((flag) =>
    el("li", { class: flag.is_resolved ? "done" : null },
      el("div", { class: "what" },
        el("strong", {}, REASONS[flag.reason] ?? flag.reason), " ",
        el("span", { class: "soft" }, `${flag.take}, ${flag.view}`),
        flag.note ? el("p", { class: "note" }, el("bdi", {}, `“${flag.note}”`)) : null,
        el("p", { class: "soft small" }, el("bdi", {}, flag.by), `, ${ago(flag.at, now)}${flag.is_resolved ? ", dealt with" : ""}`)),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "small", "data-key": `watch-${flag.id}`, on: { click: () => preview(flag) } }, "Watch"),
        el("button", { type: "button", class: "small", "data-key": `resolve-${flag.id}`,
          on: { click: () => resolve(flag, !flag.is_resolved) } }, flag.is_resolved ? "Open again" : "Dealt with"))));
  return section("Reported clips", summary.advice.flags, rows.length ? el("ul", { class: "flags" }, rows) : null);
}

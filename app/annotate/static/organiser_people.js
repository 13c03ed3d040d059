// Annotators and reported clips, with what an organiser can change about them.

import { h } from "./dom.js";
import { ago, fixed, isKnown, percent, whole } from "./figures.js";
import { section } from "./organiser_sections.js";

const REASONS = {
  broken: "broken or does not play",
  unrelated: "shows something else",
  private: "shows something private",
  other: "something else",
};

/** All annotators; `change(id, {excluded | revoked})` is called by the buttons. */
export function annotators(summary, now, change) {
  if (!summary.annotators.length) {
    return section("Annotators", summary.advice.annotators, null);
  }
  const names = ["annotator", "answers", "agrees", "known right", "left", "seconds", "same again", "last", ""];
  const head = names.map((name, index) =>
    h("th", { class: index && index < 8 ? "num" : null, scope: "col" }, name || h("span.visually-hidden", {}, "change")));
  const rows = summary.annotators.map((one) => annotatorRow(one, summary, now, change));
  return section("Annotators", summary.advice.annotators,
    h("table.people", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
    "“Agrees” is how often a person votes the way the others' votes point, and in small print what is expected on pairs as " +
    "close; “known right” is of pairs whose answer is known, “left” the share of answers for the left clip, “seconds” the " +
    "usual time of an answer, “same again” the share of pairs answered as before when asked once more. An excluded " +
    "annotator gets no more pairs; their votes stay in the log, count in no rating, and count again when they are included.");
}

function annotatorRow(one, { meanings }, now, change) {
  const cell = (label, content, extra = "") =>
    h("td", { class: `num${content === "–" ? " empty" : ""}`, "data-label": label }, content,
      extra ? h("span.soft.small", {}, ` ${extra}`) : null);
  const toggle = (name, isOn, texts) =>
    h("button", { type: "button", class: "small", "data-key": `${name}-${one.id}`,
      "aria-label": `${texts[isOn ? 1 : 0]}: ${one.name}`,
      onclick: () => change(one, { [name]: !isOn }) }, texts[isOn ? 1 : 0]);
  return h("tr", { class: one.is_excluded ? "off" : null },
    h("th.item", { scope: "row" }, h("bdi", {}, one.name),
      one.role === "organiser" ? h("span.flag.plain", {}, "organiser") : null,
      one.is_excluded ? h("span.flag", {}, "excluded") : null,
      one.is_revoked ? h("span.flag.plain", {}, "link revoked") : null,
      one.concerns.map((name) => h("div.small.warn", {}, meanings.concerns[name]))),
    cell("answers", whole(one.num_votes), one.num_skips ? `${whole(one.num_skips)} skipped` : ""),
    cell("agrees", percent(one.accuracy), isKnown(one.expected_accuracy) ? percent(one.expected_accuracy) : ""),
    cell("known right", one.num_known ? `${one.num_known_right} of ${one.num_known}` : "–"),
    cell("left", percent(one.left_share)),
    cell("seconds", fixed(one.median_seconds, 1)),
    cell("same again", one.num_repeats ? percent(one.self_agreement) : "–", one.num_repeats ? `of ${one.num_repeats}` : ""),
    cell("last", one.last_at === null ? "–" : ago(one.last_at, now)),
    h("td.actions", {}, one.role === "organiser" ? null : [
      toggle("excluded", one.is_excluded, ["Exclude", "Include again"]),
      toggle("revoked", one.is_revoked, ["Revoke link", "Restore link"]),
    ]));
}

/** Reported clips; `resolve(flag, isResolved)` and `preview(clip)` are called by the buttons. */
export function flags(summary, now, { resolve, preview }) {
  const rows = summary.flags.map((flag) =>
    h("li", { class: flag.is_resolved ? "done" : null },
      h("div.what", {},
        h("strong", {}, REASONS[flag.reason] ?? flag.reason), " ",
        h("span.soft", {}, `${flag.take}, ${flag.view}`),
        flag.note ? h("p.note", {}, h("bdi", {}, `“${flag.note}”`)) : null,
        h("p.soft.small", {}, h("bdi", {}, flag.by), `, ${ago(flag.at, now)}${flag.is_resolved ? ", dealt with" : ""}`)),
      h("div.actions", {},
        h("button", { type: "button", class: "small", "data-key": `watch-${flag.id}`, onclick: () => preview(flag) }, "Watch"),
        h("button", { type: "button", class: "small", "data-key": `resolve-${flag.id}`,
          onclick: () => resolve(flag, !flag.is_resolved) }, flag.is_resolved ? "Open again" : "Dealt with"))));
  return section("Reported clips", summary.advice.flags, rows.length ? h("ul.flags", {}, rows) : null);
}

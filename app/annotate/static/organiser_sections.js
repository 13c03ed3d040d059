// The sections of the organiser's page: each is a function of the summary and makes elements.

import { activityChart, comparisonsChart, levelColour, levelsChart, reliabilityChart } from "./charts.js";
import { h } from "./dom.js";
import { about, counted, fixed, isKnown, percent, probability, span, whole } from "./figures.js";

/** A heading, what to do, and what a figure means in small print. */
export function section(title, advice, content, meaning = "") {
  return [
    h("h2", {}, title),
    advice ? h("p.todo", {}, advice) : null,
    content,
    meaning ? h("p.soft.small", {}, meaning) : null,
  ];
}

function figure(number, text) {
  return h("div", {}, h("div.figure-number", {}, number), h("div.soft.small", {}, text));
}

/** The one thing to do now, and four figures. */
export function step(summary, rated) {
  const { verdict, sentence, is_enough: isEnough } = summary.step;
  const head = rated?.headline;
  const left = Object.values(summary.counts.left_out).reduce((sum, one) => sum + one, 0);
  const needed = !head || (head.num_untold && !head.more_votes) ? "?" : head.is_enough ? "0" : `≈ ${about(head.more_votes)}`;
  return [
    h("span", { class: `chip ${isEnough ? "ok" : "low"}` }, verdict),
    h("p.sentence", {}, sentence),
    h("div.figures", {},
      figure(whole(summary.counts.answers),
        `answers by ${counted(summary.counts.voters, "person", "people")}${left ? `; ${whole(left)} ${left === 1 ? "is" : "are"} in no rating` : ""}`),
      figure(fixed(head?.reliability), "reliability: share of the differences between clips that is skill; 0.80 is enough"),
      figure(needed, "votes still expected to be needed"),
      figure(whole(summary.activity.last_hour), "answers in the last hour")),
    leftOut(summary),
  ];
}

function leftOut({ counts, meanings }) {
  const lines = Object.entries(counts.left_out).map(([reason, number]) =>
    h("li", {}, `${whole(number)}: ${meanings.left_out[reason]}`));
  if (!lines.length) return null;
  return h("details.small", { "data-key": "left-out" },
    h("summary", {}, "Answers that are in no rating"), h("ul.plain", {}, lines));
}

export function activity(summary) {
  const { bars, width_seconds: width } = summary.activity;
  return section("Votes per hour", summary.advice.activity,
    bars.length ? activityChart(summary.activity) : null,
    bars.length ? `Each bar is ${span(width)}, the pale one is not over. While people work there are about ${about(Math.round(summary.activity.per_hour))} answers an hour.` : "");
}

export function reliability(criterion) {
  const { rated, advice } = criterion;
  const accuracy = rated.groups.length === 1 ? rated.groups[0].reliability.held_out_accuracy : null;
  return section("Reliability", advice.reliability, reliabilityChart(rated.curve, rated.headline.more_votes),
    "How much of the differences between clips is skill and not chance; coin flips give 0.15 or less." +
    (isKnown(accuracy) ? ` The order agrees with ${percent(accuracy)} of later votes that it did not know.` : ""));
}

export function comparisons(criterion) {
  const { comparisons: bars, headline } = criterion.rated;
  const mean = (2 * headline.num_votes) / headline.num_items;
  return section("Comparisons per clip", criterion.advice.comparisons, comparisonsChart(bars),
    `On average ${fixed(mean, 1)}. Clips left of the dashed line have fewer than ${bars.wanted}.`);
}

export function levels(criterion) {
  const { levels: counts, ratings } = criterion.rated;
  const names = counts.map((level) => level.name).reverse();
  const legend = counts.map((level, index) =>
    h("li", {}, h("span.swatch.lv", { style: levelColour(counts.length - 1 - index, counts.length) }),
      `${level.name} ${whole(level.num_items)}`));
  return section("Levels", criterion.advice.levels, [levelsChart(ratings, names), h("ul.legend", {}, legend)],
    "Levels are equal shares here: they give the place of a clip among the others. The export can cut them at known standards instead.");
}

export function health(criterion, meanings) {
  const { flags, headline } = criterion.rated;
  const rows = flags.map((flag) =>
    h("tr", {}, h("td.num", {}, whole(flag.num_items)),
      h("td", {}, meanings.flags[flag.flag], h("span.soft", {}, `: ${flag.examples.join(", ")}${flag.num_items > flag.examples.length ? " …" : ""}`))));
  const text = headline.num_split
    ? `${counted(headline.num_split, "group falls", "groups fall")} apart into pieces without a comparison between them.`
    : "All clips of a group hang together over comparisons.";
  const table = rows.length
    ? h("table", {}, h("thead", {}, h("tr", {}, h("th.num", {}, "clips"), h("th", {}, "what is wrong"))), h("tbody", {}, rows))
    : null;
  return section("Who was compared with whom", criterion.advice.health, [h("p", {}, text), table]);
}

export function agreement(criterion) {
  const { rated } = criterion;
  const many = rated.num_repeated_pairs;
  const content = many
    ? h("div.figures", {},
        figure(percent(rated.pair_agreement), `how often two people agree, over ${counted(many, "pair")} that several judged`),
        figure(fixed(rated.alpha), "Krippendorff's alpha: 1 always, 0 as by chance"),
        figure(percent(rated.left_wins), "wins of the left clip where two are equal; ratings are freed of it"))
    : null;
  return section("Agreement", criterion.advice.agreement, content,
    many ? "Pairs of close clips, which are asked most, lower agreement." : "");
}

/** Rankings of all groups; `preview` is called with a clip. */
export function ranking(criterion, meanings, preview) {
  const { rated, advice } = criterion;
  const isOne = rated.groups.length === 1;
  const tables = rated.groups.map((group) => {
    const table = rankingTable(group, rated, meanings, preview);
    if (isOne) return table;
    const { reliability: figures } = group;
    return h("details.group", { "data-key": `group-${figures.group}` },
      h("summary", {}, figures.group || "no name",
        h("span.soft.small", {}, ` ${counted(figures.num_items, "clip")}, reliability ${fixed(figures.reliability)}${figures.is_enough ? ", enough" : ""}`)),
      table);
  });
  const hidden = rated.num_hidden_groups
    ? h("p.soft.small", {}, `${counted(rated.num_hidden_groups, "more reliable group")} in the export.`) : null;
  return section("Ranking", advice.ranking, [tables, hidden],
    "The dot is the rating, the bar its 90 % interval: of two clips that differ by 1 the better one wins 73 times in 100." +
    (isOne ? "" : " Each group has its own scale."));
}

function rankingTable(group, rated, meanings, preview) {
  const clips = [...group.top, ...group.bottom];
  const low = Math.min(...clips.map((clip) => clip.lower));
  const high = Math.max(...clips.map((clip) => clip.upper), low + 1e-6);
  const names = rated.levels.map((level) => level.name).reverse();
  const row = (clip) => rankingRow(clip, { low, high, names, meanings, preview });
  const gap = group.num_hidden
    ? [h("tr.gap", {}, h("td", { colspan: 6 }, `${counted(group.num_hidden, "clip")} between, in the export`))] : [];
  const head = ["", "clip", "", "rating", "level", "comparisons"].map((name, index) =>
    h("th", { class: index === 3 || index === 5 ? "num" : null, scope: "col" }, name || h("span.visually-hidden", {}, index ? "interval" : "rank")));
  const table = h("table.ranking", {}, h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, group.top.map(row), gap, group.bottom.map(row)));
  return h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Ranking" }, table);
}

function rankingRow(clip, { low, high, names, meanings, preview }) {
  const share = (value) => `${(100 * (value - low)) / (high - low)}%`;
  const level = names.indexOf(clip.level);
  const colour = level < 0 ? {} : levelColour(level, names.length);
  const width = `${(100 * (clip.upper - clip.lower)) / (high - low)}%`;
  return h("tr", {},
    h("td.rank", {}, clip.rank),
    h("td.item", {},
      h("button", { type: "button", class: "link", "data-key": `clip-${clip.clip}`, onclick: () => preview(clip) }, clip.take),
      clip.flags.map((flag) => h("span.flag", { title: meanings.flags[flag] }, flag.replaceAll("_", " ")))),
    h("td.track", {}, h("div.in", {},
      h("i", { class: `bar${level < 0 ? "" : " lv"}`, style: { left: share(clip.lower), width, ...colour } }),
      h("i.at", { style: { left: share(clip.rating) } }))),
    h("td.num.value", {}, h("strong", {}, fixed(clip.rating)), " ",
      h("span.soft.small", {}, `${fixed(clip.lower, 1)} to ${fixed(clip.upper, 1)}`)),
    h("td.level", {}, clip.level || h("span.soft", {}, "none"), " ",
      h("span.soft.small", {}, clip.level ? probability(clip.level_probability) : "")),
    h("td.num.count", {}, whole(clip.num_comparisons), h("span.unit", {}, " comparisons")));
}

// The organiser's live page: asks for the summary every few seconds and draws what has changed.

import { request, signInFromAddress } from "./api.js";
import { byId, h } from "./dom.js";
import { ago, clock } from "./figures.js";
import * as people from "./organiser_people.js";
import * as sections from "./organiser_sections.js";

const EVERY_MILLISECONDS = 4000;
const STATES = { open: "open", paused: "paused", closed: "closed" };

const drawn = new Map();
// By what has failed: "refresh", which the next good one takes back, or "change", which stays until
// the next change.
const problems = new Map();
const invitedHere = new Set(); // the summary knows them some seconds later
let summary = null;
let criterionId = null;
let timer = 0;

function say(text) {
  byId("spoken").textContent = text;
}

/** Draw a section when what it shows is new; focus and open details stay as they were. */
function draw(id, shown, build) {
  const place = byId(id);
  const signature = JSON.stringify(shown);
  if (drawn.get(id) === signature) return;
  drawn.set(id, signature);
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const opened = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  place.replaceChildren(...build().flat(2).filter((part) => part));
  for (const details of place.querySelectorAll("details")) {
    details.open = opened.has(details.dataset.key);
  }
  if (key) [...place.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)?.focus();
}

function preview(clip) {
  const video = byId("preview-video");
  byId("preview-title").textContent = clip.take;
  byId("preview-note").textContent = clip.note ? `“${clip.note}”` : "";
  video.src = `/clips/${encodeURIComponent(clip.clip)}`;
  byId("preview").showModal();
  video.play().catch(() => {});
}

/** Send a change, then show what became of it. */
async function change(path, body, said) {
  takeBackProblem("change");
  try {
    const answer = await request("POST", `/api/organiser/${path}`, body);
    say(said);
    await refresh();
    return answer;
  } catch (error) {
    showProblem("change", error);
    return null;
  }
}

function showProblem(source, error) {
  const lost = source === "change"
    ? "The server did not answer: look whether the change was made, and make it again if not."
    : `${error.message}${summary ? ` What you see is of ${clock(summary.as_of)}.` : ""}`;
  problems.set(source, error.isSignedOut || error.status === 403
    ? "This page needs an organiser's link: open the one that you were given, or make one with “proskill annotate invite CAMPAIGN --annotator NAME --organiser”."
    : error.status === 0 ? lost : error.message);
  drawProblems();
}

function takeBackProblem(source) {
  problems.delete(source);
  drawProblems();
}

function drawProblems() {
  const text = [...new Set(problems.values())].join(" ");
  // An alert that is written anew is read out anew.
  if (byId("problem").textContent !== text) byId("problem").textContent = text;
  byId("problem").hidden = !text;
}

function drawState() {
  const { state } = summary;
  byId("campaign").textContent = summary.name;
  document.title = `${summary.name} · proskill`;
  byId("state").textContent = STATES[state];
  byId("state").className = `chip ${state === "open" ? "ok" : "low"}`;
  byId("state").hidden = false;
  byId("state-buttons").hidden = false;
  byId("pause").hidden = state !== "open";
  byId("resume").hidden = state === "open";
  byId("resume").textContent = state === "closed" ? "Open again" : "Resume";
  byId("close").hidden = state === "closed";
}

function drawTabs() {
  const { criteria } = summary;
  if (!criteria.some((one) => one.id === criterionId)) criterionId = criteria[0].id;
  byId("criteria").hidden = criteria.length < 2;
  draw("criteria", [criteria.map((one) => [one.id, one.name]), criterionId], () =>
    criteria.map((one) =>
      h("button", { type: "button", "aria-pressed": String(one.id === criterionId), "data-key": `criterion-${one.id}`,
        onclick: () => { criterionId = one.id; drawAll(); } }, one.name)));
}

/** What the server could not work out, and when it tries again. */
function drawFailures() {
  const { failures, server_time: now } = summary;
  const sentence = ({ reason, at: failedAt, again_at: againAt }, what, meanwhile) => {
    const again = againAt > now ? `It is tried again at ${clock(againAt)}` : "It is being tried again now";
    return `${what} could not be worked out at ${clock(failedAt)}: ${reason}. ${again}; ${meanwhile}.`;
  };
  const shown = summary.pending ? "votes are counted all the same" : `what you see is of ${clock(summary.as_of)}`;
  const { figures, ratings } = failures;
  byId("failures").textContent = [
    figures ? sentence(figures, "New figures", shown) : "",
    ratings ? sentence(ratings, "New ratings for the choice of pairs", "pairs are chosen by the last ones") : "",
  ].filter(Boolean).join(" ");
  byId("failures").hidden = !figures && !ratings;
}

function drawAll() {
  drawState();
  drawFailures();
  byId("message").hidden = !summary.pending;
  byId("page").hidden = Boolean(summary.pending);
  if (summary.pending) {
    byId("message-text").textContent = summary.failures.figures
      ? "There are no figures yet; they appear here by themselves as soon as they could be worked out."
      : "The figures are being worked out; they appear here by themselves.";
    return;
  }
  drawTabs();
  const criterion = summary.criteria.find((one) => one.id === criterionId);
  const { rated } = criterion;
  const { meanings, advice } = summary;
  byId("fresh").textContent = `Figures of ${clock(summary.as_of)}, ` +
    (summary.failures.figures ? ago(summary.as_of, summary.server_time) : "kept up to date");
  draw("step", [summary.step, summary.counts, summary.activity.last_hour, rated?.headline], () => sections.step(summary, rated));
  draw("activity", [summary.activity, advice.activity], () => sections.activity(summary));
  const parts = {
    reliability: () => sections.reliability(criterion),
    comparisons: () => sections.comparisons(criterion),
    levels: () => sections.levels(criterion),
    health: () => sections.health(criterion, meanings),
    agreement: () => sections.agreement(criterion),
    ranking: () => sections.ranking(criterion, meanings, preview),
  };
  for (const [id, build] of Object.entries(parts)) {
    byId(id).hidden = !rated;
    if (rated) draw(id, criterion, build);
  }
  const now = summary.server_time ?? summary.as_of;
  const minute = Math.floor(now / 60);
  draw("annotators", [summary.annotators, advice.annotators, minute], () =>
    people.annotators(summary, now, (one, what) =>
      change(`annotators/${one.id}`, what, `${one.name} was changed.`)));
  draw("flags", [summary.flags, minute], () =>
    people.flags(summary, now, {
      preview,
      resolve: (flag, resolved) => change(`flags/${flag.id}`, { resolved }, "The report was changed."),
    }));
  byId("footer").textContent =
    "Ratings say what these annotators saw in these clips, and how sure that is. Export with “proskill annotate export CAMPAIGN --out DIR”.";
}

async function refresh() {
  clearTimeout(timer);
  try {
    summary = await request("GET", "/api/organiser/summary");
    takeBackProblem("refresh");
    drawAll();
  } catch (error) {
    if (!error.name?.includes("RequestError") && error.status === undefined) throw error;
    showProblem("refresh", error);
  } finally {
    if (!document.hidden) timer = setTimeout(refresh, EVERY_MILLISECONDS);
  }
}

function setState(state, said) {
  return change("state", { state }, said);
}

/** Whether a new link would end an older one; organisers' names are refused anyway. */
function hasLink(name) {
  const known = summary.annotators.find((one) => one.name === name);
  return known ? known.role === "annotator" && !known.is_revoked : invitedHere.has(name);
}

async function invite(event) {
  event.preventDefault();
  const name = byId("invite-name").value.trim().replace(/\s+/g, " "); // as the server writes it
  if (!name) return;
  if (hasLink(name) && !confirm(`${name} has a link already; it will stop working. Make a new one?`)) return;
  const answer = await change("annotators", { name }, `A link for ${name} was made.`);
  if (answer === null) return;
  invitedHere.add(name);
  byId("invited-for").textContent = `Link for ${name}; it is shown this once:`;
  byId("invited-link").value = answer.link;
  byId("invited").hidden = false;
  byId("invite").reset();
  byId("invited-link").select();
}

async function copyLink() {
  byId("invited-link").select();
  try {
    await navigator.clipboard.writeText(byId("invited-link").value);
    say("The link was copied.");
  } catch {
    document.execCommand("copy"); // where a page comes over plain HTTP
  }
}

byId("pause").addEventListener("click", () => setState("paused", "The campaign is paused."));
byId("resume").addEventListener("click", () => setState("open", "The campaign is open."));
byId("close").addEventListener("click", () => {
  if (confirm("Close the campaign? Annotators get no more pairs; it can be opened again.")) {
    setState("closed", "The campaign is closed.");
  }
});
byId("invite").addEventListener("submit", invite);
byId("copy-link").addEventListener("click", copyLink);
byId("preview").addEventListener("close", () => {
  byId("preview-video").pause();
  byId("preview-video").removeAttribute("src");
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});

try {
  await signInFromAddress();
  await refresh();
} catch (error) {
  showProblem("refresh", error);
}

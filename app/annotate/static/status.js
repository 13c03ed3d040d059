// What the page tells besides the pair: progress, whether answers are saved, passing notes.

import { answerText } from "./answers.js";
import { byId } from "./dom.js";

const TOAST_MILLISECONDS = 8000;

let toastTimer;

/** Say something to screen readers alone. */
export function say(text) {
  byId("spoken").textContent = text;
}

/** Show and say a note, which goes away by itself, or by `hideNote` when it `stays`. */
export function note(text, { stays = false } = {}) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  if (!stays) toastTimer = setTimeout(hideNote, TOAST_MILLISECONDS);
  say(text);
}

export function hideNote() {
  byId("toast").hidden = true;
}

/** Whether all answers are with the server; `error`: why not, after an attempt failed. */
export function showSaving(numKept, error) {
  const place = byId("saving");
  const answers = numKept === 1 ? "1 answer" : `${numKept} answers`;
  let [state, text] = ["saved", "All answers saved"];
  if (numKept > 0 && error === null) [state, text] = ["saving", "Saving…"];
  if (numKept > 0 && error !== null) {
    const why = error.status === 0 ? "No connection." : error.message;
    const how = error.isSignedOut ? "open your link again to send it." : "sent again by itself.";
    [state, text] = ["kept", `${why} ${answers} kept in this browser, ${how}`];
  }
  if (place.textContent === text) return;
  if (state === "kept" || place.dataset.state === "kept") say(text);
  place.dataset.state = state;
  place.textContent = text;
}

/** How far the annotator is; `done` counts kept answers, too. */
export function showProgress({ done, quota, practice_left: practiceLeft }) {
  byId("progress").hidden = false;
  const pairs = done === 1 ? "pair" : "pairs";
  let text = quota === null ? `${done} ${pairs} judged` : `${done} of ${quota} pairs`;
  if (practiceLeft > 0) text = `Practice, ${practiceLeft} to go`;
  byId("progress-text").textContent = text;
  const bar = byId("progress-bar");
  bar.hidden = quota === null || practiceLeft > 0;
  if (quota !== null) Object.assign(bar, { max: quota, value: done });
}

/** A line above the clips; null takes it away. `kind`: "practice", "changing". */
export function showBanner(text, kind) {
  const banner = byId("banner");
  banner.hidden = text === null;
  banner.dataset.kind = kind ?? "";
  banner.textContent = text ?? "";
}

/** A message in place of the clips, with a button when `again` is given. */
export function showMessage({ title, text }, again) {
  byId("work").hidden = true;
  byId("message").hidden = false;
  byId("message-title").textContent = title;
  byId("message-text").textContent = text;
  const button = byId("message-button");
  button.hidden = again === undefined;
  button.onclick = again ?? null;
  say(`${title}. ${text}`);
}

/** The clips in place of a message. */
export function showWork() {
  byId("work").hidden = false;
  byId("message").hidden = true;
}

/** Show `{is_right, answer, feedback}` of a practice pair in place of the answers; null: the answers again. */
export function showExplanation(feedback) {
  byId("explanation").hidden = feedback === null;
  byId("judge").hidden = feedback !== null;
  if (feedback === null) return;
  const expected = answerText({ answer: feedback.answer });
  byId("explanation").dataset.state = feedback.is_right ? "right" : "wrong";
  byId("explanation-title").textContent = feedback.is_right
    ? `As expected: ${expected}.`
    : `Expected was: ${expected}.`;
  byId("explanation-text").textContent = feedback.feedback;
  byId("continue").focus({ preventScroll: true });
  say(`${byId("explanation-title").textContent} ${feedback.feedback}`);
}

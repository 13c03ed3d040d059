// What the organiser expected of a practice pair, shown after its answer.

import { answerText } from "./answers.js";
import { say } from "./status.js";

const byId = (id) => document.getElementById(id);

/** Show `{is_right, answer, feedback}` in place of the answers; null: the answers again. */
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

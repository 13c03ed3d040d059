// The row of answers: one question after the other, each with its keys.

import { byId, h } from "./dom.js";
import { KEYS, keyName } from "./keys.js";

const STRENGTHS = ["a little", "clearly", "by far"];
const TEXTS = { left: "A is better", right: "B is better", tie: "Both are equal" };
const SAID = { ...TEXTS, skip: "cannot judge" };

/** How an answer is said: "A is better, clearly". */
export function answerText({ answer, strength }) {
  return strength ? `${SAID[answer]}, ${STRENGTHS[strength - 1]}` : SAID[answer];
}

/**
 * Asks the criteria of one pair in turn. Events: `complete` (detail `{answers}`, keyed by the id of
 * the criterion), `change` (an answer was given, more are open).
 */
export class Answers extends EventTarget {
  #criteria;
  #allowTie;
  #strength;
  #given = {};
  #previous = {};
  #asked = 0;
  #side = null; // the side whose strength is asked now
  #row = byId("answers");
  #list = byId("criteria");

  constructor({ criteria, settings }) {
    super();
    this.#criteria = criteria;
    this.#allowTie = settings.allow_tie;
    this.#strength = settings.strength;
    this.#list.hidden = criteria.length < 2;
  }

  /** Ask about a new pair; `previous`: the answers that are being changed. */
  begin(previous = {}) {
    this.#given = {};
    this.#previous = previous;
    this.#asked = 0;
    this.#side = null;
    this.#draw();
  }

  /** Criteria that have no answer yet. */
  get open() {
    return this.#criteria.filter(({ id }) => this.#given[id] === undefined);
  }

  /** The name of the criterion that is asked now. */
  get criterion() {
    return this.#criteria[this.#asked].name;
  }

  /** Take an action and its key: a side, "tie", or the number of a strength once it is asked. */
  take(action, key) {
    if (this.#side !== null) {
      const strength = Number(key);
      if (strength >= 1 && strength <= 3) this.#give({ answer: this.#side, strength });
    } else if (action === "strength") {
      return; // a strength without a side
    } else if (action === "tie") {
      if (this.#allowTie) this.#give({ answer: "tie" });
    } else if (this.#strength) {
      this.#side = action;
      this.#draw();
    } else {
      this.#give({ answer: action });
    }
  }

  /** No judgement: of the question asked now, or of all open ones. */
  skip({ whole }) {
    const asked = this.#criteria[this.#asked];
    for (const { id } of whole ? this.open : [asked]) this.#given[id] = { answer: "skip" };
    this.#goOn();
  }

  /** Go back within the pair; false when there is nowhere to go back to. */
  goBack() {
    if (this.#side !== null) this.#side = null;
    else if (this.#asked > 0) delete this.#given[this.#criteria[--this.#asked].id];
    else return false;
    this.#draw();
    return true;
  }

  #give(answer) {
    this.#given[this.#criteria[this.#asked].id] = answer;
    this.#goOn();
  }

  #goOn() {
    this.#side = null;
    const [next] = this.open;
    if (next === undefined) {
      this.dispatchEvent(new CustomEvent("complete", { detail: { answers: this.#given } }));
      return;
    }
    this.#asked = this.#criteria.indexOf(next);
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  #draw() {
    const question = byId("question");
    const letter = this.#side === "left" ? "A" : "B";
    question.textContent =
      this.#side === null
        ? `${capitalised(this.criterion)}: which is better?`
        : `How much better is ${letter}?`;
    const before = this.#previous[this.#criteria[this.#asked].id]?.answer;
    this.#row.replaceChildren(
      ...(this.#side === null ? this.#choices(before) : this.#strengths(letter)),
    );
    this.#list.replaceChildren(
      ...this.#criteria.map(({ id, name }, k) => {
        const given = this.#given[id];
        const look = { class: given && "given", "aria-current": k === this.#asked && "step" };
        return h("li", look, given ? `${name}: ${answerText(given)}` : name);
      }),
    );
  }

  #choices(before) {
    const actions = this.#allowTie ? ["left", "tie", "right"] : ["left", "right"];
    return actions.map((action) => {
      const { keys } = KEYS.find((row) => row.action === action);
      const side = { left: "side-a", tie: "side-none", right: "side-b" }[action];
      return newButton(side, TEXTS[action], keys, { "data-do": action }, action === before);
    });
  }

  #strengths(letter) {
    return STRENGTHS.map((text, k) => {
      const action = { "data-do": "strength", "data-key": k + 1 };
      const side = letter === "A" ? "side-a" : "side-b";
      return newButton(side, `${letter} is better, ${text}`, [String(k + 1)], action);
    });
  }
}

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function newButton(side, text, keys, action, isBefore = false) {
  return h(`button.answer.${side}`, { type: "button", "aria-keyshortcuts": keys.join(" "), ...action },
    h("span", {}, text),
    isBefore && h("small", {}, "your answer"),
    h("span.caps", {}, keys.map((key) => h("kbd", {}, keyName(key)))));
}

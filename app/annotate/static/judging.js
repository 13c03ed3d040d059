// One annotator's pairs: which is shown, when answers count, and what happens with an answer.

import { newToken, request } from "./api.js";
import { Answers, answerText } from "./answers.js";
import { askSkipReason, isDialogOpen } from "./dialogs.js";
import { byId } from "./dom.js";
import { Gate } from "./gate.js";
import { Outbox } from "./outbox.js";
import { Stage } from "./stage.js";
import {
  note, say, showBanner, showExplanation, showMessage, showProgress, showSaving, showWork,
} from "./status.js";
import { Transport } from "./transport.js";
import { joinWork, reasonForNothing } from "./work.js";

// Proxies of clips have 30 frames a second.
const FRAME_SECONDS = 1 / 30;
const LETTERS = { left: "A", right: "B" };
// Of this tab: token of the earlier answer that is being changed, which a reload goes on with.
const CHANGING_KEY = "proskill.changing";
const ASK_AGAIN_MILLISECONDS = 5000;
// A second press of the same key is no judgement of the pair that has just come.
const SETTLE_MILLISECONDS = 300;

export class Judging {
  #work;
  #settings;
  #answers;
  #outbox;
  #gate;
  #stage = new Stage(byId("stage"), { frame: FRAME_SECONDS });
  #answered; // leases that need no answer any more, even where a late word of the server differs
  #changing = null; // {entry, place}: the earlier answer that is being changed
  #practice = null; // token of the practice answer whose feedback is awaited or shown
  #reason = null;
  #since = 0; // when the pair came on the stage, seconds
  #failure = null;
  #timer = null;

  constructor(work) {
    this.#settings = work.campaign.settings;
    this.#answers = new Answers(work.campaign);
    this.#outbox = new Outbox(`${work.campaign.name}/${work.annotator.name}`);
    this.#answered = new Set(this.#outbox.entries.map(({ vote }) => vote.lease));
    this.#gate = new Gate(this.#stage, this.#settings.min_watched);
    this.transport = new Transport(this.#stage);
    this.#work = work;
    this.#answers.addEventListener("complete", ({ detail }) => this.#submit(detail.answers));
    this.#answers.addEventListener("change", () => this.#sayQuestion());
    this.#stage.addEventListener("shown", () => this.#prepareNext());
    this.#stage.addEventListener("broken", ({ detail }) => {
      note(`Clip ${LETTERS[detail.side]} does not play. Report it with X, then press S.`);
    });
    this.#listenToOutbox();
  }

  start() {
    this.#outbox.flush();
    const token = sessionStorage.getItem(CHANGING_KEY);
    const place = this.#joined.recent.findIndex((entry) => entry.token === token);
    if (place >= 0) this.#change(place);
    this.#show();
  }

  get pair() {
    return this.#stage.pair;
  }

  get hasPair() {
    return this.pair !== null && this.#practice === null;
  }

  get isExplaining() {
    return !byId("explanation").hidden;
  }

  /** Whether closing the page now would lose an answer. */
  get wouldLose() {
    return this.#outbox.entries.length > 0 && !this.#outbox.isDurable;
  }

  sendKept() {
    return this.#outbox.flush();
  }

  /** Take an answer by key or button, once enough of both clips was seen. */
  answer(action, key) {
    if (Date.now() / 1000 - this.#since < SETTLE_MILLISECONDS / 1000) return;
    const { missing } = this.#gate;
    if (missing !== null) {
      this.#gate.urge();
      say(`Not yet: ${missing}`);
      return;
    }
    this.#answers.take(action, key);
  }

  /** No judgement, with a reason. */
  async skip() {
    const { pair } = this;
    const answer = await askSkipReason({ numOpen: this.#answers.open.length });
    if (answer === null || this.pair !== pair) return;
    this.#reason = [this.#reason, answer.reason].filter(Boolean).join("; ");
    this.#answers.skip(answer);
  }

  /** Bring back the last answered pair to change its answer; again, the one before. */
  changeLast() {
    const place = this.#changing === null ? 0 : this.#changing.place + 1;
    if (this.#change(place)) return;
    note(place === 0 ? "There is no answer to change yet." : "No earlier answer can be changed.");
  }

  /** Back to the question before, or from an earlier pair to the one to be judged. */
  goBack() {
    if (this.#answers.goBack() || this.#changing === null) return;
    this.#endChange();
    this.#show();
  }

  /** On to the next pair after a practice pair was explained. */
  goOn() {
    this.#practice = null;
    showExplanation(null);
    this.#show();
  }

  /** Whether clips play that were not seen through yet. */
  get isWatching() {
    return this.hasPair && this.#gate.isWatching;
  }

  /** Stop the clips while the annotator is away; the pair may go to others. */
  rest() {
    if (this.pair === null) return;
    this.#stage.players.pause();
    note("The clips rest: nothing was touched for three minutes. Press space to play on; " +
      "after a while the pair may go to another annotator.", { stays: true });
  }

  /** Ask the server what there is to do. */
  async refresh() {
    clearTimeout(this.#timer);
    try {
      this.#take(await request("GET", "/api/work"));
      this.#outbox.flush();
    } catch (error) {
      if (error.isPassing) this.#askLater();
      else this.#askForLink(error);
    }
  }

  async keepLease() {
    const { current } = this.#work;
    if (!current || this.pair?.lease !== current.lease) return;
    try {
      await request("POST", `/api/leases/${current.lease}/keep`);
    } catch (error) {
      if (!error.isPassing) this.refresh();
    }
  }

  /** Show the answer so many places before the last one, which counts until there is a new one. */
  #change(place) {
    const entry = this.#joined.recent.slice(0, this.#settings.undo_depth)[place];
    if (entry === undefined) return false;
    this.#changing = { entry, place };
    sessionStorage.setItem(CHANGING_KEY, entry.token);
    this.#put(entry.pair, entry.answers);
    return true;
  }

  #endChange() {
    this.#changing = null;
    sessionStorage.removeItem(CHANGING_KEY);
  }

  get #joined() {
    return joinWork(this.#work, this.#outbox.entries, this.#answered);
  }

  #listenToOutbox() {
    const outbox = this.#outbox;
    outbox.addEventListener("change", () => showSaving(outbox.entries.length, this.#failure));
    outbox.addEventListener("waiting", ({ detail }) => {
      this.#failure = detail.error;
      showSaving(outbox.entries.length, detail.error);
      if (detail.error.isSignedOut) this.#askForLink(detail.error);
      else if (detail.error.body.progress) this.#take(detail.error.body);
      else this.#show();
    });
    outbox.addEventListener("sent", ({ detail: { entry, response } }) => {
      this.#failure = null;
      showSaving(outbox.entries.length, null);
      if (entry.vote.token === this.#practice) this.#explain(response.practice_feedback);
      this.#take(response);
    });
    outbox.addEventListener("refused", ({ detail: { entry, error } }) => {
      if (entry.vote.token === this.#practice) this.#practice = null;
      this.#answered.delete(entry.vote.lease);
      if (error.body.progress) this.#take(error.body);
      else this.refresh();
      note(`An answer was not counted. ${error.message}`);
    });
  }

  /** The server's newest word about what there is to do. */
  #take(work) {
    this.#work = { ...this.#work, reason: null, ...work };
    const lease = this.#changing === null ? this.pair?.lease : undefined;
    const isTaken = lease !== undefined && !this.#answered.has(lease);
    if (isTaken && work.current && work.current.lease !== lease && work.next?.lease !== lease) {
      note("The pair you looked at went back to the others. Here is the next one.");
    }
    this.#show();
  }

  #submit(answers) {
    const { pair } = this;
    const [watchedLeft, watchedRight] = this.#gate.shares;
    const { width, height } = screen;
    const vote = {
      token: newToken(),
      lease: pair.lease,
      answers,
      shown_at: this.#changing === null ? this.#gate.shownAt : this.#since,
      answered_at: Date.now() / 1000,
      watched_left: watchedLeft,
      watched_right: watchedRight,
      client: `${width}x${height} ${navigator.userAgent}`.slice(0, 300),
    };
    if (this.#reason !== null) vote.reason = this.#reason;
    if (this.#changing !== null) vote.revokes = this.#changing.entry.token;
    if (pair.practice && this.#changing === null) this.#practice = vote.token;
    this.#endChange();
    this.#answered.add(pair.lease);
    this.#outbox.add(vote, pair);
    this.#show();
  }

  /** Nothing goes on before the annotator's own link was opened again. */
  #askForLink(error) {
    this.#stage.clear();
    const kept = this.#outbox.entries.length > 0 ? " That sends the answers that are kept here." : "";
    const text = `${error.message} Open your own link again.${kept}`;
    showMessage({ title: "This page needs your link", text });
  }

  #explain(feedback) {
    if (feedback === undefined) this.#practice = null;
    else showExplanation(feedback);
  }

  /** Show what is to be judged now, unless an earlier pair or an explanation is on the page. */
  #show() {
    const kept = this.#outbox.entries;
    const { pairs, recent } = this.#joined;
    showSaving(kept.length, this.#failure);
    const newOnes = kept.filter(({ vote, pair }) => vote.revokes === undefined && !pair.practice);
    const { progress } = this.#work;
    showProgress({ ...progress, done: progress.done + newOnes.length });
    byId("undo").disabled = recent.length === 0;
    if (this.#changing !== null || this.#practice !== null) return;
    if (pairs.length > 0) {
      if (this.pair?.lease !== pairs[0].lease || byId("work").hidden) this.#put(pairs[0]);
      else this.#prepareNext();
      return;
    }
    this.#stage.clear();
    if (kept.length > 0) {
      showMessage({
        title: this.#failure === null ? "Saving your answers" : "Waiting for the server",
        text: "Your answers are kept in this browser. The next pair comes once they are saved.",
      });
      return;
    }
    const reason = reasonForNothing(this.#work.reason, progress);
    showMessage(reason);
    if (reason.again) this.#askLater();
  }

  /** Put a pair on the stage; `previous`: its answers, when they are being changed. */
  #put(pair, previous) {
    const changed = previous === undefined ? null : Object.values(previous).map(answerText);
    showWork();
    this.#since = Date.now() / 1000;
    this.#reason = null;
    this.#stage.show(pair);
    this.#answers.begin(previous);
    byId("keep").hidden = changed === null;
    if (changed !== null) {
      showBanner(`An earlier pair. Your answer: ${changed.join("; ")}. Answer anew to change it.`,
        "changing");
    } else if (pair.practice) {
      showBanner("A practice pair: it does not count, and you are told the expected answer.",
        "practice");
    } else showBanner(null);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.transport.begin({ plays: !isDialogOpen() && !calm && changed === null });
    this.#gate.show();
    this.#sayQuestion();
  }

  #prepareNext() {
    if (this.#changing !== null || !this.#stage.players.isReady) return;
    const { pairs } = this.#joined;
    const next = pairs.find(({ lease }) => lease !== this.pair?.lease);
    if (next !== undefined) this.#stage.prepare(next);
    this.#gate.show();
  }

  #sayQuestion() {
    this.#gate.show();
    say(`${byId("banner").textContent} ${byId("question").textContent}`.trim());
  }

  #askLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), ASK_AGAIN_MILLISECONDS);
  }
}

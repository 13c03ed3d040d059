// The annotator's page: signs in, then lets one judge pair after pair.

import { RequestError, actAs, request, signInFromAddress } from "./api.js";
import { askFlag, isDialogOpen, openGuideline, openHelp } from "./dialogs.js";
import { Judging } from "./judging.js";
import { byId } from "./dom.js";
import { listenToKeys } from "./keys.js";
import { Presence } from "./presence.js";
import { hideNote, note, showMessage } from "./status.js";

const TRY_AGAIN_MILLISECONDS = 5000;
const GUIDELINE_KEY = "proskill.guideline";
const KEYS_KEY = "proskill.keys";

/** Connects keys, buttons and dialogs with the judging of one annotator. */
class AnnotatorPage {
  #judging;
  #guideline;

  constructor(work) {
    this.#judging = new Judging(work);
    this.#guideline = work.campaign.guideline;
    byId("campaign").textContent = work.campaign.name;
    byId("person").textContent = work.annotator.name;
    document.title = `${work.campaign.name} · compare clips`;
    const keysOn = byId("keys-on");
    keysOn.checked = localStorage.getItem(KEYS_KEY) !== "off";
    keysOn.addEventListener("change", () => {
      localStorage.setItem(KEYS_KEY, keysOn.checked ? "on" : "off");
    });
    listenToKeys((action, event) => this.#act(action, event), { isOn: () => keysOn.checked });
    document.addEventListener("click", (event) => this.#click(event));
    this.#watchPresence();
  }

  async start() {
    const button = document.querySelector("button[data-do=guideline]");
    button.hidden = !this.#guideline;
    if (this.#guideline && localStorage.getItem(GUIDELINE_KEY) !== this.#guideline) {
      await openGuideline(this.#guideline);
      localStorage.setItem(GUIDELINE_KEY, this.#guideline);
    }
    this.#judging.start();
  }

  #click(event) {
    const button = event.target.closest("button[data-do]");
    if (button === null) return;
    // After a click with a pointer the space bar is the player's again, not the button's.
    if (event.detail > 0) button.blur();
    this.#act(button.dataset.do, event, button.dataset.key);
  }

  async #act(action, event, key = event.key) {
    const judging = this.#judging;
    if (action === "guideline") return this.#openGuideline();
    if (action === "help") return openHelp();
    if (judging.isExplaining) {
      if (action === "continue" || action === "play") judging.goOn();
      return undefined;
    }
    if (!judging.hasPair) return undefined;
    if (action === "flag") return this.#flag();
    if (action === "skip") return event.repeat ? undefined : judging.skip();
    if (action === "undo") return event.repeat ? undefined : judging.changeLast();
    if (action === "keep") return judging.goBack();
    if (["left", "right", "tie", "strength"].includes(action)) {
      return event.repeat ? undefined : judging.answer(action, key);
    }
    return judging.transport.act(action);
  }

  #openGuideline() {
    if (this.#guideline) openGuideline(this.#guideline);
  }

  async #flag() {
    const { pair } = this.#judging;
    const flag = await askFlag();
    if (flag === null) return;
    const { side, reason, note: words } = flag;
    try {
      await request("POST", "/api/flags", { clip: pair[side].clip, reason, note: words });
      note("Reported to the organiser. Press S if the pair cannot be judged.");
    } catch (error) {
      note(`The report was not sent: ${error.message}`);
    }
  }

  #watchPresence() {
    const presence = new Presence(() => this.#judging.isWatching);
    presence.addEventListener("keep", () => this.#judging.keepLease());
    presence.addEventListener("back", () => this.#judging.refresh());
    presence.addEventListener("away", () => this.#judging.rest());
    presence.addEventListener("woken", () => hideNote());
    presence.addEventListener("tired", () => {
      note("You have judged for 45 minutes. A short break keeps the eye fresh.");
    });
    addEventListener("online", () => this.#judging.sendKept());
    addEventListener("hashchange", () => location.reload());
    addEventListener("beforeunload", (event) => {
      if (this.#judging.wouldLose) event.preventDefault();
    });
  }
}

async function open() {
  try {
    await signInFromAddress();
    const work = await request("GET", "/api/work");
    actAs(work.annotator.id);
    const page = new AnnotatorPage(work);
    await page.start();
  } catch (error) {
    if (!(error instanceof RequestError)) {
      showUnexpected(error);
      return;
    }
    const title = error.isPassing ? "The server cannot be reached" : "This page needs your link";
    const text = error.isSignedOut
      ? `${error.message} Open the link that the organiser sent you.`
      : error.message;
    showMessage({ title, text }, () => location.reload());
    if (error.isPassing && !isDialogOpen()) setTimeout(open, TRY_AGAIN_MILLISECONDS);
  }
}

/** Any other failure: an empty page would leave its annotator without a word. */
function showUnexpected(error) {
  console.error(error);
  const text = `${cause(error)} Then try again; if this stays, show this page to the organiser.`;
  showMessage({ title: "This page could not start", text }, () => location.reload());
}

function cause(error) {
  if (error.name === "SecurityError") {
    return "The browser forbids this site to keep data, which answers need: allow it here.";
  }
  return `The browser says: “${error.message}”. Update the browser, or take another one.`;
}

open();

// What opens over the page: guideline, keys, why a pair cannot be judged, a report about a clip.

import { byId, h } from "./dom.js";
import { KEYS, keyName } from "./keys.js";

const SKIP_REASONS = [
  "The clips do not show the same activity",
  "The performance cannot be seen well enough",
  "A clip is broken or too short",
  "I know the person",
];

/** Whether one is open. */
export function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}

/** Show a dialog; the promise holds the value of the button that closed it ("" after Esc). */
function open(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Show a guideline: paragraphs, lines beginning with `#` as headings and with `-` as a list. */
export function openGuideline(text) {
  byId("guideline-text").replaceChildren(...blocks(text));
  return open(byId("guideline-dialog"));
}

/** Show what each key does. */
export function openHelp() {
  const rows = KEYS.map(({ keys, text }) =>
    h("div", {}, h("dt", {}, keys.map((key) => h("kbd", {}, keyName(key)))), h("dd", {}, text)));
  byId("help-keys").replaceChildren(...rows);
  return open(byId("help-dialog"));
}

/**
 * Why a pair cannot be judged: `{reason, whole}` or null. `numOpen`: how many questions are open;
 * `whole`: it goes for all of them.
 */
export async function askSkipReason({ numOpen }) {
  const dialog = byId("skip-dialog");
  const buttons = SKIP_REASONS.map((reason, k) =>
    h("button", { value: k }, h("kbd", {}, k + 1), ` ${reason}`));
  byId("skip-reasons").replaceChildren(...buttons);
  byId("skip-whole-line").hidden = numOpen < 2;
  byId("skip-whole").checked = true;
  const other = byId("skip-other");
  other.value = "";
  const press = (event) => {
    // The dialog may be closed when the page sees the key, which would then be an answer.
    event.stopPropagation();
    if (event.target === other) {
      if (event.key === "Enter") {
        event.preventDefault();
        dialog.close("other");
      }
    } else buttons[Number(event.key) - 1]?.click();
  };
  dialog.addEventListener("keydown", press);
  const answer = await open(dialog);
  dialog.removeEventListener("keydown", press);
  if (answer === "" || answer === "cancel") return null;
  const reason = answer === "other" ? other.value.trim() : SKIP_REASONS[Number(answer)];
  return { reason: reason || "no reason given", whole: byId("skip-whole").checked };
}

/** What is wrong with which clip: `{side, reason, note}` or null. */
export async function askFlag() {
  const dialog = byId("flag-dialog");
  byId("flag-note").value = "";
  if ((await open(dialog)) !== "send") return null;
  const chosen = (name) => dialog.querySelector(`input[name=${name}]:checked`).value;
  const note = byId("flag-note").value.trim();
  return { side: chosen("flag-side"), reason: chosen("flag-reason"), note: note || null };
}

function blocks(text) {
  const made = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    const [, mark, words] = /^(#+\s|[-*]\s)?(.*)$/.exec(line);
    if (words === "") {
      made.push(null);
    } else if (mark?.startsWith("#")) {
      made.push(h("h3", {}, words));
    } else if (mark !== undefined) {
      if (made.at(-1)?.tagName !== "UL") made.push(h("ul"));
      made.at(-1).append(h("li", {}, words));
    } else if (made.at(-1)?.tagName === "P") {
      made.at(-1).textContent += ` ${words}`;
    } else {
      made.push(h("p", {}, words));
    }
  }
  return made.filter((block) => block !== null);
}

// Which key does what. The help lists this table, so that it cannot tell anything else.

/** Actions with their keys (as `KeyboardEvent.key`) and what they do. */
export const KEYS = [
  { action: "left", keys: ["1", "ArrowLeft"], text: "A is better" },
  { action: "right", keys: ["2", "ArrowRight"], text: "B is better" },
  { action: "tie", keys: ["0", "="], text: "Both are equal" },
  { action: "strength", keys: ["3"], text: "By far, where 1, 2 and 3 are how much better" },
  { action: "skip", keys: ["s"], text: "Cannot judge, with a reason" },
  { action: "undo", keys: ["u"], text: "Change the last answer; again for the one before" },
  { action: "keep", keys: ["Escape"], text: "Leave an answer as it was; go back a step" },
  { action: "play", keys: [" ", "k"], text: "Play or pause" },
  { action: "step-back", keys: [","], text: "One frame back" },
  { action: "step-forward", keys: ["."], text: "One frame on" },
  { action: "seek-back", keys: ["j"], text: "One second back" },
  { action: "seek-forward", keys: ["l"], text: "One second on" },
  { action: "restart", keys: ["Home"], text: "From the start" },
  { action: "slower", keys: ["<"], text: "Slower" },
  { action: "faster", keys: [">"], text: "Faster" },
  { action: "range-start", keys: ["["], text: "The played range starts here" },
  { action: "range-end", keys: ["]"], text: "The played range ends here" },
  { action: "range-clear", keys: ["c"], text: "Play the whole clips" },
  { action: "loop", keys: ["r"], text: "Play again and again, or once" },
  { action: "solo-left", keys: ["q"], text: "Play A alone, or both again" },
  { action: "solo-right", keys: ["e"], text: "Play B alone, or both again" },
  { action: "view", keys: ["v"], text: "Side by side, or in the same place" },
  { action: "flip", keys: ["f"], text: "In the same place: show the other clip" },
  { action: "flag", keys: ["x"], text: "Report a clip" },
  { action: "guideline", keys: ["g"], text: "Guideline" },
  { action: "help", keys: ["?"], text: "Keys" },
];

const NAMES = { ArrowLeft: "←", ArrowRight: "→", " ": "space", Escape: "Esc" };
const BY_KEY = new Map(KEYS.flatMap(({ action, keys }) => keys.map((key) => [key, action])));

/** How a key is written on the page. */
export function keyName(key) {
  return NAMES[key] ?? key.toUpperCase();
}

/**
 * Call `act(action, event)` for keys anywhere on the page but where text is typed or a control
 * needs the key itself.
 */
export function listenToKeys(act, { isOn }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = BY_KEY.get(key);
    if (action === undefined || belongsToControl(event.target, key)) return;
    if (key.length === 1 && key !== " " && !isOn()) return;
    event.preventDefault();
    act(action, event);
  });
}

function belongsToControl(target, key) {
  if (target.matches("input[type=text], textarea, select")) return true;
  if (target.matches("input[type=range]")) return key.startsWith("Arrow") || key === "Home";
  return target.matches("button") && key === " ";
}

// Numbers and times as people read them.

const NONE = "–";
const NO_BREAK = "\u00a0";

export function isKnown(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function fixed(value, digits = 2) {
  return isKnown(value) ? value.toFixed(digits).replace("-", "−") : NONE;
}

export function percent(value) {
  return isKnown(value) ? `${Math.round(100 * value)}${NO_BREAK}%` : NONE;
}

/** A probability: never rounded to certain. */
export function probability(value) {
  if (!isKnown(value)) return NONE;
  if (value >= 0.995) return `>${NO_BREAK}99${NO_BREAK}%`;
  return value < 0.005 ? `<${NO_BREAK}1${NO_BREAK}%` : percent(value);
}

export function whole(value) {
  return isKnown(value) ? value.toLocaleString("en") : NONE;
}

export function counted(number, one, many = `${one}s`) {
  return `${whole(number)} ${number === 1 ? one : many}`;
}

/** A forecast, rounded up to the two digits that it is good for. */
export function about(number) {
  const unit = 10 ** Math.max(String(number).length - 2, 0);
  return whole(Math.ceil(number / unit) * unit);
}

export function clock(seconds) {
  return new Date(1000 * seconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function day(seconds) {
  return new Date(1000 * seconds).toLocaleDateString([], { day: "numeric", month: "short" });
}

/** How long ago something was. */
export function ago(seconds, now) {
  const past = Math.max(now - seconds, 0);
  if (past < 90) return "just now";
  if (past < 5400) return `${Math.round(past / 60)} min ago`;
  if (past < 129600) return `${Math.round(past / 3600)} h ago`;
  return counted(Math.round(past / 86400), "day") + " ago";
}

/** A width in time, such as of a chart's bars. */
export function span(seconds) {
  if (seconds < 3600) return `${seconds / 60} minutes`;
  if (seconds === 3600) return "an hour";
  return seconds < 86400 ? `${seconds / 3600} hours` : "a day";
}

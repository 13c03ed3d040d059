// Building DOM from values. Text is only ever set as text, so that no name can become markup.

/** An element: h("button.primary", {onclick, disabled}, "Text", child, ...). */
export function h(form, attributes = {}, ...children) {
  const [tag, ...classes] = form.split(".");
  const node = document.createElement(tag);
  node.className = classes.join(" ");
  return fill(node, attributes, children);
}

/** The same for SVG: s("line.axis", {x1, y1, x2, y2}). */
export function s(form, attributes = {}, ...children) {
  const [tag, ...classes] = form.split(".");
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  return fill(node, attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && !(node instanceof SVGElement)) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** "about 12 s left", "about 2 min left", or nothing. */
export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** 75.25 -> "1:15.3", 3.5 -> "3.5 s". */
export function clock(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
}

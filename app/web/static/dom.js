// Elements made from plain values. Text is only ever set as text, so that no name can become markup.

/** The element of the page that has this id. */
export const byId = (id) => document.getElementById(id);

/** An element: h("button.primary", {onclick, disabled, style: {width: "1em"}}, "Text", child, ...). */
export function h(form, attributes = {}, ...children) {
  const [tag, ...classes] = form.split(".");
  return fill(document.createElement(tag), classes, attributes, children);
}

/** The same for SVG: s("line.axis", {x1, y1, x2, y2}). */
export function s(form, attributes = {}, ...children) {
  const [tag, ...classes] = form.split(".");
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), classes, attributes, children);
}

function fill(node, classes, { style = {}, ...attributes }, children) {
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && !(node instanceof SVGElement)) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const [name, value] of Object.entries(style)) node.style.setProperty(name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

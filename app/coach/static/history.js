// <coach-history>: whether sessions are kept, which ones, and how to forget them.
//
// Sends "opened", "switch" {what, keep_days}, "keep" {what, alias}, "choose" {alias}, "forget" {what, alias, id}.

import { h } from "./dom.js";
import { onShown } from "./page.js";

const STATUS = { ok: "assessed", low_confidence: "unsure", abstained: "not assessable" };

class CoachHistory extends HTMLElement {
  connectedCallback() {
    if (this.body) return;
    this.send ??= () => {};
    this.body = h("div");
    this.append(this.body);
    onShown(this, () => this.send("opened", { alias: this.alias ?? "" }));
  }

  show(value) {
    if (!value || !this.body) return;
    this.alias = value.alias;
    const { message, ...rest } = value;
    const content = JSON.stringify(rest);
    if (content !== this.content) this.build(value); // else what is being typed or asked stays
    this.content = content;
    this.message.textContent = message;
    this.message.hidden = !message;
  }

  build(value) {
    this.message = h("p.done", { role: "status" });
    this.body.replaceChildren(h("section.card", {}, h("h2", {}, "History"), this.about(value), this.message, this.switch(value)),
      ...(value.is_on ? [this.keep(value), this.kept(value)] : []));
  }

  about({ is_on: isOn, keep_days: days }) {
    return h("p.soft", {}, isOn
      ? `On. Answers that you keep stay ${days} days on the machine that serves this page, under an alias, then they delete themselves. `
        + "Videos and file names are never kept, and nothing is sent anywhere."
      : "Off: an answer is gone when you close the page. Switched on, you may keep answers under an alias to see whether an athlete changes. "
        + "They stay on the machine that serves this page, without videos and file names, and delete themselves. "
        + "Use an alias that says nothing to others; for minors, ask those who answer for them.");
  }

  switch({ is_on: isOn, keep_days: days, choices }) {
    if (!choices) return null;
    const keep = h("select", { "aria-label": "How long sessions are kept", onchange: () => isOn && this.send("switch", { what: "on", keep_days: Number(keep.value) }) },
      ...choices.map((each) => h("option", { value: each, selected: each === (days ?? 90) }, `keep for ${each} days`)));
    return h("div.row", {}, keep, isOn
      ? this.sure("Switch off and delete everything", () => this.send("switch", { what: "off" }))
      : h("button.primary", { type: "button", onclick: () => this.send("switch", { what: "on", keep_days: Number(keep.value) }) }, "Switch on"));
  }

  keep(value) {
    if (!value.can_keep) return h("section.card", {}, h("h2", {}, "Keep an answer"), h("p.soft", {}, "Score a performance first."));
    const alias = h("input", { "aria-label": "Alias", type: "text", maxLength: value.max_letters, value: value.alias, autocomplete: "off", placeholder: "alias, such as blue 7" });
    alias.setAttribute("list", "coach-aliases");
    const names = h("datalist", { id: "coach-aliases" }, value.aliases.map(([name]) => h("option", { value: name })));
    const keep = () => this.send("keep", { what: "keep", alias: alias.value });
    alias.addEventListener("keydown", (event) => { if (event.key === "Enter") keep(); });
    return h("section.card", {}, h("h2", {}, "Keep this answer"),
      value.is_kept ? h("p.soft", {}, `The answer on this page is kept under ${value.alias}.`) : null,
      h("div.row", {}, alias, names, h("button.primary", { type: "button", onclick: keep }, "Keep under this alias")));
  }

  kept({ aliases, alias, sessions }) {
    if (!aliases.length) return h("section.card", {}, h("h2", {}, "Kept sessions"), h("p.soft", {}, "None."));
    const athlete = h("select", { "aria-label": "Athlete", onchange: () => this.send("choose", { alias: athlete.value }) },
      ...aliases.map(([name, count]) => h("option", { value: name, selected: name === alias }, `${name} (${count})`)));
    return h("section.card", {}, h("h2", {}, "Kept sessions"),
      h("div.row", {}, athlete,
        this.sure(`Delete ${alias}`, () => this.send("forget", { what: "athlete", alias })),
        aliases.length > 1 ? this.sure("Delete all athletes", () => this.send("forget", { what: "all" })) : null),
      h("ul.sessions", {}, sessions.map((session) => this.session(session, alias))));
  }

  session({ id, at, status, level, score, top, views, checkpoint }, alias) {
    return h("li", {},
      h("div", {}, h("strong", {}, level ?? "No level"),
        score === null ? "" : ` ${score.toFixed(2)} of ${top}`, " ", h(`span.chip.${status}`, {}, STATUS[status]),
        h("div.soft.small", {}, `${new Date(at).toLocaleString()} · ${views.join(", ")} · ${checkpoint}`)),
      this.sure("Delete", () => this.send("forget", { what: "session", id, alias }), "small"));
  }

  /** A button that asks once more in place before it does what cannot be undone. */
  sure(text, then, size = "") {
    const button = h(`button.danger${size && `.${size}`}`, { type: "button", onclick: () => {
      if (button.dataset.asked) { then(); return; }
      button.dataset.asked = "yes";
      button.textContent = "Really? Press again";
      setTimeout(() => { delete button.dataset.asked; button.textContent = text; }, 4000);
    } }, text);
    return button;
  }
}

customElements.define("coach-history", CoachHistory);

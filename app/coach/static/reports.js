// <coach-reports>: a button for each format; the file is saved as soon as it is written.
//
// Sends "wanted" {suffix}.

import { h } from "./dom.js";

class CoachReports extends HTMLElement {
  connectedCallback() {
    this.send ??= () => {};
    this.saved ??= "";
  }

  show(value) {
    this.replaceChildren();
    if (!value) return;
    const buttons = value.formats.map(([suffix, label]) =>
      h("button", { type: "button", disabled: Boolean(value.busy), onclick: () => this.send("wanted", { suffix }) },
        value.busy === suffix ? "Writing…" : label));
    const said = h("span.soft.small", { role: "status" });
    if (value.url) {
      const link = h("a", { href: value.url, download: value.name }, value.name);
      said.append("Saved as ", link);
      if (this.saved !== value.url) setTimeout(() => link.click());
      this.saved = value.url;
    } else if (value.message) {
      said.append(value.message);
    }
    this.append(h("div.row.reports", {}, h("strong.small", {}, "Report to keep"), ...buttons, said));
  }
}

customElements.define("coach-reports", CoachReports);

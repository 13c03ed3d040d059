// <coach-player>: all views side by side on one clock, and the timeline that moves them.

import { clock, h } from "./coach_dom.js";

class CoachPlayer extends HTMLElement {
  connectedCallback() {
    this.send ??= () => {};
  }
  show(value) {
    this.value = value;
    this.replaceChildren();
    if (!value) return;
    this.append(h("p", {}, `${value.views.length} views`));
  }
}

customElements.define("coach-player", CoachPlayer);
